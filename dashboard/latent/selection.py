"""Many examples at once: selected in the plane or by class, their mean decoded, their classes counted."""

from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.cached import Encoded, encoded
from dashboard.components.chart.element import Point, selectable_chart
from dashboard.figures.latent import plane_figure
from dashboard.latent import cached as cache
from dashboard.latent.saving import Kept, chart_config, save_menu
from dashboard.pictures import example_strip, show_examples
from dashboard.shell import state
from dashboard.subject import Subject

HELP: Final = (
    r"Draw round some points with the lasso: the mean $\bar z$ of their posterior means is decoded, "
    "and their classes are counted. The lasso needs a mouse or a finger; **Whole classes**, where the data "
    "have classes, selects by keyboard."
)
CLASSES_HELP: Final = (
    "Takes all held-out examples of these classes, besides those within the lasso; from the keyboard, too."
)
MAX_SELECTABLE: Final = 2000
SIZE: Final = 220


@st.fragment
def draw(shown: Subject, plane: tuple[int, int]) -> None:
    """A plane to select in; the decoded mean of the selected examples, and their number by class."""
    examples = encoded(shown)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        in_lasso = _in_lasso(examples, plane, shown.class_names)
    with right:
        rows = sorted({*in_lasso, *_of_classes(examples.labels, shown.class_names)})
        if not rows:
            st.info("Select some examples, by lasso or by class: their mean is decoded.")
            return
        mean = examples.means[rows].mean(0)
        made = cache.decode_one(shown, mean)[None]
        alt = "Decoded mean of the selected examples."
        names = ("decoded mean",)
        show_examples(made, shown.image_shape, size=SIZE, alt=alt, names=names, columns=shown.columns)
        st.markdown(f"**{len(rows)} examples** · {_counts(examples.labels[rows], shown.class_names)}")
        arrays = {"rows": np.array(rows), "z": mean, "x": made[0]}
        pixels = example_strip(made, shown.image_shape, size=SIZE)
        title = "Decoded mean of the selected"
        save_menu(Kept(title=title, file="selected-mean", arrays=arrays, pixels=pixels))


def _in_lasso(examples: Encoded, plane: tuple[int, int], class_names: tuple[str, ...]) -> list[int]:
    rows = slice(None, MAX_SELECTABLE)
    figure = plane_figure(
        examples.means[rows],
        examples.labels[rows],
        plane=plane,
        class_names=class_names,
        theme=state.theme_name(),
        stds=examples.stds[rows],
    )
    points = selectable_chart(
        figure.update_layout(dragmode="lasso"),
        key="selection",
        alt="Posterior means, for selecting with lasso or box.",
        config=chart_config("latent-selection"),
    )
    count = len(examples.x)
    if count > MAX_SELECTABLE:
        st.caption(f"The first {MAX_SELECTABLE:,} of {count:,} held-out examples; whole classes have all.")
    return chosen_rows(points, examples.labels[rows])


def chosen_rows(points: list[Point], labels: NDArray[np.int32]) -> list[int]:
    """Rows of the selected points; the figure has a trace for each class, a point its place in its trace."""
    members = dict(enumerate(np.flatnonzero(labels == label) for label in np.unique(labels)))
    return [
        int(members[point.trace][point.number])
        for point in points
        if point.trace in members and point.number < len(members[point.trace])
    ]


def _of_classes(labels: NDArray[np.int32], class_names: tuple[str, ...]) -> list[int]:
    present = [label for label in np.unique(labels).tolist() if label >= 0]
    if not present:
        return []
    names = {label: class_names[label] for label in present}
    picked = st.pills(
        "Whole classes",
        present,
        selection_mode="multi",
        key="selected_classes",
        format_func=lambda label: names[label],
        help=CLASSES_HELP,
    )
    return np.flatnonzero(np.isin(labels, picked)).tolist()


def _counts(labels: NDArray[np.int32], class_names: tuple[str, ...]) -> str:
    values, counts = np.unique(labels, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    pairs = ((int(values[i]), int(counts[i])) for i in order)
    return ", ".join(f"{count} × {'?' if label < 0 else class_names[label]}" for label, count in pairs)
