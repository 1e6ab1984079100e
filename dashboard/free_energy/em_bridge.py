"""From EM to the VAE: why the E-step is out of reach for a neural decoder, in decodes and in time."""

import streamlit as st

from dashboard.formats import rounded
from dashboard.free_energy import cached as cache_free_energy


def draw() -> None:
    """The size of the integral over a grid, and how long this server would take."""
    st.subheader("Why a VAE, then?")
    st.markdown(
        "The E-step needs p(z|x) = p(x|z) p(z) / **∫ p(x|z) p(z) dz**. For a mixture the integral is a sum "
        "of K terms. For a neural decoder it has no closed form, and a grid of 20 points a side needs "
        "20ᴶ decodes. With the model that ships, measured on this server:"
    )
    seconds = cache_free_energy.seconds_per_decode()
    rows = "\n".join(
        f"| {dims} | {rounded(20.0**dims)} | {_span(seconds * 20.0**dims)} |" for dims in (1, 2, 4, 8, 16)
    )
    st.markdown(f"| J | decodes for one E-step | time |\n| ---: | ---: | ---: |\n{rows}")
    st.markdown(
        "So a VAE gives up the exact E-step: an encoder guesses q(z|x), and the gap stays. "
        "The **ELBO** page measures it."
    )


def _span(seconds: float) -> str:
    for unit, size in (("years", 31_557_600.0), ("days", 86_400.0), ("hours", 3600.0), ("s", 1.0)):
        if seconds >= size:
            return f"{rounded(seconds / size)} {unit}"
    return f"{rounded(seconds * 1000)} ms"
