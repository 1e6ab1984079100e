"""True gradients to compare estimators with: closed forms of one-line functions, quadrature, many samples."""

import copy
import math
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.errors import BadInput
from vae_core.evidence.exact import MAX_EXACT_DIMS
from vae_core.evidence.importance import stochastic_posterior
from vae_core.labs.gradients.estimators import (
    Expectation,
    Gradient,
    draw_samples,
    elbo_expectation,
    estimates,
    gradient_of,
)
from vae_core.labs.gradients.shapes import ShapeOf, normal_lattice
from vae_core.memory import chunk_rows
from vae_core.model import VAE
from vae_core.posteriors import AnyPosterior

NUM_NODES: Final = {1: 257, 2: 65}
"""Lattice points in each dimension."""
TRUTH_SAMPLES: Final = 2**17
"""Reparameterised samples that stand in for quadrature where J > 2."""
_PIECE: Final = 2**14


class Truth(NamedTuple):
    """L(mean, std) and its gradient, with what they may be off by.

    Arguments:
        value: L, shape (...,).
        gradient: Shapes (..., J).
        error: What a quadrature may be off by; 0 for closed forms.
        standard_error: Of a sampled gradient; 0 for closed forms and quadrature.
    """

    value: Tensor
    gradient: Gradient
    error: Gradient
    standard_error: Gradient


class OneLine(NamedTuple):
    """A function of z whose expectation under a Gaussian is known; summed over dimensions.

    Arguments:
        formula: f(z) as it is written.
        f: Elementwise.
        mean_value: E[f(z)], z ~ N(mean, std^2), elementwise in mean and std.
        has_slope: Whether f is the integral of its derivative. Where it jumps the reparameterised gradient
            is biased: the jump has no derivative that a sample could see.
    """

    formula: str
    f: Callable[[Tensor], Tensor]
    mean_value: Callable[[Tensor, Tensor], Tensor]
    has_slope: bool = True

    def expectation(self) -> Expectation:
        """E_q[f(z)] with nothing explicit."""
        return Expectation(lambda z: self.f(z).sum(-1))


def _mean_of_absolute(mean: Tensor, std: Tensor) -> Tensor:
    scaled = mean / std
    return std * math.sqrt(2 / math.pi) * torch.exp(-0.5 * scaled.square()) + mean * torch.erf(
        scaled / math.sqrt(2)
    )


ONE_LINE: Final = (
    OneLine("z + z²", lambda z: z + z.square(), lambda m, s: m + m.square() + s.square()),
    OneLine("z + z² + 10", lambda z: z + z.square() + 10, lambda m, s: m + m.square() + s.square() + 10),
    OneLine("z³", lambda z: z**3, lambda m, s: m**3 + 3 * m * s.square()),
    OneLine("sin z", torch.sin, lambda m, s: torch.sin(m) * torch.exp(-0.5 * s.square())),
    OneLine("exp(z/2)", lambda z: torch.exp(z / 2), lambda m, s: torch.exp(m / 2 + s.square() / 8)),
    OneLine("|z|", torch.abs, _mean_of_absolute),
    OneLine(
        "step: 1 if z > 0, else 0",
        lambda z: 0.5 * (1 + torch.sign(z)),
        lambda m, s: torch.special.ndtr(m / s),
        has_slope=False,
    ),
)


def closed_form(function: OneLine, mean: Tensor, std: Tensor, *, squared: bool = False) -> Truth:
    """The gradient of E_q[f(z)] from the closed form of the expectation.

    Arguments:
        function: f.
        mean: Shape (..., J).
        std: Shape (..., J).
        squared: Whether z = mean + std^2 eps, what estimator ``squared`` really has.
    """

    def expectation(mean: Tensor, std: Tensor) -> Tensor:
        return function.mean_value(mean, std.square() if squared else std).sum(-1)

    value, gradient = gradient_of(expectation, mean, std)
    none = Gradient(*(torch.zeros_like(part) for part in gradient))
    return Truth(value, gradient, none, none)


def quadrature(
    expectation: Expectation,
    mean: Tensor,
    std: Tensor,
    *,
    num_nodes: int | None = None,
    squared: bool = False,
) -> Truth:
    """The gradient of L by quadrature, J <= 2, and its change from half as many nodes.

    The rule is a sum over a lattice of eps with Gaussian weights: a plain function of (mean, std), so its
    gradient is exact. On networks it is far more accurate than Gauss-Hermite, whose nodes are sparse in the
    middle: its error falls as exp(-2 pi d / h), h the spacing and d how far f is smooth into the complex
    plane (Trefethen and Weideman 2014, "The exponentially convergent trapezoidal rule").

    Arguments:
        expectation: L, best in float64.
        mean: Shape (..., J).
        std: Shape (..., J).
        num_nodes: In each dimension; ``NUM_NODES`` when it is left out.
        squared: As in :func:`closed_form`.

    Raises:
        BadInput: J > 2 (code ``latent_dim``), or a result that is not finite (code ``diverged``).
    """
    latent_dim = mean.shape[-1]
    if latent_dim > MAX_EXACT_DIMS:
        message = f"quadrature over {latent_dim} latent dimensions needs too many nodes"
        raise BadInput("latent_dim", message, "use J = 1 or 2, or sampled_gradient")
    nodes = NUM_NODES[latent_dim] if num_nodes is None else num_nodes
    (value, gradient), (_, coarse) = (
        _sum_of_gradients(_rule(expectation, mean, count, squared=squared), mean, std)
        for count in (nodes, nodes // 2)
    )
    if not bool(gradient.mean.isfinite().all() and gradient.std.isfinite().all()):
        raise BadInput("diverged", "the gradient is not finite", "train the model again")
    error = Gradient(*((fine - rough).abs() for fine, rough in zip(gradient, coarse, strict=True)))
    return Truth(value, gradient, error, Gradient(*(torch.zeros_like(part) for part in gradient)))


_Part = Callable[[Tensor, Tensor], Tensor]


def _rule(expectation: Expectation, mean: Tensor, num_nodes: int, *, squared: bool) -> list[_Part]:
    """Functions of (mean, std) whose sum is L: parts of the nodes, so that memory stays bounded."""
    latent_dim = mean.shape[-1]
    eps, share = expectation.shape.nodes(*normal_lattice(latent_dim, num_nodes))

    def rule(mean: Tensor, std: Tensor, *, eps: Tensor, share: Tensor) -> Tensor:
        spread = std.square() if squared else std
        z = mean[..., None, :] + spread[..., None, :] * eps.to(mean)
        return (expectation.f(z) * share.to(mean)).sum(-1)

    num_q = mean.numel() // latent_dim
    rows = chunk_rows(2 * expectation.width * num_q)  # of eight bytes each
    parts = zip(eps.split(rows), share.split(rows), strict=True)
    return [*(partial(rule, eps=some, share=shares) for some, shares in parts), expectation.explicit]


def _sum_of_gradients(parts: list[_Part], mean: Tensor, std: Tensor) -> tuple[Tensor, Gradient]:
    found = [gradient_of(part, mean, std) for part in parts]
    by_mean, by_std = zip(*(gradient for _, gradient in found), strict=True)
    value = torch.stack([value for value, _ in found]).sum(0)
    return value, Gradient(torch.stack(by_mean).sum(0), torch.stack(by_std).sum(0))


@torch.no_grad()
def expected_value(
    expectation: Expectation, mean: Tensor, std: Tensor, *, num_nodes: int, squared: bool = False
) -> Tensor:
    """L alone by the same rule, shape (...,)."""
    parts = _rule(expectation, mean, num_nodes, squared=squared)
    return torch.stack([part(mean, std) for part in parts]).sum(0)


def sampled_gradient(
    expectation: Expectation,
    mean: Tensor,
    std: Tensor,
    *,
    num_samples: int = TRUTH_SAMPLES,
    generator: torch.Generator,
) -> Truth:
    """The gradient of L from many reparameterised samples, for any J; its standard error.

    Arguments:
        expectation: L.
        mean: Shape (J,).
        std: Shape (J,).
        num_samples: n.
        generator: Draws the samples.

    Raises:
        BadInput: As :func:`vae_core.labs.gradients.estimators.draw_samples`.
    """
    count, values = 0, torch.zeros((), dtype=torch.float64)
    sums, squares = (torch.zeros(2, len(mean), dtype=torch.float64) for _ in range(2))
    while count < num_samples:
        now = min(_PIECE, num_samples - count)
        samples = draw_samples(expectation, mean, std, num_samples=now, generator=generator)
        found = torch.stack(estimates(samples, "reparameterised")).double()
        sums, squares = sums + found.sum(1), squares + found.square().sum(1)
        values, count = values + samples.values.double().sum(), count + now
    average = sums / count
    errors = ((squares / count - average.square()).clamp(min=0) / (count - 1)).sqrt()
    none = Gradient(*torch.zeros_like(average))
    value = values / count + expectation.explicit(mean, std).double()
    return Truth(value, Gradient(*average), none, Gradient(*errors))


class ExampleElbo(NamedTuple):
    """The ELBO of one example as a function of its q.

    Arguments:
        expectation: In the model's own precision, for sampling.
        exact: In float64, for quadrature.
        posterior: q(z|x) as the encoder has it, of shape (1, J), float64.
    """

    expectation: Expectation
    exact: Expectation
    posterior: AnyPosterior

    @property
    def mean(self) -> Tensor:
        """Of q, shape (J,), float64."""
        return self.posterior.moments[0][0]

    @property
    def std(self) -> Tensor:
        """Of q, shape (J,), float64."""
        return self.posterior.moments[1][0]


@torch.no_grad()
def example_elbo(model: VAE, x: Tensor) -> ExampleElbo:
    """The ELBO of one example as a function of its q, and the q of the encoder.

    Arguments:
        model: The model; nothing of it is changed.
        x: The example, shape (D,).

    Raises:
        BadInput: See :func:`vae_core.evidence.importance.stochastic_posterior`.
    """
    q = stochastic_posterior(model, x[None]).double()
    shape = None if q.is_factorised else ShapeOf(q)
    exact = elbo_expectation(copy.deepcopy(model).double(), x.double(), shape)
    return ExampleElbo(elbo_expectation(model, x, shape), exact, q)
