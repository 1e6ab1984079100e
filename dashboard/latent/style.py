"""z of one example of a conditional run, decoded with every class (style transfer), or along a number y."""

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
NUMBER_HELP: Final = (
    r"$\mathbb{E}[x|z, y']$ while $y'$ goes from the 5 % to the 95 % quantile of the training part, at the "
    "mean $z$ of $q(z|x, y)$ of one example $x$: z is kept, and the number moved."
)
EXAMPLE_HELP: Final = "Which of the held-out examples gives its z."
NOTE: Final = (
    "What all of them share is what z says beside the class (of digits: slant, width, stroke); what differs "
    "is what the decoder makes of y. Where z says nothing, every example gives the same row."
)
NUMBER_NOTE: Final = (
    "What changes along the row is what the decoder makes of y; what stays is what z says. Where nothing "
    "changes, the model does without y."
)
MAX_CLASSES: Final = 60
STEPS: Final = 9
SIZE: Final = 64
EXAMPLE: Final = "style_example"


def title(shown: Subject) -> str:
    """Of the section."""
    return "Traverse y" if shown.is_given_number else "Style transfer"


def help_of(shown: Subject) -> str:
    """What the section shows, as a formula."""
    return NUMBER_HELP if shown.is_given_number else HELP


@st.fragment
def draw(shown: Subject) -> None:
    """The example, and its z decoded with other y; of a run that was given one."""
    assert shown.conditional is not None
    assert shown.y is not None
    known, examples = shown.conditional.known, encoded(shown)
    assert known is not None, "a conditional run has a y"
    row = choose_example(EXAMPLE, len(examples.x), EXAMPLE_HELP)
    values = _values(shown, known.num_values)
    decoded = cache.with_each_y(shown, row, values)
    x = np.concatenate([examples.x[row][None], decoded])
    titles = [f"the example, y = {plain(shown.name_of_y)}"]
    titles += [f"y′ = {plain(known.written(value))}" for value in values]
    if shown.image_shape is None:
        show_examples(x, None, size=SIZE, alt="", names=titles, columns=shown.columns)
    else:
        with st.container(horizontal=True, gap="small", key="style_row"):
            for one, name in zip(x, titles, strict=True):
                with st.container(width="content", gap="xxsmall"):
                    pixels = example_strip(one[None], shown.image_shape, size=SIZE)
                    assert pixels is not None
                    show(pixels, alt=name)
                    st.caption(name)
    st.caption(NUMBER_NOTE if shown.is_given_number else NOTE)
    if not shown.is_given_number and known.num_values > MAX_CLASSES:
        st.caption(f"The first {MAX_CLASSES} of {known.num_values} classes.")
    pixels = example_strip(x, shown.image_shape, size=SIZE)
    arrays = {"x": x[0], "decoded": decoded, "z": examples.means[row], "y": np.array(shown.y)}
    arrays["values"] = np.array(values)
    file = "traversal-y" if shown.is_given_number else "style-transfer"
    save_menu(Kept(title=title(shown), file=file, arrays=arrays, pixels=pixels))


def _values(shown: Subject, num_classes: int) -> tuple[float, ...]:
    """The y that are decoded."""
    if shown.is_given_number:
        return cache.quantiles_of_y(shown, STEPS)
    return tuple(range(min(num_classes, MAX_CLASSES)))
