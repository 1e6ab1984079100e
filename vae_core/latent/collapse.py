"""Posterior collapse as theory predicts it for the linear Gaussian model."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from vae_core.errors import BadInput
from vae_core.memory import chunk_rows
from vae_core.posteriors import AnyNormal, DiagonalNormal, FullNormal


class PredictedCollapse(NamedTuple):
    """The active dimensions of a linear VAE with Gaussian likelihood at its optimum.

    Arguments:
        eigenvalues: lambda_j of the data covariance, descending, shape (J,): the J largest.
        threshold: beta s^2. A dimension below it costs more KL than its reconstruction is worth.
        is_active: lambda_j > beta s^2, booleans of shape (J,).
        kl_per_dim: The KL of each dimension there, 1/2 log(lambda_j / (beta s^2)), with a q of unit variance
            1/2 (sqrt(lambda_j / (beta s^2)) - 1); 0 below the threshold.
        distortion: -E_q[log p(x|z)] there, nats, mean over the data:
            D/2 log(2 pi s^2) + (sum_active beta s^2 + sum_others lambda_j) / (2 s^2); with a q of unit
            variance sqrt(beta s^2 lambda_j) stands for beta s^2.
    """

    eigenvalues: Tensor
    threshold: float
    is_active: Tensor
    kl_per_dim: Tensor
    distortion: float

    @property
    def rate(self) -> float:
        """sum_j KL_j, nats: with the distortion a point of the Gaussian's rate-distortion function.

        Reverse water-filling: R = sum_j 1/2 log(lambda_j / theta)+ and a mean squared error of
        sum_j min(theta, lambda_j) with the water level theta = beta s^2 (Cover and Thomas 2006, theorem
        10.3.3), as long as J dimensions are enough. The slope dD/dR there is -beta. A q of unit variance
        reaches none of its points but the one at rate 0: its noise is of the same size in each dimension.
        """
        return float(self.kl_per_dim.sum())


def predicted_collapse(
    x: Tensor, latent_dim: int, *, beta: float, scale: float, unit_variance: bool = False
) -> PredictedCollapse:
    """Which latent dimensions of a linear VAE stay active (Lucas et al. 2019, arXiv 1911.02469).

    At the optimum of E_q[log p(x|z)] - beta KL with p(x|z) = N(W z + m, s^2 I), column j of W has squared
    length max(0, lambda_j - beta s^2) (for beta = 1 probabilistic PCA, Tipping and Bishop 1999) and
    q(z_j|x) variance beta s^2 / lambda_j with means of variance 1 - beta s^2 / lambda_j, so that
    KL_j = 1/2 log(lambda_j / (beta s^2)).

    Where q = N(V x, I) has its variance fixed, each direction has
    [lambda (1 - w v)^2 + w^2] / (2 s^2) + beta/2 lambda v^2 to minimise. It is least at
    w^2 = sqrt(beta s^2 lambda) - beta s^2, v = w / (w^2 + beta s^2): the threshold is the same, and
    KL_j = 1/2 lambda v^2 = 1/2 (sqrt(lambda_j / (beta s^2)) - 1).

    Arguments:
        x: Data, shape (n, D), n >= 2.
        latent_dim: J.
        beta: Weight of the KL in training.
        scale: s of the likelihood.
        unit_variance: Whether q has the variance 1 in each dimension, fixed.

    Raises:
        BadInput: Fewer than 2 examples, or beta * scale not above 0.
    """
    if len(x) < 2:
        raise BadInput("x", "a covariance needs at least 2 examples", "take more of them")
    if not (beta > 0 and scale > 0):
        raise BadInput("beta", "without a weight on the KL no dimension collapses", "choose beta above 0")
    # Squared singular values are never negative; eigenvalues of the covariance may be, by rounding.
    singular = torch.linalg.svdvals((x - x.mean(0)).double())
    eigenvalues = x.new_zeros(latent_dim, dtype=torch.float64)
    spectrum = singular.square() / len(x)
    kept = spectrum[:latent_dim]
    eigenvalues[: len(kept)] = kept
    threshold = beta * scale**2
    is_active = eigenvalues > threshold
    ratio = (eigenvalues / threshold).clamp(min=1)
    kl = 0.5 * (ratio.sqrt() - 1 if unit_variance else ratio.log())
    left = (threshold * eigenvalues).sqrt() if unit_variance else threshold
    squared_error = float(spectrum.sum() - (eigenvalues - left).where(is_active, 0.0).sum())
    distortion = x.shape[1] / 2 * math.log(2 * math.pi * scale**2) + squared_error / (2 * scale**2)
    return PredictedCollapse(eigenvalues, threshold, is_active, kl, distortion)


def kl_by_principal_axis(q: AnyNormal) -> Tensor:
    """KL(q || N(0, I)) by the principal axes of the posterior means, mean over the examples, nats: (J,).

    A q of full covariance, or of unit variance, may be rotated together with the weights: that changes the
    parts of the KL by dimension, and neither their sum nor any objective. In these axes a linear VAE at its
    optimum has a diagonal covariance matrix, and the parts of :func:`predicted_collapse`.

    Arguments:
        q: q(z|x) of n examples, of shape (n, J).

    Returns:
        Of the axis in which the means vary most first; float64.
    """
    mean = q.mean.double()
    centred = mean - mean.mean(0)
    axes = torch.linalg.eigh(centred.mT @ centred).eigenvectors.flip(1)
    pieces = q.split(chunk_rows(4 * len(axes) ** 2))
    return torch.stack([_turned(piece, axes).kl_to_standard_normal().sum(0) for piece in pieces]).sum(
        0
    ) / len(mean)


def _turned(q: AnyNormal, axes: Tensor) -> FullNormal:
    """q of z in other coordinates, axes^T z, in float64."""
    q = q.double()
    factor = torch.diag_embed(q.std) if isinstance(q, DiagonalNormal) else q.factor
    # A lower triangular factor of F F^T without forming it: F^T = Q R has F F^T = R^T R.
    upper = torch.linalg.qr((axes.mT @ factor).mT).R
    sign = upper.diagonal(dim1=-2, dim2=-1).sign()
    return FullNormal(q.mean @ axes, (sign[..., None] * upper).mT)
