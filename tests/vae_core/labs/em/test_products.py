"""EM for Bernoulli, Poisson and categorical components: densities, closed forms, what cannot be used."""

from itertools import islice, pairwise
from typing import get_args

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.datasets import load_digits
from torch import Tensor

from tests.vae_core.labs.em.alone import equals_each_alone
from vae_core.errors import BadInput
from vae_core.labs.em.mixture import em_steps
from vae_core.labs.em.products import Family, ProductMixture, encoded, random_product_start

FAMILIES = get_args(Family)


def table(family: Family) -> tuple[Tensor, tuple[int, ...]]:
    """Pixels of digits: ink or none, its amount, and three levels of it."""
    counts = load_digits().data[:150, [19, 20, 21, 26, 28, 34, 36, 42, 43, 44]]  # type: ignore[attr-defined]
    values = {"bernoulli": counts >= 8, "poisson": counts, "categorical": counts // 6}[family]
    found = encoded(values.astype(np.float64), [f"pixel {i}" for i in range(counts.shape[1])], family)
    return torch.from_numpy(found.x), found.groups


def start(family: Family, num_components: int = 3) -> tuple[Tensor, ProductMixture]:
    x, groups = table(family)
    generator = torch.Generator().manual_seed(2)
    return x, random_product_start(x, num_components, family, generator=generator, groups=groups)


def log_densities(x: Tensor, mixture: ProductMixture, component: int) -> np.ndarray:
    """log p_k(x) as SciPy has it."""
    means = mixture.means[component].numpy()
    if mixture.family == "poisson":
        return stats.poisson.logpmf(x.numpy(), means).sum(1)
    if mixture.family == "bernoulli":
        return stats.bernoulli.logpmf(x.numpy(), means).sum(1)
    ends = np.cumsum((0, *mixture.groups))
    parts = [
        stats.multinomial.logpmf(x.numpy()[:, low:high], 1, means[low:high]) for low, high in pairwise(ends)
    ]
    return np.sum(parts, axis=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_densities_are_scipys(family: Family) -> None:
    x, mixture = start(family)
    joint = mixture.log_joint(x)
    for k in range(mixture.num_components):
        expected = np.log(mixture.weights[k].item()) + log_densities(x, mixture, k)
        np.testing.assert_allclose(joint[:, k], expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
def test_one_component_is_the_mean_of_all_in_one_step(family: Family) -> None:
    x, mixture = start(family, 1)
    step = next(em_steps(x, mixture))
    np.testing.assert_allclose(step.mixture.means[0], x.mean(0), rtol=0, atol=1e-12)
    log_likelihood = log_densities(x, step.mixture, 0).mean()
    assert step.log_likelihood == pytest.approx(log_likelihood, abs=1e-10)
    assert step.bound == pytest.approx(log_likelihood, abs=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_m_step_is_a_maximum_of_the_q_function(family: Family) -> None:
    """Its gradient by free parameters is 0: logits of probabilities, logarithms of rates."""
    x, mixture = start(family)
    step = next(em_steps(x, mixture))
    weights = step.mixture.weights.log().requires_grad_()
    r, means = step.responsibilities, step.mixture.means
    if family == "poisson":
        free = means.clamp(min=1e-300).log().requires_grad_()
        densities = torch.distributions.Poisson(free.exp()).log_prob(x[:, None]).sum(2)
    elif family == "bernoulli":
        free = means.clamp(1e-12, 1 - 1e-12).logit().requires_grad_()
        densities = torch.distributions.Bernoulli(logits=free).log_prob(x[:, None]).sum(2)
    else:
        free = means.clamp(min=1e-300).log().requires_grad_()
        logs = torch.cat([part.log_softmax(1) for part in free.split(list(mixture.groups), 1)], 1)
        densities = x @ logs.T
    q_function = (r * (weights.log_softmax(0) + densities)).sum(1).mean()
    for gradient in torch.autograd.grad(q_function, [weights, free]):
        assert float(gradient.abs().max()) < 1e-10


@pytest.mark.parametrize("family", FAMILIES)
def test_the_staircase_never_falls_and_both_forms_agree(family: Family) -> None:
    x, mixture = start(family)
    log_likelihood = float(mixture.log_prob(x).mean())
    for step in islice(em_steps(x, mixture), 25):
        assert log_likelihood <= step.bound + 1e-12, "an M-step lowered the bound"
        assert step.bound <= step.log_likelihood + 1e-12, "the bound is above log p"
        assert step.bound == pytest.approx(step.q_function + step.entropy, abs=1e-12)
        log_likelihood = step.log_likelihood
    assert log_likelihood > float(mixture.log_prob(x).mean()) + 0.1


@pytest.mark.parametrize("family", FAMILIES)
def test_starts_side_by_side_are_as_they_are_alone(family: Family) -> None:
    x, groups = table(family)
    starts = [
        random_product_start(x, 4, family, generator=torch.Generator().manual_seed(seed), groups=groups)
        for seed in range(5)
    ]
    equals_each_alone(x, starts)


def test_components_that_share_no_pattern_get_the_means_of_their_rows() -> None:
    x = torch.tensor([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 0]]).double()
    first = ProductMixture([0.5, 0.5], [[0.9, 0.5, 0.0, 0.0], [0.0, 0.0, 0.9, 0.5]], "bernoulli")
    step = next(em_steps(x, first))
    assert step.mixture.weights.tolist() == pytest.approx([0.6, 0.4], abs=1e-12)
    expected = [[1, 2 / 3, 0, 0], [0, 0, 1, 0.5]]
    np.testing.assert_allclose(step.mixture.means, expected, rtol=0, atol=1e-12)
    entropy = stats.bernoulli(2 / 3).entropy() * 0.6 + stats.bernoulli(0.5).entropy() * 0.4
    sizes = -(0.6 * np.log(0.6) + 0.4 * np.log(0.4))
    assert step.log_likelihood == pytest.approx(-entropy - sizes, abs=1e-12)


def test_two_categories_are_a_bernoulli() -> None:
    x, ours = start("bernoulli")
    levels = encoded(x.numpy(), [f"c{i}" for i in range(x.shape[1])], "categorical")
    means = torch.stack([1 - ours.means, ours.means], 2).flatten(1)
    twin = ProductMixture(ours.weights, means, "categorical", levels.groups)
    pairs = zip(em_steps(x, ours), em_steps(torch.from_numpy(levels.x), twin), strict=False)
    for one, other in islice(pairs, 10):
        assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-10)
        np.testing.assert_allclose(one.mixture.means, other.mixture.means[:, 1::2], rtol=0, atol=1e-10)


def test_a_value_that_no_component_allows_is_impossible_and_zeros_are_none() -> None:
    mixture = ProductMixture([0.5, 0.5], [[0.0, 0.5], [0.0, 0.2]], "poisson")
    found = mixture.log_prob(torch.tensor([[0.0, 1.0], [1.0, 1.0]]))
    assert float(found[0].exp()) == pytest.approx(0.25 * np.exp(-0.5) + 0.1 * np.exp(-0.2), abs=1e-12)
    assert float(found[1]) == -np.inf


@pytest.mark.parametrize("family", FAMILIES)
def test_another_mean_leaves_a_mixture_of_the_family(family: Family) -> None:
    _, mixture = start(family)
    less, moved = mixture.moved(1, 2, torch.tensor([0.125, 0.25], dtype=torch.float64)).unstacked()
    assert (float(less.means[1, 2]), float(moved.means[1, 2])) == (0.125, 0.25)
    assert torch.equal(moved.means[0], mixture.means[0])
    if family == "categorical":
        assert float(moved.means[1, :3].sum()) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("values", "family", "words"),
    [
        ([[0.0], [2.0]], "bernoulli", "'a' has the value 2, which is neither 0 nor 1"),
        ([[1.0], [-3.0]], "poisson", "'a' has the value -3, which is no count"),
        ([[1.0], [2.5]], "poisson", "'a' has the value 2.5, which is no count"),
        ([[float(k)] for k in range(30)], "categorical", "'a' has 30 different values"),
        ([[0.0], [0.0]], "poisson", "all 2 rows are the same"),
        ([[1.0]], "bernoulli", "all 1 rows are the same"),
        (np.empty((0, 1)), "bernoulli", "the table is empty"),
    ],
)
def test_a_table_that_a_family_cannot_use_is_one_sentence(
    values: list[list[float]], family: Family, words: str
) -> None:
    with pytest.raises(BadInput) as caught:
        encoded(np.array(values), ["a"], family)
    assert words in str(caught.value)
    assert str(caught.value).count(".") <= 2


@pytest.mark.parametrize(
    ("means", "family", "groups"),
    [
        ([[0.5, 1.5]], "bernoulli", ()),
        ([[-1.0, 1.5]], "poisson", ()),
        ([[float("nan"), 1.5]], "poisson", ()),
        ([[0.5, 0.6]], "categorical", (2,)),
        ([[0.5, 0.5]], "categorical", (3,)),
        ([[0.5, 0.5], [0.5, 0.5]], "bernoulli", ()),
    ],
)
def test_what_is_no_mixture_is_refused(
    means: list[list[float]], family: Family, groups: tuple[int, ...]
) -> None:
    with pytest.raises(BadInput) as caught:
        ProductMixture([1.0], means, family, groups)
    assert caught.value.code == "means"
