"""The steps of a forward and backward pass as LaTeX: the formula of the layer, and the numbers of one unit.

What a deliberate error changes is red.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.figures.network.layers import Column
from dashboard.gradients import rich_formulas
from dashboard.gradients.latex import TERMS, factor, matrix, number, products, red, weight
from dashboard.gradients.network_pass import TOLERANCE, Pass, Step

Array = NDArray[np.float64]
ACTIVATIONS: Final = {
    "tanh": (r"\tanh", r"1-h^2"),
    "relu": (r"\mathrm{ReLU}", r"[u>0]"),
    "silu": (r"\mathrm{SiLU}", r"s(u)\,(1+u\,(1-s(u)))"),
    "softplus": (r"\mathrm{softplus}", r"s(u)"),
}
"""LaTeX of f and of f'; s is the sigmoid."""


def formula_lines(found: Pass, step: Step, unit: int) -> list[str]:
    """LaTeX of a step: its formula, and the numbers of one unit."""
    if step.column is None:
        return loss_lines(found)
    return (backward_lines if step.goes_back else forward_lines)(found, step.column, unit)


def forward_lines(found: Pass, index: int, unit: int) -> list[str]:
    """LaTeX of a forward step: the formula of the layer, then one unit's numbers."""
    column = found.columns[index]
    if column.kind == "input":
        return [rf"x = h^{{(1)}} \in \mathbb{{R}}^{{{len(column.h)}}}"]
    if column.kind == "flow":
        return rich_formulas.flow_forward(found, index, unit)
    if column.kind == "latent":
        return _latent(found, unit)
    previous, n = found.columns[index - 1], column.number
    product = rf"{_map(column)} h^{{({n - 1})}}"
    lines = [rf"u^{{({n})}} = {product} + b^{{({n})}}{_then(found, column, unit)[0]}"]
    j, value = unit + 1, float(column.u[unit])
    weights, places = column.into(unit)
    total = products(weights, previous.h[places])
    lines.append(rf"u_{{{j}}} = {total} + {factor(column.bias_of(unit))} = {number(value)}")
    if then := _then(found, column, unit)[1]:
        lines.append(then)
    return lines


def _map(column: Column, *, adjoint: bool = False) -> str:
    """The linear map into a layer, or its adjoint: a matrix, or a convolution."""
    n = column.number
    if column.kernel is None:
        return rf"W^{{({n})\top}}" if adjoint else rf"W^{{({n})}}"
    return rf"K^{{({n})\top}}\star" if adjoint != column.kernel.is_transposed else rf"K^{{({n})}}\star"


def _then(found: Pass, column: Column, unit: int) -> tuple[str, str]:
    """What follows from u: for the layer, and in numbers for a unit."""
    n, j, u, h = column.number, unit + 1, float(column.u[unit]), float(column.h[unit])
    if column.kind == "hidden":
        f = ACTIVATIONS[found.config.activation][0]
        return (
            rf",\quad h^{{({n})}} = {f}(u^{{({n})}})",
            rf"h_{{{j}}} = {f}({number(u)}) = {number(h)}",
        )
    if column.kind == "heads":
        return _heads(found, column, unit)
    if found.config.likelihood == "gaussian_diagonal":
        dims = found.config.data_dim
        heads = r" = (y, u_\sigma),\quad \sigma^2 = 0.01^2 + e^{u_\sigma}"
        if unit < dims:
            return heads, rf"y_{{{j}}} = u_{{{j}}} = {number(u)}"
        variance = 1e-4 + float(np.exp(min(u, 20.0)))
        return heads, rf"\sigma^2_{{{unit - dims + 1}}} = 0.01^2 + e^{{{number(u)}}} = {number(variance)}"
    if found.config.likelihood != "bernoulli":
        return rf",\quad y = {found.mean_latex}", rf"y_{{{j}}} = {number(h)}"
    f = r"\mathrm{sigmoid}"
    return rf",\quad y = {f}(u^{{({n})}})", rf"y_{{{j}}} = {f}({number(u)}) = {number(h)}"


def _heads(found: Pass, column: Column, unit: int) -> tuple[str, str]:
    dims = found.config.latent_dim
    if found.config.not_gaussian:
        return rich_formulas.heads_forward(found, column, unit)
    if len(column.h) == dims:
        return rf" = \mu{_fixed(found)}", rf"\mu_{{{unit + 1}}} = {number(float(column.u[unit]))}"
    if found.factor is not None:
        return _full_heads(found, column, unit)
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


def _full_heads(found: Pass, column: Column, unit: int) -> tuple[str, str]:
    """The heads of a full covariance matrix: means, 2 log L_jj, and L below the diagonal."""
    assert found.factor is not None
    dims, u = found.config.latent_dim, number(float(column.u[unit]))
    if unit < dims:
        line = rf"\mu_{{{unit + 1}}} = u_{{{unit + 1}}} = {u}"
    elif unit < 2 * dims:
        j = unit - dims
        line = rf"\varphi_{{{j + 1}}} = u_{{{unit + 1}}} = {u},\quad "
        line += rf"L_{{{j + 1}{j + 1}}} = e^{{\varphi/2}} = {number(float(found.factor[j, j]))}"
    else:
        j, k = below_diagonal(dims, unit)
        line = rf"L_{{{j + 1}{k + 1}}} = u_{{{unit + 1}}} = {u}"
    return r" = (\mu, \varphi, \ell),\quad \varphi_j = \log L_{jj}^2,\ \ell = L_{j>k}", line


def below_diagonal(dims: int, unit: int) -> tuple[int, int]:
    """Row and column of the entry of L that a unit of the heads gives, from 0."""
    rows, columns = np.tril_indices(dims, -1)
    return int(rows[unit - 2 * dims]), int(columns[unit - 2 * dims])


def _fixed(found: Pass) -> str:
    return r",\quad \sigma = 1" if found.log_var is not None else r",\quad z = \mu"


def _latent(found: Pass, unit: int) -> list[str]:
    if found.config.not_gaussian:
        return rich_formulas.latent_forward(found, unit)
    j, z, mean = unit + 1, float(found.z[unit]), float(found.mean[unit])
    if found.log_var is None:
        return [r"z = \mu \quad\text{(no noise: a plain autoencoder)}", rf"z_{{{j}}} = {number(z)}"]
    if found.factor is not None:
        noise = products(found.factor[unit, :j], found.eps[:j])
        return [
            r"z = \mu + L\varepsilon,\qquad \varepsilon\sim\mathcal{N}(0, I)",
            rf"z_{{{j}}} = {number(mean)} + {noise} = {number(z)}",
        ]
    product = rf"{number(float(found.std[unit]))}{{\cdot}}{factor(float(found.eps[unit]))}"
    return [
        r"z = \mu + \sigma\odot\varepsilon,\qquad \varepsilon\sim\mathcal{N}(0, I)",
        rf"z_{{{j}}} = {number(mean)} + {product} = {number(z)}",
    ]


def loss_lines(found: Pass) -> list[str]:
    """LaTeX of the loss and its two terms."""
    total = number(found.loss)
    first = rf"\log p(x|z) = {found.log_prob_latex} = {number(found.reconstruction)}"
    if found.weights is not None:
        values, shares = found.samples.reconstructions[:TERMS], found.samples.shares
        terms = " + ".join(
            rf"{number(float(share))}{{\cdot}}{factor(float(value))}"
            for share, value in zip(shares, values, strict=False)
        )
        dots = r" + \dots" if found.samples.number > TERMS else ""
        first = rf"{rich_formulas.mean_over(found)}\log p(x|z^k) = {terms}{dots} = "
        first += number(found.reconstruction)
    elif found.samples.number > 1:
        terms = " + ".join(factor(float(value)) for value in found.samples.reconstructions[:TERMS])
        dots = r" + \dots" if found.samples.number > TERMS else ""
        first = (
            rf"\tfrac1C\textstyle\sum_c\log p(x|z_c) = \tfrac1{{{found.samples.number}}}({terms}{dots}) = "
        )
        first += number(found.reconstruction)
    if found.log_var is None:
        return [first, rf"L = -\log p(x|z) = {total}"]
    bound = rf"-\log p(x|z) + \mathrm{{KL}} = -\mathrm{{ELBO}} = {total}"
    if found.beta != 1:
        bound = rf"-(\log p(x|z) - \beta\,\mathrm{{KL}}) = {number(-found.reconstruction)} + "
        bound += rf"{weight(found.beta)}{factor(found.kl)} = {total}"
    if found.is_sampled:
        average = rich_formulas.mean_over(found)
        numbers = ""
        if not average and found.log_q is not None and found.log_p is not None:
            numbers = rf"{number(found.log_q)} - {factor(found.log_p)} = "
        pair = r"\log q(z|x) - \log p(z)"
        pair = rf"{average}({pair})" if average else pair
        kl = rf"\mathrm{{KL}} \approx {pair} = {numbers}{number(found.kl)}"
        density = [rich_formulas.log_q_line(found)] if found.config.not_gaussian else []
        return [first, *density, kl, rf"L = {bound}"]
    kl = r"\sigma_j^2 - 1 - \log\sigma_j^2"
    if found.factor is not None:
        kl = r"\textstyle\sum_k L_{jk}^2 - 1 - \log L_{jj}^2"
    return [
        first,
        rf"\mathrm{{KL}} = \tfrac12\sum_j\,(\mu_j^2 + {kl}) = " + number(found.kl),
        rf"L = {bound}",
    ]


def backward_lines(found: Pass, index: int, unit: int) -> list[str]:
    """LaTeX of a backward step: delta of the layer, one unit's numbers, and the gradient of its weights."""
    column = found.columns[index]
    rules = {
        "output": _output_back,
        "latent": _latent_back,
        "flow": rich_formulas.flow_back,
        "heads": _heads_back,
        "hidden": _hidden_back,
    }
    lines = rules[column.kind](found, index, unit)
    if column.has_weights:
        lines.append(_weight(found, index, unit))
    return lines


def gradient_lines(found: Pass, step: Step) -> list[str]:
    """The gradient of a small layer's weights, by hand and automatic; none during the forward pass."""
    if step.column is None or not step.goes_back:
        return []
    if found.columns[step.column].weights is None:
        return []
    n = found.columns[step.column].number
    for parameter in found.parameters:
        if parameter.number == n and parameter.symbol == "W" and parameter.entries is not None:
            by_hand, automatic = (matrix(part) for part in parameter.entries)
            by_hand = by_hand if parameter.difference < TOLERANCE else red(by_hand)
            average = _average(found, step.column)
            return [
                rf"\partial L/\partial W^{{({n})}} = {average}\delta^{{({n})}}\,h^{{({n - 1})\top}}",
                rf"\underbrace{{{by_hand}}}_{{\text{{by hand}}}}",
                rf"\underbrace{{{automatic}}}_{{\text{{automatic differentiation}}}}",
            ]
    return []


def _average(found: Pass, index: int) -> str:
    """The mean over samples as a factor: of the decoder's layers, where each sample has its own numbers."""
    latent = next(at for at, column in enumerate(found.columns) if column.kind == "latent")
    return rich_formulas.mean_over(found) if index > latent else ""


def _delta(column: Column, unit: int) -> str:
    assert column.delta is not None
    return number(float(column.delta[unit]))


def _weight(found: Pass, index: int, unit: int) -> str:
    """The gradient of one weight of a unit: the first, or of many that with the largest input."""
    column, before = found.columns[index], found.columns[index - 1]
    assert column.delta is not None
    if column.kernel is not None:
        return _kernel_weight(found, index, unit)
    n, j, i = column.number, unit + 1, 0 if before.is_small else int(abs(before.h).argmax())
    delta, h = float(column.delta[unit]), float(before.h[i])
    loss = _loss_of(found, index)
    return (
        rf"\partial {loss}/\partial w^{{({n})}}_{{{j},{i + 1}}} = "
        rf"\delta_{{{j}}}\,h^{{({n - 1})}}_{{{i + 1}}} = "
        rf"{number(delta)}{{\cdot}}{factor(h)} = {number(delta * h)}"
    )


def _kernel_weight(found: Pass, index: int, unit: int) -> str:
    """The gradient of one entry of a kernel: a sum over all places of its map."""
    column, before = found.columns[index], found.columns[index - 1]
    assert column.kernel is not None
    assert column.delta is not None
    (coarse, fine, a, b), deltas, h = column.kernel.slope(unit, before.h, column.delta)
    loss = _loss_of(found, index)
    return (
        rf"\partial {loss}/\partial k^{{({column.number})}}_{{{coarse + 1},{fine + 1},{a + 1},{b + 1}}} = "
        rf"\textstyle\sum_{{r,s}}\delta\,h = {products(deltas, h)} = {number(float(deltas @ h))}"
    )


def _loss_of(found: Pass, index: int) -> str:
    """Whose loss the numbers of a column are of: that of one point z, or the mean."""
    return "L" if not _average(found, index) else "L_c" if found.weights is None else "L^k"


def _output_back(found: Pass, index: int, unit: int) -> list[str]:
    column, j = found.columns[index], unit + 1
    if found.config.likelihood == "gaussian_diagonal":
        return _diagonal_back(found, column, unit)
    y, x = number(float(column.h[unit])), factor(float(found.x[unit]))
    two = red("2") if found.slip == "no_half" and found.config.likelihood == "gaussian" else ""
    scale = "/s^2" if found.config.likelihood == "gaussian" and found.scale != 1 else ""
    difference = f"{two}(y - x)" if two or scale else "y - x"
    squared = f"/{number(found.scale**2)}" if scale else ""
    dot = r"{\cdot}" if two else ""
    return [
        rf"\delta^{{({column.number})}} = \partial L/\partial u^{{({column.number})}} = {difference}{scale}",
        rf"\delta_{{{j}}} = {two}{dot}({y} - {x}){squared} = {_delta(column, unit)}",
    ]


def _diagonal_back(found: Pass, column: Column, unit: int) -> list[str]:
    """delta of y, and of the u of a variance, where the decoder gives both."""
    dims, n = found.config.data_dim, column.number
    i = unit % dims
    y, x = number(float(column.h[i])), factor(float(found.x[i]))
    power = float(np.exp(min(float(column.u[dims + i]), 20.0)))
    variance = number(1e-4 + power)
    if unit < dims:
        return [
            rf"\delta^{{({n})}}_y = (y - x)/\sigma^2",
            rf"\delta_{{{unit + 1}}} = ({y} - {x})/{variance} = {_delta(column, unit)}",
        ]
    return [
        rf"\delta^{{({n})}}_u = \tfrac12\,(1 - (x - y)^2/\sigma^2)\,e^u/\sigma^2",
        rf"\delta_{{{unit + 1}}} = \tfrac12\,(1 - ({y} - {x})^2/{variance})\cdot {number(power)}/{variance}"
        rf" = {_delta(column, unit)}",
    ]


def _back_sum(found: Pass, index: int, unit: int) -> tuple[str, float]:
    """(W^T delta) of the layer after, for one unit: its products, and their sum."""
    after = found.columns[index + 1]
    assert after.delta is not None
    weights, places = after.out_of(unit)
    return products(weights, after.delta[places]), float(weights @ after.delta[places])


def _latent_back(found: Pass, index: int, unit: int) -> list[str]:
    column = found.columns[index]
    n = column.number
    if found.is_sampled:
        products_of, value = _back_sum(found, index, unit)
        assert column.delta is not None
        rest = float(column.delta[unit]) - value
        signs = (red("+"), red("-")) if found.slip == "kl_sign" else ("-", "+")
        beta = weight(found.beta)
        density = rf" {signs[1]} {beta}\partial\log q(z|x)/\partial z" if found.weights is not None else ""
        return [
            rf"\delta^{{({n})}} = W^{{({n + 1})\top}}\delta^{{({n + 1})}} {signs[0]} {beta}"
            rf"\partial\log p(z)/\partial z{density}",
            rf"\delta_{{{unit + 1}}} = {products_of} + {factor(rest)} = {_delta(column, unit)}",
        ]
    return [
        rf"\delta^{{({n})}} = \partial(-\log p(x|z))/\partial z = "
        rf"W^{{({n + 1})\top}}\delta^{{({n + 1})}}",
        rf"\delta_{{{unit + 1}}} = {_back_sum(found, index, unit)[0]} = {_delta(column, unit)}",
    ]


def _hidden_back(found: Pass, index: int, unit: int) -> list[str]:
    column, n, j = found.columns[index], found.columns[index].number, unit + 1
    f, slope = ACTIVATIONS[found.config.activation]
    total, value = _back_sum(found, index, unit)
    back = rf"{_map(found.columns[index + 1], adjoint=True)}\delta^{{({n + 1})}}"
    h, u = factor(float(column.h[unit])), number(float(column.u[unit]))
    if found.slip == "f_for_slope":
        formula, numbers = red(rf"f(u^{{({n})}})") + rf",\quad f = {f}", red(h)
    else:
        formula, numbers = rf"f'(u^{{({n})}}),\quad f' = {slope}", rf"f'({u})"
        # Close to 1 three decimals of h would make 1 - h^2 look like 0.
        if found.config.activation == "tanh" and abs(column.h[unit]) < 0.99:
            numbers = rf"(1-{h}^2)"
    return [
        rf"\delta^{{({n})}} = ({back})\odot {formula}",
        rf"({back})_{{{j}}} = {total} = {number(value)}",
        rf"\delta_{{{j}}} = {number(value)}\cdot {numbers} = {_delta(column, unit)}",
    ]


def _heads_back(found: Pass, index: int, unit: int) -> list[str]:
    column, dims = found.columns[index], found.config.latent_dim
    n, j, after = column.number, unit % dims, found.columns[index + 1].delta
    assert after is not None
    if found.config.not_gaussian:
        return rich_formulas.heads_back(found, index, unit)
    if found.log_var is None:
        return [
            rf"\delta^{{({n})}} = \delta^{{({n + 1})}}\quad\text{{(no KL)}}",
            rf"\delta_{{{unit + 1}}} = {_delta(column, unit)}",
        ]
    if _is_learned(found):
        return _learned_heads_back(found, index, unit)
    average = r"\textstyle\tfrac1C\sum_c\," if found.samples.number > 1 else ""
    after = found.samples.mean_delta
    sign = red("-") if found.slip == "kl_sign" else "+"
    beta, number_of_beta = r"\beta\," if found.beta != 1 else "", weight(found.beta)
    if unit < dims:
        mean = factor(float(found.mean[j]))
        return [
            rf"\delta^{{({n})}}_\mu = {average}\delta^{{({n + 1})}} {sign} {beta}\mu",
            rf"\delta_{{{unit + 1}}} = {number(float(after[j]))} {sign} {number_of_beta}{mean} = "
            + _delta(column, unit),
        ]
    return _spread_back(found, index, unit, f"{sign} {beta}", f"{sign} {number_of_beta}")


def _spread_back(found: Pass, index: int, unit: int, kl: str, kl_number: str) -> list[str]:
    """delta of log sigma^2, or of u where sigma^2 = softplus(u).

    ``kl`` and ``kl_number``: sign and weight of the KL's part, in symbols and in numbers.
    """
    column, j = found.columns[index], unit % found.config.latent_dim
    after = found.columns[index + 1].delta
    assert after is not None
    if found.factor is not None:
        return _full_back(found, index, unit, kl, kl_number)
    n, std, variance = column.number, float(found.std[j]), float(found.std[j] ** 2)
    average, noise = _noise(found, j, j, after)
    if found.config.encoder_head == "variance":
        formula = rf"\Big[{average}\frac{{\varepsilon\,\delta^{{({n + 1})}}}}{{2\sqrt{{\sigma^2}}}} {kl} "
        formula += r"\tfrac12\Big(1-\frac1{\sigma^2}\Big)\Big]\,\mathrm{softplus}'(u)"
        numbers = rf"\Big[\frac{{{noise}}}{{2{{\cdot}}{number(std)}}} {kl_number} "
        numbers += rf"\tfrac12\Big(1-\frac1{{{number(variance)}}}\Big)\Big]"
        numbers += rf"{{\cdot}}s({number(float(column.u[unit]))})"
    else:
        formula = rf"{average}\tfrac12\,\varepsilon\,e^{{\varphi/2}}\,\delta^{{({n + 1})}} "
        formula += rf"{kl}\tfrac12(e^\varphi - 1)"
        numbers = rf"\tfrac12{{\cdot}}{noise}{{\cdot}}{number(std)} "
        numbers += rf"{kl_number}\tfrac12({number(variance)} - 1)"
    symbol = r"u_\sigma" if found.config.encoder_head == "variance" else r"\varphi"
    return [
        rf"\delta^{{({n})}}_{{{symbol}}} = {formula}",
        rf"\delta_{{{unit + 1}}} = {numbers} = {_delta(column, unit)}",
    ]


def _noise(found: Pass, j: int, k: int, after: Array) -> tuple[str, str]:
    """The mean over samples as a factor, and delta_j eps_k in numbers: of one sample, or their mean."""
    if found.samples.number > 1:
        return r"\textstyle\tfrac1C\sum_c\,", factor(float(found.samples.mean_noise[j, k]))
    return "", rf"{factor(float(found.eps[k]))}{{\cdot}}{factor(float(after[j]))}"


def _full_back(found: Pass, index: int, unit: int, kl: str, kl_number: str) -> list[str]:
    """delta of 2 log L_jj, and of an entry of L below the diagonal: dz_j/dL_jk = eps_k."""
    column, dims, after = found.columns[index], found.config.latent_dim, found.columns[index + 1].delta
    assert after is not None
    assert found.factor is not None
    n = column.number
    j, k = (unit - dims, unit - dims) if unit < 2 * dims else below_diagonal(dims, unit)
    average, noise = _noise(found, j, k, after)
    entry = float(found.factor[j, k])
    if j == k:
        formula = (
            rf"{average}\tfrac12\,\varepsilon_j L_{{jj}}\,\delta^{{({n + 1})}}_j {kl}\tfrac12(L_{{jj}}^2 - 1)"
        )
        numbers = (
            rf"\tfrac12{{\cdot}}{noise}{{\cdot}}{number(entry)} {kl_number}\tfrac12({number(entry**2)} - 1)"
        )
        symbol = r"\varphi_j"
    else:
        formula = rf"{average}\varepsilon_k\,\delta^{{({n + 1})}}_j {kl}L_{{jk}}"
        numbers, symbol = rf"{noise} {kl_number}{factor(entry)}", r"L_{jk}"
    return [
        rf"\delta^{{({n})}}_{{{symbol}}} = {formula}",
        rf"\delta_{{{unit + 1}}} = {numbers} = {_delta(column, unit)}",
    ]


def _is_learned(found: Pass) -> bool:
    return found.config.prior != "standard_normal"


def _learned_heads_back(found: Pass, index: int, unit: int) -> list[str]:
    """delta of the heads under a learned prior: log p(z) is in delta of z, and log q(z|x) falls with phi."""
    column, dims = found.columns[index], found.config.latent_dim
    n, value = column.number, _delta(column, unit)
    average = r"\textstyle\tfrac1C\sum_c\," if found.samples.number > 1 else ""
    if unit < dims:
        symbol, formula = r"\mu", rf"{average}\delta^{{({n + 1})}}"
    elif found.factor is not None and unit >= 2 * dims:
        symbol, formula = r"L_{jk}", rf"{average}\varepsilon_k\,\delta^{{({n + 1})}}_j"
    else:
        sign = red("+") if found.slip == "kl_sign" else "-"
        spread = "L_{jj}" if found.factor is not None else r"\sigma"
        symbol = r"\varphi"
        formula = (
            rf"{average}\tfrac12\,\varepsilon\,{spread}\,\delta^{{({n + 1})}} {sign} "
            rf"{weight(found.beta)}\tfrac12"
        )
        if found.config.encoder_head == "variance":
            symbol = r"u_\sigma"
            formula = rf"[{formula}]\;\mathrm{{softplus}}'(u)/\sigma^2"
    return [rf"\delta^{{({n})}}_{{{symbol}}} = {formula}", rf"\delta_{{{unit + 1}}} = {value}"]
