"""Dimension reductions by PCA, probabilistic PCA and networks, and one evaluation for all."""

from typing import TYPE_CHECKING

from vae_core.exports import lazy_exports

if TYPE_CHECKING:
    from vae_core.labs.reduction.baselines import (
        LinearGaussian,
        PrincipalComponents,
        Reduction,
        fit_pca,
        fit_ppca,
    )
    from vae_core.labs.reduction.evaluation import (
        OUT_OF_DISTRIBUTION,
        EvaluationSet,
        common_planes,
        compare,
        evaluate_method,
        evaluation_set,
        reference,
        resampled,
    )
    from vae_core.labs.reduction.networks import NETWORKS, Network, network_config, train_network
    from vae_core.labs.reduction.results import Metrics, Reference, from_arrays, to_arrays
    from vae_core.labs.reduction.scores import (
        MEASURES,
        Measure,
        outcome,
        pooled_scores,
        ranking,
        winners,
    )

__all__ = [
    "MEASURES",
    "NETWORKS",
    "OUT_OF_DISTRIBUTION",
    "EvaluationSet",
    "LinearGaussian",
    "Measure",
    "Metrics",
    "Network",
    "PrincipalComponents",
    "Reduction",
    "Reference",
    "common_planes",
    "compare",
    "evaluate_method",
    "evaluation_set",
    "fit_pca",
    "fit_ppca",
    "from_arrays",
    "network_config",
    "outcome",
    "pooled_scores",
    "ranking",
    "reference",
    "resampled",
    "to_arrays",
    "train_network",
    "winners",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "vae_core.labs.reduction.baselines": (
            "LinearGaussian",
            "PrincipalComponents",
            "Reduction",
            "fit_pca",
            "fit_ppca",
        ),
        "vae_core.labs.reduction.evaluation": (
            "OUT_OF_DISTRIBUTION",
            "EvaluationSet",
            "common_planes",
            "compare",
            "evaluate_method",
            "evaluation_set",
            "reference",
            "resampled",
        ),
        "vae_core.labs.reduction.networks": ("NETWORKS", "Network", "network_config", "train_network"),
        "vae_core.labs.reduction.results": ("Metrics", "Reference", "from_arrays", "to_arrays"),
        "vae_core.labs.reduction.scores": (
            "MEASURES",
            "Measure",
            "outcome",
            "pooled_scores",
            "ranking",
            "winners",
        ),
    },
)
