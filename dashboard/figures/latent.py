"""The latent plane, projections of more dimensions, and the decoded grid over the plane."""

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import LEGEND_ABOVE, finish, literal
from dashboard.figures.classes import class_colour, class_shape, ramp
from dashboard.figures.pixels import pixel_trace
from dashboard.formats import signed
from dashboard.theme import CONCEPTS, ThemeName
from dashboard.tiles import tiled

Array = NDArray[np.float32]
HEIGHT = 460
ROW_HEIGHT = 170


def plane_figure(
    means: Array,
    labels: NDArray[np.int32],
    *,
    plane: tuple[int, int],
    class_names: tuple[str, ...],
    theme: ThemeName,
    stds: Array | None = None,
    scale: tuple[str, tuple[str, str]] | None = None,
) -> go.Figure:
    """Posterior means in two latent dimensions, coloured by class or number, over the prior's circles.

    Arguments:
        means: Shape (n, J).
        labels: Shape (n,), -1 for none.
        plane: The two dimensions; when they are the same (J = 1), the standard deviation is the height.
        class_names: Names of the labels.
        theme: Light or dark.
        stds: Posterior standard deviations, shape (n, J); used when J = 1.
        scale: Where the labels are steps of a number: what it is, and its least and largest value.
    """
    figure = go.Figure()
    one = plane[0] == plane[1]
    if not one:
        _add_prior(figure, theme)
    if scale is not None:
        figure.add_scatter(
            x=means[:, plane[0]],
            y=stds[:, 0] if one and stds is not None else means[:, plane[1]],
            mode="markers",
            name="",
            marker=_numbers(labels, len(class_names), scale, theme),
            customdata=[class_names[label] for label in labels],
            hovertemplate="z = (%{x:.2f}, %{y:.2f})<br>%{customdata}",
        )
    for label in np.unique(labels) if scale is None else ():
        rows = labels == label
        y = stds[rows, 0] if one and stds is not None else means[rows, plane[1]]
        figure.add_scatter(
            x=means[rows, plane[0]],
            y=y,
            mode="markers",
            name=_class_name(int(label), class_names),
            marker=_marker(int(label), theme),
            hovertemplate="z = (%{x:.2f}, %{y:.2f})",
        )
    figure.update_xaxes(title=f"z<sub>{plane[0] + 1}</sub>, posterior mean", zeroline=False)
    height_title = "posterior standard deviation" if one else f"z<sub>{plane[1] + 1}</sub>, posterior mean"
    figure.update_yaxes(title=height_title, zeroline=False)
    if not one:
        figure.update_yaxes(scaleanchor="x")
    figure.update_layout(legend=LEGEND_ABOVE)
    return finish(figure, height=HEIGHT, theme=theme, legend=scale is None and len(np.unique(labels)) > 1)


def projection_figure(
    points: Array,
    labels: NDArray[np.int32],
    *,
    titles: tuple[str, str],
    class_names: tuple[str, ...],
    theme: ThemeName,
) -> go.Figure:
    """Projected posterior means, coloured and shaped by class.

    Arguments:
        points: Shape (n, 2).
        labels: Shape (n,), -1 for none.
        titles: Of the two axes.
        class_names: Names of the labels.
        theme: Light or dark.
    """
    figure = go.Figure()
    for label in np.unique(labels):
        rows = labels == label
        figure.add_scatter(
            x=points[rows, 0],
            y=points[rows, 1],
            mode="markers",
            name=_class_name(int(label), class_names),
            marker=_marker(int(label), theme),
            hovertemplate="(%{x:.2f}, %{y:.2f})",
        )
    figure.update_xaxes(title=titles[0], zeroline=False)
    figure.update_yaxes(title=titles[1], zeroline=False, scaleanchor="x")
    figure.update_layout(legend=LEGEND_ABOVE)
    return finish(figure, height=HEIGHT, theme=theme, legend=len(np.unique(labels)) > 1)


def grid_figure(
    grid: Array,
    axis: Array,
    *,
    plane: tuple[int, int],
    image_shape: tuple[int, ...],
    theme: ThemeName,
    counts: NDArray[np.int64] | None = None,
) -> go.Figure:
    """Decoded images over the plane, laid out as the plane is.

    Arguments:
        grid: Shape (rows, columns, D), row 0 at the top.
        axis: Values of z along the columns, ascending; the rows go down from the largest.
        plane: The two dimensions.
        image_shape: (height, width) of one image, or (height, width, 3) in colour.
        theme: Light or dark.
        counts: Posterior means in each cell, shape (rows, columns), drawn over it; None: none.
    """
    rows, columns = grid.shape[:2]
    # A grey is one of 256 on a screen: bytes take a quarter of the room.
    levels = np.rint(255 * np.nan_to_num(grid).clip(0, 1)).astype(np.uint8)
    figure = go.Figure(pixel_trace(tiled(levels, image_shape)))
    if counts is not None:
        _add_density(figure, counts, image_shape, theme)
    _number_cells(figure, axis, (rows, columns), image_shape, plane)
    return finish(figure, height=HEIGHT if rows > 1 else ROW_HEIGHT, theme=theme)


def _number_cells(
    figure: go.Figure,
    axis: Array,
    cells: tuple[int, int],
    image_shape: tuple[int, ...],
    plane: tuple[int, int],
) -> None:
    rows, columns = cells
    height, width = image_shape[:2]
    shown = [0, columns // 3, columns - 1 - columns // 3, columns - 1]
    texts = [signed(float(axis[index]), 1) for index in shown]
    centres = [(index + 0.5) * width - 0.5 for index in shown]
    figure.update_xaxes(title=f"z<sub>{plane[0] + 1}</sub>", tickvals=centres, ticktext=texts)
    figure.update_xaxes(showgrid=False, zeroline=False, constrain="domain")
    if rows > 1:
        centres = [(index + 0.5) * height - 0.5 for index in shown]
        figure.update_yaxes(tickvals=centres, ticktext=texts[::-1], title=f"z<sub>{plane[1] + 1}</sub>")
    else:
        figure.update_yaxes(showticklabels=False, ticks="")
    figure.update_yaxes(autorange="reversed", scaleanchor="x", constrain="domain")
    figure.update_yaxes(showgrid=False, zeroline=False)


def _add_prior(figure: go.Figure, theme: ThemeName) -> None:
    for radius in (1, 2, 3):
        figure.add_shape(
            type="circle",
            x0=-radius,
            y0=-radius,
            x1=radius,
            y1=radius,
            line={"color": CONCEPTS[theme]["prior"], "width": 1, "dash": "dash"},
            layer="below",
        )


def _add_density(
    figure: go.Figure, counts: NDArray[np.int64], image_shape: tuple[int, ...], theme: ThemeName
) -> None:
    colour = CONCEPTS[theme]["beta"]
    figure.add_heatmap(
        z=counts.repeat(image_shape[0], axis=0).repeat(image_shape[1], axis=1),
        colorscale=[[0, "rgba(0, 0, 0, 0)"], [1, colour]],
        zmin=0,
        opacity=0.65,
        showscale=False,
        hovertemplate="%{z} posterior means<extra></extra>",
    )


def _class_name(label: int, class_names: tuple[str, ...]) -> str:
    if label < 0:
        return "no class"
    return class_names[label] if label < len(class_names) else str(label)


def _marker(label: int, theme: ThemeName) -> dict[str, object]:
    if label < 0:
        return {"color": CONCEPTS[theme]["posterior"], "size": 7}
    return {"color": class_colour(label, theme), "symbol": class_shape(label), "size": 7, "opacity": 0.85}


def _numbers(
    labels: NDArray[np.int32], count: int, scale: tuple[str, tuple[str, str]], theme: ThemeName
) -> dict[str, object]:
    """Points in the colours of a number, with its colour bar."""
    title, ends = scale
    places = np.linspace(0, 1, count).tolist()
    colours = [list(pair) for pair in zip(places, ramp(theme, count), strict=True)]
    bar = {"title": {"text": literal(title)}, "tickvals": [0, count - 1], "ticktext": list(ends)}
    shown = {"colorscale": colours, "cmin": 0, "cmax": count - 1, "showscale": True, "colorbar": bar}
    return {"color": labels, "size": 7, "opacity": 0.85, **shown}
