"""The importance-weighted bound as a training objective: what it gains, and what its gradient loses."""

from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.components.chart.element import draw_chart
from dashboard.figures.importance_weighted import signal_figure, trainings_figure
from dashboard.formats import margin, signed
from dashboard.runs.tasks import task_key, tasks
from dashboard.shell import browser, state
from dashboard.shell.task_line import task_line
from dashboard.subject import Subject
from dashboard.tables import draw_table

Arrays = dict[str, NDArray[Any]]
NUM_EPOCHS: Final = 20
SEED: Final = 0
BATCH: Final = 16
TRAINING_HELP: Final = (
    r"$\mathcal L_K = \mathbb{E}\log\tfrac1K\sum_k p(x,z_k)/q(z_k|x)$, $z_k \sim q$: the ELBO for K = 1, "
    "nearer to log p(x) for larger K (Burda, Grosse and Salakhutdinov 2016). The model learns a better p(x), "
    "while q need no longer be the posterior: its own ELBO falls behind (Cremer, Li and Duvenaud 2018)."
)
SIGNAL_HELP: Final = (
    r"$|\mathbb{E}\,g|\,/\,(\sum_i \mathrm{Var}\,g_i)^{1/2}$ of one estimate $g$ of $\nabla\mathcal L_K$. "
    r"For the encoder it falls like $1/\sqrt K$, for the decoder it rises like $\sqrt K$ (Rainforth et "
    "al. 2018): tighter bounds are not necessarily better."
)
START_TRAININGS_HELP: Final = (
    "Trains the same small network on the digits from the same start, with K = 1, 5 and 50 samples in "
    "the objective, and measures log p(x) and the ELBO by quadrature. It takes seconds, in the background."
)
START_SIGNAL_HELP: Final = (
    f"128 estimates of the gradient for each K, of a mini-batch of {BATCH} training examples under the model "
    "in view. Seconds for small networks, in the background."
)
OF_A_MIXTURE: Final = (
    "q is a mixture here. Encoder and decoder have the gradient that training takes: K samples of each "
    "component, each counted by its weight, so that no component is drawn; their bound is a little tighter. "
    "Doubly reparameterised are K independent z, which move with the weights, too, as their ranks under q "
    "stay (implicit reparameterisation, Figurnov et al. 2018)."
)
PARTS: Final = ("encoder", "encoder, doubly reparameterised", "decoder")


def draw_trainings() -> None:
    """Three trainings from one start, and what became of each."""
    name = task_key("weighting", NUM_EPOCHS, SEED)
    found = tasks().result(name)
    if found is None:
        st.markdown(
            "With K samples the bound is tighter. Does a model that is trained on it explain held-out digits "
            "better, and how close does its q stay to the true posterior?"
        )
        arguments = (str(NUM_EPOCHS), str(SEED), str(SEED))
        task_line(
            name,
            key="weighting",
            label="Train with K = 1, 5 and 50",
            doing="Training …",
            help_text=START_TRAININGS_HELP,
            start=lambda: tasks().start(name, "weighting", *arguments, owner=browser.token(), inputs={}),
        )
        return
    counts = found["sample_counts"].tolist()
    log_evidence, elbo = found["log_evidence"], found["elbo"]
    left, right = st.columns(2, gap="medium")
    with left:
        means = log_evidence.mean(1), elbo.mean(1)
        figure = trainings_figure(counts, *means, theme=state.theme_name())
        alt = "; ".join(
            f"K = {count}: log p(x) {signed(evidence)}, ELBO {signed(bound)} nats"
            for count, evidence, bound in zip(counts, *means, strict=True)
        )
        draw_chart(figure, key="weighting", alt=f"{alt}.")
    with right:
        rows = [
            (
                f"K = {count}",
                f"{signed(log_evidence[row].mean())} ± {_error(log_evidence[row])}",
                _more(log_evidence[row] - log_evidence[0]) if row else "–",
                f"{signed(elbo[row].mean())} ± {_error(elbo[row])}",
                f"{(log_evidence[row] - elbo[row]).mean():.2f}",
            )
            for row, count in enumerate(counts)
        ]
        head = ("trained with", "log p(x)", "more than K = 1", "ELBO", "gap")
        draw_table(head, rows, title="Nats per held-out example", help_text=TRAINING_HELP)
        st.caption(
            f"Digits, 64–64–2 units, {NUM_EPOCHS} epochs of Adam each, the same first weights and "
            f"mini-batches; {log_evidence.shape[1]} held-out examples by quadrature, ± standard error."
        )


def draw_signal(shown: Subject) -> None:
    """The ratio of signal to noise for the model in view.

    Arguments:
        shown: The model.
    """
    if shown.is_deterministic:
        st.warning(shown.written("A deterministic encoder has no q(z|x), and no bound to weigh."))
        return
    # Not of the weights: the newest result stays on the page while the run goes on.
    name = task_key("signal", shown.source, shown.data.digest)
    found = tasks().result(name)
    is_old = found is not None and str(found["digest"]) != shown.run.digest
    if found is None:
        st.markdown(
            "How much signal has one gradient, its mean beside its standard deviation, as K grows: for the "
            "encoder, and for the decoder?"
        )
    if found is None or is_old:
        x = shown.examples("training")[0][:BATCH].numpy()
        arguments = (shown.source, str(shown.config.seed))
        task_line(
            name,
            key="signal",
            label="Measure again" if is_old else "Measure signal and noise",
            doing="Measuring …",
            help_text=START_SIGNAL_HELP,
            start=lambda: tasks().start(name, "signal", *arguments, owner=browser.token(), inputs={"x": x}),
        )
    if found is None:
        return
    if is_old:
        st.caption(f"Measured at step {int(found['step']):,}; the weights have changed since.")
    counts = found["sample_counts"].tolist()
    ratios = {part: (found["ratio"][:, row], found["error"][:, row]) for row, part in enumerate(PARTS)}
    figure = signal_figure(counts, ratios, theme=state.theme_name())
    encoder, _, decoder = (found["ratio"][:, row] for row in range(len(PARTS)))
    alt = (
        f"From K = {counts[0]} to {counts[-1]} the encoder's ratio goes from {encoder[0]:.2f} to "
        f"{encoder[-1]:.2f}, the decoder's from {decoder[0]:.2f} to {decoder[-1]:.2f}."
    )
    draw_chart(figure, key="signal", alt=alt)
    st.markdown(
        f"With K = {counts[-1]} the encoder's gradient has **{_times(encoder)}** of the signal to noise that "
        f"it has with K = 1, the decoder's **{_times(decoder)}**. More samples to train the decoder are "
        "fewer to train the encoder."
    )
    st.caption(
        "Bars are two standard errors. Doubly reparameterised: the gradient of the bound without the "
        "encoder's density in it (Tucker et al. 2019); where the weights are very uneven its ratio falls all "
        "the same. "
        "What is not measurably above 0 is not drawn."
    )
    if shown.config.model.encoder_head == "mixture":
        st.caption(OF_A_MIXTURE)


def _times(ratios: NDArray[np.float64]) -> str:
    return f"{ratios[-1] / ratios[0]:.2g} times" if ratios[0] > 0 else "–"


def _error(values: NDArray[np.float64]) -> str:
    return margin(float(values.std(ddof=1) / len(values) ** 0.5))


def _more(values: NDArray[np.float64]) -> str:
    return f"{signed(float(values.mean()))} ± {_error(values)}"
