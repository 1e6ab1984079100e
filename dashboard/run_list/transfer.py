"""The marked runs as a zip, upload of run files by drag and drop, deleting and undo."""

from functools import partial
from typing import Final

import streamlit as st

from dashboard.formats import plain
from dashboard.run_list import rows
from dashboard.runs.about import About, name_in_file
from dashboard.runs.archive import LIMIT, is_small_enough, read_zip, zip_of
from dashboard.runs.catalog import Entry
from dashboard.runs.runner import runner
from dashboard.shell import browser, pages, state
from dashboard.shell.links import MAX_COMPARED
from vae_core.errors import BadInput

_SAID: Final = "runs_uploaded"
_ROUND: Final = "runs_upload_round"


def draw_selected(runs: list[Entry]) -> None:
    """What can be done with the marked runs; nothing where none is."""
    chosen = rows.picked(runs)
    if not chosen:
        return
    mine = [entry for entry in chosen if runner().is_own(entry.run_id, owner=browser.token())]
    fits = is_small_enough(runner().store, [entry.run_id for entry in chosen])
    with st.container(horizontal=True, vertical_alignment="center", key="runs_selected"):
        st.markdown(f"**{len(chosen)} marked**", width="content")
        st.download_button(
            "Download as zip",
            data=partial(_zip, tuple(entry.run_id for entry in chosen)),
            file_name="runs.zip",
            mime="application/zip",
            key="runs_zip",
            icon=":material/folder_zip:",
            help="Their run files, with names, notes and tags; the zip can be uploaded here as it is."
            if fits
            else f"A zip holds at most {LIMIT}: mark fewer runs.",
            on_click="ignore",
            disabled=not fits,
        )
        if st.button(
            "Compare",
            key="runs_compare",
            icon=":material/balance:",
            help="Puts them side by side on **Compare**: the others against the first in the list.",
        ):
            state.set_control("compare_runs", tuple(entry.run_id for entry in chosen)[:MAX_COMPARED])
            state.set_control("compare_view", "runs")
            pages.turn_to("compare")
        st.button(
            "Delete",
            key="runs_delete",
            icon=":material/delete:",
            help="Deletes your own runs among them; it can be taken back.",
            on_click=partial(rows.delete, mine),
            disabled=not mine,
        )
        st.button(
            "Unmark",
            key="runs_unmark",
            type="tertiary",
            help="Unmarks all runs.",
            on_click=rows.unmark,
        )


def _zip(ids: tuple[str, ...]) -> bytes:
    for run_id in ids:
        runner().save(run_id, for_looking=False)
    return zip_of(runner().store, ids)


def draw_undo() -> None:
    """Right after a deletion: what was deleted, and the way back."""
    gone = rows.just_deleted()
    if not gone:
        return
    what = "One run" if len(gone) == 1 else f"{len(gone)} runs"
    with st.container(horizontal=True, vertical_alignment="center", key="runs_undo_line"):
        st.markdown(f":material/delete: {what} deleted.", width="content")
        st.button(
            "Undo",
            key="runs_undo",
            icon=":material/undo:",
            help="Brings back what you deleted last, as it was.",
            on_click=partial(rows.restore, gone),
        )


def draw_deleted() -> None:
    """What this browser deleted within a day, with the way back."""
    deleted = runner().deleted_of(browser.token())
    if not deleted:
        return
    with st.expander(f"Recently deleted ({len(deleted)})", icon=":material/delete:"):
        st.caption("Removed for good a day after they were deleted, or sooner if the server needs the space.")
        for entry in deleted[: rows.PAGE_LENGTH]:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{plain(entry.name)}** · step {entry.step:,}", width="content")
                st.button(
                    "Restore",
                    key=f"run_restore_{entry.run_id}",
                    help="Brings the run back, as it was.",
                    on_click=partial(rows.restore, (entry.run_id,)),
                )


def draw_upload(*, is_open: bool) -> None:
    """Where files of runs are dropped.

    Arguments:
        is_open: Whether it stands open.
    """
    said = state.control(_SAID)
    with st.expander("Upload runs", icon=":material/upload:", expanded=is_open or bool(said)):
        # Another key empties the box: what was taken over stands in the list.
        number = state.control(_ROUND)
        number = number if isinstance(number, int) else 0
        files = st.file_uploader(
            "Drop run files or a zip of them here",
            type=["safetensors", "zip"],
            accept_multiple_files=True,
            key=f"runs_upload_{number}",
            help="Files that were downloaded on this page, here or on another server. Each becomes a run of "
            "this browser, and goes on bit for bit.",
        )
        if isinstance(said, tuple):
            for kind, text in said:
                (st.success if kind == "taken" else st.error)(text)
            state.set_control(_SAID, None)
    if files:
        with st.spinner("Reading the runs …"):
            results = [_take(file.name, file.getvalue()) for file in files]
        state.set_control(_SAID, tuple(results))
        state.set_control(_ROUND, number + 1)
        st.rerun()


def _take(file_name: str, content: bytes) -> tuple[str, str]:
    """Makes runs of one file; returns ``taken`` or ``refused``, and a sentence."""
    count = 0
    try:
        if file_name.casefold().endswith(".zip"):
            for member in read_zip(content):
                runner().upload(member.content, owner=browser.token(), about=member.about)
                count += 1
        else:
            about = About(name=name_in_file(file_name))
            runner().upload(content, owner=browser.token(), about=about)
            count = 1
    except BadInput as err:
        before = f" The {count} before it are in the list." if count else ""
        return "refused", f"{plain(file_name)}: {plain(str(err))}{before}"
    what = " is in the list" if count == 1 else f": {count} runs are in the list"
    return "taken", f"{plain(file_name)}{what}."
