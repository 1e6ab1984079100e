"""The bound as a file: its length image by image, and beside other formats."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import FONT_SIZE, GROUND, LEGEND_ABOVE, faded, finish, mark_x
from dashboard.theme import CONCEPTS, ThemeName

Array = NDArray[np.floating]
HEIGHT: Final = 360


def sizes_figure(sizes: Mapping[str, int], bound: float, *, theme: ThemeName) -> go.Figure:
    """Bytes of the same images in several formats, and the bound as a line.

    Arguments:
        sizes: Bytes by format, the longest bar first; the last one is the file of this model.
        bound: -ELBO / log 2 of all images, in bytes.
        theme: Light or dark.
    """
    colours, *others = CONCEPTS[theme], *sizes
    shades = [*[faded(colours["data"], 0.6)] * (len(others) - 1), colours["elbo"]]
    figure = go.Figure()
    figure.add_bar(
        x=list(sizes.values()),
        y=list(sizes),
        orientation="h",
        marker_color=shades,
        text=[f"<b>{size:,}</b>" for size in sizes.values()],
        textposition="outside",
        textfont={"size": FONT_SIZE},
        cliponaxis=False,
        hoverinfo="skip",
    )
    note = {"text": "−ELBO / ln 2", "bgcolor": GROUND[theme], "yanchor": "bottom"}
    mark_x(figure, bound, line={"color": colours["log_evidence"], "width": 3, "dash": "dash"}, note=note)
    figure.update_xaxes(title="bytes", range=[0, 1.18 * max(sizes.values())])
    figure.update_yaxes(autorange="reversed")
    finish(figure, height=HEIGHT, theme=theme)
    figure.layout.margin = {"l": 10, "r": 10, "t": 36, "b": 10}
    return figure


def lengths_figure(lengths: Array, bound: Array, *, theme: ThemeName) -> go.Figure:
    """What the stack holds after each image, and where the bound would have it.

    Arguments:
        lengths: Bits before the first image and after each, shape (n + 1,).
        bound: -ELBO / log 2 of each image, shape (n,), bits.
        theme: Light or dark.
    """
    colours, count = CONCEPTS[theme], np.arange(len(lengths))
    figure = go.Figure()
    figure.add_scatter(
        x=count,
        y=lengths,
        mode="lines",
        name="bits on the stack",
        line={"color": colours["elbo"], "width": 4},
        hovertemplate="%{x} images: %{y:,.0f} bits<extra></extra>",
    )
    figure.add_scatter(
        x=count,
        y=lengths[0] + np.concatenate([[0.0], np.cumsum(bound)]),
        mode="lines",
        name="first bits − ELBO / ln 2",
        line={"color": colours["log_evidence"], "width": 3, "dash": "dash"},
        hovertemplate="%{x} images: %{y:,.0f} bits<extra></extra>",
    )
    figure.update_xaxes(title="images on the stack")
    figure.update_yaxes(title="bits", rangemode="tozero")
    figure.update_layout(legend=LEGEND_ABOVE)
    return finish(figure, height=HEIGHT, theme=theme, legend=True)
