"""PCA, probabilistic PCA, linear VAE, autoencoder and VAE on the same data, in six comparisons."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.compare import cached
from dashboard.compare.cached import PRETRAINED, Untrained
from dashboard.components.chart.element import draw_chart
from dashboard.figures.dimension_reduction import plane_figure, space_figure, space_ranges
from dashboard.formats import margin, names_of_values, plain, shown_difference, signed, with_error
from dashboard.labels import NAMES
from dashboard.pictures import show, strip
from dashboard.runs.tasks import Arrays, tasks
from dashboard.shell import browser, controls, data_menu, image_folder, state
from dashboard.shell.choice import numbered, one_of
from dashboard.shell.settings import chosen_folder
from dashboard.shell.task_line import seeds_line
from dashboard.subject import dataset
from dashboard.tables import draw_table
from vae_core.data import data_shape
from vae_core.errors import BadInput
from vae_core.labs.reduction.results import Metrics, Reference, from_arrays
from vae_core.labs.reduction.scores import MEASURES, outcome, pooled_scores, ranking, winners
from vae_core.labs.scores import MIN_SEEDS, Pooled, Score, difference, pooled

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from vae_core.data import Dataset

FOLDER: Final = image_folder.Keys("dr_folder", "dr_set", "dr_orientation")
Array = NDArray[np.float64]
Results = Mapping[str, Sequence[Metrics]]
"""Of each method those of its trainings, which differ in their seed."""
NETWORKS: Final = ("linear VAE", "autoencoder", "VAE")
METHODS_HELP: Final = (
    "All methods reduce x to J numbers z and come back. **PCA** projects; **probabilistic PCA** is "
    r"$x = Wz + \mu + s\varepsilon$ in closed form (Tipping and Bishop 1999); a **linear VAE** is trained to "
    "the same model (Lucas et al. 2019); **autoencoder** and **VAE** are one network with a hidden layer, "
    "without and with a variance of z."
)
TRAIN_HELP: Final = (
    f"Trains three networks with {MIN_SEEDS} seeds each, on the same data with the same budget: 4000 "
    "updates of 64 examples by Adam (learning rate 0.01, then 0.002 and 0.0002), a Gaussian likelihood with "
    "learned s. Autoencoder and VAE have 128 tanh units. In the background, as many at a time as this server "
    "has cores for: about 15 seconds a seed for the digits, a minute for MNIST. Pictures come with the first."
)
PRETRAINED_NOTE: Final = (
    "The pretrained VAE had another budget (600 epochs) and a Bernoulli likelihood. The button trains "
    "one with the budget of the others."
)
TRAINED_NOTE: Final = (
    "Linear VAE, autoencoder and VAE had the same budget: 4000 updates of 64 examples each, the same seeds, "
    "a Gaussian likelihood with learned s. Pictures are of the first seed."
)
ASPECT_HELP: Final = "Each comparison has all methods on the same held-out examples."
J_HELP: Final = "Number of values that each example is reduced to; two columns can only be reduced to J = 1."
SEED_HELP: Final = (
    f"Of the split, and of the first of {MIN_SEEDS} trainings: the others have the seeds that follow, on the "
    "same split. A seed decides the initial weights, the order of the examples, and all draws."
)
TABLES_IN_A_ROW: Final = 3
SIZE: Final = 64
HIDDEN_GREY: Final = 0.4
PLANE_NOTE: Final = (
    "Held-out examples. Each plane is centred, rotated or reflected onto PCA's (orthogonal Procrustes) and "
    "scaled as a whole: compare the arrangement of the examples, not the coordinates."
)
INPAINTING_NOTE: Final = (
    "z from the observed half: PCA by least squares, probabilistic PCA by the posterior mean in closed form, "
    "networks by the most probable z, found by gradient ascent from the best training code (for the "
    "autoencoder, which has no prior, the best fit)."
)
SAMPLES_NOTE: Final = (
    "Decoded draws of z, without noise of the pixels. Probabilistic PCA and the VAEs draw z from the prior "
    "N(0, I). PCA and autoencoder have none: they draw from the Gaussian fitted to the training codes."
)


class Shown(NamedTuple):
    """The data, the results of the methods, and J."""

    setting: Untrained
    results: Results
    latent_dim: int

    @property
    def first(self) -> dict[str, Metrics]:
        """The results of each method's first training: what the pictures show."""
        return {name: trainings[0] for name, trainings in self.results.items()}


class Aspect(NamedTuple):
    """Something that methods are compared by.

    Arguments:
        label: Its name.
        draw: Draws the results.
        measures: Keys of its measures.
    """

    label: str
    draw: Callable[[Shown], None]
    measures: tuple[str, ...]


def draw_dimension_reduction() -> None:
    """The controls, the results of one aspect, and tables of all."""
    name, latent_dim, seed, is_usable = _controls()
    if not is_usable:
        return
    try:
        folder = chosen_folder(state.control(FOLDER.folder), state.control(FOLDER.which))
        data = dataset(name, seed, folder, transposed=image_folder.is_transposed(FOLDER))
        setting = cached.untrained(data, seed, latent_dim)
    except BadInput as err:
        st.error(plain(str(err)))
        return
    trained = [one for key in setting.task_keys.values() if (one := tasks().result(key)) is not None]
    results = _results(setting, trained)
    if len(trained) < MIN_SEEDS:
        _train(setting, data, latent_dim, seed)
    if trained or PRETRAINED in results:
        st.caption(TRAINED_NOTE if trained else PRETRAINED_NOTE)
    against_pca = summary(results, setting.reference)
    if against_pca:
        st.markdown(against_pca)
    chosen = one_of(
        "Compared by",
        {key: aspect.label for key, aspect in ASPECTS.items()},
        key="dr_question",
        help_text=ASPECT_HELP,
    )
    state.draw_address("reduction_by")
    ASPECTS[chosen].draw(Shown(setting, results, latent_dim))
    for measure in ASPECTS[chosen].measures:
        st.markdown(verdict(measure, results, setting.reference))
    if chosen == "plane" and trained:
        st.caption(_angle(trained))
    _draw_tables(results, setting.reference)


def _controls() -> tuple[str, int, int, bool]:
    left, middle, right = st.columns([2, 2, 1])
    with left:
        name, is_usable = _data()
    options = _latent_dims(name)
    latent_dim = middle.segmented_control(
        "Latent dimension J",
        options,
        default=options[0],
        required=True,
        key=f"dr_latent_dim_{len(options)}",
        help=J_HELP,
        persist_state="session",
    )
    seed = right.number_input("Seed", 0, 2**31 - 1, key="dr_seed", help=SEED_HELP, persist_state="session")
    state.draw_address("reduction")
    return name, latent_dim, seed, is_usable


def _latent_dims(name: str) -> tuple[int, ...]:
    """What the data can be reduced to: fewer numbers than an example has."""
    if name == "idx":
        return 2, 8
    try:
        data_dim = math.prod(data_shape(name))
    except BadInput:  # whoever loads the data says what is wrong
        return (1,)
    return (1,) if data_dim == 2 else (2,) if data_dim <= 16 else (2, 8)


def _data() -> tuple[str, bool]:
    """Id of the data set, and whether it can be used as far as its controls know."""
    titles = data_menu.titles(state.control("dr_data"))
    name = st.selectbox(
        "Data",
        tuple(titles),
        key="dr_data",
        format_func=lambda key: titles.get(str(key), str(key)),
        help="All methods get the same training examples and are evaluated on the same held-out ones.",
        persist_state="session",
    )
    if name != "idx":
        return name, True
    is_usable = image_folder.draw(FOLDER, _folder_options)
    if is_usable:
        st.caption("The first 5,000 training and 500 held-out images are used.")
    return name, is_usable


def _folder_options(key: str) -> dict[str, Any]:
    of_train = dict(zip(FOLDER, controls.IMAGE_KEYS, strict=True))[key]
    return {
        "label": NAMES[of_train],
        "key": key,
        "help": controls.HELP[of_train],
        "persist_state": "session",
    }


def _results(setting: Untrained, trained: Sequence[Arrays]) -> Results:
    """All results so far; the VAE trained here takes the place of the pretrained one."""
    # As many draws of those without a training as there are trainings: pairs, as in the differences.
    count = len(trained) or min(map(len, setting.found.values()))
    found = {name: metrics[:count] for name, metrics in setting.found.items()}
    if trained:
        found.pop(PRETRAINED, None)
        found |= {name: tuple(from_arrays(name, one) for one in trained) for name in NETWORKS}
    return found


def _train(setting: Untrained, data: "Dataset", latent_dim: int, seed: int) -> None:
    training_of = {key: training for training, key in setting.task_keys.items()}

    def start(key: str) -> None:
        arguments, inputs = (str(latent_dim), str(seed), str(training_of[key])), cached.task_inputs(data)
        tasks().start(key, "reduction", *arguments, owner=browser.token(), inputs=inputs)

    seeds_line(
        tuple(training_of),
        key="dr",
        label=f"Train linear VAE, autoencoder and VAE with {MIN_SEEDS} seeds",
        doing="Training three networks …",
        help_text=TRAIN_HELP,
        start=start,
    )


def _angle(trained: Sequence[Arrays]) -> str:
    angles = [float(one["angle"]) for one in trained]
    said = f"{angles[0]:.2f}°" if len(angles) == 1 else f"{min(angles):.2f}° to {max(angles):.2f}°"
    return (
        f"Largest principal angle between the linear VAE's plane and PCA's: {said}. The VAE learns by "
        "gradient steps what PCA computes in closed form (0° at convergence)."
    )


def scores_of(key: str, results: Results, reference: Reference) -> dict[str, Pooled]:
    """The scores of the methods that have one."""
    return pooled_scores(MEASURES[key], results, reference)


def written(key: str, name: str, score: Pooled) -> str:
    """A method's score with its standard error; the VAE's log p(x) is a lower bound."""
    digits = MEASURES[key].digits
    at_least = "≥ " if key == "log_prob" and name.startswith("VAE") else ""
    return with_error(f"{at_least}{signed(score.value, digits)}", margin(score.standard_error, digits))


def table(keys: Sequence[str], results: Results, reference: Reference) -> tuple[list[str], list[list[str]]]:
    """Head and rows, one for each method; bold is the best, and what does not clearly differ from it.

    A measure that no method has gets no column.
    """
    head, columns = ["method"], [list(results)]
    for key in keys:
        measure, scores = MEASURES[key], scores_of(key, results, reference)
        if not scores:
            continue
        best = winners(measure, scores)
        texts = {name: written(key, name, score) for name, score in scores.items()}
        head.append(f"{measure.title} {'↑' if measure.higher_is_better else '↓'}")
        columns.append([f"**{texts[name]}**" if name in best else texts.get(name, "–") for name in results])
    return head, [list(row) for row in zip(*columns, strict=True)]


def _draw_tables(results: Results, reference: Reference) -> None:
    """All measures of all methods, and how they are defined.

    One table of five methods and ten measures is wider than a phone; one for each aspect is not.
    """
    st.markdown("**All numbers**")
    tables = {aspect.label: table(aspect.measures, results, reference) for aspect in ASPECTS.values()}
    filled = [(label, *parts) for label, parts in tables.items() if len(parts[0]) > 1]
    for start in range(0, len(filled), TABLES_IN_A_ROW):
        row = filled[start : start + TABLES_IN_A_ROW]
        for column, (label, head, rows) in zip(st.columns(TABLES_IN_A_ROW), row, strict=False):
            with column:
                draw_table(head, rows, title=label)
    st.caption(_about_tables(results))
    with st.expander("Definitions of the measures"):
        for measure in MEASURES.values():
            st.markdown(f"**{measure.title}**: {measure.help_text}")


def num_trainings(results: Results) -> int:
    """How many trainings the networks have, at least; PCA and probabilistic PCA have as many draws."""
    return min(map(len, results.values()))


def _about_tables(results: Results) -> str:
    """What the numbers of the tables are, and what bold means."""
    count = len(next(iter(results.values()))[0].codes)
    said = "↑ more is better, ↓ less is better; mean over "
    seeds = num_trainings(results)
    if not any(name in results for name in (*NETWORKS, PRETRAINED)):
        return (
            f"{said}{count} held-out examples ± standard error, of samples over {seeds} draws. Bold: the "
            "best, and what does not clearly differ from it: a t test at 5 %."
        )
    if seeds < MIN_SEEDS:
        trainings = "one training" if seeds == 1 else f"{seeds} trainings"
        return (
            f"{said}{count} held-out examples ± standard error, of {trainings}. Nothing is bold: to "
            f"tell which method is better takes {MIN_SEEDS} trainings of each, as another seed may differ by "
            "more."
        )
    return (
        f"{said}{seeds} trainings and {count} held-out examples ± standard error, which has both variances: "
        "between the trainings (seeds) and between the examples. Bold: the best, and what does not clearly "
        "differ from it. Clear is a t test over the seeds at 5 % for all pairs of methods together: of "
        "methods that are the same, one is called better by a measure in at most 5 of 100 comparisons."
    )


def verdict(key: str, results: Results, reference: Reference) -> str:
    """Which method is best by one measure, by how much, and the VAE against PCA."""
    measure, scores = MEASURES[key], scores_of(key, results, reference)
    if not scores:
        return ""
    best = winners(measure, scores)
    first = ranking(measure, scores)[0]
    unit = measure.title if key == "log_prob" else f"{measure.title[0].upper()}{measure.title[1:]}"
    if len(scores) == 1:
        text = f"{unit}: **{first}** alone has one, {written(key, first, scores[first])}"
    elif not best:
        text = f"{unit}: to tell which is best takes {MIN_SEEDS} trainings of each"
    elif len(best) == 1:
        text = f"{unit}: best is **{first}** with {written(key, first, scores[first])}"
    else:
        text = f"{unit}: best are **{_listed(best)}**, which do not clearly differ"
    vae = vae_name(scores)
    if vae is None or "PCA" not in scores:
        return f"{text}."
    gap = difference(scores[vae], scores["PCA"])
    digits = measure.digits
    shown = shown_difference(scores[vae].value, scores["PCA"].value, digits)
    found = f"VAE − PCA: {signed(shown, digits)} ± {margin(gap.standard_error, digits)}"
    if not gap.has_verdict:
        return f"{unit}: {found}, {_of_trainings(scores[vae])}: no verdict."
    word = outcome(measure, vae, "PCA", scores)
    end = "no clear difference" if word == "no clear difference" else f"the VAE is {word}"
    return f"{text}. {found}, {end}."


def _of_trainings(score: Pooled) -> str:
    count = len(score.by_seed)
    return "of one training" if count == 1 else f"of {count} trainings"


def summary(results: Results, reference: Reference) -> str:
    """VAE against PCA in each measure, counted."""
    groups: dict[str, list[str]] = {"better": [], "worse": [], "no clear difference": []}
    for key, measure in MEASURES.items():
        scores = scores_of(key, results, reference)
        vae = vae_name(scores)
        if vae is not None and "PCA" in scores:
            if not scores[vae].has_verdicts:
                return (
                    f"To tell whether a VAE is better than PCA takes {MIN_SEEDS} trainings: the numbers of "
                    f"{vae} are {_of_trainings(scores[vae])}, and another seed gives others."
                )
            groups[outcome(measure, vae, "PCA", scores)].append(measure.title)
    parts = [
        f"**{word}** in {len(titles)} ({', '.join(titles)})" for word, titles in groups.items() if titles
    ]
    who = vae_name(results)
    total = sum(map(len, groups.values()))
    return f"{who} against PCA in the {total} measures that both have: {'; '.join(parts)}." if total else ""


def vae_name(names: Mapping[str, object]) -> str | None:
    """The VAE among the methods: the one trained here, else the pretrained one."""
    return next((name for name in reversed(list(names)) if name.startswith("VAE")), None)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _plane(shown: Shown) -> None:
    if shown.latent_dim == 1:
        st.caption("The line of all decoded z among the held-out examples: z is the position of x on it.")
        _points(shown, {name: found.line for name, found in shown.first.items()}, "trust", is_line=True)
        return
    planes = cached.common_planes({name: found.codes for name, found in shown.first.items()})
    reach = 1.08 * max(float(np.quantile(np.abs(points), 0.998)) for points in planes.values())
    for column, (name, points) in zip(st.columns(len(planes)), planes.items(), strict=True):
        with column:
            st.markdown(_title(shown, name, "trust"))
            figure = plane_figure(
                points,
                shown.setting.labels,
                class_names=shown.setting.class_names,
                reach=reach,
                theme=state.theme_name(),
            )
            alt = f"{name}: codes of {len(points)} held-out examples by class."
            draw_chart(figure, key=f"dr_plane_{name}", alt=alt)
    ours = (
        "" if shown.latent_dim == 2 else " J > 2: the first two principal components of each method's codes."
    )
    hits = shown.setting.reference.class_hit
    pixels = f" Class accuracy from x itself: {hits.mean():.3f}." if len(hits) else ""
    st.caption(f"{PLANE_NOTE}{ours}{pixels}")


def _reconstruction(shown: Shown) -> None:
    _pictures(shown, {name: found.reconstructed for name, found in shown.first.items()}, "reconstruction")


def _interpolations(shown: Shown) -> None:
    count = len(next(iter(shown.first.values())).interpolations)
    pair = numbered(
        "Pair of held-out examples",
        1,
        count,
        key=f"dr_pair_{count}",
        help_text="Their codes are joined by a straight line, and points on it are decoded.",
        stays=True,
    )
    interpolations = {name: found.interpolations[pair - 1] for name, found in shown.first.items()}
    start, end = shown.setting.pairs[pair - 1]
    share = np.linspace(0, 1, len(next(iter(interpolations.values()))))[:, None]
    reference = shown.setting.reference
    fade = reference.midpoint_distance.mean() / reference.held_out_distance.mean()
    if shown.setting.image_shape is None:
        _points(shown, interpolations, "interpolation", is_line=True)
    else:
        _row(shown, f"cross-fade of pixels  \n{fade:.3f}", (1 - share) * start + share * end)
        _rows(shown, interpolations, "interpolation")
    st.caption(
        "The distance of decoded midpoints of all pairs from the nearest training example, "
        f"where held-out examples have 1. Midpoints of the examples themselves: {fade:.3f}."
    )


def _samples(shown: Shown) -> None:
    samples = {name: found.samples for name, found in shown.first.items()}
    if shown.setting.image_shape is None:
        _points(shown, samples, "samples")
    else:
        _row(shown, "held-out examples  \n1 by definition", shown.setting.x)
        _rows(shown, {name: made[: len(shown.setting.x)] for name, made in samples.items()}, "samples")
    st.caption(SAMPLES_NOTE)


def _inpainting(shown: Shown) -> None:
    setting = shown.setting
    missed = float(setting.reference.mean_inpainting_error.mean())
    inpainted = {name: found.inpainted for name, found in shown.first.items()}
    if setting.image_shape is None:
        columns = inferred_columns(setting.hidden)
        _points(shown, inpainted, "inpainting", columns=columns)
        count, num_seen = len(setting.hidden), int((~setting.hidden).sum())
        seen = f"The first {num_seen} columns of {count} are observed, the others are inferred"
        names = names_of_values(setting.columns, count)
        first, second = (plain(names[column]) for column in columns)
        drawn = f"{seen}; {first} and {second} are drawn."
        st.caption(f"{first} is observed, {second} is inferred." if count == 2 else drawn)
    else:
        _row(shown, "held-out examples", setting.x)
        _row(shown, "observed half", np.where(setting.hidden, HIDDEN_GREY, setting.x))
        _rows(shown, inpainted, "inpainting")
    st.caption(
        f"Squared error of the hidden values; with the mean of the training examples: {missed:.3f}. "
        f"{INPAINTING_NOTE}"
    )


def inferred_columns(hidden: NDArray[np.bool_]) -> tuple[int, int]:
    """Two columns to draw: the first two that are inferred, or the one beside its neighbour that is observed.

    Arguments:
        hidden: Which columns are inferred, shape (D,), D >= 2; the later ones are.

    Example:
        >>> inferred_columns(np.arange(15) >= 8), inferred_columns(np.arange(3) >= 2)
        ((8, 9), (1, 2))
    """
    first = min(int(np.argmax(hidden)), len(hidden) - 2)
    return first, first + 1


def _outliers(shown: Shown) -> None:
    from vae_core.labs.reduction.evaluation import OUT_OF_DISTRIBUTION

    setting = shown.setting
    kinds = dict(zip(OUT_OF_DISTRIBUTION, setting.outliers, strict=True))
    if setting.image_shape is None:
        ranges = space_ranges(np.concatenate([setting.x, *kinds.values()]))
        for column, (kind, points) in zip(st.columns(len(kinds)), kinds.items(), strict=True):
            _chart(column, shown, f"**{kind}**", points, kind, ranges, is_outlier=True)
    else:
        _row(shown, "held-out examples", setting.x)
        for kind, images in kinds.items():
            _row(shown, kind, images)
    rows = []
    for name, found in shown.results.items():
        for score, of_each in (
            ("error", [one.area_by_error for one in found]),
            ("−log p(x)", [one.area_by_density for one in found]),
        ):
            if len(of_each[0]):
                rows.append((f"{name}, {score}", *map(_area, zip(*of_each, strict=True))))
    draw_table(("method, score", *kinds), rows, title="ROC area")
    st.caption(
        f"ROC area: the probability that an outlier has a higher score than a held-out example, "
        f"{len(setting.labels)} of each; 0.5 is chance."
    )


def _area(of_each: Sequence[Array]) -> str:
    """ROC area of all trainings with its error."""
    score = pooled([Score(float(area), float(error), None) for area, error in of_each])
    return with_error(signed(score.value, 3), margin(score.standard_error, 3))


def _and_trainings(shown: Shown) -> str:
    count = num_trainings(shown.results)
    return "" if count == 1 else f" and {count} trainings"


def _pictures(shown: Shown, made: Mapping[str, Array], key: str) -> None:
    if shown.setting.image_shape is None:
        _points(shown, made, key)
    else:
        _row(shown, "held-out examples", shown.setting.x)
        _rows(shown, made, key)
    st.caption(f"Mean over all held-out examples{_and_trainings(shown)} ± standard error.")


def _rows(shown: Shown, made: Mapping[str, Array], key: str) -> None:
    for name, images in made.items():
        _row(shown, _title(shown, name, key), images)


def _row(shown: Shown, title: str, images: Array) -> None:
    """A name and its images, side by side; on a phone one below the other."""
    shape = shown.setting.image_shape
    assert shape is not None
    left, right = st.columns([1, 4], vertical_alignment="center")
    left.markdown(title)
    with right:
        show(
            strip(images.astype(np.float32), shape, size=SIZE),
            alt=title.replace("**", "").replace("  \n", ", "),
        )


def _points(
    shown: Shown,
    made: Mapping[str, Array],
    key: str,
    *,
    is_line: bool = False,
    columns: tuple[int, int] = (0, 1),
) -> None:
    ranges = space_ranges(shown.setting.x, columns)
    # Three in a row: in five columns the axes leave no room for the points.
    names = list(made)
    for start in range(0, len(names), 3):
        for column, name in zip(st.columns(3), names[start : start + 3], strict=False):
            title = _title(shown, name, key)
            _chart(column, shown, title, made[name], name, ranges, is_line=is_line, columns=columns)


def _chart(
    column: "DeltaGenerator",
    shown: Shown,
    title: str,
    points: Array,
    name: str,
    ranges: tuple[tuple[float, float], tuple[float, float]],
    *,
    is_line: bool = False,
    is_outlier: bool = False,
    columns: tuple[int, int] = (0, 1),
) -> None:
    labels = shown.setting.shown_labels
    if is_outlier or (not is_line and len(points) != len(labels)):
        labels = np.full(len(points), -1, np.int32)
    with column:
        st.markdown(title)
        figure = space_figure(
            shown.setting.x,
            points,
            labels,
            is_line=is_line,
            ranges=ranges,
            theme=state.theme_name(),
            columns=columns,
            names=shown.setting.columns,
        )
        draw_chart(
            figure,
            key=f"dr_{name}",
            alt=f"{name}, over the held-out examples.",
        )


def _title(shown: Shown, name: str, key: str) -> str:
    """The name of a method, and below it its score with the name of the measure."""
    score = scores_of(key, {name: shown.results[name]}, shown.setting.reference).get(name)
    return (
        f"**{name}**" if score is None else f"**{name}**  \n{MEASURES[key].title} {written(key, name, score)}"
    )


ASPECTS: Final[dict[str, Aspect]] = {
    "plane": Aspect("Latent plane", _plane, ("trust", "class")),
    "reconstruction": Aspect("Reconstruction", _reconstruction, ("reconstruction", "log_prob")),
    "interpolation": Aspect("Interpolation", _interpolations, ("interpolation",)),
    "samples": Aspect("Samples", _samples, ("samples", "coverage")),
    "inpainting": Aspect("Inpainting", _inpainting, ("inpainting",)),
    "outliers": Aspect("Outliers", _outliers, ("outliers", "outliers_density")),
}
