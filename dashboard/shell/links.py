"""What a link says: every parameter a line, with its meaning as text and back.

A link says what differs from the defaults, of the page it leads to. No Streamlit here:
:mod:`dashboard.shell.state` brings the values into the session and the URL.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, Protocol, get_args

from dashboard.runs.store import RUN_ID
from vae_core.config import (
    MAX_COMPONENTS,
    MAX_CONDITIONS,
    MAX_MADE,
    MAX_NAME,
    MAX_NOISE,
    MIN_MADE,
    REAL_VALUED,
    RECTIFIED,
    Activation,
    Architecture,
    BetaSchedule,
    Binarised,
    Condition,
    EncoderHead,
    InitialWeights,
    Likelihood,
    Objective,
    Optimizer,
    Prior,
)
from vae_core.data import DATASET_INFO
from vae_core.data.own import NAME

MAX_KEPT: Final = 6
"""Earlier runs beside the one in view: more curves than that nobody tells apart."""
MAX_COMPARED: Final = 24
"""Runs side by side on Compare: a link holds so many."""
EVERY_PAGE: Final = "*"
RATES: Final = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Learning rates of the laboratory of optimisers."""
SPEEDS: Final = ("1", "3", "10", "30", "100", "full")
MAX_LATENT_DIM: Final = 32
"""More latent dimensions than the pages can show beside each other."""
NONE: Final = "none"
"""How a link says None: of a number of epochs, that there is no end."""


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
class DataName(Choice):
    """A data set: one of the catalogue, or one that somebody brought, whose name nobody can guess."""

    def read(self, text: str) -> str | None:
        """The name."""
        return text if NAME.fullmatch(text) else Choice.read(self, text)


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
class OneOf:
    """One of a few numbers."""

    options: tuple[float, ...]

    def read(self, text: str) -> float | None:
        """The number."""
        return next((option for option in self.options if text == text_of(option)), None)


@dataclass(frozen=True, slots=True)
class Switch:
    """On or off, as 1 or 0."""

    def read(self, text: str) -> bool | None:
        """Whether it is on."""
        return {"1": True, "0": False}.get(text)


@dataclass(frozen=True, slots=True)
class Several:
    """Some of one kind, with commas between them. What is malformed or one too many is left out.

    Arguments:
        of: The kind of each.
        most: How many at most.
        distinct: Whether each counts once.
    """

    of: Kind
    most: int
    distinct: bool = True

    def read(self, text: str) -> tuple[object, ...] | None:
        """The values; None where the text names none."""
        read = (self.of.read(part) for part in text.split(",", self.most)[: self.most])
        found = tuple(value for value in read if value is not None)
        return (tuple(dict.fromkeys(found)) if self.distinct else found) or None


@dataclass(frozen=True, slots=True)
class Points:
    """Points of the latent space, with semicolons between them and commas between their coordinates.

    Arguments:
        most: How many at most.
    """

    most: int

    def read(self, text: str) -> tuple[tuple[object, ...], ...] | None:
        """The points; None where the text names none."""
        read = (COORDINATES.read(part) for part in text.split(";", self.most)[: self.most])
        return tuple(point for point in read if point) or None


ID: Final = Text(40)
"""Of an option; the control that reads it knows which there are."""
COORDINATES: Final = Several(Number(-1000.0, 1000.0), MAX_LATENT_DIM, distinct=False)


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


def _rates(key: str, *defaults: float) -> dict[str, Parameter]:
    """A learning rate for each of the three optimisers of a laboratory."""
    return {
        f"{key}{number}": Parameter("compare", rate, OneOf(RATES)) for number, rate in enumerate(defaults)
    }


SETTINGS: Final[Mapping[str, Parameter]] = {
    "dataset": Parameter(
        "train",
        "digits",
        DataName(tuple(DATASET_INFO), {info.title: name for name, info in DATASET_INFO.items()}),
    ),
    "data_folder": Parameter("train", "", Text(4096)),
    "data_set": Parameter("train", "", Text(400)),
    "data_orientation": Parameter("train", "as_stored", Choice(("as_stored", "transposed"))),
    "num_examples": Parameter("train", None, Whole(MIN_MADE, MAX_MADE)),
    "data_noise": Parameter("train", 1.0, Number(0.0, MAX_NOISE)),
    "binarised": _named("train", Binarised),
    "condition": _named("train", Condition),
    "condition_on": Parameter("train", "", Text(MAX_NAME)),
    "latent_dim": Parameter("train", 2, Whole(1, MAX_LATENT_DIM)),
    "architecture": _named("train", Architecture),
    "hidden": Parameter("train", "128", Text(200)),
    "channels": Parameter("train", "16, 32", Text(200)),
    "likelihood": _named("train", Likelihood),
    "points_likelihood": Parameter("train", "gaussian", Choice(REAL_VALUED)),
    "likelihood_scale": Parameter("train", "0.2", Text(200)),
    "encoder_head": _named("train", EncoderHead),
    "activation": _named("train", Activation),
    "initial_weights": _named("train", InitialWeights),
    "prior": _named("train", Prior),
    "num_components": Parameter("train", 50, Whole(1, MAX_COMPONENTS)),
    "seed": Parameter("train", 0, Whole(0, 2**31 - 1)),
    "num_epochs": Parameter("train", None, Whole(0, 1_000_000)),
    "objective": _named("train", Objective),
    "batch_size": Parameter("train", 64, Whole(1, 1_000_000)),
    "num_samples": Parameter("train", 1, Whole(1, 1000)),
    "optimizer": _named("train", Optimizer),
    "momentum": Parameter("train", 0.9, Number(0.0, 0.999)),
    "beta_schedule": _named("train", BetaSchedule),
    "schedule_epochs": Parameter("train", 20, Whole(1, 1_000_000)),
    "free_bits": Parameter("train", 0.0, Number(0.0, 100.0)),
    "patience": Parameter("train", None, Whole(1, 1_000_000)),
    "beta": Parameter("train", 1.0, Number(0.0, 1000.0)),
    "learning_rate": Parameter("train", 2e-3, Number(1e-8, 1000.0)),
    "speed": Parameter("train", "full", Choice(SPEEDS)),
}
"""What the controls of Train set: a run's configuration, and how fast it goes."""
PARAMETERS: Final[Mapping[str, Parameter]] = {
    **SETTINGS,
    "hide": Parameter(EVERY_PAGE, (), Several(Choice(tuple(SETTINGS)), len(SETTINGS))),
    "fix": Parameter(EVERY_PAGE, (), Several(Choice(tuple(SETTINGS)), len(SETTINGS))),
    "present": Parameter(EVERY_PAGE, 0, Whole(0, 1)),
    "board_colour": Parameter("train", "classes", Text(20)),
    "at_step": Parameter("train", None, Whole(0, 10**12 - 1)),
    "keep": Parameter(EVERY_PAGE, (), Several(RunId(), MAX_KEPT)),
    "given_class": Parameter(EVERY_PAGE, 0, Whole(0, MAX_CONDITIONS - 1)),
    "given_number": Parameter(EVERY_PAGE, None, Number(-1e100, 1e100)),
    **{f"given_number_{more}": Parameter("compare", None, Number(-1e100, 1e100)) for more in (1, 2, 3)},
    "runs_search": Parameter("runs", "", Text(200)),
    "runs_sort": Parameter("runs", "newest", Choice(("newest", "name", "data", "elbo", "beta", "step"))),
    "data_chosen": Parameter("data", "digits", DataName(tuple(DATASET_INFO))),
    "latent_view": Parameter(
        "latent_space", "neighbours", Choice(("neighbours", "selection", "arithmetic", "projection"))
    ),
    "plane_colour": Parameter("latent_space", "classes", Text(20)),
    "plane_x": Parameter("latent_space", None, Whole(0, MAX_LATENT_DIM - 1)),
    "plane_y": Parameter("latent_space", None, Whole(0, MAX_LATENT_DIM - 1)),
    "z": Parameter("latent_space", (), COORDINATES),
    "pins": Parameter("latent_space", (), Points(2)),
    "neighbour_example": Parameter("latent_space", 0, Whole(0, 1_000_000)),
    "neighbour_kind": Parameter("latent_space", "mean", ID),
    "neighbour_metric": Parameter("latent_space", "euclidean", ID),
    "style_example": Parameter("latent_space", 0, Whole(0, 1_000_000)),
    "arithmetic_example": Parameter("latent_space", 0, Whole(0, 1_000_000)),
    "arithmetic_plus": Parameter("latent_space", None, Whole(0, 1_000_000)),
    "arithmetic_minus": Parameter("latent_space", None, Whole(0, 1_000_000)),
    "arithmetic_share": Parameter("latent_space", 1.0, Number(0.0, 2.0)),
    "traversal_all": Parameter("latent_space", False, Switch()),
    "grid_density": Parameter("latent_space", False, Switch()),
    "grid_base": Parameter("latent_space", "zero", ID),
    "grid_spacing": Parameter("latent_space", "quantiles", ID),
    "grid_size": Parameter("latent_space", 12, Whole(4, 24)),
    "grid_range": Parameter("latent_space", 3.0, Number(1.0, 5.0)),
    "grid_morph": Parameter("latent_space", 1.0, Number(0.0, 1.0)),
    "elbo_split": Parameter("elbo", "held_out", Choice(("held_out", "training"))),
    "elbo_samples": Parameter("elbo", 1, OneOf((1, 3, 10, 30, 100))),
    "elbo_components": Parameter("elbo", 3, OneOf((1, 2, 3, 4, 5))),
    "elbo_example_held_out": Parameter("elbo", 0, Whole(0, 1_000_000)),
    "elbo_example_training": Parameter("elbo", 0, Whole(0, 1_000_000)),
    "elbo_view": views(
        "elbo",
        all_examples="All data",
        one_example="One datum",
        watch_q="Watch q move",
        ladder="Richer q",
        bits_back="Nats as bytes",
        causes="Known causes",
        units="Units and pitfalls",
    ),
    "bits_back_pixels": Parameter("elbo", "", ID),
    "causes_cause": Parameter("elbo", "", ID),
    "reduce_pixels": Parameter("elbo", "sum", ID),
    "reduce_latent": Parameter("elbo", "sum", ID),
    "reduce_batch": Parameter("elbo", "mean", ID),
    "reduce_kl_batch": Parameter("elbo", "mean", ID),
    "reduce_squared": Parameter("elbo", False, Switch()),
    "free_energy_view": views(
        "free_energy",
        component="Which component?",
        gaussian="A Gaussian q",
        derivation="Derive it",
        em="EM",
        errors="Spot the error",
    ),
    "fe_x": Parameter("free_energy", 0.3, Number(-4.0, 4.0)),
    "fe_space": Parameter("free_energy", "line", ID),
    "fe_place": Parameter("free_energy", 0.2, Number(-4.0, 4.0)),
    "derivation_track": Parameter("free_energy", "lagrange", ID),
    "derivation_example": Parameter("free_energy", 0, Whole(0, 1_000_000)),
    "derivation_all": Parameter("free_energy", False, Switch()),
    "em_family": Parameter("free_energy", "gaussian", ID),
    "em_covariance": Parameter("free_energy", "full", ID),
    "em_data": Parameter("free_energy", "iris", ID),
    "em_data_bernoulli": Parameter("free_energy", "digits", ID),
    "em_data_poisson": Parameter("free_energy", "digits", ID),
    "em_data_categorical": Parameter("free_energy", "iris_thirds", ID),
    "em_columns": Parameter("free_energy", (), Several(Whole(1, 64), 64)),
    "em_components": Parameter("free_energy", 3, Whole(1, 8)),
    "em_start": Parameter("free_energy", 1, Whole(1, 6)),
    "em_epsilon": Parameter("free_energy", "0.001", ID),
    "misprint_example": Parameter("free_energy", 0, Whole(0, 1_000_000)),
    "gradients_view": views(
        "gradients",
        estimators="Estimators",
        back_propagation="Back-propagation by hand",
        importance_weighted="Importance weighting",
    ),
    "estimators_of": views("gradients", function="a one-line function", elbo="this model's datum"),
    "estimators_f": Parameter("gradients", "z + z²", ID),
    "estimators_mean": Parameter("gradients", 0.7, Number(-3.0, 3.0)),
    "estimators_std": Parameter("gradients", 0.5, Number(0.1, 2.0)),
    "estimators_samples": Parameter("gradients", 8, OneOf((1, 2, 4, 8, 16, 32, 64, 128, 256))),
    "estimators_error": Parameter("gradients", False, Switch()),
    "estimators_dim": Parameter("gradients", None, Whole(1, MAX_LATENT_DIM)),
    "bp_subject": Parameter("gradients", "small", ID),
    "bp_slip": Parameter("gradients", "none", ID),
    "bp_head": Parameter("gradients", "log_variance", ID),
    "bp_output": Parameter("gradients", "bernoulli", ID),
    "bp_activation": Parameter("gradients", "tanh", ID),
    "bp_seed": Parameter("gradients", 0, Whole(0, 999)),
    "bp_example": Parameter("gradients", 0, Whole(0, 1_000_000)),
    "bp_noise": Parameter("gradients", 0, Whole(0, 999)),
    "bp_samples": Parameter("gradients", 1, Whole(1, 5)),
    "bp_sample": Parameter("gradients", 0, Whole(0, 9)),
    "bp_step": Parameter("gradients", 0, Whole(0, 99)),
    "bp_unit": Parameter("gradients", 1, Whole(1, 1_000_000)),
    "priors_view": views("priors", priors="Priors", weights="Weights"),
    "prior_k": Parameter("priors", 20, OneOf((1, 2, 5, 10, 20, 50, 100, 200))),
    "priors_data": Parameter("priors", "digits", ID),
    "priors_k": Parameter("priors", 50, OneOf((2, 5, 10, 20, 50, 100))),
    "priors_epochs": Parameter("priors", 100, OneOf((20, 50, 100, 200, 400))),
    "priors_seed": Parameter("priors", 0, Whole(0, 2**31 - 1)),
    "priors_shown": Parameter("priors", "vamp", ID),
    "w_line_data": Parameter("priors", 20, Whole(2, 1_000)),
    "w_line_prior": Parameter("priors", 0.5, Number(0.1, 3.0)),
    "w_line_count": Parameter("priors", "once", ID),
    "w_data": Parameter("priors", 50, Whole(20, 200)),
    "w_over": Parameter("priors", "decoder", ID),
    "w_prior": Parameter("priors", "1", ID),
    "w_form": Parameter("priors", "divided", ID),
    "compare_view": views("compare", runs="Runs", reduction="Dimension reduction", optimisers="Optimisers"),
    "compare_runs": Parameter("compare", (), Several(RunId(), MAX_COMPARED)),
    "sweep_betas": Parameter("compare", "0.1, 0.5, 1, 2, 4", Text(200)),
    "sweep_epochs": Parameter("compare", 30, Whole(1, 100_000)),
    "dr_data": Parameter("compare", "digits", DataName(tuple(DATASET_INFO))),
    "dr_seed": Parameter("compare", 0, Whole(0, 2**31 - 1)),
    "dr_question": Parameter("compare", "plane", ID),
    "optimiser_view": views("compare", race="A race", surface="On a surface"),
    "race_data": Parameter("compare", "small", ID),
    "race_batch": Parameter("compare", "32", ID),
    "race_epochs_small": Parameter("compare", 40, Whole(1, 10_000)),
    "race_epochs_run": Parameter("compare", 100, Whole(1, 10_000)),
    "race_stop": Parameter("compare", "patience", ID),
    "race_patience": Parameter("compare", 3, Whole(1, 50)),
    "race_tolerance": Parameter("compare", 0.03, OneOf((0.001, 0.01, 0.03, 0.1, 0.3, 1.0))),
    "race_against": Parameter("compare", "updates", ID),
    **_rates("race_rate", 0.02, 0.005, 0.005),
    "surface_example": Parameter("compare", 0, Whole(0, 1_000_000)),
    "surface_z1": Parameter("compare", 2.5, Number(-10.0, 10.0)),
    "surface_z2": Parameter("compare", -2.0, Number(-10.0, 10.0)),
    **_rates("surface_rate", 0.01, 0.005, 0.1),
}
"""Everything that a link can say beside the run in view, which every page names by ``run``."""


# Each run of the script asks a dozen times; pages are few.
@lru_cache(maxsize=64)
def of_page(page: str) -> Mapping[str, Parameter]:
    """The parameters that a link to a page has."""
    return MappingProxyType({key: one for key, one in PARAMETERS.items() if one.page in (page, EVERY_PAGE)})


def read_link(query: Mapping[str, str]) -> dict[str, Any]:
    """The values that a link gives; what is malformed is left out."""
    found: dict[str, Any] = {}
    for key, text in query.items():
        if key not in PARAMETERS:
            continue
        value = PARAMETERS[key].kind.read(text)
        if value is not None or (text == NONE and PARAMETERS[key].default is None):
            found[key] = value
    if found.get("activation") in RECTIFIED:
        found.setdefault("initial_weights", "he")  # what links meant when there was no other choice
    return found


def write_link(
    values: Mapping[str, object], page: str, *, instead: Mapping[str, object] | None = None
) -> dict[str, str]:
    """What a link to a page says: its values that are not the defaults, as text.

    Arguments:
        values: By the names of the parameters.
        page: Its path in the URL.
        instead: Values that hold where the link does not say them, in the place of the defaults.
    """
    held = {key: one.default for key, one in of_page(page).items()} | dict(instead or {})
    said = [key for key in of_page(page) if key in values and values[key] != held[key]]
    if "activation" in said and values["activation"] in RECTIFIED:
        said.append("initial_weights")  # without it the link would be an old one
    return {key: text_of(values[key]) for key in dict.fromkeys(said)}


def text_of(value: object) -> str:
    """A value as a link says it, with all the digits it has.

    Example:
        >>> text_of(0.00025), text_of(4.0), text_of(None), text_of(((0.5, -1.0), (2.0, 0.0)))
        ('0.00025', '4', 'none', '0.5,-1;2,0')
    """
    if value is None:
        return NONE
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, tuple):
        return (";" if value and isinstance(value[0], tuple) else ",").join(map(text_of, value))
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
