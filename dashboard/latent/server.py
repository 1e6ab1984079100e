"""The latent plane and its traversal from the server, for models that are too large for the browser."""

from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import cached as cache
from dashboard.figures.latent import data_space_figure, plane_figure
from dashboard.formats import signed
from dashboard.latent import cached as cache_latent
from dashboard.latent.saving import Kept, chart_config, save_menu
from dashboard.pictures import picture, show, strip
from dashboard.shell import state
from dashboard.subject import Subject

TRAVERSAL_HELP: Final = (
    r"Move one $z_j$ and see $\mathbb{E}[x|z]$ change; the others stay. "
    r"Dimensions come in the order of their $\mathrm{KL}_j$, the most used first."
)
MAX_POINTS: Final = 10_000
MESH_POINTS: Final = 12
STRIP_VALUES: Final = np.linspace(-3, 3, 9)
UNUSED_NATS: Final = 0.01
FEW_DIMENSIONS: Final = 6


def draw_plane(shown: Subject, plane: tuple[int, int]) -> None:
    """Posterior means of the held-out data."""
    data = cache.encoded(shown)
    rows = slice(None, MAX_POINTS)
    figure = plane_figure(
        data.means[rows],
        data.labels[rows],
        plane=plane,
        class_names=shown.class_names,
        theme=state.theme_name(),
        stds=data.stds[rows],
    )
    alt = f"Posterior means of {len(data.means[rows])} held-out data in two latent dimensions, by class."
    st.plotly_chart(figure, key="plane", alt=alt, config=chart_config("latent-plane") | {"scrollZoom": True})


@st.fragment
def traversal(shown: Subject) -> None:
    """A slider for every latent dimension, and the decoded picture of them all."""
    dims = order(shown)
    left, right = st.columns([2, 1], gap="medium")
    with right:
        st.button(
            "All to 0",
            key="traversal_zero",
            icon=":material/restart_alt:",
            on_click=_zero,
            args=(len(dims),),
            help="Puts z at the middle of the prior.",
        )
        spot = st.container()
    with left:
        few = dims[:FEW_DIMENSIONS]
        if len(dims) > FEW_DIMENSIONS:
            label = f"All {len(dims)} dimensions"
            if st.toggle(label, key="traversal_all", help="Off: only the most used ones."):
                few = dims
        z = np.array([_z(dim) for dim in range(len(dims))], dtype=np.float32)
        strips: list[Kept] = []
        for dim in few:
            z[dim] = _slider(shown, dim)
            strips += _strip(shown, z, dim)
    with spot:
        _decoded(shown, z, strips)


def order(shown: Subject) -> list[int]:
    """The latent dimensions, the one with the largest KL first."""
    return np.argsort(-_kl_per_dim(shown), kind="stable").tolist()


def _kl_per_dim(shown: Subject) -> NDArray[np.float32]:
    return cache.encoded(shown).kl_per_dim.mean(0)


def _z(dim: int) -> float:
    found = state.control(f"z{dim + 1}")
    return float(found) if isinstance(found, (int, float)) else 0.0


def _zero(latent_dim: int) -> None:
    for dim in range(latent_dim):
        state.set_control(f"z{dim + 1}", 0.0)


def _slider(shown: Subject, dim: int) -> float:
    kl = float(_kl_per_dim(shown)[dim])
    if shown.config.model.encoder_head == "deterministic":
        use = ""
    elif kl < UNUSED_NATS:
        use = " · unused: q(z|x) is the prior here, the picture hardly changes"
    else:
        use = f" · KL {kl:.2f} nats"
    return st.slider(f"$z_{{{dim + 1}}}${use}", -3.0, 3.0, 0.0, 0.05, key=f"z{dim + 1}", help=TRAVERSAL_HELP)


def _strip(shown: Subject, z: NDArray[np.float32], dim: int) -> list[Kept]:
    if shown.image_shape is None:
        return []
    rows = np.repeat(z[None], len(STRIP_VALUES), axis=0)
    rows[:, dim] = STRIP_VALUES
    decoded = cache.decode(shown, rows)
    alt = f"Decoded while z{dim + 1} goes from -3 to 3."
    pixels = strip(decoded, shown.image_shape, size=64)
    show(pixels, alt=alt, width="stretch")
    arrays = {"z": rows, "x": decoded}
    return [Kept(title=f"Along z{dim + 1}", file=f"traversal-z{dim + 1}", arrays=arrays, pixels=pixels)]


def _decoded(shown: Subject, z: NDArray[np.float32], strips: list[Kept]) -> None:
    decoded = cache.decode(shown, z[None])[0]
    numbers = ", ".join(signed(value) for value in z[:8].tolist()) + (", …" if len(z) > 8 else "")
    if shown.image_shape is not None:
        show(picture(decoded, shown.image_shape, size=320), alt="Decoded picture.")
    else:
        data = cache.encoded(shown)
        plane = (0, min(1, len(z) - 1))
        axis = tuple(cache_latent.quantiles(MESH_POINTS).tolist())
        mesh = cache_latent.grid(shown, axis, plane, (0.0,) * len(z))
        figure = data_space_figure(data.x, mesh=mesh, point=decoded, theme=state.theme_name())
        config = chart_config("data-space")
        st.plotly_chart(
            figure, key="traversal_point", alt="Data space with the decoded point.", config=config
        )
    st.markdown(f"E[x|z] at **z = ({numbers})**")
    pixels = None if shown.image_shape is None else picture(decoded, shown.image_shape, size=320)
    save_menu(
        Kept(title="Decoded at z", file="decoded", arrays={"z": z, "x": decoded}, pixels=pixels), *strips
    )
