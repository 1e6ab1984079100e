"""Full variational Bayes: posteriors over the weights of a VAE, and of a regression with a known answer."""

from vae_core.labs.weights.bayesian_regression import WeightFit, fit_weights, tanh_features
from vae_core.labs.weights.comparison import Bounds, Setting, bounds, compare, gradient_variance
from vae_core.labs.weights.full_bayes import (
    BayesianVAE,
    DecodedMoments,
    FullBayesTerms,
    FullBayesTraining,
    decoded_moments,
    full_bayes_terms,
)
from vae_core.labs.weights.posterior import LocalNetwork, SampledNetwork, WeightPosterior, pre_activation

__all__ = [
    "BayesianVAE",
    "Bounds",
    "DecodedMoments",
    "FullBayesTerms",
    "FullBayesTraining",
    "LocalNetwork",
    "SampledNetwork",
    "Setting",
    "WeightFit",
    "WeightPosterior",
    "bounds",
    "compare",
    "decoded_moments",
    "fit_weights",
    "full_bayes_terms",
    "gradient_variance",
    "pre_activation",
    "tanh_features",
]
