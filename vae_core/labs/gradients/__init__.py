"""Gradients of the ELBO: estimators from samples, and back-propagation written out by hand."""

from typing import TYPE_CHECKING

from vae_core.exports import lazy_exports

if TYPE_CHECKING:
    from vae_core.labs.gradients.backward import (
        Backward,
        automatic_gradients,
        back_propagate,
        hand_gradients,
        relative_difference,
    )
    from vae_core.labs.gradients.estimators import (
        ESTIMATORS,
        Estimator,
        Expectation,
        draw_samples,
        elbo_expectation,
        estimates,
        gradient_of,
    )
    from vae_core.labs.gradients.exact import closed_form, quadrature, sampled_gradient

__all__ = [
    "ESTIMATORS",
    "Backward",
    "Estimator",
    "Expectation",
    "automatic_gradients",
    "back_propagate",
    "closed_form",
    "draw_samples",
    "elbo_expectation",
    "estimates",
    "gradient_of",
    "hand_gradients",
    "quadrature",
    "relative_difference",
    "sampled_gradient",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "vae_core.labs.gradients.backward": (
            "Backward",
            "automatic_gradients",
            "back_propagate",
            "hand_gradients",
            "relative_difference",
        ),
        "vae_core.labs.gradients.estimators": (
            "ESTIMATORS",
            "Estimator",
            "Expectation",
            "draw_samples",
            "elbo_expectation",
            "estimates",
            "gradient_of",
        ),
        "vae_core.labs.gradients.exact": ("closed_form", "quadrature", "sampled_gradient"),
    },
)
