"""Annealed importance sampling: log p(x) for any number of latent dimensions, with an error bar."""

import itertools
import math
from collections.abc import Callable
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.distributions import DiagonalNormal
from vae_core.errors import BadInput
from vae_core.importance import stochastic_posterior, widest_layer
from vae_core.model import VAE

NUM_CHAINS: Final = 16
NUM_TEMPERATURES: Final = 500
_PILOT_CHAINS: Final = 4
_LEAPFROGS: Final = 5
_ACCEPTANCE: Final = 0.65
"""Near the optimum of Hamiltonian Monte Carlo (Neal 2011, "MCMC using Hamiltonian dynamics")."""
_STEP: Final = 0.3
_ADAPTATION: Final = 0.1
_MAX_VALUES: Final = 4_000_000
"""Values of the widest layer at a time: chains * rows * width."""


class AisEvidence(NamedTuple):
    """log p(x) of each datum, nats, float64, shape (n,).

    Arguments:
        log_evidence: Logarithm of the mean weight of the chains: in expectation at most log p(x).
        standard_error: Of that logarithm, (1 / ESS - 1 / C)^(1/2) with ESS = (sum w)^2 / sum w^2 of C chains.
            From so few chains it is itself uncertain, and too small where q misses most of the posterior.
        acceptance: Share of the proposed moves that were made.
    """

    log_evidence: Tensor
    standard_error: Tensor
    acceptance: Tensor


def ais_evidence(
    model: VAE,
    x: Tensor,
    *,
    num_chains: int = NUM_CHAINS,
    num_temperatures: int = NUM_TEMPERATURES,
    generator: torch.Generator,
    on_progress: Callable[[float], None],
) -> AisEvidence:
    """Chains from q(z|x) to p(x, z) over q^(1-b) p(x, z)^b, b from 0 to 1 (Neal 2001; Wu et al. 2017).

    Each temperature has one transition of Hamiltonian Monte Carlo in units of q's deviations. The size of its
    steps is learnt for each datum and temperature by a pilot of four chains, then held: the weights of the
    chains that count are unbiased.

    Arguments:
        model: The model.
        x: Data, shape (n, D).
        num_chains: C.
        num_temperatures: Steps of b, closer together at both ends.
        generator: Draws all noise.
        on_progress: Told the share that is done.

    Raises:
        BadInput: Fewer than 2 chains or 1 temperature, and see :func:`stochastic_posterior`.
    """
    if num_chains < 2 or num_temperatures < 1:
        raise BadInput("num_chains", "at least 2 chains and 1 temperature are needed", "16 and 500 are usual")
    pieces = x.split(max(1, _MAX_VALUES // (num_chains * widest_layer(model))))
    parts = []
    for number, piece in enumerate(pieces):

        def say(share: float, done: int = number) -> None:
            on_progress((done + share) / len(pieces))

        parts.append(_piece(model, piece, num_chains, num_temperatures, generator, say))
    return AisEvidence(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


def _piece(
    model: VAE,
    x: Tensor,
    num_chains: int,
    num_temperatures: int,
    generator: torch.Generator,
    say: Callable[[float], None],
) -> AisEvidence:
    bridge = _Bridge(model, x, generator)
    pilot_share = _PILOT_CHAINS / (_PILOT_CHAINS + num_chains)
    temperatures = _temperatures(num_temperatures)
    steps = torch.full((num_temperatures, len(x)), _STEP, dtype=x.dtype)
    bridge.anneal(_PILOT_CHAINS, temperatures, steps, lambda share: say(pilot_share * share), adapt=True)
    log_weights, acceptance = bridge.anneal(
        num_chains, temperatures, steps, lambda share: say(pilot_share + (1 - pilot_share) * share)
    )
    if bool(log_weights.isnan().any()):
        raise BadInput("diverged", "the model's weights are no finite numbers", "train it anew")
    log_mean = torch.logsumexp(log_weights, 0) - math.log(num_chains)
    ess = torch.exp(2 * torch.logsumexp(log_weights, 0) - torch.logsumexp(2 * log_weights, 0))
    return AisEvidence(log_mean, (1 / ess - 1 / num_chains).clamp(min=0).sqrt(), acceptance)


def _temperatures(count: int) -> Tensor:
    """b_0 = 0 < b_1 < ... < b_count = 1 on a logistic curve: small steps at both ends (Wu et al. 2017)."""
    curve = torch.sigmoid(torch.linspace(-4, 4, count + 1, dtype=torch.float64))
    return (curve - curve[0]) / (curve[-1] - curve[0])


class _Bridge:
    """q^(1-b) p(x, z)^b of some data in u = (z - mean) / std of q."""

    def __init__(self, model: VAE, x: Tensor, generator: torch.Generator) -> None:
        with torch.no_grad():
            self._q: DiagonalNormal = stochastic_posterior(model, x)
        self._model, self._x, self._generator = model, x, generator

    def anneal(
        self,
        num_chains: int,
        temperatures: Tensor,
        steps: Tensor,
        say: Callable[[float], None],
        *,
        adapt: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Log weights, shape (C, n), float64, and each datum's acceptance; ``adapt`` fills ``steps``."""
        u = self._q.draw_eps(num_chains, generator=self._generator)
        log_weights = torch.zeros(num_chains, len(self._x), dtype=torch.float64)
        accepted = torch.zeros(len(self._x), dtype=torch.float64)
        for number, (before, now) in enumerate(itertools.pairwise(temperatures)):
            log_weights += (now - before) * self._log_ratio(u).double()
            u, share = self._move(u, float(now), steps[number])
            accepted += share
            if adapt:
                change = _ADAPTATION * torch.sign(share - _ACCEPTANCE)
                following = steps[number] * torch.exp(change).to(steps.dtype)
                steps[min(number + 1, len(steps) - 1)] = following.clamp(1e-4, 2.0)
            say((number + 1) / (len(temperatures) - 1))
        return log_weights, accepted / (len(temperatures) - 1)

    @torch.no_grad()
    def _log_ratio(self, u: Tensor) -> Tensor:
        z = self._q.reparameterize(u)
        joint = self._model.likelihood(z).log_prob(self._x) + self._model.prior.log_prob(z)
        return joint - self._q.log_prob(z)

    def _log_target(self, u: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        """log of the target up to a constant, shape (C, n), and its gradient in u."""
        u = u.detach().requires_grad_()
        with torch.enable_grad():
            z = self._q.reparameterize(u)
            joint = self._model.likelihood(z).log_prob(self._x) + self._model.prior.log_prob(z)
            value = temperature * joint - (1 - temperature) * 0.5 * u.square().sum(-1)
            (gradient,) = torch.autograd.grad(value.sum(), u)
        return value.detach(), gradient

    def _move(self, u: Tensor, temperature: float, step: Tensor) -> tuple[Tensor, Tensor]:
        """One transition; the new places, and the share of each datum's chains that moved."""
        draw = DiagonalNormal(torch.zeros_like(u[0]), torch.zeros_like(u[0])).draw_eps
        momentum = draw(len(u), generator=self._generator)
        step = step[:, None]
        value, gradient = self._log_target(u, temperature)
        energy = value - 0.5 * momentum.square().sum(-1)
        place = u
        for _ in range(_LEAPFROGS):
            momentum = momentum + 0.5 * step * gradient
            place = place + step * momentum
            value, gradient = self._log_target(place, temperature)
            momentum = momentum + 0.5 * step * gradient
        gain = (value - 0.5 * momentum.square().sum(-1) - energy).double()
        uniform = torch.rand(gain.shape, generator=self._generator, dtype=torch.float64)
        moves = uniform.log() < gain.nan_to_num(nan=-math.inf)
        return torch.where(moves[..., None], place, u), moves.double().mean(0)
