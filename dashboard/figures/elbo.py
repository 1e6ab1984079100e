"""The bound and its terms as bars and histograms, nats per example."""

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import AT_LEAST, FONT_SIZE, GROUND, finish, mark_x
from dashboard.formats import shown_difference, signed
from dashboard.theme import CONCEPTS, ThemeName

Array = NDArray[np.float32]
HEIGHT = 330


def terms_figure(reconstruction: float, kl: float, *, theme: ThemeName) -> go.Figure:
    """ELBO = reconstruction - KL as three bars on one axis: the KL's begins where the reconstruction ends.

    Arguments:
        reconstruction: E_q[log p(x|z)], nats.
        kl: KL(q || prior), nats.
        theme: Light or dark.
    """
    colours = CONCEPTS[theme]
    elbo = shown_difference(reconstruction, kl)
    figure = go.Figure()
    for name, base, length, concept in (
        ("reconstruction", 0.0, reconstruction, "reconstruction"),
        ("− KL(q ‖ prior)", reconstruction, -kl, "kl"),
        ("= ELBO", 0.0, elbo, "elbo"),
    ):
        figure.add_bar(
            y=[f"{name}<br><b>{signed(length)}</b>"],
            x=[length],
            base=[base],
            orientation="h",
            marker_color=colours[concept],
            hoverinfo="skip",
        )
    figure.update_xaxes(title="nats per example")
    finish(figure, height=HEIGHT, theme=theme)
    # Numbers stand beside the bars, not in them: a small KL has no room for its own.
    return figure.update_yaxes(autorange="reversed", tickfont={"size": FONT_SIZE + 2})


def kl_per_dim_figure(kl_per_dim: Array, *, theme: ThemeName) -> go.Figure:
    """KL of each latent dimension, most used first, with its number.

    Arguments:
        kl_per_dim: Means over examples, shape (J,), nats.
        theme: Light or dark.
    """
    order = np.argsort(-kl_per_dim)
    names = [f"z<sub>{index + 1}</sub>" for index in order]
    values = kl_per_dim[order]
    figure = go.Figure(
        go.Bar(
            x=names,
            y=values,
            marker_color=CONCEPTS[theme]["kl"],
            text=[f"{value:.2f}" for value in values],
            textposition="outside",
            textfont={"size": FONT_SIZE},
            cliponaxis=False,
            hovertemplate="%{x}: %{y:.4f} nats<extra></extra>",
        )
    )
    figure.update_xaxes(title="latent dimension, most used first", type="category")
    figure.update_yaxes(title="KL, nats per example", **AT_LEAST)
    finish(figure, height=HEIGHT, theme=theme)
    return figure.update_xaxes(tickfont={"size": FONT_SIZE + 3})  # an index is 0.7 times as tall


def histogram_figure(elbo: Array, chosen: int, *, mean: float, theme: ThemeName) -> go.Figure:
    """ELBO of each example, their mean, and the chosen example.

    Arguments:
        elbo: Shape (n,), nats.
        chosen: Index of the example to mark.
        mean: Of all, in the digits in which the page shows it.
        theme: Light or dark.
    """
    colours = CONCEPTS[theme]
    figure = go.Figure(go.Histogram(x=elbo, nbinsx=40, marker_color=colours["elbo"]))
    own = float(elbo[chosen])
    for value, text, dash, is_left in (
        (mean, f"mean {signed(mean)}", "dash", mean <= own),
        (own, "this example", "solid", mean > own),
    ):
        note = {"text": text, "xshift": -4 if is_left else 4, "bgcolor": GROUND[theme]}
        line = {"color": colours["log_evidence"], "dash": dash}
        mark_x(figure, value, line=line, note=note, side="left" if is_left else "right")
    figure.update_xaxes(title="ELBO of an example, nats")
    figure.update_yaxes(title="number of examples")
    return finish(figure, height=HEIGHT, theme=theme)
