"""Scores from evaluation results over several trainings, and which differences are clear."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from vae_core.labs.reduction.results import Metrics, Reference
from vae_core.labs.scores import Pooled, Score, difference, mean_score, pooled

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measure:
    """One number for each method.

    Arguments:
        title: Its name, with the unit.
        higher_is_better: Else lower is.
        digits: After the point.
        of: The score of one training, None where the method has none.
        help_text: Definition and source.
    """

    title: str
    higher_is_better: bool
    digits: int
    of: Callable[[Metrics, Reference], Score | None]
    help_text: str


def _ratio(values: Array, reference: Reference) -> Score | None:
    """Distances relative to those of held-out examples from the training set; the unit counts as exact."""
    unit = float(reference.held_out_distance.mean())
    return mean_score(values / unit) if unit > 0 else None


def _area(areas: Array) -> Score | None:
    """ROC area for the first out-of-distribution set."""
    return Score(float(areas[0, 0]), float(areas[0, 1]), None) if len(areas) else None


MEASURES: Final[dict[str, Measure]] = {
    "trust": Measure(
        "trustworthiness",
        True,
        3,
        lambda found, _: mean_score(found.trust),
        "Neighbours in z that are neighbours in x: 1 − 2/(k(2n−3k−1)) · mean over examples of Σ (rank in x "
        "− k) over the k = 10 nearest in z that are none in x (Venna and Kaski 2001). 1: all are.",
    ),
    "class": Measure(
        "class accuracy from z",
        True,
        3,
        lambda found, _: mean_score(found.class_hit),
        "Share of held-out examples whose class is that of most of the 5 nearest training codes.",
    ),
    "reconstruction": Measure(
        "reconstruction error",
        False,
        3,
        lambda found, _: mean_score(found.reconstruction_error),
        "‖x − decode(encode(x))‖², summed over pixels; z is the posterior mean where there is a posterior.",
    ),
    "interpolation": Measure(
        "midpoint distance",
        False,
        3,
        lambda found, reference: _ratio(found.midpoint_distance, reference),
        "Decoded midpoint of the codes of two held-out examples: distance to the nearest training example, "
        "divided by that of real held-out examples. Large: a hole in the latent space.",
    ),
    "samples": Measure(
        "sample distance",
        False,
        3,
        lambda found, reference: _ratio(found.sample_distance, reference),
        "Decoded draw of z: distance to the nearest training example, in units of that of held-out ones.",
    ),
    "coverage": Measure(
        "coverage distance",
        False,
        3,
        lambda found, reference: _ratio(found.coverage_distance, reference),
        "Held-out example: distance to the nearest of 500 samples, in the same unit. Large: some kinds of "
        "examples are never drawn.",
    ),
    "inpainting": Measure(
        "inpainting error",
        False,
        3,
        lambda found, _: mean_score(found.inpainting_error),
        "Squared error of the hidden values, summed. Closed form for probabilistic PCA; least squares "
        "for PCA; argmax log p(observed|z) + log p(z) for the VAEs, without log p(z) for the autoencoder.",
    ),
    "outliers": Measure(
        "outlier detection by error",
        True,
        3,
        lambda found, _: _area(found.area_by_error),
        "ROC area: probability that an out-of-distribution example (each value from another example) has a "
        "larger reconstruction error than a held-out one. 0.5: chance. Error of Hanley and McNeil (1982).",
    ),
    "outliers_density": Measure(
        "outlier detection by log p(x)",
        True,
        3,
        lambda found, _: _area(found.area_by_density),
        "The same with −log p(x) as the score; PCA and autoencoder have no density.",
    ),
    "log_prob": Measure(
        "log p(x) in nats",
        True,
        2,
        lambda found, _: mean_score(found.log_prob),
        "Held-out mean: exact for probabilistic PCA and the linear VAE, for the VAE the "
        "importance-weighted bound with 200 samples (a lower bound). Bernoulli scores of grey pixels are no "
        "density and are left out.",
    ),
}


Outcome = Literal["better", "worse", "no clear difference"]


def pooled_scores(
    measure: Measure, found: Mapping[str, Sequence[Metrics]], reference: Reference
) -> dict[str, Pooled]:
    """The scores of the methods that have one, each over all of its trainings.

    Arguments:
        measure: What is measured.
        found: The results of each training of each method.
        reference: Of the data themselves.
    """
    scores = {}
    for name, trainings in found.items():
        of_each = [score for one in trainings if (score := measure.of(one, reference)) is not None]
        if of_each:
            scores[name] = pooled(of_each)
    return scores


def outcome(measure: Measure, name: str, other: str, scores: Mapping[str, Pooled]) -> Outcome:
    """Whether a method is better than another one, of all that are compared by this measure.

    All differences between the methods count as looked at: in 95 of 100 comparisons of methods that are the
    same, none of them is clear.
    """
    gap = difference(scores[name], scores[other])
    if not gap.is_clear(among=max(1, len(scores) * (len(scores) - 1) // 2)):
        return "no clear difference"
    return "better" if (gap.value > 0) == measure.higher_is_better else "worse"


def ranking(measure: Measure, scores: Mapping[str, Pooled]) -> list[str]:
    """Names from best to worst."""
    return sorted(scores, key=lambda name: scores[name].value, reverse=measure.higher_is_better)


def winners(measure: Measure, scores: Mapping[str, Pooled]) -> list[str]:
    """The best, and those that do not differ clearly from it.

    None where there is one method only, or too few trainings of one.
    """
    if len(scores) < 2 or not all(score.has_verdicts for score in scores.values()):
        return []
    best = ranking(measure, scores)[0]
    return [name for name in scores if outcome(measure, name, best, scores) != "worse"]
