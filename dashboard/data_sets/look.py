"""How a data set looks: its size, pictures or points, and the values that occur."""

from typing import Final

from dashboard.components.chart.element import draw_chart
from dashboard.data_sets.cached import Look
from dashboard.figures.data_sets import histogram_figure, points_figure
from dashboard.formats import pixels_of, plain
from dashboard.pictures import sheet, show
from dashboard.shell import state
from dashboard.tables import draw_table
from vae_core.data.own_content import OwnFacts

CHOSEN: Final = "data_chosen"
"""The control that says which data set is looked at."""
NUM_PICTURES: Final = 24
IN_A_ROW: Final = 8
MAX_NAMED: Final = 8


def size_of(facts: OwnFacts) -> str:
    """How many examples of which size, and which classes."""
    several = "" if facts.num_examples == 1 else "s"
    if facts.image_shape is None:
        size = str(facts.shape[0])
        what = f"{facts.num_examples:,} row{several} of {size} number{'' if size == '1' else 's'}"
    else:
        what = f"{facts.num_examples:,} image{several} of {pixels_of(facts.image_shape)}"
    beside = f", {', '.join(facts.beside[:MAX_NAMED])} known beside x" if facts.beside else ""
    return what + classes_of(facts.class_names) + beside


def classes_of(names: tuple[str, ...]) -> str:
    """``, 3 classes: cat, dog, owl``; empty where there are none."""
    if not names:
        return ""
    listed = ", ".join(names[:MAX_NAMED]) + (", …" if len(names) > MAX_NAMED else "")
    return f", {len(names)} class{'' if len(names) == 1 else 'es'}: {listed}"


def set_controls(facts: OwnFacts) -> None:
    """Has the controls of Train name this data set and the likelihood that suits it."""
    state.set_control("dataset", facts.name)
    state.set_control("likelihood" if facts.is_unit_interval else "points_likelihood", facts.likelihood)


def draw_head(head: tuple[tuple[str, ...], ...]) -> None:
    """The first rows of a table."""
    names: list[str] = []
    for number, name in enumerate(head[0], 1):
        said = plain(name) or f"column {number}"
        names.append(said if said not in names else f"{said} ({number})")
    rows = [[plain(cell) or "–" for cell in row] for row in head[1:]]
    draw_table(names, rows, title="The first rows, as they are read")


def draw(found: Look, facts: OwnFacts, *, key: str) -> None:
    """Pictures or points, and the histogram of the values.

    Arguments:
        found: What is shown.
        facts: What it is.
        key: Of the charts.
    """
    theme = state.theme_name()
    if facts.image_shape is not None:
        _draw_pictures(found, facts.image_shape)
    elif len(facts.columns) > 1:
        names = (facts.value_names[0], facts.value_names[1])
        figure = points_figure(
            found.x[:, :2], found.labels, names=names, class_names=facts.class_names, theme=theme
        )
        alt = f"Examples in the plane of {names[0]} and {names[1]}."
        draw_chart(figure, key=f"data_points_{key}", alt=alt)
    title = "value of a pixel" if facts.image_shape is not None else "value, as it is trained on"
    figure = histogram_figure(found.counts, found.edges, title=title, theme=theme)
    low, high = found.edges[0], found.edges[-1]
    alt = f"Histogram of the values, from {low:.3g} to {high:.3g}."
    draw_chart(figure, key=f"data_histogram_{key}", alt=alt)


def _draw_pictures(found: Look, shape: tuple[int, ...]) -> None:
    x = found.x[:NUM_PICTURES]
    pixels = sheet(x, shape, size=64, in_a_row=min(IN_A_ROW, len(x)))
    show(pixels, alt=f"{len(x)} of the images.", width="stretch")
