"""A decoder linear in its weights, at points z that are known: q(theta) and log p(data) in closed form.

x_i = features(z_i) . w + s eps, w ~ N(0, prior_std^2 I): Bayesian linear regression (Bishop 2006, section
3.3), the one network whose exact posterior over the weights is at hand beside its best factorised q.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from vae_core.checks import check_number
from vae_core.distributions import negative_log_density
from vae_core.errors import BadInput
from vae_core.posteriors import DiagonalNormal, FullNormal


class WeightFit(NamedTuple):
    """What is known of the weights after N examples; all float64, nats for the whole data set.

    Arguments:
        mean: Of q, shape (P,); with ``kl_factor`` 1 that of the exact posterior too.
        exact_mean: Of the exact posterior p(w|x), shape (P,).
        covariance: Of the exact posterior p(w|x), shape (P, P).
        std: Of the best q = prod_i N(w_i; m_i, s_i^2): s_i = 1 / sqrt(precision_ii), shape (P,).
        log_likelihood: E_q[log p(x|w)].
        weight_kl: KL(q || p(w)).
        kl_to_posterior: KL(q || p(w|x)), by itself.
        log_evidence: log p(x) = log N(x; 0, s^2 I + prior_std^2 features features^T), by itself.
    """

    mean: Tensor
    exact_mean: Tensor
    covariance: Tensor
    std: Tensor
    log_likelihood: float
    weight_kl: float
    kl_to_posterior: float
    log_evidence: float

    @property
    def bound(self) -> float:
        """F = E_q[log p(x|w)] - KL(q || p(w)); log p(x) = F + KL(q || p(w|x))."""
        return self.log_likelihood - self.weight_kl

    def spread(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Standard deviation of features . w under q and under the exact posterior, each of shape (n,)."""
        exact = ((features @ self.covariance) * features).sum(1)
        return (features.square() @ self.std.square()).sqrt(), exact.clamp(min=0).sqrt()


def tanh_features(z: Tensor, num_hidden: int, *, generator: torch.Generator) -> Tensor:
    """A hidden layer with weights that stay as they are drawn: [tanh(a_h z + c_h)]_h and a 1 for the bias.

    Arguments:
        z: Places, shape (n,).
        num_hidden: H.
        generator: Draws the slopes a ~ N(0, 2^2) and where each unit is steepest, N(0, 1): the same seed
            gives the same layer.

    Returns:
        Shape (n, H + 1), float64.
    """
    slopes, centres = torch.randn(2, num_hidden, generator=generator, dtype=torch.float64)
    hidden = torch.tanh(2 * slopes * (z.double()[:, None] - centres))
    return torch.cat([hidden, torch.ones(len(z), 1, dtype=torch.float64)], dim=1)


def fit_weights(
    features: Tensor, x: Tensor, *, noise: float, prior_std: float, kl_factor: float = 1.0
) -> WeightFit:
    """The q that maximises E_q[log p(x|w)] - kl_factor KL(q || p(w)), and its bound.

    Precision = features^T features / (kl_factor s^2) + I / prior_std^2; the means solve the ridge regression,
    and s_i^2 = 1 / precision_ii. The posterior, the evidence and the terms are always the right ones.

    Arguments:
        features: Shape (n, P); no rows: nothing is known, q is the prior.
        x: Shape (n,).
        noise: s, above 0.
        prior_std: Width of p(w), above 0.
        kl_factor: 1 is right. N is the error of counting the KL once per example.

    Raises:
        BadInput: A number out of its range, or data that do not fit together or are not finite.
    """
    features, x = features.double(), x.double()
    for name, value in (("noise", noise), ("prior_std", prior_std), ("kl_factor", kl_factor)):
        check_number(name, value, 1e-6, 1e6, "1 is usual")
    if features.ndim != 2 or x.shape != features.shape[:1]:
        message = f"features {tuple(features.shape)} and data {tuple(x.shape)} do not fit together"
        raise BadInput("x", message, "give one row of features for each example")
    if not bool(torch.isfinite(features).all() and torch.isfinite(x).all()):
        raise BadInput("x", "the data hold NaN or infinite values", "remove those rows")
    mean, precision = _ridge(features, x, noise * math.sqrt(kl_factor), prior_std)
    exact_mean, exact_precision = _ridge(features, x, noise, prior_std)
    variance = 1 / precision.diagonal()
    squares = (x - features @ mean).square() + features.square() @ variance
    log_likelihood = -negative_log_density(squares / noise**2, math.log(noise)).sum()
    q = DiagonalNormal(mean, variance.log())
    prior = DiagonalNormal.from_std(torch.zeros_like(mean), torch.full_like(mean, prior_std))
    return WeightFit(
        mean=mean,
        exact_mean=exact_mean,
        covariance=torch.cholesky_inverse(torch.linalg.cholesky(exact_precision)),
        std=variance.sqrt(),
        log_likelihood=float(log_likelihood),
        weight_kl=float(prior.kl_per_dim_from(q).sum()),
        kl_to_posterior=_kl_to_posterior(q, exact_mean, exact_precision),
        log_evidence=_log_evidence(features, x, noise, prior_std),
    )


def _ridge(features: Tensor, x: Tensor, noise: float, prior_std: float) -> tuple[Tensor, Tensor]:
    """Mean and precision of p(w|x)."""
    eye = torch.eye(features.shape[1], dtype=torch.float64)
    precision = features.T @ features / noise**2 + eye / prior_std**2
    return torch.linalg.solve(precision, features.T @ x / noise**2), precision


def _kl_to_posterior(q: DiagonalNormal, mean: Tensor, precision: Tensor) -> float:
    """KL(q || N(mean, precision^-1)), nats: 1/2 [tr(A S) + a^T A a - P - log det A - log det S].

    Of the precision A = G G^T itself: with a wide prior its inverse has lost five digits.
    """
    factor = torch.linalg.cholesky(precision)
    squares = (factor.T * q.std).square().sum() + ((q.mean - mean) @ factor).square().sum()
    return float(0.5 * (squares - len(mean) - q.log_var.sum()) - factor.diagonal().log().sum())


def _log_evidence(features: Tensor, x: Tensor, noise: float, prior_std: float) -> float:
    eye = torch.eye(len(x), dtype=torch.float64)
    covariance = prior_std**2 * features @ features.T + noise**2 * eye
    return float(FullNormal.from_covariance(torch.zeros_like(x), covariance).log_prob(x))
