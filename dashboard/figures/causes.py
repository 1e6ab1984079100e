"""What each latent dimension says about each known cause, as a heat map with its numbers."""

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import finish, literal
from dashboard.theme import CONCEPTS, PAGE, ThemeName

ROW_HEIGHT = 40
MOST_WRITTEN = 12
"""Columns up to which each cell has its number on it."""


def information_figure(
    information: NDArray[np.float64], entropy: NDArray[np.float64], names: list[str], *, theme: ThemeName
) -> go.Figure:
    """Mutual information of factors and latent dimensions.

    Arguments:
        information: In nats, shape (K, J).
        entropy: Of each factor, the most that its row can have, shape (K,).
        names: Of the factors.
        theme: Light or dark.
    """
    share = information / entropy[:, None]
    colour = CONCEPTS[theme]["posterior"]
    columns = [f"z<sub>{dim + 1}</sub>" for dim in range(information.shape[1])]
    written = information.shape[1] <= MOST_WRITTEN
    figure = go.Figure(
        go.Heatmap(
            x=columns,
            y=[literal(name) for name in names],
            z=share,
            zmin=0,
            zmax=1,
            customdata=information,
            text=[[f"{value:.2f}" for value in row] for row in information],
            # Of a size that fits its cell: on a phone numbers of one size would run into each other.
            texttemplate="%{text}" if written else "",
            # Opaque: Plotly chooses dark or light numbers by the colour of a cell, whatever lies below it.
            colorscale=[[0, PAGE[theme]], [1, colour]],
            colorbar={"title": {"text": "of H(v)"}, "tickformat": ".0%", "thickness": 14},
            xgap=2,
            ygap=2,
            hovertemplate="%{x} and %{y}: %{customdata:.3f} nats, %{z:.0%} of H(v)<extra></extra>",
        )
    )
    figure.update_xaxes(title="latent dimension", showgrid=False, type="category")
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category")
    return finish(figure, height=ROW_HEIGHT * len(names) + 80, theme=theme)
