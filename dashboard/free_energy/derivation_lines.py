"""The lines of two derivations of the bound: three candidates for each, one of them right."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from vae_core.errors import BadInput

if TYPE_CHECKING:
    from vae_core.labs.derivation import Measured, Terms


class Candidate(NamedTuple):
    """What may follow: LaTeX, and its value from the terms as measured."""

    latex: str
    value: "Callable[[Terms], tuple[float, float]]"


class Line(NamedTuple):
    """One line.

    Arguments:
        source: Where the documents have it.
        left: LaTeX of its left side, or of what is asked.
        target: What the right candidate must give, measured by itself; value and error.
        candidates: Three, in the order in which they are shown.
        right: Index of the right one.
        unit: Of the values.
        why: What the line says, once it is found.
    """

    source: str
    left: str
    target: "Callable[[Terms], tuple[float, float]]"
    candidates: tuple[Candidate, Candidate, Candidate]
    right: int
    unit: str
    why: str


Signed = tuple[str, float]


def _of(*parts: "str | float | Signed") -> "Callable[[Terms], tuple[float, float]]":
    """A sum of terms by name, ``"-name"`` subtracted, and of plain numbers; errors add up."""

    def value(terms: "Terms") -> tuple[float, float]:
        total, error = 0.0, 0.0
        for part in parts:
            if isinstance(part, (int, float)):
                total += part
                continue
            name, factor = (
                part if isinstance(part, tuple) else (part.lstrip("-"), -1.0 if part[0] == "-" else 1.0)
            )
            found: Measured = getattr(terms, name)
            total, error = total + factor * found.value, error + abs(factor) * found.error
        return total, error

    return value


def _exp(*parts: "str | float | Signed") -> "Callable[[Terms], tuple[float, float]]":
    """The exponential of such a sum."""
    inner = _of(*parts)

    def value(terms: "Terms") -> tuple[float, float]:
        exponent, error = inner(terms)
        if exponent > 700:
            raise BadInput(
                "diverged", "log p(x) is too far from 0 to be written as p(x)", "choose another run"
            )
        return math.exp(exponent), math.exp(exponent) * error

    return value


_P, _Q, _POST = r"p(x,z)", r"q(z)", r"p(z|x)"
_KL_POST = r"\mathrm{KL}(q\,\|\,p(z|x))"
_KL_PRIOR = r"\mathrm{KL}(q\,\|\,p(z))"
_RATIO = r"\frac{p(x,z)}{q(z)}"

LAGRANGE: Final = (
    Line(
        "000, equation 1",
        r"F[q] =",
        _of("reconstruction", "-kl_to_prior"),
        (
            Candidate(rf"\int {_Q}\,[\log {_P} + \log {_Q}]\,dz", _of("energy", "mean_log_q")),
            Candidate(rf"\int {_Q}\,[\log {_P} - \log {_Q}]\,dz", _of("free_energy")),
            Candidate(rf"\int {_Q}\log {_P}\,dz", _of("energy")),
        ),
        1,
        "nats",
        "The free energy of q: energy plus entropy. It should be the ELBO of this q, which has another form.",
    ),
    Line(
        "000, equation 2",
        r"\text{maximise } F[q] \text{ subject to } 1 =",
        _of(1.0),
        (
            Candidate(rf"\int {_Q}\,dz", _of("mass")),
            Candidate(rf"\int {_Q}\,{_P}\,dz", _exp("log_mean_joint")),
            Candidate(rf"-\int {_Q}\log {_Q}\,dz", _of("-mean_log_q")),
        ),
        0,
        "",
        "q is a density: its integral is 1.",
    ),
    Line(
        "000, equation 3",
        r"L[q,\gamma] =",
        _of("reconstruction", "-kl_to_prior"),
        (
            Candidate(rf"F[q] + \gamma\int {_Q}\,dz", _of("free_energy", "gamma")),
            Candidate(rf"\gamma\left[\int {_Q}\,dz - 1\right]", _of(0.0)),
            Candidate(rf"F[q] + \gamma\left[\int {_Q}\,dz - 1\right]", _of("free_energy")),
        ),
        2,
        "nats",
        "The Lagrangian: where the constraint holds, as for this q, it must be F itself, whatever γ is.",
    ),
    Line(
        "000, equation 4",
        r"\frac{\partial L}{\partial q(z)} =",
        _of("slope"),
        (
            Candidate(rf"\log {_P} - \log {_Q} + \gamma", _of("log_joint_at", "-log_q_at", "gamma")),
            Candidate(
                rf"\log {_P} - \log {_Q} - 1 + \gamma", _of("log_joint_at", "-log_q_at", "gamma", -1.0)
            ),
            Candidate(rf"\log {_P} - \frac{{1}}{{{_Q}}} + \gamma", lambda t: _inverse_slope(t)),
        ),
        1,
        "nats",
        "At the mean of q, beside a difference quotient of L. The −1 is the derivative of the log in q log "
        "q.",
    ),
    Line(
        "000, equation 5",
        r"\frac{\partial L}{\partial \gamma} =",
        _of("mass", -1.0),
        (
            Candidate(rf"\int {_Q}\,dz - 1", _of("mass", -1.0)),
            Candidate(rf"\int {_Q}\,dz", _of("mass")),
            Candidate(r"\gamma", _of("gamma")),
        ),
        0,
        "",
        "Set to 0, it is the constraint again; for this q it is 0 already.",
    ),
    Line(
        "000, equation 6",
        r"\partial L/\partial q = 0 \text{ for } \hat q(z) =",
        _of(0.0),
        (
            Candidate(rf"e^{{\gamma}}\,{_P}", _of(-1.0)),
            Candidate(rf"e^{{1-\gamma}}\,{_P}", _of(("gamma", 2.0), -2.0)),
            Candidate(rf"e^{{\gamma-1}}\,{_P}", _of(0.0)),
        ),
        2,
        "nats",
        "Put into equation 4 it leaves no residual, at any z. The value beside each is that residual.",
    ),
    Line(
        "000, equation 7",
        r"\int \hat q(z)\,dz =",
        _of("best_mass"),
        (
            Candidate(r"e^{\gamma-1}", _exp("gamma", -1.0)),
            Candidate(r"e^{\gamma-1}\,p(x)", _exp("gamma", "log_evidence", -1.0)),
            Candidate(rf"e^{{\gamma-1}}\,\mathbb{{E}}_q[{_P}]", _exp("gamma", "log_mean_joint", -1.0)),
        ),
        1,
        "",
        "∫ p(x, z) dz is p(x), the evidence, and the integral of q̂ must be 1.",
    ),
    Line(
        "000, equation 8",
        r"\gamma =",
        _of("gamma"),
        (
            Candidate(r"\log p(x) - 1", _of("log_evidence", -1.0)),
            Candidate(r"1 + \log p(x)", _of("log_evidence", 1.0)),
            Candidate(r"1 - \log p(x)", _of(1.0, "-log_evidence")),
        ),
        2,
        "nats",
        "The multiplier can be measured: bisection finds the γ for which q̂ integrates to 1; log p(x) is "
        "measured by another quadrature.",
    ),
    Line(
        "000, equation 9",
        r"\hat q(z) = p(z|x) =",
        _of(1.0),
        (
            Candidate(rf"{_P}\,/\,p(x)", _exp("log_mass", "-log_evidence")),
            Candidate(_P, _exp("log_mass")),
            Candidate(rf"{_P}\,/\,(e\,p(x))", _exp("log_mass", "-log_evidence", -1.0)),
        ),
        0,
        "",
        "The q that maximises F is the posterior, found without Bayes' theorem. The value is the integral "
        "over z.",
    ),
    Line(
        "000, equation 10",
        r"F[p(z|x)] =",
        _of("best_free_energy"),
        (
            Candidate("0", _of(0.0)),
            Candidate(r"\log p(x)", _of("log_evidence")),
            Candidate(rf"\int {_POST}\log {_P}\,dz", _of("best_energy")),
        ),
        1,
        "nats",
        "At the posterior the free energy is log p(x).",
    ),
    Line(
        "000, equation 11",
        r"F[q] =",
        _of("free_energy"),
        (
            Candidate(
                rf"\int {_Q}\log p(x)\,dz - \int {_Q}\,[\log {_Q} - \log {_POST}]\,dz",
                _of("log_evidence", "-kl"),
            ),
            Candidate(
                rf"\int {_Q}\log p(x)\,dz + \int {_Q}\,[\log {_Q} - \log {_POST}]\,dz",
                _of("log_evidence", "kl"),
            ),
            Candidate(
                rf"\int {_Q}\log p(x)\,dz - \int {_Q}\,[\log {_Q} - \log p(z)]\,dz",
                _of("log_evidence", "-kl_to_prior"),
            ),
        ),
        0,
        "nats",
        "log p(z|x) is added and taken away; log p(x, z) − log p(z|x) is log p(x), for every z.",
    ),
    Line(
        "000, equation 12",
        rf"{_KL_POST} =",
        _of("log_evidence", "-free_energy"),
        (
            Candidate(rf"\int {_Q}\,[\log {_POST} - \log {_Q}]\,dz", _of("-kl")),
            Candidate(rf"\int {_POST}\,[\log {_POST} - \log {_Q}]\,dz", _of("reverse_kl")),
            Candidate(rf"\int {_Q}\,[\log {_Q} - \log {_POST}]\,dz", _of("kl")),
        ),
        2,
        "nats",
        "q outside and first inside. The other order is another number, the reversed sign is negative.",
    ),
    Line(
        "000, equation 13",
        r"F[q] =",
        _of("free_energy"),
        (
            Candidate(rf"\log p(x) + {_KL_POST}", _of("log_evidence", "kl")),
            Candidate(rf"\log p(x) - {_KL_POST}", _of("log_evidence", "-kl")),
            Candidate(rf"{_KL_POST} - \log p(x)", _of("kl", "-log_evidence")),
        ),
        1,
        "nats",
        "The basic identity: three numbers, each measured by itself.",
    ),
    Line(
        "000, equation 14",
        r"0 \le",
        _of("kl"),
        (
            Candidate(r"F[q] - \log p(x)", _of("free_energy", "-log_evidence")),
            Candidate(r"F[q]", _of("free_energy")),
            Candidate(r"\log p(x) - F[q]", _of("log_evidence", "-free_energy")),
        ),
        2,
        "nats",
        "A KL is never negative: F is a lower bound of the evidence, the ELBO.",
    ),
    Line(
        "000, equation 15",
        r"\log p(x) =",
        _of("log_evidence"),
        (
            Candidate(rf"\mathbb{{E}}_q\!\left[{_RATIO}\right] + {_KL_POST}", _of("mean_ratio", "kl")),
            Candidate(rf"\log\mathbb{{E}}_q\!\left[{_RATIO}\right] + {_KL_POST}", _of("log_mass", "kl")),
            Candidate(rf"\mathbb{{E}}_q\!\left[\log{_RATIO}\right] + {_KL_POST}", _of("free_energy", "kl")),
        ),
        2,
        "nats",
        "The document prints the first form: its logarithm is missing.",
    ),
    Line(
        "000, equation 16",
        r"\mathrm{ELBO} =",
        _of("free_energy"),
        (
            Candidate(rf"\mathbb{{E}}_q[\log p(x|z)] - {_KL_PRIOR}", _of("reconstruction", "-kl_to_prior")),
            Candidate(rf"\mathbb{{E}}_q[p(x|z)] - {_KL_PRIOR}", _of("mean_likelihood", "-kl_to_prior")),
            Candidate(rf"\mathbb{{E}}_q[\log p(x|z)] + {_KL_PRIOR}", _of("reconstruction", "kl_to_prior")),
        ),
        0,
        "nats",
        "Reconstruction minus the KL to the prior. The document prints the second form, without the "
        "logarithm.",
    ),
)

JENSEN: Final = (
    Line(
        "001 and 004",
        r"\log p(x) =",
        _of("log_evidence"),
        (
            Candidate(rf"\log\int {_P}\,dz", _of("log_mass")),
            Candidate(rf"\log\int {_Q}\,{_P}\,dz", _of("log_mean_joint")),
            Candidate(r"\mathbb{E}_q[\log p(x|z)]", _of("reconstruction")),
        ),
        0,
        "nats",
        "z is integrated out.",
    ),
    Line(
        "001",
        rf"\log\int {_P}\,dz =",
        _of("log_mass"),
        (
            Candidate(rf"\log\mathbb{{E}}_q[{_P}]", _of("log_mean_joint")),
            Candidate(rf"\log\mathbb{{E}}_q\!\left[{_RATIO}\right]", lambda t: _log(t.mean_ratio)),
            Candidate(r"\log\mathbb{E}_q[p(x|z)]", lambda t: _log(t.mean_likelihood)),
        ),
        1,
        "nats",
        "Multiplied and divided by q: an expectation, without changing the value.",
    ),
    Line(
        "001 and 004, Jensen's inequality",
        rf"\log\mathbb{{E}}_q\!\left[{_RATIO}\right] \ge \mathcal{{L}} =",
        _of("log_evidence", "-kl"),
        (
            Candidate(rf"\mathbb{{E}}_q[\log {_P}]", _of("energy")),
            Candidate(rf"\mathbb{{E}}_q\!\left[{_RATIO}\right] - 1", _of("mean_ratio", -1.0)),
            Candidate(rf"\mathbb{{E}}_q\!\left[\log{_RATIO}\right]", _of("free_energy")),
        ),
        2,
        "nats",
        "The logarithm is concave: the log of a mean is at least the mean of the logs. The picture below "
        "shows what is lost.",
    ),
    Line(
        "001",
        r"\log p(x) - \mathcal{L} =",
        _of("log_evidence", "-free_energy"),
        (
            Candidate(_KL_PRIOR, _of("kl_to_prior")),
            Candidate(_KL_POST, _of("kl")),
            Candidate(r"\mathrm{KL}(p(z|x)\,\|\,q)", _of("reverse_kl")),
        ),
        1,
        "nats",
        "What Jensen's inequality loses is the KL to the true posterior.",
    ),
    Line(
        "001",
        r"\log p(x) = \mathbb{E}_q[\log p(x)] =",
        _of("log_evidence"),
        (
            Candidate(
                r"\mathbb{E}_q\!\left[\log\frac{p(x,z)}{p(z|x)}\right]", _of("energy", "-mean_log_posterior")
            ),
            Candidate(
                r"\mathbb{E}_q\!\left[\log\frac{p(x|z)}{p(z|x)}\right]",
                _of("reconstruction", "-mean_log_posterior"),
            ),
            Candidate(r"\mathbb{E}_q\!\left[\log\frac{p(x,z)}{p(z)}\right]", _of("reconstruction")),
        ),
        0,
        "nats",
        "The product rule: p(x, z) = p(z|x) p(x).",
    ),
    Line(
        "001",
        rf"\log p(x) = \mathbb{{E}}_q\!\left[\log{_RATIO}\right] +",
        _of("log_evidence"),
        (
            Candidate(r"\mathbb{E}_q\!\left[\log\frac{p(z|x)}{q(z)}\right]", _of("free_energy", "-kl")),
            Candidate(r"\mathbb{E}_q\!\left[\log\frac{q(z)}{p(z)}\right]", _of("free_energy", "kl_to_prior")),
            Candidate(r"\mathbb{E}_q\!\left[\log\frac{q(z)}{p(z|x)}\right]", _of("free_energy", "kl")),
        ),
        2,
        "nats",
        "Multiplied and divided by q again: the ELBO, and the KL to the true posterior. The value is the "
        "sum.",
    ),
    Line(
        "001",
        r"\mathcal{L} = \mathbb{E}_q[\log p(x|z)] +",
        _of("free_energy"),
        (
            Candidate(
                r"\mathbb{E}_q\!\left[\log\frac{p(z)}{q(z)}\right]", _of("reconstruction", "-kl_to_prior")
            ),
            Candidate(
                r"\mathbb{E}_q\!\left[\log\frac{q(z)}{p(z)}\right]", _of("reconstruction", "kl_to_prior")
            ),
            Candidate(r"\mathbb{E}_q[\log p(z)]", _of("energy")),
        ),
        0,
        "nats",
        "p(x, z) = p(x|z) p(z) inside the logarithm. The value is the sum.",
    ),
    Line(
        "001 and 004",
        r"\mathcal{L} =",
        _of("free_energy"),
        (
            Candidate(rf"\mathbb{{E}}_q[\log p(x|z)] - {_KL_POST}", _of("reconstruction", "-kl")),
            Candidate(rf"\mathbb{{E}}_q[\log p(x|z)] - {_KL_PRIOR}", _of("reconstruction", "-kl_to_prior")),
            Candidate(rf"\mathbb{{E}}_q[\log p(x|z)] + {_KL_PRIOR}", _of("reconstruction", "kl_to_prior")),
        ),
        1,
        "nats",
        "Reconstruction minus regulariser, what a VAE is trained on. There are two KLs: this one is to the "
        "prior.",
    ),
)


def _inverse_slope(terms: "Terms") -> tuple[float, float]:
    return terms.log_joint_at.value - math.exp(-terms.log_q_at.value) + terms.gamma.value, terms.gamma.error


def _log(measured: "Measured") -> tuple[float, float]:
    if measured.value <= 0:
        return -math.inf, 0.0
    return math.log(measured.value), measured.error / measured.value
