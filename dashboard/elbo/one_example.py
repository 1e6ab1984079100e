"""What the ELBO page draws for one datum: how far its bound is from log p(x), and why."""

from typing import TYPE_CHECKING, Final

import numpy as np
import streamlit as st

from dashboard import cached as cache
from dashboard.elbo import cached as cache_bound
from dashboard.elbo import gaps as elbo_gaps
from dashboard.elbo.cached import ExampleBound
from dashboard.figures.base import CHART_CONFIG
from dashboard.figures.elbo import histogram_figure
from dashboard.figures.evidence import bound_figure, importance_figure, samples_figure
from dashboard.figures.posterior import Ellipse, posterior_figure
from dashboard.formats import rounded, signed
from dashboard.pictures import show, strip
from dashboard.runs.tasks import tasks
from dashboard.shell import state
from dashboard.subject import Split, Subject

if TYPE_CHECKING:
    from vae_core.evidence.exact import Evidence

DATUM_HELP: Final = "Choose a datum: its log p(x), its true posterior, its bounds. Arrow keys move by one."
IDENTITY_HELP: Final = (
    r"$\log p(x) = \mathrm{ELBO}(x) + \mathrm{KL}(q(z|x)\,\|\,p(z|x))$: three numbers, each measured by "
    "itself. KL(q ‖ true posterior) is what the bound misses; KL(q ‖ prior) is one of the bound's two terms."
)
POSTERIOR_HELP: Final = (
    r"$p(z|x) = p(x|z)\,p(z)/p(x)$ on a grid, and the encoder's $q(z|x)$ with 1 and 2 standard deviations, "
    "to scale."
)
IMPORTANCE_HELP: Final = (
    r"$\log\tfrac1K\sum_k p(x,z_k)/q(z_k|x)$, $z_k \sim q$: the ELBO at K = 1, and it climbs to log p(x) "
    "(Burda, Grosse and Salakhutdinov 2016). Bars are two standard errors: by chance an estimate may "
    "lie above log p(x), the bound itself never does."
)
SAMPLES_HELP: Final = (
    r"$\log p(x|z_m)$ of samples $z_m \sim q(z|x)$: their mean is the reconstruction term, their spread is "
    "why an estimate with M = 1 is noisy."
)


OTHERS_HELP: Final = (
    "The ELBO of every datum, with the same M: the better the bound, the further to the right."
)


def draw(shown: Subject, split: Split, num_samples: int) -> None:
    """One datum; a change of it draws this part alone."""
    if shown.config.model.encoder_head == "deterministic":
        st.warning("A deterministic encoder has no q(z|x): there is no bound to look at.")
        return
    _datum(shown, split, num_samples)


def choose(shown: Subject, split: Split) -> int:
    """The slider of the datum, the same in all views."""
    last = len(shown.examples(split)[0]) - 1
    return st.slider(
        "Datum", 0, last, 0, key=f"elbo_example_{split}", help=DATUM_HELP, persist_state="session"
    )


@st.fragment
def _datum(shown: Subject, split: Split, num_samples: int) -> None:
    index = choose(shown, split)
    bound = cache_bound.example_bound(shown, split, index)
    left, right = st.columns([1, 2], gap="medium", vertical_alignment="center")
    with left:
        picture(shown, split, index)
    with right:
        _identity(shown, split, index, bound)
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("q beside the true posterior", help=POSTERIOR_HELP)
        _posterior(shown, split, index, bound)
    with right:
        st.subheader("Importance-weighted bound", help=IMPORTANCE_HELP)
        _importance(bound)
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Reconstruction by sample", help=SAMPLES_HELP)
        _samples(bound, num_samples)
    with right:
        st.subheader("Among the others", help=OTHERS_HELP)
        terms = cache.encoded(shown, split, num_samples=num_samples)
        figure = histogram_figure(terms.elbo, index, theme=state.theme_name())
        alt = f"Histogram of the ELBO of each datum; this one has {terms.elbo[index]:.2f} nats."
        st.plotly_chart(figure, key="histogram", alt=alt, config=CHART_CONFIG)


def picture(shown: Subject, split: Split, index: int) -> None:
    """The datum and its reconstruction."""
    terms = cache.encoded(shown, split)
    decoded = cache.decode(shown, terms.means[index : index + 1])
    pair = np.concatenate([terms.x[index : index + 1], decoded])
    if shown.image_shape is not None:
        alt = "The datum, and E[x|z] at its posterior mean."
        show(strip(pair, shown.image_shape, size=160, gap=12), alt=alt)
    else:
        points = ", ".join(f"{value:.2f}" for value in pair.reshape(-1))
        st.markdown(f"x and E[x|z]: {points}")
    label = int(terms.labels[index])
    if label >= 0:
        st.markdown(f"Class **{shown.class_names[label]}**; left the datum, right its reconstruction.")


def _identity(shown: Subject, split: Split, index: int, bound: ExampleBound) -> None:
    exact = bound.evidence
    if exact is None:
        st.metric("ELBO", f"{signed(bound.elbo, 3)} nats", help=IDENTITY_HELP)
        st.info(
            f"With J = {shown.config.model.latent_dim} no grid is fine enough for the exact log p(x) "
            "(J ≤ 2): the importance-weighted bound below stands in for it, and **All data** has annealed "
            "importance sampling."
        )
        return
    best = _best_elbo(shown, split, index)
    log_evidence, divergence = float(exact.log_evidence), float(exact.kl_to_posterior)
    figure = bound_figure(bound.elbo, best, log_evidence, theme=state.theme_name())
    alt = f"ELBO {bound.elbo:.3f}, log p(x) {log_evidence:.3f}, gap {log_evidence - bound.elbo:.3f} nats."
    st.plotly_chart(figure, key="bound", alt=alt, config=CHART_CONFIG)
    st.markdown(
        f"log p(x) **{signed(log_evidence, 4)}** = ELBO **{signed(bound.elbo, 4)}** + KL(q ‖ true posterior) "
        f"**{divergence:.4f}** nats",
        help=IDENTITY_HELP,
    )
    more = "" if best is not None else " **All data** can measure how the gap splits in two."
    st.caption(_how(bound, exact) + more)


def _how(bound: ExampleBound, exact: "Evidence") -> str:
    residual = rounded(abs(float(exact.log_evidence) - bound.elbo - float(exact.kl_to_posterior)), 1)
    return (
        f"Reconstruction {signed(float(exact.reconstruction), 4)} − KL(q ‖ prior) {bound.kl:.4f} = ELBO. "
        f"Each by quadrature, estimated error {rounded(float(exact.error), 1)} nats; the sum above closes to "
        f"{residual} nats."
    )


def _best_elbo(shown: Subject, split: Split, index: int) -> float | None:
    """The bound of the best diagonal Gaussian, where it has been measured for these weights."""
    result = tasks().result(elbo_gaps.name_of(shown, split))
    if result is None or str(result["digest"]) != shown.digest:
        return None
    best = result["best_elbo"]
    return float(best[index]) if index < len(best) else None


def _posterior(shown: Subject, split: Split, index: int, bound: ExampleBound) -> None:
    grid = bound.posterior
    if grid is None:
        st.info("A picture of the true posterior needs J = 1 or 2.")
        return
    terms = cache.encoded(shown, split)
    q = Ellipse(terms.means[index], terms.stds[index])
    figure = posterior_figure(
        [axis.numpy() for axis in grid.axes],
        grid.log_density.numpy(),
        {"encoder's q(z|x)": q},
        titles=[f"z<sub>{dim + 1}</sub>" for dim in range(len(grid.axes))],
        theme=state.theme_name(),
    )
    place = ", ".join(f"{mean:.2f} ± {std:.2f}" for mean, std in zip(q.mean, q.std, strict=True))
    alt = f"The true posterior of this datum as contours, and q at {place}."
    st.plotly_chart(figure, key="posterior", alt=alt, config=CHART_CONFIG)


def _importance(bound: ExampleBound) -> None:
    curve = bound.curve
    exact = None if bound.evidence is None else float(bound.evidence.log_evidence)
    figure = importance_figure(
        curve.sample_counts,
        curve.bounds.numpy(),
        curve.standard_errors.numpy(),
        elbo=bound.elbo,
        log_evidence=exact,
        theme=state.theme_name(),
    )
    largest, count = float(curve.bounds[-1]), curve.sample_counts[-1]
    alt = f"The bound with K = {count}: {largest:.3f} nats."
    st.plotly_chart(figure, key="importance", alt=alt, config=CHART_CONFIG)
    goal = "the bound of the largest K" if exact is None else "log p(x)"
    if curve.enough is None:
        verdict = f"Even K = {count:,} is not enough: q misses where the posterior is."
    else:
        verdict = f"K = {curve.enough:,} comes within 0.05 nats of {goal}."
    st.caption(f"{verdict} Effective samples: {curve.effective_sample_size:,.0f} of {count:,}.")


def _samples(bound: ExampleBound, num_samples: int) -> None:
    values = bound.curve.log_likelihoods.numpy()
    figure = samples_figure(values, theme=state.theme_name())
    spread = f"{values.mean():.2f} ± {values.std():.2f}"
    alt = f"Histogram of log p(x|z) of {len(values)} samples of z: {spread} nats."
    st.plotly_chart(figure, key="samples", alt=alt, config=CHART_CONFIG)
    st.caption(
        f"{len(values):,} samples, standard deviation {values.std():.2f} nats; the mean of M = {num_samples} "
        f"has a standard error of {values.std() / np.sqrt(num_samples):.2f} nats."
    )
