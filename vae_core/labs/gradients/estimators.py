"""Estimators of the gradient of L(mean, std) = E_q[f(z)] + explicit(mean, std), z = mean + std t under q.

Gradients are by the mean and by the standard deviation itself, not by its logarithm. q stands inside the
expectation, so grad L is not E_q[grad f(z)] with z held fixed: the estimators differ in how they get at the
term that such a derivative loses, int (grad q) f dz (Mohamed et al. 2020, arXiv 1906.10652). The
distribution of t, q's shape, stays: N(0, I) where q is a diagonal Gaussian, with the score
s(t) = -d log q(t) / dt = t. With M samples each is the mean over m of

    reparameterised  by mean: f'(z_m)             by std: f'(z_m) t_m
    score            by mean: f(z_m) s(t_m) / std by std: f(z_m) (s(t_m) t_m - 1) / std
    baseline         as score with f(z_m) - b_m, b_m the mean of f over the other M - 1 samples, or for M = 1
                     f at one more sample: b_m does not know z_m, so the expectation stays
    constant         0: z_m counts as a constant, and the term is lost
    squared          with z~_m = mean + std^2 t_m, by mean: f'(z~_m), by std: 2 std f'(z~_m) t_m

(Kingma and Welling 2014; Williams 1992; Kool, van Hoof and Welling 2019, "Buy 4 REINFORCE samples, get a
baseline for free!")
plus the gradient of the explicit term, which needs no samples. Of a mixture of Gaussians ``reparameterised``
is the sum over its components, each with a z of its own and its weight, as in training
(:class:`vae_core.posteriors.DiagonalMixture`); the others draw the component with z. ``squared`` is the error
that one of the source documents prints (003): the exact gradient of another function, of a Gaussian
E_N(mean, std^4)[f] + explicit.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Final, Literal, NamedTuple

import torch
from torch import Tensor

from vae_core.checks import check_integer
from vae_core.errors import BadInput
from vae_core.labs.gradients.shapes import NORMAL, Shape, ShapeOf
from vae_core.memory import chunk_rows, widest_layer
from vae_core.model import VAE
from vae_core.posteriors import DiagonalNormal

_AT_ONCE: Final = 4096
"""Values of z given to f at a time, at most."""


def _zero(mean: Tensor, std: Tensor) -> Tensor:
    return 0.0 * (mean + std).sum(-1)


class Expectation(NamedTuple):
    """L(mean, std) = E_q[f(z)] + explicit(mean, std).

    Arguments:
        f: Maps z of shape (..., J) to (...,), each value by its own z alone.
        explicit: Maps mean and std of shape (..., J) to (...,); 0 when it is left out.
        width: The most values that f computes for one z: how many z are given to it at a time depends on it.
        shape: Of q.
    """

    f: Callable[[Tensor], Tensor]
    explicit: Callable[[Tensor, Tensor], Tensor] = _zero
    width: int = 1
    shape: Shape = NORMAL

    @property
    def at_once(self) -> int:
        """How many z are given to f at a time, so that its memory stays bounded."""
        return min(_AT_ONCE, chunk_rows(self.width))


class Gradient(NamedTuple):
    """Something for each parameter of q, both of shape (..., J): derivatives, or their errors.

    Arguments:
        mean: By the mean.
        std: By the standard deviation.
    """

    mean: Tensor
    std: Tensor


def elbo_expectation(model: VAE, x: Tensor, shape: ShapeOf | None = None) -> Expectation:
    """The ELBO of one example as a function of its own mean and std, nats.

    f(z) = log p(x|z) and explicit = -KL(q || p(z)) in closed form. For a prior without one, f(z) =
    log p(x|z) + log p(z) and explicit = the entropy of q. So it is for another shape than the diagonal
    Gaussian's, whose entropy is that of t and sum_j log std_j.

    Arguments:
        model: Decoder and prior.
        x: The example, shape (D,).
        shape: Of q; None: q is a diagonal Gaussian.
    """

    def reconstruction(z: Tensor) -> Tensor:
        return model.likelihood(z).log_prob(x)

    def explicit(mean: Tensor, std: Tensor) -> Tensor:
        q = DiagonalNormal.from_std(mean, std)
        per_dim = q.kl_per_dim(model.prior)
        return _zero(mean, std) + q.entropy() if per_dim is None else -per_dim.sum(-1)

    def joint(z: Tensor) -> Tensor:
        return reconstruction(z) + model.prior.log_prob(z)

    width = widest_layer(model.config)
    if shape is not None:
        entropy = shape.entropy()
        return Expectation(
            joint, lambda mean, std: _zero(mean, std) + std.log().sum(-1) + entropy, width, shape
        )
    some_q = DiagonalNormal.from_std(*torch.ones(2, model.config.latent_dim))
    if some_q.kl_per_dim(model.prior) is not None:
        return Expectation(reconstruction, explicit, width)
    return Expectation(joint, explicit, width)


def value_and_slope(expectation: Expectation, z: Tensor) -> tuple[Tensor, Tensor]:
    """f(z) and f'(z) by automatic differentiation: z of shape (n, J) gives (n,) and (n, J)."""
    pairs = []
    for piece in z.detach().split(expectation.at_once):
        with torch.enable_grad():
            values = expectation.f(piece.requires_grad_())
        pairs.append((values.detach(), *torch.autograd.grad(values.sum(), piece)))
    return torch.cat([value for value, _ in pairs]), torch.cat([slope for _, slope in pairs])


def gradient_of(
    function: Callable[[Tensor, Tensor], Tensor], mean: Tensor, std: Tensor
) -> tuple[Tensor, Gradient]:
    """Value and derivatives of a function of (mean, std): shapes (...,) and (..., J)."""
    mean, std = mean.detach().clone().requires_grad_(), std.detach().clone().requires_grad_()
    with torch.enable_grad():
        value = function(mean, std)
    return value.detach(), Gradient(*torch.autograd.grad(value.sum(), (mean, std)))


Estimator = Literal["reparameterised", "score", "baseline", "constant", "squared"]
ESTIMATORS: Final[tuple[Estimator, ...]] = ("reparameterised", "score", "baseline", "constant", "squared")
_MAX_SAMPLES: Final = 2**24


class Samples(NamedTuple):
    """What all estimators need of the same noise, so that they are compared on equal samples.

    Arguments:
        std: sigma, shape (J,).
        eps: t, the noise of a Gaussian, shape (n, J).
        scores: s(t), shape (n, J).
        values: f(z) at z = mean + std t, shape (n,).
        slopes: f'(z) there, shape (n, J); of a mixture the sum over its components.
        stretches: f'(z) t, likewise.
        squared_slopes: f'(z) at mean + std^2 t, shape (n, J).
        explicit: Gradient of the explicit term, shape (J,).
    """

    std: Tensor
    eps: Tensor
    scores: Tensor
    values: Tensor
    slopes: Tensor
    stretches: Tensor
    squared_slopes: Tensor
    explicit: Gradient


def draw_samples(
    expectation: Expectation, mean: Tensor, std: Tensor, *, num_samples: int, generator: torch.Generator
) -> Samples:
    """Draws noise, and f and its derivative there.

    Arguments:
        expectation: L.
        mean: Of q, shape (J,).
        std: Of q, above 0, shape (J,).
        num_samples: n.
        generator: Draws t.

    Raises:
        BadInput: ``num_samples`` below 1, an invalid q (code ``q``), or f not finite (code ``diverged``).
    """
    check_integer("num_samples", num_samples, 1, _MAX_SAMPLES, "1000 is usual")
    if mean.shape != std.shape or mean.ndim != 1 or not bool((std > 0).all() and mean.isfinite().all()):
        raise BadInput(
            "q", "q needs a finite mean and a standard deviation above 0 in each dimension", "try 0 and 1"
        )
    drawn = expectation.shape.draw(mean, num_samples, generator=generator)
    each, eps = drawn.points, drawn.chosen(drawn.points)
    values, slopes = value_and_slope(expectation, (mean + std * each).flatten(0, 1))
    values, slopes = (part.unflatten(0, each.shape[:2]) for part in (values, slopes))
    values, stretches, slopes = drawn.chosen(values), drawn.mean(slopes * each), drawn.mean(slopes)
    _, squared_slopes = value_and_slope(expectation, mean + std.square() * eps)
    if not bool(values.isfinite().all() and slopes.isfinite().all() and squared_slopes.isfinite().all()):
        raise BadInput("diverged", "f(z) or its derivative is not finite", "train the model again")
    _, explicit = gradient_of(expectation.explicit, mean, std)
    return Samples(std, eps, drawn.scores, values, slopes, stretches, squared_slopes, explicit)


def estimates(samples: Samples, estimator: Estimator, *, num_samples: int = 1) -> Gradient:
    """Independent repetitions of an estimator that uses M samples each.

    Arguments:
        samples: All noise; what does not fill a group is left out.
        estimator: Which.
        num_samples: M.

    Returns:
        Estimates of both derivatives, shape (R, J): R = n // M, and n // 2 for the baseline with M = 1.

    Raises:
        BadInput: M below 1 or above the number of samples (code ``num_samples``).
    """
    grouped = _grouped(samples, estimator, num_samples)
    by_mean, by_std = (part.mean(1) for part in _per_sample(grouped, estimator, num_samples))
    return Gradient(by_mean + samples.explicit.mean, by_std + samples.explicit.std)


def estimates_by_count(
    samples: Samples, counts: Sequence[int]
) -> Iterator[tuple[int, dict[Estimator, Gradient]]]:
    """:func:`estimates` of all estimators for each M, in double precision and in a fraction of the time.

    A mean of M samples is the mean of those of fewer, as long as each M divides the next. With the
    leave-one-out baseline, the mean over a group is M / (M - 1) times the covariance of f and the score s:
    mean(f s) - mean(f) mean(s).

    Arguments:
        samples: All noise; what does not fill a group is left out.
        counts: Each M, ascending.

    Raises:
        BadInput: An M that does not divide the next, or that is out of range (code ``num_samples``).
    """
    for count in counts:
        check_integer("num_samples", count, 1, len(samples.eps), f"{len(samples.eps)} samples were drawn")
    for count, following in pairwise(counts):
        if following % count or following <= count:
            message = f"M = {count} does not divide M = {following}"
            raise BadInput("num_samples", message, "powers of 2 do")
    std, eps, score, values, slopes, stretches, squared_slopes = (
        part.double()
        for part in (
            *samples[:3],
            samples.values[:, None].expand_as(samples.eps),
            samples.slopes,
            samples.stretches,
            samples.squared_slopes,
        )
    )
    # Written where they are needed: the room for each intermediate result costs more than its numbers.
    whole = torch.empty((9, *eps.shape), dtype=torch.float64)
    whole[0], whole[1], whole[2], whole[8] = slopes, stretches, squared_slopes, values
    torch.mul(squared_slopes, 2 * std, out=whole[3]).mul_(eps)
    torch.div(score, std, out=whole[6])
    torch.mul(score, eps, out=whole[7]).sub_(1).div_(std)
    torch.mul(whole[6:8], values, out=whole[4:6])
    means = whole
    for before, count in pairwise((1, *counts)):
        size, used = count // before, len(eps) // count * (count // before)
        members = [means[:, first:used:size] for first in range(size)]
        # Strided sums: a mean over an axis of two or four takes several times as long.
        if size > 1:
            means = functools.reduce(torch.add, members).div_(size)
        yield count, _from_means(means, whole, count, samples.explicit)


def _from_means(means: Tensor, whole: Tensor, count: int, explicit: Gradient) -> dict[Estimator, Gradient]:
    """Of each estimator, from the means of groups: shapes (9, R, J) and, of single samples, (9, n, J)."""
    score, value = means[4:6], means[8]
    if count > 1:
        baseline = (score - value * means[6:8]) * (count / (count - 1))
    else:
        pairs = len(whole[0]) // 2
        values, scores = whole[8, : 2 * pairs], whole[6:8, : 2 * pairs : 2]
        baseline = (values[::2] - values[1::2]) * scores
    found: dict[Estimator, Tensor] = {
        "reparameterised": means[:2],
        "score": score,
        "baseline": baseline,
        "constant": torch.zeros_like(score),
        "squared": means[2:4],
    }
    shift = explicit.mean.double(), explicit.std.double()
    return {name: Gradient(part[0] + shift[0], part[1] + shift[1]) for name, part in found.items()}


def _grouped(samples: Samples, estimator: Estimator, num_samples: int) -> Samples:
    """The samples in groups, those of one repetition: eps and slopes (R, M, J), values (R, M)."""
    num_drawn = len(samples.eps)
    check_integer("num_samples", num_samples, 1, num_drawn, f"{num_drawn} samples were drawn")
    size = 2 if estimator == "baseline" and num_samples == 1 else num_samples
    count = len(samples.eps) // size
    eps, scores, values, slopes, stretches, squared_slopes = (
        part[: count * size].unflatten(0, (count, size)) for part in samples[1:-1]
    )
    return samples._replace(
        eps=eps,
        scores=scores,
        values=values,
        slopes=slopes,
        stretches=stretches,
        squared_slopes=squared_slopes,
    )


def _per_sample(grouped: Samples, estimator: Estimator, num_samples: int) -> tuple[Tensor, Tensor]:
    """What the estimator takes the mean of, by mean and by std: two of shape (R, M, J)."""
    std, eps, scores, values, slopes, stretches, squared_slopes, _ = grouped
    if estimator == "reparameterised":
        return slopes, stretches
    if estimator == "squared":
        return squared_slopes, 2 * std * squared_slopes * eps
    if estimator == "constant":
        return torch.zeros_like(eps), torch.zeros_like(eps)
    if estimator == "baseline":
        # f_m less the mean of the others is M / (M - 1) times f_m less the mean of all; with M = 1 the group
        # is a pair, and only its first member is used.
        size = values.shape[1]
        values = (values - values.mean(1, keepdim=True)) * (size / (size - 1))
    values, eps, scores = values[:, :num_samples, None], eps[:, :num_samples], scores[:, :num_samples]
    return (values * scores).div_(std), (scores * eps).sub_(1).mul_(values).div_(std)
