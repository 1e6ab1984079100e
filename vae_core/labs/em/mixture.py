"""Mixtures of Gaussians and the EM algorithm: coordinate ascent on the free energy (Neal and Hinton 1998).

With q_d the responsibilities of example d,  log p(x_d) = F[q_d, theta] + KL(q_d || p(z|x_d; theta)).
The E-step sets q_d to the posterior, so the gap is 0; the M-step maximises F over theta, so log p rises.
Components of other families are in :mod:`vae_core.labs.em.products`; the same steps fit them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, NamedTuple, Protocol, Self, TypeVar, get_args

import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.errors import BadInput
from vae_core.posteriors import AnyNormal, FullNormal

Numbers = Tensor | NDArray[Any] | Sequence[Any]
VARIANCE_FLOOR: Final = 1e-6
"""Of every covariance's eigenvalues: without one, a component on a single example has an infinite density."""
EMPTY: Final = 1e-12
"""A component with a smaller share of the data has no mean of its own."""
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

    def maximised(self, x: Tensor, responsibilities: Tensor, floor: float) -> tuple[Self, tuple[int, ...]]:
        """The M-step, and which components it had to hold above the floor."""
        ...

    def only(self, component: int) -> Self:
        """One component by itself, with the weight 1."""
        ...

    def moved(self, component: int, column: int, value: float) -> Self:
        """The mixture with another value of one mean, and all else as it is."""
        ...


M = TypeVar("M", bound=AnyMixture)


@dataclass(frozen=True, slots=True, init=False)
class Mixture:
    """p(x) = sum_k pi_k N(x; mu_k, Sigma_k).

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
        count, dims = (*self.means.shape, 0, 0)[:2]
        if self.weights.shape != (count,) or self.covariances.shape != (count, dims, dims) or not dims:
            message = "weights, means and covariances of a mixture do not fit each other"
            raise BadInput("means", message, "give them the shapes (K,), (K, D) and (K, D, D)")
        check_weights(self.weights)
        if self.covariance not in get_args(Covariance):
            message = f"covariance must be one of {', '.join(get_args(Covariance))}, got {self.covariance!r}"
            raise BadInput("covariance", message, "full is usual")
        if not self.means.isfinite().all() or bool(torch.linalg.cholesky_ex(self.covariances).info.any()):
            message = "a component's covariance is not positive definite"
            raise BadInput("covariances", message, "add a small number to its diagonal")

    @property
    def num_components(self) -> int:
        """K."""
        return len(self.weights)

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
        """log pi_k + log N(x_d; mu_k, Sigma_k) of examples of shape (..., D): shape (..., K), nats."""
        x = torch.as_tensor(x, dtype=torch.float64)
        return self.weights.log() + self.components.log_prob(x[..., None, :])

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
        return self.log_joint(x).softmax(1)

    def maximised(self, x: Tensor, responsibilities: Tensor, floor: float) -> tuple[Self, tuple[int, ...]]:
        """Weighted means and covariances of the form ``covariance``, none narrower than the floor.

        Arguments:
            x: Examples, shape (n, D).
            responsibilities: Their weights, shape (n, K).
            floor: Smallest variance in any direction.

        Returns:
            The mixture, and the components whose covariance had an eigenvalue below the floor.
        """
        shares, normalised, is_empty = shares_of(responsibilities)
        means = normalised.T @ x
        centred = x - means[:, None]
        covariances = (normalised.T[..., None] * centred).mT @ centred
        means = torch.where(is_empty[:, None], self.means, means)
        covariances = torch.where(is_empty[:, None, None], self.covariances, covariances)
        covariances = _of_form(covariances, shares, self.covariance)
        covariances, floored = _floored(covariances, floor)
        return type(self)(shares, means, covariances, self.covariance), floored

    def only(self, component: int) -> Self:
        """One component by itself, with the weight 1."""
        here = slice(component, component + 1)
        return type(self)([1.0], self.means[here], self.covariances[here], self.covariance)

    def moved(self, component: int, column: int, value: float) -> Self:
        """The mixture with ``value`` for one entry of one mean."""
        means = self.means.clone()
        means[component, column] = value
        return type(self)(self.weights, means, self.covariances, self.covariance)


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
    x = torch.as_tensor(x, dtype=torch.float64)
    if x.ndim != 2 or x.shape[1] != initial.means.shape[1] or not x.isfinite().all():
        message = f"x must be finite and have {initial.means.shape[1]} columns, as the mixture has"
        raise BadInput("x", message, "leave out rows with missing values and choose the same columns")
    check_num_components(initial.num_components, len(x))
    return _steps(x, initial, floor)


def check_num_components(num_components: int, num_data: int) -> None:
    """Raises :class:`BadInput` unless there are at least as many examples as components."""
    if not 1 <= num_components <= num_data:
        message = f"{num_components} components for {num_data} examples"
        raise BadInput("num_components", message, "choose at least 1 and no more than there are examples")


def check_weights(weights: Tensor) -> None:
    """Raises :class:`BadInput` (code ``weights``) unless the weights are at least 0 and sum to 1."""
    if not (weights >= 0).all() or abs(float(weights.sum()) - 1) > 1e-9:
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
    return _bound(mixture.log_joint(x), responsibilities)


def _bound(log_joint: Tensor, responsibilities: Tensor) -> tuple[float, float]:
    # A component without weight has log pi = -inf: where q has no mass there either, it counts nothing.
    energy = torch.where(responsibilities > 0, responsibilities * log_joint, 0.0).sum(1)
    entropy = -torch.xlogy(responsibilities, responsibilities).sum(1)
    return float(energy.mean()), float(entropy.mean())


def _gap(log_joint: Tensor, responsibilities: Tensor) -> float:
    """KL(q || p(z|x)), mean over examples, nats."""
    # log p(z|x) from the log joint: a responsibility may underflow to 0.
    q, log_posterior = responsibilities, log_joint.log_softmax(1)
    return float(torch.where(q > 0, torch.xlogy(q, q) - q * log_posterior, 0.0).sum(1).mean())


def shares_of(responsibilities: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """pi_k = mean_d r_dk, shape (K,); r_dk / sum_d r_dk, shape (n, K); and which components have no data."""
    totals = responsibilities.sum(0)
    is_empty = totals < EMPTY * len(responsibilities)
    return totals / totals.sum(), responsibilities / totals.where(~is_empty, 1.0), is_empty


def _steps(x: Tensor, mixture: M, floor: float) -> Iterator[EmStep[M]]:
    # Of each theta once: the E-step and the bound both need it.
    log_joint = mixture.log_joint(x)
    while True:
        responsibilities = log_joint.softmax(1)
        mixture, floored = mixture.maximised(x, responsibilities, floor)
        log_joint = mixture.log_joint(x)
        energy, entropy = _bound(log_joint, responsibilities)
        yield EmStep(
            bound=energy + entropy,
            log_likelihood=float(log_joint.logsumexp(1).mean()),
            mixture=mixture,
            responsibilities=responsibilities,
            q_function=energy,
            entropy=entropy,
            gap=_gap(log_joint, responsibilities),
            floored=floored,
        )


def _of_form(covariances: Tensor, shares: Tensor, form: Covariance) -> Tensor:
    """The maximum likelihood among covariances of a form, from those of any form, shape (K, D, D)."""
    if form == "full":
        return covariances
    if form == "tied":
        return torch.einsum("k,kij->ij", shares, covariances).expand_as(covariances)
    variances = covariances.diagonal(dim1=1, dim2=2)
    if form == "spherical":
        variances = variances.mean(1, keepdim=True).expand_as(variances)
    return torch.diag_embed(variances)


def _floored(covariances: Tensor, floor: float) -> tuple[Tensor, tuple[int, ...]]:
    values, vectors = torch.linalg.eigh(covariances)
    is_low = (values < floor).any(1)
    raised = vectors * values.clamp(min=floor)[:, None] @ vectors.mT
    raised = torch.where(is_low[:, None, None], 0.5 * (raised + raised.mT), covariances)
    return raised, tuple(is_low.nonzero()[:, 0].tolist())
