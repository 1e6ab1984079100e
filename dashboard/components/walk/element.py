"""The moving picture of the Start page: a point in the latent plane, and its decoded image."""

import json
from typing import Final

from dashboard.components.board.payload import Payload, board_payload
from dashboard.components.files import joined
from dashboard.components.mounting import element
from vae_core.runs.snapshot import Snapshot

_SHOWN: Final = (
    "class_names",
    "palettes",
    "plane",
    "latent_dim",
    "means",
    "labels",
    "image_shape",
    "grid",
    "grid_shape",
    "grid_axis",
)

_mount = element("latent_walk", "walk", html=joined("walk/walk.html"), css=joined("walk/walk.css"))


def walk_payload(snapshot: Snapshot) -> Payload:
    """Packs what the walk draws: the posterior means and the decoded grid, as in the board's payload.

    Arguments:
        snapshot: Of a model of images with a latent plane (J >= 2).

    Returns:
        A JSON-able dictionary; see :func:`dashboard.components.board.payload.board_payload`.
    """
    board = board_payload(
        snapshot,
        run_id="",
        image_shape=snapshot.image_shape,
        class_names=snapshot.class_names,
        deterministic=False,
    )
    return {name: board[name] for name in _SHOWN}


def walk_message(snapshot: Snapshot) -> bytes:
    """What the element is told: bytes, because for a dictionary Streamlit imports pandas first."""
    return json.dumps(walk_payload(snapshot)).encode()


def latent_walk(message: bytes, *, key: str) -> None:
    """Shows the latent plane with a point z that moves by itself, and the image decoded at z.

    Between the nodes of the decoded grid the image is interpolated bilinearly in the browser; z stays within
    the grid. Nothing is sent to the server.

    Arguments:
        message: Of :func:`walk_message`.
        key: Identity on the page; the same key keeps the same element.
    """
    _mount(key=key, data=message)
