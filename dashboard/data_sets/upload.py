"""Bring a file: what was recognised in it, what is wrong with it, each with a choice, and its use."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePath
from typing import Any, Final

import numpy as np
import streamlit as st

from dashboard.data_sets import cached, look
from dashboard.data_sets.cached import Reading
from dashboard.formats import plain
from dashboard.labels import LABELS, ORIENTATIONS
from dashboard.runs.data_sets import data_sets, megabytes
from dashboard.runs.store import is_temporary
from dashboard.runs.tasks import task_key, tasks
from dashboard.shell import browser, pages, state
from vae_core.data.brought import Choices
from vae_core.data.limits import (
    MAX_COLUMNS,
    MAX_ENTRIES,
    MAX_KEPT_OF_BROWSER,
    MAX_ROWS,
    MAX_SIDE,
    MAX_UPLOAD_BYTES,
    READ_SECONDS,
)
from vae_core.data.own import own_facts
from vae_core.data.own_content import retitled
from vae_core.errors import BadInput

HELP: Final = (
    "The file is read in a process of its own, and nothing is changed without being said. It stays on this "
    "server, and other browsers do not see it; a link to a run that you trained on it gives the data along."
)
LIMITS: Final = (
    f"At most {megabytes(MAX_UPLOAD_BYTES)}; {MAX_ROWS:,} rows, {MAX_COLUMNS:,} columns; {MAX_ENTRIES:,} "
    f"pictures, made smaller to {MAX_SIDE} pixels; read within {READ_SECONDS} s. A browser may keep "
    f"{megabytes(MAX_KEPT_OF_BROWSER)}: what was not used for longest leaves first."
)
FORMATS: Final = (
    "**Spreadsheets** (.xlsx, .xls, .ods), **tables** as text (CSV, TSV, blanks between; decimal points or "
    "commas), **NPY** and **NPZ**, **IDX** "
    "(also .gz, or images and labels together), **pictures** (PNG, JPEG, WebP, BMP, GIF, TIFF), several, a "
    "zip of them, or the pages of one file: folders, or a file of names and labels in it, give the classes."
)
PASTE_HELP: Final = "Cells that you copied from a spreadsheet, or any table as text."
LONGEST_PASTE: Final = 1_000_000
TICK_S: Final = 0.3
MEMORY_OF: Final = 10
"""Bytes of memory that a byte of a file may need while it is read."""
_SEVERAL: Final = ("columns", "beside")
"""Choices of any number of columns."""
_DRAFT: Final = "data_draft"
_ROUND: Final = "data_round"
_SAID: Final = "data_said"

NAMES: Final = {
    "sheet": "Sheet",
    "header": "First row",
    "delimiter": "Separator",
    "decimal": "Decimal mark",
    "encoding": "Encoding",
    "narrow": "Full-width digits",
    "array": "Examples",
    "labels": "Labels",
    "columns": "Columns",
    "beside": "Known beside x",
    "layout": "Each row is",
    "orientation": "Orientation",
    "side": "Longer side, pixels",
    "fit": "Other shapes",
    "colours": "Colours",
    "frames": "Files of several pages",
    "missing": "Rows without a number",
    "scale": "Columns are scaled",
}
"""Of the choices, in the order in which they are drawn."""
OPTIONS: Final[dict[str, dict[str, str]]] = {
    "header": {"yes": "names", "no": "data"},
    "delimiter": {
        "tab": "tab",
        "semicolon": "; semicolon",
        "bar": "| bar",
        "comma": ", comma",
        "blank": "blanks",
    },
    "decimal": {"point": "1.5", "comma": "1,5"},
    "encoding": {"cp932": "Shift-JIS", "cp1252": "Windows-1252"},
    "narrow": {"no": "text", "yes": "numbers"},
    "labels": {"": "none", "folders": "folder names", "file": "the file of labels"},
    "layout": {"images": "an image", "numbers": "numbers"},
    "orientation": ORIENTATIONS,
    "fit": {"crop": "cut", "stretch": "stretched"},
    "frames": {"all": "all pages", "first": "the first"},
    "colours": {"grey": "turned to grey", "kept": "kept"},
    "missing": {"drop": "left out", "mean": "filled with the mean"},
    "scale": {"standard": "mean 0, s.d. 1", "unit": "0 to 1", "none": "not at all"},
}
HELPS: Final = {
    "sheet": "Which sheet of the workbook is read.",
    "header": "Whether the first row of the table holds names, or the first example.",
    "delimiter": "What stands between the values of a row.",
    "decimal": "With a point, commas between thousands are left out.",
    "encoding": "How the letters of the file are stored.",
    "narrow": "Digits as wide as Japanese letters.",
    "array": "Which array of the file holds the examples.",
    "labels": "Classes colour the latent plane; no model is trained on them.",
    "columns": "The numbers that make an example $x$.",
    "beside": "Numbers that are kept of each example and are no part of $x$: they can colour the latent "
    "plane, and be the $y$ of a conditional model.",
    "layout": "A row may hold the pixels of a square image.",
    "orientation": "Transposed: rows and columns of each image are exchanged.",
    "side": "Images are made smaller, in their own shape.",
    "fit": "Pictures of another shape than most lose what is beside it, or are stretched to it.",
    "colours": "Kept: red, green and blue of each pixel, three times the values of a grey image.",
    "frames": "Whether each frame or page of a GIF or a TIFF is an example.",
    "missing": "The mean is that of the column.",
    "scale": r"Each column by itself: $(x - \bar x)/s$, or $(x - \min)/(\max - \min)$.",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that is looked at.

    Arguments:
        digest: Of the uploaded file.
        title: What it is called.
        choices: That were made.
        read: The key of its last reading that succeeded; "" before the first.
    """

    digest: str
    title: str
    choices: Choices
    read: str = ""

    @property
    def key(self) -> str:
        """Of its reading."""
        return task_key("bring", self.digest, self.choices.to_json())


def draw() -> None:
    """Draws the place for a file, or what is known of the one that was dropped."""
    said = state.control(_SAID)
    if isinstance(said, str):
        state.set_control(_SAID, None)
        st.info(said, icon=":material/info:")
    draft = state.control(_DRAFT)
    if is_temporary():
        st.warning("This server cannot write its folder, so it keeps no data sets.")
    elif isinstance(draft, Draft):
        _draw_draft(draft)
    else:
        _draw_place()


def _draw_place() -> None:
    number = state.control(_ROUND)
    number = number if isinstance(number, int) else 0
    left, right = st.columns(2, gap="medium")
    with left:
        files = st.file_uploader(
            "Drop a file, or several pictures",
            accept_multiple_files=True,
            key=f"data_upload_{number}",
            max_upload_size=MAX_UPLOAD_BYTES // 2**20,
            help=HELP,
        )
    with right:
        text = st.text_area(
            "Or paste a table",
            key=f"data_paste_{number}",
            height=110,
            max_chars=LONGEST_PASTE,
            placeholder="length\twidth\tkind\n5,1\t3,5\tsetosa",
            help=PASTE_HELP,
        )
        pasted = st.button("Read the table", key="data_read", icon=":material/table:", help=PASTE_HELP)
    st.caption(FORMATS)
    st.caption(LIMITS)
    if files:
        _begin(*_together([(file.name, file.getvalue()) for file in files]))
    elif pasted:
        if text.strip():
            _begin(text.encode(), "pasted table")
        else:
            st.error("Nothing is pasted yet: copy some cells of a spreadsheet into the field.")


def _together(files: Sequence[tuple[str, bytes]]) -> tuple[bytes, str]:
    """One file as it is; several as a zip, by their names."""
    first = PurePath(files[0][0]).name
    if len(files) == 1:
        return files[0][1], first
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue(), f"{len(files)} files"


def _begin(content: bytes, title: str) -> None:
    """Looks at a file from now on, and empties the place for the next."""
    try:
        digest = data_sets().take_in(content)
    except BadInput as err:
        st.error(plain(str(err)))
        return
    state.set_control(_DRAFT, Draft(digest, title[:80], Choices()))
    number = state.control(_ROUND)
    state.set_control(_ROUND, number + 1 if isinstance(number, int) else 1)
    st.rerun()


def _draw_draft(draft: Draft) -> None:
    key = draft.key
    if not tasks().is_done(key) and tasks().progress(key) is None and tasks().error(key) is None:
        _start(draft)
        if state.control(_DRAFT) is None:
            st.rerun()
    with st.container(border=True, key="data_draft_box"):
        if tasks().progress(key) is not None:
            _draw_progress(key)
        elif tasks().is_done(key):
            if draft.read != key:
                draft = replace(draft, read=key)
                state.set_control(_DRAFT, draft)
        else:
            error = tasks().error(key) or "The file could not be read. Try again."
            st.error(f"{plain(draft.title)}: {plain(error)}")
            if tasks().is_worth_repeating(key):
                st.button(
                    "Try again",
                    key="data_retry",
                    icon=":material/refresh:",
                    on_click=partial(_start, draft),
                    help="Reads the file once more.",
                )
        if draft.read and tasks().is_done(draft.read):
            try:
                _draw_reading(draft, cached.reading(draft.read))
            except BadInput as err:
                st.error(plain(str(err)))
        _draw_ways_out(draft)


def _start(draft: Draft) -> None:
    content = data_sets().uploaded(draft.digest)
    if content is None:
        _forget()
        state.set_control(_SAID, "The file made room for others meanwhile: drop it again.")
        return
    tasks().start(
        draft.key,
        "bring",
        draft.choices.to_json(),
        inputs={"content": np.frombuffer(content, np.uint8)},
        owner=browser.token(),
        memory=MEMORY_OF * len(content),
    )


def _draw_progress(key: str) -> None:
    """How far the reading is; the page is drawn again when it ends."""

    def line() -> None:
        now = tasks().progress(key)
        if now is None:
            st.rerun()
        waiting = f"Waiting for a core of this server: number {now.queue_position} in the queue …"
        st.progress(min(1.0, now.done), text=waiting if now.queue_position else "Reading the file …")

    st.fragment(line, run_every=TICK_S)()


def _draw_ways_out(draft: Draft) -> None:
    """Back to what is recognised, and to another file: all there is to do with one that cannot be read."""
    is_refused = tasks().error(draft.key) is not None and not tasks().is_worth_repeating(draft.key)
    with st.container(horizontal=True):
        if draft.choices != Choices():
            st.button(
                "As recognised",
                key="data_reset",
                icon=":material/undo:",
                on_click=partial(state.set_control, _DRAFT, replace(draft, choices=Choices())),
                help="Takes all choices back.",
            )
        st.button(
            "Another file",
            key="data_discard",
            icon=":material/close:",
            on_click=partial(_cancel, draft.key),
            type="primary" if is_refused else "secondary",
            help="Forgets this file.",
        )


def _cancel(key: str) -> None:
    tasks().cancel(key, owner=browser.token())
    _forget()


def _forget() -> None:
    state.set_control(_DRAFT, None)


def _draw_reading(draft: Draft, found: Reading) -> None:
    facts = found.facts
    st.markdown(f"**{plain(draft.title)}** · {plain(facts.form)} · {plain(look.size_of(facts))}")
    left, right = st.columns([3, 2], gap="medium")
    with left:
        if found.head:
            look.draw_head(found.head)
        look.draw(cached.look_at_file(draft.read), facts, key="draft")
    with right:
        drawn = _draw_problems(draft, found)
        _draw_recognised(draft, found, drawn)
        st.markdown(f"**Likelihood**  \n{plain(found.facts.reason)} It can be changed on Train.")
    if found.refusal:
        st.error(plain(found.refusal))
    else:
        _draw_use(draft, found)


def _draw_problems(draft: Draft, found: Reading) -> set[str]:
    """What is wrong and what is done about it, each with its choice; returns the choices that are drawn."""
    drawn: set[str] = set()
    st.markdown("**What was found, and what is done**")
    if found.title:
        st.markdown(
            "- It was downloaded from this page, and is taken as it was kept then: by its old name the runs "
            "on it find it again."
        )
    if not found.problems and not found.title:
        st.markdown("Nothing needs to be changed.")
    for problem in found.problems:
        st.markdown(f"- {plain(problem.text)}")
        if problem.choice in found.options and problem.choice not in drawn:
            drawn.add(problem.choice)
            _choose(draft, found, problem.choice)
    return drawn


def _draw_recognised(draft: Draft, found: Reading, drawn: set[str]) -> None:
    left = [name for name in NAMES if name in found.options and name not in drawn]
    if left:
        with st.expander("As recognised; each can be changed", expanded=not drawn):
            for name in left:
                _choose(draft, found, name)


def _choose(draft: Draft, found: Reading, name: str) -> None:
    """The switch of one choice; what it is set to is read anew."""
    key = f"data_choice_{name}_{draft.digest[:12]}"
    options, labels = found.options[name], OPTIONS.get(name, {})
    now: Any = getattr(found.choices, name)
    # What holds for the file, also where another choice has just changed it.
    state.set_control(key, list(now) if name in _SEVERAL else str(now))
    shared: dict[str, Any] = {
        "label": NAMES[name],
        "options": options,
        "key": key,
        "help": HELPS[name],
        "format_func": lambda option: labels.get(option, option),
        "on_change": partial(_take, name, key),
    }
    if name in _SEVERAL:
        st.pills(selection_mode="multi", wrap=True, **shared)
    elif len(options) <= 3 and sum(len(labels.get(one, one)) for one in options) < 40:
        st.segmented_control(required=True, **shared)
    else:
        st.selectbox(**shared)


def _take(name: str, key: str) -> None:
    draft, value = state.control(_DRAFT), state.control(key)
    if not isinstance(draft, Draft) or not (value or name in ("labels", "beside")):
        return
    if name in _SEVERAL:
        chosen: Any = tuple(value) if isinstance(value, list | tuple) else ()
    else:
        chosen = int(str(value)) if name == "side" else str(value or "")
    state.set_control(_DRAFT, replace(draft, choices=replace(draft.choices, **{name: chosen})))


def _draw_use(draft: Draft, found: Reading) -> None:
    ready = draft.read == draft.key
    with st.container(horizontal=True, vertical_alignment="bottom"):
        title = st.text_input(
            "Name",
            found.title or _stem(draft.title),
            key=f"data_title_{draft.digest[:12]}",
            max_chars=60,
            width=260,
            help="Its name in the menus of data sets.",
        )
        train = st.button(
            "Train on it",
            key="data_train",
            type="primary",
            icon=":material/play_circle:",
            disabled=not ready,
            help=f"Keeps it, and opens Train with it and the likelihood {LABELS[found.facts.likelihood]}.",
        )
        keep = st.button(
            "Keep it",
            key="data_keep",
            icon=":material/save:",
            disabled=not ready,
            help="Puts it into the menus of data sets: on Train, Compare and EM.",
        )
    if train or keep:
        _use(found, title.strip() or found.title or _stem(draft.title), opens_train=train)


def _use(found: Reading, title: str, *, opens_train: bool) -> None:
    try:
        kept = data_sets().keep(retitled(found.arrays, title), owner=browser.token())
    except BadInput as err:
        st.error(plain(str(err)))
        return
    _forget()
    left = f" To make room for it {', '.join(map(plain, kept.left))} left." if kept.left else ""
    if opens_train:
        look.set_controls(own_facts(kept.name))
        if left:
            state.say_next(left.strip())
        pages.turn_to("train")
    state.set_control(look.CHOSEN, kept.name)
    state.set_control(_SAID, f"{plain(title)} is kept.{left}")
    st.rerun()


def _stem(title: str) -> str:
    return PurePath(title).stem[:60] or "my data"
