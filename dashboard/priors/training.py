"""A model trained under each of three priors from the same initial weights, as a background task."""

from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.figures.base import CHART_CONFIG
from dashboard.figures.data_space import decoded_samples_figure
from dashboard.figures.priors import PriorTraining, curves_figure, training_figure
from dashboard.formats import rounded, signed, with_error
from dashboard.pictures import show, strip
from dashboard.runs.tasks import task_key, tasks
from dashboard.shell import browser, state
from dashboard.shell.choice import one_of
from dashboard.shell.task_line import task_line
from dashboard.subject import dataset
from dashboard.tables import draw_table
from vae_core.data import DATASET_INFO

Result = dict[str, NDArray[Any]]
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
    "Trains three models one after the other, in the background; 100 passes over the digits take about half "
    "a minute. The result stays."
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
    key = key_of(arguments)
    result = tasks().result(key)
    if result is not None:
        _draw_result(result, arguments[0], int(arguments[-1]))
        return
    st.markdown(
        "A prior that is trained together with encoder and decoder: do the pseudo-inputs come to look like "
        "images, and is the held-out ELBO better after the same number of updates?"
    )
    task_line(
        key,
        key="priors",
        label="Train all three",
        doing="Training …",
        help_text=TASK_HELP,
        start=lambda: tasks().start(key, "priors", *arguments, owner=browser.token(), inputs={}),
    )


def key_of(arguments: tuple[str, ...]) -> str:
    """Of the task: the same settings give the same numbers, so all sessions share the result."""
    return task_key("priors", *arguments)


def _arguments() -> tuple[str, str, str, str]:
    """Data, K, epochs and seed, from their controls."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        data = one_of("Data", DATA, key="priors_data", help_text="What all three are trained on.")
        count = _slider("K", (2, 5, 10, 20, 50, 100), 50, "priors_k", K_HELP)
        num_epochs = _slider("Epochs", (20, 50, 100, 200, 400), 100, "priors_epochs", BUDGET_HELP)
        seed = st.number_input(
            "Seed",
            0,
            MAX_SEED,
            0,
            key="priors_seed",
            help="Of the split, the weights, the order of the examples, and the noise.",
            width=140,
            persist_state="session",
        )
    return (data, str(count), str(num_epochs), str(int(seed)))


def _slider(label: str, options: tuple[int, ...], value: int, key: str, help_text: str) -> int:
    return int(
        st.select_slider(label, options, value, key=key, help=help_text, width=220, persist_state="session")
    )


def _draw_result(result: Result, name: str, seed: int) -> None:
    data = dataset(name, seed, None)
    left, right = st.columns(2, gap="medium")
    with left:
        _draw_record(result, data.image_shape, data.x_test.numpy())
    with right:
        curves = {
            title: (result[f"{prior}/elbo"], result[f"{prior}/error"]) for prior, title in TITLES.items()
        }
        figure = curves_figure(result["vamp/step"], curves, theme=state.theme_name())
        ends = ", ".join(f"{title} {signed(float(mean[-1]))}" for title, (mean, _) in curves.items())
        alt = f"Held-out ELBO during training, at the end: {ends} nats per example."
        st.plotly_chart(figure, key="priors_curves", alt=alt, config=CHART_CONFIG)
        _verdict(result)
        if data.image_shape is not None:
            _samples(result, data.image_shape)
        else:
            _draw_bounds(result)
    if data.image_shape is not None:
        _draw_bounds(result)
    else:
        _point_samples(result, data.x_test.numpy())


@st.fragment
def _draw_record(result: Result, image_shape: tuple[int, int] | None, x: NDArray[np.float32]) -> None:
    prior = one_of("Prior in view", TITLES, key="priors_shown", help_text=RECORD_HELP, default="vamp")
    names = ("step", "axes", "density", "means", "centres", "shown")
    steps, *arrays = (result[f"{prior}/{name}"] for name in names)
    training = PriorTraining(steps, *arrays, image_shape=image_shape, name=SHOWN[prior])
    figure = training_figure(training, x, theme=state.theme_name())
    alt = f"{TITLES[prior]}: its density over the plane and {SHOWN[prior]}, at {len(steps)} steps."
    st.plotly_chart(figure, key=f"priors_film_{prior}", alt=alt, config=CHART_CONFIG)
    st.caption(f"Below: {SHOWN[prior]}. ▶ plays from the first update to the last.")


def _verdict(result: Result) -> None:
    normal = result["standard_normal/elbo_of_data"].astype(np.float64)
    sentences = []
    for prior in ("mixture", "vamp"):
        change = result[f"{prior}/elbo_of_data"] - normal
        mean, error = float(change.mean()), float(change.std(ddof=1) / np.sqrt(len(change)))
        sure = "" if abs(mean) > 2 * error else " (not significant)"
        sentences.append(f"{TITLES[prior]} **{signed(mean, 3)}** ± {error:.3f} nats{sure}")
    st.markdown("Held-out ELBO less that of N(0, I), example by example: " + "; ".join(sentences) + ".")


def _samples(result: Result, image_shape: tuple[int, int]) -> None:
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
            st.plotly_chart(figure, key=f"priors_samples_{prior}", alt=alt, config=CHART_CONFIG)


def _draw_bounds(result: Result) -> None:
    head = ("nats per example", *(title.replace("Prior", "") for title in TITLES.values()))
    rows = [
        ("**held-out ELBO** ± s.e.", [_with_error(result, prior) for prior in TITLES]),
        ("reconstruction", [signed(_last(result, prior, "reconstruction"), 3) for prior in TITLES]),
        ("KL(q(z given x) ‖ p(z))", [f"{_last(result, prior, 'kl'):.3f}" for prior in TITLES]),
        ("· mutual information", [_part(result, prior, 1) for prior in TITLES]),
        ("· KL(q(z) ‖ p(z))", [_part(result, prior, 2) for prior in TITLES]),
        ("log p(x), exact", [signed(float(result[f"{prior}/log_evidence"].mean()), 3) for prior in TITLES]),
        ("ELBO of the same examples", [signed(_mean(result, prior, "exact_elbo"), 3) for prior in TITLES]),
        ("seconds of updates", [f"{float(result[f'{prior}/seconds']):.1f}" for prior in TITLES]),
    ]
    draw_table(head, ((label, *cells) for label, cells in rows), title="After training")
    errors = max(float(result[f"{prior}/evidence_error"].max()) for prior in TITLES)
    st.caption(
        f"{len(result['vamp/elbo_of_data'])} held-out examples, M = 16 samples of z each; log p(x) by "
        f"quadrature of the first {len(result['vamp/log_evidence'])}, estimated errors up to "
        f"{rounded(errors, 2)} nats. {int(result['vamp/step'][-1]):,} updates each: equal in number, not in "
        "seconds. Mutual information and KL(q(z) ‖ p(z)) by Monte Carlo with their standard errors; their "
        "sum is the KL."
    )


def _last(result: Result, prior: str, name: str) -> float:
    return float(result[f"{prior}/{name}"][-1])


def _mean(result: Result, prior: str, name: str) -> float:
    return float(result[f"{prior}/{name}"].mean())


def _with_error(result: Result, prior: str) -> str:
    return with_error(
        f"**{signed(_last(result, prior, 'elbo'), 3)}**", f"{_last(result, prior, 'error'):.3f}"
    )


def _part(result: Result, prior: str, row: int) -> str:
    value, error = result[f"{prior}/fit"][row]
    return with_error(f"{value:.3f}", f"{error:.3f}")
