"""The distribution of t = (z - mean) / std under q, which stays while mean and std move: q's shape."""

from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import torch
from torch import Tensor

from vae_core.evidence.normal_rule import measuring_rule
from vae_core.posteriors import AnyPosterior

_REACH: Final = 7.0
"""Standard deviations on either side of the mean: the mass beyond is 3e-12."""
_AT_ONCE: Final = 8192


class Drawn(NamedTuple):
    """Draws of t.

    Arguments:
        points: t of each component of q, shape (C, n, J), from the same n draws of noise.
        shares: The components' weights, shape (C,).
        which: The component of each draw, shape (n,): points[which[i], i] are independent draws of t.
        scores: s(t) = -d log q(t) / dt at these, shape (n, J).
    """

    points: Tensor
    shares: Tensor
    which: Tensor
    scores: Tensor

    def chosen(self, values: Tensor) -> Tensor:
        """Of each draw that of its component: shape (C, n, ...) gives (n, ...)."""
        return values[0] if len(values) == 1 else values[self.which, torch.arange(values.shape[1])]

    def mean(self, values: Tensor) -> Tensor:
        """Over the components, by their weights: shape (C, n, J) gives (n, J)."""
        weighted = self.shares[:, None, None] * values
        # PyTorch sums over one row as slowly as over several.
        return weighted[0] if len(weighted) == 1 else weighted.sum(0)


class Shape(Protocol):
    """The distribution of t."""

    def draw(self, mean: Tensor, num_samples: int, *, generator: torch.Generator) -> Drawn:
        """n draws, of the type of ``mean``, shape (J,)."""
        ...

    def nodes(self, eps: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
        """A rule for E[f(t)] from one of N(0, I): nodes (N, J) and weights (N,) give (C N, J) and (C N,)."""
        ...


class _Normal:
    """t ~ N(0, I): s(t) = t."""

    def draw(self, mean: Tensor, num_samples: int, *, generator: torch.Generator) -> Drawn:
        shape = (num_samples, len(mean))
        eps = torch.randn(shape, generator=generator, device=generator.device, dtype=mean.dtype)
        eps = eps.to(mean.device)
        return Drawn(eps[None], eps.new_ones(1), torch.zeros(num_samples, dtype=torch.int64), eps)

    def nodes(self, eps: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
        return eps, share


NORMAL: Final[Shape] = _Normal()


@dataclass(frozen=True, slots=True)
class ShapeOf:
    """That of any q(z|x) with a density.

    Arguments:
        q: Of one example, shape (1, J), float64.
    """

    q: AnyPosterior

    def draw(self, mean: Tensor, num_samples: int, *, generator: torch.Generator) -> Drawn:
        """n draws; one with each component of a mixture, and one of these chosen by the weights."""
        draws = self.q.draw(self.q.draw_eps(num_samples, generator=generator))
        shares = self._shares(draws.log_shares)
        z = draws.z[:, 0].unflatten(0, (len(shares), -1))
        weights = shares.to(generator.device)
        which = torch.multinomial(weights, num_samples, replacement=True, generator=generator).cpu()
        found = Drawn(self._standard(z), shares, which, z[0])
        scores = torch.cat([self._scores(some) for some in found.chosen(z).split(_AT_ONCE)])
        return Drawn(found.points.to(mean), shares.to(mean), which, scores.to(mean))

    def nodes(self, eps: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
        """Those of each component."""
        draws = self.q.draw(eps[:, None].to(self.q.mean))
        weights = self._shares(draws.log_shares)[:, None] * share
        return self._standard(draws.z[:, 0]), weights.flatten()

    def entropy(self) -> float:
        """-E[log q(t)], nats, by the points that measure every bound. No gradient needs it."""
        eps, share = measuring_rule(self.q.mean.shape[-1])
        draws = self.q.draw(eps[:, None])
        mean = draws.mean(draws.log_prob, share[:, None])
        return float(-mean[0] - self.q.moments[1][0].log().sum())

    def _standard(self, z: Tensor) -> Tensor:
        mean, std = self.q.moments
        return (z - mean[0]) / std[0]

    def _scores(self, z: Tensor) -> Tensor:
        """s at the t of z of shape (n, J), by automatic differentiation."""
        z = z.detach().clone().requires_grad_()
        with torch.enable_grad():
            total = self.q.log_prob(z[:, None]).sum()
        return -torch.autograd.grad(total, z)[0] * self.q.moments[1][0]

    def _shares(self, log_shares: Tensor | None) -> Tensor:
        return torch.ones(1, dtype=torch.float64) if log_shares is None else log_shares[:, 0].exp()


def normal_lattice(dim: int, num_nodes: int) -> tuple[Tensor, Tensor]:
    """A rule for E[f(eps)] under N(0, I): nodes (num_nodes^dim, dim) at equal distances, and weights."""
    axis = torch.linspace(-_REACH, _REACH, num_nodes, dtype=torch.float64)
    weight = torch.softmax(-0.5 * axis.square(), 0)
    eps = torch.cartesian_prod(*(axis,) * dim).reshape(-1, dim)
    return eps, torch.cartesian_prod(*(weight,) * dim).reshape(-1, dim).prod(1)
