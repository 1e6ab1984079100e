"""Priors other than the standard normal: fitted to a trained model, or learned with it."""

from typing import TYPE_CHECKING

from vae_core.exports import lazy_exports

if TYPE_CHECKING:
    from vae_core.labs.priors.fitted import PriorEvaluation, evaluate_prior, fitted_priors, paired
    from vae_core.labs.priors.learned import (
        PRIORS,
        Look,
        comparison_config,
        look,
        train_observed,
        train_under_each_prior,
    )

__all__ = [
    "PRIORS",
    "Look",
    "PriorEvaluation",
    "comparison_config",
    "evaluate_prior",
    "fitted_priors",
    "look",
    "paired",
    "train_observed",
    "train_under_each_prior",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "vae_core.labs.priors.fitted": ("PriorEvaluation", "evaluate_prior", "fitted_priors", "paired"),
        "vae_core.labs.priors.learned": (
            "PRIORS",
            "Look",
            "comparison_config",
            "look",
            "train_observed",
            "train_under_each_prior",
        ),
    },
)
