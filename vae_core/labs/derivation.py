"""Every term of two derivations of the bound, measured for one example and one q by quadrature (J = 1 or 2).

Source document 000, equations 1 to 16: the free energy, maximised under the constraint that q integrates to
1, gives the posterior without Bayes' theorem; its stationarity condition is
log p(x, z) - log q(z) - 1 + gamma = 0, so q = e^(gamma - 1) p(x, z) and gamma = 1 - log p(x).
Documents 001 and 004: the same bound by Jensen's inequality, E[log u] <= log E[u].
"""

import copy
from collections.abc import Callable
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.errors import BadInput
from vae_core.evidence.exact import check_exact_dims, exact_evidence
from vae_core.memory import chunk_rows, widest_layer
from vae_core.model import VAE
from vae_core.posteriors import Posterior

_COARSE: Final = 0.1
_REACH: Final = 6.5
"""Of the prior, in deviations."""
_Q_REACH: Final = 8.0
"""Of q, in deviations: the mass beyond is 1e-15."""
_NEGLIGIBLE: Final = 45.0
"""Nats below the largest log p(x, z): what lies lower has no mass that float64 would count."""
_MAX_WORK: Final = 1.2e10
"""Nodes times weights of the decoder."""
_MOST: Final = {1: 8001, 2: 281}
_LEAST: Final = {1: 801, 2: 121}
"""Nodes in each dimension."""
_STEP: Final = 1e-4
"""Of a difference quotient, relative to q."""


class Measured(NamedTuple):
    """A number and its error: its change from every second node in each dimension."""

    value: float
    error: float


class Terms(NamedTuple):
    """What the lines of both derivations are made of; nats, where no other unit is named.

    Arguments:
        mass: Integral of q.
        free_energy: F[q] = int q [log p(x, z) - log q].
        energy: int q log p(x, z).
        log_evidence: log p(x), by the project's own adaptive quadrature, on other points.
        log_mass: log int p(x, z) dz, on these points.
        gamma: The multiplier for which int e^(gamma - 1) p(x, z) dz is 1, found by bisection.
        slope: dL/dq(z) at the mean of q, as a difference quotient of L (gamma as measured).
        log_joint_at, log_q_at: log p(x, z) and log q(z) there.
        best_mass: Integral of e^(gamma - 1) p(x, z).
        best_free_energy: F of that q.
        best_energy: int of it times log p(x, z).
        kl: KL(q || p(z|x)) = int q [log q - log p(z|x)].
        reverse_kl: KL(p(z|x) || q).
        mean_ratio: E_q[p(x, z) / q(z)], no logarithm, no unit.
        reconstruction: E_q[log p(x|z)].
        mean_likelihood: E_q[p(x|z)], no logarithm, no unit.
        kl_to_prior: KL(q || p(z)).
        mean_log_posterior: E_q[log p(z|x)].
        mean_log_q: E_q[log q].
        log_mean_joint: log E_q[p(x, z)].
        jensen_area: Area between the logarithm and its tangent, E_q[u - 1 - log u], u = p(x, z) / (q p(x)).
    """

    mass: Measured
    free_energy: Measured
    energy: Measured
    log_evidence: Measured
    log_mass: Measured
    gamma: Measured
    slope: Measured
    log_joint_at: Measured
    log_q_at: Measured
    best_mass: Measured
    best_free_energy: Measured
    best_energy: Measured
    kl: Measured
    reverse_kl: Measured
    mean_ratio: Measured
    reconstruction: Measured
    mean_likelihood: Measured
    kl_to_prior: Measured
    mean_log_posterior: Measured
    mean_log_q: Measured
    log_mean_joint: Measured
    jensen_area: Measured


class Jensen(NamedTuple):
    """log u and its tangent at E[u] over the mass of q, by rising u = p(x, z) / q(z).

    Arguments:
        share: Of the mass of q below, rising from 0 to 1, shape (n,).
        log_ratio: log u there, nats.
        tangent: log E[u] + (u - E[u]) / E[u], nats: the area between both is log E[u] - E[log u].
    """

    share: Tensor
    log_ratio: Tensor
    tangent: Tensor


class _Nodes(NamedTuple):
    """A lattice of odd length in each dimension: every second node is a lattice of its own."""

    z: Tensor
    log_joint: Tensor
    log_likelihood: Tensor
    log_prior: Tensor
    log_q: Tensor
    cell: float
    is_second: Tensor
    dims: int

    def measured(self, of: "Callable[[_Nodes], float]") -> Measured:
        """A number, and its change from every second node."""
        return Measured(value := of(self), abs(value - of(self.halved())))

    def halved(self) -> "_Nodes":
        """Every second node in each dimension."""
        z, *logs = (part[self.is_second] for part in self[:5])
        return _Nodes(
            z, logs[0], logs[1], logs[2], logs[3], self.cell * 2**self.dims, self.is_second, self.dims
        )

    def integral(self, log_density: Tensor, of: Tensor | float = 1.0) -> float:
        """int exp(log_density) of."""
        weighted = log_density.exp() * of
        return self.cell * float(torch.where(log_density > -torch.inf, weighted, 0.0).sum())

    def log_integral(self, log_density: Tensor) -> float:
        """log int exp(log_density)."""
        return float(log_density.logsumexp(0) + torch.tensor(self.cell, dtype=torch.float64).log())

    @property
    def gamma(self) -> float:
        """The multiplier that makes int e^(gamma - 1) p(x, z) dz equal to 1, by bisection."""
        top = float(self.log_joint.max())
        scaled = self.cell * float((self.log_joint - top).exp().sum())
        low, high = -100.0, 100.0
        for _ in range(100):
            middle = 0.5 * (low + high)
            too_much = float(torch.tensor(middle - 1, dtype=torch.float64).exp()) * scaled > 1
            low, high = (low, middle) if too_much else (middle, high)
        return 0.5 * (low + high) - top

    @property
    def log_best(self) -> Tensor:
        """log of the stationary q, e^(gamma - 1) p(x, z)."""
        return self.gamma - 1 + self.log_joint


@torch.no_grad()
def measure_derivation(model: VAE, x: Tensor) -> tuple[Terms, Jensen]:
    """All terms for the encoder's q of one example, in float64.

    Arguments:
        model: With one or two latent dimensions and an encoder that has a density.
        x: The example, shape (D,).

    Raises:
        BadInput: More latent dimensions (code ``latent_dim``), a deterministic encoder (``encoder_head``),
            or weights that are not finite (``diverged``).
    """
    check_exact_dims(model)
    if model.config.encoder_head == "deterministic":
        message = "a deterministic encoder has no q to derive a bound for"
        raise BadInput("encoder_head", message, "choose a model whose encoder gives σ")
    exact = copy.deepcopy(model).double()
    evidence = exact_evidence(exact, x[None].double())
    q = exact.posterior(x[None].double())
    nodes = _lattice(exact, x.double(), q)
    log_evidence = Measured(float(evidence.log_evidence), float(evidence.error))
    return _terms(nodes, log_evidence, q), _jensen(nodes)


def _lattice(model: VAE, x: Tensor, q: Posterior) -> _Nodes:
    """A box that holds the mass of p(z|x) and of q."""
    dims, mean, std = model.config.latent_dim, q.mean[0], q.std[0]
    low, high = (mean - _Q_REACH * std, mean + _Q_REACH * std)
    first, last = (end.double() for end in model.prior.box(_REACH))
    axes = [torch.arange(float(a), float(b) + _COARSE, _COARSE) for a, b in zip(first, last, strict=True)]
    coarse = torch.cartesian_prod(*axes).reshape(-1, dims).double()
    log_joint = model.prior.log_prob(coarse) + _log_likelihood(model, x, coarse)
    at_mean = model.prior.log_prob(mean) + _log_likelihood(model, x, mean[None])
    largest = max(float(log_joint.max()), float(at_mean))
    has_mass = coarse[log_joint > largest - _NEGLIGIBLE]
    if len(has_mass):
        low = torch.minimum(low, has_mass.amin(0) - _COARSE)
        high = torch.maximum(high, has_mass.amax(0) + _COARSE)
    affordable = int((_MAX_WORK / sum(model.config.decoder_products)) ** (1 / dims))
    count = max(_LEAST[dims], min(_MOST[dims], affordable)) | 1
    ends = zip(low.tolist(), high.tolist(), strict=True)
    lines = [torch.linspace(*pair, count, dtype=torch.float64) for pair in ends]
    z = torch.cartesian_prod(*lines).reshape(-1, dims)
    evens = torch.arange(count) % 2 == 0
    is_second = torch.cartesian_prod(*[evens] * dims).reshape(-1, dims).all(1)
    log_likelihood, log_prior = _log_likelihood(model, x, z), model.prior.log_prob(z)
    cell = float(torch.stack([line[1] - line[0] for line in lines]).prod())
    log_q = q.log_prob(z[:, None])[:, 0]
    return _Nodes(z, log_likelihood + log_prior, log_likelihood, log_prior, log_q, cell, is_second, dims)


def _log_likelihood(model: VAE, x: Tensor, z: Tensor) -> Tensor:
    pieces = z.split(chunk_rows(widest_layer(model.config)))
    found = torch.cat([model.likelihood(piece).log_prob(x) for piece in pieces])
    if not bool(found.isfinite().all()):
        raise BadInput("diverged", "the model's weights are not finite", "train it again")
    return found


def _terms(nodes: _Nodes, log_evidence: Measured, q: Posterior) -> Terms:
    def posterior(at: _Nodes) -> Tensor:
        return at.log_joint - at.log_integral(at.log_joint)

    measured = nodes.measured
    middle = int((nodes.z - q.mean[0]).square().sum(1).argmin())
    log_joint_at, log_q_at = float(nodes.log_joint[middle]), float(nodes.log_q[middle])
    return Terms(
        mass=measured(lambda at: at.integral(at.log_q)),
        free_energy=measured(lambda at: at.integral(at.log_q, at.log_joint - at.log_q)),
        energy=measured(lambda at: at.integral(at.log_q, at.log_joint)),
        log_evidence=log_evidence,
        log_mass=measured(lambda at: at.log_integral(at.log_joint)),
        gamma=measured(lambda at: at.gamma),
        slope=Measured(_slope(nodes, middle), _STEP**2),
        log_joint_at=Measured(log_joint_at, 0.0),
        log_q_at=Measured(log_q_at, 0.0),
        best_mass=measured(lambda at: at.integral(at.log_best)),
        best_free_energy=measured(lambda at: at.integral(at.log_best, at.log_joint - at.log_best)),
        best_energy=measured(lambda at: at.integral(at.log_best, at.log_joint)),
        kl=measured(lambda at: at.integral(at.log_q, at.log_q - posterior(at))),
        reverse_kl=measured(lambda at: at.integral(posterior(at), posterior(at) - at.log_q)),
        mean_ratio=measured(lambda at: at.integral(at.log_q + (at.log_joint - at.log_q))),
        reconstruction=measured(lambda at: at.integral(at.log_q, at.log_likelihood)),
        mean_likelihood=measured(lambda at: at.integral(at.log_q + at.log_likelihood)),
        kl_to_prior=measured(lambda at: at.integral(at.log_q, at.log_q - at.log_prior)),
        mean_log_posterior=measured(lambda at: at.integral(at.log_q, posterior(at))),
        mean_log_q=measured(lambda at: at.integral(at.log_q, at.log_q)),
        log_mean_joint=measured(lambda at: at.log_integral(at.log_q + at.log_joint)),
        jensen_area=measured(_jensen_area),
    )


def _slope(nodes: _Nodes, at: int) -> float:
    """dL/dq(z) at a node: L = sum cell q [log p(x, z) - log q] + gamma (sum cell q - 1), changed there."""
    q, log_joint = float(nodes.log_q[at].exp()), float(nodes.log_joint[at])

    def part(density: float) -> float:
        log_density = float(torch.tensor(density, dtype=torch.float64).log())
        return density * (log_joint - log_density) + nodes.gamma * density

    step = _STEP * q
    return (part(q + step) - part(q - step)) / (2 * step)


def _log_ratio(nodes: _Nodes) -> Tensor:
    """log u = log p(x, z) - log q(z) - log p(x): its mean under q is -KL(q || p(z|x))."""
    return nodes.log_joint - nodes.log_q - nodes.log_integral(nodes.log_joint)


def _jensen_area(nodes: _Nodes) -> float:
    log_ratio = _log_ratio(nodes)
    # q u is the posterior's density: as its own exponential it does not overflow where q is tiny.
    posterior = nodes.integral(nodes.log_q + log_ratio)
    return posterior - nodes.integral(nodes.log_q, 1 + log_ratio)


def _jensen(nodes: _Nodes) -> Jensen:
    q = nodes.cell * nodes.log_q.exp()
    order = _log_ratio(nodes).argsort()
    # What has no mass under q has no place on the axis.
    order = order[q[order] > 0]
    log_ratio, share = _log_ratio(nodes)[order], q[order].cumsum(0)
    level = nodes.log_integral(nodes.log_joint)
    tangent = level + log_ratio.clamp(max=50.0).exp() - 1
    return Jensen(share - 0.5 * q[order], level + log_ratio, tangent)
