"""The upper part of the Latent space page: which plane, and the element to walk in it."""

import contextlib
from typing import Final

import streamlit as st

from dashboard.components.latent.element import chosen_datum, latent_explorer
from dashboard.components.latent.payload import LatentScene, latent_packet
from dashboard.latent import cached as cache_latent
from dashboard.latent import points as latent_points
from dashboard.latent import server as latent_server
from dashboard.runs.runner import runner
from dashboard.shell import state
from dashboard.subject import Subject, subject_of
from vae_core.errors import BadInput

PLANE_HELP: Final = (
    r"Posterior means $\mu(x)$ of held-out data, coloured by class. Dashed: the prior "
    r"$\mathcal{N}(0, I)$ at 1, 2 and 3 standard deviations. Move the pointer: the decoder runs in your "
    r"browser and draws $\mathbb{E}[x|z]$ beside it. Ellipses: 1 and 2 standard deviations of $q(z|x)$ of "
    "the nearest datum."
)
EXPLORER: Final = "explorer"
LIVE_SECONDS: Final = 3.0


def choose_plane(shown: Subject) -> tuple[int, int]:
    """The two dimensions to draw: the most used ones, or those that the reader chooses when J > 2."""
    order = latent_server.order(shown)
    if len(order) == 1:
        return (0, 0)
    if len(order) == 2:
        return (0, 1)
    columns = st.columns(2)
    first, second = sorted(order[:2])
    with columns[0]:
        x = _dimension("Horizontal", "plane_x", order, first)
    with columns[1]:
        y = _dimension(
            "Vertical", "plane_y", [dim for dim in order if dim != x], second if second != x else first
        )
    return (x, y)


def explore(shown: Subject, plane: tuple[int, int]) -> None:
    """The plane to walk in, decoded in the browser; while the run goes on, with its weights of now."""
    run_id = state.current_run()
    view = None if run_id is None else runner().view(run_id)
    live = view is not None and view.status == "running"
    st.fragment(_walk, run_every=LIVE_SECONDS if live else None)([shown], plane, run_id if live else None)


def _walk(latest: list[Subject], plane: tuple[int, int], live_run: str | None) -> None:
    scene = newest_scene(latest, live_run)
    shown = latest[-1]
    if scene is not None:
        latent_explorer(
            latent_packet(scene, plane=plane), key=EXPLORER, on_datum=lambda: _choose_datum(scene)
        )
        return
    st.info("This decoder is too large for the browser (over 20 MB): the server draws instead.")
    latent_server.draw_plane(shown, plane)
    latent_server.traversal(shown)


def newest_scene(latest: list[Subject], live_run: str | None) -> LatentScene | None:
    """What to draw of a live run: its weights of now, or those drawn last where its file cannot be read.

    Arguments:
        latest: The model drawn last; gets the one drawn now in its place.
        live_run: Id of the run that goes on; None where none does.
    """
    if live_run is not None:
        # A file may vanish or be damaged at any moment: whoever walks in the plane keeps the last picture.
        with contextlib.suppress(BadInput):
            newest = _newest(latest[-1], live_run)
            scene = cache_latent.scene(newest)
            latest[-1] = newest
            return scene
    return cache_latent.scene(latest[-1])


def _choose_datum(scene: LatentScene) -> None:
    """A datum that the reader pins becomes the one of the section on neighbours."""
    num_data = scene.meta["num_data"]
    row = chosen_datum(state.control(EXPLORER), run=str(scene.meta["run"]), num_data=int(str(num_data)))
    if row is not None:
        state.set_control(latent_points.DATUM, row)
        st.rerun("app")


def _newest(shown: Subject, run_id: str) -> Subject:
    view = runner().view(run_id)
    if view is None or view.status != "running":
        # The rest of the page shows the last weights, too, and the ticking ends.
        st.rerun()
    if state.started_here(run_id):
        runner().save(run_id)
    return subject_of(run_id) or shown


def _dimension(label: str, key: str, order: list[int], default: int) -> int:
    index = order.index(default) if default in order else 0
    help_text = "Which latent dimension lies along this axis; the most used come first."
    return st.selectbox(label, order, index, key=key, format_func=lambda dim: f"z{dim + 1}", help=help_text)
