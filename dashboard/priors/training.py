"""A model trained under each of three priors from the same initial weights, as a background task."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.components.chart.element import draw_chart
from dashboard.figures.data_space import decoded_samples_figure
from dashboard.figures.priors import PriorTraining, curves_figure, training_figure
from dashboard.formats import margin, rounded, shown_difference, signed, with_error
from dashboard.pictures import show, strip
from dashboard.runs.tasks import task_key, tasks
from dashboard.shell import browser, state
from dashboard.shell.choice import one_of, one_of_numbers
from dashboard.shell.task_line import seeds_line
from dashboard.subject import dataset
from dashboard.tables import draw_table
from vae_core.data import DATASET_INFO
from vae_core.labs.scores import MIN_SEEDS, Pooled, Score, difference, mean_score, pooled

Result = dict[str, NDArray[Any]]
Array = NDArray[np.float64]
TITLES: Final = {"standard_normal": "N(0, I)", "mixture": "mixture", "vamp": "VampPrior"}
SHOWN: Final = {
    "standard_normal": "decoded draws from N(0, I)",
    "mixture": "decoded centres of the mixture",
    "vamp": "pseudo-inputs u",
}
DATA: Final = {name: DATASET_INFO[name].title for name in ("digits", "two_moons", "pinwheel")}
TRAIN_HELP: Final = (
    r"N(0, I), a mixture $\sum_k \pi_k \mathcal{N}(m_k, \mathrm{diag}\,s_k^2)$ and a VampPrior "
    r"$\tfrac1K\sum_k q(z|u_k)$: $\pi, m, s$ and $u$ are learned with the weights. Same initial "
    "weights, same order of examples, same number of updates; J = 2, Adam, batches of 64. "
    "Pseudo-inputs begin at the mean image with noise; a sigmoid keeps them in [0, 1] (the paper clamps)."
)
BUDGET_HELP: Final = (
    "Passes over the training data, for each of the three. The digits take some seconds for 50."
)
TASK_HELP: Final = (
    f"Trains three models with each of {MIN_SEEDS} seeds, in the background, as many seeds at a time as "
    "this server has cores for; 100 passes over the digits take half a minute a seed. Pictures come with "
    "the first. The results stay."
)
RECORD_HELP: Final = (
    "▶ plays the training. Above, prior and posterior means move towards each other; below, the prior "
    "in data space. **VampPrior**: its pseudo-inputs; each cross above is the mean of q(z|u)."
)
MAX_SEED: Final = 9999
K_HELP: Final = "How many components the mixture has, and how many pseudo-inputs the VampPrior."


def draw_training() -> None:
    """The controls, the task, and its result."""
    arguments = _arguments()
    split = int(arguments[-1])
    keys = {key_of(arguments, seed): seed for seed in range(split, split + MIN_SEEDS)}
    results = [result for key in keys if (result := tasks().result(key)) is not None]
    if not results:
        st.markdown(
            "A prior that is trained together with encoder and decoder: do the pseudo-inputs come to look "
            "like images, and is the held-out ELBO better after the same number of updates?"
        )
    if len(results) < MIN_SEEDS:
        seeds_line(
            tuple(keys),
            key="priors",
            label="Train all three",
            doing="Training …",
            help_text=TASK_HELP,
            start=lambda key: tasks().start(
                key, "priors", *arguments, str(keys[key]), owner=browser.token(), inputs={}
            ),
        )
    if results:
        _draw_results(results, arguments[0], split)


def key_of(arguments: tuple[str, ...], seed: int) -> str:
    """Of the task of a seed: the same settings give the same numbers, so all sessions share the result."""
    return task_key("priors", *arguments, seed)


def _arguments() -> tuple[str, str, str, str]:
    """Data, K, epochs and seed, from their controls."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        data = one_of("Data", DATA, key="priors_data", help_text="What all three are trained on.")
        count = _slider("K", (2, 5, 10, 20, 50, 100), "priors_k", K_HELP)
        num_epochs = _slider("Epochs", (20, 50, 100, 200, 400), "priors_epochs", BUDGET_HELP)
        seed = st.number_input(
            "Seed",
            0,
            MAX_SEED,
            key="priors_seed",
            help="Of the split, and of the first training: its weights, order of the examples, and noise. "
            "The others have the seeds that follow.",
            width=140,
            persist_state="session",
        )
    state.draw_address("prior_training")
    return (data, str(count), str(num_epochs), str(int(seed)))


def _slider(label: str, options: tuple[int, ...], key: str, help_text: str) -> int:
    return one_of_numbers(label, options, key=key, help_text=help_text, width=220)


def _draw_results(results: Sequence[Result], name: str, seed: int) -> None:
    """Pictures of the first seed, numbers of all."""
    result, data = results[0], dataset(name, seed, None)
    left, right = st.columns(2, gap="medium")
    with left:
        _draw_record(result, data.image_shape, data.x_test[:].numpy())
    with right:
        curves = {title: _curve(results, prior) for prior, title in TITLES.items()}
        figure = curves_figure(result["vamp/step"], curves, theme=state.theme_name())
        ends = ", ".join(f"{title} {signed(float(mean[-1]))}" for title, (mean, _) in curves.items())
        alt = f"Held-out ELBO during training, at the end: {ends} nats per example."
        draw_chart(figure, key="priors_curves", alt=alt)
        st.markdown(verdict(results))
        if data.image_shape is not None:
            _samples(result, data.image_shape)
        else:
            _draw_bounds(results)
    if data.image_shape is not None:
        _draw_bounds(results)
    else:
        _point_samples(result, data.x_test[:].numpy())


@st.fragment
def _draw_record(result: Result, image_shape: tuple[int, ...] | None, x: NDArray[np.float32]) -> None:
    prior = one_of("Prior in view", TITLES, key="priors_shown", help_text=RECORD_HELP)
    state.draw_address("prior_record")
    names = ("step", "axes", "density", "means", "centres", "shown")
    steps, *arrays = (result[f"{prior}/{name}"] for name in names)
    training = PriorTraining(steps, *arrays, image_shape=image_shape, name=SHOWN[prior])
    figure = training_figure(training, x, theme=state.theme_name())
    alt = f"{TITLES[prior]}: its density over the plane and {SHOWN[prior]}, at {len(steps)} steps."
    draw_chart(figure, key=f"priors_film_{prior}", alt=alt)
    st.caption(f"Below: {SHOWN[prior]}. ▶ plays from the first update to the last.")


def _curve(results: Sequence[Result], prior: str) -> tuple[Array, Array]:
    """Held-out ELBO at each look, mean over the seeds, and its standard error with that between the seeds."""
    values = np.stack([result[f"{prior}/elbo"] for result in results])
    of_examples = np.mean([result[f"{prior}/error"] ** 2 for result in results], axis=0)
    between = values.var(0, ddof=1) / len(values) if len(values) > 1 else 0.0
    return values.mean(0), np.sqrt(between + of_examples)


def _elbo(results: Sequence[Result], prior: str) -> Pooled:
    """Held-out ELBO at the end, of all seeds."""
    scores = [mean_score(result[f"{prior}/elbo_of_data"].astype(np.float64)) for result in results]
    return pooled([score for score in scores if score is not None])


def verdict(results: Sequence[Result]) -> str:
    """What the learned priors gain over N(0, I), over the seeds."""
    normal, sentences = _elbo(results, "standard_normal"), []
    for prior in ("mixture", "vamp"):
        found = _elbo(results, prior)
        gap = difference(found, normal)
        shown = shown_difference(found.value, normal.value, 3)
        sure = "" if not gap.has_verdict or gap.is_clear(among=2) else " (no clear difference)"
        sentences.append(
            f"{TITLES[prior]} **{signed(shown, 3)}** ± {margin(gap.standard_error, 3)} nats{sure}"
        )
    said = "Held-out ELBO less that of N(0, I), example by example: " + "; ".join(sentences)
    if normal.has_verdicts:
        return f"{said}. Over {len(results)} seeds: ± has the variance between them and between the examples."
    seeds = "one seed" if len(results) == 1 else f"{len(results)} seeds"
    return f"{said}. Of {seeds}: to tell which prior is better takes {MIN_SEEDS}; another may differ."


def _samples(result: Result, image_shape: tuple[int, ...]) -> None:
    for prior, title in TITLES.items():
        st.markdown(f"Decoded draws from **{title}**")
        samples = result[f"{prior}/samples"]
        half = len(samples) // 2
        for row in (samples[:half], samples[half:]):
            show(strip(row, image_shape, size=32), alt=f"Decoded draws from {title}.", width="stretch")


def _point_samples(result: Result, x: NDArray[np.float32]) -> None:
    span = 1.1 * float(np.abs(x).max())
    for column, (prior, title) in zip(st.columns(3), TITLES.items(), strict=True):
        with column:
            st.markdown(f"Decoded draws from **{title}**")
            figure = decoded_samples_figure(
                x, result[f"{prior}/samples"], span=span, theme=state.theme_name()
            )
            alt = f"Decoded draws from {title} among the held-out examples."
            draw_chart(figure, key=f"priors_samples_{prior}", alt=alt)


def _draw_bounds(results: Sequence[Result]) -> None:
    head = ("nats per example", *(title.replace("Prior", "") for title in TITLES.values()))
    rows = [
        ("**held-out ELBO** ± s.e.", [_bound(results, prior) for prior in TITLES]),
        ("reconstruction", [signed(_shown_parts(results, prior)[0], 3) for prior in TITLES]),
        ("KL(q(z given x) ‖ p(z))", [f"{_shown_parts(results, prior)[1]:.3f}" for prior in TITLES]),
        ("· mutual information", [_part(results, prior, 1) for prior in TITLES]),
        ("· KL(q(z) ‖ p(z))", [_part(results, prior, 2) for prior in TITLES]),
        ("log p(x), exact", [signed(_mean(results, prior, "log_evidence"), 3) for prior in TITLES]),
        ("ELBO of the same examples", [signed(_mean(results, prior, "exact_elbo"), 3) for prior in TITLES]),
        ("seconds of updates", [f"{_mean(results, prior, 'seconds'):.1f}" for prior in TITLES]),
    ]
    draw_table(head, ((label, *cells) for label, cells in rows), title="After training")
    result = results[0]
    errors = max(float(each[f"{prior}/evidence_error"].max()) for prior in TITLES for each in results)
    of_seeds = f"Means over {len(results)} seeds. " if len(results) > 1 else ""
    st.caption(
        f"{of_seeds}{len(result['vamp/elbo_of_data'])} held-out examples, M = 16 samples of z each; log p(x) "
        f"by quadrature of the first {len(result['vamp/log_evidence'])}, estimated errors up to "
        f"{rounded(errors, 2)} nats. {int(result['vamp/step'][-1]):,} updates each: equal in number, not in "
        "seconds. Mutual information and KL(q(z) ‖ p(z)) by Monte Carlo with their standard errors; their "
        "sum is the KL, with other samples of z."
    )


def _mean(results: Sequence[Result], prior: str, name: str) -> float:
    return float(np.mean([result[f"{prior}/{name}"].mean() for result in results]))


def _shown_parts(results: Sequence[Result], prior: str) -> tuple[float, float]:
    """Reconstruction and KL at the end, mean over the seeds."""
    reconstruction, kl = (
        float(np.mean([result[f"{prior}/{name}"][-1] for result in results]))
        for name in ("reconstruction", "kl")
    )
    return reconstruction, kl


def _bound(results: Sequence[Result], prior: str) -> str:
    """The ELBO as the difference of its two terms as they are shown, with its error."""
    value = shown_difference(*_shown_parts(results, prior), 3)
    return with_error(f"**{signed(value, 3)}**", margin(_elbo(results, prior).standard_error, 3))


def _part(results: Sequence[Result], prior: str, row: int) -> str:
    """A part of the KL, mean over the seeds, with its standard error."""
    fits = [result[f"{prior}/fit"][row] for result in results]
    score = pooled([Score(float(value), float(error), None) for value, error in fits])
    return with_error(signed(score.value, 3), margin(score.standard_error, 3))
