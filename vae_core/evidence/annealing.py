"""Annealed importance sampling: log p(x) for any number of latent dimensions, with an error bar."""

import itertools
import math
from collections.abc import Callable
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.errors import BadInput
from vae_core.memory import chunk_rows, widest_layer
from vae_core.model import VAE
from vae_core.posteriors import AnyNormal

NUM_CHAINS: Final = 16
NUM_TEMPERATURES: Final = 500
_PILOT_CHAINS: Final = 4
_LEAPFROGS: Final = 5
_ACCEPTANCE: Final = 0.65
"""Near the optimum of Hamiltonian Monte Carlo (Neal 2011, "MCMC using Hamiltonian dynamics")."""
_STEP: Final = 0.3
_ADAPTATION: Final = 0.1
_FIRST_LEAP: Final = 0.05
"""Leaps begin at this b: near 0 they only lead chains from q into the prior, whose share soon vanishes."""


class AisEvidence(NamedTuple):
    """log p(x) of each example, nats, float64, shape (n,).

    Arguments:
        log_evidence: Logarithm of the mean weight of the chains: in expectation at most log p(x).
        standard_error: Of that logarithm, by the jackknife over the chains of each kind of start (see
            :func:`ais_evidence`): without a limit where one chain has nearly all the weight.
        acceptance: Share of the moves that were made of those proposed by Hamiltonian Monte Carlo.
    """

    log_evidence: Tensor
    standard_error: Tensor
    acceptance: Tensor


def ais_evidence(
    model: VAE,
    x: Tensor,
    *,
    start: AnyNormal,
    num_chains: int = NUM_CHAINS,
    num_temperatures: int = NUM_TEMPERATURES,
    generator: torch.Generator,
    on_progress: Callable[[float], None],
) -> AisEvidence:
    """Chains from r(z) to p(x, z) over r^(1-b) p(x, z)^b, b from 0 to 1 (Neal 2001; Wu et al. 2017).

    r = 1/2 q + 1/2 p(z) is a defensive mixture (Hesterberg 1995, "Weighted average importance sampling and
    defensive mixture distributions"): half of the chains start from q, half from the prior. q alone may miss
    a mode of the posterior, which no chain would then report; p(x, z) / r(z) is never above 2 p(x|z).

    Each temperature has one transition of Hamiltonian Monte Carlo in units of q's deviations, and from
    b = 0.05 on an independence move before it (Tierney 1994, "Markov chains for exploring posterior
    distributions"): a leap to z' from r, made with probability min(1, (w(z') / w(z))^b), w = p(x, z) / r(z).
    Leaps cross between modes, which the small steps do not. The size of the steps is learnt for each example
    and temperature by a pilot of four chains, then held: the weights of the chains that count are unbiased.

    Arguments:
        model: The model.
        x: Shape (n, D).
        start: q, of shape (n, J). Any is right in expectation; the error is small for one that fits, such as
            the best of :func:`~vae_core.evidence.local_posterior.best_posterior`, and not for one far too
            narrow.
        num_chains: C, an even number from 4 on: the error is that of C / 2 chains of each kind.
        num_temperatures: Steps of b, closer together at both ends.
        generator: Draws all noise.
        on_progress: Told the share that is done.

    Raises:
        BadInput: Fewer than 4 chains, an odd number of them, or no temperature (code ``num_chains``); data or
            ``start`` of another shape than the model's (code ``data_dim``); non-finite weights
            (code ``diverged``).
    """
    _check(model, x, start, num_chains, num_temperatures)
    rows = chunk_rows(num_chains * widest_layer(model.config))
    pieces = list(zip(x.split(rows), start.split(rows), strict=True))
    parts = []
    for number, (piece, q) in enumerate(pieces):

        def say(share: float, done: int = number) -> None:
            on_progress((done + share) / len(pieces))

        bridge = _Bridge(model, piece, q, generator)
        parts.append(_piece(bridge, num_chains, num_temperatures, say))
    return AisEvidence(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


def _check(model: VAE, x: Tensor, start: AnyNormal, num_chains: int, num_temperatures: int) -> None:
    if num_chains < 4 or num_chains % 2 or num_temperatures < 1:
        what = "at least 4 chains, an even number, and 1 temperature are needed"
        raise BadInput("num_chains", what, "16 and 500 are usual")
    data_dim, latent_dim = model.config.data_dim, model.config.latent_dim
    if x.shape[1:] != (data_dim,) or start.mean.shape != (len(x), latent_dim):
        what = f"this model takes {data_dim} values per example and a start of {latent_dim}"
        raise BadInput("data_dim", what, "choose the data set that the model was trained on")


def _piece(
    bridge: "_Bridge", num_chains: int, num_temperatures: int, say: Callable[[float], None]
) -> AisEvidence:
    pilot_share = _PILOT_CHAINS / (_PILOT_CHAINS + num_chains)
    temperatures = _temperatures(num_temperatures)
    steps = bridge.first_steps(num_temperatures)
    bridge.anneal(_PILOT_CHAINS, temperatures, steps, lambda share: say(pilot_share * share), adapt=True)
    log_weights, acceptance = bridge.anneal(
        num_chains, temperatures, steps, lambda share: say(pilot_share + (1 - pilot_share) * share)
    )
    if bool(log_weights.isnan().any()):
        raise BadInput("diverged", "the model's weights are not finite", "train it again")
    log_mean = torch.logsumexp(log_weights, 0) - math.log(num_chains)
    return AisEvidence(log_mean, _jackknife(log_weights), acceptance)


def _jackknife(log_weights: Tensor) -> Tensor:
    """Standard error of the logarithm of the mean weight of C chains, shape (C, n) to (n,).

    s^2 = sum over both halves of (C/2 - 1) var_c(l_c), where l_c is the logarithm of the mean of the two
    halves' mean weights without chain c (Efron and Stein 1981, "The jackknife estimate of variance").
    """
    variance = log_weights.new_zeros(log_weights.shape[1])
    halves = torch.softmax(log_weights, 0).chunk(2)
    for half, other in (halves, halves[::-1]):
        others = len(half) - 1
        without = (half.sum(0) - half).clamp(min=torch.finfo(half.dtype).tiny) / others + other.mean(0)
        variance += others * without.log().var(0, correction=0)
    return variance.sqrt()


def _temperatures(count: int) -> Tensor:
    """b_0 = 0 < b_1 < ... < b_count = 1 on a logistic curve: small steps at both ends (Wu et al. 2017)."""
    curve = torch.sigmoid(torch.linspace(-4, 4, count + 1, dtype=torch.float64, device="cpu"))
    return (curve - curve[0]) / (curve[-1] - curve[0])


class _Bridge:
    """r^(1-b) p(x, z)^b of some examples in the u of z = mean + L u of q, where r = 1/2 q + 1/2 p(z)."""

    def __init__(self, model: VAE, x: Tensor, q: AnyNormal, generator: torch.Generator) -> None:
        self._model, self._x, self._generator = model, x, generator
        self._q = q.frozen()
        with torch.no_grad():
            self._prior = model.prior  # once: a learned one is a function of the weights

    def first_steps(self, num_temperatures: int) -> Tensor:
        """Sizes to begin with, of each temperature and example."""
        return self._x.new_full((num_temperatures, len(self._x)), _STEP)

    def anneal(
        self,
        num_chains: int,
        temperatures: Tensor,
        steps: Tensor,
        say: Callable[[float], None],
        *,
        adapt: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Log weights, shape (C, n), float64, and each example's acceptance; ``adapt`` fills ``steps``."""
        u = self._start(num_chains)
        log_weights = self._x.new_zeros(num_chains, len(self._x), dtype=torch.float64)
        accepted = self._x.new_zeros(len(self._x), dtype=torch.float64)
        for number, (before, now) in enumerate(itertools.pairwise(temperatures.tolist())):
            log_ratio = self._log_ratio(u)
            log_weights += (now - before) * log_ratio.double()
            if now >= _FIRST_LEAP:
                u = self._leap(u, log_ratio, now)
            u, share = self._move(u, now, steps[number])
            accepted += share
            if adapt:
                change = _ADAPTATION * torch.sign(share - _ACCEPTANCE)
                following = steps[number] * torch.exp(change).to(steps.dtype)
                steps[min(number + 1, len(steps) - 1)] = following.clamp(1e-4, 2.0)
            say((number + 1) / (len(temperatures) - 1))
        return log_weights, accepted / (len(temperatures) - 1)

    @torch.no_grad()
    def _start(self, num_chains: int) -> Tensor:
        """Half from q, half from the prior: as a whole, chains from r."""
        from_prior = torch.arange(num_chains, device=self._x.device)[:, None] < num_chains // 2
        return self._draw(from_prior.expand(-1, len(self._x)))

    def _uniform(self, *shape: int) -> Tensor:
        """Drawn where the generator is, moved to where the examples are."""
        device = self._generator.device
        drawn = torch.rand(shape, generator=self._generator, device=device, dtype=torch.float64)
        return drawn.to(self._x.device)

    def _draw(self, from_prior: Tensor) -> Tensor:
        """u from the prior where ``from_prior``, shape (C, n), is true, and else from q."""
        u = self._q.draw_eps(len(from_prior), generator=self._generator)
        z = self._prior.sample(from_prior.numel(), generator=self._generator).to(u).reshape(u.shape)
        return torch.where(from_prior[..., None], self._q.whiten(z), u)

    @torch.no_grad()
    def _leap(self, u: Tensor, log_ratio: Tensor, temperature: float) -> Tensor:
        """An independence move: its proposals are from r, each from q or the prior by a fair coin."""
        uniform = self._uniform(2, *log_ratio.shape)
        moved = self._draw(uniform[0] < 0.5)
        gain = temperature * (self._log_ratio(moved) - log_ratio).double()
        moves = uniform[1].log() < gain.nan_to_num(nan=-math.inf)
        return torch.where(moves[..., None], moved, u)

    def _log_densities(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """log p(x, z) and log r(z), both of shape (C, n)."""
        z = self._q.reparameterize(u)
        log_prior = self._prior.log_prob(z)
        log_start = torch.logaddexp(self._q.log_prob(z), log_prior) - math.log(2)
        return self._model.likelihood(z).log_prob(self._x) + log_prior, log_start

    @torch.no_grad()
    def _log_ratio(self, u: Tensor) -> Tensor:
        log_joint, log_start = self._log_densities(u)
        return log_joint - log_start

    def _log_target(self, u: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        """log of the target up to a constant, shape (C, n), and its gradient in u."""
        u = u.detach().requires_grad_()
        with torch.enable_grad():
            log_joint, log_start = self._log_densities(u)
            value = temperature * log_joint + (1 - temperature) * log_start
            (gradient,) = torch.autograd.grad(value.sum(), u)
        return value.detach(), gradient

    def _move(self, u: Tensor, temperature: float, step: Tensor) -> tuple[Tensor, Tensor]:
        """One transition; the new points, and the share of each example's chains that moved."""
        momentum = self._q.draw_eps(len(u), generator=self._generator)
        step = step[:, None]
        value, gradient = self._log_target(u, temperature)
        energy = value - 0.5 * momentum.square().sum(-1)
        moved = u
        for _ in range(_LEAPFROGS):
            momentum = momentum + 0.5 * step * gradient
            moved = moved + step * momentum
            value, gradient = self._log_target(moved, temperature)
            momentum = momentum + 0.5 * step * gradient
        gain = (value - 0.5 * momentum.square().sum(-1) - energy).double()
        uniform = self._uniform(*gain.shape)
        moves = uniform.log() < gain.nan_to_num(nan=-math.inf)
        return torch.where(moves[..., None], moved, u), moves.double().mean(0)
