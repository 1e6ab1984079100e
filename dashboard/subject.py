"""The line on top of a page that looks at a trained model: which one, how far, and how to get another."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from dashboard import cached as cache
from dashboard.elbo import cached as cache_bound
from dashboard.runs.job import JobView
from dashboard.runs.runner import runner
from dashboard.shell import pages, state
from vae_core.config import RunConfig
from vae_core.data import DATASET_INFO
from vae_core.errors import BadInput

if TYPE_CHECKING:
    from vae_core.runs.runfile import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The model that a page looks at.

    Arguments:
        key: Names its run file.
        config: What it is.
        step: Updates made.
        image_shape: (height, width) of its data; None for points.
        class_names: Names of the labels.
    """

    key: cache.RunKey
    config: RunConfig
    step: int
    image_shape: tuple[int, int] | None
    class_names: tuple[str, ...]


def subject() -> Subject:
    """Draws the line and returns the run in view, or the shipped model where there is none.

    A run that is still going is asked to save itself first, so that the page shows the weights of now.
    What cannot be shown is said in one sentence, and the page ends there.
    """
    run_id = state.current_run()
    view = None if run_id is None else runner().view(run_id)
    if run_id is not None and view is None:
        state.forget_run()
        st.warning("The run that this link names no longer exists: this is the model that ships.")
    if view is not None and view.status in ("running", "paused"):
        runner().save(view.run_id)
    key = None if view is None else cache.run_key(view.run_id)
    if key is None:
        # Nothing trained, or nothing saved yet: the shipped model is there to look at meanwhile.
        view, key = None, cache.shipped_key()
    try:
        run = _measurable(cache.run(key))
        data = cache.dataset(run.config.dataset, run.config.seed, run.config.data_folder)
        _check_size(run, data.x_test.shape[1])
    except BadInput as err:
        st.error(str(err))
        st.stop()
    _draw(view, run.config, run.step, cache_bound.beta_in_force(key))
    shape, names = data.image_shape, data.class_names
    return Subject(key=key, config=run.config, step=run.step, image_shape=shape, class_names=names)


def stop_if_diverged(shown: Subject) -> None:
    """Ends the page with one sentence where the bound of the held-out data is no finite number."""
    if not np.isfinite(cache.encoded(shown.key, 1, "held-out").reconstruction).all():
        st.error("This run has diverged: its bound is no finite number. Train with a smaller learning rate.")
        st.stop()


def _check_size(run: "Run", has: int) -> None:
    """A folder of images may hold others now than when the run was trained."""
    takes = run.config.model.data_dim
    if takes != has:
        message = f"the data in this run's folder have {has} values each now, its model takes {takes}"
        raise BadInput("data_dim", message, "put the images back, or train a new run on Train")


def _measurable(run: "Run") -> "Run":
    if run.config.model.prior == "standard_normal":
        return run
    raise BadInput(
        "prior",
        "this page measures against the prior N(0, I), and this run learned one of its own",
        "see the page Priors and weights",
    )


def _draw(view: JobView | None, config: RunConfig, step: int, beta: float) -> None:
    title = DATASET_INFO[config.dataset].title
    which = "The model that ships with this dashboard" if view is None else f"Your run, {view.status}"
    facts = f"{title} · J = {config.model.latent_dim} · β {beta:.4g} · step {step:,}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{which}** · {facts}", width="content")
        if view is None:
            pages.link("train", "Train your own")
        elif view.status == "running":
            st.button("Newest weights", icon=":material/refresh:", help="Looks again, at the weights of now.")
