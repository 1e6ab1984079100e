"""The latent plane: decoded in the browser, or by the server where the model is too large for that."""

import contextlib
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.cached import decode, encoded
from dashboard.components.chart.element import draw_chart
from dashboard.components.latent.element import latent_explorer, settled
from dashboard.components.latent.payload import PackedModel, latent_message, recoloured
from dashboard.figures.data_space import data_space_figure
from dashboard.figures.latent import plane_figure
from dashboard.formats import signed
from dashboard.latent import cached as cache
from dashboard.latent import neighbours
from dashboard.latent.saving import Kept, chart_config, save_menu
from dashboard.pictures import example_strip, show
from dashboard.runs.runner import runner
from dashboard.shell import colouring, state
from dashboard.shell.choice import switch
from dashboard.subject import Subject, subject_of
from vae_core.errors import BadInput

Array = NDArray[np.float32]
HELP: Final = (
    r"Posterior means $\mu(x)$ of held-out examples, coloured by class or as chosen. Dashed: the prior "
    r"$\mathcal{N}(0, I)$ at 1, 2 and 3 standard deviations, or the components of a learned one at 1. Move "
    r"the pointer: the decoder runs in your browser and draws $\mathbb{E}[x|z]$ at that z. Ellipses: 1 and 2 "
    r"standard deviations of $q(z|x)$ of the nearest example."
)
TRAVERSAL_HELP: Final = (
    r"Move one $z_j$ and see $\mathbb{E}[x|z]$ change; the others stay. "
    r"Dimensions come in the order of their $\mathrm{KL}_j$, the most used first."
)
NO_PARTS: Final = (
    "No KL stands beside the dimensions: it is sampled, and no sum of parts by dimension. They come in "
    "the order of the variance of their posterior means."
)
TOO_LARGE: Final = (
    "This decoder is too large for the browser (over 20 MB, or over 8 million products for an image): the "
    "server draws instead."
)
EXPLORER: Final = "explorer"
LIVE_SECONDS: Final = 3.0
MAX_POINTS: Final = 10_000
MESH_POINTS: Final = 12
STRIP_VALUES: Final = np.linspace(-3, 3, 9)
UNUSED_NATS: Final = 0.01
FEW_DIMENSIONS: Final = 6
SIZE: Final = 320


def choose(shown: Subject) -> tuple[int, int]:
    """The two dimensions to draw: the most used ones, or those that the reader chooses when J > 2."""
    order = cache.dims_by_kl(shown)
    if len(order) <= 2:
        return (0, len(order) - 1)
    first, second = sorted(order[:2])
    left, right = st.columns(2)
    with left:
        x = _dimension("Horizontal", "plane_x", order, first)
    with right:
        others = [dim for dim in order if dim != x]
        y = _dimension("Vertical", "plane_y", others, second if second != x else first)
    return (x, y)


def _dimension(label: str, key: str, order: list[int], default: int) -> int:
    if state.control(key) not in order:
        state.set_control(key, default)
    help_text = "Which latent dimension lies along this axis; the most used come first."
    return st.selectbox(label, order, key=key, format_func=lambda dim: f"z{dim + 1}", help=help_text)


def explore(shown: Subject, plane: tuple[int, int]) -> None:
    """The plane under the pointer; while the run goes on, with its weights of now."""
    colours = colouring.colouring(shown.data, colouring.choose(shown.data, "plane_colour"))
    run_id = state.current_run()
    view = None if run_id is None else runner().view(run_id)
    live_run = run_id if view is not None and view.is_under_way else None
    st.fragment(_explore, run_every=LIVE_SECONDS if live_run else None)([shown], plane, live_run, colours)


def _explore(
    latest: list[Subject],
    plane: tuple[int, int],
    live_run: str | None,
    colours: colouring.Colouring | None,
) -> None:
    if live_run is not None:
        follow(latest, live_run)
    shown = latest[-1]
    packed = cache.packed_model(shown)
    if packed is not None:
        if colours is not None:
            labels, names, title = colours.labels, colours.names, colours.title
            packed = recoloured(packed, labels, names=names, title=title, ends=colours.ends)
        # As the page was opened, not as the reader moves it: the element goes on from there by itself.
        z, pins = state.as_opened("z"), state.as_opened("pins")
        message = latent_message(packed, plane=plane, z=z, pins=pins)
        latent_explorer(
            message, key=EXPLORER, on_settled=lambda: _settle(packed, shown.config.model.latent_dim)
        )
        state.draw_address("explorer")
        _say_how_many(int(str(packed.meta["num_examples"])), shown)
        return
    st.info(TOO_LARGE)
    _means(shown, plane, colours)
    _traversal(shown)


def follow(latest: list[Subject], live_run: str) -> None:
    """Puts the newest weights of a run in the place of those drawn last.

    Where its file cannot be read, which may happen at any moment, those drawn last stay.

    Arguments:
        latest: What is drawn; the fragment keeps the list from one tick to the next.
        live_run: Id of the run.
    """
    view = runner().view(live_run)
    if view is None or not view.is_under_way:
        # The rest of the page shows the last weights, too, and the ticking ends.
        st.rerun()
    runner().save(live_run)
    with contextlib.suppress(BadInput):
        newest, y = subject_of(live_run), latest[-1].y
        if newest is not None:
            latest[-1] = newest if y is None else newest.given(y)


def _settle(packed: PackedModel, latent_dim: int) -> None:
    """The link follows z and the pins; an example that the reader pins becomes that of the neighbours."""
    found = settled(
        state.control(EXPLORER),
        run=str(packed.meta["run"]),
        latent_dim=latent_dim,
        num_examples=int(str(packed.meta["num_examples"])),
    )
    if found is None:
        return
    state.set_control("z", found.z if any(found.z) else ())
    state.set_control("pins", found.pins)
    if found.row is not None:
        state.set_control(neighbours.EXAMPLE, found.row)
        st.rerun("app")


def _means(shown: Subject, plane: tuple[int, int], colours: colouring.Colouring | None) -> None:
    """Posterior means of the held-out examples."""
    examples = encoded(shown)
    rows = slice(None, MAX_POINTS)
    figure = plane_figure(
        examples.means[rows],
        (examples.labels if colours is None else colours.labels)[rows],
        plane=plane,
        class_names=shown.class_names if colours is None else colours.names,
        theme=state.theme_name(),
        stds=examples.stds[rows],
        scale=None if colours is None or colours.ends is None else (colours.title, colours.ends),
    )
    count = len(examples.means[rows])
    alt = f"Posterior means of {count} held-out examples in two latent dimensions, by class."
    draw_chart(figure, key="plane", alt=alt, config=chart_config("latent-plane") | {"scrollZoom": True})
    _say_how_many(count, shown)


def _say_how_many(count: int, shown: Subject) -> None:
    """Nothing where the plane has all held-out examples; they lie in the order of a shuffle."""
    total = len(shown.data.x_test)
    if count < total:
        shares = "a random sample: each class has about its share"
        st.caption(f"{count:,} of {total:,} held-out examples, {shares}.")


@st.fragment
def _traversal(shown: Subject) -> None:
    """A slider for every latent dimension, and the decoded picture of them all."""
    dims = cache.dims_by_kl(shown)
    left, right = st.columns([2, 1], gap="medium")
    with right:
        st.button(
            "All to 0",
            key="traversal_zero",
            icon=":material/restart_alt:",
            on_click=_zero,
            args=(len(dims),),
            help="Sets z to 0, the mean of the prior.",
        )
        spot = st.container()
    with left:
        few = dims[:FEW_DIMENSIONS]
        if len(dims) > FEW_DIMENSIONS:
            label = f"All {len(dims)} dimensions"
            if switch(label, key="traversal_all", help_text="Off: only the most used ones."):
                few = dims
            state.draw_address("traversal")
        kl = encoded(shown).kl_per_dim.mean(0)
        if not len(kl):
            st.caption(NO_PARTS)
        z = np.array([_z(dim) for dim in range(len(dims))], dtype=np.float32)
        strips: list[Kept] = []
        for dim in few:
            z[dim] = _slider(shown, dim, float(kl[dim]) if len(kl) and not shown.is_deterministic else None)
            strips += _strip(shown, z, dim)
    with spot:
        _decoded(shown, z, strips)


def _z(dim: int) -> float:
    found = state.control(f"z{dim + 1}")
    return float(found) if isinstance(found, (int, float)) else 0.0


def _zero(latent_dim: int) -> None:
    for dim in range(latent_dim):
        state.set_control(f"z{dim + 1}", 0.0)


def _slider(shown: Subject, dim: int, kl: float | None) -> float:
    if kl is None:
        use = ""
    elif kl < UNUSED_NATS:
        use = shown.written(" · unused: q(z|x) is the prior here, the picture hardly changes")
    else:
        use = f" · KL {kl:.2f} nats"
    return st.slider(
        f"$z_{{{dim + 1}}}${use}", -3.0, 3.0, 0.0, 0.05, key=f"z{dim + 1}", help=shown.written(TRAVERSAL_HELP)
    )


def _strip(shown: Subject, z: Array, dim: int) -> list[Kept]:
    if shown.image_shape is None:
        return []
    rows = np.repeat(z[None], len(STRIP_VALUES), axis=0)
    rows[:, dim] = STRIP_VALUES
    x = decode(shown, rows)
    pixels = example_strip(x, shown.image_shape, size=64, gap=4)
    if pixels is None:
        return []
    show(pixels, alt=f"Decoded while z{dim + 1} goes from -3 to 3.", width="stretch")
    title, file = f"Along z{dim + 1}", f"traversal-z{dim + 1}"
    return [Kept(title=title, file=file, arrays={"z": rows, "x": x}, pixels=pixels)]


def _decoded(shown: Subject, z: Array, strips: list[Kept]) -> None:
    x = decode(shown, z[None])
    pixels = example_strip(x, shown.image_shape, size=SIZE)
    if pixels is not None:
        show(pixels, alt="Decoded picture.")
    else:
        plane = (0, min(1, len(z) - 1))
        axis = tuple(cache.quantiles(MESH_POINTS).tolist())
        mesh = cache.grid(shown, axis, plane, (0.0,) * len(z))
        figure = data_space_figure(
            encoded(shown).x[:],
            mesh=mesh,
            point=x[0],
            theme=state.theme_name(),
            columns=shown.columns,
        )
        alt = "Data space with the decoded point."
        draw_chart(figure, key="traversal_point", alt=alt, config=chart_config("data-space"))
    numbers = ", ".join(signed(value) for value in z[:8].tolist()) + (", …" if len(z) > 8 else "")
    st.markdown(f"{shown.written('E[x|z]')} at **z = ({numbers})**")
    arrays = {"z": z, "x": x[0]}
    save_menu(Kept(title="Decoded at z", file="decoded", arrays=arrays, pixels=pixels), *strips)
