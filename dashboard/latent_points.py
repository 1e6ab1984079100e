"""On the Latent space page: one datum and its neighbours, many data at once, arithmetic with class means."""

from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import cache, state
from dashboard.figures.base import CHART_CONFIG
from dashboard.figures.latent import plane_figure
from dashboard.formats import signed
from dashboard.pictures import show, strip
from dashboard.run_header import Subject

Array = NDArray[np.float32]
NEIGHBOURS_HELP: Final = (
    "The ten held-out data nearest to the chosen one: by posterior means in the latent space, and by values "
    r"in data space. Euclidean: $\|a - b\|$. Cosine: $1 - a\cdot b / (\|a\|\,\|b\|)$."
)
PICTURE_HELP: Final = (
    r"The decoder's mean $\mathbb{E}[x|z]$, or a sample from $p(x|z)$: the output is a distribution, "
    "not a picture. Both at the posterior mean of the datum."
)
DATUM_HELP: Final = "Which held-out datum; the arrow keys go to the next."
CHOICE_HINT: Final = "A click on a point of the latent plane above chooses its datum, too."
SELECT_HELP: Final = (
    r"Draw round some points with the lasso: the mean $\bar z$ of their posterior means is decoded, "
    "and their classes are counted."
)
ARITHMETIC_HELP: Final = (
    r"$z' = z + t\,(\bar z_A - \bar z_B)$ with $\bar z_A$ the mean of the posterior means of class A: "
    "what makes an A an A is added to the datum, what makes a B a B is taken away."
)
DATUM: Final = "neighbour_datum"
"""Key of the slider that names the datum whose neighbours are shown."""
MAX_SELECTABLE: Final = 2000


@st.fragment
def neighbours(shown: Subject) -> None:
    """A datum, what the model makes of it, and what lies next to it in two spaces."""
    data = cache.encoded(shown.key, 1, "held-out")
    left, right = st.columns([2, 3], gap="large")
    with left:
        row = st.slider("Datum", 0, len(data.x) - 1, key=DATUM, help=DATUM_HELP)
        st.caption(CHOICE_HINT)
        kind = _switch("Decoded", ("mean", "sample"), "neighbour_kind", PICTURE_HELP)
        decoded = _decoded(shown, data.means[row], sample=kind == "sample")
        _pictures(shown, np.stack([data.x[row], decoded]), size=150, alt="The datum, and what is decoded.")
        _terms(shown, data, row)
    with right:
        metric = _switch("Distance", ("euclidean", "cosine"), "neighbour_metric", NEIGHBOURS_HELP)
        for space, points in (("latent space", data.means), ("data space", data.x)):
            rows, distances = cache.neighbours(points, row, "cosine" if metric == "cosine" else "euclidean")
            _neighbours(shown, data, space, rows, distances)


@st.fragment
def selection(shown: Subject, plane: tuple[int, int]) -> None:
    """A plane to select in: the decoded mean of the selected data, and how many there are of each class."""
    data = cache.encoded(shown.key, 1, "held-out")
    left, right = st.columns([3, 2], gap="large")
    with left:
        chosen = _selected(shown, data, plane)
    with right:
        if not chosen:
            st.info("Draw round some points with the lasso on the left: they are decoded as one.")
            return
        mean = data.means[chosen].mean(0)
        _pictures(shown, _decoded(shown, mean)[None], size=220, alt="Decoded mean of the selected data.")
        st.markdown(f"**{len(chosen)} data** · {_counts(shown, data.labels[chosen])}")


def _selected(shown: Subject, data: cache.Encoded, plane: tuple[int, int]) -> list[int]:
    rows = slice(None, MAX_SELECTABLE)
    figure = plane_figure(
        data.means[rows],
        data.labels[rows],
        plane=plane,
        class_names=shown.class_names,
        theme=state.theme_name(),
        stds=data.stds[rows],
    )
    event = st.plotly_chart(
        figure.update_layout(dragmode="lasso"),
        key="selection",
        on_select="rerun",
        selection_mode=("lasso", "box"),
        alt="Posterior means, for selecting with lasso or box.",
        config=CHART_CONFIG,
    )
    return chosen_rows(event.selection.points, data.labels[rows])


@st.fragment
def arithmetic(shown: Subject) -> None:
    """Adds the difference of two class means to a datum."""
    data = cache.encoded(shown.key, 1, "held-out")
    present = [label for label in np.unique(data.labels).tolist() if label >= 0]
    if len(present) < 2:
        st.info("These data have no two classes to subtract.")
        return
    columns = st.columns(4)
    with columns[0]:
        row = st.slider("Datum", 0, len(data.x) - 1, 0, key="arithmetic_datum", help=DATUM_HELP)
    with columns[1]:
        plus = _class(shown, "Plus class A", "arithmetic_plus", present, 0)
    with columns[2]:
        minus = _class(shown, "Minus class B", "arithmetic_minus", present, int(data.labels[row]))
    with columns[3]:
        share = st.slider("Share t", 0.0, 2.0, 1.0, 0.05, key="arithmetic_share", help=ARITHMETIC_HELP)
    step = data.means[data.labels == plus].mean(0) - data.means[data.labels == minus].mean(0)
    on_the_way = [_decoded(shown, data.means[row] + part * share * step) for part in np.linspace(0, 1, 6)]
    pictures = np.stack([data.x[row], *on_the_way])
    _pictures(shown, pictures, size=110, alt="The datum, and decoded steps from it to the sum.")
    st.caption("Left the datum, then its reconstruction, then step by step to the sum on the right.")


def _switch(label: str, options: tuple[str, str], key: str, help_text: str) -> str:
    return st.segmented_control(label, options, default=options[0], required=True, key=key, help=help_text)


def _decoded(shown: Subject, z: Array, *, sample: bool = False) -> Array:
    points = (tuple(map(float, z)),)
    return (cache.sample(shown.key, points) if sample else cache.decode(shown.key, points))[0]


def _pictures(shown: Subject, x: Array, *, size: int, alt: str) -> None:
    if shown.image_shape is not None:
        show(strip(x, shown.image_shape, size=size, gap=10), alt=alt)
    else:
        st.markdown(" → ".join(f"({', '.join(signed(value) for value in row)})" for row in x.tolist()))


def _terms(shown: Subject, data: cache.Encoded, row: int) -> None:
    label = int(data.labels[row])
    name = "" if label < 0 else f"Class **{shown.class_names[label]}**. "
    mean, std = (", ".join(map(signed, values[row][:6].tolist())) for values in (data.means, data.stds))
    st.markdown(f"{name}mean **({mean})**, standard deviation **({std})**")
    terms = [signed(float(values[row])) for values in (data.reconstruction, data.kl, data.elbo)]
    if shown.config.model.encoder_head == "deterministic":
        st.markdown(f"reconstruction **{terms[0]}** nats; without q(z|x) there is no KL and no bound")
        return
    st.markdown(f"reconstruction **{terms[0]}** − KL **{terms[1]}** = ELBO **{terms[2]}** nats")


def _neighbours(
    shown: Subject, data: cache.Encoded, space: str, rows: NDArray[np.int64], distances: Array
) -> None:
    st.markdown(f"Nearest in **{space}**")
    if shown.image_shape is not None:
        show(strip(data.x[rows], shown.image_shape, size=56), alt=f"The nearest data in {space}.")
    near = zip(data.labels[rows].tolist(), distances.tolist(), strict=True)
    names = (("" if label < 0 else f"{shown.class_names[label]}: ") + f"{away:.2f}" for label, away in near)
    st.caption(" · ".join(names))


def chosen_rows(points: list[dict[str, int]], labels: NDArray[np.int32]) -> list[int]:
    """Rows of the selected points; the figure has a trace for each class, a point its place in its trace."""
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return [int(members[point["curve_number"]][point["point_index"]]) for point in points]


def _counts(shown: Subject, labels: NDArray[np.int32]) -> str:
    values, counts = np.unique(labels, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    pairs = ((int(values[i]), int(counts[i])) for i in order)
    return ", ".join(f"{count} × {'?' if label < 0 else shown.class_names[label]}" for label, count in pairs)


def _class(shown: Subject, label: str, key: str, present: list[int], default: int) -> int:
    index = present.index(default) if default in present else 0
    return st.selectbox(
        label, present, index, key=key, format_func=lambda k: shown.class_names[k], help=ARITHMETIC_HELP
    )
