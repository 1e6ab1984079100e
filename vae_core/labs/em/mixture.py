"""Mixtures of Gaussians and the EM algorithm: coordinate ascent on the free energy (Neal and Hinton 1998).

With q_d the responsibilities of example d,  log p(x_d) = F[q_d, theta] + KL(q_d || p(z|x_d; theta)).
The E-step sets q_d to the posterior, so the gap is 0; the M-step maximises F over theta, so log p rises.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.distributions import AnyNormal, FullNormal
from vae_core.errors import BadInput

Numbers = Tensor | NDArray[Any] | Sequence[Any]
VARIANCE_FLOOR: Final = 1e-6
"""Of every covariance's eigenvalues: without one, a component on a single example has an infinite density."""
_EMPTY: Final = 1e-12
"""A component with a smaller share of the data has no mean of its own."""


@dataclass(frozen=True, slots=True, init=False)
class Mixture:
    """p(x) = sum_k pi_k N(x; mu_k, Sigma_k).

    Arguments:
        weights: pi, shape (K,), at least 0 and of sum 1.
        means: mu, shape (K, D).
        covariances: Sigma, symmetric and positive definite, shape (K, D, D).

    Raises:
        BadInput: Shapes that do not fit, invalid weights (code ``weights``), or a covariance that is
            not positive definite (``covariances``).

    Example:
        >>> mixture = Mixture([0.5, 0.5], [[-1.0], [1.0]], [[[1.0]], [[1.0]]])
        >>> round(float(mixture.log_prob([[0.0]])), 4)
        -1.4189
    """

    weights: Tensor
    means: Tensor
    covariances: Tensor

    def __init__(self, weights: Numbers, means: Numbers, covariances: Numbers) -> None:
        for name, given in (("weights", weights), ("means", means), ("covariances", covariances)):
            object.__setattr__(self, name, torch.as_tensor(given, dtype=torch.float64))
        self._check()

    def _check(self) -> None:
        count, dims = (*self.means.shape, 0, 0)[:2]
        if self.weights.shape != (count,) or self.covariances.shape != (count, dims, dims) or not dims:
            message = "weights, means and covariances of a mixture do not fit each other"
            raise BadInput("means", message, "give them the shapes (K,), (K, D) and (K, D, D)")
        if not (self.weights >= 0).all() or abs(float(self.weights.sum()) - 1) > 1e-9:
            raise BadInput(
                "weights", "the weights of a mixture must be at least 0 and sum to 1", "scale them"
            )
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


class EmStep(NamedTuple):
    """One E-step and the M-step that follows it; all values in nats per example.

    Arguments:
        bound: F[q, theta] with the q of this E-step and the theta of this M-step: E_q[log p(x, z)] + H[q].
        log_likelihood: log p(x; theta) with that theta; the next E-step closes what is between the two.
        weights: pi after the M-step, shape (K,).
        means: mu, shape (K, D).
        covariances: Sigma, shape (K, D, D).
        responsibilities: q, shape (n, K).
        q_function: Q(theta before, theta) = E_q[log p(x, z; theta)], what the other form of EM maximises.
        entropy: H[q].
        floored: Components whose covariance had an eigenvalue below the floor.
    """

    bound: float
    log_likelihood: float
    weights: Tensor
    means: Tensor
    covariances: Tensor
    responsibilities: Tensor
    q_function: float
    entropy: float
    floored: tuple[int, ...]

    @property
    def mixture(self) -> Mixture:
        """The mixture after the M-step."""
        return Mixture(self.weights, self.means, self.covariances)


def em_steps(x: Tensor, initial: Mixture, *, floor: float = VARIANCE_FLOOR) -> Iterator[EmStep]:
    """EM, as many steps as are asked for: each is an E-step with the mixture so far, then an M-step.

    r_dk = pi_k N(x_d; mu_k, Sigma_k) / sum_l pi_l N(x_d; mu_l, Sigma_l);  pi_k = mean_d r_dk;
    mu_k and Sigma_k: mean and covariance of the data weighted with r_dk (Dempster, Laird and Rubin 1977).
    Eigenvalues of Sigma_k below the floor are set to it: the maximum under that constraint, so neither the
    bound nor log p ever falls.

    Arguments:
        x: Examples, shape (n, D).
        initial: The mixture to begin with.
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


def random_start(x: Tensor, num_components: int, *, generator: torch.Generator) -> Mixture:
    """Equal weights, means at examples drawn without repetition, and the covariance of all examples.

    Arguments:
        x: Examples, shape (n, D).
        num_components: K.
        generator: Draws the examples.

    Raises:
        BadInput: More components than examples.
    """
    x = torch.as_tensor(x, dtype=torch.float64)
    check_num_components(num_components, len(x))
    chosen = torch.randperm(len(x), generator=generator)[:num_components]
    centred = x - x.mean(0)
    covariance, _ = _floored((centred.T @ centred / len(x))[None], VARIANCE_FLOOR)
    weights = torch.full((num_components,), 1 / num_components, dtype=torch.float64)
    return Mixture(weights, x[chosen], covariance.expand(num_components, -1, -1))


def bound_of(x: Tensor, mixture: Mixture, responsibilities: Tensor) -> tuple[float, float]:
    """E_q[log p(x, z)] and H[q] for any q, mean over examples, nats: their sum is the bound F.

    Arguments:
        x: Examples, shape (n, D).
        mixture: theta.
        responsibilities: q, shape (n, K).
    """
    log_joint = mixture.log_joint(x)
    # A component without weight has log pi = -inf: where q has no mass there either, it counts nothing.
    energy = torch.where(responsibilities > 0, responsibilities * log_joint, 0.0).sum(1)
    entropy = -torch.xlogy(responsibilities, responsibilities).sum(1)
    return float(energy.mean()), float(entropy.mean())


def _steps(x: Tensor, mixture: Mixture, floor: float) -> Iterator[EmStep]:
    while True:
        responsibilities = mixture.responsibilities(x)
        mixture, floored = _maximised(x, responsibilities, mixture, floor)
        energy, entropy = bound_of(x, mixture, responsibilities)
        yield EmStep(
            bound=energy + entropy,
            log_likelihood=float(mixture.log_prob(x).mean()),
            weights=mixture.weights,
            means=mixture.means,
            covariances=mixture.covariances,
            responsibilities=responsibilities,
            q_function=energy,
            entropy=entropy,
            floored=floored,
        )


def _maximised(
    x: Tensor, responsibilities: Tensor, before: Mixture, floor: float
) -> tuple[Mixture, tuple[int, ...]]:
    """The M-step, and which covariances it had to hold above the floor."""
    shares = responsibilities.sum(0)
    is_empty = shares < _EMPTY * len(x)
    normalised = responsibilities / shares.where(~is_empty, 1.0)
    means = normalised.T @ x
    centred = x - means[:, None]
    covariances = torch.einsum("nk,kni,knj->kij", normalised, centred, centred)
    means = torch.where(is_empty[:, None], before.means, means)
    covariances = torch.where(is_empty[:, None, None], before.covariances, covariances)
    covariances, floored = _floored(covariances, floor)
    return Mixture(shares / shares.sum(), means, covariances), floored


def _floored(covariances: Tensor, floor: float) -> tuple[Tensor, tuple[int, ...]]:
    values, vectors = torch.linalg.eigh(covariances)
    is_low = (values < floor).any(1)
    raised = vectors * values.clamp(min=floor)[:, None] @ vectors.mT
    raised = torch.where(is_low[:, None, None], 0.5 * (raised + raised.mT), covariances)
    return raised, tuple(is_low.nonzero()[:, 0].tolist())
