"""On the Latent space page: one datum and its neighbours, and many data at once."""

from typing import Final, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import cached as cache
from dashboard.figures.latent import plane_figure
from dashboard.figures.neighbours import neighbours_figure
from dashboard.formats import signed
from dashboard.latent import cached as cache_latent
from dashboard.latent.saving import Kept, chart_config, save_menu
from dashboard.pictures import Pixels, show, strip
from dashboard.shell import state
from dashboard.subject import Subject

Array = NDArray[np.float32]
Found = tuple[NDArray[np.int64], Array]
Near = dict[str, Found]
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
    "and their classes are counted. The lasso needs a mouse or a finger; **Whole classes**, where the data "
    "have classes, selects by keyboard."
)
CLASSES_HELP: Final = (
    "Takes all held-out data of these classes, besides those within the lasso; from the keyboard, too."
)
GAP: Final = 10
NO_BREAK: Final = "\N{NO-BREAK SPACE}"
NEIGHBOUR_SIZE: Final = 56
DATUM: Final = "neighbour_datum"
"""Key of the slider that names the datum whose neighbours are shown."""
MAX_SELECTABLE: Final = 2000


@st.fragment
def neighbours(shown: Subject) -> None:
    """A datum, what the model makes of it, and what lies next to it in two spaces."""
    data = cache.encoded(shown)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        row = _datum(data)
        kind = _switch("Decoded", ("mean", "sample"), "neighbour_kind", PICTURE_HELP)
        made = decoded(shown, data.means[row], sample=kind == "sample")
        pictures(shown, np.stack([data.x[row], made]), size=150, alt="The datum, and what is decoded.")
        _terms(shown, data, row)
    with right:
        metric = _switch("Distance", ("euclidean", "cosine"), "neighbour_metric", NEIGHBOURS_HELP)
        near = _near(data, row, "cosine" if metric == "cosine" else "euclidean")
        if shown.image_shape is None:
            _neighbours_chart(data, row, made, near)
        for space, found in near.items():
            _neighbours(shown, data, space, found)
    with left:
        kept = [_kept(shown, data, space, found) for space, found in near.items()]
        save_menu(_kept_datum(shown, data, row, made), *kept)


def _kept_datum(shown: Subject, data: cache.Encoded, row: int, made: Array) -> Kept:
    pair = np.stack([data.x[row], made])
    arrays = {"row": np.array(row), "x": data.x[row], "decoded": made}
    arrays |= {"mean": data.means[row], "std": data.stds[row]}
    pixels = picture_strip(shown, pair, 150, GAP)
    return Kept(title="The datum and what is decoded", file="datum", arrays=arrays, pixels=pixels)


def chosen_datum(num_data: int) -> int:
    """The datum whose neighbours are shown; what another run with more data left is brought within these."""
    row = state.control(DATUM)
    return min(row, num_data - 1) if isinstance(row, int) else 0


def _datum(data: cache.Encoded) -> int:
    state.set_control(DATUM, chosen_datum(len(data.x)))
    row = st.slider("Datum", 0, len(data.x) - 1, key=DATUM, help=DATUM_HELP, persist_state="session")
    st.caption(CHOICE_HINT)
    return row


def _near(data: cache.Encoded, row: int, metric: Literal["cosine", "euclidean"]) -> Near:
    spaces = (("latent space", data.means), ("data space", data.x))
    return {space: cache_latent.neighbours(points, row, metric) for space, points in spaces}


@st.fragment
def selection(shown: Subject, plane: tuple[int, int]) -> None:
    """A plane to select in: the decoded mean of the selected data, and how many there are of each class."""
    data = cache.encoded(shown)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        chosen = _selected(shown, data, plane)
    with right:
        chosen = sorted({*chosen, *_of_classes(shown, data)})
        if not chosen:
            st.info("Select some data, by lasso or by class: they are decoded as one.")
            return
        mean = data.means[chosen].mean(0)
        made = decoded(shown, mean)[None]
        pictures(shown, made, size=220, alt="Decoded mean of the selected data.")
        st.markdown(f"**{len(chosen)} data** · {_counts(shown, data.labels[chosen])}")
        arrays = {"rows": np.array(chosen), "z": mean, "x": made[0]}
        pixels = picture_strip(shown, made, 220, GAP)
        title = "Decoded mean of the selected"
        save_menu(Kept(title=title, file="selected-mean", arrays=arrays, pixels=pixels))


def _of_classes(shown: Subject, data: cache.Encoded) -> list[int]:
    present = [label for label in np.unique(data.labels).tolist() if label >= 0]
    if not present:
        return []
    names = {label: shown.class_names[label] for label in present}
    picked = st.pills(
        "Whole classes",
        present,
        selection_mode="multi",
        key="selected_classes",
        format_func=lambda label: names[label],
        help=CLASSES_HELP,
    )
    return np.flatnonzero(np.isin(data.labels, picked)).tolist()


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
        config=chart_config("latent-selection"),
    )
    if len(data.x) > MAX_SELECTABLE:
        st.caption(
            f"The first {MAX_SELECTABLE:,} of {len(data.x):,} held-out data; whole classes have them all."
        )
    return chosen_rows(event.selection.points, data.labels[rows])


def _switch(label: str, options: tuple[str, str], key: str, help_text: str) -> str:
    return st.segmented_control(label, options, default=options[0], required=True, key=key, help=help_text)


def decoded(shown: Subject, z: Array, *, sample: bool = False) -> Array:
    """E[x|z], or one draw from p(x|z), shape (D,)."""
    points = z[None].astype(np.float32)
    return (cache_latent.sample(shown, points) if sample else cache.decode(shown, points))[0]


def picture_strip(shown: Subject, x: Array, size: int, gap: int) -> Pixels | None:
    """Data side by side as a picture; None where they are points."""
    return None if shown.image_shape is None else strip(x, shown.image_shape, size=size, gap=gap)


def pictures(shown: Subject, x: Array, *, size: int, alt: str, names: list[str] | None = None) -> None:
    """Data side by side, or as numbers where they are points, each after its name if it has one."""
    pixels = picture_strip(shown, x, size, GAP)
    if pixels is not None:
        show(pixels, alt=alt)
        return
    texts = [f"({', '.join(signed(value) for value in row)})" for row in x.tolist()]
    if names is None:
        st.markdown(" → ".join(texts))
    else:
        st.markdown(" · ".join(f"{name} **{text}**" for name, text in zip(names, texts, strict=True)))


def _terms(shown: Subject, data: cache.Encoded, row: int) -> None:
    label = int(data.labels[row])
    name = "" if label < 0 else f"Class **{shown.class_names[label]}**: "
    mean, std = (", ".join(map(signed, values[row][:6].tolist())) for values in (data.means, data.stds))
    st.markdown(f"{name}mean **({mean})**, standard deviation **({std})**")
    terms = [signed(float(values[row])) for values in (data.reconstruction, data.kl, data.elbo)]
    if shown.config.model.encoder_head == "deterministic":
        st.markdown(f"reconstruction **{terms[0]}** nats; without q(z|x) there is no KL and no bound")
        return
    st.markdown(f"reconstruction **{terms[0]}** − KL **{terms[1]}** = ELBO **{terms[2]}** nats")


def _neighbours(shown: Subject, data: cache.Encoded, space: str, found: Found) -> None:
    rows, distances = found
    what = "class and distance" if (data.labels >= 0).any() else "distance"
    st.markdown(f"Nearest in **{space}**: {what}")
    pixels = picture_strip(shown, data.x[rows], NEIGHBOUR_SIZE, 4)
    if pixels is not None:
        show(pixels, alt=f"The nearest data in {space}.")
    near = zip(data.labels[rows].tolist(), distances.tolist(), strict=True)
    names = (
        (f"{away:.2f}" if label < 0 else f"{shown.class_names[label]} {away:.2f}").replace(" ", NO_BREAK)
        for label, away in near
    )
    st.caption(" · ".join(names))


def _neighbours_chart(data: cache.Encoded, row: int, made: Array, near: Near) -> None:
    rows = {space: found[0] for space, found in near.items()}
    figure = neighbours_figure(data.x, row, made, rows, theme=state.theme_name())
    alt = (
        f"Datum {row} among the data, what is decoded for it, and its neighbours in latent and in data space."
    )
    st.plotly_chart(figure, key="neighbours", alt=alt, config=chart_config("neighbours"))


def _kept(shown: Subject, data: cache.Encoded, space: str, found: Found) -> Kept:
    rows, distances = found
    arrays = {"rows": rows, "distances": distances, "x": data.x[rows], "means": data.means[rows]}
    pixels = picture_strip(shown, data.x[rows], NEIGHBOUR_SIZE, 4)
    file = f"nearest-in-{space.replace(' ', '-')}"
    return Kept(title=f"Nearest in {space}", file=file, arrays=arrays, pixels=pixels)


def chosen_rows(points: list[dict[str, int]], labels: NDArray[np.int32]) -> list[int]:
    """Rows of the selected points; the figure has a trace for each class, a point its place in its trace."""
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return [int(members[point["curve_number"]][point["point_index"]]) for point in points]


def _counts(shown: Subject, labels: NDArray[np.int32]) -> str:
    values, counts = np.unique(labels, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    pairs = ((int(values[i]), int(counts[i])) for i in order)
    return ", ".join(f"{count} × {'?' if label < 0 else shown.class_names[label]}" for label, count in pairs)
