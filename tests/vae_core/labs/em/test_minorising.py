"""The auxiliary function touches log p at the old parameter and lies below it everywhere."""

from itertools import islice
from typing import get_args

import pytest
import torch
from torch import Tensor

from tests.vae_core.labs.em.test_mixture import steps_and_start
from tests.vae_core.labs.em.test_products import start
from vae_core.errors import BadInput
from vae_core.labs.em.minorising import minorising_function
from vae_core.labs.em.mixture import AnyMixture, Covariance, Mixture, em_steps
from vae_core.labs.em.products import Family

KINDS = (*get_args(Covariance), *get_args(Family))


def fitted(kind: str, num_steps: int) -> tuple[Tensor, AnyMixture]:
    """Data, and a mixture some steps from its start."""
    if kind in get_args(Covariance):
        x, first, _ = steps_and_start("iris", [0, 2], 3, kind)  # type: ignore[arg-type]
    else:
        x, first = start(kind)  # type: ignore[arg-type]
    steps = [first, *(step.mixture for step in islice(em_steps(x, first), num_steps))]
    return x, steps[num_steps]


@pytest.mark.parametrize("num_steps", [0, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_it_touches_at_the_old_parameter_and_lies_below(kind: str, num_steps: int) -> None:
    x, mixture = fitted(kind, num_steps)
    values = torch.linspace(0.02, 0.98, 61, dtype=torch.float64)
    values = values * 6 - 3 if kind in get_args(Covariance) else values
    found = minorising_function(x, mixture, values, component=1, column=1)
    at = int((found.values - found.old).abs().argmin())
    assert float(found.values[at]) == found.old
    assert float(found.log_likelihood[at]) == pytest.approx(found.touching, abs=1e-10)
    assert float(found.auxiliary[at]) == pytest.approx(found.touching, abs=1e-10)
    assert (found.auxiliary <= found.log_likelihood + 1e-10).all()
    far = (found.values - found.old).abs() > 0.2
    assert (found.auxiliary[far] < found.log_likelihood[far]).all()
    assert float(found.log_likelihood[found.best]) >= found.touching - 1e-12, "its maximum raises log p"


@pytest.mark.parametrize("kind", KINDS)
def test_both_curves_are_those_of_the_whole_mixture(kind: str) -> None:
    x, mixture = fitted(kind, 2)
    values = torch.tensor([0.1, 0.6], dtype=torch.float64)
    found = minorising_function(x, mixture, values, component=0, column=1)
    q = mixture.responsibilities(x)
    for value, moved in zip(values.tolist(), mixture.moved(0, 1, values).unstacked(), strict=True):
        at = int((found.values - value).abs().argmin())
        assert float(found.log_likelihood[at]) == pytest.approx(float(moved.log_prob(x).mean()), abs=1e-12)
        gap = torch.xlogy(q, q) - q * moved.log_joint(x).log_softmax(1)
        gap = torch.where(q > 0, gap, 0.0).sum(1).mean()
        between = float(found.log_likelihood[at] - found.auxiliary[at])
        assert between == pytest.approx(float(gap), abs=1e-10), "they are apart by KL(q || p(z|x))"


@pytest.mark.parametrize("kind", ["full", "bernoulli", "poisson"])
def test_where_they_touch_they_have_the_same_slope(kind: str) -> None:
    x, mixture = fitted(kind, 1)
    old, step = float(mixture.means[1, 1]), 1e-5
    values = torch.tensor([old - step, old + step], dtype=torch.float64)
    found = minorising_function(x, mixture, values, component=1, column=1)
    slopes = [float(curve[2] - curve[0]) / (2 * step) for curve in (found.log_likelihood, found.auxiliary)]
    assert slopes[0] == pytest.approx(slopes[1], abs=1e-6)


def test_in_one_column_its_maximum_is_the_m_step() -> None:
    x, first, steps = steps_and_start("wine", [6], 3)
    target = float(steps[0].mixture.means[2, 0])
    values = torch.linspace(target - 0.5, target + 0.5, 101, dtype=torch.float64)
    found = minorising_function(x, first, values, component=2, column=0)
    assert float(found.values[found.best]) == pytest.approx(target, abs=1e-9)


def test_a_parameter_that_is_not_there_is_refused() -> None:
    x, mixture = fitted("full", 0)
    with pytest.raises(BadInput, match="component 3"):
        minorising_function(x, mixture, torch.zeros(1), component=3, column=0)


@pytest.mark.parametrize("weights", [[1.0], [1.0, 0.0], [0.0, 1.0]])
def test_one_component_alone_and_one_without_weight(weights: list[float]) -> None:
    x, count = torch.tensor([[0.3], [-1.1]], dtype=torch.float64), len(weights)
    mixture = Mixture(weights, [[0.5 - k] for k in range(count)], [[[1.0]]] * count)
    values = torch.tensor([-1.0, 2.0], dtype=torch.float64)
    found = minorising_function(x, mixture, values, component=0, column=0)
    for at, moved in enumerate(mixture.moved(0, 0, found.values).unstacked()):
        expected = float(moved.log_prob(x).mean())
        assert float(found.log_likelihood[at]) == pytest.approx(expected, abs=1e-12)
        assert float(found.auxiliary[at]) == pytest.approx(expected, abs=1e-12), "q is the posterior at all θ"
