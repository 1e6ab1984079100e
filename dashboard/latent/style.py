"""Style transfer: z of one example of a conditional run, decoded with every class."""

from typing import Final

import numpy as np
import streamlit as st

from dashboard.cached import encoded
from dashboard.formats import plain
from dashboard.latent import cached as cache
from dashboard.latent.saving import Kept, save_menu
from dashboard.pictures import example_strip, show, show_examples
from dashboard.shell.choice import choose_example
from dashboard.subject import Subject

HELP: Final = (
    r"$\mathbb{E}[x|z, y']$ for every class $y'$, at the mean $z$ of $q(z|x, y)$ of one example $x$ with its "
    "own class $y$: z is kept, and the class exchanged."
)
EXAMPLE_HELP: Final = "Which held-out example of the class y gives its z."
NOTE: Final = (
    "What all of them share is what z says beside the class (of digits: slant, width, stroke); what differs "
    "is what the decoder makes of y. Where z says nothing, every example gives the same row."
)
MAX_CLASSES: Final = 60
SIZE: Final = 64
EXAMPLE: Final = "style_example"


@st.fragment
def draw(shown: Subject) -> None:
    """The example, and its z decoded with each class; of a run that was given a class."""
    assert shown.conditional is not None
    assert shown.label is not None
    examples, names = encoded(shown), shown.conditional.class_names
    row = choose_example(EXAMPLE, len(examples.x), EXAMPLE_HELP)
    decoded = cache.with_each_class(shown, row)[:MAX_CLASSES]
    own = plain(names[shown.label])
    x = np.concatenate([examples.x[row][None], decoded])
    titles = [f"the example, y = {own}", *(f"y′ = {plain(name)}" for name in names[:MAX_CLASSES])]
    if shown.image_shape is None:
        show_examples(x, None, size=SIZE, alt="", names=titles)
    else:
        with st.container(horizontal=True, gap="small", key="style_row"):
            for one, title in zip(x, titles, strict=True):
                with st.container(width="content", gap="xxsmall"):
                    pixels = example_strip(one[None], shown.image_shape, size=SIZE)
                    assert pixels is not None
                    show(pixels, alt=title)
                    st.caption(title)
    st.caption(NOTE)
    if len(names) > MAX_CLASSES:
        st.caption(f"The first {MAX_CLASSES} of {len(names)} classes.")
    pixels = example_strip(x, shown.image_shape, size=SIZE)
    arrays = {"x": x[0], "decoded": decoded, "z": examples.means[row], "y": np.array(shown.label)}
    save_menu(Kept(title="Style transfer", file="style-transfer", arrays=arrays, pixels=pixels))
