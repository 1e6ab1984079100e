"""The entry point: ``streamlit run dashboard/app.py``."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Streamlit puts this file's folder on the path, not the repository's root: with these lines a plain
# ``streamlit run dashboard/app.py`` works from any folder, with nothing installed but the requirements.
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import streamlit as st  # noqa: E402

from dashboard.components.page_theme.element import follow_theme  # noqa: E402
from dashboard.formats import plain  # noqa: E402
from dashboard.shell import browser, classroom, open_files, pages, state, warmup  # noqa: E402
from dashboard.streamlit_changes import every  # noqa: E402
from dashboard.theme import PAGE_CSS  # noqa: E402
from vae_core.errors import BadInput  # noqa: E402
from vae_core.memory import is_out_of_memory  # noqa: E402


def main() -> None:
    """Draws the frame and the page that the URL names; in a class only for those who came in."""
    open_files.allow_many()
    every.make()
    # Before the navigation: until it knows an icon, the browser would ask Google for that of the page.
    st.set_page_config(page_icon=ROOT / "dashboard" / "icon.png", layout="wide")
    st.html(f"<style>{PAGE_CSS}</style>")
    inside = classroom.is_inside()
    page = st.navigation(
        pages.of_navigation(),
        position="top" if inside else "hidden",
    )
    st.set_page_config(page_title=f"{page.title} · VAE Dashboard")
    browser.remember()
    follow_theme(state.theme_name())
    if not inside:
        state.clear_address(page.url_path)
        classroom.draw_door()
        return
    warmup.start()
    state.follow_link(page.url_path)
    browser.note_run()
    try:
        page.run()
    except BadInput as err:
        st.error(plain(str(err)))
    except (MemoryError, RuntimeError) as err:
        if not is_out_of_memory(err):
            raise
        st.error("The server has not enough memory for this view: choose a smaller network or fewer samples.")


if __name__ == "__main__":
    main()
