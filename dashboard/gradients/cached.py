"""Cached computations of the page Gradients: measured estimators, and passes through a network.

All estimators at one (mean, std) are measured at once, for every M; their histograms, half of the work, for
the M in view alone. The noise has a fixed seed: the same controls show the same numbers.
"""

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard import cached as cache
from dashboard.caching import cached
from dashboard.gradients.measured import Cost, Histograms, Measured, histograms, measured, seconds_per_z
from dashboard.gradients.network_pass import Pass, pass_of
from dashboard.subject import Subject, dataset
from vae_core.config import Activation, EncoderHead, Likelihood, ModelConfig

if TYPE_CHECKING:
    from torch import Tensor

    from vae_core.labs.gradients.backward import Slip
    from vae_core.labs.gradients.estimators import Samples
    from vae_core.labs.gradients.exact import ExampleElbo, OneLine, Truth
    from vae_core.model import VAE

Array = NDArray[np.float64]
FUNCTION_SAMPLES: Final = 2**16
MIN_SAMPLES: Final = 2**12
_SAMPLES_TIMES_PRODUCTS: Final = 2**29
"""Samples of z times products of a weight in the decoder: about half a second."""
_NUM_STDS: Final = 40
_SWEEP_NODES: Final = 33
_TIMED: Final = 4096
SMALL_SHAPE: Final = (2, 2)
SMALL_HIDDEN: Final = 3


class Sweep(NamedTuple):
    """The expectation over std, shape (n,), with z = mean + std eps and with z = mean + std^2 eps."""

    stds: Array
    values: Array
    squared_values: Array


def functions() -> "dict[str, OneLine]":
    """The one-line functions by their formula, which is also their id."""
    from vae_core.labs.gradients.exact import ONE_LINE

    return {function.formula: function for function in ONE_LINE}


@cached()
def function(formula: str, mean: float, std: float) -> Measured:
    """All estimators of the gradient of E[f(z)] for a one-line function."""
    from vae_core.labs.gradients.exact import closed_form

    place = _place(mean, std)
    truth, squared = (closed_form(functions()[formula], *place, squared=wrong) for wrong in (False, True))
    return measured(_function_samples(formula, mean, std), truth, squared, 0)


@cached()
def function_histograms(formula: str, mean: float, std: float, count: int) -> Histograms:
    """Of the estimates with M = ``count``."""
    return histograms(_function_samples(formula, mean, std), 0, count)


# 3 MB each; of other places than the last ones the measurements are kept, which is all that is asked for.
@cached(most=8)
def _function_samples(formula: str, mean: float, std: float) -> "Samples":
    import torch

    from vae_core.labs.gradients.estimators import draw_samples

    expectation, noise = functions()[formula].expectation(), torch.Generator().manual_seed(0)
    return draw_samples(expectation, *_place(mean, std), num_samples=FUNCTION_SAMPLES, generator=noise)


def _place(mean: float, std: float) -> "tuple[Tensor, Tensor]":
    import torch

    return torch.tensor([mean], dtype=torch.float64), torch.tensor([std], dtype=torch.float64)


@cached()
def function_sweep(formula: str, mean: float) -> Sweep:
    """E[f(z)] over std, for both standard deviations of z."""
    import torch

    from vae_core.labs.gradients.exact import closed_form

    stds = torch.linspace(0.02, 2.0, 100, dtype=torch.float64)[:, None]
    means = torch.full_like(stds, mean)
    right, wrong = (
        closed_form(functions()[formula], means, stds, squared=squared).value for squared in (False, True)
    )
    return Sweep(stds[:, 0].numpy(), right.numpy(), wrong.numpy())


@cached()
def function_cost(formula: str) -> Cost:
    """Of f and of its derivative."""
    import torch

    return seconds_per_z(functions()[formula].expectation(), torch.zeros(_TIMED, 1, dtype=torch.float64))


@cached("Measuring the estimators …")
def example(subject: Subject, index: int, dim: int) -> Measured:
    """All estimators of the gradient of a held-out example's ELBO, in one latent dimension."""
    samples, truth, squared = _example_samples(subject, index)
    return measured(samples, truth, squared, dim)


@cached()
def example_histograms(subject: Subject, index: int, dim: int, count: int) -> Histograms:
    """Of the estimates with M = ``count``."""
    return histograms(_example_samples(subject, index)[0], dim, count)


@cached()
def _example_samples(subject: Subject, index: int) -> "tuple[Samples, Truth, Truth | None]":
    import torch

    from vae_core.evidence.exact import MAX_EXACT_DIMS
    from vae_core.labs.gradients.estimators import draw_samples
    from vae_core.labs.gradients.exact import quadrature, sampled_gradient

    found, count, seed = _expectation(subject, index), num_samples(subject), subject.config.seed
    noise, more_noise = (torch.Generator().manual_seed(number) for number in (seed, seed + 1))
    mean, std = found.mean.float(), found.std.float()
    samples = draw_samples(found.expectation, mean, std, num_samples=count, generator=noise)
    if len(mean) > MAX_EXACT_DIMS:
        truth = sampled_gradient(found.expectation, mean, std, num_samples=2 * count, generator=more_noise)
        return samples, truth, None
    truth, squared = (
        quadrature(found.exact, found.mean, found.std, squared=wrong) for wrong in (False, True)
    )
    return samples, truth, squared


def num_samples(subject: Subject) -> int:
    """Samples of z for one example: fewer for a large decoder, so that each takes about as long."""
    products = sum(subject.config.model.decoder_products)
    return max(MIN_SAMPLES, min(FUNCTION_SAMPLES, 2 ** int(np.log2(_SAMPLES_TIMES_PRODUCTS / products))))


@cached()
def example_sweep(subject: Subject, index: int, dim: int) -> Sweep:
    """A held-out example's ELBO over the std of one latent dimension (J <= 2), for both deviations of z."""
    import torch

    from vae_core.labs.gradients.exact import expected_value

    found = _expectation(subject, index)
    top = max(1.5, 1.5 * float(found.std[dim]))
    grid = torch.logspace(np.log10(0.03), np.log10(top), _NUM_STDS, dtype=torch.float64)
    stds = found.std.repeat(_NUM_STDS, 1)
    stds[:, dim] = grid
    right, wrong = (
        torch.stack(
            [
                expected_value(found.exact, found.mean, std, num_nodes=_SWEEP_NODES, squared=squared)
                for std in stds
            ]
        )
        for squared in (False, True)
    )
    return Sweep(grid.numpy(), right.numpy(), wrong.numpy())


@cached()
def example_cost(subject: Subject) -> Cost:
    """Of log p(x|z) and of its derivative by z."""
    import torch

    found = _expectation(subject, 0)
    return seconds_per_z(found.expectation, torch.zeros(_TIMED, len(found.mean)))


def _expectation(subject: Subject, index: int) -> "ExampleElbo":
    import torch

    from vae_core.labs.gradients.exact import example_elbo

    return example_elbo(subject.model, torch.from_numpy(cache.encoded(subject).x[index]))


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallNetwork:
    """An untrained network that is drawn whole: digits in four pixels, three hidden units, J = 2.

    Arguments:
        activation, head, likelihood: Its parts; a Gaussian has s = 1.
        seed: Draws its weights.
    """

    activation: Activation = "tanh"
    head: EncoderHead = "log_variance"
    likelihood: Likelihood = "bernoulli"
    seed: int = 0


@cached()
def small_model(network: SmallNetwork) -> "VAE":
    """The network, in float64."""
    import torch

    from vae_core.model import VAE

    config = ModelConfig(
        data_dim=SMALL_SHAPE[0] * SMALL_SHAPE[1],
        hidden_dims=(SMALL_HIDDEN,),
        activation=network.activation,
        initial_weights="he",  # small outputs would have small numbers everywhere to look at
        encoder_head=network.head,
        likelihood=network.likelihood,
    )
    return VAE(config, generator=torch.Generator().manual_seed(network.seed)).double()


def digits() -> NDArray[np.float32]:
    """Held-out digits of 8 x 8 pixels, shape (n, 64)."""
    return dataset("digits", 0, None).x_test[:].numpy()


def four_pixels(index: int) -> Array:
    """A digit's mean over each quarter, shape (4,), row by row."""
    return digits()[index].astype(np.float64).reshape(2, 4, 2, 4).mean((1, 3)).reshape(-1)


@cached()
def small_pass(
    network: SmallNetwork,
    index: int,
    noise: int,
    slip: "Slip | None",
    num_samples: int = 1,
    sample: int = 0,
) -> Pass:
    """The pass of one digit through the small network, with C samples, of which one is shown."""
    import torch

    x = torch.from_numpy(four_pixels(index))
    return pass_of(small_model(network), x, noise, slip, SMALL_SHAPE, num_samples=num_samples, sample=sample)


@cached()
def _exact_model(subject: Subject) -> "VAE":
    return copy.deepcopy(subject.model).double()


@cached()
def run_pass(
    subject: Subject,
    index: int,
    noise: int,
    slip: "Slip | None",
    beta: float,
    num_samples: int = 1,
    sample: int = 0,
) -> Pass:
    """The pass of a held-out example through a trained model, in float64 and with its KL weighted by beta."""
    import torch

    x = torch.from_numpy(cache.encoded(subject).x[index]).double()
    # A layer of three colours is drawn as any other layer.
    sides = subject.image_shape or ()
    shape = (sides[0], sides[1]) if len(sides) == 2 else None
    return pass_of(
        _exact_model(subject), x, noise, slip, shape, beta=beta, num_samples=num_samples, sample=sample
    )
