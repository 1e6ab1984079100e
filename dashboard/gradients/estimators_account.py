"""Pictures, tables and verdicts of gradient estimators at one place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import streamlit as st

from dashboard.figures.base import CHART_CONFIG
from dashboard.figures.estimators import Row, distributions_figure, variance_figure
from dashboard.formats import rounded, signed, with_error
from dashboard.gradients import estimators_errors
from dashboard.gradients.cached_estimators import Sweep
from dashboard.gradients.estimators_measured import SAMPLE_COUNTS, Cost, Measured
from dashboard.shell import state

if TYPE_CHECKING:
    from vae_core.labs.gradients.estimators import Accuracy, Estimator

NAMES: Final[dict["Estimator", str]] = {
    "reparameterised": "reparameterisation",
    "score": "score function",
    "baseline": "score function − baseline",
    "constant": "samples as constants",
    "squared": "error: z = μ + σ² ε",
}
GREEK: Final = ("μ", "σ")
UNBIASED: Final = ("reparameterised", "score", "baseline")
ROUNDING: Final = 1e-5
"""Relative: float32 leaves no more of a mean of many estimates."""
TABLE_HELP: Final = (
    "Bias: mean of the estimates less the true gradient, ± its 95 % confidence interval, errors of the truth "
    "included. s.d.: standard deviation of one estimate. Variance: in multiples of reparameterisation's with "
    "the same M; so many times the samples are needed for the same precision."
)
COST_HELP: Final = (
    "Of one estimate, measured on this server, 4096 z at a time. A derivative costs a second pass, backwards."
)
VARIANCE_HELP: Final = (
    r"$\mathrm{Var} = \mathrm{Var}_1 / M$: straight lines of slope −1. The leave-one-out baseline gains more "
    "at first: with few samples it is itself a guess."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is drawn.

    Arguments:
        measured: The numbers.
        cost: Seconds for one z.
        sweep: The target over σ, with both spreads; None where they are not known.
        count: M.
        with_error: Whether z = mu + sigma^2 eps has a row of its own.
        std: σ in view.
        target: Name of what the gradient is of.
        dimension: Number of the latent dimension; empty when there is one.
        unit: Of the target with a comma before it; empty when it has none.
        form: How the target falls into f and what needs no samples; empty where it is f alone.
        has_slope: Whether f is the integral of its derivative.
    """

    measured: Measured
    cost: Cost
    sweep: Sweep | None
    count: int
    with_error: bool
    std: float
    target: str
    dimension: str
    unit: str
    form: str
    has_slope: bool

    @property
    def estimators(self) -> "list[Estimator]":
        """Those that are shown."""
        return [name for name in NAMES if name != "squared" or self.with_error]

    def accuracy(self, name: "Estimator") -> "tuple[Accuracy, Accuracy]":
        """Of both derivatives, with M samples."""
        return self.measured.accuracy[self.count, name]

    def derivative(self, part: int) -> str:
        """Its name, for a figure."""
        sub = f"<sub>{self.dimension}</sub>" if self.dimension else ""
        return f"∂{self.target}/∂{GREEK[part]}{sub}"


def draw_scene(scene: Scene, precise: Callable[[], None] | None = None) -> None:
    """Everything below the controls.

    Arguments:
        scene: What.
        precise: Draws the line of a longer measurement, where there is one.
    """
    for part, column in enumerate(st.columns(2, gap="medium")):
        with column:
            _distributions(scene, part)
    for part, column in enumerate(st.columns(2, gap="medium")):
        with column:
            st.markdown(_table(scene, part), help=TABLE_HELP if part == 0 else None)
    st.markdown(_verdicts(scene), help=COST_HELP)
    st.caption(f"{_how(scene.measured)} {scene.form}")
    if precise is not None:
        precise()
    st.subheader("Variance against M", help=VARIANCE_HELP)
    for part, column in enumerate(st.columns(2, gap="medium")):
        with column:
            _variances(scene, part)
    estimators_errors.draw(scene)


def _distributions(scene: Scene, part: int) -> None:
    rows = []
    for name in scene.estimators:
        outline, found = scene.measured.outlines[scene.count, name][part], scene.accuracy(name)[part]
        rows.append(Row(NAMES[name], name, outline.edges, outline.heights, found.mean, found.variance**0.5))
    truth = scene.measured.truth[part]
    title = f"estimate of {scene.derivative(part)}{scene.unit}"
    figure = distributions_figure(rows, truth, title=title, theme=state.theme_name())
    said = ", ".join(f"{row.name} {row.mean:.3g} ± {row.deviation:.2g}" for row in rows)
    alt = f"Distributions of estimates by {GREEK[part]} with M = {scene.count}; true {truth:.4g}; {said}."
    st.plotly_chart(figure, key=f"estimators_{part}", alt=alt, config=CHART_CONFIG)


def _variances(scene: Scene, part: int) -> None:
    accuracy = scene.measured.accuracy
    lines = [
        (NAMES[name], name, [accuracy[count, name][part].variance for count in SAMPLE_COUNTS])
        for name in scene.estimators
    ]
    title = f"variance of {scene.derivative(part)}"
    figure = variance_figure(SAMPLE_COUNTS, lines, scene.count, title=title, theme=state.theme_name())
    alt = f"Variance of the estimates by {GREEK[part]} against M on logarithmic axes: it falls as 1/M."
    st.plotly_chart(figure, key=f"estimators_variance_{part}", alt=alt, config=CHART_CONFIG)


def _table(scene: Scene, part: int) -> str:
    symbol = f"∂/∂{GREEK[part]}"
    lines = [f"| {symbol} | bias | s.d. | variance |", "| --- | ---: | ---: | ---: |"]
    least = scene.accuracy("reparameterised")[part].variance
    for name in scene.estimators:
        found = scene.accuracy(name)[part]
        ratio = f"× {rounded(found.variance / least)}" if min(least, found.variance) > 0 else "–"
        half_width = f"{found.half_width:.2g}" if found.half_width > 1e-4 else "0"
        lines.append(
            f"| {_hyphenated(name)} | {with_error(_number(found.bias), half_width)} "
            f"| {found.variance**0.5:.3g} | {ratio} |"
        )
    return "\n".join(lines)


def _verdicts(scene: Scene) -> str:
    lines = ["| estimator | verdict | cost of one estimate |", "| --- | --- | ---: |"]
    lines += [
        f"| {_hyphenated(name)} | {verdict(scene, name)} | {_cost(scene, name)} |"
        for name in scene.estimators
    ]
    return "\n".join(lines)


def verdict(scene: Scene, name: "Estimator") -> str:
    """What theory says of an estimator, and whether its measured intervals agree."""
    missed = [
        f"{signed(found.bias, 3)} in {symbol}"
        for symbol, found, truth in zip(GREEK, scene.accuracy(name), scene.measured.truth, strict=True)
        if abs(found.bias) > found.half_width + ROUNDING * (1 + abs(truth))
    ]
    if name in UNBIASED and (scene.has_slope or name != "reparameterised"):
        if not missed:
            return "unbiased: both intervals hold 0"
        return f"unbiased; an interval misses 0 by chance, as one in twenty does ({', '.join(missed)})"
    if not missed:
        return "biased in general; not here, both intervals hold 0"
    reason = {
        "reparameterised": "a jump has no slope, so every sample says 0",
        "constant": "the term from q is lost",
        "squared": "the gradient of another function",
    }[name]
    return f"**biased**: {', '.join(missed)}; {reason}"


def _hyphenated(name: "Estimator") -> str:
    """Its name with a place to break the long word: a table must fit on a phone."""
    return NAMES[name].replace("isation", "\u00adisation")


def _cost(scene: Scene, name: "Estimator") -> str:
    if name == "constant":
        return "none"
    if name in ("score", "baseline"):
        number = max(scene.count, 2 if name == "baseline" else 1)
        return f"{number} f, {_span(number * scene.cost.value)}"
    return f"{scene.count} f and f′, {_span(scene.count * scene.cost.slope)}"


def _span(seconds: float) -> str:
    return f"{seconds * 1e3:.2g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.2g} µs"


def _number(value: float) -> str:
    return signed(value, 3) if abs(value) < 1000 else ("−" if value < 0 else "") + rounded(abs(value))


def _how(measured: Measured) -> str:
    samples = f"{measured.num_samples:,} samples of z for each row, the same noise for all. "
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
