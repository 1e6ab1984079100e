"""The pages of the app: a line each makes the navigation, and the cards on Start that lead to them."""

import copy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard.shell import state

_PACKAGE: Final = Path(__file__).resolve().parents[1]
# An installed dashboard has its pages inside the package (pyproject.toml says why not as "pages").
_INSTALLED: Final = _PACKAGE / "page_scripts"
_FOLDER: Final = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "pages"


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Arguments:
        name: Of its script, and its path in the URL.
        title: In the navigation, and of the browser's tab.
        icon: Name of a Material icon.
        question: The question that the page answers.
        task: What one does there.
    """

    name: str
    title: str
    icon: str
    question: str = ""
    task: str = ""

    @property
    def script(self) -> Path:
        """Where its script is."""
        return _FOLDER / f"{self.name}.py"

    @property
    def material_icon(self) -> str:
        """The icon, as Streamlit wants it."""
        return f":material/{self.icon}:"


START: Final = Page("start", "Start", "home")
MODEL: Final = (
    Page(
        "data",
        "Data",
        "dataset",
        "What am I training on?",
        "Look at the data sets; bring a table, arrays or pictures of your own.",
    ),
    Page(
        "train",
        "Train",
        "play_circle",
        "What happens while it learns?",
        "Press Start and watch the curves, the plane and the pictures form.",
    ),
    Page(
        "runs",
        "Runs",
        "list",
        "What have I trained?",
        "Find, name and sort your runs; download them, and upload them again.",
    ),
    Page(
        "latent_space",
        "Latent space",
        "scatter_plot",
        "Where does each image live, and what lies between?",
        "Select an image, see its approximate posterior, and move each latent dimension.",
    ),
    Page(
        "elbo",
        "ELBO",
        "stacked_bar_chart",
        "How good is the bound?",
        "Read its two terms as measured numbers, over all examples or for one.",
    ),
)
LABORATORIES: Final = (
    Page(
        "free_energy",
        "Free energy",
        "stairs",
        "Where does the bound come from?",
        "Drag q until the gap is closed; watch EM raise the bound; find the misprint.",
    ),
    Page(
        "gradients",
        "Gradients",
        "trending_down",
        "Why reparameterise?",
        "Compare estimators, and step through back-propagation by hand.",
    ),
    Page(
        "priors",
        "Priors",
        "blur_on",
        "What else can be Bayesian?",
        "Learn the prior, or give every weight a posterior.",
    ),
    Page(
        "compare",
        "Compare",
        "balance",
        "Which run is better, and is a VAE better than PCA?",
        "Put runs side by side, sweep β; compare PCA, autoencoders and VAEs, and three optimisers.",
    ),
)
PAGES: Final = (START, *MODEL, *LABORATORIES)
"""In the order of the navigation."""
_BY_NAME: Final = {page.name: page for page in PAGES}


@lru_cache(maxsize=1)
def _made() -> dict[str, StreamlitPage]:
    """The pages as Streamlit has them, by name, made once: that looks for their files on the disk."""
    return {
        page.name: st.Page(page.script, title=page.title, icon=page.material_icon, default=page is START)
        for page in PAGES
    }


def of_navigation() -> list[StreamlitPage]:
    """The pages for ``st.navigation``: copies, since it notes in them which one a session may run."""
    return [copy.copy(page) for page in _made().values()]


def link(name: str, label: str | None = None) -> None:
    """Draws a link to a page.

    Arguments:
        name: Of the page.
        label: What it says; None: the page's title.
    """
    page = _BY_NAME[name]
    st.page_link(_made()[name], label=label or page.title, icon=page.material_icon)


def to_train(label: str, **settings: object) -> None:
    """Draws a button that opens Train with some of its controls set.

    Arguments:
        label: What it says.
        settings: Values by the keys of the controls.
    """
    page = _BY_NAME["train"]
    key = "to_train_" + "_".join(settings)
    if st.button(label, key=key, icon=page.material_icon, help="Opens Train with these settings."):
        for name, value in settings.items():
            state.set_control(name, value)
        turn_to("train")


def turn_to(name: str) -> None:
    """Leaves this page for another one, at once; not for callbacks.

    Arguments:
        name: Of the page.
    """
    st.switch_page(str(_BY_NAME[name].script))


def draw_cards() -> None:
    """A card for each page, with its question: those on the model, then those on the theory."""
    _draw_row(MODEL)
    st.markdown("**Laboratories**: the theory, to try out")
    _draw_row(LABORATORIES)


def _draw_row(pages: tuple[Page, ...]) -> None:
    for column, page in zip(st.columns(len(pages)), pages, strict=True):
        with column.container(border=True, height="stretch"):
            link(page.name, f"**{page.title}**")
            st.markdown(f"**{page.question}** {page.task}")
