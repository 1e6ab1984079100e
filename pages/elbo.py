"""How good is the bound? (log p(x), the ELBO and every part of the gap between them; all are measured.)"""

import streamlit as st

from dashboard.cached import encoded
from dashboard.elbo import all_examples, bits_back, causes, gaps, ladder, one_example, units, watch_q
from dashboard.shell import header
from dashboard.shell.choice import one_of
from dashboard.subject import SPLITS

VIEWS = {
    "all_examples": "All examples",
    "one_example": "One example",
    "watch_q": "Watch q move",
    "ladder": "Richer q",
    "bits_back": "Nats as bytes",
    "causes": "Known causes",
    "units": "Units and pitfalls",
}
VIEW_HELP = (
    "**All examples**: the bound on average, and its parts. **One example**: its log p(x), and how much of "
    "it the ELBO reaches. **Watch q move**: q is optimised towards the true posterior. **Richer q**: "
    "full covariances, mixtures and flows come nearer to it. **Nats as bytes**: the images in "
    "a file as long as the bound. **Known causes**: what each latent dimension says about what made the "
    "images. **Units and pitfalls**: sum or mean, grey pixels, densities, collapse."
)
SPLIT_HELP = "Held-out examples were never trained on: only they tell how good the model is."
SAMPLES_HELP = (
    r"$M$, samples of $z$ for each example in "
    r"$\mathbb{E}_q[\log p(x|z)] \approx \tfrac1M\sum_m\log p(x|z_m)$. The KL of a Gaussian q to "
    "N(0, I) is exact; that of a flow or a mixture, or to a learned prior, is estimated from the same "
    "samples. Of a mixture there are $M$ samples of each component, weighted with its weight."
)

header.title("ELBO")
shown = header.subject()
view = one_of("View", VIEWS, key="elbo_view", help_text=shown.written(VIEW_HELP))
num_samples, num_components = 1, 3
with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
    split = one_of("Data", SPLITS, key="elbo_split", help_text=SPLIT_HELP)
    if view == "ladder":
        num_components = st.select_slider(
            "Components K",
            (1, 2, 3, 4, 5),
            key="elbo_components",
            help=ladder.COMPONENTS_HELP,
            width=220,
            persist_state="session",
        )
    elif view not in ("watch_q", "bits_back", "causes"):  # these have rules of their own to integrate over z
        num_samples = st.select_slider(
            "Samples M",
            (1, 3, 10, 30, 100),
            key="elbo_samples",
            help=shown.written(SAMPLES_HELP),
            width=220,
            persist_state="session",
        )
terms = encoded(shown, split, num_samples=num_samples)

if view == "all_examples" and shown.is_deterministic:
    all_examples.reconstruction_alone(terms, shown)
elif view == "all_examples":
    all_examples.headline(terms, shown, split, num_samples)
    left, right = st.columns(2, gap="medium")
    with left:
        st.header("Two terms", help=shown.written(all_examples.TERMS_HELP))
        all_examples.two_terms(terms, shown)
    with right:
        st.header("KL by latent dimension", help=shown.written(all_examples.KL_HELP))
        all_examples.kl_per_dim(terms, shown, split)
    st.header(shown.written("The gap between the ELBO and log p(x)"), help=shown.written(gaps.HELP))
    gaps.draw(shown, split)
    left, right = st.columns(2, gap="medium")
    with left:
        st.header("The KL decomposed", help=shown.written(all_examples.SURGERY_HELP))
        all_examples.kl_decomposition(terms, shown, split, num_samples)
    with right:
        st.header("Rate and distortion", help=shown.written(all_examples.RATE_HELP))
        all_examples.rate_and_distortion(shown)
elif view == "units":
    st.header("Sum or mean?", help=shown.written(units.REDUCTIONS_HELP))
    units.reductions(shown, terms)
    left, right = st.columns(2, gap="medium")
    with left:
        st.header("Limits of the reconstruction")
        units.limits(shown, terms)
    with right:
        st.header("Collapse: predicted and measured", help=units.COLLAPSE_HELP)
        units.collapse(shown, split)
elif shown.is_deterministic:
    st.warning(
        shown.written(
            "A deterministic encoder has no q(z|x): there is no bound to look at, and no q to move."
        )
    )
elif view == "one_example":
    one_example.draw(shown, split, terms, num_samples)
elif view == "bits_back":
    st.header("The images in a file", help=shown.written(bits_back.HELP))
    bits_back.draw(shown, split)
elif view == "causes":
    st.header("What each dimension says about each cause", help=shown.written(causes.HELP))
    causes.draw(shown, split)
elif view == "ladder":
    st.header("A ladder of approximate posteriors", help=shown.written(ladder.HELP))
    ladder.draw(shown, split, num_components)
    st.header("The ladder of many examples", help=ladder.ALL_HELP)
    ladder.draw_many(shown, split, num_components)
else:
    st.header("One set of variational parameters for one example", help=shown.written(watch_q.HELP))
    watch_q.draw(shown, split)
