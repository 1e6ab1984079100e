"""The ELBO of one image as a surface over the mean of q, and three optimisers that climb it."""

import functools
from typing import Final

import numpy as np
import streamlit as st

from dashboard import cached as cache
from dashboard import pictures
from dashboard.ahead import ahead
from dashboard.compare import cached
from dashboard.compare.cached import NUM_STEPS, SURFACE_REACH
from dashboard.compare.race import RACERS, rates
from dashboard.components.chart.element import draw_chart
from dashboard.figures.optimisers import DEPTH, LEVELS, Descent, descent_figure
from dashboard.formats import signed
from dashboard.shell import state
from dashboard.shell.choice import beside, number_between
from dashboard.subject import pretrained
from dashboard.tables import draw_table
from vae_core.config import TrainConfig

IMAGE: Final = 96
_ENDS: Final = (-SURFACE_REACH, SURFACE_REACH, 0.1)
"""Of a start, and its step."""
SURFACE_HELP: Final = (
    r"$\mathrm{ELBO}(\mu) = \mathbb{E}_{\mathcal{N}(\mu,\,\mathrm{diag}\,\sigma^2)}[\log p(x|z)] - "
    r"\mathrm{KL}(q\,\|\,p(z))$ of one held-out digit under the example model; σ is the encoder's and stays "
    "fixed. Heights are by quadrature. Each step follows the gradient of one sample z, as training does, and "
    "the three see the same noise ε."
)


@st.fragment
def draw_surface() -> None:
    """The controls, the picture, and what the numbers say."""
    chosen = rates("surface_rate")
    index, start = _place()
    racers = tuple(racer.config(rate, TrainConfig()) for racer, rate in zip(RACERS, chosen, strict=True))
    axis, heights = cached.surface(index)
    paths = cached.descents(index, start, racers)
    names = [racer.name for racer in RACERS]
    left, right = st.columns([3, 2], gap="medium")
    with left:
        theme = state.theme_name()
        figure = descent_figure(axis, heights, cached.contours(index, theme), paths, names, theme=theme)
        alt = "Paths over the ELBO. " + " ".join(
            _sentence(name, path) for name, path in zip(names, paths, strict=True)
        )
        draw_chart(figure, key="descent", alt=alt)
    with right:
        _draw_ends(index, paths, names, float(heights.max()))
    z1, z2 = start
    starts = [(other, z2) for other in beside(z1, *_ENDS)] + [(z1, other) for other in beside(z2, *_ENDS)]
    others = (functools.partial(cached.descents, index, other, racers) for other in starts)
    ahead().look(("descents", index, start, racers), others)


def _place() -> tuple[int, tuple[float, float]]:
    last = len(cache.encoded(pretrained()).x) - 1
    example, first, second = st.columns(3, gap="medium")
    with example:
        index = number_between(
            "Held-out digit", 0, last, key="surface_example", help_text="Its ELBO is the surface."
        )
    help_text = "Where all three begin: the mean of q."
    with first:
        z1 = number_between("Start z₁", *_ENDS, key="surface_z1", help_text=help_text)
    with second:
        z2 = number_between("Start z₂", *_ENDS, key="surface_z2", help_text=help_text)
    state.draw_address("surface")
    return index, (z1, z2)


def _sentence(name: str, path: Descent) -> str:
    return f"{name} ends at {signed(float(path.elbo[-1]))} nats."


def _draw_ends(index: int, paths: list[Descent], names: list[str], top: float) -> None:
    x = cache.encoded(pretrained()).x[index]
    ends = np.stack([path.means[-1] for path in paths]).astype(np.float32)
    strip = np.concatenate([x[None], cache.decode(pretrained(), ends)])
    alt = "The digit, then the decoded end of each path: " + ", ".join(names) + "."
    pictures.show(pictures.strip(strip, (8, 8), size=IMAGE), alt=alt)
    st.caption("The digit, then the decoded end of each path: " + ", ".join(names) + ".")
    _draw_table(paths, names)
    st.markdown(_verdict(paths, names, top))
    st.caption(
        f"Brighter is higher: contours every {DEPTH / LEVELS:g} nats, down to {DEPTH:g} below the top. "
        f"{NUM_STEPS} steps. SGD and Adam may stop at a local maximum; momentum may carry over it, or past "
        "the top. The noise of one sample keeps all of them moving, the more the larger η is."
    )


def _draw_table(paths: list[Descent], names: list[str]) -> None:
    rows = []
    for name, path in zip(names, paths, strict=True):
        values = (path.elbo[0], path.elbo[-1], path.elbo.max())
        rows.append((name, *(signed(float(value)) for value in values)))
    draw_table(("ELBO, nats", "start", "end", "best"), rows, title="ELBO along the paths", shows_title=False)


def _verdict(paths: list[Descent], names: list[str], top: float) -> str:
    short = [name for name, path in zip(names, paths, strict=True) if len(path.elbo) <= NUM_STEPS]
    if short:
        return f"**{' and '.join(short)} diverged**: lower the learning rate."
    # The surface is known on a grid: a path may end a little above its highest point.
    top = max(top, *(float(path.elbo.max()) for path in paths))
    missing = {name: top - float(path.elbo[-1]) for name, path in zip(names, paths, strict=True)}
    near = [name for name, gap in missing.items() if gap < 1]
    if len(near) == len(names):
        return f"All three end within one nat of the top, **{signed(top)}** nats."
    verb = "ends" if len(near) < 2 else "end"
    reached = f"{' and '.join(near) or 'none'} {verb} within one nat of it"
    far = max(missing, key=lambda name: missing[name])
    return f"The top is **{signed(top)}** nats: {reached}, **{far}** {missing[far]:.2f} nats below."
