"""Values of the source documents' misprinted formulas for one example, and of the corrected ones.

Each value is measured: by quadrature on a lattice around q, by sampling, or by automatic differentiation.
"""

import copy
import math
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor

from vae_core.errors import BadInput
from vae_core.evidence.exact import MAX_EXACT_DIMS, exact_evidence
from vae_core.model import VAE
from vae_core.posteriors import DiagonalNormal
from vae_core.priors import StandardNormal

NUM_SAMPLES: Final = 100_000
WIDER: Final = 2.0
"""Factor by which the second q is wider than the encoder's."""
_REACH, _POINTS = 8.0, {1: 4001, 2: 241}
_COARSE: Final = {1: 1001, 2: 81}
"""Points in each dimension where the gradient is taken at each: the sum of a Gaussian is exact to 1e-10."""
_DECODED: Final = 10_000
"""Of the samples, those that are decoded."""
_SHIFT: Final = 1e-4
"""Of a parameter, for a difference quotient."""


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
        quadratic_printed: 1/2 trace[Sigma^-1 E[(z - mu)^T (z - mu)]], with an inner product, which is a
            number, in place of the outer one (000, section 3.2.2).
        quadratic: 1/2 E[(z - mu)^T Sigma^-1 (z - mu)] by quadrature; J/2 in closed form.
        correlation_printed: Of z_1 and z_2 with one eps for both (000, section 4.3.1), drawn; nan for J = 1.
        correlation: Likewise with an eps for each.
        at_mean: log p(x|mu), the closed form that 001 says J_1 has.
        reconstruction: E_q[log p(x|z)] by quadrature.
        reconstruction_sampled: Its estimate from samples.
        reconstruction_error: Standard error of that estimate.
        by_theta: d/dtheta E_q[log p(x|z)] as a difference quotient, and E_q[d/dtheta log p(x|z)] by automatic
            differentiation, for the bias of the output that is furthest from x (003: the two are unequal).
        by_phi: The same two by mu_1, with z held constant in the second: they are unequal.
        mean_outer: 1/2 mu mu^T (002), shape (J, J), row by row.
        mean_inner: 1/2 mu^T mu.
        integrand: q(z) (log p(z) - log q(z)) at z = mu and at mu + sigma: its integral over all x in [0, 1]^D
            (003 integrates it over x) is what it is at a z.
        squares_printed: 1/2 sum_i (x_i - y_i)^2 at z = mu over the first J values (000, equation 22, sums to
            a Q that stands for nothing).
        squares: The same over all D.
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
    quadratic_printed: float
    quadratic: float
    correlation_printed: float
    correlation: float
    at_mean: float
    reconstruction: float
    reconstruction_sampled: float
    reconstruction_error: float
    by_theta: tuple[float, float]
    by_phi: tuple[float, float]
    mean_outer: tuple[tuple[float, ...], ...]
    mean_inner: float
    integrand: tuple[float, float]
    squares_printed: float
    squares: float


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
        quadratic_printed=0.5 * float(std.square().sum() * std.pow(-2).sum()),
        quadratic=first.quadratic,
        reconstruction=first.reconstruction,
        mean_outer=tuple(tuple(row) for row in (0.5 * mean[:, None] * mean).tolist()),
        mean_inner=0.5 * float(mean @ mean),
        **_at_mean(model, x, q),
        **_masses(),
        **_sampled(model, x, q, generator),
        **_gradients(model, x, q),
    )


@torch.no_grad()
def _at_mean(model: VAE, x: Tensor, q: DiagonalNormal) -> dict[str, Any]:
    z = torch.stack((q.mean, q.mean + q.std))
    log_q = q.log_prob(z)
    integrand = log_q.exp() * (StandardNormal(z.shape[1]).log_prob(z) - log_q)
    squares = 0.5 * (x - model.likelihood(q.mean.to(x.dtype)).mean).double().square()
    return {
        "integrand": tuple(integrand.tolist()),
        "squares_printed": float(squares[: z.shape[1]].sum()),
        "squares": float(squares.sum()),
    }


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


def _sampled(model: VAE, x: Tensor, q: DiagonalNormal, generator: torch.Generator) -> dict[str, float]:
    eps = torch.randn(NUM_SAMPLES, len(q.mean), generator=generator, dtype=torch.float64)
    z = q.mean + q.std * eps
    log_ratios = q.log_prob(z) - model.prior.log_prob(z)
    with torch.no_grad():
        fits = model.likelihood(z[:_DECODED].to(x.dtype)).log_prob(x).double()
        at_mean = model.likelihood(q.mean.to(x.dtype)).log_prob(x)
    return {
        "correlation_printed": _correlation(q.mean + q.std * eps[:, :1]),
        "correlation": _correlation(z),
        "at_mean": float(at_mean),
        "reconstruction_sampled": float(fits.mean()),
        "reconstruction_error": float(fits.std() / math.sqrt(len(fits))),
        "kl_sampled": float(log_ratios.mean()),
        "kl_error": float(log_ratios.std() / math.sqrt(NUM_SAMPLES)),
        "spread_printed": float((q.mean + q.std.square() * eps)[:, 0].std()),
        "spread": float(z[:, 0].std()),
    }


def _correlation(z: Tensor) -> float:
    """Of the first two dimensions; nan where there is one."""
    return float(z.T.corrcoef()[0, 1]) if z.shape[1] > 1 else math.nan


def _gradients(model: VAE, x: Tensor, q: DiagonalNormal) -> dict[str, Any]:
    """Derivative of the expectation and expectation of the derivative: by a bias of the decoder, by mu_1."""
    model, x = copy.deepcopy(model).double(), x.double()
    nodes, shares = _lattice(len(q.mean), _COARSE)

    def fits(shift: float = 0.0) -> Tensor:
        mean = q.mean.clone()
        mean[0] += shift
        return model.likelihood(mean + q.std * nodes).log_prob(x)

    def quotient(high: Tensor, low: Tensor) -> float:
        return float(shares @ (high - low)) / (2 * _SHIFT)

    bias = model.decoder.biases[-1]
    with torch.no_grad():
        unit = int((x - model.likelihood(q.mean).mean).abs().argmax())
        by_phi = quotient(fits(_SHIFT), fits(-_SHIFT))
        bias[unit] += _SHIFT
        high = fits()
        bias[unit] -= 2 * _SHIFT
        by_theta = quotient(high, fits())
        bias[unit] += _SHIFT
    (gradient,) = torch.autograd.grad(shares @ fits(), bias)
    # With z held constant log p(x|z) does not depend on phi.
    return {"by_theta": (by_theta, float(gradient[unit])), "by_phi": (by_phi, 0.0)}


class _WithQ(NamedTuple):
    log_ratio: float
    elbo: float
    mean_likelihood: float
    reconstruction: float
    quadratic: float


def _lattice(dims: int, points: dict[int, int]) -> tuple[Tensor, Tensor]:
    """Nodes of N(0, I), shape (points, J), and their shares of its mass."""
    line = torch.linspace(-_REACH, _REACH, points[dims], dtype=torch.float64)
    nodes = torch.cartesian_prod(*[line] * dims).reshape(-1, dims)
    return nodes, (-0.5 * nodes.square().sum(1)).softmax(0)


def _with_q(model: VAE, x: Tensor, mean: Tensor, std: Tensor) -> _WithQ:
    nodes, shares = _lattice(len(mean), _POINTS)
    z = mean + std * nodes
    log_q = StandardNormal(len(mean)).log_prob(nodes) - std.log().sum()
    with torch.no_grad():
        log_likelihood = model.likelihood(z.to(x.dtype)).log_prob(x).double()
    log_ratio = log_likelihood + model.prior.log_prob(z) - log_q
    return _WithQ(
        log_ratio=float((shares.log() + log_ratio).logsumexp(0)),
        elbo=float(shares @ log_ratio),
        mean_likelihood=float((shares.log() + log_likelihood).logsumexp(0).exp()),
        reconstruction=float(shares @ log_likelihood),
        quadratic=0.5 * float(shares @ ((z - mean) / std).square().sum(1)),
    )


def _minus_gradient(mean: Tensor, log_var: Tensor) -> tuple[float, ...]:
    leaf = mean.clone().requires_grad_()
    kl = DiagonalNormal(leaf, log_var).kl_to_standard_normal().sum()
    (gradient,) = torch.autograd.grad(-kl, leaf)
    return tuple(gradient.tolist())
