"""Probabilistic PCA in closed form: the one latent variable model here whose evidence is known exactly."""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vae_core.config import ModelConfig
from vae_core.model import VAE


class ProbabilisticPCA(NamedTuple):
    """Maximum likelihood of x = W z + mean + s eps (Tipping and Bishop 1999), float64.

    Arguments:
        mean: Shape (D,).
        weights: W = U_q (Lambda_q - s^2)^(1/2), shape (D, q).
        variance: s^2, the mean of the eigenvalues left out.
        eigenvalues: Of the sample covariance, descending, shape (D,).
    """

    mean: Tensor
    weights: Tensor
    variance: float
    eigenvalues: Tensor

    def mean_log_likelihood(self) -> float:
        """Mean of log p(x) over the data that it was fitted to, from the eigenvalues alone, nats."""
        data_dim, latent_dim = self.weights.shape
        kept = float(self.eigenvalues[:latent_dim].log().sum())
        left_out = (data_dim - latent_dim) * math.log(self.variance)
        return -0.5 * (data_dim * math.log(2 * math.pi) + kept + left_out + data_dim)

    def log_prob(self, x: Tensor) -> Tensor:
        """log N(x; mean, W W' + s^2 I) of each example, with the dense matrix: shape (n,), nats."""
        covariance = self.weights @ self.weights.T + self.variance * torch.eye(len(self.mean)).double()
        factor = torch.linalg.cholesky(covariance)
        white = torch.linalg.solve_triangular(factor, (x - self.mean).T, upper=False)
        constant = len(self.mean) * math.log(2 * math.pi) + 2 * factor.diagonal().log().sum()
        return -0.5 * (white.square().sum(0) + constant)

    def posterior(self) -> tuple[Tensor, Tensor]:
        """M^-1 W' and s^2 M^-1 of p(z|x), M = W'W + s^2 I: shapes (q, D) and (q, q)."""
        inverse = torch.linalg.inv(
            self.weights.T @ self.weights + self.variance * torch.eye(self.weights.shape[1]).double()
        )
        return inverse @ self.weights.T, self.variance * inverse


def fit_ppca(x: Tensor, latent_dim: int) -> ProbabilisticPCA:
    """Fits data x of shape (n, D) with q = ``latent_dim``."""
    x = x.double()
    mean = x.mean(0)
    eigenvalues, vectors = torch.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    eigenvalues, vectors = eigenvalues.flip(0).clamp(min=0), vectors.flip(1)
    variance = float(eigenvalues[latent_dim:].mean())
    weights = vectors[:, :latent_dim] * (eigenvalues[:latent_dim] - variance).sqrt()
    return ProbabilisticPCA(mean, weights, variance, eigenvalues)


def linear_vae(data_dim: int, latent_dim: int, **settings: Any) -> VAE:
    """A VAE of linear maps with a Gaussian likelihood, float32."""
    config = ModelConfig(
        data_dim=data_dim, latent_dim=latent_dim, hidden_dims=(), likelihood="gaussian", **settings
    )
    return VAE(config, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def exact_vae(ppca: ProbabilisticPCA) -> VAE:
    """The linear VAE, float64, whose decoder is the fitted model and whose encoder its exact posterior."""
    data_dim, latent_dim = ppca.weights.shape
    model = linear_vae(data_dim, latent_dim, likelihood_scale=math.sqrt(ppca.variance)).double()
    slope, covariance = ppca.posterior()
    model.encoder.weights[0].copy_(torch.cat([slope, torch.zeros_like(slope)]))
    model.encoder.biases[0].copy_(torch.cat([-slope @ ppca.mean, covariance.diagonal().log()]))
    model.decoder.weights[0].copy_(ppca.weights)
    model.decoder.biases[0].copy_(ppca.mean)
    return model


def sigma_points(latent_dim: int) -> Tensor:
    """Noise eps = +-sqrt(J) e_j of shape (2J, 1, J): its mean of any quadratic is that of N(0, I)."""
    axes = math.sqrt(latent_dim) * torch.eye(latent_dim).double()
    return torch.cat([axes, -axes])[:, None, :]
