"""The latent space, decoded in the browser while the pointer moves z; the server hears nothing of it."""

from collections.abc import Callable
from typing import Final, NamedTuple

from dashboard.components.files import EXPLORER_CSS, joined
from dashboard.components.latent.payload import Point
from dashboard.components.mounting import element

_mount = element("latent_explorer", "latent", html=joined("latent/explorer.html"), css=joined(*EXPLORER_CSS))


MAX_PINS: Final = 2
LARGEST: Final = 1000.0


class Settled(NamedTuple):
    """Where the reader left the latent space.

    Arguments:
        z: Shape (J,).
        pins: Pinned points, each of shape (J,).
        row: Of the held-out example that was chosen, or None.
    """

    z: Point
    pins: tuple[Point, ...]
    row: int | None


def latent_explorer(message: bytes, *, key: str, on_settled: Callable[[], None] = lambda: None) -> None:
    """Shows a model's latent plane: the pointer moves z, and its decoded picture stands beside it.

    New weights of the same run take the place of the old ones under the pointer: z, zoom, pins and the
    classes in view stay.

    Arguments:
        message: Of :func:`dashboard.components.latent.payload.latent_message`: bytes, because Streamlit
            imports pandas before it sends a dictionary.
        key: Identity on the page; the same key keeps the same element.
        on_settled: Called when the hand rests: pointer up, Enter, a slider let go. Nothing is heard of while
            it moves; :func:`settled` tells where z and the pins are.
    """
    _mount(key=key, data=message, on_settled_change=on_settled)


def settled(value: object, *, run: str, latent_dim: int, num_examples: int) -> Settled | None:
    """What the element said; None where it is nothing of this run.

    What a browser sends may be anything, and a late click may mean another run.

    Arguments:
        value: The element's value in the session.
        run: Name of the run that is shown now.
        latent_dim: J.
        num_examples: How many held-out examples there are.
    """
    found = getattr(value, "get", lambda _: None)("settled")
    if not isinstance(found, dict) or found.get("run") != run or not isinstance(found.get("pins"), list):
        return None
    z, *pins = (_point(point, latent_dim) for point in (found.get("z"), *found["pins"][:MAX_PINS]))
    if z is None:
        return None
    row = found.get("row")
    is_row = isinstance(row, int) and not isinstance(row, bool) and 0 <= row < num_examples
    return Settled(z, tuple(pin for pin in pins if pin is not None), row if is_row else None)


def _point(value: object, latent_dim: int) -> Point | None:
    if not isinstance(value, list) or len(value) != latent_dim:
        return None
    if not all(isinstance(each, (int, float)) and abs(each) <= LARGEST for each in value):
        return None
    return tuple(map(float, value))
