"""The line on top of a page that looks at a trained model: which one, how far, and how to get another."""

from typing import Final

import streamlit as st

from dashboard import cached as cache
from dashboard.formats import plain
from dashboard.labels import LABELS, STATUSES, data_title
from dashboard.runs.job import JobView
from dashboard.runs.runner import runner
from dashboard.shell import browser, condition, elsewhere, pages, share, state
from dashboard.subject import Subject, pretrained, subject_of
from vae_core.errors import BadInput

GIVEN: Final = (
    "A conditional run: this page shows p(x|z, y) and q(z|x, y) given **y = {name}**, with the examples "
    "{which}, and every ELBO is a bound of log p(x|y)."
)
EXAMPLE: Final = "Example model (trained on digits)"


def title(text: str) -> None:
    """Draws a page's heading with the Share button beside it."""
    run_id = state.current_run()
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(text, anchor=False, width="content")
        share.button(None if run_id is None else runner().view(run_id))


def subject() -> Subject:
    """Draws the line and returns the run in view, or the example model where there is none.

    A run that is still going is asked to save itself first, so that the page shows the weights of now.
    What cannot be shown is said in one sentence, and the page ends there.
    """
    run_id = state.current_run()
    view = None if run_id is None else runner().view(run_id)
    if run_id is not None and view is None:
        state.forget_run()
        st.warning(f"{plain(runner().store.why_closed(run_id))} This is the example model.")
    if run_id is not None and view is not None:
        elsewhere.watch_runs([run_id])
    try:
        shown = None if view is None else _saved_now(view)
        if shown is None:
            # Nothing trained, or nothing saved yet: the example model is there to look at meanwhile.
            view, shown = None, pretrained()
        _draw(view, shown)
        shown = _given(shown)
        _check(shown)
    except BadInput as err:
        st.error(plain(str(err)))
        st.stop()
    return shown


def _given(shown: Subject) -> Subject:
    """Of a conditional run the model given the y that the reader chooses; others as they are."""
    if shown.known is None:
        return shown
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        given = shown.given(condition.choose(shown))
        which = "of that class"
        if given.is_given_number:
            low, high = (plain(shown.known.written(value)) for value in given.y_of_examples)
            which = f"whose y is nearest, {low if low == high else f'{low} to {high}'}"
        st.caption(GIVEN.format(name=plain(given.name_of_y), which=which))
    return given


def _saved_now(view: JobView) -> Subject | None:
    if view.is_under_way or view.status == "paused":
        runner().save(view.run_id)
    return subject_of(view.run_id)


def _check(shown: Subject) -> None:
    if cache.encoded(shown).has_diverged:
        raise BadInput(
            "diverged",
            "this run has diverged: its bound is not finite, or beyond 9 × 10¹⁵ nats",
            "train with a smaller learning rate",
        )


def _name_and_status(view: JobView) -> str:
    """``Run a3f1, paused``, and that somebody else started it where that is so."""
    whose = "" if view.is_owned_by(browser.token()) else ", started by someone else"
    # The page is not drawn again at each turn of a training.
    status = "running" if view.is_under_way else view.status
    return f"{plain(view.name)}, {STATUSES[status]}{whose}"


def _draw(view: JobView | None, shown: Subject) -> None:
    title = plain(data_title(shown.config.dataset))
    which = EXAMPLE if view is None else _name_and_status(view)
    latent_dim = shown.config.model.latent_dim
    train = shown.config.train
    what = "" if train.is_elbo else f" · {LABELS[train.objective]}"
    facts = f"{title} · J = {latent_dim} · β {shown.beta_in_force:.4g}{what} · step {shown.step:,}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{which}** · {facts}", width="content")
        if view is None:
            pages.link("train", "Train your own")
        elif view.is_under_way:
            st.button("Newest weights", icon=":material/refresh:", help="Loads the newest weights.")
    for note in shown.data.notes:
        st.caption(f":material/info: {plain(note)}")
