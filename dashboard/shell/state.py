"""The only user of Streamlit's session state and of the URL.

A session takes the values of its link over at its start, and again when the browser goes back or forward;
apart from that the session's values decide, and the URL follows them, with an entry in the browser's history
for each view and each run, not for each move of a control. With a run in view the URL says what differs from
the settings of that run, else from the defaults. Streamlit's own binding of widgets to the URL is not used:
it writes the label of an option, and a label may be reworded.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.components.address.element import show_address
from dashboard.runs.runner import runner
from dashboard.runs.store import RUN_ID
from dashboard.shell import settings
from dashboard.shell.links import EVERY_PAGE, MAX_KEPT, PARAMETERS, Choice, of_page, read_link, write_link
from dashboard.theme import ThemeName

_RUN = "run"
_NOTICE = "notice"
_LINK_READ = "link_read"
_PAGE = "page"
_AS_OPENED = "as_opened"
_RUN_SETTINGS = "run_settings"
_TOLD = "address_told"
_TAKEN = "taken_from_url"
_FOUND = "found_in_address"
_VIEWS: Final = tuple(
    key
    for key, one in PARAMETERS.items()
    if isinstance(one.kind, Choice) and one.page not in ("train", EVERY_PAGE)
)
"""What a page shows of several: turning to another one is a step that Back takes back."""
_OF_THE_RUN: Final = ("z", "pins", "plane_x", "plane_y", "at_step", "estimators_dim", "bits_back_pixels")
"""What is chosen for one run, and means nothing of another: places, a step, a dimension, its images."""


def follow_link(page: str) -> None:
    """Takes the link over where it is news, then has the URL say what the page shows.

    Call it before the page is drawn: what a control was set to is in the session by then.

    Arguments:
        page: Its path in the URL.
    """
    found = st.session_state.pop(_FOUND, None)
    query = st.query_params.to_dict() if found is None else found
    begins, went_back = found is not None or _LINK_READ not in st.session_state, _went_back()
    if begins or went_back:
        st.session_state[_LINK_READ] = True
        _take_run(query.get(_RUN, ""))
        _take(read_link(query), PARAMETERS if begins else of_page(page))
    if begins or went_back or st.session_state.get(_PAGE) != page:
        st.session_state[_AS_OPENED] = {key: st.session_state.get(key) for key in of_page(page)}
    st.session_state[_PAGE] = page
    draw_address("page")


def _take(said: Mapping[str, Any], parameters: Iterable[str]) -> None:
    """Sets parameters to what a link says, else to the settings of the run in view, else to the defaults."""
    of_run = run_settings()
    for key in parameters:
        value = said[key] if key in said else of_run.get(key, PARAMETERS[key].default)
        if value is None:  # a control that starts empty, or with a choice of its own
            st.session_state.pop(key, None)
        else:
            st.session_state[key] = value


def _take_run(run_id: str) -> None:
    """Puts the run that the URL names in view; garbage names none."""
    if RUN_ID.fullmatch(run_id) is not None:
        st.session_state[_RUN] = run_id


def _begin_again(where: str) -> None:
    """Takes the address over that a page kept while its session was lost, and forgets the older one."""
    found = getattr(st.session_state.get(f"address_{where}"), "found", None)
    if isinstance(found, str):
        forget_run()
        st.session_state[_FOUND] = dict(parse_qsl(found, keep_blank_values=True))


class _Shown(NamedTuple):
    """What a page shows that is worth an entry of its own in the browser's history."""

    page: str
    run: str | None
    views: tuple[object, ...]

    def follows(self, before: "_Shown") -> bool:
        """Whether Back leads to the one before. Another page makes its entry by itself."""
        another_run = before.run is not None and self.run != before.run
        return self.page == before.page and (another_run or self.views != before.views)


class _Told(NamedTuple):
    """What the browser was told of its address, as :func:`show_address` has it."""

    shown: _Shown
    query: Mapping[str, str]
    is_new: bool
    order: int
    begins: bool


def draw_address(where: str) -> None:
    """Has the URL say what the session holds. Every page does so; so does a part that is drawn alone.

    Arguments:
        where: Names the part of the page.
    """
    page, query = current_page(), st.query_params.to_dict()
    gone = (*PARAMETERS, _RUN, *st.session_state.get(_TAKEN, ()))
    wanted = {key: text for key, text in query.items() if key not in gone} | link_to(page)
    views = tuple(st.session_state.get(key) for key in _VIEWS if key in of_page(page))
    shown = _Shown(page, current_run(), views)
    told: _Told | None = st.session_state.get(_TOLD)
    went_back = _went_back()
    if told is None or went_back or (page, wanted) != (told.shown.page, told.query):
        is_new = told is not None and not went_back and shown.follows(told.shown)
        # By the clock, so that a page that outlives its server takes the next session's word, too.
        order = max(time.time_ns() // 1000, 0 if told is None else told.order + 1)
        told = st.session_state[_TOLD] = _Told(shown, wanted, is_new, order, told is None)
    show_address(
        page,
        urlencode(wanted),
        where=where,
        is_new=told.is_new,
        order=told.order,
        # Until there is another word: the first drawing may be cut short, or another part may come before it.
        begins=told.begins,
        on_found=lambda: _begin_again(where),
    )


def link_to(page: str, changed: Mapping[str, Any] | None = None, *, with_run: bool = True) -> dict[str, str]:
    """What the link to a page says: the run in view, and what differs from its settings.

    Arguments:
        page: As the URL names it.
        changed: Values to say in the place of those of now.
        with_run: Whether it names the run; without, it says what differs from the defaults.
    """
    run_id = current_run() if with_run else None
    values = {key: st.session_state.get(key, one.default) for key, one in of_page(page).items()}
    values |= dict(changed or {})
    if run_id is None:
        return write_link(values, page)
    return {_RUN: run_id} | write_link(values, page, instead=run_settings())


def current_page() -> str:
    """The page that is drawn, as the URL names it."""
    return st.session_state.get(_PAGE, "")


def as_opened(key: str) -> Any:
    """A parameter's value when the page was turned to: for elements that go on from there by themselves."""
    found = st.session_state.get(_AS_OPENED, {}).get(key)
    return PARAMETERS[key].default if found is None else found


def run_settings() -> Mapping[str, Any]:
    """What the run in view began with, by the names of the parameters; empty without a run."""
    run_id = current_run()
    known = st.session_state.get(_RUN_SETTINGS)
    if known is None or known[0] != run_id:
        config = None if run_id is None else runner().store.config(run_id)
        known = (run_id, {} if config is None else settings.values_of(config))
        st.session_state[_RUN_SETTINGS] = known
    return known[1]


def _went_back() -> bool:
    """Whether the browser went back or forward: then the URL decides, not what the session had.

    Streamlit has no public name for this. In any other run the URL may be older than the newest click.
    """
    return bool(getattr(get_script_run_ctx(), "is_history_navigation", False))


def current_run() -> str | None:
    """Id of the run in view."""
    return st.session_state.get(_RUN)


def show_run(run_id: str) -> None:
    """Puts a run in view as it stands; points of another run's latent space mean nothing there."""
    st.session_state[_RUN] = run_id
    for key in _OF_THE_RUN:
        st.session_state.pop(key, None)


def forget_run() -> None:
    """Puts no run in view."""
    st.session_state.pop(_RUN, None)


def kept_runs() -> tuple[str, ...]:
    """Ids of the runs whose curves stay beside those of the run in view, in the order of keeping."""
    return st.session_state.get("keep", ())


def keep_run(run_id: str) -> None:
    """Keeps a run's curves in view; of more than ``MAX_KEPT`` the first ones go."""
    st.session_state["keep"] = (*(kept for kept in kept_runs() if kept != run_id), run_id)[-MAX_KEPT:]


def drop_run(run_id: str) -> None:
    """Ends what :func:`keep_run` began."""
    st.session_state["keep"] = tuple(kept for kept in kept_runs() if kept != run_id)


def is_presenting() -> bool:
    """Whether the page is drawn for a projector: large type, few controls."""
    return bool(st.session_state.get("present"))


def present(on: bool) -> None:
    """Turns the drawing for a projector on or off."""
    st.session_state["present"] = int(on)


def hidden_controls() -> frozenset[str]:
    """Keys of the controls that the link hides; what it says of their values holds."""
    return frozenset(st.session_state.get("hide", ()))


def fixed_controls() -> frozenset[str]:
    """Keys of the controls that the link shows and does not let be changed."""
    return frozenset(st.session_state.get("fix", ()))


def take_from_url(key: str) -> str | None:
    """Takes a word out of the URL that must not stay in it, once; None where there is none."""
    taken = st.session_state.setdefault(_TAKEN, set())
    text = None if key in taken else st.query_params.get(key)
    if text is not None:
        taken.add(key)
    return text


def clear_address(page: str) -> None:
    """Has the URL lose what was taken out of it, and keep the rest, which nobody has read yet.

    Arguments:
        page: Its path in the URL.
    """
    taken = st.session_state.get(_TAKEN, set())
    rest = {key: text for key, text in st.query_params.to_dict().items() if key not in taken}
    show_address(page, urlencode(rest), where="door", is_new=False, order=len(taken))


def control(key: str) -> object:
    """The value of the control with this key; None where it has none yet."""
    return st.session_state.get(key)


def set_control(key: str, value: object) -> None:
    """Sets a control before it is drawn, or in a callback."""
    st.session_state[key] = value


def say_next(message: str) -> None:
    """Leaves one sentence for the next drawing of the page (callbacks draw above everything)."""
    st.session_state[_NOTICE] = message


def pop_notice() -> str | None:
    """The sentence that a callback left, once."""
    return st.session_state.pop(_NOTICE, None)


def theme_name() -> ThemeName:
    """The theme that the browser shows."""
    return "dark" if st.context.theme.type == "dark" else "light"
