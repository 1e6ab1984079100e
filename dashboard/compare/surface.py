"""The ELBO of one image as a surface over the mean of q, and three optimisers that climb it."""

from typing import Final

import numpy as np
import streamlit as st

from dashboard import cached as cache
from dashboard import pictures
from dashboard.compare import cached_optimisers as cache_optimisers
from dashboard.compare.cached_optimisers import NUM_STEPS, REACH
from dashboard.compare.racers import RACERS, rates
from dashboard.figures.base import CHART_CONFIG
from dashboard.figures.descent import DEPTH, LEVELS, Descent, descent_figure
from dashboard.formats import signed
from dashboard.shell import state
from dashboard.subject import pretrained
from vae_core.config import TrainConfig

DEFAULT_RATES: Final = (0.01, 0.005, 0.1)
IMAGE: Final = 96
SURFACE_HELP: Final = (
    r"$\mathrm{ELBO}(\mu) = \mathbb{E}_{\mathcal{N}(\mu,\,\mathrm{diag}\,\sigma^2)}[\log p(x|z)] - "
    r"\mathrm{KL}(q\,\|\,p(z))$ of one held-out digit under the model that ships; σ is the encoder's and is "
    "held. Heights are by quadrature. Each step follows the gradient of one sample z, as training does, and "
    "the three see the same noise ε."
)


def draw() -> None:
    """The controls, the picture, and what the numbers say."""
    st.subheader("Climbing a surface that can be drawn", help=SURFACE_HELP)
    _lab()


@st.fragment
def _lab() -> None:
    chosen = rates("surface_rate", DEFAULT_RATES)
    index, start = _place()
    racers = tuple(racer.config(rate, TrainConfig()) for racer, rate in zip(RACERS, chosen, strict=True))
    axis, heights = cache_optimisers.surface(index)
    ways = cache_optimisers.descents(index, start, racers)
    names = [racer.name for racer in RACERS]
    left, right = st.columns([3, 2], gap="medium")
    with left:
        figure = descent_figure(axis, heights, ways, names, theme=state.theme_name())
        alt = "Ways over the ELBO. " + " ".join(
            _sentence(name, way) for name, way in zip(names, ways, strict=True)
        )
        st.plotly_chart(figure, key="descent", alt=alt, config=CHART_CONFIG)
    with right:
        _account(index, ways, names, float(heights.max()))


def _place() -> tuple[int, tuple[float, float]]:
    last = len(pretrained().data.x_test) - 1
    datum, first, second = st.columns(3, gap="medium")
    index = datum.slider(
        "Held-out digit",
        0,
        last,
        0,
        key="surface_datum",
        help="Its ELBO is the surface.",
        persist_state="session",
    )
    help_text = "Where all three begin: the mean of q."
    z1 = first.slider(
        "Start z₁", -REACH, REACH, 2.5, 0.1, key="surface_z1", help=help_text, persist_state="session"
    )
    z2 = second.slider(
        "Start z₂", -REACH, REACH, -2.0, 0.1, key="surface_z2", help=help_text, persist_state="session"
    )
    return index, (z1, z2)


def _sentence(name: str, way: Descent) -> str:
    return f"{name} ends at {signed(float(way.elbo[-1]))} nats."


def _account(index: int, ways: list[Descent], names: list[str], top: float) -> None:
    shown = pretrained()
    x = shown.data.x_test.numpy()[index]
    ends = np.stack([way.means[-1] for way in ways]).astype(np.float32)
    strip = np.concatenate([x[None], cache.decode(shown, ends)])
    alt = "The digit, then what the decoder makes of the end of each way: " + ", ".join(names) + "."
    pictures.show(pictures.strip(strip, (8, 8), size=IMAGE), alt=alt)
    st.caption("The digit, then what is decoded where each ends: " + ", ".join(names) + ".")
    st.markdown(_table(ways, names))
    st.markdown(_verdict(ways, names, top))
    st.caption(
        f"Brighter is higher: contours every {DEPTH / LEVELS:g} nats, down to {DEPTH:g} below the top. "
        f"{NUM_STEPS} steps. SGD and Adam may rest on a side hill; momentum may carry over it, or past the "
        "top. The noise of one sample keeps all of them moving, the more the larger η is."
    )


def _table(ways: list[Descent], names: list[str]) -> str:
    lines = ["| ELBO, nats | start | end | best |", "| --- | ---: | ---: | ---: |"]
    for name, way in zip(names, ways, strict=True):
        values = (way.elbo[0], way.elbo[-1], way.elbo.max())
        lines.append(f"| {name} | " + " | ".join(signed(float(value)) for value in values) + " |")
    return "\n".join(lines)


def _verdict(ways: list[Descent], names: list[str], top: float) -> str:
    short = [name for name, way in zip(names, ways, strict=True) if len(way.elbo) <= NUM_STEPS]
    if short:
        return f"**{' and '.join(short)} left the finite numbers**: lower the learning rate."
    # The surface is known on a grid: a way may end a little above its highest point.
    top = max(top, *(float(way.elbo.max()) for way in ways))
    missing = {name: top - float(way.elbo[-1]) for name, way in zip(names, ways, strict=True)}
    near = [name for name, gap in missing.items() if gap < 1]
    if len(near) == len(names):
        return f"All three end within one nat of the top, **{signed(top)}** nats."
    verb = "ends" if len(near) < 2 else "end"
    reached = f"{' and '.join(near) or 'none'} {verb} within one nat of it"
    far = max(missing, key=lambda name: missing[name])
    return f"The top is **{signed(top)}** nats: {reached}, **{far}** {missing[far]:.2f} nats below."
