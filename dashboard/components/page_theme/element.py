"""Has the page drawn again when its theme changes under it; draws nothing.

Streamlit recolours what is its own, and our elements read the page's colours; only the script can recolour a
figure of Plotly, and Streamlit does not run it for a change of theme.
"""

from typing import Final

from dashboard.components.files import joined
from dashboard.components.mounting import element
from dashboard.theme import ThemeName

NAME: Final = "page_theme"

_mount = element(
    NAME,
    "page_theme",
    html=joined("page_theme/page_theme.html"),
    css=joined("page_theme/page_theme.css"),
    # Its one rule hides the place on the page that holds the element.
    isolate_styles=False,
)


def follow_theme(theme: ThemeName) -> None:
    """Has the browser run the script when it shows another theme than this one.

    Arguments:
        theme: What the page is drawn for.
    """
    _mount(key="page_theme_told", data=theme.encode(), on_changed_change=lambda: None)
