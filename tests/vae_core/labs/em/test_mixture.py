"""EM against scikit-learn's from the same start, its two forms, its floor, and what it refuses."""

import warnings
from itertools import islice, pairwise
from typing import Any, get_args

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from torch import Tensor

from tests.vae_core.labs.em.alone import equals_each_alone
from vae_core.errors import BadInput
from vae_core.labs.em import mixture as mixture_module
from vae_core.labs.em.mixture import (
    VARIANCE_FLOOR,
    Covariance,
    EmStep,
    Mixture,
    em_steps,
    random_start,
    stop_iteration,
)

ITERATIONS = 30


def data(name: str, columns: list[int]) -> Tensor:
    bunch: Any = {"iris": load_iris, "wine": load_wine}[name]()
    table = bunch.data[:, columns]
    return torch.from_numpy((table - table.mean(0)) / table.std(0))


CASES = [("iris", [0, 2], 3), ("iris", [0, 1, 2, 3], 2), ("wine", [0, 9], 4), ("wine", [6], 3)]


def steps_and_start(
    name: str, columns: list[int], num_components: int, covariance: Covariance = "full"
) -> tuple[Tensor, Mixture, list[EmStep]]:
    x = data(name, columns)
    start = random_start(x, num_components, generator=torch.Generator().manual_seed(3), covariance=covariance)
    return x, start, list(islice(em_steps(x, start), ITERATIONS))


THEIR_NAMES: dict[Covariance, str] = {
    "full": "full",
    "diagonal": "diag",
    "spherical": "spherical",
    "tied": "tied",
}


def in_their_form(matrices: Tensor, covariance: Covariance) -> Any:
    """K matrices as scikit-learn keeps them."""
    diagonals = matrices.diagonal(dim1=1, dim2=2)
    return {
        "full": matrices,
        "diagonal": diagonals,
        "spherical": diagonals[:, 0],
        "tied": matrices[0],
    }[covariance].numpy()


def scikit_learns(x: Tensor, start: Mixture, *, tol: float = 0.0) -> Any:
    """Their EM from our start, as many iterations as ours or until it stops."""
    theirs: Any = GaussianMixture(
        start.num_components,
        covariance_type=THEIR_NAMES[start.covariance],
        weights_init=start.weights.numpy(),
        means_init=start.means.numpy(),
        precisions_init=in_their_form(torch.linalg.inv(start.covariances), start.covariance),
        reg_covar=0,
        tol=tol,
        max_iter=ITERATIONS,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return theirs.fit(x.numpy())


@pytest.mark.parametrize("covariance", get_args(Covariance))
@pytest.mark.parametrize(("name", "columns", "num_components"), CASES)
def test_em_equals_scikit_learns_from_the_same_start(
    name: str, columns: list[int], num_components: int, covariance: Covariance
) -> None:
    x, start, steps = steps_and_start(name, columns, num_components, covariance)
    theirs, last = scikit_learns(x, start), steps[-1]
    np.testing.assert_allclose(last.mixture.weights, theirs.weights_, rtol=0, atol=1e-10)
    np.testing.assert_allclose(last.mixture.means, theirs.means_, rtol=0, atol=1e-10)
    ours = in_their_form(last.mixture.covariances, covariance)
    np.testing.assert_allclose(ours, theirs.covariances_, rtol=0, atol=1e-10)
    # Theirs is log p before the last M-step.
    assert steps[-2].log_likelihood == pytest.approx(theirs.lower_bound_, abs=1e-10)


@pytest.mark.parametrize("covariance", get_args(Covariance))
@pytest.mark.parametrize(("name", "columns", "num_components"), CASES)
def test_starts_side_by_side_are_as_they_are_alone(
    name: str, columns: list[int], num_components: int, covariance: Covariance
) -> None:
    x = data(name, columns)
    starts = [
        random_start(x, num_components, generator=torch.Generator().manual_seed(k), covariance=covariance)
        for k in range(6)
    ]
    equals_each_alone(x, starts)


def test_a_stack_beyond_its_size_is_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    x = data("iris", [0, 2])
    starts = [random_start(x, 3, generator=torch.Generator().manual_seed(k)) for k in range(5)]
    sizes, stacked = [], Mixture.stacked
    monkeypatch.setattr(mixture_module, "AT_ONCE", 2 * 150 * 2 * 3)
    monkeypatch.setattr(
        Mixture, "stacked", staticmethod(lambda some: sizes.append(len(some)) or stacked(some))
    )
    equals_each_alone(x, starts)
    assert sizes[:3] == [2, 2, 1]


def test_one_start_at_the_floor_leaves_the_others_as_they_are_alone() -> None:
    x = torch.tensor([[0.0], [0.1], [-0.1], [9.0]], dtype=torch.float64)
    starts = [
        Mixture([0.5, 0.5], [[0.0], [9.0]], [[[1.0]], [[0.01]]]),
        Mixture([0.5, 0.5], [[0.0], [4.0]], [[[9.0]], [[9.0]]]),
        Mixture([0.5, 0.5], [[0.0], [500.0]], [[[1.0]], [[1e-3]]]),
    ]
    steps = equals_each_alone(x, starts)
    assert [step.floored for step in steps[1]] == [(1,), (), ()]


@pytest.mark.parametrize("epsilon", [1e-2, 1e-3, 1e-4])
@pytest.mark.parametrize(("name", "columns", "num_components"), CASES)
def test_em_would_have_stopped_where_scikit_learn_stops(
    name: str, columns: list[int], num_components: int, epsilon: float
) -> None:
    x, start, steps = steps_and_start(name, columns, num_components)
    climb = [float(start.log_prob(x).mean()), *(step.log_likelihood for step in steps)]
    theirs = scikit_learns(x, start, tol=epsilon)
    ours = stop_iteration(climb, epsilon)
    if theirs.converged_:
        assert ours == theirs.n_iter_
    else:
        assert ours is None or ours > ITERATIONS


def test_the_stop_criterion_reads_rises_alone() -> None:
    assert stop_iteration([-3.0, -2.0, -1.5], 0.1) is None
    assert stop_iteration([-3.0, -2.95, -1.0], 0.1) == 2
    with pytest.raises(BadInput, match="above 0"):
        stop_iteration([-3.0, -2.0], 0.0)


@pytest.mark.parametrize("covariance", get_args(Covariance))
@pytest.mark.parametrize(("name", "columns", "num_components"), CASES)
def test_the_staircase_never_falls(
    name: str, columns: list[int], num_components: int, covariance: Covariance
) -> None:
    x, start, steps = steps_and_start(name, columns, num_components, covariance)
    log_likelihood = float(start.log_prob(x).mean())
    for step in steps:
        assert log_likelihood <= step.bound + 1e-12, "an M-step lowered the bound"
        assert step.bound <= step.log_likelihood + 1e-12, "the bound is above log p"
        log_likelihood = step.log_likelihood


@pytest.mark.parametrize(("name", "columns", "num_components"), CASES)
def test_both_forms_agree_at_each_step(name: str, columns: list[int], num_components: int) -> None:
    """E_q[log p(x, z)] + H[q] by torch.distributions, and log p(x) - KL(q || p(z|x))."""
    x, _, steps = steps_and_start(name, columns, num_components)
    for step in steps:
        q, posterior = step.responsibilities, step.mixture.responsibilities(x)
        components = torch.distributions.MultivariateNormal(step.mixture.means, step.mixture.covariances)
        energy = float((q * (step.mixture.weights.log() + components.log_prob(x[:, None]))).sum(1).mean())
        entropy = float(torch.distributions.Categorical(q).entropy().mean())
        gap = float((torch.xlogy(q, q) - torch.xlogy(q, posterior)).sum(1).mean())
        assert step.q_function == pytest.approx(energy, abs=1e-10)
        assert step.entropy == pytest.approx(entropy, abs=1e-10)
        assert step.bound == pytest.approx(energy + entropy, abs=1e-10)
        assert step.bound == pytest.approx(step.log_likelihood - gap, abs=1e-10)


def test_the_m_step_is_a_maximum_of_the_q_function() -> None:
    x, start, _ = steps_and_start("iris", [0, 2], 3)
    step = next(em_steps(x, start))
    factors = torch.linalg.cholesky(step.mixture.covariances)
    leaves = [
        part.clone().requires_grad_() for part in (step.mixture.weights.log(), step.mixture.means, factors)
    ]
    weights, means, roots = leaves
    normal = torch.distributions.MultivariateNormal(means, scale_tril=roots.tril())
    q_function = (
        (step.responsibilities * (weights.log_softmax(0) + normal.log_prob(x[:, None]))).sum(1).mean()
    )
    for gradient in torch.autograd.grad(q_function, leaves):
        assert float(gradient.abs().max()) < 1e-10


def test_after_the_e_step_the_bound_is_log_p() -> None:
    x, _, steps = steps_and_start("wine", [0, 9], 4)
    for before, after in pairwise(steps):
        assert torch.equal(after.responsibilities, before.mixture.responsibilities(x))


def test_a_component_on_one_example_is_held_at_the_floor() -> None:
    x = torch.tensor([[0.0], [0.1], [-0.1], [9.0]], dtype=torch.float64)
    start = Mixture([0.5, 0.5], [[0.0], [9.0]], [[[1.0]], [[0.01]]])
    steps = list(islice(em_steps(x, start), 20))
    assert steps[-1].floored == (1,)
    assert float(steps[-1].mixture.covariances[1]) == pytest.approx(VARIANCE_FLOOR, rel=1e-9)
    for before, after in pairwise(steps):
        assert after.log_likelihood >= before.log_likelihood - 1e-12


def test_data_on_a_line_keep_log_p_rising_at_the_floor() -> None:
    x = torch.linspace(-1, 1, 12, dtype=torch.float64)[:, None] * torch.tensor(
        [1.0, 2.0], dtype=torch.float64
    )
    start = random_start(x, 2, generator=torch.Generator().manual_seed(0))
    steps = list(islice(em_steps(x, start), 15))
    assert steps[0].floored == (0, 1)
    assert all(after.log_likelihood >= before.log_likelihood - 1e-9 for before, after in pairwise(steps))


def test_a_component_without_data_stays_where_it_is() -> None:
    x = torch.tensor([[0.0], [0.2], [0.4]], dtype=torch.float64)
    start = Mixture([0.5, 0.5], [[0.0], [500.0]], [[[1.0]], [[1e-3]]])
    step = next(em_steps(x, start))
    assert step.mixture.weights.tolist() == [1.0, 0.0]
    assert float(step.mixture.means[1]) == 500.0
    assert np.isfinite(step.bound)
    assert step.bound <= step.log_likelihood + 1e-12


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        (([0.5, 0.6], [[0.0], [1.0]], [[[1.0]], [[1.0]]]), "weights"),
        (([0.5, 0.5], [[0.0]], [[[1.0]], [[1.0]]]), "means"),
        (([1.0], [[0.0, 0.0]], [[[1.0, 2.0], [2.0, 1.0]]]), "covariances"),
        (([1.0], [[float("nan")]], [[[1.0]]]), "covariances"),
    ],
)
def test_what_is_no_mixture_is_refused(parts: tuple[list, list, list], code: str) -> None:
    with pytest.raises(BadInput) as caught:
        Mixture(*parts)
    assert caught.value.code == code


def test_data_that_cannot_be_used_are_refused_at_once() -> None:
    start = Mixture([1.0], [[0.0]], [[[1.0]]])
    with pytest.raises(BadInput, match="finite"):
        em_steps(torch.tensor([[1.0], [float("nan")]]), start)
    with pytest.raises(BadInput, match="columns"):
        em_steps(torch.zeros(3, 2), start)
    with pytest.raises(BadInput, match="3 components for 2 examples"):
        random_start(torch.zeros(2, 1), 3, generator=torch.Generator())
