"""Cached computations of the page Priors and weights."""

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.caching import cached
from dashboard.figures.weights import LineView
from dashboard.subject import pretrained
from vae_core.data.table import load_table, standardized

if TYPE_CHECKING:
    from vae_core.labs.priors.fitted import PriorEvaluation
    from vae_core.labs.weights.bayesian_regression import WeightFit
    from vae_core.posteriors import Prior

Array = NDArray[np.float64]
PLANE_REACH: Final = 4.0
GRID: Final = 61
NUM_SAMPLES: Final = 10
"""M, samples of z for each held-out example."""
NUM_DECODED: Final = 24
COLUMNS: Final = ["petal length", "petal width"]
NUM_FLOWERS: Final = 150
NUM_HIDDEN: Final = 20
NOISE: Final = 0.25
LINE_REACH: Final = 3.5
GAP: Final = -0.75
"""Between the two groups of petal lengths: no flower has one."""
_LINE_POINTS: Final = 281


class FittedView(NamedTuple):
    """The example model under one prior.

    Arguments:
        numbers: The bound of the held-out examples under it.
        density: log p(z) on a grid of ``GRID`` x ``GRID`` points within ``PLANE_REACH``, nats.
        centres: Means of its components, shape (K, 2); none for N(0, I).
        samples: Decoded draws, shape (NUM_DECODED, D).
    """

    numbers: "PriorEvaluation"
    density: NDArray[np.float32]
    centres: NDArray[np.float32]
    samples: NDArray[np.float32]


@cached("Fitting priors …")
def fitted_views(num_components: int) -> dict[str, FittedView]:
    """N(0, I), a fitted mixture and a VampPrior with training images as pseudo-inputs, by their names."""
    import torch

    from vae_core.evidence.importance import stochastic_posterior
    from vae_core.labs.priors.fitted import evaluate_prior, fitted_priors

    subject = pretrained()
    model, seed = subject.model, subject.config.seed
    held_out, training = subject.data.x_test, subject.data.x_train
    axis = torch.linspace(-PLANE_REACH, PLANE_REACH, GRID)
    points = torch.cartesian_prod(axis, axis).reshape(GRID, GRID, 2).transpose(0, 1)
    noise, found = torch.Generator().manual_seed(seed), {}
    with torch.no_grad():
        priors = fitted_priors(stochastic_posterior(model, training[:]), num_components, generator=noise)
        for name, prior in priors.items():
            z = prior.sample(NUM_DECODED, generator=noise).float()
            found[name] = FittedView(
                numbers=evaluate_prior(model, held_out[:], prior, num_samples=NUM_SAMPLES, seed=seed),
                density=prior.log_prob(points).float().numpy(),
                centres=_centres(prior),
                samples=model.likelihood(z).mean.numpy(),
            )
    return found


def _centres(prior: "Prior") -> NDArray[np.float32]:
    components = prior.components
    return np.empty((0, 2), np.float32) if components is None else components.mean.float().numpy()


@cached()
def flowers() -> Array:
    """Petal length and width in standard deviations, in a fixed random order, shape (150, 2)."""
    table = load_table("iris")
    names = [next(name for name in table.columns if name.startswith(wanted)) for wanted in COLUMNS]
    rows = standardized(table, names)
    return rows[np.random.default_rng(0).permutation(len(rows))]


@cached()
def line(num_data: int, prior_std: float, *, wrong: bool) -> "tuple[WeightFit, LineView]":
    """q over the last layer's weights after the first ``num_data`` flowers, and its predictions.

    Arguments:
        num_data: How many flowers; 0: q is the prior.
        prior_std: Standard deviation of the prior over each weight.
        wrong: Whether q is found with its KL counted once per example.
    """
    import torch

    from vae_core.labs.weights.bayesian_regression import fit_weights, tanh_features

    def layer(z: Array) -> torch.Tensor:
        noise = torch.Generator().manual_seed(0)
        return tanh_features(torch.from_numpy(z), NUM_HIDDEN, generator=noise)

    data = flowers()[:num_data]
    z, x = data.T.copy()
    places = np.linspace(-LINE_REACH, LINE_REACH, _LINE_POINTS)
    factor = float(max(1, num_data)) if wrong else 1.0
    found = fit_weights(layer(z), torch.from_numpy(x), noise=NOISE, prior_std=prior_std, kl_factor=factor)
    spread, exact = found.spread(layer(places))
    view = LineView(
        z=places,
        mean=(layer(places) @ found.mean).numpy(),
        spread=spread.numpy(),
        exact_mean=(layer(places) @ found.exact_mean).numpy(),
        exact_spread=exact.numpy(),
        noise=NOISE,
        points=data,
    )
    return found, view


def places(z: NDArray[np.floating]) -> list[tuple[str, int]]:
    """Names and indices of three points: among the data, in their gap, beyond them."""
    named = (("among the data, z = 0.5", 0.5), (f"in the gap, z = −{-GAP:g}", GAP), ("beyond, z = 3", 3.0))
    return [(name, int(np.abs(z - place).argmin())) for name, place in named]
