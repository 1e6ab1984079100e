"""One example, what the model makes of it, and its neighbours in the latent space and in data space."""

from typing import Final, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.cached import Encoded, encoded
from dashboard.components.chart.element import draw_chart
from dashboard.figures.data_space import neighbours_figure
from dashboard.formats import shown_difference, signed
from dashboard.latent import cached as cache
from dashboard.latent.saving import Kept, chart_config, save_menu
from dashboard.pictures import example_strip, show, show_examples
from dashboard.shell import state
from dashboard.shell.choice import choose_example, one_of
from dashboard.subject import Subject

Array = NDArray[np.float32]
Found = tuple[NDArray[np.int64], Array]
Metric = Literal["euclidean", "cosine"]
METRICS: Final[dict[Metric, str]] = {"euclidean": "euclidean", "cosine": "cosine"}
DECODED: Final = {"mean": "mean", "sample": "sample"}
HELP: Final = (
    "The ten held-out examples nearest to the chosen one: by posterior means in the latent space, and by "
    r"values in data space. Euclidean: $\|a - b\|$. Cosine: $1 - a\cdot b / (\|a\|\,\|b\|)$."
)
DECODED_HELP: Final = (
    r"The decoder's mean $\mathbb{E}[x|z]$, or a sample from $p(x|z)$: the output is a distribution, "
    "not a picture. Both at the posterior mean of the example."
)
EXAMPLE_HELP: Final = "Which held-out example; the arrow keys go to the next."
CHOICE_HINT: Final = "A click on a point of the latent plane above chooses its example, too."
NO_BREAK: Final = "\N{NO-BREAK SPACE}"
SIZE: Final = 150
NEIGHBOUR_SIZE: Final = 56
EXAMPLE: Final = "neighbour_example"
"""Key of the slider that names the example whose neighbours are shown."""


@st.fragment
def draw(shown: Subject) -> None:
    """The example and its decoded mean or sample on the left, its neighbours on the right."""
    examples = encoded(shown)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        row = _choose(len(examples.x))
        kind = one_of("Decoded", DECODED, key="neighbour_kind", help_text=shown.written(DECODED_HELP))
        made = cache.decode_one(shown, examples.means[row], sample=kind == "sample")
        pair = np.stack([examples.x[row], made])
        alt = "The example, and what is decoded."
        names = ("example", "decoded")
        show_examples(pair, shown.image_shape, size=SIZE, alt=alt, names=names, columns=shown.columns)
        _terms(examples, row, shown)
    with right:
        metric = one_of("Distance", METRICS, key="neighbour_metric", help_text=HELP)
        state.draw_address("neighbours")
        near = {
            space: cache.neighbours(points, row, metric)
            for space, points in (("latent space", examples.means), ("data space", examples.x))
        }
        if shown.image_shape is None:
            found = {space: rows for space, (rows, _) in near.items()}
            _chart(examples.x[:], row, made, found, shown.columns)
        if len(examples.x) == 1:
            st.info("There is one held-out example, so it has no neighbours.")
            near = {}
        kept = [
            _neighbours(examples, space, found, shown.image_shape, shown.class_names)
            for space, found in near.items()
        ]
    with left:
        arrays = {"row": np.array(row), "x": examples.x[row], "decoded": made}
        arrays |= {"mean": examples.means[row], "std": examples.stds[row]}
        pixels = example_strip(pair, shown.image_shape, size=SIZE)
        title = "The example and what is decoded"
        save_menu(Kept(title=title, file="example", arrays=arrays, pixels=pixels), *kept)


def _choose(count: int) -> int:
    row = choose_example(EXAMPLE, count, EXAMPLE_HELP)
    st.caption(CHOICE_HINT)
    return row


def _terms(examples: Encoded, row: int, shown: Subject) -> None:
    label = int(examples.labels[row])
    name = "" if label < 0 else f"Class **{shown.class_names[label]}**: "
    mean, std = (
        ", ".join(map(signed, values[row][:6].tolist())) for values in (examples.means, examples.stds)
    )
    st.markdown(f"{name}mean **({mean})**, standard deviation **({std})**")
    first, second = float(examples.reconstruction[row]), float(examples.kl[row])
    reconstruction, kl, elbo = map(signed, (first, second, shown_difference(first, second)))
    if shown.is_deterministic:
        without = shown.written("without q(z|x) there is no KL and no bound")
        st.markdown(f"reconstruction **{reconstruction}** nats; {without}")
        return
    each = " of each component of q" if shown.config.model.draws_of_each > 1 else ""
    st.markdown(f"reconstruction **{reconstruction}** − KL **{kl}** = ELBO **{elbo}** nats")
    st.caption(f"Estimated with one sample of z{each}; **ELBO**, One example, has it without that noise.")


def _neighbours(
    examples: Encoded,
    space: str,
    found: Found,
    image_shape: tuple[int, ...] | None,
    class_names: tuple[str, ...],
) -> Kept:
    rows, distances = found
    what = "class and distance" if (examples.labels >= 0).any() else "distance"
    st.markdown(f"Nearest in **{space}**: {what}")
    pixels = example_strip(examples.x[rows], image_shape, size=NEIGHBOUR_SIZE, gap=4)
    if pixels is not None:
        show(pixels, alt=f"The nearest examples in {space}.")
    names = (
        (f"{away:.2f}" if label < 0 else f"{class_names[label]} {away:.2f}").replace(" ", NO_BREAK)
        for label, away in zip(examples.labels[rows].tolist(), distances.tolist(), strict=True)
    )
    st.caption(" · ".join(names))
    arrays = {"rows": rows, "distances": distances, "x": examples.x[rows], "means": examples.means[rows]}
    file = f"nearest-in-{space.replace(' ', '-')}"
    return Kept(title=f"Nearest in {space}", file=file, arrays=arrays, pixels=pixels)


def _chart(
    x: Array, row: int, made: Array, near: dict[str, NDArray[np.int64]], columns: tuple[str, ...]
) -> None:
    figure = neighbours_figure(x, row, made, near, theme=state.theme_name(), columns=columns)
    alt = (
        f"Example {row} among the others, what is decoded for it, and its neighbours in latent and in data "
        "space."
    )
    draw_chart(figure, key="neighbours", alt=alt, config=chart_config("neighbours"))
