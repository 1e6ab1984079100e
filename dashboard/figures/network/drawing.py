"""A network drawn as SVG with the numbers of one example.

Plotly has no cards with several numbers and remounts with each change; this is text that the browser replaces
in place.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.figures.network.kernels import Maps
from dashboard.figures.network.layers import Column, Moment
from dashboard.figures.network.places import BLOCK, LINE, Box, Places
from dashboard.figures.network.svg import WRONG, cells, number_text, rect, text
from dashboard.formats import subscript
from dashboard.theme import CLASSES, CONCEPTS, ThemeName

_NAMES: Final = {
    "input": "x",
    "hidden": "hidden",
    "heads": "heads",
    "flow": "flow",
    "latent": "z",
    "output": "output",
}
_BELOW: Final = 40


class Ink(NamedTuple):
    """Colours: of numbers above and below 0, and of the backward pass."""

    positive: str
    negative: str
    back: str


def network_svg(
    columns: Sequence[Column],
    moment: Moment,
    terms: Mapping[int, str],
    *,
    theme: ThemeName,
    tall: bool = False,
) -> str:
    """The network at one step of the pass; numbers that are not computed yet are left out.

    Arguments:
        columns: The layers.
        moment: The step.
        terms: Terms of the loss by the column below which they are written, once the loss is computed.
        theme: Light or dark.
        tall: Layers below each other, for narrow screens; else side by side.
    """
    places = Places(columns, tall=tall)
    ink = Ink(CONCEPTS[theme]["posterior"], CONCEPTS[theme]["kl"], CLASSES[theme][6])
    width, height = places.size
    marks = [*_edges(places, moment, ink), *_layers(places, moment, ink)]
    if moment.has_loss:
        marks += _terms(places, terms, moment)
    below = _BELOW + (26 * (len(terms) - 1) if tall else 0)
    box = f"-4 0 {width + 8:.0f} {height + below:.0f}"
    return f'<svg viewBox="{box}" style="max-width:{1.15 * width:.0f}px">{"".join(marks)}</svg>'


def title(column: Column) -> str:
    """What stands over a layer: ``2 · hidden``."""
    name = "maps" if column.kind == "hidden" and column.maps is not None else _NAMES[column.kind]
    return f"{name} {column.number}" if column.kind == "flow" else f"{column.number} · {name}"


def said_of_cuts(columns: Sequence[Column]) -> str:
    """One sentence on layers of which not all units are drawn; empty where all are."""
    cuts: dict[tuple[int, int, str], list[str]] = {}
    for column in columns:
        count, drawn = len(column.h), int((column.picture[0] >= 0).sum())
        if not column.is_small and drawn < count:
            each = 1 if column.maps is None else count // column.maps[0]
            of = "units" if column.maps is None else "maps"
            cuts.setdefault((drawn // each, count // each, of), []).append(str(column.number))
    parts = [
        f"the first {drawn:,} of {count:,} {of} of layer{'s' * (len(which) > 1)} {' and '.join(which)}"
        for (drawn, count, of), which in cuts.items()
    ]
    return f"Drawn are {', '.join(parts)}; the numbers are of all units." if parts else ""


def _terms(places: Places, terms: Mapping[int, str], moment: Moment) -> Iterator[str]:
    width, height = places.size
    weight = 'font-weight="700"' if moment.active is None else 'font-weight="600"'
    for row, (place, words) in enumerate(terms.items()):
        if places.tall:
            yield text(width / 2, height + 28 + 26 * row, words, size=17, anchor="middle", extra=weight)
        else:
            box = places.box(place)
            last = place == len(places.columns) - 1
            x, anchor = (box.x + box.width, "end") if last else (box.centre[0], "middle")
            yield text(x, height + 28, words, size=19, anchor=anchor, extra=weight)


def _layers(places: Places, moment: Moment, ink: Ink) -> Iterator[str]:
    for place, column in enumerate(places.columns):
        box = places.box(place)
        bold = f'font-weight="{700 if place == moment.active else 500}"'
        if places.tall:
            yield text(0, box.y - 10, title(column), size=16, extra=f'class="halo" {bold}')
        else:
            yield text(box.centre[0], box.y - 12, title(column), size=18, anchor="middle", extra=bold)
        if column.is_small:
            for unit in range(len(column.h)):
                card = "".join(_card(places, place, unit, moment, ink))
                # A button whose name is what stands in it: the symbols and the numbers of the unit.
                unit_of = f'data-place="{place}" data-unit="{unit}"'
                yield f'<g class="unit" role="button" tabindex="0" {unit_of}>{card}</g>'
        else:
            yield from _pictures(places, place, moment, ink)


def _arrived(places: Places, place: int, moment: Moment) -> tuple[bool, bool]:
    """Whether the numbers of a column are computed, and whether its delta is."""
    return place < moment.forward, place >= len(places.columns) - moment.backward


def _card(places: Places, place: int, unit: int, moment: Moment, ink: Ink) -> Iterator[str]:
    column, box = places.columns[place], places.box(place, unit)
    has_numbers, has_delta = _arrived(places, place, moment)
    tint = min(1.0, abs(float(column.h[unit]))) * 0.3 if has_numbers else 0.0
    now = place == moment.active
    line = ink.back if now and moment.backward else "currentColor"
    width = (4.5 if unit == moment.unit else 2.5) if now else 1
    yield rect(*box, f'class="ground" stroke="{line}" stroke-width="{width}"')
    colour = ink.positive if column.h[unit] >= 0 else ink.negative
    yield rect(*box, f'fill="{colour}" fill-opacity="{tint:.2f}"')
    rows = [(symbol, value, has_numbers, "currentColor") for symbol, value in column.card(unit)]
    if column.delta is not None:
        delta_colour = WRONG if column.is_wrong and has_delta else ink.back
        rows.append(("δ", float(column.delta[unit]), has_delta, delta_colour))
    y = box.y + (box.height - LINE * len(rows)) / 2 + LINE - 6
    for symbol, value, shown, colour in rows:
        # u and delta are numbered through the layer; mu_j, phi_j, z_j by their latent dimension.
        index = unit + 1 if symbol in ("u", "δ") else column.unit_index(unit)
        yield from _row(box, y, symbol + subscript(index), value if shown else None, colour)
        y += LINE


def _row(box: Box, y: float, symbol: str, value: float | None, colour: str) -> Iterator[str]:
    size = 20 if box.width > 100 else 17
    yield text(box.x + 7, y, symbol, size=size - 2, colour=colour)
    number = "·" if value is None else number_text(value)
    right = box.x + box.width - 7
    yield text(right, y, number, size=size, anchor="end", colour=colour, extra='font-weight="600"')


def _pictures(places: Places, place: int, moment: Moment, ink: Ink) -> Iterator[str]:
    column, box = places.columns[place], places.box(place)
    has_numbers, has_delta = _arrived(places, place, moment)
    symbol = {"input": "x", "output": "y", "latent": "z", "flow": "t"}.get(column.kind, "h")
    blocks = [(symbol, column.h, has_numbers, (ink.positive, ink.negative))]
    if column.delta is not None:
        blocks.append(("δ", column.delta, has_delta, (ink.positive, ink.negative)))
    units, shape = column.picture
    for number, (name, values, shown, colours) in enumerate(blocks):
        x = box.x + (number * (BLOCK + 10) if places.tall else 0)
        y = box.y + (0 if places.tall else number * (BLOCK + 30))
        is_picture = column.image_shape is not None and name != "δ"
        now = place == moment.active and (name == "δ") == bool(moment.backward)
        width, height = (BLOCK * side / max(shape) for side in (shape[1], shape[0]))
        ground = 'fill="#000"' if is_picture and shown else 'class="ground"'
        yield rect(x, y, width, height, f'stroke="currentColor" stroke-width="{3 if now else 1}" {ground}')
        if shown:
            inside = np.where(units >= 0, values[units], 0.0)
            if column.maps is not None:
                yield from _map_frames(column.maps, units, shape, x, y)
            yield cells(inside, shape, x, y, BLOCK, colours=("#fff", "#000") if is_picture else colours)
        if shown and now and (cell := np.flatnonzero(units == moment.unit)).size:
            yield _unit_mark(x, y, shape, int(cell[0]))
        ends = f"{number_text(float(values.min()))} … {number_text(float(values.max()))}" if shown else "·"
        colour = "currentColor" if name != "δ" else WRONG if column.is_wrong and shown else ink.back
        yield text(x, y + height + 17, f"{name} {ends}", size=14, colour=colour)


def _map_frames(
    maps: Maps, units: NDArray[np.int64], shape: tuple[int, int], x: float, y: float
) -> Iterator[str]:
    """A thin frame round each map of a layer's picture, one cell from the next."""
    _, height, width = maps
    cell, inside = BLOCK / max(shape), (units >= 0).reshape(shape)
    for row, side in product(range(0, shape[0], height + 1), range(0, shape[1], width + 1)):
        if inside[row, side]:
            place = (x + side * cell, y + row * cell, width * cell, height * cell)
            yield f'<rect {_at(*place)} fill="none" stroke="currentColor" stroke-opacity="0.4"/>'


def _at(x: float, y: float, width: float, height: float) -> str:
    return f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'


def _unit_mark(x: float, y: float, shape: tuple[int, int], place: int) -> str:
    """A frame round the cell of the unit that is written out."""
    cell = BLOCK / max(shape)
    row, side = divmod(place, shape[1])
    frame = f'fill="none" stroke="{WRONG}" stroke-width="3"'
    return rect(x + side * cell, y + row * cell, cell, cell, frame)


def _edges(places: Places, moment: Moment, ink: Ink) -> Iterator[str]:
    into = None if moment.active is None else moment.active + (moment.backward > 0)
    for place in range(1, len(places.columns)):
        hot = place == into
        if places.columns[place].is_small and places.columns[place - 1].is_small:
            yield from _lines(places, place, moment if hot else None, ink)
        else:
            yield _band(places, place, moment if hot else None, ink)


def _band(places: Places, place: int, moment: Moment | None, ink: Ink) -> str:
    """One broad line for all weights between two layers of which one is large."""
    before, after = places.box(place - 1), places.box(place)
    (x1, y1), (x2, y2) = before.centre, after.centre
    if places.tall:
        y1, y2 = before.y + before.height + 4, after.y - 30
    else:
        x1, x2 = before.x + before.width + 8, after.x - 8
    return _stroke((x1, y1, x2, y2), "currentColor", 9, moment, ink)


def _lines(places: Places, place: int, moment: Moment | None, ink: Ink) -> Iterator[str]:
    column, previous = places.columns[place], places.columns[place - 1]
    largest = 1.0 if column.weights is None else max(float(abs(column.weights).max()), 1e-12)
    labels = []
    for unit in range(len(column.h)):
        for before in range(len(previous.h)):
            ends = places.ends(place, unit, before)
            if column.weights is None:
                if column.is_made_of(unit, previous, before):
                    yield _stroke(ends, "currentColor", 1.5, moment, ink, fixed=True)
                continue
            weight = float(column.weights[unit, before])
            colour = ink.positive if weight >= 0 else ink.negative
            is_hot = moment is not None and moment.unit == (before if moment.backward else unit)
            yield _stroke(ends, colour, 1 + 4 * abs(weight) / largest, moment if is_hot else None, ink)
            if moment is not None and is_hot:
                labels.append(_weight(ends, weight, _label_share(places, moment)))
    yield from labels


def _label_share(places: Places, moment: Moment) -> float:
    """Where on its line a weight stands: towards the side where the lines of one unit lie apart."""
    share = 0.4 if places.tall else 0.3
    return 1 - share if moment.backward else share


def _stroke(
    ends: tuple[float, float, float, float],
    colour: str,
    width: float,
    moment: Moment | None,
    ink: Ink,
    *,
    fixed: bool = False,
) -> str:
    """A line; that of the step in view is strong, and its dashes run in the direction of the pass."""
    x1, y1, x2, y2 = ends
    place = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    dash = 'stroke-dasharray="3 6"' if fixed else ""
    line = f'<line {place} stroke="{colour}" stroke-width="{width:.1f}" {dash} opacity="0.3"/>'
    if moment is None:
        return line
    flow, tone = ("back", ink.back) if moment.backward else ("on", "currentColor")
    strong = f'<line {place} stroke="{colour}" stroke-width="{width + 1:.1f}" {dash} opacity="0.9"/>'
    return f'{strong}<line {place} class="flow {flow}" stroke="{tone}" stroke-width="3"/>'


def _weight(ends: tuple[float, float, float, float], weight: float, share: float) -> str:
    x, y = (start + share * (end - start) for start, end in (ends[::2], ends[1::2]))
    return text(
        x, y + 5, number_text(weight), size=16, anchor="middle", extra='class="halo" font-weight="600"'
    )
