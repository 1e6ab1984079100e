"""Class arithmetic in the latent space: class means decoded, and their difference added to an example."""

from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.cached import Encoded, decode, encoded
from dashboard.latent.neighbours import EXAMPLE_HELP
from dashboard.latent.saving import Kept, save_menu
from dashboard.pictures import example_strip, show_examples
from dashboard.shell import state
from dashboard.shell.choice import number_between, numbered
from dashboard.subject import Subject

Array = NDArray[np.float32]
ARITHMETIC_HELP: Final = (
    r"$z' = z + t\,(\bar z_A - \bar z_B)$ with $\bar z_A$ the mean of the posterior means of class A: "
    "the difference of the two class means is added to the example."
)
MEANS_HELP: Final = (
    r"$\mathbb{E}[x|\bar z_c]$ with $\bar z_c = \frac{1}{n_c}\sum_{i: y_i = c} \mu(x_i)$: what the decoder "
    "makes of the mean of each class. Where a class has several clusters, its mean may be near none of them."
)
OF_CONDITIONAL: Final = (
    "A conditional model is told the class, so its z is left with what the class does not tell, and a "
    "difference of class means has nothing to add. Here the class itself is exchanged: see **Style "
    "transfer** above."
)
OF_NUMBER: Final = (
    "A conditional model is told a number, and the examples here are those nearest to one value of it: z is "
    "left with what y does not tell. Not a difference of class means, but y itself moves an example: see "
    "**Traverse y** above."
)
STEPS: Final = 6
MEANS_SIZE: Final = 88
SIZE: Final = 110


@st.fragment
def draw(shown: Subject) -> None:
    """The class means decoded, then an example plus the difference of two of them."""
    if shown.y is not None:
        st.info(OF_NUMBER if shown.is_given_number else OF_CONDITIONAL)
        return
    examples = encoded(shown)
    labels, means = class_means(examples)
    if len(labels) < 2:
        st.info("These examples have no two classes to subtract.")
        return
    st.markdown("**Class means, decoded**", help=MEANS_HELP)
    _means(shown, labels, means)
    st.markdown("**An example plus class A minus class B**", help=ARITHMETIC_HELP)
    _sum(shown, examples, labels, means)


def class_means(examples: Encoded) -> tuple[list[int], Array]:
    """Labels that occur, ascending, and the mean of their posterior means, shape (C, J)."""
    import torch

    from vae_core.latent.decode import class_means as means_of

    found = means_of(torch.from_numpy(examples.means), torch.from_numpy(examples.labels))
    return found.labels.tolist(), found.means.numpy()


def _means(shown: Subject, labels: list[int], means: Array) -> None:
    x, shape = decode(shown, means), shown.image_shape
    names = [shown.class_names[label] for label in labels]
    if shape is None:
        show_examples(x, shape, size=MEANS_SIZE, alt="", names=names, columns=shown.columns)
    else:
        with st.container(horizontal=True, gap="small"):
            for name, one in zip(names, x, strict=True):
                with st.container(width="content", gap=None):
                    show_examples(one[None], shape, size=MEANS_SIZE, alt=f"Decoded mean of class {name}.")
                    st.caption(name, text_alignment="center")
    arrays = {"labels": np.array(labels), "z": means, "x": x}
    pixels = example_strip(x, shape, size=MEANS_SIZE)
    save_menu(Kept(title="Class means", file="class-means", arrays=arrays, pixels=pixels))


def _sum(shown: Subject, examples: Encoded, labels: list[int], means: Array) -> None:
    columns = st.columns(4)
    with columns[0]:
        last = len(examples.x) - 1
        row = numbered("Example", 0, last, key="arithmetic_example", help_text=EXAMPLE_HELP)
    with columns[1]:
        plus = _class(shown, "Plus class A", "arithmetic_plus", labels, labels[0])
    with columns[2]:
        minus = _class(shown, "Minus class B", "arithmetic_minus", labels, int(examples.labels[row]))
    with columns[3]:
        share = number_between("Share t", 0.0, 2.0, 0.05, key="arithmetic_share", help_text=ARITHMETIC_HELP)
    state.draw_address("arithmetic")
    step = means[labels.index(plus)] - means[labels.index(minus)]
    z = examples.means[row] + share * np.linspace(0, 1, STEPS, dtype=np.float32)[:, None] * step
    x = np.concatenate([examples.x[row : row + 1], decode(shown, z.astype(np.float32))])
    alt = "The example, and decoded steps from it to the sum."
    steps = [f"step {number}" for number in range(1, STEPS)]
    names = ("example", "reconstruction", *steps)
    show_examples(x, shown.image_shape, size=SIZE, alt=alt, names=names, columns=shown.columns)
    st.caption("Left the example, then its reconstruction, then step by step to the sum on the right.")
    arrays = {"example": x[0], "z": z, "x": x[1:]}
    pixels = example_strip(x, shown.image_shape, size=SIZE)
    title = "From the example to the sum"
    save_menu(Kept(title=title, file="class-arithmetic", arrays=arrays, pixels=pixels))


def _class(shown: Subject, label: str, key: str, present: list[int], default: int) -> int:
    if state.control(key) not in present:
        state.set_control(key, default if default in present else present[0])
    return st.selectbox(
        label,
        present,
        key=key,
        format_func=lambda k: shown.class_names[k],
        help=ARITHMETIC_HELP,
        persist_state="session",
    )
