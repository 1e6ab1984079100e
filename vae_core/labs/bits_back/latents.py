"""How bits-back coding codes z: under p(z), and under the q(z|x) of each kind of encoder."""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import ndtr
from torch import Tensor

from vae_core.config import ModelConfig
from vae_core.labs.bits_back.rans import Rans, frequencies
from vae_core.model import VAE
from vae_core.posteriors import AnyPosterior, DiagonalMixture, FullNormal, PlanarNormal
from vae_core.priors import NormalMixture

Floats = NDArray[np.float64]
_REACH: Final = 5.0
"""In deviations of the prior's components, and of the noise: where the buckets begin and end."""
_BUCKETS: Final = 1024
_CELLS: Final = 64
"""Of each bucket of z where q is a flow: its z is taken from a Gaussian that is narrower than q."""
_NOISE_BUCKETS, _NOISE_CELLS = 32, 32
_NARROW: Final = 0.02
"""s, the deviation of that Gaussian in units of the noise: two cells of it."""


class Chain(NamedTuple):
    """Symbols that are coded one after another, each under a distribution that depends on those before.

    Arguments:
        length: How many.
        ends: The ends of the intervals of the next symbol (:func:`~vae_core.labs.bits_back.rans.frequencies`)
            given those before.
    """

    length: int
    ends: Callable[[list[int]], NDArray[np.int64]]

    def pop(self, stack: Rans) -> list[int]:
        """Takes them off the stack, the first one first."""
        symbols: list[int] = []
        for _ in range(self.length):
            ends = self.ends(symbols)
            symbol = int(np.searchsorted(ends, stack.peek(1)[0], side="right")) - 1
            stack.pop(ends[symbol : symbol + 1], ends[symbol + 1 : symbol + 2] - ends[symbol : symbol + 1])
            symbols.append(symbol)
        return symbols

    def push(self, stack: Rans, symbols: list[int]) -> None:
        """Puts them on the stack, the last one first, so that :meth:`pop` finds the first one on top."""
        for place in reversed(range(self.length)):
            ends, symbol = self.ends(symbols[:place]), symbols[place]
            stack.push(ends[symbol : symbol + 1], ends[symbol + 1 : symbol + 2] - ends[symbol : symbol + 1])


class Lattice(NamedTuple):
    """Points of R^J: along each dimension buckets of equal width, each of so many cells.

    A point is two symbols for each dimension, the bucket and the cell in it, and lies in the cell's middle.

    Arguments:
        edges: Of the buckets, ascending, shape (J, buckets + 1).
        cells: Of each bucket.
    """

    edges: Floats
    cells: int

    def cell_edges(self, dim: int, bucket: int) -> Floats:
        """Of the cells of a bucket, shape (cells + 1,)."""
        share = np.arange(self.cells + 1) / self.cells
        return self.edges[dim, bucket] * (1 - share) + self.edges[dim, bucket + 1] * share

    def point(self, symbols: list[int]) -> Floats:
        """The coordinates that the symbols say, shape (len(symbols) // 2,)."""
        found = np.zeros(len(symbols) // 2)
        for dim in range(len(found)):
            bucket, share = symbols[2 * dim], (symbols[2 * dim + 1] + 0.5) / self.cells
            found[dim] = self.edges[dim, bucket] * (1 - share) + self.edges[dim, bucket + 1] * share
        return found

    def gaussian(self, mean: Floats, factor: Floats, *, least: int) -> Chain:
        """N(mean, factor factor^T), by z_j given z_1, ..., z_(j-1) at their points: exact up to these.

        Arguments:
            mean: Shape (J,).
            factor: Lower triangular, shape (J, J).
            least: As for :func:`~vae_core.labs.bits_back.rans.frequencies`.
        """

        def ends(before: list[int]) -> NDArray[np.int64]:
            dim, is_cell = divmod(len(before), 2)
            noise = np.zeros(dim)
            for known, value in enumerate(self.point(before[: 2 * dim])):
                away = value - mean[known] - factor[known, :known] @ noise[:known]
                noise[known] = away / factor[known, known]
            middle, std = mean[dim] + factor[dim, :dim] @ noise, factor[dim, dim]
            if not is_cell:
                return frequencies(ndtr((self.edges[dim, 1:] - middle) / std), least=least)
            return frequencies(_shares((self.cell_edges(dim, before[-1]) - middle) / std), least=least)

        return Chain(2 * len(mean), ends)

    def mixture(self, weights: Floats, means: Floats, stds: Floats, *, least: int) -> Chain:
        """sum_k w_k N(mean_k, diag std_k^2), exact: by z_j given the buckets of z_1, ..., z_(j-1).

        P(bucket of z_j | those before) = sum_k v_k P_k(bucket), v_k being w_k times the mass that component k
        has in the buckets before, normalised. Within a bucket all cells are equally likely.

        Arguments:
            weights: w, shape (K,).
            means, stds: Shape (K, J).
            least: As for :func:`~vae_core.labs.bits_back.rans.frequencies`.
        """
        below = ndtr((self.edges[None, :, 1:] - means[..., None]) / stds[..., None])
        below[..., -1] = 1.0
        even = frequencies(np.arange(1, self.cells + 1) / self.cells)

        def ends(before: list[int]) -> NDArray[np.int64]:
            dim, is_cell = divmod(len(before), 2)
            if is_cell:
                return even
            left = weights
            for known, bucket in enumerate(before[::2]):
                mass = below[:, known]
                left = left * (mass[:, bucket] - (mass[:, bucket - 1] if bucket else 0.0))
            total = left.sum()
            # The sums of a product of matrices are rounded each in its own way: they might fall by an ulp.
            rising = np.maximum.accumulate((left / total if total > 0 else weights) @ below[:, dim])
            return frequencies(rising, least=least)

        return Chain(2 * means.shape[1], ends)


def _shares(edges: Floats) -> Floats:
    """P(cell <= k | one of these cells) under N(0, 1), from the cells' edges; even where none has a mass."""
    # Of two tails the mass is taken on the side where it is no difference of two ones.
    below = ndtr(edges) if edges[0] + edges[-1] < 0 else -ndtr(-edges)
    rising = (below - below[0])[1:]
    return rising / rising[-1] if rising[-1] > 0 else np.arange(1, len(edges)) / (len(edges) - 1)


class PosteriorCode(Protocol):
    """q(z|x) of one image, on a stack."""

    def pop(self, stack: Rans) -> list[int]:
        """Takes z off the stack: its symbols."""
        ...

    def push(self, stack: Rans, symbols: list[int]) -> None:
        """Gives the bits of z back: the inverse of :meth:`pop`."""
        ...


class LatentCode:
    """The codes of z that both sides know: they compute them alike, one image at a time.

    Arguments:
        model: In float64, without gradients.
    """

    def __init__(self, model: VAE) -> None:
        prior = model.prior
        edges = _buckets(*prior.box(_REACH), _BUCKETS)
        self.lattice = Lattice(edges, _CELLS if model.config.encoder_head == "flow" else 1)
        means, stds, weights = np.zeros((1, len(edges))), np.ones((1, len(edges))), np.ones(1)
        if isinstance(prior, NormalMixture):
            means, stds = prior.components.mean.numpy(), prior.components.std.numpy()
            weights = prior.log_weights.exp().numpy()
        self.prior = self.lattice.mixture(weights, means, stds, least=1)
        far = torch.full((len(edges),), _REACH)
        noise = _buckets(-far, far, _NOISE_BUCKETS)
        self._noise = Lattice(noise, _NOISE_CELLS)

    def posterior(self, q: AnyPosterior) -> PosteriorCode:
        """That of one image.

        Arguments:
            q: Of shape (1, J), float64.
        """
        if isinstance(q, PlanarNormal):
            return _FlowCode(self.lattice, self._noise, q)
        # None of at least 1: one image in thirty would draw a z that q has no mass at, and pay for it.
        if isinstance(q, DiagonalMixture):
            weights, means, log_vars = (part[0].numpy() for part in q.parameters)
            return self.lattice.mixture(np.exp(weights), means, np.exp(0.5 * log_vars), least=0)
        normal = q.as_normal()
        factor = normal.factor[0] if isinstance(normal, FullNormal) else torch.diag(normal.std[0])
        return self.lattice.gaussian(normal.mean[0].numpy(), factor.numpy(), least=0)


def most_words(config: ModelConfig) -> int:
    """Words of the stack that :meth:`PosteriorCode.pop` of any image takes at most: one for each symbol.

    A symbol that has one alternative takes none: the cells of a bucket that has one.
    """
    return config.latent_dim * (4 if config.encoder_head == "flow" else 1)


class _FlowCode:
    """q(z|x) of z = centre + sigma f(eps), of which no interval of z has a known mass.

    Local bits-back coding (Ho, Lohn and Abbeel 2019, arXiv 1905.08500):

    1. pop eps under N(0, I);
    2. pop z under N(z(eps), s^2 A A^T), A = dz/deps: f, but for its curvature, of N(eps, s^2 I);
    3. push eps under N(eps(z), s^2 I).

    log N(eps; 0, I) + log N(z; z(eps), s^2 A A^T) - log N(eps; eps(z), s^2 I) is log q(z|x) where f is linear
    within s: what eps took more than z comes back. The curvature of f costs bits of the order of s^2.

    """

    def __init__(self, lattice: Lattice, noise: Lattice, q: PlanarNormal) -> None:
        self._lattice, self._noise, self._q = lattice, noise, q
        dim = len(lattice.edges)
        self._base = noise.gaussian(np.zeros(dim), np.eye(dim), least=0)

    def pop(self, stack: Rans) -> list[int]:
        eps = self._base.pop(stack)
        z = self._near(eps).pop(stack)
        self._back(z).push(stack, eps)
        return z

    def push(self, stack: Rans, symbols: list[int]) -> None:
        eps = self._back(symbols).pop(stack)
        self._near(eps).push(stack, symbols)
        self._base.push(stack, eps)

    def _near(self, symbols: list[int]) -> Chain:
        """z given eps."""
        eps = torch.from_numpy(self._noise.point(symbols))[None]
        slope = torch.exp(0.5 * self._q.log_var[0])[:, None] * self._q.flow.jacobian(eps)[0]
        mean = self._q.reparameterize(eps[None])[0, 0].numpy()
        return self._lattice.gaussian(mean, _NARROW * _triangular(slope), least=0)

    def _back(self, symbols: list[int]) -> Chain:
        """eps given z."""
        z = torch.from_numpy(self._lattice.point(symbols))[None]
        mean = self._q.whiten(z)[0].numpy()
        # Any eps may have to be pushed: of a z at the end of the buckets it may be far from the mean.
        return self._noise.gaussian(mean, _NARROW * np.eye(len(mean)), least=1)


def _triangular(matrix: Tensor) -> Floats:
    """L lower triangular, its diagonal above 0, with L L^T = A A^T: of A^T = Q R it is R^T."""
    upper = torch.linalg.qr(matrix.mT, mode="r").R
    return (upper.mT * upper.diagonal().sign()).numpy()


def _buckets(low: Tensor, high: Tensor, count: int) -> Floats:
    """Edges of so many buckets between two corners, shape (J, count + 1)."""
    edges = [torch.linspace(float(a), float(b), count + 1) for a, b in zip(low, high, strict=True)]
    return torch.stack(edges).double().numpy()
