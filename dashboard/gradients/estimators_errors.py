"""Spot the error: what documents 000 and 003 say about gradients, in numbers."""

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.figures.base import CHART_CONFIG
from dashboard.figures.estimators import sweep_figure
from dashboard.formats import signed
from dashboard.shell import state

if TYPE_CHECKING:
    from dashboard.gradients.cached_estimators import Sweep
    from dashboard.gradients.estimators_account import Scene


def draw(scene: "Scene") -> None:
    """Both, folded; the second is open where its row is shown."""
    with st.expander("Spot the error: the extra term is “generally hard to compute” (document 000)"):
        st.markdown(_lost_term(scene))
    label = "Spot the error: z = μ + σ² ε (document 003)"
    with st.expander(label, expanded=scene.with_error):
        _wrong_spread(scene)


def _lost_term(scene: "Scene") -> str:
    measured = scene.measured
    lost = [truth - left for truth, left in zip(measured.truth, measured.explicit, strict=True)]
    score, baseline, usual = (scene.accuracy(name) for name in ("score", "baseline", "reparameterised"))
    lines = [
        r"Equation 21 has $\nabla\,\mathbb{E}_q[f] = \mathbb{E}_q[\nabla f] + \int (\nabla q)\, f\, dz$, and "
        "calls the second term “generally hard to compute”. But it is "
        r"$\mathbb{E}_q[f\,\nabla\log q]$, a mean over samples: the score function. Its price is variance.",
        "",
        f"| the extra term, M = {scene.count} | by μ | by σ |",
        "| --- | ---: | ---: |",
        f"| exact | {signed(lost[0], 3)} | {signed(lost[1], 3)} |",
    ]
    for label, found in (
        ("score function", score),
        ("with baseline", baseline),
        ("reparameterisation", usual),
    ):
        cells = [
            f"{signed(part.mean - left, 3)} ± {part.variance**0.5:.3g}"
            for part, left in zip(found, measured.explicit, strict=True)
        ]
        lines.append(f"| {label}, mean ± s.d. of one | {cells[0]} | {cells[1]} |")
    if not scene.has_slope:
        lines += ["", "For a step the score function is the only one of them that works at all."]
    return "\n".join(lines)


def _wrong_spread(scene: "Scene") -> None:
    std = scene.std
    way = "too little" if std < 1 else ("as it should" if std == 1 else "too much")
    st.markdown(
        f"z then has the deviation σ² = **{std**2:.3g}** and not σ = **{std:.3g}**: it spreads {way}. "
        "Below σ = 1 it is too little, above too much. It is the right gradient of another function of μ "
        "and σ, so no number of samples mends it."
    )
    st.markdown(_both(scene))
    if scene.sweep is not None:
        _sweep(scene, scene.sweep)
    elif scene.with_error:
        st.caption("With J > 2 there is no quadrature to draw it over σ.")
    else:
        st.caption("Add the error above to see it over σ.")


def _both(scene: "Scene") -> str:
    """Table of what is right and what the error makes of it."""
    measured, found = scene.measured, scene.accuracy("squared")
    expected = measured.squared_truth or (found[0].mean, found[1].mean)
    how = "exact" if measured.squared_truth is not None else "measured"
    rows = ["| | z = μ + σ ε | z = μ + σ² ε |", "| --- | ---: | ---: |"]
    if measured.squared_value is not None:
        value, other = signed(measured.value, 4), signed(measured.squared_value, 4)
        rows.append(f"| {scene.target}{scene.unit} | {value} | {other} ({how}) |")
    for symbol, right, wrong in zip("μσ", measured.truth, expected, strict=True):
        rows.append(f"| ∂{scene.target}/∂{symbol} | {signed(right, 4)} | {signed(wrong, 4)} ({how}) |")
    return "\n".join(rows)


def _sweep(scene: "Scene", sweep: "Sweep") -> None:
    figure = sweep_figure(
        sweep.stds,
        sweep.values,
        sweep.squared_values,
        scene.std,
        title=f"{scene.target}{scene.unit}",
        theme=state.theme_name(),
    )
    alt = f"{scene.target} over σ, right and with z = μ + σ² ε; they cross at σ = 1."
    st.plotly_chart(figure, key="estimators_sweep", alt=alt, config=CHART_CONFIG)
    if scene.target != "ELBO":
        st.caption("The two meet at σ = 1, where σ² = σ; their slopes, the gradients by σ, do not.")
        return
    best, wrong = (float(sweep.stds[line.argmax()]) for line in (sweep.values, sweep.squared_values))
    st.caption(
        f"The ELBO is highest at σ ≈ {best:.2g}. With the error a model would learn σ ≈ {wrong:.2g}: z then "
        f"spreads by σ² ≈ {wrong**2:.2g}, and the KL and every error bar believe {wrong:.2g}."
    )
