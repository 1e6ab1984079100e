"""A posterior over the weights: in closed form for a line, then in a VAE on few and on many digits."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.components.chart.element import draw_chart
from dashboard.figures.evidence import bound_figure
from dashboard.figures.latent import grid_figure
from dashboard.figures.weights import density_figure, line_figure, noise_figure, spread_figure
from dashboard.formats import margin, rounded, shown_difference, shown_sum, signed, with_error
from dashboard.priors import cached
from dashboard.runs.tasks import task_key, tasks
from dashboard.shell import browser, state
from dashboard.shell.choice import number_between, one_of
from dashboard.shell.task_line import seeds_line
from dashboard.tables import draw_table
from vae_core.labs.scores import MIN_SEEDS, Pooled, difference, mean_score, pooled

if TYPE_CHECKING:
    from dashboard.figures.weights import LineView
    from vae_core.labs.weights.bayesian_regression import WeightFit

Result = dict[str, NDArray[Any]]
NUM_STEPS: Final = 5000
SPLIT: Final = 0
"""The seed of the split."""
SEEDS: Final = tuple(range(MIN_SEEDS))
"""Of the trainings."""
IMAGE: Final = (8, 8)
PLANE_REACH: Final = 3.0
OFF: Final = 0.1
"""Means that vary less than this under a q of width 1 carry less than ½ log(1 + 0.1²) = 0.005 nats of x."""
SIZES: Final = ("small", "large")
FORMS: Final = {"plain": "plain VAE", "full": "full Bayes", "wrong": "KL once per example"}
LINE_COUNTS: Final = {"once": "once for all data", "repeated": "once per example (wrong)"}
OVERS: Final = {"decoder": "decoder", "decoder and encoder": "decoder and encoder"}
PRIOR_STDS: Final = {"0.3": "0.3", "1": "1", "3": "3"}
DIGIT_COUNTS: Final = {"divided": "divided by N", "repeated": "once per example (wrong)"}

LINE_HELP: Final = (
    r"$x = \sum_h w_h \tanh(a_h z + c_h) + w_0 + s\,\varepsilon$ with $w \sim \mathcal{N}(0, \sigma_w^2 "
    r"I)$: a decoder with a random, fixed hidden layer and a posterior over its last layer. z is known here "
    "(petal length of an iris, x its petal width), so the exact posterior of w is known too."
)
LINE_DATA_HELP: Final = "N: how many of the 150 flowers are seen."
LINE_PRIOR_HELP: Final = r"$\sigma_w$ of the prior $p(w) = \mathcal{N}(0, \sigma_w^2 I)$ over each weight."
COUNT_HELP: Final = (
    r"The weights are shared by all data: $\sum_i \mathbb{E}_q[\log p(x_i|w)] - "
    r"\mathrm{KL}(q(w)\,\|\,p(w))$, "
    "so per example the KL is **divided by N**. Forgetting that counts it N times. Spot the error."
)
Q_HELP: Final = (
    r"Best $q(w) = \prod_i \mathcal{N}(w_i; m_i, s_i^2)$: m is the ridge solution, and "
    r"$s_i^2 = 1/\Lambda_{ii}$ with the precision $\Lambda = \Phi^\top\Phi / s^2 + I / \sigma_w^2$ of "
    r"the exact posterior (Bishop 2006, sections 3.3 and 10.1)."
)
VAE_HELP: Final = (
    r"$\log p(x_{1..N}) \ge \sum_i \{\mathbb{E}_{q(\theta)}\mathbb{E}_{q(z|x_i)}[\log p(x_i|z,\theta)] - "
    r"\mathrm{KL}(q(z|x_i)\,\|\,p(z))\} - \mathrm{KL}(q(\theta)\,\|\,p(\theta))$ with $q(\theta) = \prod "
    r"\mathcal{N}(w; m, s^2)$ (Kingma and Welling 2014, appendix F; course document 003)."
)
DATA_HELP: Final = "The small data set: the first N training digits. The large one is all of them."
OVER_HELP: Final = (
    "θ, the decoder's weights, belong to the model p(x, z, θ): full Bayes gives them a posterior. The "
    "encoder's weights φ are variational parameters already. Course document 003 gives them a q(φ) as well: "
    "the bound holds, but its extra KL only loosens it."
)
PRIOR_HELP: Final = r"$\sigma_w$ of $p(\theta) = \mathcal{N}(0, \sigma_w^2 I)$."
START_HELP: Final = (
    f"Six trainings of {NUM_STEPS:,} updates each, in the background: plain VAE, full Bayes, and full Bayes "
    f"with its KL counted once per example; each on few and on all digits. With {MIN_SEEDS} seeds, as a "
    "verdict takes: about a minute a seed on a free core, as many at a time as this server has cores for. "
    "Pictures come with the first."
)
FORM_HELP: Final = (
    r"$\mathrm{KL}(q(\theta)\,\|\,p(\theta))$ belongs to the whole data set: per example $\mathrm{KL}/N$. "
    "Counting it once per example makes it N times too strong. Spot the error in the pictures."
)
SPREAD_HELP: Final = (
    r"$\sqrt{\mathrm{Var}_{q(\theta)}\,\mathbb{E}[x|z,\theta]}$, mean over the pixels; dots: posterior "
    "means of the training examples. Both pictures have the same colour scale."
)
TABLE_HELP: Final = (
    r"Held-out ELBO: $\mathbb{E}_{q(\theta)}[\mathrm{ELBO}(x;\theta)]$, which bounds the predictive $\log "
    r"\mathbb{E}_{q(\theta)}\,p(x|\theta)$ from below; KL(q(θ) ‖ p(θ)) is part of training and is "
    r"not subtracted. IW: $\log\frac1S\sum_s p(x,z_s|\theta_s)/q(z_s|x)$, a closer bound to the same."
)
VARIANCE_HELP: Final = (
    r"$\mathrm{Var}(x|z) = \mathbb{E}_{q(\theta)}\mathrm{Var}(x|z,\theta) + \mathrm{Var}_{q(\theta)}"
    r"\mathbb{E}[x|z,\theta]$: the likelihood's own part stays (aleatoric), that of the weights falls "
    "with more examples (epistemic)."
)
LOCAL_HELP: Final = (
    r"Weight draws: one $\theta \sim q(\theta)$ for the batch. Local: $u \sim \mathcal{N}(h m^\top, "
    r"h^2 (s^2)^\top)$ for each example anew, the same distribution for each, so that its noise averages out "
    "(Kingma, Salimans and Welling 2015)."
)


@st.fragment
def draw_line() -> None:
    """Bayesian regression of one flower measure on another: bound, predictions and their uncertainty."""
    controls, picture = st.columns([2, 3], gap="medium")
    with controls:
        num_data, prior_std, is_wrong = _line_settings()
        found, view = cached.line(num_data, prior_std, wrong=is_wrong)
        _draw_line_bound(found, num_data, is_wrong=is_wrong)
    with picture:
        titles = ("z: petal length, standard deviations", "x: petal width, standard deviations")
        alt = f"Predicted line after {num_data} flowers with the uncertainty of its weights."
        figure = line_figure(view, titles=titles, theme=state.theme_name())
        draw_chart(figure, key="w_line", alt=alt)
        _draw_line_stds(view)


def _line_settings() -> tuple[int, float, bool]:
    num_data = number_between("Flowers N", 2, cached.NUM_FLOWERS, key="w_line_data", help_text=LINE_DATA_HELP)
    prior_std = number_between("Prior σ of w", 0.1, 3.0, 0.1, key="w_line_prior", help_text=LINE_PRIOR_HELP)
    count = one_of("KL(q(w) ‖ p(w)) counts", LINE_COUNTS, key="w_line_count", help_text=COUNT_HELP)
    state.draw_address("line")
    return num_data, prior_std, count == "repeated"


def _draw_line_bound(found: "WeightFit", num_data: int, *, is_wrong: bool) -> None:
    # In digits that add up, as One example has them.
    bound = shown_difference(found.log_likelihood, found.weight_kl, 3)
    evidence = shown_sum(found.log_evidence, bound, found.kl_to_posterior, digits=3)
    figure = bound_figure(bound, None, evidence, theme=state.theme_name())
    alt = f"F {signed(bound, 3)}, log p(data) {signed(evidence, 3)}, gap {found.kl_to_posterior:.3f} nats."
    draw_chart(figure, key="w_line_bound", alt=alt)
    st.markdown(
        rf"ELBO of {num_data} flowers: $\mathbb{{E}}_q$[log p(x|w)] **{signed(found.log_likelihood, 3)}** "
        f"− KL(q ‖ p(w)) **{found.weight_kl:.3f}** = **{signed(bound, 3)}** nats. The weights cost "
        f"**{found.weight_kl / num_data:.3f}** nats per example.",
        help=Q_HELP,
    )
    if is_wrong:
        st.warning(
            rf"This q maximised $\mathbb{{E}}_q$[log p(x|w)] − {num_data} · KL: its true bound is the ELBO "
            "above. Its weights stay near the prior for any number of examples."
        )
    residual = abs(found.log_evidence - found.bound - found.kl_to_posterior)
    st.caption(
        f"x: all flowers seen; log p(x) = ELBO + KL(q ‖ true posterior) holds to within "
        f"{rounded(residual, 1)} nats."
    )


def _draw_line_stds(view: "LineView") -> None:
    rows = [
        (name, f"{view.spread[place]:.3f}", f"{view.exact_spread[place]:.3f}")
        for name, place in cached.places(view.z)
    ]
    head = ("standard deviation of f(z)", "under q", "exact posterior")
    draw_table(head, rows, title="Uncertainty from the weights", shows_title=False)
    st.caption(
        f"The likelihood's own σ is {view.noise:g} everywhere, for any N; that of "
        "the weights goes to 0 as N grows. The exact posterior is less certain in the gap, where there is no "
        "flower. A q that factorises over the weights cannot represent this: there only combinations of "
        "weights are uncertain."
    )


def draw_digits() -> None:
    """Full variational Bayes on digits: the settings, the task, and its result."""
    num_data, over, prior_std = _digit_settings()
    keys = {task_key("weights", num_data, over, prior_std, NUM_STEPS, SPLIT, seed): seed for seed in SEEDS}
    results = [result for key in keys if (result := tasks().result(key)) is not None]
    if len(results) < len(keys):

        def start(key: str) -> None:
            arguments = (over, prior_std, str(NUM_STEPS), str(SPLIT), str(keys[key]))
            inputs = {"num_data": np.array(num_data)}
            tasks().start(key, "weights", *arguments, owner=browser.token(), inputs=inputs)

        seeds_line(
            tuple(keys),
            key="weights",
            label="Train and compare",
            doing="Training …",
            help_text=START_HELP,
            start=start,
        )
    if results:
        _draw_digit_results(results)


def _digit_settings() -> tuple[int, str, str]:
    first, second, third = st.columns([2, 2, 1], gap="medium")
    with first:
        num_data = number_between("Small training set N", 20, 200, 10, key="w_data", help_text=DATA_HELP)
    with second:
        over = one_of("Posterior over weights of", OVERS, key="w_over", help_text=OVER_HELP)
    with third:
        prior_std = one_of("Prior σ of θ", PRIOR_STDS, key="w_prior", help_text=PRIOR_HELP)
    state.draw_address("digit_settings")
    return num_data, over, prior_std


@st.fragment
def _draw_digit_results(results: Sequence[Result]) -> None:
    """Bounds of all seeds, pictures of the first."""
    result = results[0]
    names: dict[str, str] = dict(zip(SIZES, (f"N = {count:,}" for count in result["num_data"]), strict=True))
    _draw_bounds(results, names)
    is_wrong = one_of("KL(q(θ) ‖ p(θ))", DIGIT_COUNTS, key="w_form", help_text=FORM_HELP) == "repeated"
    state.draw_address("digit_results")
    parts = {size: _part(result, size, "wrong" if is_wrong else "full") for size in SIZES}
    if is_wrong:
        st.warning(_said_of_the_error(results, names))
    _draw_planes(parts, names)
    _draw_grids(parts, names)
    left, right = st.columns(2, gap="medium")
    with left:
        _draw_density(parts, names)
    with right:
        _draw_weights(parts, names)


def _said_of_the_error(results: Sequence[Result], names: dict[str, str]) -> str:
    parts = []
    for size, name in names.items():
        wrong, right = (
            signed(_score([_part(result, size, form) for result in results], 0).value)
            for form in ("wrong", "full")
        )
        parts.append(f"{wrong} instead of {right} nats ({name})")
    return (
        "The prior acts N times too strongly on each weight, so more examples do not help. Averaged over "
        "q(θ) every z decodes to nearly the same grey, and each draw of θ decodes to another image. "
        f"Held-out ELBO {' and '.join(parts)}."
    )


def _part(result: Result, size: str, form: str) -> Result:
    """The arrays of one training."""
    prefix = f"{size}_{form}_"
    return {key.removeprefix(prefix): value for key, value in result.items() if key.startswith(prefix)}


def _draw_bounds(results: Sequence[Result], names: dict[str, str]) -> None:
    """The bounds of the six trainings, over all seeds, and which is best."""
    for number, (size, column) in enumerate(zip(SIZES, st.columns(2, gap="medium"), strict=True)):
        forms = {title: [_part(result, size, form) for result in results] for form, title in FORMS.items()}
        with column:
            rows = _bounds(forms, int(results[0]["num_data"][number]))
            draw_table(("nats per example", *forms), rows, title=names[size], help_text=TABLE_HELP)
            st.markdown(_verdict(forms["plain VAE"], forms["full Bayes"]))
    seeds = "one seed" if len(results) == 1 else f"means over {len(results)} seeds"
    between = "" if len(results) == 1 else " the seeds and"
    st.caption(
        f"{NUM_STEPS:,} updates each, {seeds}; 360 held-out digits, S = 64 draws of (θ, z), ± standard error "
        f"over{between} the digits. A plain VAE that stopped early would overfit less. Pictures are of the "
        "first seed."
    )


def _score(parts: Sequence[Result], row: int) -> Pooled:
    """Held-out ELBO (row 0), or the importance-weighted bound (1), of a form over all seeds."""
    scores = [mean_score(part["test_data"][row].astype(np.float64)) for part in parts]
    return pooled([score for score in scores if score is not None])


def _bounds(forms: Mapping[str, Sequence[Result]], num_data: int) -> list[list[str]]:
    """A row for each number, its cells by form."""
    rows: dict[str, list[str]] = {}
    for parts in forms.values():
        train = float(np.mean([part["train"][0] for part in parts]))
        test, weighted = (_score(parts, row) for row in (0, 1))
        has_kl = "weight_kl" in parts[0]
        cost = f"{np.mean([part['weight_kl'] for part in parts]) / num_data:.2f}" if has_kl else "none"
        for name, text in (
            ("training ELBO", signed(train)),
            ("**held-out ELBO**", with_error(signed(test.value), margin(test.standard_error))),
            ("training − held-out", signed(shown_difference(train, test.value))),
            ("held-out, IW", signed(weighted.value)),
            ("KL(q(θ)‖p(θ))/N", cost),
        ):
            rows.setdefault(name, []).append(text)
    return [[name, *cells] for name, cells in rows.items()]


def _verdict(plain: Sequence[Result], full: Sequence[Result]) -> str:
    """What full Bayes changes, by both bounds, digit by digit and seed by seed."""
    elbo, weighted = (_change(_score(full, row), _score(plain, row)) for row in (0, 1))
    said = (
        f"Full Bayes less plain VAE, digit by digit: held-out ELBO {elbo}; by the closer bound (IW) "
        f"{weighted}."
    )
    if len(plain) >= MIN_SEEDS:
        return said
    return f"{said} To tell which is better takes {MIN_SEEDS} seeds: another one may differ by more."


def _change(score: Pooled, other: Pooled) -> str:
    """The gain with its standard error, and whether it is clear; with too few seeds the gain alone."""
    gap = difference(score, other)
    text = with_error(signed(shown_difference(score.value, other.value)), margin(gap.standard_error))
    if not gap.has_verdict:
        return f"**{text}** nats"
    said = "better" if gap.value > 0 else "worse"
    return f"**{text}** nats, {said if gap.is_clear(among=2) else 'no clear difference'}"


def _draw_planes(parts: dict[str, Result], names: dict[str, str]) -> None:
    """The uncertainty of the decoded mean over the plane, few digits beside all."""
    largest = max(float(part["spread"].mean(-1).max()) for part in parts.values())
    for (size, part), column in zip(parts.items(), st.columns(2, gap="medium"), strict=True):
        spread = part["spread"].mean(-1)
        figure = spread_figure(spread, _axis(part), part["codes"], largest=largest, theme=state.theme_name())
        alt = f"Uncertainty of the decoded mean over the plane, {spread.min():.3f} to {spread.max():.3f}."
        with column:
            st.markdown(f"**Uncertainty from the weights, {names[size]}**", help=SPREAD_HELP)
            draw_chart(figure, key=f"w_plane_{size}", alt=alt)
            st.caption(_said_of_codes(part["codes"].std(0)))


def _said_of_codes(deviations: NDArray[np.float32]) -> str:
    widths = " and ".join(f"{std:.2f}" for std in deviations)
    said = f"Standard deviation of the means along z₁ and z₂: {widths} (0: the dimension is off)."
    if deviations.max() >= OFF:
        return said
    return f"{said} Both are off: q(z|x) is about the same for all x, and z tells the decoder nothing."


def _draw_grids(parts: dict[str, Result], names: dict[str, str]) -> None:
    """Decoded means and their standard deviation, few digits beside all."""
    largest = max(float(part["spread"].max()) for part in parts.values())
    for name, title, scale in (
        ("mean", "Decoded mean", 1.0),
        ("spread", f"Its standard deviation by pixel (white: {largest:.2f})", largest),
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
                draw_chart(figure, key=f"w_{name}_{size}", alt=alt)


def _axis(part: Result) -> NDArray[np.float32]:
    return np.linspace(-PLANE_REACH, PLANE_REACH, part["mean"].shape[1], dtype=np.float32)


def _draw_density(parts: dict[str, Result], names: dict[str, str]) -> None:
    """Uncertainty against density of the codes, and the two parts of the variance."""
    from vae_core.latent.metrics import rank_correlation

    places = {
        names[size]: (part["log_density"], part["spread"].mean(-1).ravel()) for size, part in parts.items()
    }
    st.markdown("**Is the uncertainty large where there are few examples?**", help=SPREAD_HELP)
    figure = density_figure(places, theme=state.theme_name())
    orders = [f"{signed(rank_correlation(*pair))} ({name})" for name, pair in places.items()]
    alt = f"Uncertainty against density; rank correlation {', '.join(orders)}."
    draw_chart(figure, key="w_density", alt=alt)
    st.caption(
        f"Rank correlation of density and uncertainty over the grid: {', '.join(orders)}; −1: always larger "
        "where there are fewer examples. Below, means over the grid."
    )
    rows = []
    for size, part in parts.items():
        weight, own = float((part["spread"] ** 2).mean()), float(part["own"].mean())
        share = weight / (weight + own)
        rows.append((names[size], f"{weight:.4f}", f"{own:.4f}", f"{share:.1%}"))
    head = ("training set", "weights", "likelihood", "share of weights")
    draw_table(head, rows, title="Pixel variance", help_text=VARIANCE_HELP)


def _draw_weights(parts: dict[str, Result], names: dict[str, str]) -> None:
    """Signal to noise, and the variance of the gradient with local draws and with weight draws."""
    st.markdown("**Signal to noise of the weights**")
    ratios = {names[size]: part["signal_to_noise"] for size, part in parts.items()}
    figure = noise_figure(ratios, theme=state.theme_name())
    draw_chart(figure, key="w_noise", alt="Histograms of |m| / s.")
    shares = ", ".join(f"{float(part['unmoved']):.0%} ({names[size]})" for size, part in parts.items())
    st.caption(f"Weights that stayed at their prior (KL below 0.01 nats): {shares}.")
    rows = []
    for size, part in parts.items():
        local, weights = part["gradients"]
        rows.append((names[size], f"{local:.3g}", f"{weights:.3g}", f"{weights / local:.2f}"))
    head = ("training set", "local draws", "weight draws", "ratio")
    draw_table(head, rows, title="Variance of the gradient", help_text=LOCAL_HELP)
    st.caption("200 gradients each of one batch's ELBO, variances summed over all m and log s.")
