"""Values of the source documents' misprinted formulas for one example, and of the corrected ones.

Each value is measured: by quadrature on a lattice around q, by sampling, or by automatic differentiation.
"""

import math
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.distributions import DiagonalNormal, StandardNormal
from vae_core.errors import BadInput
from vae_core.evidence.exact import MAX_EXACT_DIMS, exact_evidence
from vae_core.model import VAE

NUM_SAMPLES: Final = 100_000
WIDER: Final = 2.0
"""Factor by which the second q is wider than the encoder's."""
_REACH, _POINTS = 8.0, {1: 4001, 2: 241}


class Misprints(NamedTuple):
    """Printed and right values for one example; nats unless another unit is named.

    Arguments:
        kl_printed: +1/2 sum (1 + log sigma^2 - mu^2 - sigma^2), document 000, equation 19.
        kl: KL(q || p(z)) in closed form.
        kl_sampled: mean [log q - log p] over ``NUM_SAMPLES`` draws from q.
        kl_error: Standard error of that mean.
        log_ratio: log E_q[p(x, z) / q(z|x)] for the encoder's q and for one ``WIDER`` times as wide
            (000, equation 15: the bound without its logarithm).
        elbo: The bound of the same two q.
        mean_likelihood: E_q[p(x|z)] of the encoder's q, no logarithm (000, equation 16).
        mass_printed: Integral of exp(-(x - y)^2) over x (000, section 3.3.3).
        mass: Integral of N(x; y, 1).
        variance_softmax: Sum of softmax(outputs of the head) (000, section 3.3.4).
        variance: Sum of sigma^2.
        gap: KL(q || p(z|x; theta)) (002 has phi for theta: that posterior is q itself, and its KL is 0).
        spread_printed: Standard deviation of mu + sigma^2 eps in the first dimension (003), measured.
        spread: Of mu + sigma eps, measured.
        std: sigma of the first dimension.
        minus_kl: 1/2 sum (1 + log sigma^2 - mu^2 - sigma^2), which 003 calls -grad KL.
        minus_gradient: -dKL/dmu, shape (J,), by automatic differentiation.
        posterior_mass: Integral of p(z|x) over z on the lattice (004: p(x) = int p(z|x) p(x) dz).
        log_evidence: log int p(x|z) p(z) dz.
    """

    kl_printed: float
    kl: float
    kl_sampled: float
    kl_error: float
    log_ratio: tuple[float, float]
    elbo: tuple[float, float]
    mean_likelihood: float
    mass_printed: float
    mass: float
    variance_softmax: float
    variance: float
    gap: float
    spread_printed: float
    spread: float
    std: float
    minus_kl: float
    minus_gradient: tuple[float, ...]
    posterior_mass: float
    log_evidence: float


def measure_misprints(model: VAE, x: Tensor, *, generator: torch.Generator) -> Misprints:
    """Evaluates every formula for one example, in float64.

    Arguments:
        model: With one or two latent dimensions and a log-variance head.
        x: The example, shape (D,).
        generator: Draws the samples.

    Raises:
        BadInput: A deterministic encoder (code ``encoder_head``), or more latent dimensions (``latent_dim``).
    """
    with torch.no_grad():
        q = model.posterior(x[None]).as_normal().marginals.take(0).double()
    if model.config.latent_dim > MAX_EXACT_DIMS:
        raise BadInput("latent_dim", "this needs a q in one or two dimensions", "choose another model")
    mean, log_var, std = q.mean, q.log_var, q.std
    log_evidence, gap = _exact(model, x)
    first, second = (_with_q(model, x, mean, std * width) for width in (1.0, WIDER))
    minus_kl = 0.5 * float((1 + log_var - mean.square() - log_var.exp()).sum())
    return Misprints(
        kl_printed=minus_kl,
        kl=float(q.kl_to_standard_normal().sum()),
        log_ratio=(first.log_ratio, second.log_ratio),
        elbo=(first.elbo, second.elbo),
        mean_likelihood=first.mean_likelihood,
        variance_softmax=float(log_var.softmax(0).sum()),
        variance=float(log_var.exp().sum()),
        gap=gap,
        std=float(std[0]),
        minus_kl=minus_kl,
        minus_gradient=_minus_gradient(mean, log_var),
        posterior_mass=math.exp(first.log_ratio - log_evidence),
        log_evidence=log_evidence,
        **_masses(),
        **_sampled(model, q, generator),
    )


def _exact(model: VAE, x: Tensor) -> tuple[float, float]:
    evidence = exact_evidence(model, x[None])
    return float(evidence.log_evidence), float(evidence.kl_to_posterior)


def _masses() -> dict[str, float]:
    """Integrals over x of both densities, for D = 1 and y = 0."""
    line = torch.linspace(-12, 12, 4801, dtype=torch.float64)
    printed, right = (-line.square()).exp(), StandardNormal(1).log_prob(line[:, None]).exp()
    return {
        "mass_printed": float(torch.trapezoid(printed, line)),
        "mass": float(torch.trapezoid(right, line)),
    }


def _sampled(model: VAE, q: DiagonalNormal, generator: torch.Generator) -> dict[str, float]:
    eps = torch.randn(NUM_SAMPLES, len(q.mean), generator=generator, dtype=torch.float64)
    z = q.mean + q.std * eps
    log_ratios = q.log_prob(z) - model.prior.log_prob(z)
    return {
        "kl_sampled": float(log_ratios.mean()),
        "kl_error": float(log_ratios.std() / math.sqrt(NUM_SAMPLES)),
        "spread_printed": float((q.mean + q.std.square() * eps)[:, 0].std()),
        "spread": float(z[:, 0].std()),
    }


class _WithQ(NamedTuple):
    log_ratio: float
    elbo: float
    mean_likelihood: float


def _with_q(model: VAE, x: Tensor, mean: Tensor, std: Tensor) -> _WithQ:
    line = torch.linspace(-_REACH, _REACH, _POINTS[len(mean)], dtype=torch.float64)
    nodes = torch.cartesian_prod(*[line] * len(mean)).reshape(-1, len(mean))
    shares = (-0.5 * nodes.square().sum(1)).log_softmax(0)
    z = mean + std * nodes
    log_q = StandardNormal(len(mean)).log_prob(nodes) - std.log().sum()
    with torch.no_grad():
        log_likelihood = model.likelihood(z.to(x.dtype)).log_prob(x).double()
    log_ratio = log_likelihood + model.prior.log_prob(z) - log_q
    return _WithQ(
        log_ratio=float((shares + log_ratio).logsumexp(0)),
        elbo=float((shares.exp() * log_ratio).sum()),
        mean_likelihood=float((shares + log_likelihood).logsumexp(0).exp()),
    )


def _minus_gradient(mean: Tensor, log_var: Tensor) -> tuple[float, ...]:
    leaf = mean.clone().requires_grad_()
    kl = DiagonalNormal(leaf, log_var).kl_to_standard_normal().sum()
    (gradient,) = torch.autograd.grad(-kl, leaf)
    return tuple(gradient.tolist())
