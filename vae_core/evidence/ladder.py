"""A ladder of approximate posteriors: the richer the family of q, the nearer its bound to log p(x)."""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.config import FLOW_LAYERS
from vae_core.device import on_cpu
from vae_core.errors import BadInput
from vae_core.evidence.exact import MAX_EXACT_DIMS, exact_evidence
from vae_core.evidence.importance import stochastic_posterior
from vae_core.evidence.normal_rule import (
    NormalRule,
    coarser_rule,
    measuring_rule,
    other_rule,
    search_rule,
    standard_error,
)
from vae_core.evidence.posterior_density import PosteriorGrid, posterior_on_grid
from vae_core.evidence.rich_posterior import RichPosterior
from vae_core.evidence.rounds import Measured, ascend_in_rounds
from vae_core.memory import chunk_rows, width_of_draws
from vae_core.model import VAE
from vae_core.posteriors import AnyPosterior, DiagonalMixture, DiagonalNormal, FullNormal, PlanarNormal

MAX_COMPONENTS: Final = 5
MAX_LADDER_DIMS: Final = 16
"""More dimensions have more parameters for each example than the sampled bound can tell apart."""
_FEW, _MANY = 2048, 4096
"""Points of each component to search by for J > 2."""
_GAIN_NATS: Final = 1e-4
_NUM_SPLITS: Final = 1
_EM_STEPS: Final = 40


class Rung(NamedTuple):
    """The best q of one family for each example.

    Arguments:
        family: ``encoder``, ``diagonal``, ``full``, ``mixture`` or ``flow``; of an encoder that gives no
            Gaussian its own family is next: ``warped``, a diagonal Gaussian with a flow, or ``diagonals``, a
            mixture of diagonal ones.
        q: Of n examples.
        elbo: E_q[log p(x, z) - log q(z)], shape (n,), nats.
        error: Of that: what the quadrature changes when its points are doubled in each dimension (J <= 2),
            or the standard error of the quasi-random points, shape (n,).
    """

    family: str
    q: RichPosterior
    elbo: Tensor
    error: Tensor


class Ladder(NamedTuple):
    """All rungs and what they lead to.

    Arguments:
        rungs: From the encoder's q to the flow; ``elbo`` falls from none to the next.
        log_evidence: log p(x), shape (n,), nats: by quadrature for J <= 2, else the importance-weighted
            bound with the last q and thousands of samples of each component, a lower bound in expectation.
        error: Of that, shape (n,).
        is_exact: Whether by quadrature, and the bounds too.
    """

    rungs: tuple[Rung, ...]
    log_evidence: Tensor
    error: Tensor
    is_exact: bool


class _Family(NamedTuple):
    is_full: bool
    num_components: int = 1
    num_layers: int = 0


def climb(
    model: VAE,
    x: Tensor,
    *,
    num_components: int = 3,
    generator: torch.Generator,
    on_progress: Callable[[float], None],
) -> Ladder:
    """The best q of each family for each example, each found from the best of the family before.

    encoder's q, best diagonal Gaussian, best full covariance, best mixture of K such Gaussians, and that
    mixture warped by ``FLOW_LAYERS`` planar layers: each family holds the one before, so that
    E_q[log p(x, z) - log q(z)] rises from rung to rung towards log p(x) (Cremer et al. 2018 name what is left
    the approximation gap). For J = 1 the diagonal is all of the covariance; an encoder with a full
    covariance begins beyond the diagonal. No Gaussian and no mixture holds the q of an encoder that gives a
    flow: there the best diagonal Gaussian with a flow is next, and then the mixture with one. No Gaussian
    holds that of an encoder that gives a mixture: there the best mixture of as many diagonal ones is next,
    and the others have no fewer components.

    The bound is a deterministic function of q, by fixed points under each component
    (:mod:`~vae_core.evidence.normal_rule`); it is maximised in float64
    (:func:`~vae_core.evidence.rounds.ascend_in_rounds`) and measured by other points, those of the best q of
    the encoder's family, too. Where these find the rung before better, its q stays.

    Arguments:
        model: The model.
        x: Shape (n, D).
        num_components: K, 1 to ``MAX_COMPONENTS``; a mixture of one is the Gaussian.
        generator: Draws where the search for mixtures and flows begins.
        on_progress: Told the share that is done.

    Raises:
        BadInput: J above ``MAX_LADDER_DIMS`` (code ``latent_dim``), K out of its range (code
            ``num_components``), a deterministic encoder, non-finite weights, or examples of another size.
    """
    latent_dim = model.config.latent_dim
    if latent_dim > MAX_LADDER_DIMS:
        message = f"a richer q for each example is sought in at most {MAX_LADDER_DIMS} latent dimensions"
        raise BadInput("latent_dim", f"{message}, this model has {latent_dim}", "choose a model with fewer")
    if not 1 <= num_components <= MAX_COMPONENTS:
        message = f"a mixture has 1 to {MAX_COMPONENTS} components here, got {num_components}"
        raise BadInput("num_components", message, "3 is usual")
    model, x = copy.deepcopy(on_cpu(model)).double().requires_grad_(False), x.cpu().double()
    values = num_components * len(search_rule(latent_dim, num_samples=_FEW).eps)
    pieces = x.split(chunk_rows(values * width_of_draws(model.config)))
    parts = []
    for number, piece in enumerate(pieces):

        def told(share: float, number: int = number) -> None:
            on_progress((number + share) / len(pieces))

        parts.append(_climbed(model, piece, num_components, generator, told))
    rungs = (
        Rung(
            same[0].family,
            RichPosterior.cat([rung.q for rung in same]),
            *(torch.cat([getattr(rung, name) for rung in same]) for name in ("elbo", "error")),
        )
        for same in zip(*(part.rungs for part in parts), strict=True)
    )
    log_evidence, error = (
        torch.cat([getattr(part, name) for part in parts]) for name in ("log_evidence", "error")
    )
    return Ladder(tuple(rungs), log_evidence, error, parts[0].is_exact)


def measure_ladder(
    model: VAE,
    x: Tensor,
    *,
    num_components: int,
    axes: Sequence[Tensor] = (),
    generator: torch.Generator,
    on_progress: Callable[[float], None],
) -> dict[str, NDArray[Any]]:
    """:func:`climb` as arrays of R rungs and n examples, for a page or a file.

    Arguments:
        model: The model.
        x: Shape (n, D).
        num_components: K.
        axes: Values of z along each of the J dimensions, where log q of the first example is wanted.
        generator: As there.
        on_progress: As there.

    Returns:
        ``family`` and ``num_components`` (R,), ``elbo`` and ``error`` (R, n), ``log_evidence`` and
        ``evidence_error`` (n,), ``is_exact``; with ``axes``, ``log_q`` of shape (R, *grid).

    Raises:
        BadInput: As there.
    """
    found = climb(model, x, num_components=num_components, generator=generator, on_progress=on_progress)
    arrays = {
        "family": np.array([rung.family for rung in found.rungs]),
        "num_components": np.array([rung.q.num_components for rung in found.rungs]),
        "elbo": torch.stack([rung.elbo for rung in found.rungs]).numpy(),
        "error": torch.stack([rung.error for rung in found.rungs]).numpy(),
        "log_evidence": found.log_evidence.numpy(),
        "evidence_error": found.error.numpy(),
        "is_exact": np.array(found.is_exact),
    }
    if axes:
        z = torch.cartesian_prod(*axes).reshape(1, -1, len(axes)).double()
        shape = [len(axis) for axis in axes]
        log_q = [rung.q.take(slice(0, 1)).log_prob(z).reshape(shape) for rung in found.rungs]
        arrays["log_q"] = torch.stack(log_q).numpy()
    return arrays


def _climbed(
    model: VAE,
    x: Tensor,
    num_components: int,
    generator: torch.Generator,
    on_progress: Callable[[float], None],
) -> Ladder:
    encoder = stochastic_posterior(model, x)
    first = RichPosterior.of(encoder)
    rungs = [Rung("encoder", first, *_measured(model, x, first))]
    families = _families(encoder, num_components)
    for number, (name, family) in enumerate(families.items()):
        on_progress(number / len(families))
        starts = _starts(model, x, rungs[-1].q, family, generator)
        found = _best(model, x.repeat(len(starts), 1), RichPosterior.cat(starts), family)
        best = rungs[-1]
        for one in range(len(starts)):
            here = slice(one * len(x), (one + 1) * len(x))
            best = _better(best, Rung(name, found.q.take(here), found.elbo[here], found.error[here]))
        rungs.append(best._replace(family=name))
    if model.config.latent_dim <= MAX_EXACT_DIMS:
        exact = exact_evidence(model, x)
        log_evidence, error = exact.log_evidence, exact.error
    else:
        log_evidence, error = _weighted(model, x, rungs[-1].q)
    on_progress(1.0)
    return Ladder(tuple(rungs), log_evidence, error, model.config.latent_dim <= MAX_EXACT_DIMS)


def _families(encoder: AnyPosterior, num_components: int) -> dict[str, _Family]:
    """Above the encoder's q, each holding the one before."""
    latent_dim = encoder.moments[0].shape[1]
    if isinstance(encoder, PlanarNormal):
        return {
            "warped": _Family(False, 1, FLOW_LAYERS),
            "flow": _Family(True, num_components, FLOW_LAYERS),
        }
    found: dict[str, _Family] = {}
    if isinstance(encoder, DiagonalMixture):
        own = encoder.means.shape[1]
        num_components = max(num_components, own)
        found["diagonals"] = _Family(False, own)
    else:
        if isinstance(encoder, DiagonalNormal) or latent_dim == 1:
            found["diagonal"] = _Family(False)
        if latent_dim > 1:
            found["full"] = _Family(True)
    found["mixture"] = _Family(True, num_components)
    found["flow"] = _Family(True, num_components, FLOW_LAYERS)
    return found


def _best(model: VAE, x: Tensor, start: RichPosterior, family: _Family) -> Rung:
    """The best q of a family from a start for each example."""
    dim = start.latent_dim

    def begin(q: RichPosterior) -> Tensor:
        return torch.zeros(len(q.means), _num_parameters(family, dim), dtype=torch.float64)

    def measured(q: RichPosterior, rows: Tensor) -> Measured:
        return _measured(model, x[rows], q)

    q, best = ascend_in_rounds(
        start,
        _measured(model, x, start),
        begin=begin,
        moved=lambda q, parameters: _moved(q, parameters, family),
        bound=lambda q, rows, rule: _elbo(model, x[rows], q, rule),
        measured=measured,
        rules=(search_rule(dim, num_samples=_FEW), other_rule(dim, num_samples=_MANY)),
        least_gain=_GAIN_NATS,
    )
    return Rung("", q, *best)


def _num_parameters(family: _Family, latent_dim: int) -> int:
    below = latent_dim * (latent_dim - 1) // 2 if family.is_full else 0
    return family.num_components * (1 + 2 * latent_dim + below) + family.num_layers * (2 * latent_dim + 1)


def _moved(start: RichPosterior, parameters: Tensor, family: _Family) -> RichPosterior:
    """q at parameters of shape (n, P): 0 is the start, and its deviations are their units."""
    count, latent_dim = start.num_components, start.latent_dim
    below = torch.tril_indices(latent_dim, latent_dim, -1)
    num_below = below.shape[1] if family.is_full else 0
    sizes = [count, *[count * size for size in (latent_dim, latent_dim, num_below)]]
    logits, shift, growth, lower, layers = parameters.split(
        [*sizes, start.layers[0].numel() if family.num_layers else 0], dim=1
    )
    shift, growth = (some.unflatten(1, (count, latent_dim)) for some in (shift, growth))
    turned = torch.diag_embed(growth.exp())
    if num_below:
        turned = turned.index_put(
            (torch.arange(len(parameters))[:, None, None], torch.arange(count)[:, None], below[0], below[1]),
            lower.unflatten(1, (count, num_below)),
        )
    means = start.means + (start.factors @ shift[..., None])[..., 0]
    return RichPosterior(
        torch.log_softmax(start.log_weights + logits, 1),
        means,
        start.factors @ turned,
        start.layers + layers.reshape(start.layers.shape) if family.num_layers else start.layers,
        start.centre,
        start.scale,
    )


def _log_joint(model: VAE, x: Tensor, z: Tensor) -> Tensor:
    """log p(x, z): z of shape (n, K, N, J) gives (n, K, N)."""
    return model.likelihood(z).log_prob(x[:, None, None]) + model.prior.log_prob(z)


def _elbo(model: VAE, x: Tensor, q: RichPosterior, rule: NormalRule) -> Tensor:
    z, log_q = q.points(rule.eps)
    return (q.log_weights.exp() * ((_log_joint(model, x, z) - log_q) @ rule.weights)).sum(1)


def _log_ratios(model: VAE, x: Tensor, q: RichPosterior, rule: NormalRule) -> Tensor:
    """log p(x, z) - log q(z) at the points of a rule, shape (n, K, N), in pieces of bounded memory."""
    rows = chunk_rows(q.num_components * len(rule.eps) * width_of_draws(model.config))
    found = []
    for start in range(0, len(x), rows):
        here = slice(start, start + rows)
        z, log_q = q.take(here).points(rule.eps)
        found.append(_log_joint(model, x[here], z) - log_q)
    return torch.cat(found)


@torch.no_grad()
def _measured(model: VAE, x: Tensor, q: RichPosterior) -> Measured:
    rule, weights = measuring_rule(q.latent_dim), q.log_weights.exp()
    ratios = _log_ratios(model, x, q, rule)
    elbo = (weights * (ratios @ rule.weights)).sum(1)
    if q.latent_dim <= MAX_EXACT_DIMS:
        coarse = _elbo(model, x, q, coarser_rule(q.latent_dim))
        return Measured(elbo, (elbo - coarse).abs())
    return Measured(elbo, standard_error((weights[..., None] * ratios).sum(1)))


@torch.no_grad()
def _weighted(model: VAE, x: Tensor, q: RichPosterior) -> tuple[Tensor, Tensor]:
    """log of the mean of p(x, z) / q(z), and its standard error by the delta method."""
    ratios = _log_ratios(model, x, q, measuring_rule(q.latent_dim)) + q.log_weights[..., None]
    each = torch.logsumexp(ratios, 1)
    total = torch.logsumexp(each, 1) - math.log(each.shape[1])
    return total, standard_error((each - total[:, None]).exp())


def _better(first: Rung, second: Rung) -> Rung:
    """Example by example, the higher bound, less its error; where they are equal the first."""
    higher = second.elbo - second.error > first.elbo - first.error
    q = RichPosterior.where(higher, second.q, _embedded(first.q, second.q))
    elbo, error = (
        torch.where(higher, b, a) for a, b in ((first.elbo, second.elbo), (first.error, second.error))
    )
    return Rung(second.family, q, elbo, error)


def _embedded(q: RichPosterior, like: RichPosterior) -> RichPosterior:
    """The same q with the parts of a richer family: copies of its components, layers that do nothing."""
    frame = (q.layers, q.centre, q.scale)
    if q.layers.shape != like.layers.shape:
        layers = like.layers.clone()
        layers[:, :, q.latent_dim : 2 * q.latent_dim] = 0
        frame = (layers, like.centre, like.scale)
    of, log_copies = _copied(q, like.num_components)
    return RichPosterior(q.log_weights[:, of] - log_copies, q.means[:, of], q.factors[:, of], *frame)


def _copied(q: RichPosterior, count: int) -> tuple[Tensor, Tensor]:
    """Which component each of as many is a copy of, in turn, and the log of the number of its copies."""
    of = torch.arange(count) % q.num_components
    return of, of.bincount()[of].double().log()


def _starts(
    model: VAE, x: Tensor, before: RichPosterior, family: _Family, generator: torch.Generator
) -> list[RichPosterior]:
    """Where the search within a family begins: the rung before where that has a slope, else near it."""
    if family.num_layers and not before.layers.shape[1]:
        return [_with_layers(before, family.num_layers, generator)]
    if family.num_components == before.num_components == 1:
        return [before]
    if family.num_components == before.num_components:
        starts = [before]
    else:
        starts = [_split(before, family.num_components, generator) for _ in range(_NUM_SPLITS)]
    if before.latent_dim <= MAX_EXACT_DIMS:
        fitted = _fitted_to_posterior(model, x, family.num_components, generator)
        if not family.is_full:
            widths = fitted.factors.square().sum(-1).sqrt()
            fitted = replace(fitted, factors=torch.diag_embed(widths))
        starts.append(_with_layers(fitted, family.num_layers, generator) if family.num_layers else fitted)
    return starts


def _split(q: RichPosterior, count: int, generator: torch.Generator) -> RichPosterior:
    """Gaussians, each as a mixture of somewhat narrower ones round its mean: equal ones would stay equal."""
    of, log_copies = _copied(q, count)
    copies = log_copies.exp()
    offsets = torch.randn(len(q.means), count, q.latent_dim, generator=generator, dtype=torch.float64)
    sums = torch.zeros_like(q.means).index_add(1, of, offsets)
    offsets = 0.7 * (offsets - sums[:, of] / copies[:, None])
    log_weights, is_split = q.log_weights[:, of] - log_copies, (copies > 1)[:, None, None]
    factors = torch.where(is_split, 0.8, 1.0) * q.factors[:, of]
    means = q.means[:, of] + (q.factors[:, of] @ offsets[..., None])[..., 0]
    return RichPosterior(log_weights, means, factors, q.layers, q.centre, q.scale)


def _with_layers(q: RichPosterior, count: int, generator: torch.Generator) -> RichPosterior:
    """The same q with planar layers of random directions that do nothing yet, in the units of its moments."""
    mean, covariance = q.base_moments()
    layers = torch.zeros(len(mean), count, 2 * q.latent_dim + 1, dtype=torch.float64)
    directions = torch.randn(len(mean), count, q.latent_dim, generator=generator, dtype=torch.float64)
    layers[..., : q.latent_dim] = directions / directions.norm(dim=2, keepdim=True)
    layers[..., -1] = torch.linspace(-1, 1, count, dtype=torch.float64)
    return RichPosterior(q.log_weights, q.means, q.factors, layers, mean, torch.linalg.cholesky(covariance))


def _fitted_to_posterior(model: VAE, x: Tensor, count: int, generator: torch.Generator) -> RichPosterior:
    """A mixture fitted to the true posterior's cells by EM: it knows of modes that no ascent from q meets."""
    found = [_fitted(posterior_on_grid(model, example), count, generator) for example in x]
    return RichPosterior.cat(found)


def _fitted(grid: PosteriorGrid, count: int, generator: torch.Generator) -> RichPosterior:
    z = torch.cartesian_prod(*grid.axes).reshape(-1, len(grid.axes))
    mass = torch.softmax(grid.log_density.flatten(), 0)
    kept = mass > 1e-8 * mass.max()
    z, mass = z[kept], mass[kept] / mass[kept].sum()
    cell = torch.stack([axis[1] - axis[0] for axis in grid.axes])
    rows = torch.multinomial(mass, count, replacement=True, generator=generator)
    means, covariance = z[rows], torch.cov(z.T, aweights=mass, correction=0).reshape(len(cell), len(cell))
    covariances = (covariance / count + torch.diag(cell.square())).expand(count, -1, -1)
    weights = mass.new_full((count,), 1 / count)
    for _ in range(_EM_STEPS):
        q = _one(weights, means, covariances)
        each = FullNormal(means, q.factors[0]).log_prob(z[:, None]) + weights.log()
        share = torch.softmax(each, 1) * mass[:, None]
        weights = share.sum(0).clamp(min=1e-4)
        means = share.T @ z / weights[:, None]
        away = z[:, None] - means
        covariances = torch.einsum("mk,mki,mkj->kij", share, away, away) / weights[:, None, None]
        covariances = covariances + torch.diag(cell.square())
        weights = weights / weights.sum()
    return _one(weights, means, covariances)


def _one(weights: Tensor, means: Tensor, covariances: Tensor) -> RichPosterior:
    factors = torch.linalg.cholesky(covariances)[None]
    none = means.new_zeros(1, 0, 2 * means.shape[1] + 1)
    return RichPosterior(weights.log()[None], means[None], factors, none, means[:1], factors[:, 0])
