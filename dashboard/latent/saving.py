"""Saving what the Latent space page shows: pictures as PNG and SVG, arrays as NPZ; charts save themselves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import streamlit as st
from numpy.typing import NDArray

from dashboard.figures.base import CHART_CONFIG
from dashboard.latent.exports import arrays_npz, pixels_svg
from dashboard.pictures import Pixels, png
from dashboard.shell import state
from dashboard.shell.choice import one_of

MENU_HELP: Final = "Pictures as PNG or SVG, and the numbers behind them as a NumPy archive (NPZ)."
CHARTS_HELP: Final = (
    "What the camera in the corner of each chart of this page saves: SVG stays sharp at any size, PNG is for "
    "slides and mails."
)
FILE_HELP: Final = {
    "png": "The picture, each pixel as it is here.",
    "svg": "The picture in a vector file, for papers; its pixels stay sharp.",
    "npz": "The arrays {names}, for numpy.load.",
}
CHARTS: Final = "latent_charts_as"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Something that can be saved.

    Arguments:
        title: For the reader.
        file: Name of its files, without their endings; also tells one from the next on the page.
        arrays: The numbers, by name.
        pixels: The picture; None where the page shows a chart or numbers.
    """

    title: str
    file: str
    arrays: Mapping[str, NDArray[Any]]
    pixels: Pixels | None = None


def save_menu(*kept: Kept) -> None:
    """A button that opens the files of what is shown beside it."""
    with st.popover("Save", type="tertiary", icon=":material/download:", help=MENU_HELP):
        for one in kept:
            st.markdown(f"**{one.title}**")
            with st.container(horizontal=True):
                for kind, make in _files(one).items():
                    _download(one, kind, make)


def _files(kept: Kept) -> dict[str, Callable[[], bytes]]:
    arrays = {"npz": partial(arrays_npz, kept.arrays)}
    if kept.pixels is None:
        return arrays
    return {"png": partial(png, kept.pixels), "svg": partial(pixels_svg, kept.pixels)} | arrays


def _download(kept: Kept, kind: str, make: Callable[[], bytes]) -> None:
    # The content is made when it is asked for, not at each drawing of the page.
    st.download_button(
        kind.upper(),
        make,
        f"{kept.file}.{kind}",
        key=f"save_{kept.file}_{kind}",
        on_click="ignore",
        help=FILE_HELP[kind].format(names=", ".join(kept.arrays)),
    )


def choose_charts_format() -> None:
    """Lets the reader say what the cameras of the charts save."""
    one_of("Charts save as", {"svg": "SVG", "png": "PNG"}, key=CHARTS, help_text=CHARTS_HELP)


def chart_config(file: str) -> dict[str, Any]:
    """Plotly's configuration of a chart whose camera saves ``file`` in the format of the reader's choice."""
    image: dict[str, object] = {"format": "svg", "filename": file}
    if state.control(CHARTS) == "png":
        image |= {"format": "png", "scale": 2}
    return CHART_CONFIG | {"toImageButtonOptions": image}
