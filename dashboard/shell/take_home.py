"""Take home: files of a run, and its code on the screen."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import streamlit as st

from dashboard.cached import encode, pretrained_snapshot
from dashboard.components.dialogue.element import dialogue
from dashboard.exports import codes_csv, codes_npz, curves_csv, validation_csv
from dashboard.formats import plain
from dashboard.publish.page import page_of
from dashboard.runs.about import About, file_stem
from dashboard.runs.runner import runner
from dashboard.shell import condition, state
from dashboard.subject import Split, Subject, pretrained, subject_of
from vae_core.config import RunConfig
from vae_core.errors import BadInput

if TYPE_CHECKING:
    from dashboard.cached import Encoded
    from vae_core.runs.snapshot import Snapshot

CSV_NUMBERS: Final = 1_000_000
NPZ_NUMBERS: Final = 10_000_000
"""Numbers of a file of latent codes at most, 10 MB of text and 40 MB of an archive: beyond it has the first
examples of each part alone."""
_OPEN: Final = "take_home_open"
_HELP: Final = (
    "The files of this run: a page that needs no server, curves, latent codes, settings, the run itself, and "
    "its code."
)
_CODE_HELP: Final = "This script, to run anywhere: `python FILE`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file of a run, made when it is asked for.

    Arguments:
        kind: Tells it from the others on the page.
        label: What the button says.
        file_name: What the browser calls it; safe on every system.
        mime: Its kind for the browser.
        make: Its content; called beside the page, in a thread without a session.
        help_text: The tooltip.
    """

    kind: str
    label: str
    file_name: str
    mime: str
    make: Callable[[], bytes]
    help_text: str


def button(run_id: str | None, *, key: str = "take_home") -> None:
    """Draws the button, and the dialogue that it opens.

    Arguments:
        run_id: The run; None: the example model.
        key: Tells it from others of the same page.
    """
    st.button("Take home", key=key, icon=":material/download:", help=_HELP, on_click=open_with, args=(key,))
    draw(run_id, key=key)


def draw(run_id: str | None, *, key: str) -> None:
    """Draws the dialogue where it is open; the arguments are those of :func:`button`."""
    # Not the button's own value: the page behind the dialogue may be drawn again while it is open.
    if state.control(_OPEN) == (state.current_page(), key):
        _dialogue(run_id)


def open_with(key: str) -> None:
    """Opens the dialogue of one of the page's keys; :func:`draw` draws it."""
    state.set_control(_OPEN, (state.current_page(), key))


def _close() -> None:
    state.set_control(_OPEN, None)


@dialogue("Take home", width="large", icon=":material/download:", on_dismiss=_close)
def _dialogue(run_id: str | None) -> None:
    try:
        _draw(run_id)
    except BadInput as err:
        st.error(plain(str(err)))


def _draw(run_id: str | None) -> None:
    if run_id is None:
        about, stem, subject, snapshot = About(), "example", pretrained(), pretrained_snapshot()
        name = "The example model, trained on digits"
    else:
        view = runner().view(run_id)
        if view is None:
            raise BadInput("run", "this run no longer exists", "close this and choose another")
        runner().save(run_id)
        about = runner().store.about(run_id)
        stem, subject = file_stem(about, run_id), subject_of(run_id)
        snapshot = runner().store.snapshot(run_id)
        name = view.name
        if subject is None:
            st.info("Nothing of this run is saved yet: its files appear here after its first save.")
            _show([_settings(view.config, stem)])
            return
    st.caption(f"{name} as it was saved at step {subject.step:,}.")
    code = _code(subject, about.name)
    shown = _given(subject)
    page = [] if snapshot is None else [_page(shown, snapshot, stem, about.name)]
    _show(page + downloads(subject, stem, code, shown=shown))
    st.markdown("**Code of this run**")
    st.caption(
        "It needs torch, NumPy and scikit-learn, trains the same model on the same data, and prints the same "
        "held-out ELBO."
    )
    st.code(code, language="python", height=420)


def _given(subject: Subject) -> Subject:
    """What page and codes are of: of a conditional run the y that its pages show, else the first."""
    if subject.known is None:
        return subject
    shown = subject.given(condition.wanted(subject))
    st.caption(
        "A conditional run: the page and the latent codes are those given "
        f"y = {plain(shown.name_of_y)}, as chosen on the other pages; all else is of the whole run."
    )
    return shown


def _code(subject: Subject, title: str) -> str:
    from vae_core.runs.script import script_of

    return script_of(subject.run, subject.data, title=title)


def downloads(subject: Subject, stem: str, code: str, *, shown: Subject | None = None) -> list[Download]:
    """What can be taken home of a run.

    Arguments:
        subject: The run as it was saved.
        stem: Begins the names of its files.
        code: Its script.
        shown: A conditional run given the y that the latent codes are of; None: the run itself.
    """
    coded = shown or subject
    return [
        Download(
            kind="code",
            label="Code (.py)",
            file_name=f"{stem}.py",
            mime="text/x-python",
            make=code.encode,
            help_text=_CODE_HELP,
        ),
        Download(
            kind="curves",
            label="Curves (CSV)",
            file_name=f"{stem}-curves.csv",
            mime="text/csv",
            make=lambda: curves_csv(subject.run.curves).encode(),
            help_text="A row for each point of the curves: bound and its terms in nats per example, β, η.",
        ),
        *_validation(subject, stem),
        Download(
            kind="codes_csv",
            label="Latent codes (CSV)",
            file_name=f"{stem}-codes.csv",
            mime="text/csv",
            make=lambda: codes_csv(_codes(coded, CSV_NUMBERS), coded.class_names).encode(),
            help_text="A row for each example: part of the data, class, mean and std of q, bound."
            + _cut(coded, CSV_NUMBERS),
        ),
        Download(
            kind="codes_npz",
            label="Latent codes (NPZ)",
            file_name=f"{stem}-codes.npz",
            mime="application/octet-stream",
            make=lambda: codes_npz(_codes(coded, NPZ_NUMBERS), coded.class_names),
            help_text="The same as arrays for numpy.load: means, stds, labels, split, example, bound."
            + _cut(coded, NPZ_NUMBERS),
        ),
        _settings(subject.config, stem),
        Download(
            kind="run",
            label="Run file (.safetensors)",
            file_name=f"{stem}.safetensors",
            mime="application/octet-stream",
            make=subject.path.read_bytes,
            help_text="The whole run: weights, optimiser, history, settings. This app opens it and goes on.",
        ),
    ]


def _page(subject: Subject, snapshot: "Snapshot", stem: str, name: str) -> Download:
    return Download(
        kind="page",
        label="One page (HTML)",
        file_name=f"{stem}.html",
        mime="text/html",
        make=lambda: page_of(subject, snapshot, name=name).encode(),
        help_text="Opens without a server, on any computer or telephone: the latent plane under the pointer, "
        "traversals, drawing, curves and settings of this run in one file.",
    )


def _settings(config: RunConfig, stem: str) -> Download:
    return Download(
        kind="settings",
        label="Settings (JSON)",
        file_name=f"{stem}-settings.json",
        mime="application/json",
        make=lambda: json.dumps(json.loads(config.to_json()), indent=2).encode(),
        help_text="The configuration with which the run began.",
    )


def _validation(subject: Subject, stem: str) -> list[Download]:
    """The curve by which the training stopped, where there is one."""
    if not len(subject.run.validation):
        return []
    return [
        Download(
            kind="validation",
            label="Validation curve (CSV)",
            file_name=f"{stem}-validation.csv",
            mime="text/csv",
            make=lambda: validation_csv(subject.run.validation).encode(),
            help_text="A row for each epoch: bound and terms of the validation part, nats per example.",
        )
    ]


def _show(files: list[Download]) -> None:
    with st.container(horizontal=True, gap="small"):
        for file in files:
            st.download_button(
                file.label,
                file.make,
                file.file_name,
                file.mime,
                key=f"take_{file.kind}",
                on_click="ignore",
                help=file.help_text,
            )


def _codes(subject: Subject, max_numbers: int) -> "dict[Split, Encoded]":
    most = _most_examples(subject, max_numbers)
    return {split: encode(subject, split, max_examples=most) for split in subject.splits}


def _most_examples(subject: Subject, max_numbers: int) -> int:
    """Examples of each part that fit in a file of so many numbers."""
    return max(1, max_numbers // (2 * (2 * subject.config.model.latent_dim + 6)))


def _cut(subject: Subject, max_numbers: int) -> str:
    most = _most_examples(subject, max_numbers)
    longest = max(len(subject.examples(split)[0]) for split in subject.splits)
    return f" The first {most:,} examples of each part." if longest > most else ""
