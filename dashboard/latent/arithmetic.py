"""Classes in the latent space: what the decoder makes of their means, and sums with them."""

from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import cached as cache
from dashboard.latent.points import DATUM_HELP, decoded, picture_strip, pictures
from dashboard.latent.saving import Kept, save_menu
from dashboard.subject import Subject

Array = NDArray[np.float32]
ARITHMETIC_HELP: Final = (
    r"$z' = z + t\,(\bar z_A - \bar z_B)$ with $\bar z_A$ the mean of the posterior means of class A: "
    "what makes an A an A is added to the datum, what makes a B a B is taken away."
)
MEANS_HELP: Final = (
    r"$\mathbb{E}[x|\bar z_c]$ with $\bar z_c = \frac{1}{n_c}\sum_{i: y_i = c} \mu(x_i)$: what the decoder "
    "makes of the middle of each class. Where classes are torn apart, the middle may be nowhere near them."
)
STEPS: Final = 6
SIZE: Final = 88
GAP: Final = 10


@st.fragment
def draw(shown: Subject) -> None:
    """The class means decoded, then a datum plus the difference of two of them."""
    data = cache.encoded(shown)
    labels, means = class_means(data)
    if len(labels) < 2:
        st.info("These data have no two classes to subtract.")
        return
    _means(shown, labels, means)
    _sum(shown, data, labels, means)


def class_means(data: cache.Encoded) -> tuple[list[int], Array]:
    """Labels that occur, ascending, and the mean of their posterior means, shape (C, J)."""
    import torch

    from vae_core.latent.decode import class_means as means_of

    found = means_of(torch.from_numpy(data.means), torch.from_numpy(data.labels))
    return found.labels.tolist(), found.means.numpy()


def _means(shown: Subject, labels: list[int], means: Array) -> None:
    st.markdown("**Class means, decoded**", help=MEANS_HELP)
    x = cache.decode(shown, means)
    names = [shown.class_names[label] for label in labels]
    if shown.image_shape is None:
        pictures(shown, x, size=SIZE, alt="", names=names)
    else:
        with st.container(horizontal=True, gap="small"):
            for name, one in zip(names, x, strict=True):
                with st.container(width="content", gap=None):
                    pictures(shown, one[None], size=SIZE, alt=f"Decoded mean of class {name}.")
                    st.caption(name, text_alignment="center")
    arrays = {"labels": np.array(labels), "z": means, "x": x}
    save_menu(
        Kept(
            title="Class means", file="class-means", arrays=arrays, pixels=picture_strip(shown, x, SIZE, GAP)
        )
    )


def _sum(shown: Subject, data: cache.Encoded, labels: list[int], means: Array) -> None:
    st.markdown("**A datum plus class A minus class B**", help=ARITHMETIC_HELP)
    columns = st.columns(4)
    with columns[0]:
        row = st.slider("Datum", 0, len(data.x) - 1, 0, key="arithmetic_datum", help=DATUM_HELP)
    with columns[1]:
        plus = _class(shown, "Plus class A", "arithmetic_plus", labels, labels[0])
    with columns[2]:
        minus = _class(shown, "Minus class B", "arithmetic_minus", labels, int(data.labels[row]))
    with columns[3]:
        share = st.slider("Share t", 0.0, 2.0, 1.0, 0.05, key="arithmetic_share", help=ARITHMETIC_HELP)
    step = means[labels.index(plus)] - means[labels.index(minus)]
    z = data.means[row] + share * np.linspace(0, 1, STEPS, dtype=np.float32)[:, None] * step
    x = np.stack([data.x[row], *(decoded(shown, place) for place in z)])
    pictures(shown, x, size=110, alt="The datum, and decoded steps from it to the sum.")
    st.caption("Left the datum, then its reconstruction, then step by step to the sum on the right.")
    arrays = {"datum": x[0], "z": z, "x": x[1:]}
    pixels = picture_strip(shown, x, 110, GAP)
    save_menu(Kept(title="From the datum to the sum", file="class-arithmetic", arrays=arrays, pixels=pixels))


def _class(shown: Subject, label: str, key: str, present: list[int], default: int) -> int:
    index = present.index(default) if default in present else 0
    return st.selectbox(
        label, present, index, key=key, format_func=lambda k: shown.class_names[k], help=ARITHMETIC_HELP
    )
