"""Gradients of the ELBO: estimators from samples, their accuracy, and back-propagation by hand."""

from typing import TYPE_CHECKING

from vae_core.exports import lazy_exports

if TYPE_CHECKING:
    from vae_core.labs.gradients.accuracy import (
        Accuracy,
        Moments,
        accuracy_from_moments,
        accuracy_of,
        measure_accuracy,
        moments_of_estimates,
    )
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
        Gradient,
        Samples,
        draw_samples,
        elbo_expectation,
        estimates,
        gradient_of,
    )
    from vae_core.labs.gradients.exact import (
        ExampleElbo,
        Truth,
        closed_form,
        example_elbo,
        quadrature,
        sampled_gradient,
    )

__all__ = [
    "ESTIMATORS",
    "Accuracy",
    "Backward",
    "Estimator",
    "ExampleElbo",
    "Expectation",
    "Gradient",
    "Moments",
    "Samples",
    "Truth",
    "accuracy_from_moments",
    "accuracy_of",
    "automatic_gradients",
    "back_propagate",
    "closed_form",
    "draw_samples",
    "elbo_expectation",
    "estimates",
    "example_elbo",
    "gradient_of",
    "hand_gradients",
    "measure_accuracy",
    "moments_of_estimates",
    "quadrature",
    "relative_difference",
    "sampled_gradient",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "vae_core.labs.gradients.accuracy": (
            "Accuracy",
            "Moments",
            "accuracy_from_moments",
            "accuracy_of",
            "measure_accuracy",
            "moments_of_estimates",
        ),
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
            "Gradient",
            "Samples",
            "draw_samples",
            "elbo_expectation",
            "estimates",
            "gradient_of",
        ),
        "vae_core.labs.gradients.exact": (
            "ExampleElbo",
            "Truth",
            "closed_form",
            "example_elbo",
            "quadrature",
            "sampled_gradient",
        ),
    },
)
