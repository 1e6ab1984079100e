"""The steps of the backward pass as formulas with numbers; the documents' errors stand in red."""

from dashboard.figures.network.layers import Column
from dashboard.gradients.back_propagation_pass import TOLERANCE, Pass
from dashboard.gradients.back_propagation_steps import (
    ACTIVATIONS,
    Step,
    factor,
    matrix,
    number,
    products,
    red,
    weight,
)


def backward_lines(found: Pass, place: int, unit: int) -> list[str]:
    """LaTeX of a backward step: delta of the layer, one unit's numbers, and the gradient of its weights."""
    column = found.columns[place]
    rules = {"output": _output, "latent": _latent, "heads": _heads, "hidden": _hidden}
    lines = rules[column.kind](found, place, unit)
    if column.weights is not None:
        lines.append(_weight(found, place, unit))
    return lines


def gradient_lines(found: Pass, step: Step) -> list[str]:
    """The gradient of a small layer's weights, by hand and automatic; none on the way forward."""
    if step.column is None or not step.goes_back:
        return []
    n = found.columns[step.column].number
    for parameter in found.parameters:
        if parameter.number == n and parameter.symbol == "W" and parameter.entries is not None:
            by_hand, automatic = (matrix(part) for part in parameter.entries)
            by_hand = by_hand if parameter.difference < TOLERANCE else red(by_hand)
            return [
                rf"\partial L/\partial W^{{({n})}} = \delta^{{({n})}}\,h^{{({n - 1})\top}}",
                rf"\underbrace{{{by_hand}}}_{{\text{{by hand}}}}",
                rf"\underbrace{{{automatic}}}_{{\text{{automatic differentiation}}}}",
            ]
    return []


def _delta(column: Column, unit: int) -> str:
    assert column.delta is not None
    return number(float(column.delta[unit]))


def _weight(found: Pass, place: int, unit: int) -> str:
    """The gradient of one weight of a unit: the first, or of many that with the largest input."""
    column, before = found.columns[place], found.columns[place - 1]
    assert column.delta is not None
    n, j, i = column.number, unit + 1, 0 if before.is_small else int(abs(before.h).argmax())
    delta, h = float(column.delta[unit]), float(before.h[i])
    return (
        rf"\partial L/\partial w^{{({n})}}_{{{j},{i + 1}}} = \delta_{{{j}}}\,h^{{({n - 1})}}_{{{i + 1}}} = "
        rf"{number(delta)}{{\cdot}}{factor(h)} = {number(delta * h)}"
    )


def _output(found: Pass, place: int, unit: int) -> list[str]:
    column, j = found.columns[place], unit + 1
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


def _back_sum(found: Pass, place: int, unit: int) -> tuple[str, float]:
    """What comes back to a unit: the products, and their sum."""
    after = found.columns[place + 1]
    assert after.weights is not None
    assert after.delta is not None
    return products(after.weights[:, unit], after.delta), float(after.weights[:, unit] @ after.delta)


def _latent(found: Pass, place: int, unit: int) -> list[str]:
    column = found.columns[place]
    n = column.number
    return [
        rf"\delta^{{({n})}} = \partial(-\log p(x|z))/\partial z = "
        rf"W^{{({n + 1})\top}}\delta^{{({n + 1})}}",
        rf"\delta_{{{unit + 1}}} = {_back_sum(found, place, unit)[0]} = {_delta(column, unit)}",
    ]


def _hidden(found: Pass, place: int, unit: int) -> list[str]:
    column, n, j = found.columns[place], found.columns[place].number, unit + 1
    f, slope = ACTIVATIONS[found.config.activation]
    total, value = _back_sum(found, place, unit)
    back = rf"W^{{({n + 1})\top}}\delta^{{({n + 1})}}"
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


def _heads(found: Pass, place: int, unit: int) -> list[str]:
    column, dims = found.columns[place], found.config.latent_dim
    n, j, after = column.number, unit % dims, found.columns[place + 1].delta
    assert after is not None
    if found.log_var is None:
        return [
            rf"\delta^{{({n})}} = \delta^{{({n + 1})}}\quad\text{{(no KL)}}",
            rf"\delta_{{{unit + 1}}} = {_delta(column, unit)}",
        ]
    sign = red("-") if found.slip == "kl_sign" else "+"
    beta, number_of_beta = r"\beta\," if found.beta != 1 else "", weight(found.beta)
    if unit < dims:
        mean = factor(float(found.mean[j]))
        return [
            rf"\delta^{{({n})}}_\mu = \delta^{{({n + 1})}} {sign} {beta}\mu",
            rf"\delta_{{{unit + 1}}} = {number(float(after[j]))} {sign} {number_of_beta}{mean} = "
            + _delta(column, unit),
        ]
    return _spread(found, place, unit, f"{sign} {beta}", f"{sign} {number_of_beta}")


def _spread(found: Pass, place: int, unit: int, kl: str, kl_number: str) -> list[str]:
    """``kl`` and ``kl_number``: sign and weight of the KL's part, in symbols and as numbers."""
    column, j = found.columns[place], unit % found.config.latent_dim
    after = found.columns[place + 1].delta
    assert after is not None
    n, std, variance = column.number, float(found.std[j]), float(found.std[j] ** 2)
    noise = rf"{factor(float(found.eps[j]))}{{\cdot}}{factor(float(after[j]))}"
    if found.config.encoder_head == "variance":
        formula = rf"\Big[\frac{{\varepsilon\,\delta^{{({n + 1})}}}}{{2\sqrt{{\sigma^2}}}} {kl} "
        formula += r"\tfrac12\Big(1-\frac1{\sigma^2}\Big)\Big]\,\mathrm{softplus}'(u)"
        numbers = rf"\Big[\frac{{{noise}}}{{2{{\cdot}}{number(std)}}} {kl_number} "
        numbers += rf"\tfrac12\Big(1-\frac1{{{number(variance)}}}\Big)\Big]"
        numbers += rf"{{\cdot}}s({number(float(column.u[unit]))})"
    else:
        formula = rf"\tfrac12\,\varepsilon\,e^{{\varphi/2}}\,\delta^{{({n + 1})}} {kl}\tfrac12(e^\varphi - 1)"
        numbers = rf"\tfrac12{{\cdot}}{noise}{{\cdot}}{number(std)} "
        numbers += rf"{kl_number}\tfrac12({number(variance)} - 1)"
    symbol = r"u_\sigma" if found.config.encoder_head == "variance" else r"\varphi"
    return [
        rf"\delta^{{({n})}}_{{{symbol}}} = {formula}",
        rf"\delta_{{{unit + 1}}} = {numbers} = {_delta(column, unit)}",
    ]
