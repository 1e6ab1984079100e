"""The only user of Streamlit's session state and of the URL.

``PARAMETERS`` lists everything that a link can say, a line each. A session takes the values of its link over
at its start, and again when the browser goes back or forward; apart from that the session's values decide,
and the URL follows them. Streamlit's own binding of widgets to the URL is not used: it writes the label of an
option, and a label may be reworded. A link says what differs from the defaults, of the page it leads to.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, get_args

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.runs.store import RUN_ID
from dashboard.theme import ThemeName
from vae_core.config import Activation, BetaSchedule, EncoderHead, Likelihood, Optimizer
from vae_core.data import DATASET_INFO

LEARNING_RATES: Final = (1e-4, 3e-4, 1e-3, 2e-3, 5e-3, 1e-2, 3e-2, 0.1, 1.0, 10.0, 1000.0)
MAX_KEPT: Final = 6
"""Earlier runs beside the one in view: more curves than that nobody tells apart."""
EVERY_PAGE: Final = "*"
SPEEDS: Final = ("1", "3", "10", "30", "100", "full")
_RUN = "run"
_NOTICE = "notice"
_LINK_READ = "link_read"


class Kind(Protocol):
    """What a parameter's text in a URL means."""

    def read(self, text: str) -> object:
        """The value; None where the text is malformed."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several ids. ``old`` gives the ids of labels that links held in their place once."""

    options: tuple[str, ...]
    old: Mapping[str, str] = field(default_factory=dict)

    def read(self, text: str) -> str | None:
        """The id."""
        found = self.old.get(text, text)
        return found if found in self.options else None


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number."""

    low: int
    high: int

    def read(self, text: str) -> int | None:
        """The number, where it is in range."""
        if re.fullmatch(r"-?[0-9]{1,12}", text) is None:
            return None
        return value if self.low <= (value := int(text)) <= self.high else None


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number in a range."""

    low: float
    high: float

    def read(self, text: str) -> float | None:
        """The number, where it is allowed."""
        if re.fullmatch(r"-?[0-9]{1,20}(\.[0-9]{1,20})?(e[+-]?[0-9]{1,3})?", text) is None:
            return None
        value = float(text)
        return value if self.low <= value <= self.high else None


@dataclass(frozen=True, slots=True)
class Text:
    """What is typed into a field; the control that reads it says what is wrong with it."""

    longest: int

    def read(self, text: str) -> str | None:
        """The text."""
        return text if len(text) <= self.longest and text.isprintable() else None


@dataclass(frozen=True, slots=True)
class RunId:
    """Names a run."""

    def read(self, text: str) -> str | None:
        """The id."""
        return text if RUN_ID.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class Several:
    """Some of one kind, with commas between them. What is malformed or one too many is left out.

    Arguments:
        of: The kind of each.
        most: How many at most.
    """

    of: Kind
    most: int

    def read(self, text: str) -> tuple[object, ...] | None:
        """The values; None where the text names none."""
        read = (self.of.read(part) for part in text.split(",", self.most)[: self.most])
        return tuple(value for value in read if value is not None) or None


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a link.

    Arguments:
        page: The page it belongs to, as the URL names it; ``EVERY_PAGE``: the links to all pages have it.
        default: What holds where a link does not say it.
        kind: What its text means.
    """

    page: str
    default: Any
    kind: Kind


def views(page: str, **labels: str) -> Parameter:
    """A choice between ids, the first is the default; ``labels`` are what links once said in their place."""
    ids = tuple(labels)
    return Parameter(page, ids[0], Choice(ids, {label: key for key, label in labels.items()}))


def _named(page: str, options: Any) -> Parameter:
    """A choice between the names of a ``Literal``; the first is the default."""
    names = get_args(options)
    return Parameter(page, names[0], Choice(names))


_SETTINGS: Final[Mapping[str, Parameter]] = {
    "dataset": views("train", **{name: info.title for name, info in DATASET_INFO.items()}),
    "data_folder": Parameter("train", "", Text(1000)),
    "latent_dim": Parameter("train", 2, Whole(1, 32)),
    "hidden": Parameter("train", "128", Text(200)),
    "likelihood": _named("train", Likelihood),
    "likelihood_scale": Parameter("train", "0.2", Text(200)),
    "encoder_head": _named("train", EncoderHead),
    "activation": _named("train", Activation),
    "seed": Parameter("train", 0, Whole(0, 2**31 - 1)),
    "num_epochs": Parameter("train", 300, Whole(0, 1_000_000)),
    "batch_size": Parameter("train", 64, Whole(1, 1_000_000)),
    "num_samples": Parameter("train", 1, Whole(1, 1000)),
    "optimizer": _named("train", Optimizer),
    "momentum": Parameter("train", 0.9, Number(0.0, 0.999)),
    "beta_schedule": _named("train", BetaSchedule),
    "schedule_epochs": Parameter("train", 20, Whole(1, 1_000_000)),
    "free_bits": Parameter("train", 0.0, Number(0.0, 100.0)),
    "patience": Parameter("train", 0, Whole(0, 1_000_000)),
    "beta": Parameter("train", 1.0, Number(0.0, 1000.0)),
    "learning_rate": Parameter("train", 2e-3, Number(1e-8, 1000.0)),
    "speed": Parameter("train", "full", Choice(SPEEDS)),
}
"""The controls of Train."""
PARAMETERS: Final[Mapping[str, Parameter]] = {
    **_SETTINGS,
    "hide": Parameter(EVERY_PAGE, (), Several(Choice(tuple(_SETTINGS)), len(_SETTINGS))),
    "fix": Parameter(EVERY_PAGE, (), Several(Choice(tuple(_SETTINGS)), len(_SETTINGS))),
    "present": Parameter(EVERY_PAGE, 0, Whole(0, 1)),
    "keep": Parameter(EVERY_PAGE, (), Several(RunId(), MAX_KEPT)),
    "latent_view": Parameter(
        "latent_space", "neighbours", Choice(("neighbours", "selection", "arithmetic", "projection"))
    ),
    "elbo_view": views(
        "elbo",
        all_examples="All data",
        one_example="One datum",
        watch_q="Watch q move",
        units="Units and pitfalls",
    ),
    "free_energy_view": views(
        "free_energy",
        component="Which component?",
        gaussian="A Gaussian q",
        em="EM",
        errors="Spot the error",
    ),
    "gradients_view": views(
        "gradients", estimators="Estimators", back_propagation="Back-propagation by hand"
    ),
    "estimators_of": views("gradients", function="a one-line function", elbo="this model's datum"),
    "priors_view": views("priors", priors="Priors", weights="Weights"),
    "compare_view": views("compare", reduction="Dimension reduction", optimisers="Optimisers"),
    "optimiser_view": views("compare", race="A race", surface="On a surface"),
}
"""Everything that a link can say beside the run in view, which every page names by ``run``."""


def read_link(query: Mapping[str, str]) -> dict[str, object]:
    """The values that a link gives; what is malformed is left out."""
    found = {key: PARAMETERS[key].kind.read(text) for key, text in query.items() if key in PARAMETERS}
    return {key: value for key, value in found.items() if value is not None}


def write_link(values: Mapping[str, object], page: str) -> dict[str, str]:
    """What a link to a page says: its values that are not the defaults, as text."""
    of_page = {key: one for key, one in _of_page(page).items() if key in values}
    return {key: _text(values[key]) for key, one in of_page.items() if values[key] != one.default}


def _of_page(page: str) -> dict[str, Parameter]:
    return {key: one for key, one in PARAMETERS.items() if one.page in (page, EVERY_PAGE)}


def _text(value: object) -> str:
    """A value as a URL says it, with all the digits it has: ``0.00025``, ``4``; several with commas."""
    if isinstance(value, tuple):
        return ",".join(map(_text, value))
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def follow_link(page: str) -> None:
    """Takes the link over where it is news, then has the URL say what the page shows.

    Call it before the page is drawn: what a control was set to is in the session by then.

    Arguments:
        page: Its path in the URL.
    """
    query = st.query_params.to_dict()
    said = read_link(query)
    if _LINK_READ not in st.session_state:
        st.session_state[_LINK_READ] = True
        for key, parameter in PARAMETERS.items():
            st.session_state[key] = said.get(key, parameter.default)
    elif _went_back():
        of_page = _of_page(page)
        # Where pages change, Streamlit leaves an entry in the history that says nothing of the page left: it
        # must not take back what was chosen there.
        if not said.keys().isdisjoint(of_page):
            for key, parameter in of_page.items():
                st.session_state[key] = said.get(key, parameter.default)
    strange = {key: text for key, text in query.items() if key not in PARAMETERS and key != _RUN}
    run = current_run()
    values = {key: st.session_state[key] for key in PARAMETERS if key in st.session_state}
    wanted = strange | ({} if run is None else {_RUN: run}) | write_link(values, page)
    if wanted != query:
        st.query_params.from_dict(wanted)


def _went_back() -> bool:
    """Whether the browser went back or forward: then the URL decides, not what the session had.

    Streamlit has no public name for this. In any other run the URL may be older than the newest click.
    """
    return bool(getattr(get_script_run_ctx(), "is_history_navigation", False))


def current_run() -> str | None:
    """Id of the run in view: the URL's, else the session's; garbage in the URL counts as none."""
    from_url = st.query_params.get(_RUN, "")
    if RUN_ID.fullmatch(from_url):
        st.session_state[_RUN] = from_url
    return st.session_state.get(_RUN)


def show_run(run_id: str) -> None:
    """Puts a run in view, here and in the URL."""
    st.session_state[_RUN] = run_id
    st.query_params[_RUN] = run_id


def forget_run() -> None:
    """Puts no run in view."""
    st.session_state.pop(_RUN, None)
    st.query_params.pop(_RUN, None)


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
