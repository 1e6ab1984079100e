"""Known causes of made images: what each latent dimension says about each, and a cause beside a dimension."""

from typing import Final

import numpy as np
import streamlit as st

from dashboard.cached import decode, encoded
from dashboard.components.chart.element import draw_chart
from dashboard.elbo import cached as cache
from dashboard.figures.causes import information_figure
from dashboard.formats import signed
from dashboard.pictures import show_examples
from dashboard.shell import pages, state
from dashboard.shell.choice import choose_example, numbered
from dashboard.subject import SPLITS, Split, Subject
from vae_core.data import DATASET_INFO

HELP: Final = (
    r"$I(z_j; v_k) = \sum_v p(v) \int q(z_j|v) \log \frac{q(z_j|v)}{q(z_j)}\,dz_j$ in nats, with $v_k$ a "
    r"cause of the image and $z \sim q(z|x)$: 0 where the dimension says nothing about it, $H(v_k)$ where it "
    r"says all. The mutual information gap, "
    r"$\mathrm{MIG} = \frac1K\sum_k (I_{\text{best}} - I_{\text{second}})/H(v_k)$, is 1 where each cause has "
    "one dimension of its own (Chen et al. 2018)."
)
TRAVERSE_HELP: Final = (
    "**The true cause**: the image drawn again with another value of one cause. **Reconstructed**: what the "
    "model makes of these. **The dimension**: the code of the example with another value of one z, decoded. "
    "A dimension that is the cause changes the image as the cause does."
)
_CAUSE_HELP: Final = "The cause whose values the first row goes through."
_DIM_HELP: Final = "The dimension that the last row goes through, from the least to the largest of its codes."
_SIZE: Final = 56
_STEPS: Final = 9


def draw(shown: Subject, split: Split) -> None:
    """The matrix with its gap, and below it a cause beside a dimension."""
    if not _is_made(shown):
        titles = [info.title for info in DATASET_INFO.values() if info.has_causes]
        st.info(
            f"Nobody knows the causes of these examples. {', '.join(titles[:-1])} and {titles[-1]} are "
            "made from known ones: train on one of these."
        )
        pages.to_train("Train on Sprites", dataset="sprites", latent_dim=8)
        return
    found = cache.causes(shown, split)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        draw_chart(
            information_figure(found.information, found.entropy, found.names, theme=state.theme_name()),
            key="causes",
            alt="Mutual information of causes and dimensions: " + _said(found),
        )
    with right:
        st.metric("Mutual information gap", f"{found.gap:.3f}", help=shown.written(HELP))
        st.markdown(_said(found))
        st.caption(
            f"The first {found.num_examples:,} {SPLITS[split]} examples, in nats; H(v) is the entropy of a "
            "cause. Chance alone, causes shuffled among these examples, gives up to "
            f"{found.by_chance:.2f} nats."
        )
    st.header("The true cause beside a dimension", help=TRAVERSE_HELP)
    _traverse(shown, split, found)


def _is_made(shown: Subject) -> bool:
    """Whether the images are made from known causes; numbers that somebody brought beside x cause nothing."""
    info = DATASET_INFO.get(shown.config.dataset)
    return info is not None and info.has_causes


def _said(found: cache.Causes) -> str:
    best = found.information.argmax(axis=1)
    parts = [
        f"{name}: z{dim + 1} with {row[dim]:.2f} of {entropy:.2f}"
        for name, row, entropy, dim in zip(found.names, found.information, found.entropy, best, strict=True)
    ]
    return "; ".join(parts) + "."


@st.fragment
def _traverse(shown: Subject, split: Split, found: cache.Causes) -> None:
    examples, columns = encoded(shown, split), st.columns(3)
    with columns[0]:
        row = choose_example(f"elbo_example_{split}", len(examples.x), "The example whose cause is changed.")
    with columns[1]:
        if state.control("causes_cause") not in found.names:
            state.set_control("causes_cause", found.names[0])
        cause = st.selectbox(
            "Cause", found.names, key="causes_cause", help=_CAUSE_HELP, persist_state="session"
        )
        state.draw_address("causes")
    place = found.names.index(cause) if cause in found.names else 0
    best = int(found.information[place].argmax())
    with columns[2]:
        # A key for each cause: the dimension begins with the one that says most about it.
        key = f"causes_dim_{place}"
        if state.control(key) is None:
            state.set_control(key, best + 1)
        dim = numbered("Dimension of z", 1, examples.means.shape[1], key=key, help_text=_DIM_HELP) - 1
    x, codes = cache.traversal(shown, split, row, cause)
    z = np.repeat(examples.means[row : row + 1], _STEPS, axis=0)
    z[:, dim] = np.linspace(examples.means[:, dim].min(), examples.means[:, dim].max(), _STEPS)
    shape = shown.image_shape
    st.markdown(f"**The true cause:** {cause}")
    show_examples(x, shape, size=_SIZE, gap=4, alt=f"The example with each value of {cause}.")
    st.markdown("**Reconstructed**")
    show_examples(decode(shown, codes), shape, size=_SIZE, gap=4, alt="Reconstructions of the images above.")
    st.markdown(f"**The dimension:** z{dim + 1}, from {signed(z[0, dim], 1)} to {signed(z[-1, dim], 1)}")
    show_examples(decode(shown, z), shape, size=_SIZE, gap=4, alt=f"Decoded images along z{dim + 1}.")
    moved = np.ptp(codes, axis=0)
    most = int(moved.argmax())
    other = "" if dim == most else f"; in z{dim + 1} by {moved[dim]:.2f}"
    st.caption(
        f"While {cause} goes through its values, the code of these images moves most in z{most + 1}, by "
        f"{moved[most]:.2f}{other}."
    )
