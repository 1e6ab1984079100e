"""Cached measurements of gradient estimators: of a one-line function, and of one datum's ELBO.

All that a page shows for one (mean, std) is measured at once, for every M, so that moving M waits for
nothing. The noise has a fixed seed: the same controls show the same numbers.
"""

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.gradients.estimators_measured import Cost, Measured, measured, seconds_per_z
from dashboard.subject import BY_DIGEST, Split, Subject

if TYPE_CHECKING:
    from vae_core.labs.gradients.estimators import Samples
    from vae_core.labs.gradients.exact import Datum, OneLine, Truth

Array = NDArray[np.float64]
FUNCTION_SAMPLES: Final = 2**16
MIN_DATUM_SAMPLES: Final = 2**12
_WEIGHTS: Final = 2**29
"""Samples times weights of the decoder: about half a second."""
_SWEEP: Final = 40
_SWEEP_NODES: Final = 33
_TIMED: Final = 4096


class Sweep(NamedTuple):
    """L over std, and what it is with z = mean + std^2 eps."""

    stds: Array
    values: Array
    squared_values: Array


def functions() -> "dict[str, OneLine]":
    """The one-line functions by their formula."""
    from vae_core.labs.gradients.exact import ONE_LINE

    return {function.formula: function for function in ONE_LINE}


@st.cache_resource(max_entries=128, show_spinner=False)
def function(formula: str, mean: float, std: float) -> Measured:
    """All estimators of the gradient of E[f(z)] for a one-line function."""
    import torch

    from vae_core.labs.gradients.estimators import draw_samples
    from vae_core.labs.gradients.exact import closed_form

    chosen = functions()[formula]
    place, width = (torch.tensor([part], dtype=torch.float64) for part in (mean, std))
    noise = torch.Generator().manual_seed(0)
    samples = draw_samples(chosen.expectation(), place, width, num_samples=FUNCTION_SAMPLES, generator=noise)
    truth, squared = (closed_form(chosen, place, width, squared=wrong) for wrong in (False, True))
    return measured(samples, truth, squared, 0)


@st.cache_resource(max_entries=128, show_spinner=False)
def function_sweep(formula: str, mean: float) -> Sweep:
    """E[f(z)] over std, with both spreads of z."""
    import torch

    from vae_core.labs.gradients.exact import closed_form

    stds = torch.linspace(0.02, 2.0, 100, dtype=torch.float64)[:, None]
    place = torch.full_like(stds, mean)
    right, wrong = (
        closed_form(functions()[formula], place, stds, squared=squared).value for squared in (False, True)
    )
    return Sweep(stds[:, 0].numpy(), right.numpy(), wrong.numpy())


@st.cache_resource(max_entries=64, show_spinner="Measuring the estimators …", hash_funcs=BY_DIGEST)
def datum(shown: Subject, split: Split, index: int, dim: int) -> Measured:
    """All estimators of the gradient of one datum's ELBO, in one latent dimension."""
    samples, truth, squared = _datum_samples(shown, split, index)
    return measured(samples, truth, squared, dim)


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs=BY_DIGEST)
def _datum_samples(shown: Subject, split: Split, index: int) -> "tuple[Samples, Truth, Truth | None]":
    import torch

    from vae_core.evidence.exact import MAX_EXACT_DIMS
    from vae_core.labs.gradients.estimators import draw_samples
    from vae_core.labs.gradients.exact import quadrature, sampled_gradient

    subject, count = _expectation(shown, split, index), num_datum_samples(shown)
    seed = shown.config.seed
    noise, more_noise = (torch.Generator().manual_seed(number) for number in (seed, seed + 1))
    mean, std = subject.mean.float(), subject.std.float()
    samples = draw_samples(subject.expectation, mean, std, num_samples=count, generator=noise)
    if len(mean) > MAX_EXACT_DIMS:
        truth = sampled_gradient(subject.expectation, mean, std, num_samples=2 * count, generator=more_noise)
        return samples, truth, None
    truth, squared = (
        quadrature(subject.exact, subject.mean, subject.std, squared=wrong) for wrong in (False, True)
    )
    return samples, truth, squared


def num_datum_samples(shown: Subject) -> int:
    """Values of z for one datum: fewer for a large decoder, so that it takes about as long."""
    weights = sum(weight.numel() for weight in shown.model.decoder.weights)
    return max(MIN_DATUM_SAMPLES, min(FUNCTION_SAMPLES, 2 ** int(np.log2(_WEIGHTS / weights))))


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=BY_DIGEST)
def datum_sweep(shown: Subject, split: Split, index: int, dim: int) -> Sweep:
    """One datum's ELBO over the std of one latent dimension (J <= 2), with both spreads of z."""
    import torch

    from vae_core.labs.gradients.exact import expected_value

    subject = _expectation(shown, split, index)
    top = max(1.5, 1.5 * float(subject.std[dim]))
    grid = torch.logspace(np.log10(0.03), np.log10(top), _SWEEP, dtype=torch.float64)
    stds = subject.std.repeat(_SWEEP, 1)
    stds[:, dim] = grid
    right, wrong = (
        torch.stack(
            [
                expected_value(subject.exact, subject.mean, std, num_nodes=_SWEEP_NODES, squared=squared)
                for std in stds
            ]
        )
        for squared in (False, True)
    )
    return Sweep(grid.numpy(), right.numpy(), wrong.numpy())


def _expectation(shown: Subject, split: Split, index: int) -> "Datum":

    from vae_core.labs.gradients.exact import datum_expectation

    return datum_expectation(shown.model, shown.examples(split)[0][index])


@st.cache_resource(max_entries=64, show_spinner=False)
def function_cost(formula: str) -> Cost:
    """Of f and of its derivative."""
    import torch

    return seconds_per_z(functions()[formula].expectation(), torch.zeros(_TIMED, 1, dtype=torch.float64))


@st.cache_resource(max_entries=32, show_spinner=False, hash_funcs=BY_DIGEST)
def datum_cost(shown: Subject) -> Cost:
    """Of log p(x|z) and of its derivative by z."""
    import torch

    subject = _expectation(shown, "held_out", 0)
    return seconds_per_z(subject.expectation, torch.zeros(_TIMED, len(subject.mean)))
