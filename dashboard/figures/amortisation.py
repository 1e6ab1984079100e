"""Time of one psi per example against one encoder, over the number of examples."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import LEGEND_ABOVE, finish
from dashboard.theme import CONCEPTS, ThemeName

Array = NDArray[np.floating]
HEIGHT: Final = 400


def amortisation_figure(
    sizes: Array, psi: Array, encoder: Array, is_measured: NDArray[np.bool_], *, theme: ThemeName
) -> go.Figure:
    """Both times on logarithmic axes; dots are measured, the dashed rest is extrapolated.

    Arguments:
        sizes: Numbers of examples, rising, shape (n,).
        psi, encoder: Seconds, shape (n,).
        is_measured: Which were computed, shape (n,); the first ones.
        theme: Light or dark.
    """
    figure, colours = go.Figure(), CONCEPTS[theme]
    last = int(is_measured.sum())
    for values, name, concept in (
        (psi, "one ψ per example", "kl"),
        (encoder, "one encoder", "posterior"),
    ):
        colour = colours[concept]
        hover = "%{x:,} examples: %{y:.3g} s<extra>" + name + "</extra>"
        figure.add_scatter(
            x=sizes[:last],
            y=values[:last],
            mode="lines+markers",
            name=f"{name}, measured",
            line={"color": colour, "width": 3},
            marker={"size": 10},
            hovertemplate=hover,
        )
        figure.add_scatter(
            x=sizes[last - 1 :],
            y=values[last - 1 :],
            mode="lines",
            name=f"{name}, extrapolated",
            line={"color": colour, "width": 3, "dash": "dash"},
            hovertemplate=hover,
        )
    figure.update_xaxes(title="examples", type="log", exponentformat="power", dtick=1)
    figure.update_yaxes(title="seconds", type="log", exponentformat="power", dtick=2)
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=HEIGHT, theme=theme, legend=True)
