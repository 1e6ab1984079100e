"""Projections of a latent space with more than two dimensions: PCA at once, t-SNE when it is asked for."""

from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import cached as cache
from dashboard.figures.latent import projection_figure
from dashboard.latent import cached as cache_latent
from dashboard.latent.saving import Kept, chart_config, save_menu
from dashboard.runs.tasks import task_key, tasks
from dashboard.shell import state
from dashboard.shell.task_line import task_line
from dashboard.subject import Subject

PCA_HELP: Final = (
    r"The two directions $v_1, v_2$ in which the posterior means vary most: $(\mu - \bar\mu)^\top v_i$. "
    "Straight lines stay straight, so distances mean something."
)
TSNE_HELP: Final = (
    "t-SNE keeps neighbours together and nothing else: sizes of clusters and gaps between them mean nothing. "
    "It runs in a process of its own, on at most 1000 data, and takes some seconds."
)
MAX_POINTS: Final = 1000


def draw(shown: Subject) -> None:
    """PCA on the left, t-SNE on the right; for J <= 2 the plane itself is all there is to see."""
    if shown.config.model.latent_dim <= 2:
        st.info(
            "With two latent dimensions the plane above shows everything. Train with J > 2 and come back."
        )
        return
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**PCA**", help=PCA_HELP)
        _pca(shown)
    with right:
        st.markdown("**t-SNE**", help=TSNE_HELP)
        name = task_key("t-SNE", shown.digest)
        _tsne(shown, name)


def _pca(shown: Subject) -> None:
    data = cache.encoded(shown)
    coordinates, explained = cache_latent.pca(shown)
    titles = [f"component {k + 1}, {share:.0%} of the variance" for k, share in enumerate(explained.tolist())]
    figure = projection_figure(
        coordinates,
        data.labels,
        titles=(titles[0], titles[1]),
        class_names=shown.class_names,
        theme=state.theme_name(),
    )
    alt = f"PCA of the posterior means: {titles[0]}; {titles[1]}."
    st.plotly_chart(figure, key="pca", alt=alt, config=chart_config("pca"))
    arrays = {"coordinates": coordinates, "explained": explained, "labels": data.labels}
    save_menu(Kept(title="PCA", file="pca", arrays=arrays))


def _tsne(shown: Subject, name: str) -> None:
    result = tasks().result(name)
    if result is not None:
        _draw_tsne(shown, result["coordinates"])
        return
    task_line(
        name,
        key="tsne",
        label="Compute the t-SNE",
        doing="Computing the t-SNE …",
        help_text=TSNE_HELP,
        start=lambda: _start(shown, name),
    )


def _draw_tsne(shown: Subject, points: NDArray[np.float32]) -> None:
    labels = cache.encoded(shown).labels[: len(points)]
    figure = projection_figure(
        points,
        labels,
        titles=("t-SNE 1, no unit", "t-SNE 2, no unit"),
        class_names=shown.class_names,
        theme=state.theme_name(),
    )
    alt = f"t-SNE of {len(points)} posterior means."
    st.plotly_chart(figure, key="tsne", alt=alt, config=chart_config("tsne"))
    save_menu(Kept(title="t-SNE", file="tsne", arrays={"coordinates": points, "labels": labels}))


def _start(shown: Subject, name: str) -> None:
    means = cache.encoded(shown).means[:MAX_POINTS]
    tasks().start(name, "tsne", str(shown.config.seed), inputs={"points": means})
