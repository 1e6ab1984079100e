"""Expectation maximisation for mixtures of any family, and the free energy of any q."""

from typing import TYPE_CHECKING

from vae_core.exports import lazy_exports

if TYPE_CHECKING:
    from vae_core.labs.em.free_energy import (
        FreeEnergy,
        NoisyMixture,
        gaussian_free_energy,
        responsibilities_free_energy,
    )
    from vae_core.labs.em.minorising import MinorisingFunction, minorising_function
    from vae_core.labs.em.mixture import EmStep, Mixture, em_steps, random_start, stop_iteration
    from vae_core.labs.em.products import ProductMixture, random_product_start

__all__ = [
    "EmStep",
    "FreeEnergy",
    "MinorisingFunction",
    "Mixture",
    "NoisyMixture",
    "ProductMixture",
    "em_steps",
    "gaussian_free_energy",
    "minorising_function",
    "random_product_start",
    "random_start",
    "responsibilities_free_energy",
    "stop_iteration",
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
        "vae_core.labs.em.minorising": ("MinorisingFunction", "minorising_function"),
        "vae_core.labs.em.mixture": ("EmStep", "Mixture", "em_steps", "random_start", "stop_iteration"),
        "vae_core.labs.em.products": ("ProductMixture", "random_product_start"),
    },
)
