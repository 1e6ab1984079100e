"""Mixtures of Gaussians and the EM algorithm: coordinate ascent on the free energy (Neal and Hinton 1998).

With q_d the responsibilities of example d,  log p(x_d) = F[q_d, theta] + KL(q_d || p(z|x_d; theta)).
The E-step sets q_d to the posterior, so the gap is 0; the M-step maximises F over theta, so log p rises.
Components of other families are in :mod:`vae_core.labs.em.products`; the same steps fit them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Generic, Literal, NamedTuple, Protocol, Self, TypeVar, get_args

import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.distributions import negative_log_density
from vae_core.errors import BadInput
from vae_core.posteriors import AnyNormal, FullNormal

Numbers = Tensor | NDArray[Any] | Sequence[Any]
VARIANCE_FLOOR: Final = 1e-6
"""Of every covariance's eigenvalues: without one, a component on a single example has an infinite density."""
EMPTY: Final = 1e-12
"""A component with a smaller share of the data has no mean of its own."""
AT_ONCE: Final = 2**17
"""Numbers beyond which a stack takes longer than its mixtures one by one, n K D of each: a megabyte."""
Covariance = Literal["full", "diagonal", "spherical", "tied"]
"""What a component's covariance may be: anything, diagonal, a multiple of I, the same for all components."""


class AnyMixture(Protocol):
    """A mixture that EM can fit."""

    @property
    def weights(self) -> Tensor:
        """pi, shape (K,)."""
        ...

    @property
    def means(self) -> Tensor:
        """E[x|z = k], shape (K, D)."""
        ...

    @property
    def num_components(self) -> int:
        """K."""
        ...

    def log_joint(self, x: Tensor) -> Tensor:
        """log pi_k + log p_k(x_d) of examples of shape (n, D): shape (n, K), nats."""
        ...

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x_d), shape (n,), nats."""
        ...

    def responsibilities(self, x: Tensor) -> Tensor:
        """p(z = k|x_d), shape (n, K)."""
        ...

    @classmethod
    def stacked(cls, mixtures: Sequence[Self]) -> Self:
        """S mixtures of one kind as one: all its arrays, and what it computes, begin with (S,)."""
        ...

    def unstacked(self) -> list[Self]:
        """The mixtures of which this is the stack."""
        ...

    def maximised(self, x: Tensor, responsibilities: Tensor, floor: float) -> tuple[Self, Tensor]:
        """The M-step, and whether it had to hold a component above the floor, shape (K,)."""
        ...

    def only(self, component: int) -> Self:
        """One component by itself, with the weight 1."""
        ...

    def moved(self, component: int, column: int, values: Tensor) -> Self:
        """A stack, of a mixture for each value of one mean, with all else as it is."""
        ...


M = TypeVar("M", bound=AnyMixture)


@dataclass(frozen=True, slots=True, init=False)
class Mixture:
    """p(x) = sum_k pi_k N(x; mu_k, Sigma_k).

    A stack of S mixtures (:meth:`stacked`) has arrays that begin with (S,), and so has what it computes.

    Arguments:
        weights: pi, shape (K,), at least 0 and of sum 1.
        means: mu, shape (K, D).
        covariances: Sigma, symmetric and positive definite, shape (K, D, D).
        covariance: What EM makes of Sigma: of any form, diagonal, a multiple of I, or one for all components.

    Raises:
        BadInput: Shapes that do not fit, invalid weights (code ``weights``), or a covariance that is
            not positive definite (``covariances``) or of no known form (``covariance``).

    Example:
        >>> mixture = Mixture([0.5, 0.5], [[-1.0], [1.0]], [[[1.0]], [[1.0]]])
        >>> round(float(mixture.log_prob([[0.0]])), 4)
        -1.4189
    """

    weights: Tensor
    means: Tensor
    covariances: Tensor
    covariance: Covariance

    def __init__(
        self, weights: Numbers, means: Numbers, covariances: Numbers, covariance: Covariance = "full"
    ) -> None:
        object.__setattr__(self, "covariance", covariance)
        for name, given in (("weights", weights), ("means", means), ("covariances", covariances)):
            object.__setattr__(self, name, torch.as_tensor(given, dtype=torch.float64))
        self._check()

    def _check(self) -> None:
        *stack, count, dims = (0, 0, *self.means.shape) if self.means.ndim < 2 else self.means.shape
        expected = (*stack, count), (*stack, count, dims, dims)
        if (self.weights.shape, self.covariances.shape) != expected or not dims:
            message = "weights, means and covariances of a mixture do not fit each other"
            raise BadInput("means", message, "give them the shapes (K,), (K, D) and (K, D, D)")
        check_weights(self.weights)
        if self.covariance not in get_args(Covariance):
            message = f"covariance must be one of {', '.join(get_args(Covariance))}, got {self.covariance!r}"
            raise BadInput("covariance", message, "full is usual")
        if not self.means.isfinite().all() or bool(torch.linalg.cholesky_ex(self.covariances).info.any()):
            message = "a component's covariance is not positive definite"
            raise BadInput("covariances", message, "add a small number to its diagonal")

    @classmethod
    def stacked(cls, mixtures: Sequence[Self]) -> Self:
        """S mixtures of as many components and columns as one, of the first one's form."""
        return cls(
            torch.stack([one.weights for one in mixtures]),
            torch.stack([one.means for one in mixtures]),
            torch.stack([one.covariances for one in mixtures]),
            mixtures[0].covariance,
        )

    def unstacked(self) -> list[Self]:
        """The mixtures of which this is the stack."""
        parts = zip(self.weights, self.means, self.covariances, strict=True)
        return [self._like(*part) for part in parts]

    def _like(self, weights: Tensor, means: Tensor, covariances: Tensor) -> Self:
        """Of parts that have been checked: in 180 mixtures of a page that takes longer than all else."""
        one = object.__new__(type(self))
        named = {"weights": weights, "means": means, "covariances": covariances}
        for name, value in (named | {"covariance": self.covariance}).items():
            object.__setattr__(one, name, value)
        return one

    @property
    def num_components(self) -> int:
        """K."""
        return self.weights.shape[-1]

    @property
    def components(self) -> FullNormal:
        """N(mu_k, Sigma_k): K Gaussians in D dimensions."""
        return FullNormal.from_covariance(self.means, self.covariances)

    @property
    def mean(self) -> Tensor:
        """sum_k pi_k mu_k, shape (D,)."""
        return self.weights @ self.means

    def kl_per_dim_from(self, q: AnyNormal, /) -> None:
        """None: the KL to a mixture has no closed form."""
        del q

    def log_joint(self, x: Tensor) -> Tensor:
        """log pi_k + log N(x_d; mu_k, Sigma_k) of examples of shape (..., D): shape (..., K), nats.

        Of a stack: of examples of shape (n, D), shape (S, n, K).
        """
        x = torch.as_tensor(x, dtype=torch.float64)
        factor = torch.linalg.cholesky(self.covariances)
        # The rows last: sums over the few columns or components take a third of the time so.
        centred = x.reshape(-1, x.shape[-1]).T - self.means[..., None]
        eye = torch.eye(x.shape[-1], dtype=torch.float64).expand_as(factor)
        squares = (torch.linalg.solve_triangular(factor, eye, upper=False) @ centred).square()
        log_std = factor.diagonal(dim1=-2, dim2=-1).log()[..., None]
        found = self.weights.log()[..., None] - negative_log_density(squares, log_std).sum(-2)
        return found.mT.reshape(*self.weights.shape[:-1], *x.shape[:-1], -1)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x_d) of examples of shape (..., D): shape (...,), nats."""
        return self.log_joint(x).logsumexp(-1)

    def sample(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Draws x of shape (num_samples, D): a component, then a point of it."""
        rows = torch.multinomial(self.weights, num_samples, replacement=True, generator=generator)
        eps = torch.randn(num_samples, self.means.shape[1], 1, generator=generator, dtype=torch.float64)
        return self.means[rows] + (torch.linalg.cholesky(self.covariances)[rows] @ eps)[..., 0]

    def responsibilities(self, x: Tensor) -> Tensor:
        """p(z = k|x_d) of examples of shape (n, D): shape (n, K)."""
        log_joint = self.log_joint(x)
        return (log_joint - log_joint.logsumexp(-1, keepdim=True)).exp()

    def maximised(self, x: Tensor, responsibilities: Tensor, floor: float) -> tuple[Self, Tensor]:
        """Weighted means and covariances of the form ``covariance``, none narrower than the floor.

        Arguments:
            x: Examples, shape (n, D).
            responsibilities: Their weights, shape (n, K).
            floor: Smallest variance in any direction.

        Returns:
            The mixture, and whether a component's covariance had an eigenvalue below the floor, shape (K,).
        """
        shares, normalised, is_empty = shares_of(responsibilities)
        means = normalised.mT @ x
        centred = x - means[..., None, :]
        covariances = (normalised.mT[..., None] * centred).mT @ centred
        means = torch.where(is_empty[..., None], self.means, means)
        covariances = torch.where(is_empty[..., None, None], self.covariances, covariances)
        covariances = _of_form(covariances, shares, self.covariance)
        covariances, floored = _floored(covariances, floor)
        return type(self)(shares, means, covariances, self.covariance), floored

    def only(self, component: int) -> Self:
        """One component by itself, with the weight 1."""
        here = slice(component, component + 1)
        return type(self)([1.0], self.means[here], self.covariances[here], self.covariance)

    def moved(self, component: int, column: int, values: Tensor) -> Self:
        """A stack, of a mixture for each value, of shape (P,), of one entry of one mean."""
        weights, means, covariances = (
            part.expand(len(values), *part.shape) for part in (self.weights, self.means, self.covariances)
        )
        means = means.clone()
        means[:, component, column] = values
        return type(self)(weights, means, covariances, self.covariance)


class EmStep(NamedTuple, Generic[M]):
    """One E-step and the M-step that follows it; all values in nats per example.

    Arguments:
        bound: F[q, theta] with the q of this E-step and the theta of this M-step: E_q[log p(x, z)] + H[q].
        log_likelihood: log p(x; theta) with that theta; the next E-step closes what is between the two.
        mixture: theta after the M-step.
        responsibilities: q, shape (n, K).
        q_function: Q(theta before, theta) = E_q[log p(x, z; theta)], what the other form of EM maximises.
        entropy: H[q].
        gap: KL(q || p(z|x; theta)), computed by itself: log_likelihood - bound, but for rounding.
        floored: Components whose covariance had an eigenvalue below the floor.
    """

    bound: float
    log_likelihood: float
    mixture: M
    responsibilities: Tensor
    q_function: float
    entropy: float
    gap: float
    floored: tuple[int, ...]


def em_steps(x: Tensor, initial: M, *, floor: float = VARIANCE_FLOOR) -> Iterator[EmStep[M]]:
    """EM, as many steps as are asked for: each is an E-step with the mixture so far, then an M-step.

    r_dk = pi_k p_k(x_d) / sum_l pi_l p_l(x_d);  pi_k = mean_d r_dk;  theta_k: maximum likelihood with the
    weights r_dk, for Gaussians weighted mean and covariance (Dempster, Laird and Rubin 1977).
    Eigenvalues of Sigma_k below the floor are set to it: the maximum under that constraint, so neither the
    bound nor log p ever falls.

    Arguments:
        x: Examples, shape (n, D).
        initial: The mixture to begin with; its family and the form of its covariances stay.
        floor: Smallest variance in any direction.

    Raises:
        BadInput: x of another shape or not finite (code ``x``), or fewer examples than components
            (``num_components``).
    """
    side_by_side = em_side_by_side(x, [initial], floor=floor)
    return (steps[0] for steps in side_by_side)


def em_side_by_side(
    x: Tensor, starts: Sequence[M], *, floor: float = VARIANCE_FLOOR
) -> Iterator[list[EmStep[M]]]:
    """EM from several starts, a step of each at once: what :func:`em_steps` gives for each, but for rounding.

    On a small table a step is some forty operations of a few microseconds, whatever the number of starts.

    Arguments:
        x: Examples, shape (n, D).
        starts: Mixtures of one kind: family, numbers of components and columns, form of the covariances.
        floor: Smallest variance in any direction.

    Raises:
        BadInput: As :func:`em_steps`.
    """
    x, first = torch.as_tensor(x, dtype=torch.float64), starts[0]
    if x.ndim != 2 or x.shape[1] != first.means.shape[1] or not x.isfinite().all():
        message = f"x must be finite and have {first.means.shape[1]} columns, as the mixture has"
        raise BadInput("x", message, "leave out rows with missing values and choose the same columns")
    check_num_components(first.num_components, len(x))
    size = max(1, AT_ONCE // (x.numel() * first.num_components))
    stacks = [first.stacked(starts[place : place + size]) for place in range(0, len(starts), size)]
    groups = [_steps(x, stack, floor) for stack in stacks]
    return (list(chain.from_iterable(steps)) for steps in zip(*groups, strict=True))


def check_num_components(num_components: int, num_data: int) -> None:
    """Raises :class:`BadInput` unless there are at least as many examples as components."""
    if not 1 <= num_components <= num_data:
        message = f"{num_components} components for {num_data} examples"
        raise BadInput("num_components", message, "choose at least 1 and no more than there are examples")


def check_weights(weights: Tensor) -> None:
    """Raises :class:`BadInput` (code ``weights``) unless the weights are at least 0 and sum to 1."""
    if not (weights >= 0).all() or float((weights.sum(-1) - 1).abs().max()) > 1e-9:
        raise BadInput("weights", "the weights of a mixture must be at least 0 and sum to 1", "scale them")


def stop_iteration(log_likelihoods: Sequence[float], epsilon: float) -> int | None:
    """The iteration after which EM would have stopped: the first whose E-step finds the bound risen by less.

    After the E-step the bound is log p at the theta before, so its rise from one iteration to the next is
    that of log p. scikit-learn stops by the same rule (its ``tol``).

    Arguments:
        log_likelihoods: log p(x) at the start and after each M-step, nats per example.
        epsilon: Of the rise, nats per example.

    Returns:
        Its number, at least 2; None where EM was still rising by ``epsilon`` or more.

    Raises:
        BadInput: An epsilon that is not above 0 (code ``epsilon``).

    Example:
        >>> stop_iteration([-3.0, -2.0, -1.95, -1.949, -1.949], 0.01)
        4
    """
    if not epsilon > 0:
        raise BadInput("epsilon", f"epsilon must be above 0, got {epsilon}", "0.001 is usual")
    for number in range(1, len(log_likelihoods)):
        if log_likelihoods[number] - log_likelihoods[number - 1] < epsilon:
            return number + 1
    return None


def random_start(
    x: Tensor, num_components: int, *, generator: torch.Generator, covariance: Covariance = "full"
) -> Mixture:
    """Equal weights, means at examples drawn without repetition, and the covariance of all examples.

    Arguments:
        x: Examples, shape (n, D).
        num_components: K.
        generator: Draws the examples.
        covariance: Its form.

    Raises:
        BadInput: More components than examples.
    """
    x = torch.as_tensor(x, dtype=torch.float64)
    check_num_components(num_components, len(x))
    chosen = torch.randperm(len(x), generator=generator)[:num_components]
    centred = x - x.mean(0)
    common = _of_form((centred.T @ centred / len(x))[None], torch.ones(1).double(), covariance)
    common, _ = _floored(common, VARIANCE_FLOOR)
    weights = torch.full((num_components,), 1 / num_components, dtype=torch.float64)
    return Mixture(weights, x[chosen], common.expand(num_components, -1, -1), covariance)


def bound_of(x: Tensor, mixture: AnyMixture, responsibilities: Tensor) -> tuple[float, float]:
    """E_q[log p(x, z)] and H[q] for any q, mean over examples, nats: their sum is the bound F.

    Arguments:
        x: Examples, shape (n, D).
        mixture: theta.
        responsibilities: q, shape (n, K).
    """
    energy = _expected(responsibilities, mixture.log_joint(x))
    entropy = -torch.xlogy(responsibilities, responsibilities).sum(-1).mean(-1)
    return float(energy), float(entropy)


def _expected(responsibilities: Tensor, values: Tensor) -> Tensor:
    """E_q of values of shape (..., n, K), mean over examples."""
    # A component without weight has log pi = -inf: where q has no mass there either, it counts nothing.
    rows = responsibilities.shape[-2]
    return torch.where(responsibilities > 0, responsibilities * values, 0.0).sum((-1, -2)) / rows


def shares_of(responsibilities: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """pi_k = mean_d r_dk, shape (K,); r_dk / sum_d r_dk, shape (n, K); and which components have no data."""
    totals = responsibilities.sum(-2)
    is_empty = totals < EMPTY * responsibilities.shape[-2]
    normalised = responsibilities / totals.where(~is_empty, 1.0)[..., None, :]
    return totals / totals.sum(-1, keepdim=True), normalised, is_empty


def _steps(x: Tensor, mixtures: M, floor: float) -> Iterator[list[EmStep[M]]]:
    """A step of each mixture of a stack."""
    # Of each theta once: the E-step and the bound both need it.
    log_joint = mixtures.log_joint(x)
    log_posterior = log_joint - log_joint.logsumexp(-1, keepdim=True)
    while True:
        # Not by softmax, which takes rows of few numbers one by one: ten times as long.
        log_q, responsibilities = log_posterior, log_posterior.exp()
        mixtures, is_floored = mixtures.maximised(x, responsibilities, floor)
        log_joint = mixtures.log_joint(x)
        log_p = log_joint.logsumexp(-1, keepdim=True)
        log_posterior = log_joint - log_p
        energy, entropy = _expected(responsibilities, log_joint), -_expected(responsibilities, log_q)
        gap = _expected(responsibilities, log_q - log_posterior)
        numbers = (energy + entropy, log_p.mean((-1, -2)), energy, entropy, gap)
        each = zip(*(part.tolist() for part in (*numbers, is_floored)), strict=True)
        yield [
            EmStep(
                bound=values[0],
                log_likelihood=values[1],
                mixture=mixture,
                responsibilities=q,
                q_function=values[2],
                entropy=values[3],
                gap=values[4],
                floored=tuple(k for k, is_low in enumerate(values[5]) if is_low),
            )
            for mixture, q, values in zip(mixtures.unstacked(), responsibilities, each, strict=True)
        ]


def _of_form(covariances: Tensor, shares: Tensor, form: Covariance) -> Tensor:
    """The maximum likelihood among covariances of a form, from those of any form, shape (..., K, D, D)."""
    if form == "full":
        return covariances
    if form == "tied":
        return torch.einsum("...k,...kij->...ij", shares, covariances)[..., None, :, :].expand_as(covariances)
    variances = covariances.diagonal(dim1=-2, dim2=-1)
    if form == "spherical":
        variances = variances.mean(-1, keepdim=True).expand_as(variances)
    return torch.diag_embed(variances)


def _floored(covariances: Tensor, floor: float) -> tuple[Tensor, Tensor]:
    """Covariances without an eigenvalue below the floor, and which of them had one."""
    values, vectors = torch.linalg.eigh(covariances)
    is_low = (values < floor).any(-1)
    if not is_low.any():
        return covariances, is_low
    raised = vectors * values.clamp(min=floor)[..., None, :] @ vectors.mT
    return torch.where(is_low[..., None, None], 0.5 * (raised + raised.mT), covariances), is_low
