"""Nats become bytes: the images of the page in a file whose length is the bound, and out of it again.

It stands beside the bound, since that is what it measures: a teacher who has said "nats" holds a file here.
"""

from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.components.chart.element import draw_chart
from dashboard.figures.bits_back import lengths_figure, sizes_figure
from dashboard.formats import rounded, signed
from dashboard.pictures import show_examples, small_png
from dashboard.runs.tasks import task_key, tasks
from dashboard.shell import browser, state
from dashboard.shell.choice import one_of
from dashboard.shell.task_line import task_line
from dashboard.subject import SPLITS, Split, Subject
from vae_core.config import EncoderHead
from vae_core.labs.bits_back.limits import MAX_IMAGES, MAX_LATENT_DIM

Arrays = dict[str, NDArray[Any]]
HELP: Final = (
    r"For each image, on a stack of bits: **pop** $z$ from $q(z|x)$, which takes $-\log_2 q(z|x)$ bits off; "
    r"**push** $x$ under $p(x|z)$; **push** $z$ under $p(z)$. On average the stack grows by "
    r"$\mathbb{E}_q[\log_2 q(z|x) - \log_2 p(x|z) - \log_2 p(z)] = -\mathrm{ELBO}/\ln 2$ bits: the bits that "
    "chose z come back when it is decoded (Hinton and van Camp 1993; Townsend, Bird and Barber 2019)."
)
PIXELS: Final = {"binary": "black and white", "grey": "all grey levels"}
PIXELS_HELP: Final = (
    "**Black and white**: a pixel is white from one half on; the Bernoulli is then a true mass function. "
    r"**All grey levels** $k/n$: $p(k|z) \propto e^{u k/n}$ with the decoder's output $u$, for a Gaussian "
    "likelihood its mass between the middles of two levels. No mass function of more than two levels has the "
    "Bernoulli score up to a constant, so grey images have a bound of their own."
)
START_HELP: Final = (
    "Writes the file, decodes its bytes again, and compares. It takes seconds for small images, in the "
    "background."
)
_STRIP: Final = 12
HOW: Final[dict[EncoderHead, str]] = {
    "mixture": (
        r"q is a mixture here: $z_1$ is popped under the mixture of its components' masses, which then count "
        "by the mass that each has there for $z_2$, and so on. That is q, exactly."
    ),
    "flow": (
        r"q is a flow here, $z = z(\varepsilon)$, and no interval of z has a known mass. Local bits-back "
        r"coding (Ho, Lohn and Abbeel 2019): **pop** $\varepsilon$ under $\mathcal{N}(0, I)$, **pop** z "
        r"under a narrow Gaussian around $z(\varepsilon)$, what the flow makes of "
        r"$\mathcal{N}(\varepsilon, s^2 I)$, and **push** $\varepsilon$ under "
        r"$\mathcal{N}(\varepsilon(z), s^2 I)$, $s = 0.02$. It begins with more random bits, and costs a "
        "little more where the flow bends within s."
    ),
}


def draw(shown: Subject, split: Split) -> None:
    """The choice of pixels, the button, and what became of it.

    Arguments:
        shown: The model, with a density.
        split: Which images.
    """
    model = shown.config.model
    if model.latent_dim > MAX_LATENT_DIM:
        st.info(f"Bits-back coding here takes at most {MAX_LATENT_DIM} latent dimensions.")
        return
    x = shown.examples(split)[0][:MAX_IMAGES].numpy()
    if x.min() < 0 or x.max() > 1:
        st.info("Bits-back coding here is of images in [0, 1]: choose a run on images.")
        return
    first = "binary" if model.likelihood == "bernoulli" else "grey"
    pixels = one_of("Pixels", PIXELS, key="bits_back_pixels", help_text=PIXELS_HELP, default=first)
    # Not of the weights: the newest result stays on the page while the run goes on.
    name = task_key("bits_back", shown.source, split, shown.data.digest, pixels)
    result = tasks().result(name)
    is_old = result is not None and str(result["digest"]) != shown.run.digest
    if result is None:
        st.markdown(
            "How short is a file from which the images come back exactly? With this model −ELBO / ln 2 bits: "
            "write it, and see it beside PNG, gzip and xz."
        )
    if model.encoder_head in HOW:
        st.caption(shown.written(HOW[model.encoder_head]))
    if result is None or is_old:
        arguments = (shown.source, str(shown.config.seed), pixels)
        task_line(
            name,
            key="bits_back",
            label="Write it again" if is_old else f"Write {len(x):,} {SPLITS[split]} images into a file",
            doing="Coding …",
            help_text=START_HELP,
            start=lambda: tasks().start(
                name, "bits_back", *arguments, owner=browser.token(), inputs={"x": x}
            ),
        )
    if result is None:
        return
    if is_old:
        st.caption(f"Written at step {int(result['step']):,}; the weights have changed since.")
    _result(result, shown)


def _result(found: Arrays, shown: Subject) -> None:
    content, bound = found["content"].tobytes(), float(found["bound"].sum()) / 8
    count = len(found["bound"])
    over = 100 * (len(content) / bound - 1)
    columns = st.columns(3)
    columns[0].metric("The file", f"{len(content):,} bytes", border=True)
    columns[1].metric("−ELBO / ln 2", f"{bound:,.0f} bytes", border=True, help=_bound_help(found))
    columns[2].metric("The file is longer by", f"{signed(over, 1)} %", border=True, help=_over_help(found))
    _proof(found, count, shown.image_shape)
    st.download_button(
        "Download the file",
        content,
        f"{shown.run.digest[:8]}.bitsback",
        "application/octet-stream",
        key="bits_back_file",
        on_click="ignore",
        icon=":material/download:",
        help="The bytes that were decoded. They open with the weights of this run and with nothing else.",
    )
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Beside other formats")
        sizes = _sizes(found, shown)
        figure = sizes_figure(sizes, bound, theme=state.theme_name())
        alt = "; ".join(f"{name} {size:,} bytes" for name, size in sizes.items())
        draw_chart(figure, key="bits_back_sizes", alt=f"{alt}.")
        st.caption(
            "gzip, xz and PNG know nothing of these images beforehand; the model was trained on others of "
            "their kind, and its weights are not in the file."
        )
    with right:
        st.subheader("Image by image")
        figure = lengths_figure(found["lengths"], found["bound"], theme=state.theme_name())
        grown = (found["lengths"][-1] - found["lengths"][0]) / count
        alt = f"The stack grows by {grown:.1f} bits for each of {count} images."
        draw_chart(figure, key="bits_back_lengths", alt=alt)
        st.caption(
            f"{grown:.2f} bits an image; −ELBO / ln 2 is {found['bound'].mean():.2f} ± "
            f"{rounded(float(found['bound_error']), 1)} (samples of z). Each z is one draw: the two lines "
            "wander round each other."
        )


def _proof(found: Arrays, count: int, image_shape: tuple[int, ...] | None) -> None:
    if not bool(found["is_identical"]):
        st.error("What was decoded differs from what was coded: the file is of no use.")
        return
    bits = round(float(found["lengths"][0]))
    back = (
        f"and the {bits} random bits that the stack began with are on it again" if found["came_back"] else ""
    )
    st.markdown(f"Decoded from these bytes: **all {count:,} images identical**, value by value, {back}.")
    if image_shape is not None:
        decoded = (found["decoded"][:_STRIP] / float(found["num_steps"])).astype(np.float32)
        show_examples(decoded, image_shape, size=72, gap=6, alt="The first images, decoded.")


def _sizes(found: Arrays, shown: Subject) -> dict[str, int]:
    sizes = {"raw": int(found["raw"])}
    if shown.image_shape is not None:
        sizes["PNG"] = len(small_png(found["decoded"], int(found["num_steps"]), shown.image_shape))
    sizes |= {"gzip": int(found["gzip"]), "xz": int(found["xz"])}
    return sizes | {"this model": found["content"].size}


def _bound_help(found: Arrays) -> str:
    levels = int(found["num_steps"]) + 1
    return (
        f"Of the images as they are coded, with {levels} levels a pixel, summed: the ELBO of grey images on "
        "the other views is another one."
    )


def _over_help(found: Arrays) -> str:
    grown = float(found["lengths"][-1] - found["lengths"][0])
    spare = 8 * found["content"].size - float(found["lengths"][-1])
    return (
        f"All is counted: {float(found['lengths'][0]):.0f} random bits, from which the first image draws its "
        f"z, {grown:,.0f} bits for the images, {spare:.0f} for the header and for the ends of the coder's "
        "heads. Rounding probabilities to 16 bits and z to buckets is in the second."
    )
