"""Projections of a latent space with more than two dimensions: PCA at once, t-SNE when it is asked for."""

from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.cached import encoded
from dashboard.components.chart.element import draw_chart
from dashboard.figures.latent import projection_figure
from dashboard.formats import plain
from dashboard.latent import cached as cache
from dashboard.latent.saving import Kept, chart_config, save_menu
from dashboard.runs.tasks import task_key, tasks
from dashboard.shell import browser, state
from dashboard.shell.pages import to_train
from dashboard.shell.task_line import task_line
from dashboard.subject import Subject
from vae_core.errors import BadInput
from vae_core.latent.projection import check_tsne_points

PCA_HELP: Final = (
    r"The two directions $v_1, v_2$ in which the posterior means vary most: $(\mu - \bar\mu)^\top v_i$. "
    "A linear map: straight lines stay straight, and no distance grows."
)
TSNE_HELP: Final = (
    "t-SNE keeps neighbours together and nothing else: sizes of clusters and gaps between them mean nothing. "
    "It runs in a process of its own, on at most 1000 examples, and takes some seconds."
)
MAX_POINTS: Final = 1000


def draw(shown: Subject) -> None:
    """PCA on the left, t-SNE on the right; for J <= 2 the plane itself is all there is to see."""
    if shown.config.model.latent_dim <= 2:
        st.info("With J ≤ 2 the plane above shows every latent dimension; projections need J > 2.")
        to_train("Set up a run with J = 8", latent_dim=8)
        return
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**PCA**", help=PCA_HELP)
        try:
            _pca(shown)
        except BadInput as err:
            st.info(plain(str(err)))
    with right:
        st.markdown("**t-SNE**", help=TSNE_HELP)
        _tsne(shown)


def _pca(shown: Subject) -> None:
    coordinates, explained = cache.pca(shown)
    titles = [f"component {k + 1}, {share:.0%} of the variance" for k, share in enumerate(explained.tolist())]
    labels = encoded(shown).labels
    _chart("PCA", coordinates, labels, (titles[0], titles[1]), shown.class_names)
    arrays = {"coordinates": coordinates, "explained": explained, "labels": labels}
    save_menu(Kept(title="PCA", file="pca", arrays=arrays))


def _tsne(shown: Subject) -> None:
    name, examples = task_key("t-SNE", shown.digest), encoded(shown)
    result = tasks().result(name)
    if result is None:
        points, seed = examples.means[:MAX_POINTS], str(shown.config.seed)
        try:
            check_tsne_points(points)
        except BadInput as err:
            st.info(plain(str(err)))
            return
        task_line(
            name,
            key="tsne",
            label="Compute t-SNE",
            doing="Computing t-SNE …",
            help_text=TSNE_HELP,
            start=lambda: tasks().start(name, "tsne", seed, owner=browser.token(), inputs={"points": points}),
        )
        return
    coordinates = result["coordinates"]
    labels = examples.labels[: len(coordinates)]
    _chart("t-SNE", coordinates, labels, ("t-SNE 1, no unit", "t-SNE 2, no unit"), shown.class_names)
    save_menu(Kept(title="t-SNE", file="tsne", arrays={"coordinates": coordinates, "labels": labels}))


def _chart(
    method: str,
    coordinates: NDArray[np.float32],
    labels: NDArray[np.int32],
    titles: tuple[str, str],
    class_names: tuple[str, ...],
) -> None:
    figure = projection_figure(
        coordinates, labels, titles=titles, class_names=class_names, theme=state.theme_name()
    )
    file = method.replace("-", "").lower()
    alt = f"{method} of {len(coordinates)} posterior means: {titles[0]}; {titles[1]}."
    draw_chart(figure, key=file, alt=alt, config=chart_config(file))
