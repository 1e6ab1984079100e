"""The choice of a folder of images: where it is, which of its data sets, how they stand, what they are."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import streamlit as st

from dashboard.formats import plain
from dashboard.labels import ORIENTATIONS
from dashboard.pictures import show, strip
from dashboard.shell import state
from dashboard.shell.settings import chosen_folder
from dashboard.subject import preview_of
from vae_core.data.files import FOLDERS_VARIABLE, IdxSet, allowed_folders, folder_of, idx_sets, is_allowed
from vae_core.errors import BadInput

MAX_SHOWN_CLASSES: Final = 12
IN_A_ROW: Final = 5
Options = Callable[[str], Mapping[str, Any]]


class Keys(NamedTuple):
    """Keys of the controls."""

    folder: str
    which: str
    orientation: str


def draw(keys: Keys, options: Options, hidden: frozenset[str] = frozenset()) -> bool:
    """Draws the controls, and below them what the folder holds.

    Where whoever runs the server allows some folders alone, these are a menu; else any path may be typed.

    Arguments:
        keys: Of the controls.
        options: Label, key and tooltip of a control, and whether it can be changed.
        hidden: Keys of controls that are not drawn.

    Returns:
        Whether the folder can be used, as far as it shows by now; why not is said.
    """
    try:
        if keys.folder not in hidden:
            _draw_folder(keys, options)
        folder = chosen_folder(state.control(keys.folder), state.control(keys.which))
        if folder is not None:
            _draw_content(folder, keys, options, hidden)
    except BadInput as err:
        st.error(plain(str(err)))
        return False
    return True


def is_transposed(keys: Keys) -> bool:
    """Whether the images are to be transposed."""
    return state.control(keys.orientation) == "transposed"


def _draw_folder(keys: Keys, options: Options) -> None:
    allowed = allowed_folders()
    if allowed is not None:
        _draw_menu(allowed, keys, options)
        return
    st.text_input(placeholder="~/mnist", **options(keys.folder))
    folder = folder_of(str(state.control(keys.folder) or ""))
    found = () if folder is None else idx_sets(folder)
    if len(found) > 1:
        titles = {one.name: one.name or "the files in the folder itself" for one in found}
        _choose(titles, keys.which, options)


def _draw_menu(allowed: tuple[Path, ...], keys: Keys, options: Options) -> None:
    """The data sets in the folders that visitors may read; another path is taken where a link names it."""
    titles: dict[str, str] = {}
    for folder in allowed:
        titles |= {str(one.path.absolute()): _title(one, folder) for one in _sets_of(folder)}
    linked = folder_of(str(state.control(keys.folder) or ""))
    if linked is not None and is_allowed(linked):
        titles.setdefault(str(linked), linked.name)
    if titles:
        _choose(titles, keys.folder, options)
        return
    st.info(
        "This server offers no folder of images. Whoever starts it can name some in the environment "
        f"variable `{FOLDERS_VARIABLE}`."
    )


def _sets_of(folder: Path) -> tuple[IdxSet, ...]:
    """Its data sets; a folder that is named and not there has none."""
    try:
        return idx_sets(folder)
    except BadInput:
        return ()


def _title(one: IdxSet, folder: Path) -> str:
    return f"{folder.name}/{one.name}" if one.name else folder.name


def _choose(titles: Mapping[str, str], key: str, options: Options) -> None:
    if state.control(key) not in titles:
        state.set_control(key, next(iter(titles)))
    st.selectbox(options=tuple(titles), format_func=lambda option: titles.get(option, option), **options(key))


def _draw_content(folder: str, keys: Keys, options: Options, hidden: frozenset[str]) -> None:
    found = preview_of(folder, transposed=is_transposed(keys))
    count, height, width = found.images.shape
    x = (found.images.reshape(count, -1) / 255).astype(np.float32)
    # Whole rows, and few in each, so that one sees how the images stand.
    count -= count % IN_A_ROW if count > IN_A_ROW else 0
    rows = [
        strip(x[first : min(first + IN_A_ROW, count)], (height, width), size=56)
        for first in range(0, count, IN_A_ROW)
    ]
    show(np.concatenate(rows), alt=f"The first {count} images of the folder.", width="stretch")
    numbers = " + ".join(f"{number:,}" for number in found.num_images)
    st.caption(f"{numbers} images of {height} × {width} pixels{_classes(found.class_names)}.")
    if keys.orientation not in hidden:
        if state.control(keys.orientation) is None:
            state.set_control(keys.orientation, next(iter(ORIENTATIONS)))
        st.segmented_control(
            options=tuple(ORIENTATIONS),
            format_func=lambda option: ORIENTATIONS[option],
            required=True,
            **options(keys.orientation),
        )
    for note in found.notes:
        st.caption(f":material/info: {plain(note)}")


def _classes(names: tuple[str, ...]) -> str:
    if not names:
        return ""
    listed = ", ".join(names[:MAX_SHOWN_CLASSES]) + (", …" if len(names) > MAX_SHOWN_CLASSES else "")
    return f"; {len(names)} classes: {plain(listed)}"
