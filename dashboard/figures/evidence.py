"""The bound and log p(x): for one example, for all, and for more importance samples."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import FONT_SIZE, GROUND, LEGEND_ABOVE, faded, finish, mark_x, mark_y
from dashboard.formats import signed
from dashboard.theme import CONCEPTS, ThemeName

Array = NDArray[np.floating]
BAR_HEIGHT: Final = 250
HEIGHT: Final = 380
SAMPLES_HEIGHT: Final = 330


def bound_figure(elbo: float, best_elbo: float | None, log_evidence: float, *, theme: ThemeName) -> go.Figure:
    """The ELBO as a bar from minus infinity, and the gap up to log p(x) in one or two parts.

    Arguments:
        elbo: The encoder's bound, nats.
        best_elbo: The bound of the best q of the encoder's family; None when it is not known.
        log_evidence: log p(x), nats.
        theme: Light or dark.
    """
    # The two parts of the gap are differences of what is shown: they sum to the gap that is shown.
    best_elbo = None if best_elbo is None else round(best_elbo, 3)
    colours, figure = CONCEPTS[theme], go.Figure()
    gap = max(log_evidence - elbo, 1e-3)
    left = elbo - 0.6 * gap
    for name, start, end, concept, opacity in _parts(left, elbo, best_elbo, log_evidence):
        number = signed(end if name == "ELBO" else end - start, 3)
        figure.add_bar(
            x=[end - start],
            base=[start],
            y=[""],
            orientation="h",
            name=f"{name} <b>{number}</b>",
            marker_color=faded(colours[concept], opacity),
            hovertemplate=f"{name}: {number} nats<extra></extra>",
        )
    text = f"log p(x) <b>{signed(log_evidence, 3)}</b>"
    note = {"text": text, "font": {"size": FONT_SIZE + 1}, "yanchor": "bottom"}
    mark_x(figure, log_evidence, line={"color": colours["log_evidence"], "width": 4}, note=note, side="left")
    figure.update_layout(
        barmode="overlay", bargap=0.1, legend=LEGEND_ABOVE | {"traceorder": "normal", "y": 1.22}
    )
    figure.update_xaxes(title="nats; the ELBO's bar begins at −∞", range=[left, log_evidence + 0.08 * gap])
    return finish(figure, height=BAR_HEIGHT, theme=theme, legend=True)


def _parts(
    left: float, elbo: float, best_elbo: float | None, log_evidence: float
) -> list[tuple[str, float, float, str, float]]:
    """Name, ends, concept and opacity of each piece of the bar."""
    known = ("ELBO", left, elbo, "elbo", 1.0)
    if best_elbo is None:
        return [known, ("KL(q ‖ true posterior)", elbo, log_evidence, "kl_to_posterior", 1.0)]
    return [
        known,
        ("amortisation gap", elbo, best_elbo, "kl_to_posterior", 1.0),
        ("approximation gap", best_elbo, log_evidence, "kl_to_posterior", 0.5),
    ]


def importance_figure(
    counts: Sequence[int],
    values: Array,
    errors: Array,
    *,
    elbo: float,
    log_evidence: float | None,
    theme: ThemeName,
) -> go.Figure:
    """The importance-weighted bound against the number of samples K on a log axis, towards log p(x).

    Arguments:
        counts: K, ascending.
        values: The bound at each K, nats.
        errors: Their standard errors.
        elbo: The bound at K = 1, exactly or from many samples.
        log_evidence: log p(x); None where it is not known exactly.
        theme: Light or dark.
    """
    colours = CONCEPTS[theme]
    figure = go.Figure()
    figure.add_scatter(
        x=list(counts),
        y=values,
        error_y={"array": 2 * np.nan_to_num(errors), "thickness": 2},
        mode="lines+markers",
        marker={"size": 9},
        line={"color": colours["elbo"], "width": 3},
        hovertemplate="K = %{x}: %{y:.3f} nats<extra></extra>",
    )
    lines = [(elbo, "ELBO", "elbo", "bottom", "right")]
    if log_evidence is not None:
        lines.append((log_evidence, "log p(x)", "log_evidence", "top", "left"))
    for value, name, concept, side, end in lines:
        line, note = (
            {"color": colours[concept], "dash": "dash"},
            {"text": f"{name} {signed(value, 3)}", "bgcolor": GROUND[theme]},
        )
        mark_y(figure, value, line=line, note=note, side=side, end=end)
    figure.update_xaxes(title="samples K", type="log", dtick=1)
    figure.update_yaxes(title="bound, nats")
    return finish(figure, height=HEIGHT, theme=theme)


def samples_figure(values: Array, *, theme: ThemeName) -> go.Figure:
    """log p(x|z_m) of M samples of z, and their mean, the reconstruction term.

    Arguments:
        values: Shape (M,), nats.
        theme: Light or dark.
    """
    colours = CONCEPTS[theme]
    figure = go.Figure(go.Histogram(x=values, nbinsx=30, marker_color=colours["reconstruction"]))
    mean = float(values.mean())
    note = {"text": f"mean {signed(mean)}", "xshift": -4, "bgcolor": GROUND[theme]}
    mark_x(figure, mean, line={"color": colours["log_evidence"], "dash": "dash"}, note=note, side="left")
    figure.update_xaxes(title="log p(x|z) of a sample z from q, nats")
    figure.update_yaxes(title="number of samples")
    return finish(figure, height=SAMPLES_HEIGHT, theme=theme)


def gap_figure(gaps: Array, chosen: str, *, theme: ThemeName) -> go.Figure:
    """Histogram of log p(x) - ELBO over the examples.

    Arguments:
        gaps: log p(x) - ELBO, shape (n,), nats.
        chosen: Their name.
        theme: Light or dark.
    """
    colours = CONCEPTS[theme]
    figure = go.Figure(go.Histogram(x=gaps, nbinsx=40, marker_color=colours["kl_to_posterior"]))
    mean = float(gaps.mean())
    note = {"text": f"mean {signed(mean, 3)}", "xshift": 4, "bgcolor": GROUND[theme]}
    mark_x(figure, mean, line={"color": colours["log_evidence"], "dash": "dash"}, note=note)
    figure.update_xaxes(title=f"{chosen}, nats", rangemode="tozero")
    figure.update_yaxes(title="number of examples")
    return finish(figure, height=HEIGHT, theme=theme)
