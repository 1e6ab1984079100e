"""How good is the bound? (The two terms and their parts; all numbers are measured.)"""

import streamlit as st

from dashboard import elbo_page
from dashboard.run_header import subject

shown = subject()
split, num_samples = elbo_page.choose()
elbo_page.headline(shown, split, num_samples)
left, right = st.columns(2, gap="large")
with left:
    st.subheader("Two terms", help=elbo_page.TERMS_HELP)
    elbo_page.draw_terms(shown, split, num_samples)
with right:
    st.subheader("KL by latent dimension", help=elbo_page.KL_HELP)
    elbo_page.draw_kl(shown, split, num_samples)
st.subheader("One datum", help=elbo_page.DATUM_HELP)
elbo_page.one_datum(shown, split, num_samples)
