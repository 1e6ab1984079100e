"""The steps of a pass as LaTeX where q(z|x) is no Gaussian: a planar flow, or a mixture of two."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.figures.network.layers import Column
from dashboard.gradients.latex import factor, number, products, red
from dashboard.gradients.network_pass import FlowLayer, Pass
from vae_core.config import FLOW_LAYERS

Array = NDArray[np.float64]
STEEPEST: Final = "1.5"
"""Limit of |a| in a layer of a flow, as :mod:`vae_core.planar` has it."""


def mean_over(found: Pass) -> str:
    """The mean over the points z as a factor; none of one point."""
    samples = found.samples
    average = r"\tfrac1C\sum_c" if samples.number > samples.num_components else ""
    if found.weights is not None:
        average += r"\sum_k w_k"
    return rf"\textstyle{average}\," if average else ""


def heads_forward(found: Pass, column: Column, unit: int) -> tuple[str, str]:
    """What the heads of a flow or a mixture are, and one of them in numbers."""
    u = number(float(column.u[unit]))
    values = len(found.mean)
    if unit < 2 * values:
        k, j = divmod(unit % values, found.config.latent_dim)
        of = rf"^{{{k + 1}}}" if found.weights is not None else ""
        line = rf"\mu{of}_{{{j + 1}}} = u_{{{unit + 1}}} = {u}"
        if unit >= values:
            std = number(float(found.std[unit - values]))
            line = rf"\varphi{of}_{{{j + 1}}} = u_{{{unit + 1}}} = {u},\quad "
            line += rf"\sigma{of}_{{{j + 1}}} = e^{{\varphi/2}} = {std}"
    elif found.weights is not None:
        k = unit - 2 * values
        others = " + ".join(rf"e^{{{number(float(value))}}}" for value in column.u[2 * values :])
        value = number(float(found.weights[k]))
        line = rf"w_{{{k + 1}}} = e^{{{u}}}/({others}) = {value}"
    else:
        line = _of_flow(found, unit, u)
    if found.weights is not None:
        return r" = (\mu^1, \mu^2, \varphi^1, \varphi^2, u_w),\quad w = \mathrm{softmax}(u_w)", line
    return r" = (\mu, \varphi, (a_0, v_0, b)^{(1)}, (a_0, v_0, b)^{(2)}, \dots)", line


def _place(found: Pass, unit: int) -> tuple[int, str, int]:
    """Layer of a flow, ``"a"``, ``"v"`` or ``"b"``, and dimension that a unit of the heads gives, from 0."""
    dims = found.config.latent_dim
    layer, place = divmod(unit - 2 * dims, 2 * dims + 1)
    return layer, "b" if place == 2 * dims else "av"[place // dims], place % dims


def _of_flow(found: Pass, unit: int, u: str) -> str:
    from vae_core.planar import frame_of

    layer, name, j = _place(found, unit)
    dims = found.config.latent_dim
    frame = float(frame_of(dims, FLOW_LAYERS)[layer, (unit - 2 * dims) % (2 * dims + 1)])
    frame = 0.0 if abs(frame) < 1e-12 else frame  # a cosine of 90 degrees
    of, n = found.flow[layer], layer + 1
    first = rf"u_{{{unit + 1}}} + {factor(frame)} = {u} + {factor(frame)}"
    if name == "b":
        return rf"b^{{({n})}} = {first} = {number(of.b)}"
    if name == "a":
        limit = rf"a = {STEEPEST}\,a_0/\sqrt{{{STEEPEST}^2 + \lVert a_0\rVert^2}}"
        return (
            rf"a^{{({n})}}_{{0,{j + 1}}} = {first},\quad {limit},\ a_{{{j + 1}}} = {number(float(of.a[j]))}"
        )
    limit = r"v = v_0 + c\,a\ \text{so that}\ a^\top v > -0.9"
    return (
        rf"v^{{({n})}}_{{0,{j + 1}}} = u_{{{unit + 1}}} = {u},\quad {limit},"
        rf"\ v_{{{j + 1}}} = {number(float(of.v[j]))}"
    )


def flow_forward(found: Pass, index: int, unit: int) -> list[str]:
    """One layer of a flow: what is bent along a, and moved along v."""
    n, of = found.columns[index].number, found.flow[found.columns[index].number - 1]
    noise = r",\qquad t^{(0)} = \varepsilon" if n == 1 else ""
    j, bent = unit + 1, number(of.bent)
    return [
        rf"t^{{({n})}} = t^{{({n - 1})}} + v\,h,\quad h = \tanh(a^\top t^{{({n - 1})}} + b){noise}",
        rf"h = \tanh({products(of.a, of.before)} + {factor(of.b)}) = {bent}",
        rf"t_{{{j}}} = {number(float(of.before[unit]))} + {factor(float(of.v[unit]))}{{\cdot}}"
        rf"{factor(of.bent)} = {number(float(of.after[unit]))}",
        rf"\log|\det| = \log(1 + a^\top v\,(1 - h^2)) = {number(of.log_det)}",
    ]


def latent_forward(found: Pass, unit: int) -> list[str]:
    """z of what a flow gives, or of one component."""
    j, z = unit + 1, number(float(found.z[unit]))
    if found.weights is None:
        mean, std = number(float(found.mean[unit])), number(float(found.std[unit]))
        t = factor(float(found.flow[-1].after[unit]))
        last = len(found.flow)
        return [
            rf"z = \mu + \sigma\odot t^{{({last})}}",
            rf"z_{{{j}}} = {mean} + {std}{{\cdot}}{t} = {z}",
        ]
    k = found.samples.component
    at = k * found.config.latent_dim + unit
    mean, std = number(float(found.mean[at])), number(float(found.std[at]))
    return [
        r"z^k = \mu^k + \sigma^k\odot\varepsilon^k,\quad \varepsilon^2 = -\varepsilon^1\sim\mathcal{N}(0, I)",
        rf"z^{{{k + 1}}}_{{{j}}} = {mean} + {std}{{\cdot}}{factor(float(found.eps[unit]))} = {z}",
    ]


def log_q_line(found: Pass) -> str:
    """log q(z|x) of the point in view."""
    assert found.log_q is not None
    value = number(found.log_q)
    if found.weights is not None:
        density = r"\textstyle\sum_k w_k\,\mathcal{N}(z;\mu^k,\mathrm{diag}\,(\sigma^k)^2)"
        return rf"\log q(z|x) = \log {density} = {value}"
    noise = float(-0.5 * (found.eps**2 + np.log(2 * np.pi)).sum())
    spread, bent = float(np.log(found.std).sum()), sum(layer.log_det for layer in found.flow)
    return (
        r"\log q(z|x) = \log\mathcal{N}(\varepsilon;0,I) - \textstyle\sum_j\log\sigma_j - \sum_l\log|\det| = "
        rf"{number(noise)} - {factor(spread)} - {factor(bent)} = {value}"
    )


def _signed(found: Pass) -> tuple[float, str, str]:
    """beta as the backward pass takes it, and its sign as it stands and as its opposite stands."""
    if found.slip == "kl_sign":
        return -found.beta, red("-"), red("+")
    return found.beta, "+", "-"


def _on_the_way(found: Pass, layer: FlowLayer) -> tuple[float, float]:
    """k = dL/d log|det| / (1 + a^T v h'), and s = dL/d(a^T t + b), of a layer."""
    slope, along = 1 - layer.bent**2, float(layer.a @ layer.v)
    k = -_signed(found)[0] / (1 + along * slope)
    return k, slope * (float(layer.delta @ layer.v) - 2 * layer.bent * k * along)


def flow_back(found: Pass, index: int, unit: int) -> list[str]:
    """dL/dt behind a layer, from dL/dz, or from that behind the layer after it."""
    column, after = found.columns[index], found.columns[index + 1]
    assert column.delta is not None
    assert after.delta is not None
    n, j, value = column.number, unit + 1, number(float(column.delta[unit]))
    delta = float(after.delta[unit])
    if n == len(found.flow):
        std = number(float(found.std[unit]))
        return [
            rf"\partial L/\partial t^{{({n})}} = \sigma\odot\delta^{{({after.number})}}",
            rf"\delta_{{{j}}} = {std}{{\cdot}}{factor(delta)} = {value}",
        ]
    layer = found.flow[n]
    k, s = _on_the_way(found, layer)
    minus = _signed(found)[2]
    beta = "1" if found.beta == 1 else number(found.beta)
    return [
        rf"\partial L/\partial t^{{({n})}} = G + a\,s,\quad G = \partial L/\partial t^{{({n + 1})}},\quad "
        r"s = (1 - h^2)\,(v^\top G - 2\,h\,k\,a^\top v)",
        rf"k = {minus}{beta}/(1 + a^\top v(1 - h^2)) = {number(k)},\quad s = {number(s)}",
        rf"\delta_{{{j}}} = {number(delta)} + {factor(float(layer.a[unit]))}{{\cdot}}{factor(s)} = {value}",
    ]


def heads_back(found: Pass, index: int, unit: int) -> list[str]:
    """delta of the heads of a flow or a mixture."""
    column = found.columns[index]
    assert column.delta is not None
    rows = _mixture_back if found.weights is not None else _flow_heads_back
    symbol, formula, numbers = rows(found, unit)
    value = number(float(column.delta[unit]))
    middle = f"{numbers} = " if numbers else ""
    return [
        rf"\delta^{{({column.number})}}_{{{symbol}}} = {formula}",
        rf"\delta_{{{unit + 1}}} = {middle}{value}",
    ]


def _flow_heads_back(found: Pass, unit: int) -> tuple[str, str, str]:
    dims, average, samples = found.config.latent_dim, mean_over(found), found.samples
    n = next(one.number for one in found.columns if one.kind == "latent")
    if unit < dims:
        numbers = number(float(samples.mean_delta[unit])) if average else ""
        return r"\mu", rf"{average}\delta^{{({n})}}", numbers
    if unit < 2 * dims:
        minus, j = _signed(found)[2], unit - dims
        first = 0.5 * float(samples.mean((samples.z[:, j] - found.mean[j]) * samples.delta_z[:, j]))
        formula = rf"{average}\tfrac12\,\sigma\,t^{{({len(found.flow)})}}\,\delta^{{({n})}} {minus} "
        return (
            r"\varphi",
            rf"{formula}\tfrac12{_beta(found)}",
            rf"{number(first)} {minus} {number(0.5 * found.beta)}",
        )
    layer, name, _ = _place(found, unit)
    behind = rf"G = \partial L/\partial t^{{({layer + 1})}}"
    if name == "b":
        numbers = "" if average else number(_on_the_way(found, found.flow[layer])[1])
        return "b", rf"{average}s,\quad s = (1 - h^2)(v^\top G - 2\,h\,k\,a^\top v),\quad {behind}", numbers
    if name == "v":
        of_v = rf"\partial L/\partial v = {average}(h\,G + k\,(1 - h^2)\,a)"
        return "v_0", rf"\partial L/\partial v_0\ \text{{through}}\ v = v_0 + c\,a,\quad {of_v}", ""
    of_a = rf"\partial L/\partial a = {average}(s\,t + k\,(1 - h^2)\,v)"
    through = r"a = 1.5\,a_0/\sqrt{1.5^2 + \lVert a_0\rVert^2},\ v = v_0 + c\,a"
    return "a_0", rf"\partial L/\partial a_0\ \text{{through}}\ {through},\quad {of_a}", ""


def _beta(found: Pass) -> str:
    return r"\,\beta" if found.beta != 1 else ""


def _mixture_back(found: Pass, unit: int) -> tuple[str, str, str]:
    """What comes through the z of the component, and what through log q(z|x) at all z."""
    assert found.weights is not None
    samples, values, dims = found.samples, len(found.mean), found.config.latent_dim
    of_each = samples.number // samples.num_components
    mean = r"\tfrac1C\sum_c " if of_each > 1 else ""
    (signed, plus, _), beta = _signed(found), _beta(found)
    shares = _responsibilities(found) * samples.shares[:, None]
    every = rf"{mean}\textstyle\sum_l w_l\,r_k(z^l)"
    if unit >= 2 * values:
        k = unit - 2 * values
        # The loss of a point as the backward pass takes it: a deliberate error turns the sign of its KL.
        kl = samples.losses + samples.reconstructions
        losses = (-kl if found.slip == "kl_sign" else kl) - samples.reconstructions
        g = (samples.shares * losses).reshape(len(found.weights), -1).sum(1) + signed * shares.sum(0)
        formula = rf"g_k - w_k\textstyle\sum_l g_l,\quad g_k = w_k\,{mean}L^k {plus} {beta}{every}"
        numbers = (
            rf"{number(float(g[k]))} - {number(float(found.weights[k]))}{{\cdot}}{factor(float(g.sum()))}"
        )
        return "w", formula, numbers
    k, j = divmod(unit % values, dims)
    own, std = slice(k * of_each, (k + 1) * of_each), float(found.std[k * dims + j])
    away = (samples.z[:, j] - found.mean[k * dims + j]) / std
    through = samples.delta_z[own, j]
    if unit < values:
        symbol, at_all = rf"\mu^{{{k + 1}}}", away / std
        formula = rf"w_k\,{mean}\delta^k {plus} {beta}{every}\,\frac{{z^l - \mu^k}}{{(\sigma^k)^2}}"
    else:
        symbol, at_all = rf"\varphi^{{{k + 1}}}", 0.5 * (away**2 - 1)
        through = 0.5 * std * samples.eps[own, j] * through
        formula = rf"\tfrac12 w_k\,{mean}\sigma^k\varepsilon^k\delta^k {plus} \tfrac12{beta}{every}"
        formula += r"\Big(\frac{(z^l - \mu^k)^2}{(\sigma^k)^2} - 1\Big)"
    first, rest = float(samples.shares[own] @ through), float(signed * shares[:, k] @ at_all)
    return symbol, formula, rf"{number(first)} + {factor(rest)}"


def _responsibilities(found: Pass) -> Array:
    """r_k(z) = w_k N(z; mean_k, sigma_k^2) / q(z|x) at all points, shape (points, components)."""
    assert found.weights is not None
    mean, std = (part.reshape(len(found.weights), -1) for part in (found.mean, found.std))
    squares = ((found.samples.z[:, None] - mean) / std) ** 2
    joint = np.log(found.weights) - np.log(std).sum(1) - 0.5 * squares.sum(2)
    joint = np.exp(joint - joint.max(1, keepdims=True))
    return joint / joint.sum(1, keepdims=True)
