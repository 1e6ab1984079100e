"""What colours the latent plane of the board: the same choice as on Latent space."""

import base64
import json
from typing import Final

from dashboard.caching import cached
from dashboard.figures.classes import number_palettes
from dashboard.runs.job import JobView
from dashboard.runs.runner import runner
from dashboard.shell import colouring, state
from dashboard.subject import data_of
from dashboard.theme import PALETTES
from vae_core.errors import BadInput

_KEY: Final = "board_colour"


def choose(view: JobView | None) -> None:
    """Draws the choice, where the data of the run in view have one."""
    if view is not None and colouring.may_choose(view.config.dataset):
        try:
            colouring.choose(data_of(view.config), _KEY)
        except BadInput:  # whoever needs the data says what is wrong
            return


def told(view: JobView | None) -> bytes:
    """What the board is told of it, as JSON; ``null``: the classes."""
    chosen = state.control(_KEY)
    if view is None or not isinstance(chosen, str) or not colouring.may_choose(view.config.dataset):
        return b"null"
    try:
        return _told(view.run_id, chosen)
    except BadInput:
        return b"null"


@cached(most=64)
def _told(run_id: str, chosen: str) -> bytes:
    from vae_core.runs.observer import held_out_rows

    view = runner().view(run_id)
    if view is None:
        return b"null"
    data = data_of(view.config)
    found = colouring.colouring(data, chosen)
    if found is None:
        return b"null"
    labels = found.labels[held_out_rows(data, view.config.seed).numpy()]
    told = {
        "title": found.title,
        "labels": base64.b64encode(labels.astype("<i4").tobytes()).decode(),
        "names": found.names,
        "ends": found.ends,
        "palettes": PALETTES if found.ends is None else number_palettes(len(found.names)),
    }
    return json.dumps(told).encode()
