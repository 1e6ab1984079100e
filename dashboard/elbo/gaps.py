"""The gaps of the bound for all examples: a task in the background, then a table and a histogram."""

from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.components.chart.element import draw_chart
from dashboard.figures.evidence import gap_figure
from dashboard.formats import rounded, shown_difference, signed
from dashboard.runs.tasks import task_key, tasks
from dashboard.shell import browser, state
from dashboard.shell.task_line import task_line
from dashboard.subject import Split, Subject
from dashboard.tables import draw_table

Array = NDArray[np.float64]
DIGITS: Final = 3
HELP: Final = (
    r"$\log p(x) - \mathrm{ELBO}(x) = \mathrm{KL}(q(z|x)\,\|\,p(z|x)) \ge 0$ = **amortisation gap** (the "
    "best q for this example beats the encoder's) + **approximation gap** (no q of this family is the true "
    "posterior). The family is the encoder's: diagonal, with a full covariance matrix, a planar flow, "
    "or a mixture. Cremer, Li and Duvenaud 2018."
)
MEASURE_HELP: Final = (
    "log p(x) of each example by quadrature (J ≤ 2) or by annealed importance sampling, and the best "
    "q of the encoder's family for each by gradient ascent. It takes seconds to minutes, in the "
    "background."
)


def result_of(shown: Subject, split: Split) -> dict[str, NDArray[Any]] | None:
    """What was measured for these examples with these very weights; None where nothing was."""
    result = tasks().result(_name(shown, split))
    return result if result is not None and str(result["digest"]) == shown.run.digest else None


def _name(shown: Subject, split: Split) -> str:
    # Not of the weights: the newest result stays on the page while the run goes on.
    return task_key("gaps", shown.source, split, shown.data.digest)


def draw(shown: Subject, split: Split) -> None:
    """The measured gaps; where there are none, the button that measures them."""
    name = _name(shown, split)
    result = tasks().result(name)
    if result is None:
        st.markdown(
            shown.written(
                "The ELBO is a bound: how far below log p(x) is it, and why? This needs log p(x) itself."
            )
        )
    is_old = result is not None and str(result["digest"]) != shown.run.digest
    if result is None or is_old:
        _task(shown, split, name, "Measure again" if is_old else "Measure the gaps")
    if result is None:
        return
    if is_old:
        st.caption(f"Measured at step {int(result['step']):,}; the weights have changed since.")
    left, right = st.columns(2, gap="medium")
    with left:
        _table(shown, result)
    with right:
        gaps = result["log_evidence"] - result["elbo"]
        figure = gap_figure(gaps, "KL(q ‖ true posterior)", theme=state.theme_name())
        alt = f"Histogram of the gaps of {len(gaps)} examples, {gaps.min():.3f} to {gaps.max():.3f} nats."
        draw_chart(figure, key="gaps", alt=alt, words=shown.written)


def _task(shown: Subject, split: Split, name: str, label: str) -> None:
    task_line(
        name,
        key="gaps",
        label=label,
        doing="Measuring …",
        help_text=shown.written(MEASURE_HELP),
        start=lambda: _start(shown, split, name),
    )


def _start(shown: Subject, split: Split, name: str) -> None:
    from vae_core.evidence.gaps import MAX_EXACT_EXAMPLES

    x = shown.examples(split)[0][:MAX_EXACT_EXAMPLES].numpy()
    tasks().start(name, "gaps", shown.source, str(shown.config.seed), owner=browser.token(), inputs={"x": x})


def _table(shown: Subject, result: dict[str, NDArray[Any]]) -> None:
    log_evidence, elbo, best = (result[name] for name in ("log_evidence", "elbo", "best_elbo"))

    def less(first: Array, second: Array) -> tuple[float, Array]:
        """The difference of two means as they are shown, and that of each example."""
        return shown_difference(_mean(first), _mean(second), DIGITS), first - second

    rows = [
        (f"**{shown.written('log p(x)')}**", _mean(log_evidence), log_evidence),
        ("ELBO of the encoder", _mean(elbo), elbo),
        ("**gap** = KL(q ‖ true posterior)", *less(log_evidence, elbo)),
        ("· amortisation gap", *less(best, elbo)),
        ("· approximation gap", *less(log_evidence, best)),
        ("importance-weighted bound, K = 1000", _mean(result["iw_bound"]), result["iw_bound"]),
    ]
    cells = ((label, signed(mean, DIGITS), f"{_error(values):.3f}") for label, mean, values in rows)
    head = ("nats per example", "mean", "± s.e.")
    draw_table(
        head, cells, title=shown.written("log p(x), the ELBO and the gap between them"), shows_title=False
    )
    st.caption(shown.written(_how(shown, result)))


def _how(shown: Subject, result: dict[str, NDArray[Any]]) -> str:
    count = len(result["log_evidence"])
    about = f"The first {count:,} examples; ± is the standard error of the mean over them. "
    if len(result["kl_to_posterior"]):
        residual = result["log_evidence"] - result["elbo"] - result["kl_to_posterior"]
        return about + (
            f"log p(x) by quadrature, estimated errors up to {rounded(result['error'].max(), 2)} nats. KL("
            "q ‖ true posterior) has a quadrature of its own: log p(x) = ELBO + KL holds to within "
            f"{rounded(np.abs(residual).max(), 2)} nats."
        )
    is_gaussian = not shown.config.model.not_gaussian
    start = "Gaussian" if is_gaussian else "q’s Gaussian of equal mean and covariance"
    return about + (
        f"With J = {shown.config.model.latent_dim} no grid is fine enough for the exact log p(x) (J ≤ 2): "
        "annealed importance sampling stands in for it, a lower bound in expectation, with "
        f"± {_mean(result['error']):.3f} nats for each example. Half of its chains start from the best "
        f"{start}, half from the prior, none from the encoder, whose gap this measures."
    )


def _mean(values: Array) -> float:
    return float(values.mean())


def _error(values: Array) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
