"""The doors on the Start page: what question each other page answers, and what one does there."""

from typing import Final, NamedTuple

import streamlit as st

from dashboard.shell import state


class Door(NamedTuple):
    """Leads to a page.

    Arguments:
        file: Of the page.
        label: Its name.
        icon: Material icon.
        question: That it answers.
        task: What one does there.
    """

    file: str
    label: str
    icon: str
    question: str
    task: str


MODEL: Final = (
    Door(
        "train.py",
        "Train",
        "play_circle",
        "What happens while it learns?",
        "Press Start and watch the curves, the plane and the pictures form.",
    ),
    Door(
        "latent_space.py",
        "Latent space",
        "scatter_plot",
        "Where does each image live, and what lies between?",
        "Select an image, see its approximate posterior, and move each latent dimension.",
    ),
    Door(
        "elbo.py",
        "ELBO",
        "stacked_bar_chart",
        "How good is the bound?",
        "Read its two terms as measured numbers, for all data or for one.",
    ),
)
LABORATORIES: Final = (
    Door(
        "free_energy.py",
        "Free energy and EM",
        "stairs",
        "Where does the bound come from?",
        "Drag q until the gap is closed; let EM climb; spot the error.",
    ),
    Door(
        "gradients.py",
        "Gradients",
        "trending_down",
        "Why reparameterise?",
        "Compare estimators, and step through back-propagation by hand.",
    ),
    Door(
        "priors.py",
        "Priors and weights",
        "blur_on",
        "What else can be Bayesian?",
        "Learn the prior, or give every weight a posterior.",
    ),
    Door(
        "compare.py",
        "Compare",
        "balance",
        "Is a VAE better than PCA?",
        "Put six questions to five methods; race the optimisers.",
    ),
)


def draw() -> None:
    """Three doors to the model, four to the laboratories."""
    _row(MODEL)
    st.markdown("**Laboratories**: the theory as things to do")
    _row(LABORATORIES)


def _row(doors: tuple[Door, ...]) -> None:
    for column, door in zip(st.columns(len(doors)), doors, strict=True):
        with column.container(border=True, height="stretch"):
            icon = f":material/{door.icon}:"
            st.page_link(f"../pages/{door.file}", label=f"**{door.label}**", icon=icon)
            st.markdown(f"**{door.question}** {door.task}")


def to_train(label: str, **settings: object) -> None:
    """A button that opens Train with some of its controls set."""
    key = "to_train_" + "_".join(settings)
    if st.button(label, key=key, icon=":material/play_circle:", help="Opens Train with these settings."):
        for name, value in settings.items():
            state.set_control(name, value)
        st.switch_page("../pages/train.py")
