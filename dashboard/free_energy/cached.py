"""Cached computations of the page Free energy and EM."""

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard import cached as cache
from dashboard.caching import cached
from dashboard.components.chosen_q import element as chosen_q
from dashboard.components.chosen_q.element import Payload
from dashboard.subject import Subject, dataset, pretrained

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from vae_core.labs.amortisation import Amortisation
    from vae_core.labs.derivation import Terms
    from vae_core.labs.em.free_energy import NoisyMixture
    from vae_core.labs.em.minorising import MinorisingFunction
    from vae_core.labs.em.mixture import AnyMixture, Covariance, EmStep, Mixture
    from vae_core.labs.em.products import Family
    from vae_core.labs.gradient_sign import SignedTrainings
    from vae_core.labs.misprints import Misprints

Array = NDArray[np.float64]
EM_STEPS: Final = 30
NUM_STARTS: Final = 6
STOP_WITHIN: Final = 200
"""Iterations after which it is no longer asked when EM stops."""
CURVE_POINTS: Final = 121
JENSEN_POINTS: Final = 400


@cached()
def _three_components() -> "Mixture":
    from vae_core.labs.em.mixture import Mixture

    return Mixture([0.5, 0.3, 0.2], [[-1.5], [0.8], [2.2]], [[[0.6]], [[0.25]], [[1.0]]])


@cached()
def _noisy(which: str) -> "NoisyMixture":
    from vae_core.labs.em.free_energy import NoisyMixture
    from vae_core.labs.em.mixture import Mixture

    if which == "line":
        return NoisyMixture(Mixture([0.55, 0.45], [[-1.4], [1.4]], [[[0.25]], [[0.36]]]), 1.2)
    covariances = [[[0.5, 0.25], [0.25, 0.4]], [[0.3, -0.15], [-0.15, 0.35]]]
    return NoisyMixture(Mixture([0.5, 0.5], [[-1.2, -0.5], [1.2, 0.8]], covariances), 1.2)


def components_payload(x: float, *, lagrange: bool = False) -> Payload:
    """The posterior over the three components, and what F needs, for the browser.

    Arguments:
        x: The example.
        lagrange: Whether the element shows the stationarity condition.
    """
    import torch

    at = torch.tensor([x], dtype=torch.float64)
    return chosen_q.components_payload(_three_components(), at) | {"lagrange": lagrange}


def place_payload(which: str, x: tuple[float, ...]) -> Payload:
    """The same for z on a line or in a plane."""
    import torch

    return chosen_q.noisy_mixture_payload(_noisy(which), torch.tensor(x, dtype=torch.float64))


@cached()
def components_curves() -> tuple[Array, Array]:
    """x of shape (n,), and pi_k N(x; mu_k, Sigma_k), shape (3, n)."""
    import torch

    line = torch.linspace(-5, 5, 301, dtype=torch.float64)
    return line.numpy(), _three_components().log_joint(line[:, None]).exp().numpy().T


@cached()
def seconds_per_decode() -> float:
    """For one z in the example model, where 4000 are decoded at a time: the fastest of five."""
    from time import perf_counter

    import torch

    model, z = pretrained().model, torch.zeros(4000, 2)
    seconds = []
    with torch.no_grad():
        for _ in range(5):
            began = perf_counter()
            model.likelihood(z)
            seconds.append(perf_counter() - began)
    return min(seconds) / len(z)


class Components(NamedTuple):
    """What the components of a mixture are.

    Arguments:
        number: K.
        family: Of their distributions.
        covariance: Of Gaussian ones.
        groups: Of categorical ones: how many values each column has.
    """

    number: int
    family: "Literal['gaussian'] | Family"
    covariance: "Covariance" = "full"
    groups: tuple[int, ...] = ()


class EmRun(NamedTuple):
    """EM from one start.

    Arguments:
        initial: The mixture at the start.
        first: Its log p(x), nats per example.
        steps: The iterations.
    """

    initial: "AnyMixture"
    first: float
    steps: "list[EmStep[AnyMixture]]"

    @property
    def last(self) -> float:
        """log p(x) at the end, nats per example."""
        return self.steps[-1].log_likelihood

    @property
    def mixtures(self) -> "list[AnyMixture]":
        """At the start and after each M-step."""
        return [self.initial, *(step.mixture for step in self.steps)]

    @property
    def climb(self) -> Array:
        """log p(x) at the start and after each M-step, nats per example."""
        return np.array([self.first, *(step.log_likelihood for step in self.steps)])


# The largest table (5000 rows, K = 8) is 58 MB an entry: its responsibilities for each start and step.
@cached("Running EM from several starts …")
def em(x: Array, components: Components) -> list[EmRun]:
    """EM from NUM_STARTS random starts."""
    from itertools import islice

    import torch

    from vae_core.labs.em.mixture import em_side_by_side

    data = torch.from_numpy(x)
    starts = [_start(data, components, torch.Generator().manual_seed(seed)) for seed in range(NUM_STARTS)]
    steps = zip(*islice(em_side_by_side(data, starts), EM_STEPS), strict=True)
    return [
        EmRun(start, float(start.log_prob(data).mean()), list(some))
        for start, some in zip(starts, steps, strict=True)
    ]


def _start(data: "Tensor", components: Components, generator: "torch.Generator") -> "AnyMixture":
    from vae_core.labs.em.mixture import random_start
    from vae_core.labs.em.products import random_product_start

    number, family, covariance, groups = components
    if family == "gaussian":
        return random_start(data, number, generator=generator, covariance=covariance)
    return random_product_start(data, number, family, generator=generator, groups=groups)


def early_stop(run: EmRun, epsilon: float) -> int | None:
    """The iteration after which EM would have stopped, as far as a run tells; None where it does not."""
    from vae_core.labs.em.mixture import stop_iteration

    return stop_iteration(run.climb.tolist(), epsilon)


@cached("Running EM on until it stops …")
def stop(x: Array, components: Components, seed: int, epsilon: float) -> int | None:
    """The iteration after which EM would have stopped; None where it needs more than STOP_WITHIN."""
    from itertools import islice

    import torch

    from vae_core.labs.em.mixture import em_steps, stop_iteration

    run = em(x, components)[seed]
    if (found := early_stop(run, epsilon)) is not None:
        return found
    climb = run.climb.tolist()
    more = islice(em_steps(torch.from_numpy(x), run.steps[-1].mixture), STOP_WITHIN - EM_STEPS)
    for step in more:
        climb.append(step.log_likelihood)
        if (found := stop_iteration(climb[-2:], epsilon)) is not None:
            return len(climb) - 2 + found
    return None


@cached("Drawing the minorising function …")
def minorising(
    x: Array, components: Components, seed: int, iteration: int, component: int, column: int
) -> "MinorisingFunction":
    """log p(x) and its auxiliary function over one mean of the mixture after some iterations."""
    import torch

    from vae_core.labs.em.minorising import minorising_function

    mixture = em(x, components)[seed].mixtures[iteration]
    if components.family == "gaussian":
        ends = x[:, column].min() - 0.5, x[:, column].max() + 0.5
    elif components.family == "poisson":
        ends = 0.02, 1.05 * max(1.0, x[:, column].max())
    else:
        ends = 0.005, 0.995
    values = torch.linspace(float(ends[0]), float(ends[1]), CURVE_POINTS, dtype=torch.float64)
    return minorising_function(torch.from_numpy(x), mixture, values, component=component, column=column)


@cached()
def library_means(x: Array, components: Components, seed: int) -> Array:
    """Means of scikit-learn's GaussianMixture from the same start, shape (K, D)."""
    import warnings

    import torch
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    from vae_core.labs.em.mixture import Mixture

    start = em(x, components)[seed].initial
    assert isinstance(start, Mixture)
    precisions = torch.linalg.inv(start.covariances)
    kind, precisions = {
        "full": ("full", precisions),
        "diagonal": ("diag", precisions.diagonal(dim1=1, dim2=2)),
        "spherical": ("spherical", precisions[:, 0, 0]),
        "tied": ("tied", precisions[0]),
    }[components.covariance]
    theirs = GaussianMixture(
        components.number,
        covariance_type=kind,
        weights_init=start.weights.numpy(),
        means_init=start.means.numpy(),
        precisions_init=precisions.numpy(),
        reg_covar=0,
        tol=0,
        max_iter=EM_STEPS,
    )
    with warnings.catch_warnings():
        # It makes as many steps as ours, converged or not.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.asarray(theirs.fit(x).means_)


@cached("Evaluating both formulas …")
def misprints(index: int) -> "Misprints":
    """Printed and right values for a held-out example under the example model."""
    import torch

    from vae_core.labs.misprints import measure_misprints

    subject = pretrained()
    x = torch.from_numpy(cache.encoded(subject).x[index])
    return measure_misprints(subject.model, x, generator=torch.Generator().manual_seed(index))


@cached("Training with both signs …")
def signed_trainings() -> "SignedTrainings":
    """Up and down the bound of digits from the same untrained weights."""
    import torch

    from vae_core.config import ModelConfig
    from vae_core.labs.gradient_sign import train_with_both_signs
    from vae_core.model import VAE

    data = dataset("digits", 0, None)
    config = ModelConfig(data_dim=data.x_train.shape[1], hidden_dims=(32,))
    model = VAE(config, generator=torch.Generator().manual_seed(0))
    return train_with_both_signs(model, data.x_train[:], data.x_test[:])


@cached("Timing one ψ per example …")
def amortisation() -> "Amortisation":
    """One psi per example against one encoder, on held-out examples under the example model's decoder."""
    import torch

    from vae_core.labs.amortisation import measure_amortisation

    shown = pretrained()
    return measure_amortisation(
        shown.model,
        torch.from_numpy(cache.encoded(shown).x[:]),
        num_updates=shown.step,
        batch_size=shown.config.train.batch_size,
    )


class Derivation(NamedTuple):
    """The terms of both derivations for one example, and the picture of Jensen's inequality.

    Arguments:
        terms: As measured.
        share: Of q's mass, rising, shape (n,).
        log_ratio, tangent: log u and its tangent there, nats.
    """

    terms: "Terms"
    share: Array
    log_ratio: Array
    tangent: Array


@cached("Evaluating every line …")
def derivation(subject: Subject, index: int) -> Derivation:
    """All lines for a held-out example under a model with J <= 2."""
    import torch

    from vae_core.labs.derivation import measure_derivation

    terms, jensen = measure_derivation(subject.model, torch.from_numpy(cache.encoded(subject).x[index]))
    share = (np.arange(JENSEN_POINTS) + 0.5) / JENSEN_POINTS
    curves = (np.interp(share, jensen.share.numpy(), part.numpy()) for part in jensen[1:])
    return Derivation(terms, share, *curves)


def num_examples() -> int:
    """Held-out examples of the example model's data."""
    return len(cache.encoded(pretrained()).x)
