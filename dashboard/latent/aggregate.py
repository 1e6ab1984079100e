"""The prior against the aggregate posterior: why samples from the prior can be poor."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.cached import decode, encoded, posterior
from dashboard.components.chart.element import draw_chart
from dashboard.figures.aggregate import aggregate_figure, dimensions_figure, prior_axis
from dashboard.figures.data_space import decoded_samples_figure
from dashboard.latent import cached as cache
from dashboard.latent.saving import Kept, chart_config, save_menu
from dashboard.pictures import sheet, show
from dashboard.shell import state
from dashboard.subject import Subject

Array = NDArray[np.float32]
HELP: Final = (
    r"The aggregate posterior $q(z) = \frac1n\sum_i q(z|x_i)$ is where held-out examples lie in the latent "
    r"space. The decoder is trained there; samples of the model are drawn from the prior $p(z)$. Where "
    r"$p(z)$ is large but $q(z)$ is small there is a hole, and what is decoded there was never trained."
)
NEW_HELP: Final = "Draws z anew, from the prior and from the aggregate posterior."
HISTOGRAM_SAMPLES: Final = 10_000
NUM_IMAGES: Final = 20
NUM_POINTS: Final = 300
COLUMNS: Final = 5
MAX_ROWS: Final = 24
ROWS_SENTENCE: Final = (
    "Where a row is paler than the prior's, the prior has mass where few examples lie. A row may equal the "
    "prior's in two ways: the dimension is used and well filled, or its KL is 0 and it is not used at all."
)
LEARNED_SENTENCE: Final = (
    "The first row is N(0, 1), for scale: this run learned its prior, which fits the rows below by training."
)
HOLE_RATIO: Final = 10
_DRAWS: Final = "latent_samples_draws"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """Samples of z as the decoder shows them, those furthest above the prior's density first.

    Arguments:
        z: Shape (n, J).
        x: E[x|z], shape (n, D).
        excess: log q(z) - log p(z), shape (n,), nats, descending; None without a density q (deterministic).
    """

    z: Array
    x: Array
    excess: Array | None

    @property
    def num_in_holes(self) -> int | None:
        """How many z have q(z) below a tenth of p(z); None where that is unknown."""
        return None if self.excess is None else int((self.excess < -math.log(HOLE_RATIO)).sum())


def histograms(shown: Subject, plane: tuple[int, int]) -> None:
    """Histograms of the aggregate posterior over the prior's density."""
    z = _aggregate(shown, HISTOGRAM_SAMPLES, draw=0)
    dims = sorted(set(plane))
    for column, dim in zip(st.columns(len(dims), gap="medium"), dims, strict=True):
        values = z[:, dim]
        alt = (
            f"Histogram of the aggregate posterior in z{dim + 1}: mean {values.mean():.2f}, standard "
            f"deviation {values.std():.2f}; N(0, 1) has 0 and 1."
        )
        axis = np.linspace(*prior_axis(values), 200, dtype=np.float32)
        prior = cache.prior_density(shown, dim, axis)
        figure = aggregate_figure(
            values, dim, (axis, prior), name=_prior_name(shown), theme=state.theme_name()
        )
        with column:
            draw_chart(figure, key=f"aggregate_{dim}", alt=alt, config=chart_config(f"aggregate-z{dim + 1}"))
    if z.shape[1] > len(dims):
        _all_dimensions(shown, z)


def _all_dimensions(shown: Subject, z: Array) -> None:
    order = cache.dims_by_kl(shown)[:MAX_ROWS]
    st.markdown(
        f"**The {len(order)} most used dimensions**" if len(order) < z.shape[1] else "**All dimensions**"
    )
    kl = encoded(shown).kl_per_dim.mean(0)
    known = not shown.is_deterministic and len(kl) > 0
    names = {dim: f"z{dim + 1}" + (f" · KL {kl[dim]:.2f}" if known else "") for dim in order}
    is_learned = shown.config.model.prior != "standard_normal"
    first = "N(0, 1)" if is_learned else "prior"
    figure = dimensions_figure(z, names, first=first, theme=state.theme_name())
    alt = f"Density of the aggregate posterior in {len(order)} dimensions, a row each, below the prior's."
    draw_chart(figure, key="aggregate_all", alt=alt, config=chart_config("aggregate-all"))
    st.caption(LEARNED_SENTENCE if is_learned else ROWS_SENTENCE)


@st.fragment
def samples(shown: Subject) -> None:
    """Decoded samples of the prior and of the aggregate posterior."""
    st.button(
        "New samples", key="latent_samples_new", icon=":material/casino:", help=NEW_HELP, on_click=_again
    )
    columns = st.columns(2, gap="medium")
    kinds = (("the prior", _prior), ("the aggregate posterior", _aggregate))
    for column, (source, sample) in zip(columns, kinds, strict=True):
        with column:
            count = NUM_IMAGES if shown.image_shape else NUM_POINTS
            z = sample(shown, count, draw=_draws())
            _show(shown, _decoded(shown, z), source)


def _again() -> None:
    state.set_control(_DRAWS, _draws() + 1)


def _draws() -> int:
    found = state.control(_DRAWS)
    return found if isinstance(found, int) else 0


def _prior(shown: Subject, count: int, *, draw: int) -> Array:
    import torch

    generator = torch.Generator().manual_seed(2 * draw)
    with torch.no_grad():
        return shown.model.prior.sample(count, generator=generator).numpy()


def _prior_name(shown: Subject) -> str:
    return "prior N(0, 1)" if shown.config.model.prior == "standard_normal" else "learned prior"


def _aggregate(shown: Subject, count: int, *, draw: int) -> Array:
    import torch

    from vae_core.latent.aggregate import aggregate_samples

    q = posterior(shown)
    generator = torch.Generator().manual_seed(2 * draw + 1)
    return aggregate_samples(q, count, generator=generator).numpy()


def _decoded(shown: Subject, z: Array) -> Decoded:
    import torch

    from vae_core.latent.aggregate import log_aggregate

    excess = None
    if not shown.is_deterministic:
        points = torch.from_numpy(z)
        log_q = log_aggregate(points, posterior(shown))
        with torch.no_grad():
            excess = (log_q - shown.model.prior.log_prob(points)).numpy()
        order = np.argsort(-excess, kind="stable")
        z, excess = z[order], excess[order]
    return Decoded(z=z, x=decode(shown, z), excess=excess)


def _show(shown: Subject, decoded: Decoded, source: str) -> None:
    st.markdown(f"**{len(decoded.x)} samples from {source}**")
    alt = f"{len(decoded.x)} decoded samples from {source}."
    if shown.image_shape is not None:
        show(sheet(decoded.x, shown.image_shape, size=96, in_a_row=COLUMNS), alt=alt, width="stretch")
    else:
        x = encoded(shown).x[:]
        span = 1.1 * float(np.abs(x).max())
        figure = decoded_samples_figure(
            x, decoded.x, span=span, theme=state.theme_name(), columns=shown.columns
        )
        draw_chart(figure, key=f"samples_{source}", alt=alt, config=chart_config("samples"))
    if decoded.num_in_holes is not None:
        count = f"**{decoded.num_in_holes} of {len(decoded.x)}** lie in holes"
        order = "; they are shown last." if shown.image_shape and decoded.num_in_holes else "."
        st.caption(f"{count}, where q(z) is below a tenth of p(z){order}")
    file = f"samples-from-{source.replace(' ', '-')}"
    arrays = {"z": decoded.z, "x": decoded.x}
    pixels = (
        None if shown.image_shape is None else sheet(decoded.x, shown.image_shape, size=96, in_a_row=COLUMNS)
    )
    save_menu(Kept(title=f"Samples from {source}", file=file, arrays=arrays, pixels=pixels))
