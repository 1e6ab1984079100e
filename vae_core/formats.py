"""The formats of a run's configuration: their numbers, and what older ones left unstated."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from vae_core.checks import shown
from vae_core.errors import BadInput

FORMAT: Final = 9
"""Of a configuration, and of the run file that holds one. It rises with each column of the curves, which an
older version would take for damage, and with each setting that decides a run: one that is unknown to a
version that reads the format may be left aside."""
HELD_OUT_PATIENCE: Final = "held_out_patience"
"""What formats 1 to 3 meant by patience: it watched the held-out part, kept the last weights, and trained
on all of the training part. It is kept by this name and has no effect any more."""


class _Unstated(NamedTuple):
    """Settings that formats up to one did not state, with what was meant.

    Arguments:
        up_to: The last of those formats.
        run, model, train: Values by name, of the three parts of a configuration.
    """

    up_to: int
    run: Mapping[str, Any] = {}
    model: Mapping[str, Any] = {}
    train: Mapping[str, Any] = {}


_UNSTATED: Final = (
    _Unstated(1, run={"device": "cpu"}, model={"prior": "standard_normal", "num_components": 50}),
    _Unstated(2, run={"data_transposed": False}),
    _Unstated(
        4,
        run={"num_examples": None, "data_noise": 1.0, "binarised": "no"},
        model={"architecture": "mlp", "image_shape": None, "initial_weights": "he"},
        train={"objective": "elbo"},
    ),
    _Unstated(5, run={"condition": "none"}, model={"num_conditions": 0}),
    _Unstated(7, run={"condition_on": ""}),
)


def check_format(found: object) -> int:
    """Returns the number of a format that is read here, or raises :class:`BadInput` (code ``format``)."""
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        message = f"a run has a format number, this has {shown(found)}"
        raise BadInput("format", message, "choose a file that this app exported")
    if found > FORMAT:
        message = f"the run was made by a newer version: format {shown(found)}, this one reads up to {FORMAT}"
        raise BadInput("format", message, "update the app; the file is left as it is")
    return found


def upgraded(values: object, found: int) -> object:
    """Plain values of a configuration in format ``found``, with what was meant where that states nothing.

    Example:
        >>> upgraded({"model": {"data_dim": 64}}, 1)["model"]["prior"]
        'standard_normal'
    """
    if not isinstance(values, dict):
        return values
    model, train = values.get("model"), values.get("train")
    for unstated in _UNSTATED:
        if found <= unstated.up_to:
            values = {**unstated.run, **values}
            model = {**unstated.model, **model} if isinstance(model, dict) else model
            train = {**unstated.train, **train} if isinstance(train, dict) else train
    if found <= 3 and isinstance(train, dict) and train.get("patience") is not None:
        train = {**train, "patience": None, HELD_OUT_PATIENCE: train["patience"]}
    parts = {"model": model, "train": train}
    return {**values, **{name: part for name, part in parts.items() if name in values}}
