"""What is integrated to find log p(x) and the bound: p(x, z) and q(z|x) of some data, as functions of z."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from vae_core.distributions import DiagonalNormal, LikelihoodModel, Prior
from vae_core.importance import MAX_VALUES, stochastic_posterior, widest_layer
from vae_core.model import VAE
from vae_core.priors import DiagonalMixture


class Peaks(NamedTuple):
    """The K components of a learned prior: a narrow one may fall between the points of a quadrature.

    Arguments:
        places: Their means, shape (K, J).
        widths: Their smallest standard deviations, shape (K,).
        log_joint: log p(x, z) there, shape (K, n), nats.
    """

    places: Tensor
    widths: Tensor
    log_joint: Tensor

    def near(self, centres: Tensor, size: float) -> Iterator[tuple[Tensor, Tensor]]:
        """Those narrower than cells of this side: log p(x, z), (n,), and which cells are near, (C,)."""
        for peak in (self.widths < size).nonzero()[:, 0].tolist():
            yield self.log_joint[peak], ((centres - self.places[peak]).abs() <= 1.5 * size).all(1)


class Integrand(NamedTuple):
    """n data, and all that is asked about them at a place z.

    Arguments:
        model: The model.
        prior: Its prior, computed once: a learned one is a function of the weights.
        x: Shape (n, D).
        q: q(z|x), of shape (n, J), float64.
        peaks: Those of a learned prior, else None.
    """

    model: VAE
    prior: Prior
    x: Tensor
    q: DiagonalNormal
    peaks: Peaks | None

    @property
    def points_at_once(self) -> int:
        """How many places may be decoded together: 8 MB of values in float32."""
        return max(1, MAX_VALUES // widest_layer(self.model))

    def likelihood(self, z: Tensor) -> LikelihoodModel:
        """p(x|z) at places of shape (..., J)."""
        return self.model.likelihood(z.to(self.x.dtype))

    def at_means(self) -> Tensor:
        """log p(x, z) at the mean of each datum's own q, shape (n,), nats."""
        log_likelihood = self.likelihood(self.q.mean).log_prob(self.x)
        return log_likelihood.double() + self.prior.log_prob(self.q.mean)

    def of(self, rows: slice | Tensor) -> "Integrand":
        """That of some of the data."""
        peaks = self.peaks and self.peaks._replace(log_joint=self.peaks.log_joint[:, rows])
        return self._replace(x=self.x[rows], q=self.q.of(rows), peaks=peaks)


def integrand_of(model: VAE, x: Tensor) -> Integrand:
    """That of some data, shape (n, D).

    Raises:
        BadInput: A deterministic encoder, weights that are no numbers, or data of another size.
    """
    q = stochastic_posterior(model, x)
    q = DiagonalNormal(q.mean.double(), q.log_var.double())
    found = Integrand(model, model.prior, x, q, None)
    if not isinstance(found.prior, DiagonalMixture):
        return found
    components = found.prior.components
    places = components.mean.double()
    log_joint = torch.cat(
        [found.likelihood(piece).pairwise_log_prob(x) for piece in places.split(found.points_at_once)]
    )
    log_joint += found.prior.log_prob(places)[:, None]
    return found._replace(peaks=Peaks(places, components.std.double().amin(1), log_joint))
