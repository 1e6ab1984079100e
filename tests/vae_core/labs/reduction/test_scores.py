"""Which method is best: the direction of a measure, ties, and methods with too few trainings."""

import numpy as np
import pytest

from vae_core.data import load_dataset
from vae_core.labs.reduction.baselines import fit_pca
from vae_core.labs.reduction.evaluation import evaluate_method, evaluation_set, reference
from vae_core.labs.reduction.networks import Network, train_network
from vae_core.labs.reduction.scores import MEASURES, outcome, pooled_scores, ranking, winners
from vae_core.labs.scores import MIN_SEEDS, Pooled, Score, difference, pooled

LOW_IS_BETTER, HIGH_IS_BETTER = MEASURES["reconstruction"], MEASURES["trust"]


def scored(value: float, spread: float, count: int = MIN_SEEDS) -> Pooled:
    return pooled([Score(value + spread * k, 0.0, None) for k in np.linspace(-1, 1, count)])


def test_direction_decides_which_is_better() -> None:
    scores = {"low": scored(1.0, 0.01), "high": scored(2.0, 0.02)}
    assert outcome(LOW_IS_BETTER, "low", "high", scores) == "better"
    assert outcome(HIGH_IS_BETTER, "low", "high", scores) == "worse"
    assert outcome(HIGH_IS_BETTER, "low", "low", scores) == "no clear difference"
    assert ranking(LOW_IS_BETTER, scores) == ["low", "high"]


def test_winners_share_what_is_no_clear_difference() -> None:
    close = {"a": scored(0.9, 0.03), "b": scored(0.88, -0.03), "c": scored(0.5, 0.03)}
    assert winners(HIGH_IS_BETTER, close) == ["a", "b"]
    assert winners(HIGH_IS_BETTER, {"a": close["a"]}) == []


def test_the_more_methods_are_compared_the_larger_a_clear_difference() -> None:
    """t of 4 degrees of freedom: 2.78 for one pair, 5.60 for the ten pairs of five methods."""
    two = {"a": scored(1.0, 0.1), "b": scored(1.2, -0.01)}
    gap = difference(two["a"], two["b"])
    assert 2.78 < abs(gap.value) / gap.standard_error < 5.6
    assert outcome(HIGH_IS_BETTER, "b", "a", two) == "better"
    five = two | {str(k): scored(1.1, 0.1) for k in range(3)}
    assert outcome(HIGH_IS_BETTER, "b", "a", five) == "no clear difference"


def test_one_training_of_a_method_has_no_winner() -> None:
    scores = {"a": scored(0.9, 0.001), "b": scored(0.1, 0.001, 1)}
    assert outcome(HIGH_IS_BETTER, "a", "b", scores) == "no clear difference"
    assert winners(HIGH_IS_BETTER, scores) == []


@pytest.fixture(scope="module")
def brief_trainings() -> dict[str, list]:
    """PCA, and a VAE of few updates with 20 seeds, on the same examples."""
    data = load_dataset("two_moons", seed=0)
    examples = evaluation_set(data, seed=0)._replace(out_of_distribution=evaluation_set(data, seed=0).x[None])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vae_core.labs.reduction.networks.BOUND_SAMPLES", 2)
        patch.setattr("vae_core.labs.reduction.networks._MAP_STEPS", 2)
        found = []
        for seed in range(20):
            model = train_network("VAE", data, 1, seed=seed, on_progress=lambda _: None, num_updates=40)
            found.append(evaluate_method(Network(model, examples.x_train), examples, seed=seed))
    pca = evaluate_method(fit_pca(examples.x_train, 1), examples, seed=0)
    return {"VAE": found, "PCA": [pca] * MIN_SEEDS, "reference": [reference(examples)]}


def test_trainings_of_one_method_do_not_differ_clearly(brief_trainings: dict[str, list]) -> None:
    """100 times five of twenty trainings against five others, by seven measures: 5 % and 3 % for chance.

    By the spread of the examples alone, one training against another is clear in a good part of them.
    """
    trainings, (own,) = brief_trainings["VAE"], brief_trainings["reference"]
    keys = ("trust", "class", "reconstruction", "interpolation", "samples", "coverage", "log_prob")
    order, clear, one_by_one = np.random.Generator(np.random.PCG64(0)), [], []
    for _ in range(100):
        rows = order.permutation(len(trainings))[: 2 * MIN_SEEDS]
        one, other = ([trainings[k] for k in half] for half in (rows[:MIN_SEEDS], rows[MIN_SEEDS:]))
        for key in keys:
            scores = pooled_scores(MEASURES[key], {"one": one, "other": other}, own)
            clear.append(outcome(MEASURES[key], "one", "other", scores) != "no clear difference")
            first, second = (MEASURES[key].of(each[0], own) for each in (one, other))
            assert first is not None
            assert second is not None
            gaps = np.subtract(first.values, second.values)  # type: ignore[arg-type]  # means over examples
            one_by_one.append(abs(gaps.mean()) > 2 * gaps.std(ddof=1) / len(gaps) ** 0.5)
    assert np.mean(clear) <= 0.08
    assert np.mean(one_by_one) > 0.4


def test_a_difference_that_there_is_is_clear(brief_trainings: dict[str, list]) -> None:
    found = {"VAE": brief_trainings["VAE"][:MIN_SEEDS], "PCA": brief_trainings["PCA"]}
    scores = pooled_scores(MEASURES["reconstruction"], found, brief_trainings["reference"][0])
    assert outcome(MEASURES["reconstruction"], "PCA", "VAE", scores) == "better", (
        "so few updates teach it little"
    )
