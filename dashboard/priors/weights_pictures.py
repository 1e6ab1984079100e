"""What full variational Bayes found on digits: bounds, spread over the plane, and the weights themselves."""

from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.figures.base import CHART_CONFIG
from dashboard.figures.latent import grid_figure
from dashboard.figures.weights import density_figure, noise_figure, spread_figure
from dashboard.formats import signed, with_error
from dashboard.shell import state

Result = dict[str, NDArray[Any]]
IMAGE: Final = (8, 8)
REACH: Final = 3.0
OFF: Final = 0.1
"""Means that vary less than this beside a q of width 1 hold less than ½ log(1 + 0.1²) = 0.005 nats of x."""
SIZES: Final[tuple[str, ...]] = ("small", "large")
FORM_NAMES: Final = {"plain": "plain VAE", "full": "full Bayes", "wrong": "KL once per datum"}
SPREAD_HELP: Final = (
    r"$\sqrt{\mathrm{Var}_{q(\theta)}\,\mathbb{E}[x|z,\theta]}$, mean over the pixels; dots: posterior "
    r"means of "
    "the training data. Both pictures have the same colours."
)
TABLE_HELP: Final = (
    r"Held-out ELBO: $\mathbb{E}_{q(\theta)}[\mathrm{ELBO}(x;\theta)]$, which bounds the predictive $\log "
    r"\mathbb{E}_{q(\theta)}\,p(x|\theta)$ from below; KL(q(θ) ‖ p(θ)) was paid for in training and is "
    r"not taken "
    r"off. IW: $\log\frac1S\sum_s p(x,z_s|\theta_s)/q(z_s|x)$, a closer bound to the same."
)
VARIANCE_HELP: Final = (
    r"$\mathrm{Var}(x|z) = \mathbb{E}_{q(\theta)}\mathrm{Var}(x|z,\theta) + \mathrm{Var}_{q(\theta)}"
    r"\mathbb{E}[x|z,\theta]$: the likelihood's own part stays (aleatoric), that of the weights falls "
    r"with data "
    "(epistemic)."
)
LOCAL_HELP: Final = (
    r"Weight draws: one $\theta \sim q(\theta)$ for the batch. Local: $u \sim \mathcal{N}(h m^\top, "
    r"h^2 (s^2)^\top)$ anew for each datum, the same distribution for each, so that its noise averages out "
    "(Kingma, Salimans and Welling 2015)."
)


def of(result: Result, size: str, form: str) -> Result:
    """What is known of one training."""
    prefix = f"{size}_{form}_"
    return {key.removeprefix(prefix): value for key, value in result.items() if key.startswith(prefix)}


def table(result: Result, names: dict[str, str], num_steps: int) -> None:
    """The bounds of the six trainings, and who won."""
    for number, (size, column) in enumerate(zip(SIZES, st.columns(2, gap="medium"), strict=True)):
        forms = {title: of(result, size, form) for form, title in FORM_NAMES.items()}
        with column:
            st.markdown(f"**{names[size]}**, nats per datum", help=TABLE_HELP)
            st.markdown(_bounds(forms, int(result["num_data"][number])))
            st.markdown(_verdict(forms["plain VAE"], forms["full Bayes"]))
    st.caption(
        f"{num_steps:,} updates each; 360 held-out digits, S = 64 draws of (θ, z), ± standard error over the "
        "digits. A plain VAE that stopped early would overfit less."
    )


def _bounds(forms: dict[str, Result], num_data: int) -> str:
    """Forms side by side, a row for each number."""
    rows: dict[str, list[str]] = {}
    for part in forms.values():
        (train, _, _), (test, error, weighted) = part["train"], part["test"]
        cost = f"{float(part['weight_kl']) / num_data:.2f}" if "weight_kl" in part else "none"
        for name, text in (
            ("training ELBO", signed(train)),
            ("**held-out ELBO**", with_error(signed(test), f"{error:.2f}")),
            ("training − held-out", signed(train - test)),
            ("held-out, IW", signed(weighted)),
            ("KL(q(θ)‖p(θ))/N", cost),
        ):
            rows.setdefault(name, []).append(text)
    lines = [f"| | {' | '.join(forms)} |", "| --- |" + " ---: |" * len(forms)]
    return "\n".join([*lines, *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items())])


def _verdict(plain: Result, full: Result) -> str:
    """What full Bayes changes, by both bounds, digit by digit; whatever the numbers say."""
    elbo, weighted = map(_change, full["test_data"] - plain["test_data"])
    return (
        f"Full Bayes less plain VAE, digit by digit: held-out ELBO {elbo}; by the closer bound (IW) "
        f"{weighted}."
    )


def _change(gains: NDArray[np.float64]) -> str:
    """Mean gain with its standard error; within two of them there is no difference that could be told."""
    mean, error = float(gains.mean()), float(gains.std(ddof=1) / np.sqrt(len(gains)))
    said = "no clear difference" if abs(mean) < 2 * error else "better" if mean > 0 else "worse"
    return f"**{with_error(signed(mean), f'{error:.2f}')}** nats, {said}"


def planes(parts: dict[str, Result], names: dict[str, str]) -> None:
    """The spread over the plane, few data beside all."""
    largest = max(float(part["spread"].mean(-1).max()) for part in parts.values())
    for (size, part), column in zip(parts.items(), st.columns(2, gap="medium"), strict=True):
        spread = part["spread"].mean(-1)
        figure = spread_figure(spread, _axis(part), part["codes"], largest=largest, theme=state.theme_name())
        alt = f"Spread of the decoded mean over the plane, {spread.min():.3f} to {spread.max():.3f}."
        with column:
            st.markdown(f"**Spread from the weights, {names[size]}**", help=SPREAD_HELP)
            st.plotly_chart(figure, key=f"w_plane_{size}", alt=alt, config=CHART_CONFIG)
            st.caption(_said_of_codes(part["codes"].std(0)))


def _said_of_codes(deviations: NDArray[np.float32]) -> str:
    widths = " and ".join(f"{std:.2f}" for std in deviations)
    said = f"Standard deviation of the means along z₁ and z₂: {widths} (0: the dimension is off)."
    if deviations.max() >= OFF:
        return said
    return f"{said} Both are off: q(z|x) is about the same for all x, and z tells the decoder nothing."


def grids(parts: dict[str, Result], names: dict[str, str]) -> None:
    """Decoded means and their spread, few data beside all."""
    largest = max(float(part["spread"].max()) for part in parts.values())
    for name, title, scale in (
        ("mean", "Decoded mean", 1.0),
        ("spread", f"Its spread by pixel (white: {largest:.2f})", largest),
    ):
        for (size, part), column in zip(parts.items(), st.columns(2, gap="medium"), strict=True):
            with column:
                st.markdown(f"**{title}, {names[size]}**")
                figure = grid_figure(
                    (part[name] / scale).astype(np.float32),
                    _axis(part),
                    plane=(0, 1),
                    image_shape=IMAGE,
                    theme=state.theme_name(),
                )
                alt = f"{title} over the plane, {names[size]}."
                st.plotly_chart(figure, key=f"w_{name}_{size}", alt=alt, config=CHART_CONFIG)


def _axis(part: Result) -> NDArray[np.float32]:
    return np.linspace(-REACH, REACH, part["mean"].shape[1], dtype=np.float32)


def density(parts: dict[str, Result], names: dict[str, str]) -> None:
    """Spread against density of the data, and the two parts of the variance."""
    from vae_core.latent.metrics import rank_correlation

    places = {
        names[size]: (part["log_density"], part["spread"].mean(-1).ravel()) for size, part in parts.items()
    }
    st.markdown("**Is the spread large where data are few?**", help=SPREAD_HELP)
    figure = density_figure(places, theme=state.theme_name())
    orders = [f"{signed(rank_correlation(*pair))} ({name})" for name, pair in places.items()]
    alt = f"Spread against density; rank correlation {', '.join(orders)}."
    st.plotly_chart(figure, key="w_density", alt=alt, config=CHART_CONFIG)
    st.caption(
        f"Rank correlation of density and spread over the grid: {', '.join(orders)}; −1: always larger where "
        "data are fewer. Below, means over the grid."
    )
    rows = []
    for size, part in parts.items():
        weight, own = float((part["spread"] ** 2).mean()), float(part["own"].mean())
        rows.append(f"| {names[size]} | {weight:.4f} | {own:.4f} | {weight / (weight + own):.1%} |")
    head = "| pixel variance | weights | likelihood | share of weights |\n"
    st.markdown(head + "| --- | ---: | ---: | ---: |\n" + "\n".join(rows), help=VARIANCE_HELP)


def weights(parts: dict[str, Result], names: dict[str, str]) -> None:
    """Signal to noise, and what the two ways to draw do to the gradient."""
    st.markdown("**Signal to noise of the weights**")
    ratios = {names[size]: part["noise_ratio"] for size, part in parts.items()}
    figure = noise_figure(ratios, theme=state.theme_name())
    st.plotly_chart(figure, key="w_noise", alt="Histograms of |m| / s.", config=CHART_CONFIG)
    shares = ", ".join(f"{float(part['unmoved']):.0%} ({names[size]})" for size, part in parts.items())
    st.caption(f"Weights that stayed at their prior (KL below 0.01 nats): {shares}.")
    rows = []
    for size, part in parts.items():
        local, weights = part["gradients"]
        rows.append(f"| {names[size]} | {local:.3g} | {weights:.3g} | {weights / local:.2f} |")
    head = "| variance of the gradient | local draws | weight draws | ratio |\n| --- | ---: | ---: | ---: |\n"
    st.markdown(head + "\n".join(rows), help=LOCAL_HELP)
    st.caption("200 gradients each of one batch's ELBO, variances summed over all m and log s.")
