"""The list itself: a row a run, what is said of it, and what can be done with it."""

import base64
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard.formats import plain, shown_difference, signed
from dashboard.labels import OF_CURVES, STATUSES, data_title, has_many_held_out
from dashboard.run_list import cached, edit
from dashboard.run_list.choice import ORDERS, matching, ordered
from dashboard.runs.about import file_stem
from dashboard.runs.catalog import MAX_KEPT_BYTES, MAX_KEPT_RUNS, Entry
from dashboard.runs.job import ACTIVE, JobView
from dashboard.runs.runner import runner
from dashboard.shell import browser, controls, pages, state, take_home
from vae_core.errors import BadInput

PAGE_LENGTH: Final = 20
FOLLOW_S: Final = 5.0
"""How often the list looks whether a run at work has gone on."""
_PICK: Final = "run_pick_"
_MARKED: Final = "runs_marked"
_ALL: Final = "runs_mark_all"
_DELETED: Final = "runs_deleted"
_WIDTHS: Final = (0.3, 0.9, 3.0, 1.7, 0.7, 1.0, 1.0, 1.3, 2.7)
"""Of the columns: at 1024 pixels the buttons of a row still stand in one line."""
_ELBO_HELP: Final = (
    "Held-out ELBO in nats per example, β = 1, M = 1, as it was when the run was looked at last; – without a "
    f"bound. {OF_CURVES}"
)
_HEAD: Final = (
    ("", None),
    ("", None),
    ("Name", None),
    ("Data", None),
    ("β", "KL weight β when the run was looked at last."),
    ("ELBO", _ELBO_HELP),
    ("Steps", None),
    ("Begun", "When the run began, and in which browser."),
    ("", None),
)
_FILE_HELP: Final = (
    "The whole run in one file: weights, state of the training, history, settings. It can be uploaded here, "
    "or on another server, and goes on bit for bit."
)
_MORE: Final = {
    "take_home": ":material/home: Take home …",
    "edit": ":material/edit: Name, note and tags …",
    "duplicate": ":material/content_copy: Duplicate with changes …",
    "delete": ":material/delete: Delete",
}
_MORE_OF_OTHERS: Final = {
    "take_home": ":material/home: Take home …",
    "duplicate": ":material/content_copy: Duplicate with changes …",
    "drop": ":material/remove: Remove from my list",
}


def draw_choice(runs: list[Entry]) -> list[Entry]:
    """Draws search and order; returns the runs that are listed, in their order."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="runs_choice"):
        words = st.text_input(
            "Search",
            key="runs_search",
            max_chars=200,
            placeholder="name, note, tag, data, status",
            help="Lists the runs that have all of these words.",
            icon=":material/search:",
            persist_state="session",
        )
        order = st.selectbox(
            "Sort by",
            tuple(ORDERS),
            key="runs_sort",
            format_func=ORDERS.__getitem__,
            help="ELBO: held-out, β = 1, at the last look. Only runs on the same data are comparable.",
            width=220,
            persist_state="session",
        )
    return ordered(matching(runs, words or ""), order)


def draw(runs: list[Entry]) -> None:
    """Draws one page of the list.

    Arguments:
        runs: All that match, in their order.
    """
    if not runs:
        st.info("No run has all of these words. Search for fewer of them.")
        return
    # Another search or order begins on its first page.
    key = f"runs_pages_{state.control('runs_sort')}_{state.control('runs_search')}"
    num_pages = -(-len(runs) // PAGE_LENGTH)
    said = state.control(key)
    page = min(said, num_pages) if isinstance(said, int) else 1
    shown = runs[(page - 1) * PAGE_LENGTH : page * PAGE_LENGTH]
    with st.container(key="run_rows", gap="xxsmall"):
        with st.container(key="run_head"):
            columns = st.columns(_WIDTHS, gap="xsmall")
            with columns[0]:
                _draw_mark_all(runs)
            for column, (title, help_text) in zip(columns, _HEAD, strict=True):
                if title:
                    column.caption(f"**{title}**", help=help_text)
        for entry in shown:
            _draw_row(entry)
    if any(has_many_held_out(entry.dataset) for entry in shown):
        st.caption(OF_CURVES)
    if num_pages > 1:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.pagination(num_pages, key=key)
            st.caption(f"{len(runs):,} runs")
    edit.draw_dialogue()
    active = [entry for entry in shown if entry.status in ACTIVE]
    if active:
        st.fragment(_follow, run_every=FOLLOW_S)(active)


def _follow(drawn: list[Entry]) -> None:
    """Draws the page again when there is anything new of the runs that are at work."""
    if not edit.is_open() and runner().catalog.entries(entry.run_id for entry in drawn) != drawn:
        st.rerun()


def draw_empty() -> None:
    """What an empty list says: how it fills."""
    st.markdown("**No runs yet.** Start one on **Train**: it is listed here from then on, also tomorrow.")
    pages.link("train", "Train your first run")
    st.markdown("Or bring one along: drop the file of a run here.")


def draw_limits(runs: list[Entry]) -> None:
    """What the list holds, and what the server keeps."""
    size = sum(entry.num_bytes for entry in runs) / 1e6
    count = "1 run" if len(runs) == 1 else f"{len(runs):,} runs"
    st.caption(
        f"This browser's runs, and those it has opened by a link: {count}, {size:,.1f} MB. For all browsers "
        f"together the server keeps up to {MAX_KEPT_RUNS:,} runs and {MAX_KEPT_BYTES // 2**30} GB; beyond "
        "that the oldest are removed, but none that is open on a page."
    )


def picked(runs: list[Entry]) -> list[Entry]:
    """The runs that are marked, of those that are there still."""
    marked = _marked()
    return [entry for entry in runs if entry.run_id in marked] if marked else []


def unmark() -> None:
    """Unmarks all runs; in a callback."""
    for run_id in _marked():
        state.set_control(_PICK + run_id, False)
    state.set_control(_MARKED, ())


def _mark_all(run_ids: tuple[str, ...]) -> None:
    """Marks all of these runs, or unmarks them: those of the other pages of the list, too."""
    are_marked = bool(state.control(_ALL))
    for run_id in run_ids:
        state.set_control(_PICK + run_id, are_marked)
    others = tuple(marked for marked in _marked() if marked not in run_ids)
    state.set_control(_MARKED, (*others, *run_ids) if are_marked else others)


def _marked() -> tuple[str, ...]:
    found = state.control(_MARKED)
    return found if isinstance(found, tuple) else ()


def _draw_mark_all(runs: list[Entry]) -> None:
    run_ids = tuple(entry.run_id for entry in runs)
    state.set_control(_ALL, set(run_ids) <= set(_marked()))
    st.checkbox(
        "Mark all runs of this list",
        key=_ALL,
        label_visibility="collapsed",
        help="Marks all runs that are listed, also those on other pages of the list.",
        on_change=partial(_mark_all, run_ids),
    )


def _mark(run_id: str) -> None:
    # Beside the boxes themselves: of ten thousand runs the boxes of one page are drawn.
    others = tuple(marked for marked in _marked() if marked != run_id)
    state.set_control(_MARKED, (*others, run_id) if state.control(_PICK + run_id) else others)


def _draw_row(entry: Entry) -> None:
    run_id, view = entry.run_id, runner().view(entry.run_id)
    if view is None:
        return
    mine = view.is_owned_by(browser.token())
    with st.container(key=f"run_row_{run_id}"):
        columns = st.columns(_WIDTHS, gap="xsmall", vertical_alignment="center")
        with columns[0]:
            st.checkbox(
                f"Mark {plain(view.name)}",
                key=_PICK + run_id,
                label_visibility="collapsed",
                help="Marks the run, to download, compare or delete several at once.",
                on_change=partial(_mark, run_id),
                persist_state="session",
            )
        with columns[1]:
            _draw_thumbnail(entry)
        columns[2].markdown(_name_and_note(entry, view))
        columns[3].markdown(f"{plain(data_title(entry.dataset))}  \n:small[J = {entry.latent_dim}]")
        columns[4].markdown(f"{entry.beta:.4g}")
        columns[5].markdown(_elbo(entry))
        columns[6].markdown(f"{entry.step:,}")
        whose = "you" if mine else "someone else"
        columns[7].markdown(f"{when(entry.about.created)}  \n:small[{whose}]")
        with columns[8], st.container(horizontal=True, gap="xxsmall", key=f"run_actions_{run_id}"):
            _draw_actions(entry, view, mine=mine)


def _elbo(entry: Entry) -> str:
    """The ELBO in the digits in which it stands on the other pages, as the difference of its shown terms."""
    if entry.reconstruction is None or entry.kl is None:
        return "–"
    return signed(shown_difference(entry.reconstruction, entry.kl))


def _draw_thumbnail(entry: Entry) -> None:
    version = runner().store.snapshot_version(entry.run_id)
    content = None if version is None else cached.thumbnail(entry.run_id, version)
    if content is not None:
        source = f"data:image/png;base64,{base64.b64encode(content).decode()}"
        st.image(source, alt=f"Decoded grid of {entry.name}", width=72)


def _name_and_note(entry: Entry, view: JobView) -> str:
    about = entry.about
    status = STATUSES[view.status]
    colour = {"running": "green", "interrupted": "orange", "diverged": "red", "crashed": "red"}.get(
        view.status
    )
    said = [f":{colour}[{status}]" if colour else status]
    if about.name:
        said.append(f"Run {entry.run_id[:4]}")
    if about.parent is not None:
        at = "" if about.parent_step is None else f" at step {about.parent_step:,}"
        said.append(f"from Run {about.parent[:4]}{at}")
    lines = [f"**{plain(entry.name)}**", f":small[{' · '.join(said)}]"]
    if about.tags:
        lines.append(" ".join(f":blue-badge[{plain(tag)}]" for tag in about.tags))
    note = " ".join(about.note.split())
    if note:
        short = note if len(note) <= 140 else f"{note[:139]}…"
        lines.append(f":small[{plain(short)}]")
    return "  \n".join(lines)


def _draw_actions(entry: Entry, view: JobView, *, mine: bool) -> None:
    run_id = entry.run_id
    # First: all that follows shows its icon alone (``PAGE_CSS``).
    if st.button("Open", key=f"run_open_{run_id}", help="Shows the run on Train; the other pages follow."):
        state.show_run(run_id)
        controls.show_config(view.config)
        pages.turn_to("train")
    if mine and view.status in ("interrupted", "crashed"):
        _icon(
            "Resume",
            f"run_resume_{run_id}",
            "resume",
            "Goes on from the last save.",
            partial(_resume, run_id),
        )
    kept = run_id in state.kept_runs()
    _icon(
        "Kept" if kept else "Keep",
        f"run_ghost_{run_id}",
        "bookmark_added" if kept else "bookmark_add",
        "Its curves stand beside those of the run in view on Train, until you press again.",
        partial(state.drop_run if kept else state.keep_run, run_id),
    )
    path = runner().store.run_file(run_id)
    st.download_button(
        "Download",
        data=partial(_content, run_id),
        file_name=f"{file_stem(entry.about, run_id)}.safetensors",
        mime="application/octet-stream",
        key=f"run_download_{run_id}",
        icon=":material/download:",
        help=_FILE_HELP if path else "Nothing of this run is saved yet.",
        on_click="ignore",
        disabled=path is None,
    )
    options = _MORE if mine else _MORE_OF_OTHERS
    chosen = st.menu_button(
        "More",
        tuple(options),
        key=f"run_more_{run_id}",
        icon=":material/more_vert:",
        format_func=options.__getitem__,
        help="Curves, codes and code of the run; name, note and tags; a new run with other settings; delete.",
    )
    if chosen == "take_home":
        take_home.open_with(f"run_home_{run_id}")
    elif chosen == "edit":
        edit.open_for(run_id)
    elif chosen == "duplicate":
        duplicate(view)
    elif chosen == "delete":
        delete([entry])
        st.rerun()
    elif chosen == "drop":
        runner().drop_opened(run_id, owner=browser.token())
        st.rerun()
    take_home.draw(run_id, key=f"run_home_{run_id}")


def _icon(label: str, key: str, icon: str, help_text: str, on_click: Callable[[], None]) -> None:
    st.button(label, key=key, icon=f":material/{icon}:", help=help_text, on_click=on_click)


def _content(run_id: str) -> bytes:
    runner().save(run_id, for_looking=False)
    path = runner().store.run_file(run_id)
    return b"" if path is None else path.read_bytes()


def _resume(run_id: str) -> None:
    try:
        runner().send(run_id, "resume", owner=browser.token())
    except BadInput as err:
        state.say_next(plain(str(err)))


def duplicate(view: JobView) -> None:
    """Opens Train with the settings of a run in its controls, and no run in view."""
    state.forget_run()
    controls.show_config(view.config)
    pages.turn_to("train")


def delete(entries: list[Entry]) -> None:
    """Deletes this browser's runs among some; the page offers to take it back."""
    gone = []
    for entry in entries:
        try:
            runner().delete(entry.run_id, owner=browser.token())
        except BadInput as err:
            state.say_next(plain(str(err)))
            continue
        gone.append(entry.run_id)
        state.drop_run(entry.run_id)
        if state.current_run() == entry.run_id:
            state.forget_run()
    if gone:
        state.set_control(_DELETED, tuple(gone))


def just_deleted() -> tuple[str, ...]:
    """Ids of the runs that were deleted last in this session, while that was not taken back."""
    found = state.control(_DELETED)
    return found if isinstance(found, tuple) else ()


def restore(ids: tuple[str, ...]) -> None:
    """Takes a deletion back; in a callback."""
    for run_id in ids:
        try:
            runner().restore(run_id, owner=browser.token())
        except BadInput as err:
            state.say_next(plain(str(err)))
    state.set_control(_DELETED, None)


def when(seconds: float) -> str:
    """A moment as this browser's clock has it: the time of today, else the day.

    Arguments:
        seconds: Since 1970.
    """
    try:
        zone = ZoneInfo(st.context.timezone or "UTC")
    except (KeyError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    moment, now = datetime.fromtimestamp(seconds, zone), datetime.now(zone)
    if moment.date() == now.date():
        return f"{moment:%H:%M}"
    return f"{moment.day} {moment:%b}" + ("" if moment.year == now.year else f" {moment.year}")
