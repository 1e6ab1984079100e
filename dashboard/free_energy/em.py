"""EM on a table of numbers from several starts, and what an exact E-step of a VAE would cost."""

import functools
import zlib
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.ahead import ahead
from dashboard.components.chart.element import draw_chart
from dashboard.figures.em import (
    DIGITS,
    EmPath,
    LineScene,
    PlaneScene,
    Scene,
    TableScene,
    em_figure,
    minorising_figure,
    outlines,
)
from dashboard.formats import plain, rounded, shown_difference, shown_sum, signed
from dashboard.free_energy import cached, em_table
from dashboard.free_energy.cached import EM_STEPS, NUM_STARTS, STOP_WITHIN, Components, EmRun
from dashboard.free_energy.em_table import Chosen
from dashboard.shell import state
from dashboard.shell.choice import beside, number_between, numbered, one_of
from dashboard.tables import draw_table
from vae_core.errors import BadInput

if TYPE_CHECKING:
    from vae_core.labs.em.mixture import EmStep, Mixture

EM_HELP: Final = (
    r"E-step: $r_{dk} = \pi_k p_k(x_d;\theta_k) / \sum_l \pi_l p_l(x_d;\theta_l)$ closes the gap "
    r"$\mathrm{KL}(q\,\|\,p(z|x))$. M-step: $\pi_k$, $\theta_k$ (for Gaussians $\mu_k$, $\Sigma_k$) from "
    r"rows weighted with $r_{dk}$; F rises and log p with it. The other form "
    r"maximises $Q = \mathbb{E}_{p(z|x;\theta_{old})}[\log p(x,z;\theta)]$: F without the entropy of q."
)
GAP_HELP: Final = (
    r"$\log p(x) - F = \mathrm{KL}(q\,\|\,p(z|x;\theta))$, mean over the rows: the M-step moved θ away from "
    "the θ of which q is the posterior. The next E-step closes it."
)
FORMS_HELP: Final = (
    r"F is computed as $Q + H[q]$, log p(x) as $\log\sum_k \pi_k p_k(x)$, the gap as "
    r"$\mathrm{KL}(q\,\|\,p(z|x;\theta))$: three numbers that must add up at every iteration."
)
EPSILON_HELP: Final = (
    "The stop criterion: EM ends after the first iteration whose E-step finds F risen by less than ε since "
    "the E-step before, in nats per example. scikit-learn's `tol` is the same, 0.001 unless it is set."
)
EPSILONS: Final = {"0.01": "0.01", "0.001": "0.001", "1e-4": "10⁻⁴", "1e-6": "10⁻⁶"}
MINORISING_HELP: Final = (
    r"$A(\theta;\theta_{old}) = \mathbb{E}_{p(z|x;\theta_{old})}[\log p(x,z;\theta)] + H$: EM as the "
    "auxiliary-function method (minorise, then maximise). A touches log p at θ old, with the same slope, and "
    "lies below it everywhere, so whatever raises A raises log p. The difference is the KL of the E-step's q "
    "to the posterior at θ. Only one mean moves here; the M-step moves all parameters."
)
MAX_COMPONENTS: Final = 8
BINS: Final = 24
LINE_POINTS: Final = 201
_MIDDLE: Final = 28
"""A pixel that some digits have and others have not."""
_MEANS: Final = {
    "gaussian": "mean of {}",
    "bernoulli": "probability of {} = 1",
    "poisson": "rate of {}",
    "categorical": "probability of {}",
}


@st.fragment
def draw_em() -> None:
    """The controls, the picture, what the numbers say, and the function that the M-step maximises."""
    try:
        chosen = em_table.choose()
        if chosen is None:
            return
        with st.container(horizontal=True, gap="medium"):
            number = _number(len(chosen.x))
            epsilon = float(
                one_of("Stop at a rise below ε", EPSILONS, key="em_epsilon", help_text=EPSILON_HELP)
            )
        state.draw_address("em")
        components = chosen.components._replace(number=number)
        runs = cached.em(chosen.x, components)
    except BadInput as err:
        st.error(plain(str(err)))
        return
    start = _start(runs)
    _picture(chosen, components, runs, start, cached.early_stop(runs[start], epsilon))
    # After the picture, which shows no later stop: a search beyond it takes longer than the picture.
    stop = cached.stop(chosen.x, components, start, epsilon)
    _draw_numbers(chosen.x, components, runs[start], start, stop)
    _draw_minorising(chosen, components, runs[start], start)
    others = beside(number, 1, min(MAX_COMPONENTS, len(chosen.x)), 1)
    nearest = [components._replace(number=other) for other in others]
    stops = (functools.partial(cached.stop, chosen.x, one, start, epsilon) for one in nearest)
    ahead().look(("em", components, tuple(chosen.names)), stops)


def _number(num_rows: int) -> int:
    help_text = f"At most as many as there are rows, here {num_rows}."
    ends = (1, MAX_COMPONENTS)
    return number_between("Components K", *ends, key="em_components", help_text=help_text, width=320)


def _start(runs: list[EmRun]) -> int:
    best = int(np.argmax([run.last for run in runs]))
    chosen = st.segmented_control(
        "Start",
        tuple(range(1, NUM_STARTS + 1)),
        required=True,
        format_func=lambda number: (
            f"{number}: {signed(runs[number - 1].last, DIGITS)}" + (" (best)" if number - 1 == best else "")
        ),
        key="em_start",
        help=f"log p(x) in nats per example after {EM_STEPS} iterations, from means at different rows. "
        "EM converges to a local maximum.",
        persist_state="session",
    )
    return (chosen or 1) - 1


def _picture(chosen: Chosen, components: Components, runs: list[EmRun], start: int, stop: int | None) -> None:
    run = runs[start]
    # As far as the mark of the stop, where that is one of the iterations.
    shown = max(_shown(run), stop if stop is not None and stop <= EM_STEPS else 0)
    path = EmPath(
        scene=_scene(chosen, components, run, shown),
        log_likelihood=run.climb[: shown + 1],
        bounds=np.array([step.bound for step in run.steps[:shown]]),
        stop=stop if stop is not None and stop <= shown else None,
    )
    others = [other.climb[: shown + 1] for number, other in enumerate(runs) if number != start]
    first, last = signed(run.first, DIGITS), signed(run.last, DIGITS)
    alt = f"EM in {EM_STEPS} iterations: log p(x) from {first} to {last} nats per example."
    figure = em_figure(path, others, theme=state.theme_name())
    draw_chart(figure, key="em", alt=alt)
    moves = {
        PlaneScene: "E-steps (points take the colour of their component) and M-steps (ellipses move).",
        LineScene: "E-steps and M-steps (the curves π p of the components move; dotted: their sum, p(x)).",
        TableScene: "E-steps and M-steps (the means of the components change: the darker, the larger).",
    }[type(path.scene)]
    st.caption(f"▶ plays {moves}")


def _scene(chosen: Chosen, components: Components, run: EmRun, shown: int) -> Scene:
    mixtures = run.mixtures[: shown + 1]
    means = np.stack([mixture.means.numpy() for mixture in mixtures])
    owners = np.stack([step.responsibilities.argmax(1).numpy() for step in run.steps[:shown]])
    is_one = len(components.groups or chosen.names) == 1
    if components.family == "gaussian" and not is_one:
        covariances = np.stack([cast("Mixture", one).covariances.numpy() for one in mixtures])
        return PlaneScene(
            points=chosen.x[:, :2],
            outlines=outlines(means[:, :, :2], covariances[:, :, :2, :2]),
            owners=owners,
            titles=[f"{name}, standard deviations" for name in chosen.names[:2]],
        )
    if is_one:
        return _line_scene(chosen, components, run, shown, owners)
    return TableScene(
        means=means,
        weights=np.stack([mixture.weights.numpy() for mixture in mixtures]),
        names=chosen.names,
        shape=chosen.shape,
        title="rate" if components.family == "poisson" else "probability",
    )


def _line_scene(
    chosen: Chosen, components: Components, run: EmRun, shown: int, owners: NDArray[np.int64]
) -> LineScene:
    """The rows of one column as bars, and the components over it."""
    import torch

    x, ticks = chosen.x, None
    if components.family == "gaussian":
        heights, edges = np.histogram(x[:, 0], BINS, density=True)
        bars, width = (edges[1:] + edges[:-1]) / 2, float(edges[1] - edges[0])
        line = np.linspace(x.min() - 0.5, x.max() + 0.5, LINE_POINTS)
        where = line[:, None]
    elif components.family == "categorical":
        heights, where, ticks = x.mean(0), np.eye(x.shape[1]), list(chosen.names)
        bars, width = np.arange(float(len(heights))), 0.8
        line = bars
    else:
        bars, width = np.arange(x.max() + 1), 0.8
        heights = np.bincount(x[:, 0].astype(int), minlength=len(bars)) / len(x)
        line, where = bars, bars[:, None]
    parts = [mixture.log_joint(torch.from_numpy(where)).exp().T for mixture in run.mixtures[: shown + 1]]
    is_gaussian = components.family == "gaussian"
    return LineScene(
        bars=bars,
        heights=heights,
        width=width,
        line=line,
        parts=torch.stack(parts).numpy(),
        points=x[:, 0] if is_gaussian else np.empty(0),
        owners=owners,
        title=f"{chosen.names[0]}, standard deviations" if is_gaussian else "" if ticks else chosen.names[0],
        ticks=ticks,
    )


def _shown(run: EmRun) -> int:
    """Iterations in the picture: the rest of them gain less than a hundredth of a nat."""
    climb = run.climb
    return min(EM_STEPS, int(np.argmax(climb[-1] - climb < 1e-2)) + 2)


def _draw_numbers(
    x: NDArray[np.float64], components: Components, run: EmRun, start: int, stop: int | None
) -> None:
    columns = st.columns(4)
    gain = f"{signed(shown_difference(run.last, run.first, DIGITS), DIGITS)} nats gained by EM"
    columns[0].metric("log p(x) per example", f"{signed(run.last, DIGITS)} nats", gain, border=True)
    gap = f"{signed(_gap(run.steps[0]), DIGITS)} nats"
    columns[1].metric("Gap after the first M-step", gap, border=True, help=GAP_HELP)
    columns[2].metric(
        "log p − F − gap, largest", f"{rounded(_residual(run), 1)} nats", border=True, help=FORMS_HELP
    )
    when = str(stop) if stop is not None else f"beyond {STOP_WITHIN}"  # a quarter of 1024 pixels is narrow
    columns[3].metric("Stops after iteration", when, border=True, help=EPSILON_HELP)
    floored = sorted({number + 1 for step in run.steps for number in step.floored})
    if floored:
        names = ", ".join(map(str, floored))
        st.warning(
            f"Singular covariance: component {names} is held at a variance of 1e-6 in a direction in which "
            "its examples do not vary. Use fewer components."
        )
    # What is closed is not drawn: 180 numbers would be sent with each move of a slider.
    iterations = st.expander(
        "The numbers of each iteration: both forms", key="em_iterations", on_change="rerun"
    )
    if iterations.open:
        with iterations:
            _iterations(run)
            if components.family == "gaussian" and not floored:
                _beside_library(x, components, run, start)


def _beside_library(x: NDArray[np.float64], components: Components, run: EmRun, start: int) -> None:
    theirs = cached.library_means(x, components, start)
    distance = float(np.abs(theirs - run.steps[-1].mixture.means.numpy()).max())
    st.caption(
        f"scikit-learn's GaussianMixture from the same start, {EM_STEPS} iterations: means differ by at most "
        f"{rounded(distance, 1)}."
    )


def _residual(run: EmRun) -> float:
    """The largest |log p(x) − F − gap| of all iterations, each number computed by itself."""
    return max(abs(step.log_likelihood - step.q_function - step.entropy - step.gap) for step in run.steps)


def _gap(step: "EmStep[Any]") -> float:
    """As the difference of log p(x) and F as they are shown, where the gap by itself is that, too."""
    return shown_sum(step.gap, step.log_likelihood, -step.bound, digits=DIGITS)


def _iterations(run: EmRun) -> None:
    st.markdown(
        "After each M-step, nats per example. F = Q + H[q]; the next E-step sets q to the posterior, and "
        "F becomes log p(x).",
        help=EM_HELP,
    )
    rows = []
    for number, step in enumerate(run.steps, 1):
        entropy = shown_sum(step.entropy, step.bound, -step.q_function, digits=DIGITS)
        values = (step.log_likelihood, step.bound, step.q_function, entropy, _gap(step))
        rows.append((str(number), *(signed(value, DIGITS) for value in values)))
    head = ("iteration", "log p(x)", "F[q, θ]", "Q(θ old, θ)", "H[q]", "KL(q ‖ posterior)")
    draw_table(head, rows, title="The numbers of each iteration", shows_title=False)


def _draw_minorising(chosen: Chosen, components: Components, run: EmRun, start: int) -> None:
    """log p and the function that the M-step maximises, over one mean."""
    st.subheader("What the M-step climbs: a function that lies below log p", help=MINORISING_HELP)
    left, middle, right = st.columns(3, gap="medium")
    with left:
        iteration = numbered(
            "Iterations done",
            0,
            _shown(run),
            key="em_minorising_iteration",
            help_text="θ old is the θ after that many iterations.",
        )
    with middle:
        component = (
            numbered(
                "Component",
                1,
                components.number,
                key="em_minorising_component",
                help_text="The component whose mean moves.",
            )
            - 1
        )
    names = list(chosen.names)
    column = right.selectbox(
        "Parameter",
        range(len(names)),
        format_func=lambda place: _MEANS[components.family].format(names[place]),
        # Of these columns alone: a menu that stays shows the names that it had.
        key=f"em_minorising_column_{components.family}_{zlib.crc32(repr(names).encode())}",
        index=_MIDDLE if chosen.shape else 0,
        help="The mean that moves; all other parameters stay as they are.",
    )
    found = cached.minorising(chosen.x, components, start, iteration, component, column)
    title = f"{_MEANS[components.family].format(names[column])}, component {component + 1}"
    values, log_likelihood, auxiliary = (part.numpy() for part in found[:3])
    figure = minorising_figure(
        values,
        log_likelihood,
        auxiliary,
        old=found.old,
        touching=found.touching,
        title=title,
        theme=state.theme_name(),
    )
    best = float(values[found.best])
    alt = f"log p and its minorising function over the {title}: they touch at {signed(found.old, 3)}."
    draw_chart(figure, key="em_minorising", alt=alt)
    rise = signed(float(log_likelihood[found.best]) - found.touching, DIGITS)
    st.caption(
        f"At θ old ({signed(found.old, 3)}) both are {signed(found.touching, DIGITS)} nats. A is largest at "
        f"{signed(best, 3)}; there log p has changed by {rise} nats: at least as much as A rose, "
        f"{signed(float(auxiliary[found.best]) - found.touching, DIGITS)}."
    )


def draw_cost_of_e_step() -> None:
    """Decodes and time that an exact E-step of the example model would need, by the latent dimension."""
    seconds = cached.seconds_per_decode()
    rows = [(str(dims), rounded(20.0**dims), span(seconds * 20.0**dims)) for dims in (1, 2, 4, 8, 16)]
    head = ("J", "decodes for one E-step", "time")
    draw_table(head, rows, title="Cost of an exact E-step", shows_title=False)


def span(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, size in (("years", 31_557_600.0), ("days", 86_400.0), ("hours", 3600.0), ("s", 1.0)):
        if seconds >= size:
            return f"{rounded(seconds / size)} {unit}"
    return f"{rounded(seconds * 1000)} ms"
