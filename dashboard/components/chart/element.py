"""Figures on a page: a new figure under the same key is drawn into the chart that stands there.

``st.plotly_chart`` takes its chart off the page and mounts another one for each new figure (Streamlit 1.67):
a third of a second for a page with four. The library is the one that Python's plotly ships; the browser
fetches it once for a page.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from dashboard.components.files import joined
from dashboard.components.mounting import element, served
from dashboard.figures.base import CHART_CONFIG
from dashboard.figures.objects import BROWSER_LIBRARY, VERSION, Figure

NAME: Final = "chart"
_mount = element(
    NAME, "chart", html=joined("chart/chart.html"), css=joined("chart/chart.css"), isolate_styles=False
)


class Point(NamedTuple):
    """A selected point: the number of its trace, and its own within it."""

    trace: int
    number: int


def draw_chart(
    figure: Figure,
    *,
    key: str,
    alt: str,
    config: Mapping[str, Any] = CHART_CONFIG,
    words: Callable[[str], str] = str,
) -> None:
    """Shows a figure.

    Arguments:
        figure: The figure.
        key: Identity on the page; the same key keeps the same chart, with its zoom.
        alt: What it shows, for those who do not see it.
        config: Of Plotly: what its menu offers.
        words: How what the figure says is written; see ``Subject.written``.
    """
    _mount(key=key, data=_message(figure, alt, named(config, key), words=words)[0])


def selectable_chart(
    figure: Figure,
    *,
    key: str,
    alt: str,
    config: Mapping[str, Any] = CHART_CONFIG,
    words: Callable[[str], str] = str,
) -> list[Point]:
    """Shows a figure, and says which of its points are selected; arguments are those of :func:`draw_chart`.

    A selection draws the page, or the fragment, anew; with another figure nothing is selected.
    """
    message, digest = _message(figure, alt, named(config, key), words=words, selects=True)
    result = _mount(key=key, data=message, on_selected_change=lambda: None)
    return selected_points(result.selected, digest)


def named(config: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The configuration with a file name for the camera: Plotly's is the same for every chart.

    Example:
        >>> named({"toImageButtonOptions": {"format": "svg"}}, "dr_plane_linear VAE")
        {'toImageButtonOptions': {'filename': 'dr-plane-linear-VAE', 'format': 'svg'}}
    """
    name = re.sub(r"[^0-9A-Za-z]+", "-", key)
    return {**config, "toImageButtonOptions": {"filename": name, **config.get("toImageButtonOptions", {})}}


def selected_points(said: object, digest: str) -> list[Point]:
    """The points that a browser named, of one figure; what is not a point is left out.

    Example:
        >>> selected_points({"digest": "ab", "points": [[0, 7], ["x", 1]]}, "ab")
        [Point(trace=0, number=7)]
    """
    if not isinstance(said, Mapping) or said.get("digest") != digest:
        return []
    points = said.get("points")
    return [
        Point(*one)
        for one in (points if isinstance(points, list) else [])
        if isinstance(one, list) and len(one) == 2 and all(type(part) is int and part >= 0 for part in one)
    ]


def _message(
    figure: Figure,
    alt: str,
    config: Mapping[str, Any],
    *,
    words: Callable[[str], str] = str,
    selects: bool = False,
) -> tuple[bytes, str]:
    """What the element is told, and the digest of the figure."""
    drawn = words(figure.to_json())
    digest = hashlib.sha256(drawn.encode()).hexdigest()[:16] if selects else ""
    said = {
        "plotly": served(BROWSER_LIBRARY, VERSION),
        "digest": digest,
        "alt": words(alt),
        "selects": selects,
    }
    said["config"] = dict(config)
    return f'{json.dumps(said)[:-1]}, "figure": {drawn}}}'.encode(), digest
