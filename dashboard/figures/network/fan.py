"""The points z of a pass fanned out: q(z|x), a card for each point, and their means, as SVG."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.figures.network.svg import number_text, rect, text
from dashboard.formats import subscript
from dashboard.theme import CLASSES, CONCEPTS, ThemeName

Array = NDArray[np.float64]
_LINE: Final = 26
_SHOWN: Final = 2
"""Dimensions of z whose numbers fit into a card."""
_WIDTH: Final = 232.0
_BETWEEN: Final = 16.0
_GAP: Final = 52.0
_SPINE: Final = 26.0
"""Room beside the cards on a narrow screen, where the lines run."""


class Fan(NamedTuple):
    """The points; what is not computed yet is None.

    Arguments:
        q: Rows of the card of q(z|x): a symbol, and its values.
        names: Of the points.
        shares: How much each counts in the means, shape (points,).
        eps, z, delta_z: Shape (points, J).
        reconstructions: log p(x|z_c), shape (points,), nats.
        shown: The point whose numbers the network shows, from 0.
        number: Of points.
    """

    q: Sequence[tuple[str, Array]]
    names: Sequence[str]
    shares: Array
    eps: Array | None
    z: Array | None
    reconstructions: Array | None
    delta_z: Array | None
    shown: int
    number: int


def fan_svg(fan: Fan, *, theme: ThemeName, tall: bool) -> str:
    """The drawing: the samples side by side, or below each other on a narrow screen."""
    back = CLASSES[theme][6]
    head = [(symbol, _vector(values)) for symbol, values in fan.q]
    top = _head_height(fan) + 4
    cards = [_rows(fan, number) for number in range(fan.number)]
    log_p = "·" if fan.reconstructions is None else number_text(-float(fan.shares @ fan.reconstructions))
    mean_delta = None if fan.delta_z is None else fan.shares @ fan.delta_z
    foot = [("mean −log p(x|z)", log_p), ("mean δz", _vector(mean_delta))]
    card_height = _LINE * (len(cards[0]) + 1) + 12
    if tall:
        width = _SPINE + _WIDTH + 60
        places = [(_SPINE, top + _GAP / 2 + k * (card_height + _BETWEEN)) for k in range(fan.number)]
        card_width, middle = _WIDTH + 60, _SPINE / 2
    else:
        width = max(fan.number * (_WIDTH + _BETWEEN) - _BETWEEN, 2 * _WIDTH)
        start = (width - fan.number * (_WIDTH + _BETWEEN) + _BETWEEN) / 2
        places = [(start + k * (_WIDTH + _BETWEEN), top + _GAP) for k in range(fan.number)]
        card_width, middle = _WIDTH, width / 2
    bottom = places[-1][1] + card_height + (_GAP / 2 if tall else _GAP)
    ends = (_SPINE, width - _SPINE) if tall else ((width - 2 * _WIDTH) / 2, 2 * _WIDTH)
    marks = list(_lines(places, card_width, card_height, middle, bottom, tall, back, fan))
    marks += _card(ends[0], 4, ends[1], "q(z|x), one pass of the encoder", head, "currentColor", 1.0)
    for number, ((x, y), rows) in enumerate(zip(places, cards, strict=True)):
        ink, weight = (CONCEPTS[theme]["posterior"], 3.5) if number == fan.shown else ("currentColor", 1.0)
        inner = "".join(_card(x, y, card_width, fan.names[number], rows, ink, weight, back))
        marks.append(
            f'<g class="unit" role="button" tabindex="0" data-place="{number}" data-unit="0">{inner}</g>'
        )
    over = f"means over C = {fan.number}" if np.ptp(fan.shares) == 0 else "means by the weights w"
    marks += _card(ends[0], bottom, ends[1], over, foot, "currentColor", 1.0, back)
    height = bottom + _LINE * 3 + 16
    box = f'viewBox="-4 0 {width + 8:.0f} {height:.0f}" style="max-width:{width:.0f}px"'
    return f"<svg {box}>{''.join(marks)}</svg>"


def _rows(fan: Fan, number: int) -> list[tuple[str, str]]:
    index = subscript(number + 1)
    log_p = "·" if fan.reconstructions is None else number_text(-float(fan.reconstructions[number]))
    return [
        ("ε" + index, _vector(None if fan.eps is None else fan.eps[number])),
        ("z" + index, _vector(None if fan.z is None else fan.z[number])),
        (f"−log p(x|z{index})", log_p),
        ("δz" + index, _vector(None if fan.delta_z is None else fan.delta_z[number])),
    ]


def _vector(values: Array | None) -> str:
    if values is None:
        return "·"
    more = ", …" if len(values) > _SHOWN else ""
    return ", ".join(number_text(float(value)) for value in values[:_SHOWN]) + more


def _head_height(fan: Fan) -> float:
    """Of the card of q(z|x)."""
    return _LINE * (len(fan.q) + 1) + 12


def _card(
    x: float,
    y: float,
    width: float,
    name: str,
    rows: list[tuple[str, str]],
    ink: str,
    weight: float,
    back: str = "currentColor",
) -> Iterator[str]:
    height = _LINE * (len(rows) + 1) + 12
    yield rect(x, y, width, height, f'class="ground" stroke="{ink}" stroke-width="{weight:g}"')
    yield text(x + 10, y + _LINE - 4, name, size=16, extra='font-weight="700"')
    for number, (symbol, value) in enumerate(rows, 2):
        colour = back if "δ" in symbol else "currentColor"
        yield text(x + 10, y + _LINE * number - 4, symbol, size=15, colour=colour)
        yield text(
            x + width - 10,
            y + _LINE * number - 4,
            value,
            size=16,
            anchor="end",
            colour=colour,
            extra='font-weight="600"',
        )


def _lines(
    places: list[tuple[float, float]],
    width: float,
    height: float,
    middle: float,
    bottom: float,
    tall: bool,
    back: str,
    fan: Fan,
) -> Iterator[str]:
    """From q(z|x) to each sample, and from each to the means; coloured where the backward pass has come."""
    head = 4 + _head_height(fan)
    ink = back if fan.delta_z is not None else "currentColor"
    for number, (x, y) in enumerate(places):
        thick = 3 if number == fan.shown else 1.5
        stroke = f'stroke="{ink}" stroke-width="{thick}" fill="none"'
        if tall:
            centre, aside = y + height / 2, _SPINE + 20
            down = f"M{aside:.0f} {head:.0f}L{middle:.0f} {head + 14:.0f}V{centre:.0f}H{x:.0f}"
            up = f"M{middle:.0f} {centre:.0f}V{bottom - 12:.0f}L{aside:.0f} {bottom:.0f}"
        else:
            at = x + width / 2
            down = f"M{middle:.0f} {head:.0f}L{at:.0f} {y:.0f}"
            up = f"M{at:.0f} {y + height:.0f}L{middle:.0f} {bottom:.0f}"
        yield f'<path d="{down}{up}" {stroke}/>'
