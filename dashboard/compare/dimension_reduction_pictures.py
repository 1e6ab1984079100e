"""What each question shows: rows of images, or small charts where the data are points."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.compare import cached_dimension_reduction as cached
from dashboard.compare.cached_dimension_reduction import Scene
from dashboard.compare.dimension_reduction_numbers import NO_BREAK, scores_of, written
from dashboard.figures.base import CHART_CONFIG
from dashboard.figures.dimension_reduction import plane_figure, space_figure, space_ranges
from dashboard.pictures import show, strip
from dashboard.shell import state
from vae_core.labs.reduction.results import Results
from vae_core.labs.reduction.scores import MEASURES

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

Array = NDArray[np.float64]
SIZE: Final = 64
HIDDEN_GREY: Final = 0.4
PLANE_NOTE: Final = (
    "Held-out data. Each plane is centred, turned or mirrored onto PCA's (orthogonal Procrustes) and scaled "
    "as one, never stretched: compare how the data lie to each other, not the numbers."
)
COMPLETION_NOTE: Final = (
    "z from the seen half: PCA by least squares, probabilistic PCA by the posterior mean in closed form, "
    "networks by the most probable z, searched from the best training code on (the autoencoder, without a "
    "prior, by the best fit)."
)
SAMPLES_NOTE: Final = (
    "Decoded draws of z, without noise of the pixels. Probabilistic PCA and the VAEs draw z from the prior "
    "N(0, I). PCA and autoencoder have none: they draw from the Gaussian fitted to the training codes."
)


class Shown(NamedTuple):
    """The scene, what the methods found, and J."""

    scene: Scene
    found: Mapping[str, Results]
    latent_dim: int


class Question(NamedTuple):
    """What draws its picture, and the measures that answer it."""

    draw: Callable[[Shown], None]
    measures: tuple[str, ...]


def _plane(shown: Shown) -> None:
    if shown.latent_dim == 1:
        st.caption("The line of all decoded z through the held-out data: one number says where on it x lies.")
        _points(shown, {name: found.line for name, found in shown.found.items()}, "trust", is_line=True)
        return
    planes = cached.common_planes({name: found.codes for name, found in shown.found.items()})
    reach = 1.08 * max(float(np.quantile(np.abs(points), 0.998)) for points in planes.values())
    for column, (name, points) in zip(st.columns(len(planes)), planes.items(), strict=True):
        with column:
            st.markdown(_title(shown, name, "trust"))
            figure = plane_figure(
                points,
                shown.scene.labels,
                class_names=shown.scene.class_names,
                reach=reach,
                theme=state.theme_name(),
            )
            alt = f"{name}: codes of {len(points)} held-out data by class."
            st.plotly_chart(figure, key=f"dr_plane_{name}", alt=alt, config=CHART_CONFIG)
    ours = "" if shown.latent_dim == 2 else " J > 2: the two main directions of each method's codes."
    hits = shown.scene.reference.class_hit
    pixels = f" Class accuracy from x itself: {hits.mean():.3f}." if len(hits) else ""
    st.caption(f"Under each name its trustworthiness. {PLANE_NOTE}{ours}{pixels}")


def _reconstruction(shown: Shown) -> None:
    _pictures(shown, {name: found.reconstructed for name, found in shown.found.items()}, "reconstruction")


def _between(shown: Shown) -> None:
    count = len(next(iter(shown.found.values())).interpolations)
    pair = st.slider(
        "Pair of held-out data",
        1,
        count,
        1,
        key=f"dr_pair_{count}",
        help="Their codes are joined by a straight line, and points on it are decoded.",
        persist_state="session",
    )
    interpolations = {name: found.interpolations[pair - 1] for name, found in shown.found.items()}
    start, end = shown.scene.pairs[pair - 1]
    share = np.linspace(0, 1, len(next(iter(interpolations.values()))))[:, None]
    reference = shown.scene.reference
    fade = reference.midpoint_distance.mean() / reference.held_out_distance.mean()
    if shown.scene.image_shape is None:
        _points(shown, interpolations, "interpolation", is_line=True)
    else:
        _row(shown, f"cross-fade of pixels  \n{fade:.3f}", (1 - share) * start + share * end)
        _rows(shown, interpolations, "interpolation")
    st.caption(
        "Under each name: how far decoded midpoints of all pairs lie from the nearest training datum; for "
        f"real held-out data it is 1. Midpoints of the data themselves: {fade:.3f}."
    )


def _samples(shown: Shown) -> None:
    samples = {name: found.samples for name, found in shown.found.items()}
    if shown.scene.image_shape is None:
        _points(shown, samples, "samples")
    else:
        _row(shown, "held-out data  \n1, the unit", shown.scene.x)
        _rows(shown, {name: made[: len(shown.scene.x)] for name, made in samples.items()}, "samples")
    st.caption(f"Under each name the samples' distance to data. {SAMPLES_NOTE}")


def _inpainting(shown: Shown) -> None:
    scene = shown.scene
    missed = float(scene.reference.mean_inpainting_error.mean())
    inpainted = {name: found.inpainted for name, found in shown.found.items()}
    if scene.image_shape is None:
        _points(shown, inpainted, "inpainting")
        st.caption("x₁ is seen, x₂ is inferred.")
    else:
        _row(shown, "held-out data", scene.x)
        _row(shown, "seen half", np.where(scene.hidden, HIDDEN_GREY, scene.x))
        _rows(shown, inpainted, "inpainting")
    st.caption(
        f"Under each name the squared error of the hidden half; the mean of the training data: {missed:.3f}. "
        f"{COMPLETION_NOTE}"
    )


def _strangers(shown: Shown) -> None:
    from vae_core.labs.reduction.evaluation import OUT_OF_DISTRIBUTION

    scene = shown.scene
    kinds = dict(zip(OUT_OF_DISTRIBUTION, scene.out_of_distribution, strict=True))
    if scene.image_shape is None:
        ranges = space_ranges(np.concatenate([scene.x, *kinds.values()]))
        for column, (kind, points) in zip(st.columns(len(kinds)), kinds.items(), strict=True):
            _chart(column, shown, f"**{kind}**", points, kind, ranges, is_out_of_distribution=True)
    else:
        _row(shown, "held-out data", scene.x)
        for kind, images in kinds.items():
            _row(shown, kind, images)
    columns: dict[str, list[str]] = {"method, score": [], **{kind: [] for kind in kinds}}
    for name, found in shown.found.items():
        for score, areas in (("error", found.area_by_error), ("−log p(x)", found.area_by_density)):
            if len(areas):
                columns["method, score"].append(f"{name}, {score}")
                for kind, (area, error) in zip(kinds, areas, strict=True):
                    columns[kind].append(f"{area:.3f} ±{NO_BREAK}{error:.3f}")
    st.table(columns, hide_index=True)
    st.caption(
        f"ROC area: the chance that the score calls a foreign datum stranger than a held-out one, "
        f"{len(scene.labels)} of each. 1: always, 0.5: a coin."
    )


def _pictures(shown: Shown, made: Mapping[str, Array], key: str) -> None:
    if shown.scene.image_shape is None:
        _points(shown, made, key)
    else:
        _row(shown, "held-out data", shown.scene.x)
        _rows(shown, made, key)
    st.caption(f"Under each name its {MEASURES[key].title}: mean over all held-out data ± standard error.")


def _rows(shown: Shown, made: Mapping[str, Array], key: str) -> None:
    for name, images in made.items():
        _row(shown, _title(shown, name, key), images)


def _row(shown: Shown, title: str, images: Array) -> None:
    """A name and its images beside each other, on a phone below each other."""
    shape = shown.scene.image_shape
    assert shape is not None
    left, right = st.columns([1, 4], vertical_alignment="center")
    left.markdown(title)
    with right:
        show(
            strip(images.astype(np.float32), shape, size=SIZE),
            alt=title.replace("**", "").replace("  \n", ", "),
        )


def _points(shown: Shown, made: Mapping[str, Array], key: str, *, is_line: bool = False) -> None:
    ranges = space_ranges(shown.scene.x)
    # Three beside each other: in five columns the axes leave no room for the points.
    names = list(made)
    for start in range(0, len(names), 3):
        for column, name in zip(st.columns(3), names[start : start + 3], strict=False):
            _chart(column, shown, _title(shown, name, key), made[name], name, ranges, is_line=is_line)


def _chart(
    column: "DeltaGenerator",
    shown: Shown,
    title: str,
    points: Array,
    name: str,
    ranges: tuple[tuple[float, float], tuple[float, float]],
    *,
    is_line: bool = False,
    is_out_of_distribution: bool = False,
) -> None:
    labels = shown.scene.shown_labels
    if is_out_of_distribution or (not is_line and len(points) != len(labels)):
        labels = np.full(len(points), -1, np.int32)
    with column:
        st.markdown(title)
        figure = space_figure(
            shown.scene.x, points, labels, is_line=is_line, ranges=ranges, theme=state.theme_name()
        )
        st.plotly_chart(figure, key=f"dr_{name}", alt=f"{name}, over the data.", config=CHART_CONFIG)


def _title(shown: Shown, name: str, key: str) -> str:
    score = scores_of(key, {name: shown.found[name]}, shown.scene.reference).get(name)
    return f"**{name}**" if score is None else f"**{name}**  \n{written(key, name, score)}"


QUESTIONS: Final[dict[str, Question]] = {
    "plane": Question(_plane, ("trust", "class")),
    "reconstruction": Question(_reconstruction, ("reconstruction", "log_prob")),
    "interpolation": Question(_between, ("interpolation",)),
    "samples": Question(_samples, ("samples", "coverage")),
    "inpainting": Question(_inpainting, ("inpainting",)),
    "outliers": Question(_strangers, ("outliers", "outliers_density")),
}
QUESTION_LABELS: Final = {
    "plane": "Plane",
    "reconstruction": "Reconstruction",
    "interpolation": "Interpolation",
    "samples": "Samples",
    "inpainting": "Inpainting",
    "outliers": "Outliers",
}
