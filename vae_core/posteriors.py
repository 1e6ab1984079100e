"""Approximate posteriors q(z|x): Gaussians, a planar flow, a mixture, and a code without spread."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol, Self, TypeVar

import torch
from torch import Tensor

from vae_core.config import FLOW_WITHOUT_MARGINALS, NOT_GAUSSIAN
from vae_core.distributions import LOG_2PI, Distribution, negative_log_density, standard_noise
from vae_core.errors import BadInput
from vae_core.planar import Moments, PlanarFlow, moments_of


class Prior(Distribution, Protocol):
    """p(z) over J dimensions."""

    @property
    def components(self) -> Distribution | None:
        """The components of a mixture, else None."""
        ...

    def kl_per_dim_from(self, q: "AnyNormal", /) -> Tensor | None:
        """KL(q || p(z)) of each dimension, shape (batch, J), nats; None where there is no closed form."""
        ...


class Posterior(Distribution, Protocol):
    """q(z|x) for a batch: values of shape (batch, J)."""

    @property
    def std(self) -> Tensor:
        """sigma of each dimension, shape (batch, J)."""
        ...

    @property
    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and sigma of each dimension, two of shape (batch, J)."""
        ...

    def as_density(self) -> "AnyPosterior":
        """q itself; raises :class:`BadInput` (code ``encoder_head``) where it has no density."""
        ...

    def as_normal(self) -> "AnyNormal":
        """q itself; raises :class:`BadInput` (code ``encoder_head``) where it is no Gaussian."""
        ...

    def draw_eps(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Noise of shape (num_samples, batch, J)."""
        ...

    def draw(self, eps: Tensor) -> "Draws":
        """z of noise eps, differentiable functions of q's parameters, and what log q(z|x) is there."""
        ...

    def kl_per_dim(self, prior: Prior) -> Tensor | None:
        """KL(q || p(z)) of each dimension, shape (batch, J), nats; None where there is no closed form."""
        ...


@dataclass(frozen=True, slots=True)
class Draws:
    """Points z of M samples of noise that stand for q(z|x).

    Of a q of one piece they are M draws, each as good as the other. Of a mixture of C components they are M
    draws of each component, those of the first before those of the second: S = C M, and a mean over q weighs
    those of a component with its weight.

    Arguments:
        q: Of shape (batch, J).
        z: Shape (S, batch, J).
        known: log q(z|x), shape (S, batch), nats, where it came with z; None: it is computed when asked for.
        log_weights: log of the weights of the components, shape (batch, C); None: S = M.
    """

    q: Posterior
    z: Tensor
    known: Tensor | None = None
    log_weights: Tensor | None = None

    @property
    def log_shares(self) -> Tensor | None:
        """log of the weights of the components, shape (C, batch); None: S = M."""
        return None if self.log_weights is None else self.log_weights.T

    @property
    def log_prob(self) -> Tensor:
        """log q(z|x) at z, shape (S, batch), nats."""
        return self.q.log_prob(self.z) if self.known is None else self.known

    def mean(self, values: Tensor, weights: Tensor | None = None) -> Tensor:
        """E_q[f(z)], estimated without bias from f at the draws: (S, batch) gives (batch,).

        sum_c w_c sum_m omega_m f(z_cm): the components are summed over, the noise alone is sampled.

        Arguments:
            values: f at z.
            weights: omega of the noise, of shape (M, 1), where it is a rule of integration; None: 1 / M.
        """
        if self.log_shares is None:
            return values.mean(0) if weights is None else (weights * values).sum(0)
        each = self._by_component(values)
        each = each.mean(1) if weights is None else (weights * each).sum(1)
        return (self.log_shares.exp() * each).sum(0)

    def first(self, num_samples: int) -> "Draws":
        """Those of the first samples of noise alone: of a mixture as many of each component."""

        def some(values: Tensor) -> Tensor:
            pieces = 1 if self.log_weights is None else self.log_weights.shape[1]
            return values.unflatten(0, (pieces, -1))[:, :num_samples].flatten(0, 1)

        known = None if self.known is None else some(self.known)
        return Draws(self.q, some(self.z), known, self.log_weights)

    def log_mean_exp(self, values: Tensor) -> Tensor:
        """log of the mean of exp(values): shape (S, batch) gives (batch,)."""
        if self.log_shares is None:
            return torch.logsumexp(values, dim=0) - math.log(len(values))
        each = self._by_component(values)
        return torch.logsumexp(each + self.log_shares[:, None], dim=(0, 1)) - math.log(each.shape[1])

    def _by_component(self, values: Tensor) -> Tensor:
        """(S, batch) as (C, M, batch)."""
        assert self.log_shares is not None
        return values.unflatten(0, (len(self.log_shares), -1))


class _Density:
    """A q(z|x) that has a density: what follows from its parameters, whose first dimension is the batch."""

    __slots__ = ()

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """All tensors that it is made of, in their order."""
        raise NotImplementedError

    def draw_eps(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Noise eps ~ N(0, I) of shape (num_samples, batch, J)."""
        raise NotImplementedError

    def draw(self, eps: Tensor) -> Draws:
        """z of noise eps."""
        raise NotImplementedError

    def as_density(self) -> Self:
        """Itself."""
        return self

    def take(self, rows: int | slice | Tensor) -> Self:
        """That of one example or of a subset."""
        return self._with(part[rows] for part in self.parameters)

    def split(self, rows: int) -> list[Self]:
        """Those of successive subsets of at most ``rows`` examples."""
        columns = (part.split(rows) for part in self.parameters)
        return [self._with(parts) for parts in zip(*columns, strict=True)]

    def double(self) -> Self:
        """The same in float64."""
        return self._with(part.double() for part in self.parameters)

    def frozen(self) -> Self:
        """A copy without gradients, which no update of the weights changes."""
        return self._with(part.detach().clone() for part in self.parameters)

    def independent(self, num_samples: int, *, generator: torch.Generator) -> Draws:
        """Independent draws."""
        return self.draw(self.draw_eps(num_samples, generator=generator))

    def sample(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Independent draws z of shape (num_samples, batch, J), differentiable in the parameters.

        Those of a mixture are so in its means and variances, and not in its weights.
        """
        return self.independent(num_samples, generator=generator).z

    def _with(self, parameters: Iterable[Tensor]) -> Self:
        """One of the same kind with other parameters."""
        return type(self)(*parameters)  # type: ignore[call-arg]


class _Gaussian(_Density):
    """A Gaussian q(z|x): it is the one of its own moments."""

    __slots__ = ()
    is_gaussian: ClassVar[bool] = True
    mean: Tensor

    @property
    def std(self) -> Tensor:
        """sigma of each dimension."""
        raise NotImplementedError

    @property
    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and sigma of each dimension."""
        return self.mean, self.std

    @property
    def matched(self) -> Self:
        """The Gaussian of the same mean and covariance: itself."""
        return self

    def as_normal(self) -> Self:
        """Itself."""
        return self


@dataclass(frozen=True, slots=True)
class DiagonalNormal(_Gaussian):
    """q(z|x) = N(mean, diag exp(log_var)); both of shape (batch, J).

    Example:
        >>> q = DiagonalNormal.from_std(torch.zeros(1, 2), torch.tensor([[1.0, 2.0]]))
        >>> q.kl_to_standard_normal()[0, 0]
        tensor(0.)
    """

    is_factorised: ClassVar[bool] = True

    mean: Tensor
    log_var: Tensor

    @classmethod
    def from_std(cls, mean: Tensor, std: Tensor) -> "DiagonalNormal":
        """N(mean, diag std^2), ``std`` above 0 and of a shape that broadcasts to that of ``mean``."""
        return cls(mean, (2 * std.log()).expand_as(mean))

    @property
    def std(self) -> Tensor:
        """sigma = exp(log_var / 2), shape (batch, J)."""
        return torch.exp(0.5 * self.log_var)

    @property
    def variance(self) -> Tensor:
        """sigma^2 = exp(log_var), shape (batch, J)."""
        return torch.exp(self.log_var)

    @property
    def narrowest(self) -> Tensor:
        """The smallest standard deviation in any direction, shape (batch,)."""
        return self.std.amin(-1)

    @property
    def marginals(self) -> "DiagonalNormal":
        """Itself: the product of its marginals."""
        return self

    @property
    def conditional_log_var(self) -> Tensor:
        """log Var(z_j|z_1 .. z_(j-1), x), shape (batch, J): log sigma_j^2."""
        return self.log_var

    @property
    def parameters(self) -> tuple[Tensor, Tensor]:
        """Mean and log sigma^2."""
        return self.mean, self.log_var

    def no_move(self) -> tuple[Tensor, Tensor]:
        """A shift and a growth of 0, as :meth:`moved` takes them."""
        return torch.zeros_like(self.mean), torch.zeros_like(self.log_var)

    def moved(self, shift: Tensor, growth: Tensor) -> "DiagonalNormal":
        """Another one in units of this one: mean + sigma shift, sigma e^growth; both of shape (batch, J)."""
        return DiagonalNormal(self.mean + self.std * shift, self.log_var + 2 * growth)

    def draw_eps(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Noise eps ~ N(0, I) of shape (num_samples, batch, J)."""
        return standard_noise((num_samples, *self.mean.shape), self.mean, generator)

    def reparameterize(self, eps: Tensor) -> Tensor:
        """z = mean + std * eps (Kingma and Welling 2014, section 2.4): (M, batch, J)."""
        return self.mean + self.std * eps

    def draw(self, eps: Tensor) -> Draws:
        """z of noise eps."""
        return Draws(self, self.reparameterize(eps))

    def whiten(self, z: Tensor) -> Tensor:
        """The eps of which :meth:`reparameterize` makes z of shape (..., batch, J)."""
        return (z - self.mean) / self.std

    def log_prob(self, z: Tensor, /) -> Tensor:
        """log q(z|x) in nats: z of shape (..., batch, J) gives (..., batch)."""
        return -self._negative_log_prob(z).sum(-1)

    def log_prob_per_dim(self, z: Tensor) -> Tensor:
        """log q(z_j|x) of each dimension in nats: z of shape (..., batch, J) gives the same shape."""
        return -self._negative_log_prob(z)

    def log_marginals(self, z: Tensor) -> Tensor:
        """The same: log q(z_j|x) of each dimension."""
        return self.log_prob_per_dim(z)

    def _negative_log_prob(self, z: Tensor) -> Tensor:
        squares = (z - self.mean).square() * torch.exp(-self.log_var)
        return negative_log_density(squares, 0.5 * self.log_var)

    def entropy(self) -> Tensor:
        """sum_j (log sigma_j + 1/2 log 2 pi e), shape (batch,), nats."""
        return (0.5 * self.log_var + 0.5 * (1.0 + LOG_2PI)).sum(-1)

    def total_correlation(self) -> Tensor:
        """KL(q || product of its marginals), shape (batch,), nats: 0."""
        return torch.zeros_like(self.mean[..., 0])

    def kl_per_dim(self, prior: Prior) -> Tensor | None:
        """KL(q || p(z)) of each dimension, shape (batch, J), nats; None where there is no closed form."""
        return prior.kl_per_dim_from(self)

    def kl_per_dim_from(self, q: "DiagonalNormal", /) -> Tensor:
        """KL(q || this) of each dimension, nats: the KL to N(0, I) in units of this one."""
        shifted = DiagonalNormal((q.mean - self.mean) / self.std, q.log_var - self.log_var)
        return shifted.kl_to_standard_normal()

    def kl_to_standard_normal(self) -> Tensor:
        """KL(q || N(0, I)) of each dimension, shape (batch, J), nats, >= 0.

        1/2 (mean^2 + sigma^2 - 1 - log sigma^2) (Kingma and Welling 2014, appendix B), with
        sigma^2 - 1 as ``expm1``: near 0 the plain form loses a tenth of the value in float32.
        """
        return 0.5 * (self.mean.square() + torch.expm1(self.log_var) - self.log_var)


@dataclass(frozen=True, slots=True)
class FullNormal(_Gaussian):
    """N(mean, L L^T): ``mean`` of shape (..., J), ``factor`` L lower triangular of shape (..., J, J).

    Example:
        >>> q = FullNormal(torch.zeros(1, 2), torch.tensor([[[1.0, 0.0], [0.6, 0.8]]]))
        >>> round(float(q.total_correlation()), 4)  # -1/2 log(1 - 0.6^2)
        0.2231
    """

    is_factorised: ClassVar[bool] = False

    mean: Tensor
    factor: Tensor

    @classmethod
    def from_covariance(cls, mean: Tensor, covariance: Tensor) -> "FullNormal":
        """N(mean, covariance), the covariance positive definite."""
        return cls(mean, torch.linalg.cholesky(covariance))

    @classmethod
    def from_entries(cls, mean: Tensor, log_var: Tensor, below: Tensor) -> "FullNormal":
        """That of the entries of L (Kingma and Welling 2019, algorithm 2).

        Arguments:
            mean: Shape (..., J).
            log_var: 2 log L_jj, shape (..., J).
            below: L_jk for k < j, row by row, shape (..., J (J - 1) / 2).
        """
        dim = mean.shape[-1]
        rows, columns = torch.tril_indices(dim, dim, -1, device=mean.device)
        factor = torch.diag_embed(torch.exp(0.5 * log_var))
        factor[..., rows, columns] = below
        return cls(mean, factor)

    @property
    def variance(self) -> Tensor:
        """The diagonal of the covariance, shape (..., J)."""
        return self.factor.square().sum(-1)

    @property
    def std(self) -> Tensor:
        """sigma of each dimension, shape (..., J)."""
        return self.variance.sqrt()

    @property
    def covariance(self) -> Tensor:
        """L L^T, shape (..., J, J)."""
        return self.factor @ self.factor.mT

    @property
    def narrowest(self) -> Tensor:
        """The smallest standard deviation in any direction, shape (...,)."""
        return torch.linalg.svdvals(self.factor)[..., -1]

    @property
    def marginals(self) -> DiagonalNormal:
        """The product of its marginals."""
        return DiagonalNormal(self.mean, self.variance.log())

    @property
    def conditional_log_var(self) -> Tensor:
        """log Var(z_j|z_1 .. z_(j-1), x) = 2 log L_jj, shape (..., J)."""
        return 2 * self._log_diagonal()

    @property
    def parameters(self) -> tuple[Tensor, Tensor]:
        """Mean and L."""
        return self.mean, self.factor

    def no_move(self) -> tuple[Tensor, Tensor]:
        """A shift and a growth of 0, as :meth:`moved` takes them."""
        return torch.zeros_like(self.mean), torch.zeros_like(self.factor)

    def moved(self, shift: Tensor, growth: Tensor) -> "FullNormal":
        """Another one in units of this one: mean + L shift and L (e^diagonal + rest of the lower triangle).

        Arguments:
            shift: Shape (batch, J).
            growth: Shape (batch, J, J); what is above the diagonal has no effect.
        """
        diagonal = growth.diagonal(dim1=-2, dim2=-1)
        change = growth.tril(-1) + torch.diag_embed(diagonal.exp())
        return FullNormal(self.mean + self._times(self.factor, shift), self.factor @ change)

    def draw_eps(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Noise eps ~ N(0, I) of shape (num_samples, ..., J)."""
        return standard_noise((num_samples, *self.mean.shape), self.mean, generator)

    def reparameterize(self, eps: Tensor) -> Tensor:
        """z = mean + L eps (Kingma and Welling 2019, section 2.5.1): the shape of eps."""
        return self.mean + self._times(self.factor, eps)

    def draw(self, eps: Tensor) -> Draws:
        """z of noise eps."""
        return Draws(self, self.reparameterize(eps))

    def whiten(self, z: Tensor) -> Tensor:
        """The eps of which :meth:`reparameterize` makes z of shape (..., batch, J): L^-1 (z - mean)."""
        return self._whitened(z - self.mean)

    def log_prob(self, value: Tensor, /) -> Tensor:
        """Log density, nats: values of shape (..., J) give (...,)."""
        # Not by torch.distributions.MultivariateNormal: its first density imports a compiler (half a second).
        return -negative_log_density(self.whiten(value).square(), self._log_diagonal()).sum(-1)

    def entropy(self) -> Tensor:
        """log det L + J/2 log 2 pi e, shape (...,), nats."""
        return (self._log_diagonal() + 0.5 * (1.0 + LOG_2PI)).sum(-1)

    def log_marginals(self, z: Tensor) -> Tensor:
        """log q(z_j|x) of each dimension in nats: z of shape (..., batch, J) gives the same shape."""
        return self.marginals.log_prob_per_dim(z)

    def total_correlation(self) -> Tensor:
        """KL(q || product of its marginals) = sum_j log sigma_j - log det L, shape (...,), nats, >= 0."""
        return (self.std.log() - self._log_diagonal()).sum(-1)

    def kl_per_dim(self, prior: Prior) -> Tensor | None:
        """KL(q || p(z)) in parts, shape (batch, J), nats; None where there is no closed form."""
        return prior.kl_per_dim_from(self)

    def kl_to_standard_normal(self) -> Tensor:
        """KL(q || N(0, I)) in parts by the chain rule, shape (batch, J), nats, each >= 0.

        KL_j = E_q[KL(q(z_j|z_1 .. z_(j-1), x) || N(0, 1))]
             = 1/2 (mean_j^2 + sum_(k<j) L_jk^2 + L_jj^2 - 1 - log L_jj^2),
        that of a dimension given those before it (Cover and Thomas 2006, theorem 2.5.3): they sum to the KL.
        The KL of the marginals alone would leave out the total correlation.
        """
        log_var = self.conditional_log_var
        among = self.factor.tril(-1).square().sum(-1)
        return 0.5 * (self.mean.square() + among + torch.expm1(log_var) - log_var)

    def _whitened(self, centred: Tensor) -> Tensor:
        """L^-1 times vectors of shape (..., J)."""
        eye = torch.eye(self.factor.shape[-1]).to(self.factor).expand_as(self.factor)
        return self._times(torch.linalg.solve_triangular(self.factor, eye, upper=False), centred)

    def _times(self, matrix: Tensor, vectors: Tensor) -> Tensor:
        """A matrix for each mean, shape (..., J, J), times vectors of shape (m, ..., J) or (..., J)."""
        # One product for each matrix: broadcasting would copy the matrix for each vector.
        count = math.prod(vectors.shape[: vectors.ndim - self.mean.ndim])
        rows = vectors.expand(*vectors.shape[: vectors.ndim - self.mean.ndim], *self.mean.shape)
        rows = rows.reshape(count, *self.mean.shape).movedim(0, -2)
        kind = torch.promote_types(rows.dtype, matrix.dtype)
        product = (rows.to(kind) @ matrix.mT.to(kind)).movedim(-2, 0)
        return product.reshape(*vectors.shape[: vectors.ndim - self.mean.ndim], *self.mean.shape)

    def _log_diagonal(self) -> Tensor:
        return self.factor.diagonal(dim1=-2, dim2=-1).log()


AnyNormal = DiagonalNormal | FullNormal
"""A Gaussian q(z|x), with a diagonal covariance matrix or a full one; both have the same interface."""


class _NotGaussian(_Density):
    """A q(z|x) that has a density, but is no Gaussian: what follows from its moments."""

    __slots__ = ()
    is_factorised: ClassVar[bool] = False
    is_gaussian: ClassVar[bool] = False
    what: ClassVar[str]
    """It in a sentence."""

    @property
    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and sigma of each dimension, of shape (batch, J); computed at each call."""
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        """E[z], shape (batch, J); computed at each call."""
        return self.moments[0]

    @property
    def std(self) -> Tensor:
        """sigma of each dimension, shape (batch, J); computed at each call."""
        return self.moments[1]

    @property
    def variance(self) -> Tensor:
        """sigma^2 of each dimension, shape (batch, J)."""
        return self.std.square()

    @property
    def marginals(self) -> DiagonalNormal:
        """The product of the Gaussians with its means and deviations."""
        return DiagonalNormal.from_std(*self.moments)

    def as_normal(self) -> AnyNormal:
        """Raises :class:`BadInput` (code ``encoder_head``): it is no Gaussian."""
        message = f"q(z|x) is {self.what} in this model, and a Gaussian is needed"
        raise BadInput("encoder_head", message, "choose a model whose encoder gives a Gaussian")


@dataclass(frozen=True, slots=True)
class PlanarNormal(_NotGaussian):
    """q(z|x) of z = centre + sigma f(eps), eps ~ N(0, I), f a planar flow (:mod:`vae_core.planar`).

    log q(z|x) = log N(eps; 0, I) - log |det df/deps| - sum_j log sigma_j. Where f is the identity, that is
    where every v is 0, it is N(centre, diag sigma^2).

    Arguments:
        centre: Shape (batch, J).
        log_var: log sigma^2, shape (batch, J).
        layers: a, v and b of each layer side by side, before they are limited: shape (batch, L, 2 J + 1).

    Example:
        >>> q = PlanarNormal(torch.zeros(1, 2), torch.zeros(1, 2), torch.zeros(1, 4, 5))
        >>> zeros = torch.zeros(1, 2)
        >>> q.log_prob(zeros) == DiagonalNormal(zeros, zeros).log_prob(zeros)
        tensor([True])
    """

    what: ClassVar[str] = NOT_GAUSSIAN["flow"]

    centre: Tensor
    log_var: Tensor
    layers: Tensor

    @property
    def flow(self) -> PlanarFlow:
        """f, of shape (batch, L, J)."""
        return PlanarFlow.of(self.layers)

    @property
    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and sigma of each dimension, by the rule of :func:`~vae_core.planar.moments_of`."""
        found = self._moments()
        scale = torch.exp(0.5 * self.log_var)
        return self.centre + scale * found.mean, scale * found.variance.clamp(min=_LEAST_VARIANCE).sqrt()

    @property
    def matched(self) -> FullNormal:
        """The Gaussian of the same mean and covariance."""
        found, scale = self._moments(), torch.exp(0.5 * self.log_var)
        covariance = found.covariance + _LEAST_VARIANCE * torch.eye(scale.shape[-1]).to(scale)
        factor = scale[..., None] * torch.linalg.cholesky(covariance)
        return FullNormal(self.centre + scale * found.mean, factor)

    @property
    def conditional_log_var(self) -> Tensor:
        """log sigma^2 of what is warped, shape (batch, J)."""
        return self.log_var

    @property
    def parameters(self) -> tuple[Tensor, Tensor, Tensor]:
        """Centre, log sigma^2, and layers."""
        return self.centre, self.log_var, self.layers

    def no_move(self) -> tuple[Tensor, Tensor]:
        """A shift and a growth of 0, as :meth:`moved` takes them."""
        growth = torch.cat((self.log_var, self.layers.flatten(1)), 1)
        return torch.zeros_like(self.centre), torch.zeros_like(growth)

    def moved(self, shift: Tensor, growth: Tensor) -> "PlanarNormal":
        """Another one in units of this one: centre + sigma shift, sigma e^growth, and other layers.

        Arguments:
            shift: Shape (batch, J).
            growth: Of log sigma, then what is added to the layers, shape (batch, J + L (2 J + 1)).
        """
        wider, bent = growth.split((shift.shape[1], growth.shape[1] - shift.shape[1]), 1)
        centre = self.centre + torch.exp(0.5 * self.log_var) * shift
        return PlanarNormal(centre, self.log_var + 2 * wider, self.layers + bent.view_as(self.layers))

    def draw_eps(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Noise eps ~ N(0, I) of shape (num_samples, batch, J)."""
        return standard_noise((num_samples, *self.centre.shape), self.centre, generator)

    def reparameterize(self, eps: Tensor) -> Tensor:
        """z = centre + sigma f(eps): (M, batch, J)."""
        return self.draw(eps).z

    def draw(self, eps: Tensor) -> Draws:
        """z of noise eps, and log q(z|x) there, which costs no inversion."""
        t, log_det = self.flow.push(eps)
        half = 0.5 * self.log_var
        known = -negative_log_density(eps.square(), half).sum(-1) - log_det
        return Draws(self, self.centre + torch.exp(half) * t, known)

    def whiten(self, z: Tensor) -> Tensor:
        """The eps of which :meth:`reparameterize` makes z of shape (..., batch, J)."""
        return self.flow.pull((z - self.centre) * torch.exp(-0.5 * self.log_var))[0]

    def outlines(self) -> list[Tensor]:
        """The curves that hold 39 and 86 % of the first q, J = 2: circles of the noise, moved; (97, 2)."""
        angle = torch.linspace(0, 2 * math.pi, _RING_POINTS).to(self.centre)
        circle = torch.stack((angle.cos(), angle.sin()), 1)[:, None]
        first = self.take(slice(0, 1))
        return [first.reparameterize(deviations * circle)[:, 0] for deviations in (1, 2)]

    def log_prob(self, z: Tensor, /) -> Tensor:
        """log q(z|x) in nats, by inversion: z of shape (..., batch, J) gives (..., batch)."""
        half = 0.5 * self.log_var
        eps, log_det = self.flow.pull((z - self.centre) * torch.exp(-half))
        return -negative_log_density(eps.square(), half).sum(-1) - log_det

    def log_marginals(self, z: Tensor) -> Tensor:
        """Raises :class:`BadInput` (code ``objective``): log q(z_j|x) has no closed form."""
        del z
        raise BadInput("objective", *FLOW_WITHOUT_MARGINALS)

    def kl_per_dim(self, prior: Prior) -> None:
        """None: E[log q(z|x)] has no closed form, whatever the prior."""
        del prior

    def _moments(self) -> Moments:
        return moments_of(self.flow)


_LEAST_VARIANCE: Final = 1e-6
"""Of t in any dimension: where rounding leaves less, a deviation is a thousandth of sigma."""
_RING_POINTS: Final = 97
_GRID_REACH, _GRID_POINTS = 4.0, 51
"""In deviations of a component, and of each."""


@dataclass(frozen=True, slots=True)
class DiagonalMixture(_NotGaussian):
    """q(z|x) = sum_c w_c N(z; mean_c, diag sigma_c^2), with C components.

    What is a mean over q is summed over the components, and sampled within each: noise eps makes one z of
    each, mean_c + sigma_c eps of the odd ones and mean_c - sigma_c eps of the even ones. Such an estimate
    varies less than one that draws the component, too, and its gradient needs no relaxation of that draw.

    Arguments:
        log_weights: log w, normalised, shape (batch, C).
        means: Shape (batch, C, J).
        log_vars: log sigma^2, shape (batch, C, J).

    Example:
        >>> q = DiagonalMixture(torch.zeros(1, 1), torch.zeros(1, 1, 2), torch.zeros(1, 1, 2))
        >>> zeros = torch.zeros(1, 2)
        >>> q.log_prob(zeros) == DiagonalNormal(zeros, zeros).log_prob(zeros)
        tensor([True])
    """

    what: ClassVar[str] = NOT_GAUSSIAN["mixture"]

    log_weights: Tensor
    means: Tensor
    log_vars: Tensor

    @property
    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and sigma of each dimension: sigma^2 = sum_c w_c (sigma_c^2 + (mean_c - mean)^2)."""
        weights = self.log_weights.exp()[..., None]
        mean = (weights * self.means).sum(1)
        spread = torch.exp(self.log_vars) + (self.means - mean[:, None]).square()
        return mean, (weights * spread).sum(1).sqrt()

    @property
    def matched(self) -> FullNormal:
        """The Gaussian of the same mean and covariance."""
        weights = self.log_weights.exp()[..., None]
        mean = (weights * self.means).sum(1)
        within = torch.diag_embed((weights * torch.exp(self.log_vars)).sum(1))
        away = weights.sqrt() * (self.means - mean[:, None])
        return FullNormal.from_covariance(mean, within + away.mT @ away)

    @property
    def conditional_log_var(self) -> Tensor:
        """log sigma^2 of all components, shape (batch, C J)."""
        return self.log_vars.flatten(1)

    @property
    def parameters(self) -> tuple[Tensor, Tensor, Tensor]:
        """log w, means, and log sigma^2."""
        return self.log_weights, self.means, self.log_vars

    def no_move(self) -> tuple[Tensor, Tensor]:
        """A shift and a growth of 0, as :meth:`moved` takes them."""
        shift = torch.zeros_like(self.means.flatten(1))
        return shift, torch.zeros_like(torch.cat((shift, self.log_weights), 1))

    def moved(self, shift: Tensor, growth: Tensor) -> "DiagonalMixture":
        """Another one in units of this one: each mean_c + sigma_c shift, sigma_c e^growth, and other weights.

        Arguments:
            shift: Shape (batch, C J).
            growth: Of log sigma, then what is added to log w before it is normalised: (batch, C J + C).
        """
        wider, logits = growth.split((shift.shape[1], self.log_weights.shape[1]), 1)
        means = self.means + torch.exp(0.5 * self.log_vars) * shift.view_as(self.means)
        log_weights = torch.log_softmax(self.log_weights + logits, 1)
        return DiagonalMixture(log_weights, means, self.log_vars + 2 * wider.view_as(self.log_vars))

    def double(self) -> "DiagonalMixture":
        """The same in float64; the weights sum to 1 there, too."""
        weights, means, log_vars = (part.double() for part in self.parameters)
        return DiagonalMixture(torch.log_softmax(weights, 1), means, log_vars)

    def draw_eps(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Noise eps ~ N(0, I) of shape (num_samples, batch, J)."""
        like = self.means[:, 0]
        return standard_noise((num_samples, *like.shape), like, generator)

    def draw(self, eps: Tensor) -> Draws:
        """z of each component: those of noise (M, batch, J) are (C M, batch, J)."""
        signs = self.means.new_ones(self.means.shape[1])
        signs[1::2] = -1  # equal components see what is odd in eps once with each sign, and it is gone
        means, stds = (part.transpose(0, 1)[:, None] for part in (self.means, torch.exp(0.5 * self.log_vars)))
        z = (means + stds * (signs.view(-1, 1, 1, 1) * eps)).flatten(0, 1)
        return Draws(self, z, self.log_prob(z), self.log_weights)

    def independent(self, num_samples: int, *, generator: torch.Generator) -> Draws:
        """Independent draws, each of a component that is drawn with its weight: S = ``num_samples``."""
        weights = self.log_weights.detach().exp().to(generator.device)
        which = torch.multinomial(weights, num_samples, replacement=True, generator=generator)
        which = which.T.to(self.means.device)[..., None].expand(-1, -1, self.means.shape[2])
        means, log_vars = (
            part.expand(num_samples, *part.shape).gather(2, which[:, :, None])[:, :, 0]
            for part in (self.means, self.log_vars)
        )
        eps = self.draw_eps(num_samples, generator=generator)
        return Draws(self, means + torch.exp(0.5 * log_vars) * eps)

    def axes(self) -> list[Tensor]:
        """Values along each dimension that hold the first q, close where a component is narrow."""
        unit = torch.linspace(-_GRID_REACH, _GRID_REACH, _GRID_POINTS).to(self.means)
        pairs = zip(self.means[0].T, torch.exp(0.5 * self.log_vars[0]).T, strict=True)
        return [torch.unique((mean + std * unit[:, None]).flatten()) for mean, std in pairs]

    def log_prob(self, z: Tensor, /) -> Tensor:
        """log q(z|x) in nats: z of shape (..., batch, J) gives (..., batch)."""
        return torch.logsumexp(-self._negative_each(z).sum(-1) + self.log_weights, -1)

    def log_marginals(self, z: Tensor) -> Tensor:
        """log q(z_j|x) = log sum_c w_c N(z_j; mean_cj, sigma_cj^2): z of (..., batch, J) gives that shape."""
        return torch.logsumexp(self.log_weights[..., None] - self._negative_each(z), -2)

    def _negative_each(self, z: Tensor) -> Tensor:
        """-log N(z_j; mean_cj, sigma_cj^2), shape (..., batch, C, J)."""
        squares = (z[..., None, :] - self.means).square() * torch.exp(-self.log_vars)
        return negative_log_density(squares, 0.5 * self.log_vars)

    def kl_per_dim(self, prior: Prior) -> None:
        """None: E[log q(z|x)] has no closed form, whatever the prior."""
        del prior


AnyPosterior = AnyNormal | PlanarNormal | DiagonalMixture
"""A q(z|x) that has a density."""
_Kind = TypeVar("_Kind", bound=AnyPosterior)


def concatenated(parts: Sequence[_Kind]) -> _Kind:
    """Those of all examples from those of successive subsets, all of one kind."""
    columns = zip(*(part.parameters for part in parts), strict=True)
    return type(parts[0])(*(torch.cat(column) for column in columns))


def chosen(choose: Tensor, first: _Kind, second: _Kind) -> _Kind:
    """Example by example, the first where ``choose``, booleans of shape (batch,), and else the second.

    Both are of one kind.
    """
    pairs = zip(first.parameters, second.parameters, strict=True)
    return type(first)(
        *(torch.where(choose.view(-1, *[1] * (one.ndim - 1)), one, other) for one, other in pairs)
    )


@dataclass(frozen=True, slots=True)
class Deterministic:
    """z = mean: a plain autoencoder's code, shape (batch, J). It has no density, hence no KL and no bound."""

    mean: Tensor

    @property
    def std(self) -> Tensor:
        """Zeros of shape (batch, J)."""
        return torch.zeros_like(self.mean)

    @property
    def variance(self) -> Tensor:
        """Zeros of shape (batch, J)."""
        return torch.zeros_like(self.mean)

    @property
    def moments(self) -> tuple[Tensor, Tensor]:
        """The mean, and zeros."""
        return self.mean, self.std

    def as_density(self) -> AnyPosterior:
        """Raises :class:`BadInput` (code ``encoder_head``): it has no density."""
        raise _no_density()

    def as_normal(self) -> AnyNormal:
        """Raises :class:`BadInput` (code ``encoder_head``): it has no density."""
        raise _no_density()

    def draw_eps(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Zeros of shape (num_samples, batch, J): nothing is drawn."""
        del generator
        return self.mean.new_zeros(num_samples, *self.mean.shape)

    def reparameterize(self, eps: Tensor) -> Tensor:
        """z = mean for each sample: (M, batch, J)."""
        return self.mean.expand_as(eps)

    def sample(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """The mean ``num_samples`` times: (num_samples, batch, J)."""
        return self.reparameterize(self.draw_eps(num_samples, generator=generator))

    def log_prob(self, z: Tensor, /) -> Tensor:
        """Raises :class:`BadInput` (code ``encoder_head``): it has no density."""
        del z
        raise _no_density()

    def draw(self, eps: Tensor) -> Draws:
        """The mean for each sample."""
        return Draws(self, self.reparameterize(eps))

    def kl_per_dim(self, prior: Prior) -> Tensor:
        """Zeros of shape (batch, J), by convention."""
        del prior
        return self.kl_to_standard_normal()

    def kl_to_standard_normal(self) -> Tensor:
        """Zeros of shape (batch, J), by convention."""
        return torch.zeros_like(self.mean)


def _no_density() -> BadInput:
    return BadInput(
        "encoder_head",
        "a deterministic encoder has no q(z|x), so there is no bound to measure",
        "choose an encoder with a variance",
    )
