"""The steps of a pass, forward layer by layer and back again, each with its formula and its numbers."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.figures.network.layers import Column, Moment
from dashboard.figures.network.svg import number_text
from dashboard.formats import superscript
from dashboard.gradients.back_propagation_pass import Pass

Array = NDArray[np.float64]
LOSS: Final = "L"
_TERMS: Final = 4
_NAMES: Final = {"input": "x", "heads": "q(z|x)", "latent": "z", "output": "y"}
ACTIVATIONS: Final = {
    "tanh": (r"\tanh", r"1-h^2"),
    "relu": (r"\mathrm{ReLU}", r"[u>0]"),
    "silu": (r"\mathrm{SiLU}", r"s(u)\,(1+u\,(1-s(u)))"),
    "softplus": (r"\mathrm{softplus}", r"s(u)"),
}
"""LaTeX of f and of f'; s is the sigmoid."""


class Step(NamedTuple):
    """One step: its label, the column it is about (None for the loss), and whether it goes back."""

    label: str
    column: int | None
    goes_back: bool


def steps_of(columns: Sequence[Column]) -> tuple[Step, ...]:
    """Forward through all columns, the loss, and back to the first that has weights."""
    forward = [
        Step(_NAMES.get(column.kind, "h" + superscript(column.number)), place, False)
        for place, column in enumerate(columns)
    ]
    back = [
        Step("δ" + superscript(column.number), place, True)
        for place, column in reversed(list(enumerate(columns)))
        if column.delta is not None
    ]
    return (*forward, Step(LOSS, None, False), *back)


def moment_of(columns: Sequence[Column], steps: Sequence[Step], place: int, unit: int) -> Moment:
    """What has arrived once step ``place`` is done."""
    step, last = steps[place], len(columns)
    return Moment(
        forward=min(place + 1, last),
        backward=max(0, place - last),
        has_loss=place >= last,
        active=step.column,
        unit=unit,
    )


def picked(
    value: object, columns: Sequence[Column], steps: Sequence[Step], place: int
) -> tuple[int, int] | None:
    """Step and unit of a clicked card, ``[column, unit]``; None for what no card can say.

    On the way back it is the backward step of that column, if it has one.
    """
    match value:
        case [int(column), int(unit)] if 0 <= column < len(columns) and 0 <= unit < len(columns[column].h):
            found = [number for number, step in enumerate(steps) if step.column == column]
            goes_back = steps[place].goes_back
            return next((number for number in found if steps[number].goes_back == goes_back), found[0]), unit
    return None


def number(value: float) -> str:
    """A number within a formula: three decimals, or a power of ten."""
    if value == 0 or 0.001 <= abs(value) < 10_000:
        return f"{value:.3f}"
    digits, power = f"{value:.2e}".split("e")
    return rf"{digits}\!\cdot\!10^{{{int(power)}}}"


def factor(value: float) -> str:
    """A number after a multiplication or addition sign: in brackets where it is negative."""
    return f"({number(value)})" if value < 0 else number(value)


def products(left: Array, right: Array) -> str:
    """``a·b + c·d + …``: all products, or the first ones of many."""
    pairs = [f"{factor(a)}{{\\cdot}}{factor(b)}" for a, b in zip(left, right, strict=True)]
    if len(pairs) > _TERMS:
        return " + ".join([*pairs[:2], rf"\dots_{{({len(pairs)}\text{{ terms}})}}"])
    return " + ".join(pairs)


def weight(beta: float) -> str:
    """The weight of the KL as a factor within a formula; 1 is not written."""
    if beta == 1:
        return ""
    return (f"{beta:.4g}" if beta == 0 or 0.001 <= beta < 10_000 else number(beta)) + r"{\cdot}"


def matrix(values: Array) -> str:
    """A small matrix of numbers; four columns of them fit a phone."""
    rows = [" & ".join(rf"\text{{{number_text(value)}}}" for value in row) for row in values]
    return r"{\small\begin{pmatrix}" + r" \\ ".join(rows) + r"\end{pmatrix}}"


def red(formula: str) -> str:
    """An error of the document, as a formula."""
    return rf"\textcolor{{#E5484D}}{{{formula}}}"


def forward_lines(found: Pass, place: int, unit: int) -> list[str]:
    """LaTeX of a forward step: the formula of the layer, then one unit's numbers."""
    column = found.columns[place]
    if column.kind == "input":
        return [rf"x = h^{{(1)}} \in \mathbb{{R}}^{{{len(column.h)}}}"]
    if column.kind == "latent":
        return _latent(found, unit)
    previous, n = found.columns[place - 1], column.number
    lines = [rf"u^{{({n})}} = W^{{({n})}} h^{{({n - 1})}} + b^{{({n})}}{_then(found, column, unit)[0]}"]
    j, value = unit + 1, float(column.u[unit])
    assert column.weights is not None
    assert column.biases is not None
    total = products(column.weights[unit], previous.h)
    lines.append(rf"u_{{{j}}} = {total} + {factor(float(column.biases[unit]))} = {number(value)}")
    if then := _then(found, column, unit)[1]:
        lines.append(then)
    return lines


def _then(found: Pass, column: Column, unit: int) -> tuple[str, str]:
    """What becomes of u: for the layer, and in numbers for a unit."""
    n, j, u, h = column.number, unit + 1, float(column.u[unit]), float(column.h[unit])
    if column.kind == "hidden":
        f = ACTIVATIONS[found.config.activation][0]
        return (
            rf",\quad h^{{({n})}} = {f}(u^{{({n})}})",
            rf"h_{{{j}}} = {f}({number(u)}) = {number(h)}",
        )
    if column.kind == "heads":
        return _heads(found, column, unit)
    if found.config.likelihood == "gaussian":
        return r",\quad y = u", rf"y_{{{j}}} = {number(h)}"
    if found.config.likelihood == "continuous_bernoulli":
        return r",\quad y = \mathbb{E}[x|z] = 1/(1-e^{-u}) - 1/u", rf"y_{{{j}}} = {number(h)}"
    f = r"\mathrm{sigmoid}"
    return rf",\quad y = {f}(u^{{({n})}})", rf"y_{{{j}}} = {f}({number(u)}) = {number(h)}"


def _heads(found: Pass, column: Column, unit: int) -> tuple[str, str]:
    dims = found.config.latent_dim
    if len(column.h) == dims:
        return rf" = \mu{_fixed(found)}", rf"\mu_{{{unit + 1}}} = {number(float(column.u[unit]))}"
    j, std = unit % dims, float(found.std[unit % dims])
    if unit < dims:
        line = rf"\mu_{{{j + 1}}} = u_{{{unit + 1}}} = {number(float(found.mean[j]))}"
    elif found.config.encoder_head == "variance":
        line = rf"\sigma^2_{{{j + 1}}} = \mathrm{{softplus}}(u_{{{unit + 1}}}) = {number(std**2)}"
    else:
        log_var = number(float(column.u[unit]))
        line = rf"\varphi_{{{j + 1}}} = u_{{{unit + 1}}} = {log_var},\quad "
        line += rf"\sigma_{{{j + 1}}} = e^{{\varphi/2}} = {number(std)}"
    if found.config.encoder_head == "variance":
        return r" = (\mu, u_\sigma),\quad \sigma^2 = \mathrm{softplus}(u_\sigma)", line
    return r" = (\mu, \varphi),\quad \varphi = \log\sigma^2", line


def _fixed(found: Pass) -> str:
    return r",\quad \sigma = 1" if found.log_var is not None else r",\quad z = \mu"


def _latent(found: Pass, unit: int) -> list[str]:
    j, z, mean = unit + 1, float(found.z[unit]), float(found.mean[unit])
    if found.log_var is None:
        return [r"z = \mu \quad\text{(no noise: a plain autoencoder)}", rf"z_{{{j}}} = {number(z)}"]
    product = rf"{number(float(found.std[unit]))}{{\cdot}}{factor(float(found.eps[unit]))}"
    return [
        r"z = \mu + \sigma\odot\varepsilon,\qquad \varepsilon\sim\mathcal{N}(0, I)",
        rf"z_{{{j}}} = {number(mean)} + {product} = {number(z)}",
    ]


def loss_lines(found: Pass) -> list[str]:
    """LaTeX of the loss and its two terms."""
    terms = {
        "bernoulli": r"\sum_i x_i\log y_i + (1-x_i)\log(1-y_i)",
        "continuous_bernoulli": r"\sum_i \log C(u_i) + x_i u_i - \mathrm{softplus}(u_i)",
        "gaussian": r"-\tfrac12\lVert x-y\rVert^2/s^2 - D\log s - \tfrac D2\log 2\pi",
    }
    total = number(found.loss)
    first = rf"\log p(x|z) = {terms[found.config.likelihood]} = {number(found.reconstruction)}"
    if found.log_var is None:
        return [first, rf"L = -\log p(x|z) = {total}"]
    bound = rf"-\log p(x|z) + \mathrm{{KL}} = -\mathrm{{ELBO}} = {total}"
    if found.beta != 1:
        bound = rf"-(\log p(x|z) - \beta\,\mathrm{{KL}}) = {number(-found.reconstruction)} + "
        bound += rf"{weight(found.beta)}{factor(found.kl)} = {total}"
    return [
        first,
        r"\mathrm{KL} = \tfrac12\sum_j\,(\mu_j^2 + \sigma_j^2 - 1 - \log\sigma_j^2) = " + number(found.kl),
        rf"L = {bound}",
    ]
