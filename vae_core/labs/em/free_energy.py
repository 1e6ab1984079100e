"""The free energy of any chosen q: F[q] = E_q[log p(x, z)] + H[q] <= log p(x).

Two latent variables for which all is known: the component of a mixture (discrete), and a point z drawn from a
mixture and seen through noise, x ~ N(z, s^2 I) (continuous, one or two dimensions).
"""

from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.errors import BadInput
from vae_core.labs.em.mixture import Mixture, bound_of
from vae_core.likelihoods import Gaussian
from vae_core.posteriors import DiagonalNormal

_REACH: Final = 8.0
"""Standard deviations of q on either side of its mean: the mass beyond is 1e-15."""
_POINTS: Final = {1: 4001, 2: 301}
"""Lattice points in each dimension."""


class FreeEnergy(NamedTuple):
    """The parts of log p(x) = F[q] + KL(q || p(z|x)), nats, each computed by itself.

    Arguments:
        energy: E_q[log p(x, z)].
        entropy: H[q].
        reconstruction: E_q[log p(x|z)].
        kl_to_prior: KL(q || p(z)).
        kl_to_posterior: KL(q || p(z|x)), 0 at the posterior alone.
        log_evidence: log p(x).
    """

    energy: float
    entropy: float
    reconstruction: float
    kl_to_prior: float
    kl_to_posterior: float
    log_evidence: float

    @property
    def bound(self) -> float:
        """F[q] in the form with the entropy; ``reconstruction - kl_to_prior`` is the other form."""
        return self.energy + self.entropy


def responsibilities_free_energy(mixture: Mixture, x: Tensor, q: Tensor) -> FreeEnergy:
    """F of responsibilities for one example: z is the component that generated it.

    Arguments:
        mixture: p(x, z).
        x: The example, shape (D,).
        q: Responsibilities, at least 0 and of sum 1, shape (K,).

    Raises:
        BadInput: q is no distribution over the components (code ``q``).
    """
    x, q = (torch.as_tensor(part, dtype=torch.float64) for part in (x, q))
    if q.shape != mixture.weights.shape or not (q >= 0).all() or abs(float(q.sum()) - 1) > 1e-9:
        message = f"q must have {mixture.num_components} numbers of at least 0 and sum 1"
        raise BadInput("q", message, "divide the responsibilities by their sum")
    log_joint = mixture.log_joint(x[None])[0]
    energy, entropy = bound_of(x[None], mixture, q[None])
    log_likelihood, log_posterior = log_joint - mixture.weights.log(), log_joint.log_softmax(0)
    return FreeEnergy(
        energy=energy,
        entropy=entropy,
        reconstruction=float(torch.where(q > 0, q * log_likelihood, 0.0).sum()),
        kl_to_prior=_divergence(q, mixture.weights.log()),
        kl_to_posterior=_divergence(q, log_posterior),
        log_evidence=float(log_joint.logsumexp(0)),
    )


class NoisyMixture(NamedTuple):
    """z from a mixture, seen as x ~ N(z, s^2 I): posterior and log p(x) are known in closed form.

    Arguments:
        prior: p(z), in one or two dimensions.
        noise: s, above 0.
    """

    prior: Mixture
    noise: float

    def log_evidence(self, x: Tensor) -> float:
        """log p(x) = log sum_k pi_k N(x; mu_k, Sigma_k + s^2 I) of an example of shape (D,), nats."""
        return float(self._predictive().log_prob(x[None]))

    def posterior(self, x: Tensor) -> Mixture:
        """p(z|x): a mixture whose components have precision Sigma_k^-1 + I / s^2.

        Arguments:
            x: The example, shape (D,).
        """
        eye = torch.eye(len(x), dtype=torch.float64)
        precisions = torch.linalg.inv(self.prior.covariances)
        covariances = torch.linalg.inv(precisions + eye / self.noise**2)
        shifts = (precisions @ self.prior.means[..., None])[..., 0] + x / self.noise**2
        means = (covariances @ shifts[..., None])[..., 0]
        return Mixture(
            self._predictive().responsibilities(x[None])[0], means, 0.5 * (covariances + covariances.mT)
        )

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """log N(x; z, s^2 I) at points of shape (n, D): shape (n,), nats."""
        return Gaussian(z, torch.tensor(self.noise, dtype=torch.float64)).log_prob(x)

    def _predictive(self) -> Mixture:
        eye = torch.eye(self.prior.means.shape[1], dtype=torch.float64)
        return Mixture(self.prior.weights, self.prior.means, self.prior.covariances + self.noise**2 * eye)


def gaussian_free_energy(model: NoisyMixture, x: Tensor, mean: Tensor, std: Tensor) -> FreeEnergy:
    """F of q(z) = N(mean, diag std^2) for one example; expectations are sums over a lattice around q.

    Arguments:
        model: p(x, z), in one or two dimensions.
        x: The example, shape (D,).
        mean: Of q, shape (D,).
        std: Of q, above 0, shape (D,).

    Raises:
        BadInput: A standard deviation that is not above 0 (code ``std``), or more than two dimensions.
    """
    x, mean, std = (torch.as_tensor(part, dtype=torch.float64) for part in (x, mean, std))
    if not (std > 0).all():
        raise BadInput("std", "the standard deviations of q must be above 0", "choose a wider q")
    nodes, shares = _lattice(len(x))
    q = DiagonalNormal.from_std(mean, std)
    z = mean + std * nodes
    log_q = q.log_prob(z)
    log_prior, log_likelihood = model.prior.log_prob(z), model.log_likelihood(x, z)
    return FreeEnergy(
        energy=float(shares @ (log_prior + log_likelihood)),
        entropy=float(q.entropy()),
        reconstruction=float(shares @ log_likelihood),
        kl_to_prior=float(shares @ (log_q - log_prior)),
        kl_to_posterior=float(shares @ (log_q - model.posterior(x).log_prob(z))),
        log_evidence=model.log_evidence(x),
    )


def _divergence(q: Tensor, log_p: Tensor) -> float:
    return float(torch.where(q > 0, torch.xlogy(q, q) - q * log_p, 0.0).sum())


def _lattice(dims: int) -> tuple[Tensor, Tensor]:
    """Nodes of N(0, I), shape (points, D), and their shares of its mass."""
    if dims not in _POINTS:
        raise BadInput("x", f"a lattice needs one or two dimensions, got {dims}", "choose fewer columns")
    line = torch.linspace(-_REACH, _REACH, _POINTS[dims], dtype=torch.float64)
    nodes = torch.cartesian_prod(*[line] * dims).reshape(-1, dims)
    return nodes, (-0.5 * nodes.square().sum(1)).softmax(0)
