"""Saving from the Latent space page: pictures as PNG and SVG, arrays as NPZ, coordinates as CSV.

Charts save themselves, as the camera in their corner.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import streamlit as st
from numpy.typing import NDArray

from dashboard.cached import HELD_OUT, Encoded
from dashboard.exports import arrays_npz, codes_csv
from dashboard.figures.base import CHART_CONFIG
from dashboard.pictures import Pixels, png
from dashboard.shell import state
from dashboard.shell.choice import one_of

MENU_HELP: Final = "Pictures as PNG or SVG, and the numbers behind them as a NumPy archive (NPZ)."
COORDINATES_HELP: Final = (
    "A row for each held-out example: class, posterior mean and standard deviation, bound."
)
CHARTS_HELP: Final = (
    "What the camera in the corner of each chart of this page saves: SVG stays sharp at any size, PNG is for "
    "slides and e-mails."
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


@st.fragment
def save_menu(*kept: Kept) -> None:
    """A button that opens the files of what is shown beside it; they are drawn when it is open."""
    menu = st.popover(
        "Save",
        type="tertiary",
        icon=":material/download:",
        help=MENU_HELP,
        key=f"save_{kept[0].file}",
        on_change="rerun",
    )
    if not menu.open:
        return
    with menu:
        for one in kept:
            st.markdown(f"**{one.title}**")
            with st.container(horizontal=True):
                for kind, make in _files(one).items():
                    _download(
                        kind.upper(),
                        make,
                        f"{one.file}.{kind}",
                        FILE_HELP[kind].format(names=", ".join(one.arrays)),
                    )


def export_menu(examples: Encoded, class_names: tuple[str, ...]) -> None:
    """Coordinates as CSV, and what the charts save themselves as."""
    with st.popover("Export", icon=":material/download:", help="Coordinates, and the format of the charts."):
        table = partial(codes_csv, {HELD_OUT: examples}, class_names)
        _download("Coordinates (CSV)", table, "latent_coordinates.csv", COORDINATES_HELP)
        one_of("Charts save as", {"svg": "SVG", "png": "PNG"}, key=CHARTS, help_text=CHARTS_HELP)


def chart_config(file: str) -> dict[str, Any]:
    """Plotly's configuration of a chart whose camera saves ``file`` in the format of the reader's choice."""
    image: dict[str, object] = {"format": "svg", "filename": file}
    if state.control(CHARTS) == "png":
        image |= {"format": "png", "scale": 2}
    return CHART_CONFIG | {"toImageButtonOptions": image}


def pixels_svg(pixels: Pixels) -> bytes:
    """A picture in an SVG file: its pixels travel as PNG within and stay sharp at any size."""
    height, width = pixels.shape[:2]
    data = base64.b64encode(png(pixels)).decode()
    size = f'width="{width}" height="{height}"'
    image = f'<image {size} style="image-rendering: pixelated" href="data:image/png;base64,{data}"/>'
    view = f'viewBox="0 0 {width} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view}>{image}</svg>\n'.encode()


def _files(kept: Kept) -> dict[str, Callable[[], bytes]]:
    arrays: dict[str, Callable[[], bytes]] = {"npz": partial(arrays_npz, kept.arrays)}
    if kept.pixels is None:
        return arrays
    pictures: dict[str, Callable[[], bytes]] = {
        "png": partial(png, kept.pixels),
        "svg": partial(pixels_svg, kept.pixels),
    }
    return pictures | arrays


def _download(label: str, make: Callable[[], str] | Callable[[], bytes], file: str, help_text: str) -> None:
    # The content is made when it is asked for, not at each drawing of the page.
    key = "save_" + file.replace(".", "_")
    st.download_button(label, make, file, key=key, on_click="ignore", help=help_text)
