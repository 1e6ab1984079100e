"""SGD, momentum and Adam from the same start: on the weights of a model, and on the mean of one q."""

from typing import TYPE_CHECKING

from vae_core.exports import lazy_exports

if TYPE_CHECKING:
    from vae_core.labs.optimisers.descent import MeanElbo, MeanPath, mean_elbo, mean_paths
    from vae_core.labs.optimisers.race import (
        Outcome,
        Race,
        change_stop,
        outcome,
        patience_stop,
        race_data,
        run_race,
    )

__all__ = [
    "MeanElbo",
    "MeanPath",
    "Outcome",
    "Race",
    "change_stop",
    "mean_elbo",
    "mean_paths",
    "outcome",
    "patience_stop",
    "race_data",
    "run_race",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "vae_core.labs.optimisers.descent": ("MeanElbo", "MeanPath", "mean_elbo", "mean_paths"),
        "vae_core.labs.optimisers.race": (
            "Outcome",
            "Race",
            "change_stop",
            "outcome",
            "patience_stop",
            "race_data",
            "run_race",
        ),
    },
)
