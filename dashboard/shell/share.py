"""Share: a link to what is on the screen, to copy and as a QR code for the projector."""

from typing import Final, Literal
from urllib.parse import urlencode, urlsplit

import segno
import streamlit as st

from dashboard.components.dialogue.element import dialogue
from dashboard.formats import plain
from dashboard.runs.runner import JobView
from dashboard.shell import browser, classroom, controls, state
from dashboard.shell.links import SETTINGS
from dashboard.shell.settings import values_of
from vae_core.errors import BadInput

Aim = Literal["watch", "start"]
MAX_QR: Final = 1200
"""Characters of a link that a telephone still reads from a projector: 120 dots a side."""
_OPEN: Final = "share_open"
_HELP: Final = "A link with a QR code: to watch what you see, or to start from your settings."
_AIM_HELP: Final = (
    "**Watch**: the same run, page and view; whoever started it steers it, others may take a copy. "
    "**Start**: Train with your settings, and no run."
)
_PRESENT_HELP: Final = "Large type for a projector, with β, Pause, Step and Share alone."
_HIDE_HELP: Final = "These controls are not drawn; the values in the link apply."
_FIX_HELP: Final = "These controls are drawn, with the values in the link, and cannot be changed."
_LARGE_HELP: Final = "The QR code as large as the window allows."


def button(view: JobView | None) -> None:
    """Draws the button, and the dialogue that it opens.

    Arguments:
        view: The run in view, if there is one.
    """
    st.button("Share", key="share", icon=":material/share:", help=_HELP, on_click=_open)
    # Not the button's own value: the page behind the dialogue may be drawn again while it is open.
    if state.control(_OPEN) == state.current_page():
        _dialogue(view)


def _open() -> None:
    state.set_control(_OPEN, state.current_page())


def _close() -> None:
    state.set_control(_OPEN, None)


@dialogue("Share", width="medium", icon=":material/share:", on_dismiss=_close)
def _dialogue(view: JobView | None) -> None:
    spot = st.container()
    large = st.toggle("Large QR code", key="share_large", help=_LARGE_HELP)
    choices = st.container()
    with choices:
        watch = "Open this page" if view is None else f"Watch {plain(view.name)}"
        labels: dict[Aim, str] = {"watch": watch, "start": "Start from this configuration"}
        aim = st.radio(
            "What the link does",
            tuple(labels),
            key="share_aim",
            help=_AIM_HELP,
            format_func=lambda option: labels[option],
            horizontal=True,
        )
        present = st.checkbox("Open in presenter mode", key="share_present", help=_PRESENT_HELP)
        with st.expander("Hide or fix controls of Train"):
            hide = _several("Hide these controls", "share_hide", _HIDE_HELP)
            fix = _several("Fix these values", "share_fix", _FIX_HELP)
    with spot:
        try:
            _draw(link(aim, present=present, hide=hide, fix=fix), _promise(aim, view), large=large)
        except BadInput as err:
            st.error(plain(str(err)))


def _several(label: str, key: str, help_text: str) -> tuple[str, ...]:
    chosen = st.multiselect(
        label, tuple(SETTINGS), key=key, help=help_text, format_func=lambda name: controls.NAMES[name]
    )
    return tuple(chosen)


def link(aim: Aim, *, present: bool = False, hide: tuple[str, ...] = (), fix: tuple[str, ...] = ()) -> str:
    """The link, with the whole address.

    Arguments:
        aim: To watch what is on the screen, or to start from the controls of Train, without a run.
        present: Whether it opens in presenter mode.
        hide: Keys of the controls that are not drawn.
        fix: Keys of the controls that cannot be changed.

    Raises:
        BadInput: The controls describe no configuration to start from.
    """
    said = {"present": int(present), "hide": hide, "fix": fix}
    if aim == "watch":
        page = state.current_page()
        query = state.link_to(page, said)
    else:
        page = "train"
        query = state.link_to(page, values_of(controls.read_config()) | said | {"keep": ()}, with_run=False)
    code = classroom.code()
    if code is not None:
        query["code"] = code
    return f"{address()}/{page}" + (f"?{urlencode(query, safe=',;')}" if query else "")


def address() -> str:
    """Where the app is, as the browser sees it; for a lecturer on the server itself, as the class sees it."""
    url = (st.context.url or "").rstrip("/")
    page = state.current_page()
    found = url.removesuffix(f"/{page}") if page else url
    public, port = st.get_option("browser.serverAddress"), st.get_option("server.port")
    if is_own_machine(found) and classroom.is_class() and public and not classroom.is_loopback(public):
        return f"http://{public}:{port}"
    return found


def is_own_machine(url: str) -> bool:
    """Whether a link means the machine of whoever opens it, so that it leads nobody else here."""
    return classroom.is_loopback(urlsplit(url).hostname or "localhost")


def qr_code(text: str) -> str | None:
    """A QR code as SVG without a size, black on white with its margin; None where the text is too long."""
    if len(text) > MAX_QR:
        return None
    return segno.make(text, error="l", micro=False).svg_inline(omitsize=True, border=4, light="white")


def _promise(aim: Aim, view: JobView | None) -> str:
    """What whoever opens the link gets, and who steers what."""
    if aim == "start":
        said = "Whoever opens it finds your settings on Train, and starts runs of their own."
    elif view is None:
        said = "Whoever opens it sees this page."
    else:
        owner = "this browser" if view.is_owned_by(browser.token()) else "the browser that started it"
        said = f"Whoever opens it watches. Only {owner} steers the run; others may take a copy of it."
    code = classroom.code()
    return said if code is None else f"{said} The class code is **{code}**; the link holds it."


def _draw(text: str, promise: str, *, large: bool) -> None:
    picture = qr_code(text)
    if is_own_machine(text):
        st.warning(
            "This address is this machine's own: nobody else can open it. For a class, start the server with "
            "`python -m dashboard.command --class`, or `vae-dashboard --class` where it is installed."
        )
    if picture is None:
        st.info("This link is too long for a QR code that a telephone can read. Copy it.")
        st.code(text, language=None, wrap_lines=True)
        return
    alt = "QR code of the link."
    if large:
        with st.container(horizontal_alignment="center"):
            _show(picture, alt, width=560)
        st.code(text, language=None, wrap_lines=True)
        return
    left, right = st.columns([2, 3], gap="medium", vertical_alignment="center")
    with left:
        _show(picture, alt, width=240)
    with right:
        st.code(text, language=None, wrap_lines=True)
        st.caption(promise)


def _show(picture: str, alt: str, *, width: int) -> None:
    st.image(picture, width=width, alt=alt)
