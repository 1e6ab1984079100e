"""Gradient estimators of E[f(z)], for a one-line function f and for the ELBO of an example."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import cached as cache
from dashboard.ahead import ahead
from dashboard.components.chart.element import draw_chart
from dashboard.elbo import one_example
from dashboard.figures.estimators import Row, distributions_figure, sweep_figure, variance_figure
from dashboard.formats import plain, rounded, signed, with_deviation
from dashboard.gradients import cached
from dashboard.gradients.cached import Sweep
from dashboard.gradients.measured import SAMPLE_COUNTS, Cost, Histograms, Measured
from dashboard.runs.tasks import task_key, tasks
from dashboard.shell import browser, state
from dashboard.shell.choice import beside, number_between, one_of, one_of_numbers, switch
from dashboard.shell.task_line import task_line
from dashboard.subject import Subject
from dashboard.tables import draw_table
from vae_core.config import EncoderHead, ModelConfig
from vae_core.errors import BadInput

if TYPE_CHECKING:
    from vae_core.labs.gradients.accuracy import Accuracy
    from vae_core.labs.gradients.estimators import Estimator

NAMES: Final[dict["Estimator", str]] = {
    "reparameterised": "reparameterisation",
    "score": "score function",
    "baseline": "score function − baseline",
    "constant": "samples as constants",
    "squared": "error: z = μ + σ² ε",
}
_MEANS: Final = (-3.0, 3.0, 0.1)
_STDS: Final = (0.1, 2.0, 0.05)
"""Ends of the sliders, and their steps."""
EXPECTATIONS: Final = {"function": "a one-line function", "elbo": "the ELBO of one example"}
EXPECTATION_HELP: Final = (
    r"$\nabla_{\mu,\sigma}\,\mathbb{E}_{z\sim\mathcal{N}(\mu,\sigma^2)}[f(z)]$ with f of one line, whose "
    r"gradient is known; or $\nabla\,\mathrm{ELBO}(x)$, where f is the log-likelihood and the KL is in "
    "closed form."
)
SHAPES: Final[dict[EncoderHead, str]] = {
    "full_covariance": "This run's q(z|x) is a Gaussian with correlations.",
    "flow": "This run's q(z|x) is a flow.",
    "mixture": "This run's q(z|x) is a mixture.",
}
SHAPED: Final = (
    r"Below μ and σ are its mean and deviation in a dimension: they move and stretch it, and its shape, the "
    r"distribution $q(t)$ of $t = (z-\mu)/\sigma$, stays. t takes the place of ε, and the score function is "
    r"$\mathbb{E}_q[f\,s/\sigma]$ by μ and $\mathbb{E}_q[f\,(s\,t-1)/\sigma]$ by σ, "
    r"$s = -\partial\log q(t)/\partial t$, which of a Gaussian without correlations is ε."
)
OF_A_MIXTURE: Final = (
    "Reparameterisation sums over the components, as training does: each noise makes a z of each, which "
    "counts by its weight. The other estimators draw the component, too."
)
GREEK: Final = ("μ", "σ")
UNBIASED: Final = ("reparameterised", "score", "baseline")
ROUNDING: Final = 1e-5
"""Relative error of a float32 mean over many estimates."""
CLOSED_KL: Final = "f = log p(x|z), the KL is in closed form."
CLOSED_ENTROPY: Final = "f = log p(x, z), the entropy of q is in closed form."
MOVED_ENTROPY: Final = "f = log p(x, z); the entropy of q is that of t and Σ log σ."
FUNCTION_HELP: Final = (
    "Adding 10 changes no gradient, but raises the variance of the score function. The derivative of the "
    "step is 0."
)
MEAN_HELP: Final = r"Mean of $q(z) = \mathcal{N}(z;\mu,\sigma^2)$."
STD_HELP: Final = "Standard deviation of q. Derivatives are by σ itself, not by log σ."
SAMPLES_HELP: Final = (
    r"Samples of z in one estimate: $\tfrac1M\sum_m$. The variance of such a mean falls as 1/M."
)
MISTAKE_HELP: Final = (
    r"$z = \mu + \sigma^2\varepsilon$ is a frequent misprint. Right is $z = \mu + \sigma\varepsilon$: only "
    r"then $z\sim\mathcal{N}(\mu,\sigma^2)$."
)
DIM_HELP: Final = "The latent dimension whose derivatives by μ and σ are shown."
ESTIMATORS_HELP: Final = (
    r"$\nabla\,\mathbb{E}_q[f]$: q itself depends on μ and σ. **Reparameterisation** "
    r"$\mathbb{E}_\varepsilon[\nabla f(\mu+\sigma\varepsilon)]$. **Score function** "
    r"$\mathbb{E}_q[f\,\nabla\log q]$; a **baseline** b takes $f - b$ (mean of f over the other samples; "
    r"for M = 1 over one more sample). **Samples as constants** drop the term. Kingma and Welling 2014; "
    "Williams 1992; Kool et al. 2019."
)
TABLE_HELP: Final = (
    "Bias: mean of the estimates less the true gradient, ± its confidence interval, errors of the true "
    "gradient included. All intervals of both tables hold together in 95 of 100 such measurements (Student's "
    "t, Bonferroni). s.d.: standard deviation of one estimate. Variance: in multiples of that of "
    "reparameterisation with the same M; so many times the samples are needed for the same precision."
)
COST_HELP: Final = (
    "Of one estimate, measured on this server, 4096 z at a time. A derivative costs a second pass, backwards."
)
VARIANCE_HELP: Final = (
    r"$\mathrm{Var} = \mathrm{Var}_1 / M$: straight lines of slope −1. The leave-one-out baseline gains more "
    "at first: with few samples it is itself a noisy estimate."
)
LONG_HELP: Final = (
    "2²⁰ samples of z for each M: the intervals of the bias shrink by the square root of how many more they "
    "are. Seconds for a small decoder, minutes for a large one, in the background."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Estimators of the gradient of one expectation, with what is needed to draw them.

    Arguments:
        measured: How well each finds the gradient.
        histograms: Of their estimates with M samples.
        cost: Seconds for one z.
        sweep: The expectation over σ, with both deviations of z; None where it is not known.
        count: M.
        with_mistake: Whether z = mu + sigma^2 eps is shown too.
        std: The σ in view.
        target: Name of the expectation.
        dimension: Number of the latent dimension; empty when there is one.
        unit: Of the target with a comma before it; empty when it has none.
        form: Which part of the expectation is f and which is in closed form; empty where it is f alone.
        has_slope: Whether f is the integral of its derivative (a step is not).
        draws_of_each: z of each sample of noise, of the components that reparameterisation sums over.
    """

    measured: Measured
    histograms: Histograms
    cost: Cost
    sweep: Sweep | None
    count: int
    with_mistake: bool
    std: float
    target: str
    dimension: str
    unit: str
    form: str
    has_slope: bool
    draws_of_each: int = 1

    @property
    def estimators(self) -> "list[Estimator]":
        """The estimators that are shown."""
        return [name for name in NAMES if name != "squared" or self.with_mistake]

    def accuracy(self, name: "Estimator") -> "tuple[Accuracy, Accuracy]":
        """Of both derivatives, with M samples."""
        return self.measured.accuracy[self.count, name]

    def derivative(self, part: int) -> str:
        """Its name, for a figure."""
        sub = f"<sub>{self.dimension}</sub>" if self.dimension else ""
        return f"∂{self.target}/∂{GREEK[part]}{sub}"


@st.fragment
def draw_function() -> None:
    """E[f(z)] of a one-line function under N(mean, std^2): its controls, then all that was measured."""
    formula = one_of(
        "f(z)", {name: name for name in cached.functions()}, key="estimators_f", help_text=FUNCTION_HELP
    )
    mean, std, count = _sliders()
    with_mistake = _mistake()
    state.draw_address("estimators")

    def numbers(mean: float, std: float) -> tuple[Measured, Histograms, Sweep]:
        return (
            cached.function(formula, mean, std),
            cached.function_histograms(formula, mean, std, count),
            cached.function_sweep(formula, mean),
        )

    measured, histograms, sweep = numbers(mean, std)
    _draw_comparison(
        Comparison(
            measured=measured,
            histograms=histograms,
            cost=cached.function_cost(formula),
            sweep=sweep,
            count=count,
            with_mistake=with_mistake,
            std=std,
            target="E[f(z)]",
            dimension="",
            unit="",
            form="",
            has_slope=cached.functions()[formula].has_slope,
        )
    )
    places = [(other, std) for other in beside(mean, *_MEANS)] + [
        (mean, other) for other in beside(std, *_STDS)
    ]
    others = (functools.partial(numbers, *place) for place in places)
    ahead().look(("estimators", formula, mean, std, count), others)


def _sliders() -> tuple[float, float, int]:
    left, middle, right = st.columns(3, gap="medium")
    with left:
        mean = number_between("μ", *_MEANS, key="estimators_mean", help_text=MEAN_HELP)
    with middle:
        std = number_between("σ", *_STDS, key="estimators_std", help_text=STD_HELP)
    with right:
        return mean, std, _samples()


@st.fragment
def draw_elbo(subject: Subject) -> None:
    """The ELBO of a held-out example under the model in view: its controls, then all that was measured."""
    if subject.config.model.encoder_head == "deterministic":
        st.warning(subject.written("A deterministic encoder has no q(z|x): no samples, nothing to estimate."))
        return
    left, right = st.columns([1, 2], gap="medium", vertical_alignment="center")
    with right:
        index = one_example.choose(subject, "held_out")
        dim = _dimension(subject)
        count = _samples()
        with_mistake = _mistake()
        state.draw_address("estimators")
    with left:
        terms = cache.encoded(subject)
        decoded, label = cache.decode(subject, terms.means[index : index + 1]), int(terms.labels[index])
        one_example.reconstruction(
            np.concatenate([terms.x[index : index + 1], decoded]),
            subject.class_names[label] if label >= 0 else "",
            subject,
        )
    if subject.config.model.encoder_head == "unit_variance":
        st.info("This encoder fixes σ = 1: the gradient by σ exists, and nothing learns from it.")
    if subject.config.model.encoder_head in SHAPES:
        st.caption(subject.written(f"{SHAPES[subject.config.model.encoder_head]} {SHAPED}"))
    if subject.config.model.encoder_head == "mixture":
        st.caption(OF_A_MIXTURE)
    try:
        comparison = _elbo_comparison(subject, index, dim, count, with_mistake=with_mistake)
    except BadInput as err:
        st.error(plain(str(err)))
        return
    _draw_comparison(comparison, longer=lambda: _draw_long_task(subject, index))


def _elbo_comparison(subject: Subject, index: int, dim: int, count: int, *, with_mistake: bool) -> Comparison:
    measured, sweep = cached.example(subject, index, dim), None
    if with_mistake and measured.squared_truth is not None:
        sweep = cached.example_sweep(subject, index, dim)
    return Comparison(
        measured=_refined(measured, subject, index, dim),
        histograms=cached.example_histograms(subject, index, dim, count),
        cost=cached.example_cost(subject),
        sweep=sweep,
        count=count,
        with_mistake=with_mistake,
        std=float(cache.encoded(subject).stds[index, dim]),
        target="ELBO",
        dimension=str(dim + 1) if subject.config.model.latent_dim > 1 else "",
        unit=", nats",
        form=subject.written(_form(subject.config.model)),
        has_slope=True,
        draws_of_each=subject.config.model.draws_of_each,
    )


def _form(model: ModelConfig) -> str:
    if model.encoder_head in SHAPES:
        return MOVED_ENTROPY
    return CLOSED_KL if model.prior == "standard_normal" else CLOSED_ENTROPY


def _samples() -> int:
    return one_of_numbers("Samples M", SAMPLE_COUNTS, key="estimators_samples", help_text=SAMPLES_HELP)


def _mistake() -> bool:
    return switch("Add the error z = μ + σ² ε", key="estimators_error", help_text=MISTAKE_HELP)


def _dimension(subject: Subject) -> int:
    latent_dim = subject.config.model.latent_dim
    if latent_dim == 1:
        return 0
    per_dim = cache.encoded(subject).kl_per_dim
    # A prior without a closed form has no KL by dimension.
    most_used = int(per_dim.mean(0).argmax()) + 1 if per_dim.shape[1] else 1
    key = "estimators_dim"
    found = state.control(key)  # maybe of a link, or of a run with more dimensions
    state.set_control(key, found if isinstance(found, int) and 1 <= found <= latent_dim else most_used)
    chosen = st.slider("Latent dimension", 1, latent_dim, key=key, help=DIM_HELP, persist_state="session")
    return chosen - 1


def _draw_comparison(found: Comparison, longer: Callable[[], None] | None = None) -> None:
    """Everything below the controls.

    Arguments:
        found: The comparison.
        longer: Draws the line of a longer measurement, where there is one.
    """
    for part, column in enumerate(st.columns(2, gap="medium")):
        with column:
            _distributions(found, part)
    for part, column in enumerate(st.columns(2, gap="medium")):
        with column:
            _draw_accuracy(found, part)
    _draw_verdicts(found)
    st.caption(f"{_how(found.measured)} {found.form}")
    if longer is not None:
        longer()
    st.subheader("Variance against M", help=VARIANCE_HELP)
    for part, column in enumerate(st.columns(2, gap="medium")):
        with column:
            _variances(found, part)
    # What is closed is not drawn: a move of a slider would compute and send all of it.
    extra = st.expander(
        "Spot the error: the extra term is “generally hard to compute”",
        key="estimators_extra_term",
        on_change="rerun",
    )
    if extra.open:
        with extra:
            _draw_extra_term(found)
    wrong = st.expander(
        "Spot the error: z = μ + σ² ε",
        expanded=found.with_mistake,
        key="estimators_wrong_std",
        on_change="rerun",
    )
    if wrong.open:
        with wrong:
            _draw_wrong_std(found)


def _distributions(found: Comparison, part: int) -> None:
    rows = []
    for name in found.estimators:
        edges, heights = found.histograms[name][part]
        one = found.accuracy(name)[part]
        rows.append(Row(NAMES[name], name, edges, heights, one.mean, one.variance**0.5))
    truth = found.measured.truth[part]
    title = f"estimate of {found.derivative(part)}{found.unit}"
    figure = distributions_figure(rows, truth, title=title, theme=state.theme_name())
    said = ", ".join(f"{row.name} {with_deviation(row.mean, row.deviation)}" for row in rows)
    alt = f"Distributions of estimates by {GREEK[part]} with M = {found.count}; true {truth:.4g}; {said}."
    draw_chart(figure, key=f"estimators_{part}", alt=alt)


def _variances(found: Comparison, part: int) -> None:
    accuracy = found.measured.accuracy
    lines = [
        (NAMES[name], name, [accuracy[count, name][part].variance for count in SAMPLE_COUNTS])
        for name in found.estimators
    ]
    title = f"variance of {found.derivative(part)}"
    figure = variance_figure(SAMPLE_COUNTS, lines, found.count, title=title, theme=state.theme_name())
    alt = f"Variance of the estimates by {GREEK[part]} against M on logarithmic axes: it falls as 1/M."
    draw_chart(figure, key=f"estimators_variance_{part}", alt=alt)


def _draw_accuracy(found: Comparison, part: int) -> None:
    least = found.accuracy("reparameterised")[part].variance
    rows = []
    for name in found.estimators:
        one = found.accuracy(name)[part]
        ratio = f"× {rounded(one.variance / least)}" if min(least, one.variance) > 0 else "–"
        is_exact = one.half_width <= 1e-4
        bias = with_deviation(one.bias, 0.0, 4) if is_exact else with_deviation(one.bias, one.half_width, 2)
        rows.append((_hyphenated(name), bias, f"{one.variance**0.5:#.3g}".rstrip("."), ratio))
    head = (f"∂/∂{GREEK[part]}", "bias", "s.d.", "variance")
    draw_table(head, rows, title=f"Bias and variance, by {GREEK[part]}", help_text=TABLE_HELP)


def _draw_verdicts(found: Comparison) -> None:
    rows = [(_hyphenated(name), verdict(found, name), _cost(found, name)) for name in found.estimators]
    head = ("estimator", "verdict", "cost of one estimate")
    draw_table(head, rows, title="Biased or not", help_text=COST_HELP)


def verdict(found: Comparison, name: "Estimator") -> str:
    """What theory says of an estimator, and whether its confidence intervals agree."""
    both = found.accuracy(name)
    unseen = [
        one.half_width + ROUNDING * (1 + abs(truth))
        for one, truth in zip(both, found.measured.truth, strict=True)
    ]
    missed = [
        f"{signed(one.bias, 3)} in {symbol}"
        for symbol, one, least in zip(GREEK, both, unseen, strict=True)
        if abs(one.bias) > least
    ]
    if name in UNBIASED and (found.has_slope or name != "reparameterised"):
        if not missed:
            return "unbiased: both intervals hold 0"
        return (
            f"unbiased; an interval misses 0 ({', '.join(missed)}), as one or more of both tables do in at "
            "most 5 of 100 such measurements"
        )
    if not missed:
        if max(one.variance for one in both) == 0:
            return f"biased in general; here by less than {rounded(max(unseen), 1)}"
        return (
            f"biased in general; here too little to be seen in {both[0].repetitions:,} estimates: both "
            "intervals hold 0"
        )
    reason = {
        "reparameterised": "the derivative of a step is 0 at every sample",
        "constant": "the term from q is lost",
        "squared": "the gradient of another function",
    }[name]
    return f"**biased**: {', '.join(missed)}; {reason}"


def _hyphenated(name: "Estimator") -> str:
    """Its name with a soft hyphen in the long word: a table has to fit on a phone."""
    return NAMES[name].replace("isation", "\u00adisation")


def _cost(found: Comparison, name: "Estimator") -> str:
    if name == "constant":
        return "none"
    if name in ("score", "baseline"):
        number = max(found.count, 2 if name == "baseline" else 1)
        return f"{number} f, {_span(number * found.cost.value)}"
    number = found.count * (found.draws_of_each if name == "reparameterised" else 1)
    return f"{number} f and f′, {_span(number * found.cost.slope)}"


def _span(seconds: float) -> str:
    return f"{rounded(seconds * 1e3, 2)} ms" if seconds >= 1e-3 else f"{rounded(seconds * 1e6, 2)} µs"


def _how(measured: Measured) -> str:
    samples = (
        f"{measured.num_samples:,} samples of z for each row, the same noise for all rows and every M: where "
        "one mean is too high by chance, others are, too. "
    )
    if max(measured.standard_error) > 0:
        return samples + (
            "True gradient: reparameterised samples of their own (J > 2 is too many for quadrature), "
            f"± {rounded(max(measured.standard_error), 2)}."
        )
    if max(measured.error) > 0:
        return samples + (
            "True gradient: quadrature; half as many nodes change it by at most "
            f"{rounded(max(measured.error), 1)}."
        )
    return samples + "True gradient: closed form."


def _draw_extra_term(found: Comparison) -> None:
    measured = found.measured
    lost = [truth - left for truth, left in zip(measured.truth, measured.explicit, strict=True)]
    st.markdown(
        r"$\nabla\,\mathbb{E}_q[f] = \mathbb{E}_q[\nabla f] + \int (\nabla q)\, f\, dz$ is right; that the "
        r"second term is “generally hard to compute” is not. It is $\mathbb{E}_q[f\,\nabla\log q]$, a mean "
        "over samples: the score function. Its price is variance."
    )
    rows: list[tuple[str, ...]] = [("exact", signed(lost[0], 3), signed(lost[1], 3))]
    estimators: dict[str, Estimator] = {
        "score function": "score",
        "with baseline": "baseline",
        "reparameterisation": "reparameterised",
    }
    for label, name in estimators.items():
        cells = [
            with_deviation(part.mean - left, part.variance**0.5)
            for part, left in zip(found.accuracy(name), measured.explicit, strict=True)
        ]
        rows.append((f"{label}, mean ± s.d. of one", *cells))
    head = (f"the extra term, M = {found.count}", "by μ", "by σ")
    draw_table(head, rows, title="The extra term, exact and estimated", shows_title=False)
    if not found.has_slope:
        st.markdown("For a step the score function is the only one of them that works at all.")
    st.caption("Course document 000, equation 21.")


def _draw_wrong_std(found: Comparison) -> None:
    std = found.std
    size = "too small" if std < 1 else ("right" if std == 1 else "too large")
    st.markdown(
        f"z then has the standard deviation σ² = **{std**2:.3g}** and not σ = **{std:.3g}**: {size}. "
        "Below σ = 1 it is too small, above too large. It is the right gradient of another function of μ "
        "and σ, so more samples do not remove the bias."
    )
    _draw_both(found)
    if found.sweep is not None:
        _draw_sweep(found, found.sweep)
    elif found.with_mistake:
        st.caption("With J > 2 there is no quadrature to draw it over σ.")
    else:
        st.caption("Add the error above to see it over σ.")
    st.caption("Course document 003.")


def _draw_both(found: Comparison) -> None:
    """The expectation and its gradient, right and with the wrong standard deviation."""
    measured, wrong = found.measured, found.accuracy("squared")
    expected = measured.squared_truth or (wrong[0].mean, wrong[1].mean)
    how = "exact" if measured.squared_truth is not None else "measured"
    rows = []
    if measured.squared_value is not None:
        value, other = signed(measured.value, 4), signed(measured.squared_value, 4)
        rows.append((f"{found.target}{found.unit}", value, f"{other} ({how})"))
    for symbol, right, other in zip(GREEK, measured.truth, expected, strict=True):
        rows.append((f"∂{found.target}/∂{symbol}", signed(right, 4), f"{signed(other, 4)} ({how})"))
    head = ("of", "z = μ + σ ε", "z = μ + σ² ε")
    draw_table(head, rows, title="Right and wrong standard deviation", shows_title=False)


def _draw_sweep(found: Comparison, sweep: Sweep) -> None:
    title = f"{found.target}{found.unit}"
    figure = sweep_figure(
        sweep.stds, sweep.values, sweep.squared_values, found.std, title=title, theme=state.theme_name()
    )
    alt = f"{found.target} over σ, right and with z = μ + σ² ε; they cross at σ = 1."
    draw_chart(figure, key="estimators_sweep", alt=alt)
    if found.target != "ELBO":
        st.caption("The two meet at σ = 1, where σ² = σ; their slopes, the gradients by σ, do not.")
        return
    best, wrong = (float(sweep.stds[line.argmax()]) for line in (sweep.values, sweep.squared_values))
    st.caption(
        f"The ELBO is highest at σ ≈ {best:.2g}. With the error a model would learn σ ≈ {wrong:.2g}: the "
        f"standard deviation of z is then σ² ≈ {wrong**2:.2g}, and the KL and all error bars use {wrong:.2g}."
    )


def long_task_key(subject: Subject, index: int) -> str:
    """Key of the task that measures this held-out example with a million samples."""
    return task_key("estimators", subject.digest, index)


def _draw_long_task(subject: Subject, index: int) -> None:
    """The button, or the progress; nothing once the result is there."""
    key = long_task_key(subject, index)
    if tasks().result(key) is not None:
        return
    task_line(
        key,
        key="estimators_precise",
        label="Measure with a million samples",
        doing="Drawing …",
        help_text=LONG_HELP,
        start=lambda: _start_long_task(key, subject, index),
    )


def _start_long_task(key: str, subject: Subject, index: int) -> None:
    inputs = {"x": cache.encoded(subject).x[index], "sample_counts": np.array(SAMPLE_COUNTS)}
    tasks().start(
        key,
        "gradients",
        subject.source,
        str(subject.config.seed + 2),
        owner=browser.token(),
        inputs=inputs,
    )


def _refined(measured: Measured, subject: Subject, index: int, dim: int) -> Measured:
    """The same with the numbers of the long measurement, where there is one of these weights."""
    result = tasks().result(long_task_key(subject, index))
    if result is None or str(result["digest"]) != subject.run.digest:
        return measured
    if "truth" in result:
        measured = replace(
            measured,
            truth=_pair(result["truth"], dim),
            standard_error=_pair(result["truth_error"], dim),
        )
    return replace(
        measured, accuracy=_accuracy(measured, result, dim), num_samples=int(result["count"][0, 0, 0, 0])
    )


def _pair(values: NDArray[Any], dim: int) -> tuple[float, float]:
    return float(values[0, dim]), float(values[1, dim])


def _accuracy(measured: Measured, result: dict[str, NDArray[Any]], dim: int) -> dict[Any, Any]:
    from vae_core.labs.gradients.accuracy import TOGETHER, Accuracy, accuracy_from_moments
    from vae_core.labs.gradients.estimators import ESTIMATORS

    def one(row: int, column: int, part: int) -> Accuracy:
        return accuracy_from_moments(
            float(result["mean"][row, column, part, dim]),
            float(result["variance"][row, column, part, dim]),
            int(result["count"][row, column, 0, 0]),
            truth=measured.truth[part],
            error=measured.error[part],
            standard_error=measured.standard_error[part],
            among=TOGETHER,
        )

    return {
        (count, name): (one(row, column, 0), one(row, column, 1))
        for row, count in enumerate(SAMPLE_COUNTS)
        for column, name in enumerate(ESTIMATORS)
    }
