"""The bound of all examples at once: its terms, the KL by dimension and decomposed, rate and distortion."""

from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.cached import Encoded, mean
from dashboard.components.chart.element import draw_chart
from dashboard.elbo import cached as cache
from dashboard.figures.elbo import kl_per_dim_figure, terms_figure
from dashboard.figures.rates import rate_distortion_figure, surgery_figure
from dashboard.formats import added, margin, shown_difference, shown_objective, shown_sum, signed
from dashboard.runs.runner import runner
from dashboard.shell import state
from dashboard.subject import SPLITS, Split, Subject
from vae_core.config import Objective
from vae_core.runs.snapshot import HISTORY_COLUMNS

TERMS_HELP: Final = (
    r"$\mathrm{ELBO} = \mathbb{E}_q[\log p(x|z)] - \mathrm{KL}(q(z|x)\,\|\,p(z))$, always with $\beta = 1$, "
    "averaged over the examples, in nats: models that were trained with different β are compared by it."
)
TRAINED_ON: Final[dict[Objective, str]] = {
    "elbo": "Trained on this bound, its KL weighed with β = {beta}.",
    "importance_weighted": "Trained on the importance-weighted bound, β = {beta}: p(x|z) may become better "
    "than by the ELBO, while q(z|x) need not be the posterior, so that the ELBO here falls further behind "
    "log p(x).",
    "mmd": "Trained on reconstruction − β · D · MMD²(q(z), p(z)), β = {beta}: nothing holds each q(z|x) to "
    "the prior, so the KL may be large and the ELBO low. How near the codes of all data are to the prior, "
    "from which samples are drawn, is KL(q(z) ‖ p(z)) in the decomposition.",
    "total_correlation": "Trained on ELBO − (β − 1) · TC, β = {beta}, TC the total correlation of q(z): a β "
    "above 1 lowers it, at the price of this bound; with β = 1 the objective is this bound.",
}
"""What an objective leaves to be said of the ELBO."""
KL_HELP: Final = (
    r"$\mathrm{KL}_j = \tfrac12(\mu_j^2 + \sigma_j^2 - 1 - \log\sigma_j^2)$, averaged over the examples; "
    r"for a full covariance $LL^\top$: "
    r"$\tfrac12(\mu_j^2 + \sum_{k<j} L_{jk}^2 + L_{jj}^2 - 1 - \log L_{jj}^2)$. "
    "A dimension with 0 nats carries no information: q is the prior there. That is posterior collapse, "
    "no tight bound: the gap below log p(x) is another KL, to the true posterior. A unit is active when its "
    r"posterior mean varies over the examples by $\mathrm{Var}_x(\mu_j) > 0.01$ (Burda et al. 2016)."
)
SURGERY_HELP: Final = (
    r"$\overline{\mathrm{KL}}(q(z|x)\,\|\,p(z)) = I_q(x;z) + \mathrm{KL}(q(z)\,\|\,p(z))$, and the last is "
    r"total correlation $\mathrm{KL}(q(z)\,\|\,\prod_j q(z_j))$ + dimension-wise KL. $q(z)$: the aggregate "
    "posterior (Hoffman and Johnson 2016; Chen et al. 2018)."
)
RATE_HELP: Final = (
    r"Rate $R = \mathbb{E}\,\mathrm{KL}(q\,\|\,p(z))$, distortion $D = -\mathbb{E}\log p(x|z)$, on held-out "
    r"examples; $\mathrm{ELBO} = -(D + R)$ is constant on the dotted lines (Alemi et al. 2018). Early in "
    "training the rate rises while the distortion falls faster: a rising KL is no error."
)
LIVE_TICK_S: Final = 1.0


def headline(terms: Encoded, shown: Subject, split: Split, num_samples: int) -> None:
    """Reconstruction, KL and ELBO with their standard errors; the total correlation if it is trained on."""
    reconstruction, kl = mean(terms.reconstruction), mean(terms.kl)
    parts = [
        ("Reconstruction", reconstruction, _error(terms.reconstruction)),
        ("KL(q ‖ prior)", kl, _error(terms.kl)),
        (shown.bound_name, shown_difference(reconstruction, kl), _error(terms.elbo)),
    ]
    if shown.config.train.objective == "total_correlation" and has_correlation(shown):
        found = cache.surgery(shown, split, num_samples).total_correlation
        parts.append(("Total correlation of q(z)", found.value, found.standard_error))
    for column, (label, value, error) in zip(st.columns(len(parts)), parts, strict=True):
        note = f"± {margin(error)} s.e."
        column.metric(label, f"{signed(value)} nats", note, delta_color="off", delta_arrow="off")
    of_each = " and each component of q" if shown.config.model.draws_of_each > 1 else ""
    st.caption(
        f"Means over {len(terms.elbo):,} {SPLITS[split]} examples with M = {num_samples} for each{of_each}; "
        "± is the standard error of the mean over the examples."
    )


def _error(values: NDArray[np.float32]) -> float:
    """Standard error of the mean; NaN of a single value."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def has_correlation(shown: Subject) -> bool:
    """Whether the total correlation of q(z) is measured: p(z) is a product, and the q(zⱼ|x) are known."""
    model = shown.config.model
    return model.prior == "standard_normal" and model.encoder_head not in ("flow", "deterministic")


def reconstruction_alone(terms: Encoded, shown: Subject) -> None:
    """What is left of the headline without q(z|x)."""
    st.warning(
        shown.written("A deterministic encoder has no q(z|x): no KL and no bound, only a reconstruction.")
    )
    st.metric("Reconstruction", f"{signed(mean(terms.reconstruction))} nats")


def two_terms(terms: Encoded, shown: Subject) -> None:
    """ELBO = reconstruction − KL, as bars and as a sum; and the objective, where that is another one."""
    reconstruction, kl = mean(terms.reconstruction), mean(terms.kl)
    elbo = shown_difference(reconstruction, kl)
    figure = terms_figure(reconstruction, kl, theme=state.theme_name())
    alt = f"Reconstruction {signed(reconstruction)}, KL {signed(kl)}, ELBO {signed(elbo)} nats per example."
    draw_chart(figure, key="terms", alt=alt, words=shown.written)
    st.markdown(f"{signed(reconstruction)} − {signed(kl)} = **{signed(elbo)}** nats per example")
    beta, train = shown.beta_in_force, shown.config.train
    if not train.is_elbo:
        st.caption(shown.written(trained_on(train.objective, beta)))
    elif beta != 1 and not train.free_bits:
        st.markdown(f"Objective, with the current β: {objective_text(reconstruction, kl, beta)}")


def trained_on(objective: Objective, beta: float) -> str:
    """What another objective than the ELBO leaves to be said of the ELBO beside it.

    Example:
        >>> trained_on("mmd", 2.0)[:65]
        'Trained on reconstruction − β · D · MMD²(q(z), p(z)), β = 2: noth'
    """
    return TRAINED_ON[objective].format(beta=f"{beta:.5g}")


def objective_text(reconstruction: float, kl: float, beta: float) -> str:
    """Reconstruction − β · KL with digits that add up; a large β has more of the KL, as on Train.

    Example:
        >>> objective_text(-20.834, 3.3444, 4.0)
        '−20.83 − 4 · 3.344 = **−34.21** nats'
    """
    objective, digits = shown_objective(reconstruction, kl, beta)
    return f"{signed(reconstruction)} − {beta:.5g} · {signed(kl, digits)} = **{signed(objective)}** nats"


def kl_per_dim(terms: Encoded, shown: Subject, split: Split) -> None:
    """The KL of each latent dimension, their sum, and how many units are active."""
    active = cache.active_units(terms)
    said = f"Active units: **{int(active.sum())} of {len(active)}**"
    if not terms.kl_per_dim.shape[1]:
        is_learned = shown.config.model.prior != "standard_normal"
        to, what = (
            ("the learned prior", "the prior")
            if is_learned
            else ("N(0, I)", f"q(z|x), {shown.config.model.not_gaussian},")
        )
        st.markdown(
            f"KL to {to}: **{signed(mean(terms.kl), 4)}** nats, estimated as the mean of "
            + shown.written("log q(z|x) − log p(z). ")
            + f"It has no parts by dimension: {shown.written(what)} is no product over them."
        )
        st.markdown(said)
        return
    per_dim = terms.kl_per_dim.astype(np.float64).mean(0)
    draw_chart(
        kl_per_dim_figure(per_dim.astype(np.float32), theme=state.theme_name()),
        key="kl_per_dim",
        alt="KL of each latent dimension: " + ", ".join(f"{value:.2f}" for value in per_dim),
    )
    parts = sorted(per_dim.tolist(), reverse=True)
    listed = added(*parts[:6], digits=4) + (" + …" if len(parts) > 6 else "")
    total = mean(terms.kl) if len(parts) > 6 else shown_sum(mean(terms.kl), *parts, digits=4)
    st.markdown(f"{listed} = **{total:.4f}** nats, the KL above")
    st.markdown(said)
    if shown.config.model.encoder_head == "full_covariance":
        among = cache.correlation(shown, split)
        st.caption(
            "q has a full covariance matrix: the part of zⱼ is its KL given the dimensions before it, and "
            f"the parts sum to the KL (chain rule). {among:.4f} nats of them are the total correlation of "
            + shown.written("q(z|x), KL(q(z|x) ‖ ∏ q(zⱼ|x)): ")
            + "what a diagonal covariance matrix could not say."
        )


def kl_decomposition(terms: Encoded, shown: Subject, split: Split, num_samples: int) -> None:
    """Mutual information, total correlation and dimension-wise KL; of a learned prior or a flow two parts."""
    if not has_correlation(shown):
        _two_parts(terms, shown, split, num_samples)
        return
    found = cache.surgery(shown, split, num_samples)
    estimates = {
        "mutual information I(x; z)": found.mutual_information,
        "total correlation": found.total_correlation,
        "dimension-wise KL": found.dimension_wise_kl,
    }
    parts = {name: estimate.value for name, estimate in estimates.items()}
    errors = {name: estimate.standard_error for name, estimate in estimates.items()}
    figure = surgery_figure(parts, errors, theme=state.theme_name())
    alt = "; ".join(f"{name} {signed(value, 3)}" for name, value in parts.items()) + " nats."
    draw_chart(figure, key="surgery", alt=alt, words=shown.written)
    total = signed(shown_sum(sum(parts.values()), *parts.values(), digits=3), 3)
    sum_of_parts = added(*parts.values(), digits=3)
    marginal = shown_sum(found.marginal_kl.value, *list(parts.values())[1:], digits=3)
    adds_up = f"{sum_of_parts} = **{total}** nats, estimated; mean KL **{found.kl:.3f}**, exact.  \n"
    if found.kl_error:
        error = margin(found.kl_error, 3)
        which = _which_samples(terms, shown, found.num_examples, num_samples)
        adds_up = f"{sum_of_parts} = mean KL **{total}** ± {error} nats, {which}.  \n"
    st.markdown(
        f"{adds_up}Marginal KL(q(z) ‖ p(z)), the last two: **{signed(marginal, 3)}** ± "
        f"{margin(found.marginal_kl.standard_error, 3)}"
    )
    count = found.num_examples
    if found.kl_error:
        _say_fewer(shown, num_samples)
    samples = "a sample" if found.num_samples == 1 else f"{found.num_samples} samples"
    st.caption(
        f"{count:,} {SPLITS[split]} examples, {samples} of z each; the mutual information "
        f"with {count:,} examples is at most log {count:,} = {np.log(count):.2f} nats."
    )


def _which_samples(terms: Encoded, shown: Subject, num_examples: int, num_samples: int) -> str:
    """Of which z a sampled KL is decomposed: those of the bound above, as far as they are compared."""
    used = cache.samples_of_surgery(shown, num_samples)
    if num_examples == len(terms.kl) and used == num_samples:
        return "from the samples of z of the bound above"
    some = "" if used == num_samples else f"{used} of the {num_samples} "
    of = "" if num_examples == len(terms.kl) else f" of the first {num_examples:,} examples"
    return f"from {some or 'the '}samples of z{of} of the bound above"


def _say_fewer(shown: Subject, num_samples: int) -> None:
    """Why fewer samples are decomposed than the bound has, where that is so, and what to do."""
    used = cache.samples_of_surgery(shown, num_samples)
    if used < num_samples:
        st.caption(
            f"Each sample of z is compared with each example, so at most {used} of the M = {num_samples} are "
            "decomposed here, and this mean KL differs from the one above by the noise of the others. "
            f"With M {'= 1' if used == 1 else f'up to {used}'} none is left out."
        )


def _two_parts(terms: Encoded, shown: Subject, split: Split, num_samples: int) -> None:
    found = cache.prior_surgery(shown, split, num_samples)
    estimates = {
        "mutual information I(x; z)": found.mutual_information,
        "KL(q(z) ‖ p(z))": found.marginal_kl,
    }
    parts = {name: estimate.value for name, estimate in estimates.items()}
    errors = {name: estimate.standard_error for name, estimate in estimates.items()}
    alt = "; ".join(f"{name} {signed(value, 3)}" for name, value in parts.items()) + " nats."
    figure = surgery_figure(parts, errors, theme=state.theme_name())
    draw_chart(figure, key="surgery", alt=alt, words=shown.written)
    total = signed(shown_sum(found.kl.value, *parts.values(), digits=3), 3)
    more = "total correlation and dimension-wise KL are of a prior that is a product"
    if shown.config.model.prior == "standard_normal":
        more = "total correlation and dimension-wise KL need q(zⱼ|x), which a flow has in no closed form"
    error = margin(found.kl.standard_error, 3)
    which = _which_samples(terms, shown, min(len(terms.kl), cache.MAX_SURGERY_EXAMPLES), num_samples)
    st.markdown(
        f"{added(*parts.values(), digits=3)} = mean KL **{total}** ± {error} nats, {which}. "
        "A better prior can only lower the second part, which is 0 where p(z) is the "
        f"aggregate posterior q(z); {more}."
    )
    _say_fewer(shown, num_samples)


def rate_and_distortion(shown: Subject) -> None:
    """Where the run stands between rate and distortion, and how it came there; ticks while it trains."""
    run_id = state.current_run()
    view = None if run_id is None else runner().view(run_id)
    live_run = run_id if view is not None and view.is_under_way else None
    st.fragment(_rate_and_distortion, run_every=LIVE_TICK_S if live_run else None)(shown, live_run)


def _rate_and_distortion(shown: Subject, live_run: str | None) -> None:
    snapshot = None if live_run is None else runner().store.snapshot(live_run)
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
    alt = f"Rate {signed(rate[-1])}, distortion {signed(distortion[-1])} nats after {count}."
    draw_chart(figure, key="rate_distortion", alt=alt, words=shown.written)
    of_all = "" if shown.y is None else " of all y, each with its own,"
    st.caption(f"{alt} Each is an estimate on held-out examples{of_all} while the run trained.")
