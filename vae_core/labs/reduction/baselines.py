"""Dimension reductions with closed forms, to compare a VAE with: PCA and probabilistic PCA.

Both have the methods of :class:`~vae_core.labs.reduction.networks.Network`: ``encode``, ``decode``,
``sample``, ``log_prob`` and ``inpaint``, in float64.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from vae_core.distributions import LOG_2PI
from vae_core.errors import BadInput

_SMALLEST_VARIANCE = 1e-12


class Reduction(Protocol):
    """x of D values to z of J and back, in float64."""

    def encode(self, x: Tensor) -> Tensor:
        """The code z of each example: (n, D) to (n, J)."""
        ...

    def decode(self, z: Tensor) -> Tensor:
        """The example of a code, E[x|z] for models: (..., J) to (..., D)."""
        ...

    def sample(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Decoded draws of z, without noise of the pixels, shape (num_samples, D)."""
        ...

    def log_prob(self, x: Tensor, *, generator: torch.Generator) -> Tensor | None:
        """log p(x) or a lower bound of it, shape (n,), nats; None where there is no density."""
        ...

    def inpaint(self, x: Tensor, hidden: Tensor) -> Tensor:
        """The examples with their ``hidden`` values (D booleans) inferred from the others, shape (n, D)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class PrincipalComponents:
    """Projection to the J directions of largest variance (Pearson 1901): z = V' (x - mean).

    Arguments:
        mean: Shape (D,).
        directions: V, orthonormal columns, shape (D, J).
        variances: Of the training codes, shape (J,), descending.
    """

    mean: Tensor
    directions: Tensor
    variances: Tensor

    def encode(self, x: Tensor) -> Tensor:
        """V' (x - mean)."""
        return (x.double() - self.mean) @ self.directions

    def decode(self, z: Tensor) -> Tensor:
        """mean + V z: of all points of the plane the nearest to x."""
        return self.mean + z @ self.directions.T

    def sample(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Decoded draws of the Gaussian with the training codes' variances; PCA itself has no prior."""
        noise = torch.randn(num_samples, len(self.variances), generator=generator, dtype=torch.float64)
        return self.decode(noise * self.variances.sqrt())

    def log_prob(self, x: Tensor, *, generator: torch.Generator) -> None:
        """PCA has no density."""

    def inpaint(self, x: Tensor, hidden: Tensor) -> Tensor:
        """Least squares: the z whose decoded values fit the visible ones best; of several, the shortest."""
        visible = visible_columns(hidden)
        centred = (x.double() - self.mean)[:, visible]
        z = centred @ torch.linalg.pinv(self.directions[visible]).T
        return torch.where(hidden, self.decode(z), x.double())


@dataclass(frozen=True, slots=True, eq=False)
class LinearGaussian:
    """x = W z + mean + s eps with z and eps standard normal: p(x) = N(mean, W W' + s^2 I).

    Probabilistic PCA (Tipping and Bishop 1999) is its maximum likelihood; a linear VAE's decoder is one, too.

    Arguments:
        mean: Shape (D,).
        weights: W, shape (D, J).
        variance: s^2.
    """

    mean: Tensor
    weights: Tensor
    variance: float

    def encode(self, x: Tensor) -> Tensor:
        """The posterior's mean M^-1 W' (x - mean), M = W'W + s^2 I."""
        return self._posterior_mean(x.double() - self.mean, self.weights)

    def decode(self, z: Tensor) -> Tensor:
        """E[x|z] = W z + mean."""
        return self.mean + z @ self.weights.T

    def sample(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """E[x|z] of draws from the prior N(0, I)."""
        noise = torch.randn(num_samples, self.weights.shape[1], generator=generator, dtype=torch.float64)
        return self.decode(noise)

    def log_prob(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """log N(x; mean, W W' + s^2 I), exact: no D by D matrix is needed (Woodbury)."""
        del generator
        centred = x.double() - self.mean
        data_dim, latent_dim = self.weights.shape
        precision = self._precision(self.weights)
        inside = (centred @ self.weights * self._posterior_mean(centred, self.weights)).sum(-1)
        squared = (centred.square().sum(-1) - inside) / self.variance
        log_det = (data_dim - latent_dim) * math.log(self.variance) + torch.logdet(precision)
        return -0.5 * (squared + log_det + data_dim * LOG_2PI)

    def inpaint(self, x: Tensor, hidden: Tensor) -> Tensor:
        """E[x_hidden | x_visible], which is the decoded posterior mean of z given the visible values."""
        visible = visible_columns(hidden)
        z = self._posterior_mean((x.double() - self.mean)[:, visible], self.weights[visible])
        return torch.where(hidden, self.decode(z), x.double())

    def _precision(self, weights: Tensor) -> Tensor:
        return weights.T @ weights + self.variance * torch.eye(weights.shape[1], dtype=torch.float64)

    def _posterior_mean(self, centred: Tensor, weights: Tensor) -> Tensor:
        return torch.linalg.solve(self._precision(weights), (centred @ weights).T).T


def visible_columns(hidden: Tensor) -> Tensor:
    """Places of the values that are not hidden.

    Raises:
        BadInput: None is hidden, or all are.
    """
    visible = (~hidden).nonzero()[:, 0]
    if not 0 < len(visible) < len(hidden):
        message = f"{len(hidden) - len(visible)} of {len(hidden)} values are hidden"
        raise BadInput("hidden", message, "hide some and leave some")
    return visible


def fit_pca(x: Tensor, latent_dim: int) -> PrincipalComponents:
    """The first J principal components of examples x of shape (n, D), by scikit-learn.

    Raises:
        BadInput: J above D or above n (code ``latent_dim``).

    Example:
        >>> fit_pca(torch.eye(4), 2).directions.shape
        torch.Size([4, 2])
    """
    mean, directions, eigenvalues = _spectrum(x, latent_dim, latent_dim)
    return PrincipalComponents(mean, directions, eigenvalues[:latent_dim])


def fit_ppca(x: Tensor, latent_dim: int) -> LinearGaussian:
    """Maximum likelihood of x = W z + mean + s eps in closed form (Tipping and Bishop 1999).

    s^2 is the mean of the D - J eigenvalues lambda of the covariance that are left out, and
    W = V (Lambda - s^2 I)^(1/2) with the free rotation of z left at the axes of PCA.

    Raises:
        BadInput: J not below D or above n, or data that lie in J dimensions: no noise is left.

    Example:
        >>> fit_ppca(torch.eye(4), 2).weights.shape
        torch.Size([4, 2])
    """
    mean, directions, eigenvalues = _spectrum(x, latent_dim, latent_dim + 1)
    left_out = eigenvalues[latent_dim:].sum() / (x.shape[1] - latent_dim)
    if float(left_out) < _SMALLEST_VARIANCE:
        raise BadInput(
            "variance",
            f"the data lie in {latent_dim} dimensions, so no noise is left",
            "choose a smaller latent dimension",
        )
    scales = (eigenvalues[:latent_dim] - left_out).clamp(min=0).sqrt()
    return LinearGaussian(mean, directions * scales, float(left_out))


def _spectrum(x: Tensor, latent_dim: int, needed_columns: int) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, the first J directions, and all eigenvalues of the covariance with divisor n, descending."""
    from sklearn.decomposition import PCA

    num_data, data_dim = x.shape
    if latent_dim < 1 or needed_columns > data_dim or latent_dim > num_data:
        raise BadInput(
            "latent_dim",
            f"{num_data} examples with {data_dim} columns cannot be reduced to {latent_dim} dimensions",
            "choose a smaller latent dimension or more examples",
        )
    if bool((x == x[0]).all()):
        raise BadInput(
            "variance", "all examples are the same, so there is nothing to reduce", "choose other data"
        )
    # Many rows: the decomposition of the D by D covariance is quicker and as good as that of the data.
    solver = "covariance_eigh" if num_data > 5 * data_dim else "full"
    found = PCA(svd_solver=solver).fit(x.double().numpy())
    components, variances = (
        torch.from_numpy(part) for part in (found.components_, found.explained_variance_)
    )
    eigenvalues = variances * ((num_data - 1) / num_data)
    return torch.from_numpy(found.mean_), components[:latent_dim].T.contiguous(), eigenvalues
