"""Expectation maximisation for Gaussian mixtures, and the free energy of any q."""

from typing import TYPE_CHECKING

from vae_core.exports import lazy_exports

if TYPE_CHECKING:
    from vae_core.labs.em.free_energy import (
        FreeEnergy,
        NoisyMixture,
        gaussian_free_energy,
        responsibilities_free_energy,
    )
    from vae_core.labs.em.mixture import EmStep, Mixture, em_steps, random_start

__all__ = [
    "EmStep",
    "FreeEnergy",
    "Mixture",
    "NoisyMixture",
    "em_steps",
    "gaussian_free_energy",
    "random_start",
    "responsibilities_free_energy",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "vae_core.labs.em.free_energy": (
            "FreeEnergy",
            "NoisyMixture",
            "gaussian_free_energy",
            "responsibilities_free_energy",
        ),
        "vae_core.labs.em.mixture": ("EmStep", "Mixture", "em_steps", "random_start"),
    },
)
