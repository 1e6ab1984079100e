"""Cached passes forward and back through a network, for one datum: by hand, and automatic."""

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.gradients.back_propagation_pass import Pass, pass_of
from dashboard.subject import BY_DIGEST, Split, Subject, dataset
from vae_core.config import Activation, EncoderHead, Likelihood, ModelConfig

if TYPE_CHECKING:
    from vae_core.labs.gradients.backward import Slip
    from vae_core.model import VAE

Array = NDArray[np.float64]
SMALL_SHAPE: Final = (2, 2)
SMALL_HIDDEN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallNetwork:
    """A network that is drawn whole, with new weights: digits in four pixels, three hidden units, J = 2.

    Arguments:
        activation, head, likelihood: Its parts; a Gaussian has s = 1, as in the source document.
        seed: Draws its weights.
    """

    activation: Activation = "tanh"
    head: EncoderHead = "log_variance"
    likelihood: Likelihood = "bernoulli"
    seed: int = 0


@st.cache_resource(max_entries=32, show_spinner=False)
def _small_model(network: SmallNetwork) -> "VAE":
    import torch

    from vae_core.model import VAE

    config = ModelConfig(
        data_dim=SMALL_SHAPE[0] * SMALL_SHAPE[1],
        hidden_dims=(SMALL_HIDDEN,),
        activation=network.activation,
        encoder_head=network.head,
        likelihood=network.likelihood,
    )
    return VAE(config, generator=torch.Generator().manual_seed(network.seed)).double()


def digits() -> NDArray[np.float32]:
    """Held-out digits of 8 x 8 pixels, shape (n, 64)."""
    return dataset("digits", 0, None).x_test.numpy()


def four_pixels(index: int) -> Array:
    """A digit's mean over each quarter, shape (4,), row by row."""
    return digits()[index].astype(np.float64).reshape(2, 4, 2, 4).mean((1, 3)).reshape(-1)


@st.cache_resource(max_entries=256, show_spinner=False)
def small_pass(network: SmallNetwork, index: int, noise: int, slip: "Slip | None") -> Pass:
    """The pass of one digit through the small network."""
    import torch

    return pass_of(_small_model(network), torch.from_numpy(four_pixels(index)), noise, slip, SMALL_SHAPE)


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs=BY_DIGEST)
def _exact_model(shown: Subject) -> "VAE":
    return copy.deepcopy(shown.model).double()


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=BY_DIGEST)
def run_pass(shown: Subject, split: Split, index: int, noise: int, slip: "Slip | None", beta: float) -> Pass:
    """The pass of one datum through a trained model, with its weights as float64 and its KL weighted."""
    x = shown.examples(split)[0][index].double()
    return pass_of(_exact_model(shown), x, noise, slip, shown.image_shape, beta=beta)
