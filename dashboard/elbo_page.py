"""What the ELBO page draws: the two terms of the bound, their parts, and sums that agree with each other."""

from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import cache, state
from dashboard.figures.base import CHART_CONFIG
from dashboard.figures.elbo import histogram_figure, kl_per_dim_figure, terms_figure
from dashboard.formats import signed
from dashboard.pictures import show, strip
from dashboard.run_header import Subject

TERMS_HELP: Final = (
    r"$\mathrm{ELBO} = \mathbb{E}_q[\log p(x|z)] - \mathrm{KL}(q(z|x)\,\|\,p(z))$, always with $\beta = 1$, "
    "averaged over the data, in nats."
)
KL_HELP: Final = (
    r"$\mathrm{KL}_j = \tfrac12(\mu_j^2 + \sigma_j^2 - 1 - \log\sigma_j^2)$, averaged over the data. "
    "A dimension with 0 nats carries nothing: q is the prior there."
)
DATUM_HELP: Final = "Choose a datum: its reconstruction and its own two terms."
SAMPLES_HELP: Final = (
    r"$M$, samples of $z$ for each datum in $\mathbb{E}_q[\log p(x|z)] \approx \tfrac1M\sum_m\log p(x|z_m)$. "
    "The KL is exact."
)


def choose() -> tuple[str, int]:
    """Which data, and how many samples for each."""
    left, right = st.columns(2, gap="large")
    with left:
        split = st.segmented_control(
            "Data",
            ("held-out", "training"),
            default="held-out",
            required=True,
            key="elbo_split",
            help="Held-out data were never trained on: only they tell how good the model is.",
        )
    with right:
        num_samples = st.select_slider(
            "Samples M", (1, 3, 10, 30, 100), 1, key="elbo_samples", help=SAMPLES_HELP
        )
    return str(split), int(num_samples)


def headline(shown: Subject, split: str, num_samples: int) -> None:
    """The three numbers with their standard errors."""
    terms = cache.encoded(shown.key, num_samples, split)
    if shown.config.model.encoder_head == "deterministic":
        st.warning(
            "A deterministic encoder has no q(z|x): no KL and no bound. The reconstruction stands alone."
        )
        st.metric("Reconstruction", f"{signed(_mean(terms.reconstruction))} nats")
        st.stop()
    columns = st.columns(3)
    for column, label, values in (
        (columns[0], "Reconstruction", terms.reconstruction),
        (columns[1], "KL(q ‖ prior)", terms.kl),
        (columns[2], "ELBO", terms.elbo),
    ):
        error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
        note = f"± {error:.2f} s.e."
        column.metric(label, f"{signed(_mean(values))} nats", note, delta_color="off", delta_arrow="off")
    st.caption(
        f"Means over {len(terms.elbo):,} {split} data with M = {num_samples} for each; "
        "± is the standard error of the mean over the data."
    )


def draw_terms(shown: Subject, split: str, num_samples: int) -> None:
    """ELBO = reconstruction - KL as bars, and the sum in numbers."""
    terms = cache.encoded(shown.key, num_samples, split)
    reconstruction, kl, elbo = _mean(terms.reconstruction), _mean(terms.kl), _mean(terms.elbo)
    figure = terms_figure(reconstruction, kl, theme=state.theme_name())
    alt = f"Reconstruction {reconstruction:.2f}, KL {kl:.2f}, ELBO {elbo:.2f} nats per datum."
    st.plotly_chart(figure, key="terms", alt=alt, config=CHART_CONFIG)
    st.markdown(f"{signed(reconstruction, 4)} − {signed(kl, 4)} = **{signed(elbo, 4)}** nats per datum")


def draw_kl(shown: Subject, split: str, num_samples: int) -> None:
    """KL of each dimension as bars, and their sum in numbers."""
    terms = cache.encoded(shown.key, num_samples, split)
    per_dim = terms.kl_per_dim.astype(np.float64).mean(0)
    st.plotly_chart(
        kl_per_dim_figure(per_dim.astype(np.float32), theme=state.theme_name()),
        key="kl_per_dim",
        alt="KL of each latent dimension: " + ", ".join(f"{value:.2f}" for value in per_dim),
        config=CHART_CONFIG,
    )
    parts = sorted(per_dim, reverse=True)
    listed = " + ".join(f"{value:.4f}" for value in parts[:6]) + (" + …" if len(parts) > 6 else "")
    st.markdown(f"{listed} = **{float(per_dim.sum()):.4f}** nats; KL above: **{_mean(terms.kl):.4f}** nats")


@st.fragment
def one_datum(shown: Subject, split: str, num_samples: int) -> None:
    """Picture, reconstruction and terms of one datum, and where it stands among the others."""
    terms = cache.encoded(shown.key, num_samples, split)
    left, right = st.columns(2, gap="large")
    with left:
        last = len(terms.elbo) - 1
        index = st.slider("Datum", 0, last, 0, key=f"elbo_datum_{split}", help=DATUM_HELP)
        _show_datum(shown, terms, index)
    with right:
        figure = histogram_figure(terms.elbo, index, theme=state.theme_name())
        alt = f"Histogram of the ELBO of each datum; this one has {terms.elbo[index]:.2f} nats."
        st.plotly_chart(figure, key="histogram", alt=alt, config=CHART_CONFIG)


def _show_datum(shown: Subject, terms: cache.Encoded, index: int) -> None:
    decoded = cache.decode(shown.key, (tuple(terms.means[index].tolist()),))
    pair = np.concatenate([terms.x[index : index + 1], decoded])
    if shown.image_shape is not None:
        show(
            strip(pair, shown.image_shape, size=160, gap=12),
            alt="The datum, and E[x|z] at its posterior mean.",
        )
    else:
        points = ", ".join(f"{value:.2f}" for value in pair.reshape(-1))
        st.markdown(f"x and E[x|z]: {points}")
    label = int(terms.labels[index])
    name = "" if label < 0 else f"class **{shown.class_names[label]}** · "
    st.markdown(
        f"{name}reconstruction **{signed(terms.reconstruction[index])}** − KL **{signed(terms.kl[index])}** "
        f"= ELBO **{signed(terms.elbo[index])}** nats"
    )


def _mean(values: NDArray[np.float32]) -> float:
    return float(values.astype(np.float64).mean())
