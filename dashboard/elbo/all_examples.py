"""What the ELBO page draws for all data at once: the terms, their parts, the gaps, rate and distortion."""

from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import cached as cache
from dashboard.elbo import cached as cache_bound
from dashboard.elbo import gaps as elbo_gaps
from dashboard.figures.base import CHART_CONFIG
from dashboard.figures.elbo import kl_per_dim_figure, terms_figure
from dashboard.figures.rates import rate_distortion_figure, surgery_figure
from dashboard.formats import signed
from dashboard.runs.runner import runner
from dashboard.shell import state
from dashboard.subject import Split, Subject
from vae_core.runs.snapshot import HISTORY_COLUMNS

TERMS_HELP: Final = (
    r"$\mathrm{ELBO} = \mathbb{E}_q[\log p(x|z)] - \mathrm{KL}(q(z|x)\,\|\,p(z))$, always with $\beta = 1$, "
    "averaged over the data, in nats."
)
KL_HELP: Final = (
    r"$\mathrm{KL}_j = \tfrac12(\mu_j^2 + \sigma_j^2 - 1 - \log\sigma_j^2)$, averaged over the data. "
    "A dimension with 0 nats carries nothing: q is the prior there. A unit is active when its posterior mean "
    r"varies over the data by $\mathrm{Var}_x(\mu_j) > 0.01$ (Burda et al. 2016)."
)
SURGERY_HELP: Final = (
    r"$\overline{\mathrm{KL}}(q(z|x)\,\|\,p(z)) = I_q(x;z) + \mathrm{KL}(q(z)\,\|\,p(z))$, and the last is "
    r"total correlation $\mathrm{KL}(q(z)\,\|\,\prod_j q(z_j))$ + dimension-wise KL. $q(z)$: the aggregate "
    "posterior (Hoffman and Johnson 2016; Chen et al. 2018)."
)
PLANE_HELP: Final = (
    r"Rate $R = \mathbb{E}\,\mathrm{KL}(q\,\|\,p(z))$, distortion $D = -\mathbb{E}\log p(x|z)$, on held-out "
    r"data; $\mathrm{ELBO} = -(D + R)$ is constant on the dotted lines (Alemi et al. 2018). Early in "
    "training the rate rises while the distortion falls faster: a rising KL is no fault."
)
LIVE_TICK_S: Final = 1.0


def draw(shown: Subject, split: Split, num_samples: int) -> None:
    """Headline, terms, KL by dimension, gaps, the KL taken apart, rate and distortion."""
    headline(shown, split, num_samples)
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Two terms", help=TERMS_HELP)
        _terms(shown, split, num_samples)
    with right:
        st.subheader("KL by latent dimension", help=KL_HELP)
        _kl(shown, split, num_samples)
    st.subheader("The gap between the ELBO and log p(x)", help=elbo_gaps.GAP_HELP)
    elbo_gaps.draw(shown, split)
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("The KL taken apart", help=SURGERY_HELP)
        _surgery(shown, split)
    with right:
        st.subheader("Rate and distortion", help=PLANE_HELP)
        run_id = state.current_run()
        view = None if run_id is None else runner().view(run_id)
        live = view is not None and view.status == "running"
        st.fragment(_plane, run_every=LIVE_TICK_S if live else None)(shown, live)


def headline(shown: Subject, split: Split, num_samples: int) -> None:
    """The three numbers with their standard errors."""
    terms = cache.encoded(shown, split, num_samples=num_samples)
    if shown.config.model.encoder_head == "deterministic":
        st.warning(
            "A deterministic encoder has no q(z|x): no KL and no bound. The reconstruction stands alone."
        )
        st.metric("Reconstruction", f"{signed(mean(terms.reconstruction))} nats")
        st.stop()
    columns = st.columns(3)
    for column, label, values in (
        (columns[0], "Reconstruction", terms.reconstruction),
        (columns[1], "KL(q ‖ prior)", terms.kl),
        (columns[2], "ELBO", terms.elbo),
    ):
        error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
        note = f"± {error:.2f} s.e."
        column.metric(label, f"{signed(mean(values))} nats", note, delta_color="off", delta_arrow="off")
    st.caption(
        f"Means over {len(terms.elbo):,} {split} data with M = {num_samples} for each; "
        "± is the standard error of the mean over the data."
    )


def _terms(shown: Subject, split: Split, num_samples: int) -> None:
    terms = cache.encoded(shown, split, num_samples=num_samples)
    reconstruction, kl, elbo = mean(terms.reconstruction), mean(terms.kl), mean(terms.elbo)
    figure = terms_figure(reconstruction, kl, theme=state.theme_name())
    alt = f"Reconstruction {reconstruction:.2f}, KL {kl:.2f}, ELBO {elbo:.2f} nats per datum."
    st.plotly_chart(figure, key="terms", alt=alt, config=CHART_CONFIG)
    st.markdown(f"{signed(reconstruction, 4)} − {signed(kl, 4)} = **{signed(elbo, 4)}** nats per datum")


def _kl(shown: Subject, split: Split, num_samples: int) -> None:
    terms = cache.encoded(shown, split, num_samples=num_samples)
    per_dim = terms.kl_per_dim.astype(np.float64).mean(0)
    st.plotly_chart(
        kl_per_dim_figure(per_dim.astype(np.float32), theme=state.theme_name()),
        key="kl_per_dim",
        alt="KL of each latent dimension: " + ", ".join(f"{value:.2f}" for value in per_dim),
        config=CHART_CONFIG,
    )
    parts = sorted(per_dim, reverse=True)
    listed = " + ".join(f"{value:.4f}" for value in parts[:6]) + (" + …" if len(parts) > 6 else "")
    active = cache_bound.active_units(shown, split)
    st.markdown(f"{listed} = **{float(per_dim.sum()):.4f}** nats; KL above: **{mean(terms.kl):.4f}** nats")
    st.markdown(f"Active units: **{int(active.sum())} of {len(active)}**")


def _surgery(shown: Subject, split: Split) -> None:
    found = cache_bound.surgery(shown, split)
    estimates = {
        "mutual information I(x; z)": found.mutual_information,
        "total correlation": found.total_correlation,
        "dimension-wise KL": found.dimension_wise_kl,
    }
    parts = {name: estimate.value for name, estimate in estimates.items()}
    errors = {name: estimate.standard_error for name, estimate in estimates.items()}
    figure = surgery_figure(parts, errors, theme=state.theme_name())
    alt = "; ".join(f"{name} {value:.3f}" for name, value in parts.items()) + " nats."
    st.plotly_chart(figure, key="surgery", alt=alt, config=CHART_CONFIG)
    listed = " + ".join(f"{value:.3f}" for value in parts.values())
    st.markdown(
        f"{listed} = **{sum(parts.values()):.3f}** nats, estimated; mean KL **{found.kl:.3f}**, exact.  \n"
        f"Marginal KL(q(z) ‖ p(z)) **{found.marginal_kl.value:.3f}** ± {found.marginal_kl.standard_error:.3f}"
    )
    st.caption(
        f"{found.num_data:,} {split} data, {found.num_samples} samples of z each; at most "
        f"log {found.num_data:,} = {np.log(found.num_data):.2f} nats of information fit into so many data."
    )


def _plane(shown: Subject, live: bool) -> None:
    run_id = state.current_run()
    snapshot = runner().store.snapshot(run_id) if live and run_id is not None else None
    history = shown.run.history if snapshot is None else snapshot.history
    rate, distortion = (
        history[:, HISTORY_COLUMNS.index(name)] for name in ("kl_held_out", "reconstruction_held_out")
    )
    finite = np.isfinite(rate) & np.isfinite(distortion)
    if not finite.any():
        st.info("The run has no finite bound to draw yet.")
        return
    rate, distortion = rate[finite], -distortion[finite]
    figure = rate_distortion_figure(rate, distortion, theme=state.theme_name())
    count = "1 measurement" if len(rate) == 1 else f"{len(rate)} measurements"
    alt = f"Rate {rate[-1]:.2f}, distortion {distortion[-1]:.2f} nats after {count}."
    st.plotly_chart(figure, key="rate_distortion", alt=alt, config=CHART_CONFIG)
    st.caption(f"{alt} Each is an estimate on held-out data while the run trained.")


def mean(values: NDArray[np.float32]) -> float:
    """Mean in float64."""
    return float(values.astype(np.float64).mean())
