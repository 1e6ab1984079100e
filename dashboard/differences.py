"""What the configurations of runs differ in, and names for the runs made of that: the same on all pages."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from dashboard.labels import LABELS, NAMES, data_title
from dashboard.shell import settings
from dashboard.shell.controls import DIGITS
from vae_core.config import RunConfig

MAX_NAME: Final = 40
MAX_SAID: Final = 2
"""Settings that a label names."""
_LENGTH: Final = ("num_epochs", "patience")
"""How long a run trains: no property of its curves."""
_WITHOUT_EFFECT: Final[Mapping[str, Callable[[RunConfig], bool]]] = {
    "hidden": lambda config: config.model.architecture == "conv",
    "channels": lambda config: config.model.architecture != "conv",
    "num_components": lambda config: config.model.prior == "standard_normal",
    "momentum": lambda config: config.train.optimizer == "adam",
    "schedule_epochs": lambda config: config.train.beta_schedule == "constant",
}
"""Settings that decide nothing in some runs: there is no difference in them."""
_IMAGES: Final = ("data_folder", "data_set", "data_orientation")
_SHORT: Final[Mapping[str, str]] = {
    "beta": "β",
    "latent_dim": "J =",
    "learning_rate": "η",
    "seed": "seed",
    "batch_size": "B =",
    "num_samples": "M =",
    "hidden": "hidden",
    "channels": "channels",
    "num_examples": "n =",
    "data_noise": "noise",
    "binarised": "binarised",
    "condition": "given",
    "condition_on": "given",
    "encoder_head": "encoder",
    "prior": "prior",
    "likelihood_scale": "s =",
    "num_components": "K =",
    "momentum": "momentum",
    "beta_schedule": "β",
    "schedule_epochs": "schedule in epochs",
    "free_bits": "free bits",
    "num_epochs": "epochs",
    "patience": "patience",
}
_FIRST: Final = (
    "beta",
    "objective",
    "dataset",
    "latent_dim",
    "likelihood",
    "architecture",
    "hidden",
    "channels",
)
"""What a reader would name first."""
_TEXTS: Final[Mapping[str, Callable[[Any], str]]] = {
    "dataset": lambda name: data_title(str(name)),
    "hidden": lambda sizes: "–" if sizes is None else sizes or "none",
    "condition_on": lambda name: name or "–",
    "num_examples": lambda count: "usual" if count is None else f"{count:,}",
    "num_epochs": lambda count: "until stopped" if count is None else f"{count:,}",
    "patience": lambda count: "never" if count is None else f"{count:,}",
}


def written(key: str, value: object) -> str:
    """A setting's value as the page writes it."""
    if key in _TEXTS:
        return _TEXTS[key](value)
    if isinstance(value, float):
        return DIGITS % value
    return LABELS.get(str(value), "–" if value is None else str(value))


def differing(configs: Sequence[RunConfig]) -> dict[str, list[object]]:
    """The settings in which the runs differ, by key, with the value of each run.

    Example:
        >>> from dataclasses import replace
        >>> from vae_core.config import ModelConfig, RunConfig, TrainConfig
        >>> one = RunConfig(model=ModelConfig(data_dim=64))
        >>> differing([one, replace(one, train=TrainConfig(beta=4.0))])
        {'beta': [1.0, 4.0]}
    """
    found = [_settings_of(config) for config in configs]
    keys = (
        *_FIRST,
        *(key for key in NAMES if key not in (*_FIRST, "points_likelihood")),
    )  # ``likelihood`` says it
    columns: dict[str, list[object]] = {key: [values.get(key) for values in found] for key in keys}
    return {key: values for key, values in columns.items() if any(value != values[0] for value in values)}


def _settings_of(config: RunConfig) -> dict[str, Any]:
    """What the controls hold, without what decides nothing."""
    unused = {key for key, is_unused in _WITHOUT_EFFECT.items() if is_unused(config)}
    return {key: value for key, value in settings.values_of(config).items() if key not in unused}


def difference(config: RunConfig, other: RunConfig) -> str:
    """What ``other`` has that ``config`` has not, in a few words; "" where their curves should be the same.

    Example:
        >>> from dataclasses import replace
        >>> from vae_core.config import ModelConfig, RunConfig, TrainConfig
        >>> one = RunConfig(model=ModelConfig(data_dim=64))
        >>> difference(one, replace(one, train=TrainConfig(beta=0.1), seed=3))
        'β 0.1 · seed 3'
    """
    found = differing([config, other])
    left_out = _LENGTH + (_IMAGES if "dataset" in found else ())
    # Folder, data set in it and orientation are one thing: other data.
    texts = (_short(key, values[1]) for key, values in found.items() if key not in left_out)
    said = list(dict.fromkeys(text for text in texts if text))
    more = len(said) - MAX_SAID
    return " · ".join(said[:MAX_SAID]) + (f" +{more}" if more > 0 else "")


def shortened(name: str) -> str:
    """A name that somebody gave, as long as a label may be."""
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"


def labels(names: Sequence[str], given: Sequence[str], configs: Sequence[RunConfig]) -> list[str]:
    """A label for each run that no other has: its given name, else what it differs in, else its own name.

    Arguments:
        names: Own names, which differ: ``Run a3f1``.
        given: Names that people gave; empty for none.
        configs: What the runs are.
    """
    columns = list(differing(configs).items())[:MAX_SAID]
    said = [
        shortened(name) or " · ".join(filter(None, (_short(key, values[number]) for key, values in columns)))
        for number, name in enumerate(given)
    ]
    counts = Counter(said)
    return [
        text if text and counts[text] == 1 else f"{text} · {own}".removeprefix(" · ")
        for text, own in zip(said, names, strict=True)
    ]


def _short(key: str, value: object) -> str:
    if key in _IMAGES:
        return "other data"  # a folder of the server is nobody's business
    if (key, value) in (("condition", "number"), ("condition_on", "")):
        return ""  # the name of the number says it
    if value is None and key in _WITHOUT_EFFECT:
        return ""
    if key == "hidden" and not value:
        return "no hidden layers"
    text = written(key, value)
    return f"{_SHORT[key]} {text}" if key in _SHORT else text
