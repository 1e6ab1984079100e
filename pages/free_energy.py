"""Where does the bound come from? (The free energy of any q; EM maximises it in alternating steps.)"""

from typing import Final

import streamlit as st

from dashboard.free_energy import amortisation, derivation, em, free_energy, misprints
from dashboard.shell import header
from dashboard.shell.choice import one_of
from dashboard.shell.header import subject

VIEWS: Final = {
    "component": "Which component?",
    "gaussian": "A Gaussian q",
    "derivation": "Derive it",
    "em": "EM",
    "errors": "Spot the error",
}
VIEW_HELP: Final = (
    "**Which component?**: q is a few probabilities. **A Gaussian q**: q has a mean and a standard "
    "deviation, as in a VAE. **Derive it**: the bound line by line, every line with its value. **EM**: the "
    "same bound, maximised in two alternating steps, on a table of numbers. **Spot the error**: misprinted "
    "formulas, evaluated."
)

header.title("Free energy and EM")
view = one_of("View", VIEWS, key="free_energy_view", help_text=VIEW_HELP)

if view == "component":
    st.header("Which component generated x?", help=free_energy.COMPONENT_HELP)
    free_energy.draw_components()
elif view == "gaussian":
    st.header("A Gaussian q over z", help=free_energy.GAUSSIAN_HELP)
    free_energy.draw_gaussian()
elif view == "derivation":
    shown = derivation.choose_subject(subject())
    st.header("The derivation, line by line", help=shown.written(derivation.DERIVATION_HELP))
    derivation.draw(shown)
elif view == "em":
    st.header("EM maximises the same bound in alternating steps", help=em.EM_HELP)
    em.draw_em()
    st.header("Why a VAE, then?")
    st.markdown(
        "The E-step needs p(z|x) = p(x|z) p(z) / **∫ p(x|z) p(z) dz**. For a mixture the integral is a sum "
        "of K terms. For a neural decoder it has no closed form, and a grid of 20 points per dimension needs "
        "20ᴶ decodes. With the example model, measured on this server:"
    )
    em.draw_cost_of_e_step()
    st.markdown(
        "So a VAE gives up the exact E-step: an encoder approximates p(z|x) by q(z|x), and a gap remains. "
        "The **ELBO** page measures it."
    )
    st.header("And why one encoder for all examples?", help=amortisation.HELP)
    amortisation.draw()
else:
    st.header("Spot the error")
    st.markdown(
        "Each formula below is misprinted. Find the error, then let the numbers decide. Two more are on "
        "**Gradients**: f(u) for f′(u), and a term that is said to be hard to compute."
    )
    misprints.draw_misprints()
