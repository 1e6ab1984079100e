"""A run is one ``.safetensors`` file: weights, training state, history, settings. Nothing is unpickled."""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from vae_core.checks import check_integer, shown
from vae_core.config import RunConfig, unknown_settings
from vae_core.data.conditions import Y_SCALE, Classes, Known, kept_number
from vae_core.errors import BadInput
from vae_core.formats import FORMAT, HELD_OUT_PATIENCE, check_format, upgraded
from vae_core.model import VAE
from vae_core.runs.atomic import write_atomically
from vae_core.runs.snapshot import HISTORY_COLUMNS, VALIDATION_COLUMNS, known_columns

MAX_FILE_BYTES: Final = 64 * 2**20
MAX_HEADER_BYTES: Final = 2**20
MAX_TENSORS: Final = 500
MAX_COUNT: Final = 10**12
"""Of steps and epochs: a training takes a year for 10^11."""
STATUSES: Final = ("running", "paused", "finished", "stopped", "stopped_early", "interrupted", "diverged")
_MODEL, _STATE = "model.", "state."
_HINT: Final = "export the run again, or train it anew"
_OF_CHOICE: Final = ("later", "validation")
"""Tables of a run that chose a step by a validation part."""
_HELD_OUT_PATIENCE: Final = (
    "The run is of an older version, whose patience watched the held-out part: where it stopped early, its "
    "held-out numbers are a little too good. It goes on without patience."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A training as it was kept.

    Arguments:
        config: Everything that decided it.
        weights: The model's parameters by name.
        history: Rows of ``HISTORY_COLUMNS``, shape (rows, 13), float64.
        status: How it stood: one of ``STATUSES``.
        later: Rows of the history after its step, where it ended at a later one and went back to its best.
        validation: Rows of ``VALIDATION_COLUMNS``, those after its step among them, shape (rows, 4).
        state_tensors: Optimiser, generator and order of the data, for resuming bit for bit.
        state_scalars: Step, epoch and what else is a plain value.
        data_digest: SHA-256 of the files that its data were read from, in hex; empty where there are none, or
            where a version that did not note it wrote the file.
        unknown: Settings of its file that this version does not know: kept when it is saved, and not used.
        digest: SHA-256 of all of it, as its file states it, in hex; empty for a run that was not read.
    """

    config: RunConfig
    weights: Mapping[str, Tensor]
    history: NDArray[np.float64]
    status: str
    state_tensors: Mapping[str, Tensor] = field(default_factory=dict)
    state_scalars: Mapping[str, Any] = field(default_factory=dict)
    data_digest: str = ""
    unknown: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""
    later: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, len(HISTORY_COLUMNS))))
    validation: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, len(VALIDATION_COLUMNS))))

    @property
    def notice(self) -> str:
        """What is not used of its file, in words, or empty. A name that is no plain word is only counted."""
        parts = (self.unknown, self.unknown.get("model", {}), self.unknown.get("train", {}))
        names = sorted({name for part in parts for name in part} - {"model", "train", HELD_OUT_PATIENCE})
        words = [name for name in names if name.isascii() and name.isidentifier() and len(name) <= 40][:5]
        if len(words) < len(names):
            words.append(f"{len(names) - len(words)} {'more' if words else 'in all'}")
        said = "The run's file has settings that this version does not know, kept and not used"
        found = [_HELD_OUT_PATIENCE] if self.is_of_held_out_patience else []
        return " ".join([*found, f"{said}: {', '.join(words)}."] if names else found)

    @property
    def is_of_held_out_patience(self) -> bool:
        """Whether an older version trained it, which watched the held-out part to stop it."""
        return HELD_OUT_PATIENCE in self.unknown.get("train", {})

    @property
    def step(self) -> int:
        """Updates made."""
        return int(self.state_scalars.get("step", 0))

    @property
    def curves(self) -> NDArray[np.float64]:
        """All rows of the history: those up to its step and the later ones."""
        return np.vstack((self.history, self.later)) if len(self.later) else self.history

    @property
    def ended_at(self) -> int | None:
        """The update after which it ended by itself and went back to its best step; None: it did not."""
        return self.state_scalars.get("ended_at")

    @property
    def known(self) -> Known | None:
        """What y is, as far as the file says it: classes have their numbers for names; None: there is none.

        Raises:
            BadInput: It does not say how a number y was standardised (code ``run``).
        """
        if self.config.condition == "number":
            return kept_number(self.config.condition_on, self.state_scalars.get(Y_SCALE))
        if self.config.condition == "none":
            return None
        return Classes(tuple(map(str, range(self.config.model.num_conditions))))

    def given(self, y: float) -> "Run":
        """Of a conditional run the ordinary one at one y: the weights of p(x|z, y) and q(z|x, y).

        It cannot go on: its training state is left out. Its history stays, which is of all y.

        Arguments:
            y: The class, or the number.

        Raises:
            BadInput: The run is not conditional, or has no such class (code ``condition``).
        """
        config, known = self.config, self.known
        if known is None:
            raise BadInput("condition", "this run is not conditional: it takes no y", "choose another run")
        encoded = known.encode(torch.tensor([y], dtype=torch.float64))[0]
        model = replace(config.model, num_conditions=0)
        alone = replace(config, condition="none", condition_on="", model=model)
        weights = self.model().given(encoded).state_dict()
        which = f"class {int(y)}" if isinstance(known, Classes) else f"y {float(y)!r}"
        digest = hashlib.sha256(f"{self.digest}, {which}".encode()).hexdigest()
        return replace(self, config=alone, weights=weights, state_tensors={}, digest=digest)

    def model(self) -> VAE:
        """The model with these weights.

        Raises:
            BadInput: A weight is missing, superfluous or has another shape than the configuration says.
        """
        model = VAE(self.config.model, generator=torch.Generator().manual_seed(self.config.seed))
        expected_weights = model.state_dict()
        for name in sorted(set(self.weights) - set(expected_weights)):
            raise BadInput("run", f"the file has a weight {shown(name)} that this model does not have", _HINT)
        for name, expected in expected_weights.items():
            found = self.weights.get(name)
            if found is None or found.shape != expected.shape:
                shape = "nothing" if found is None else f"shape {shown(tuple(found.shape))}"
                message = f"weight {name} needs {tuple(expected.shape)}, the file has {shape}"
                raise BadInput("run", message, _HINT)
            if found.dtype != expected.dtype:
                message = f"weight {name} needs {expected.dtype}, the file has {found.dtype}"
                raise BadInput("run", message.replace("torch.", ""), _HINT)
        model.load_state_dict(dict(self.weights))
        return model


def save_run(path: Path, run: Run, *, durable: bool = True) -> None:
    """Writes the run to ``path``, whole or not at all.

    Arguments:
        path: A ``.safetensors`` file.
        run: What to keep.
        durable: Whether it must survive a loss of power.
    """
    named = {_MODEL + name: value for name, value in run.weights.items()}
    named |= {_STATE + name: value for name, value in run.state_tensors.items()}
    # On the CPU, so that a machine without the device of the training opens it; none shares memory.
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in named.items()}
    tensors["history"] = torch.from_numpy(np.ascontiguousarray(run.history))
    for name in _OF_CHOICE:
        if len(rows := getattr(run, name)):
            tensors[name] = torch.from_numpy(np.ascontiguousarray(rows))
    about = {
        "format": FORMAT,
        "config": _merged(run.config.to_dict(), run.unknown),
        "status": run.status,
        "state": dict(run.state_scalars),
        "data_sha256": run.data_digest,
    }
    content = save(tensors, metadata=_metadata(about, ""))
    # The digest covers the tensors as they lie in the file, so it can be taken only once they are laid out.
    digest = _digest(content, json.dumps(about))
    write_atomically(path, save(tensors, metadata=_metadata(about, digest)), durable=durable)


def _merged(known: Mapping[str, Any], unknown: Mapping[str, Any]) -> dict[str, Any]:
    parts = {part: {**unknown[part], **known[part]} for part in ("model", "train") if part in unknown}
    return {**unknown, **known, **parts}


def _metadata(about: Mapping[str, Any], digest: str) -> dict[str, str]:
    # One entry: safetensors writes several in an order that differs from one process to the next.
    return {"run": json.dumps({**about, "sha256": digest})}


def load_run(path: Path) -> Run:
    """Reads a run file.

    Raises:
        BadInput: The file is missing, too large, damaged, of a newer format, or no run.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadInput("run", f"{path.name} is larger than {MAX_FILE_BYTES // 2**20} MB", _HINT)
        content = path.read_bytes()
    except OSError as err:
        raise BadInput(
            "run", f"the run {path.name} cannot be read ({err.strerror})", "choose another"
        ) from err
    return parse_run(content)


def stated_digest(file: BinaryIO) -> str:
    """What a run file states as the SHA-256 of its content, in hex; reads the header alone, from its start.

    Two files with the same digest hold the same run. :func:`parse_run` checks that the content has it.

    Raises:
        BadInput: This is no run file, or its header is damaged.
    """
    start = file.read(8)
    length = min(int.from_bytes(start, "little"), MAX_HEADER_BYTES + 1)
    return str(_about(_header(start + file.read(length))).get("sha256"))


def parse_run(content: bytes) -> Run:
    """Reads a run from the bytes of its file; see :func:`load_run`."""
    if len(content) > MAX_FILE_BYTES:
        raise BadInput("run", f"the file is larger than {MAX_FILE_BYTES // 2**20} MB", _HINT)
    about = _about(_header(content))
    found = check_format(about.get("format"))
    digest = about.pop("sha256", None)
    if digest != _digest(content, json.dumps(about)):
        raise BadInput("run", "the run file is damaged: its contents and its SHA-256 digest differ", _HINT)
    try:
        return _run_from(_upgraded(about, found), load(content), digest)
    except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError, OverflowError) as err:
        if isinstance(err, BadInput):
            raise
        raise BadInput("run", "the run file is damaged", _HINT) from err


def _upgraded(about: Mapping[str, Any], found: int) -> Mapping[str, Any]:
    """What the file says, in the present format: with all that format 1 did not state yet.

    Format 9 was the first to state whether the gradient is written out: until then that of a flow and of a
    mixture was not. Where it stands in the data, which files of format 1 may state, follows from the step;
    theirs is wrong after a divergence. A run that format 3 or an older one ended early stays at its end.
    """
    config = upgraded(about["config"], found)
    if found > 8 or not isinstance(about["state"], dict) or not isinstance(config, dict):
        return {**about, "config": config}
    model = config.get("model")
    head = model.get("encoder_head") if isinstance(model, dict) else None
    state = {"written_out": head not in ("flow", "mixture"), **about["state"]}
    if found > 3:
        return {**about, "config": config, "state": state}
    if found == 1:
        state = {"has_end": True, **state}
        state.pop("position", None)
    if about["status"] == "stopped_early":
        state["has_end"] = False
    return {**about, "config": config, "state": state}


def _run_from(about: Mapping[str, Any], tensors: dict[str, Tensor], digest: str) -> Run:
    weights = {k.removeprefix(_MODEL): v for k, v in tensors.items() if k.startswith(_MODEL)}
    if not all(bool(torch.isfinite(value).all()) for value in weights.values()):
        message = "the run has diverged: its weights hold NaN or infinite values"
        raise BadInput("diverged", message, "train with a lower learning rate")
    history, later = (_rows(tensors, name, HISTORY_COLUMNS) for name in ("history", "later"))
    if len(history) and len(later) and later[0, 0] <= history[-1, 0]:
        raise BadInput("run", "the run's history has steps that do not rise", _HINT)
    if about["status"] not in STATUSES:
        raise BadInput("run", f"the run's status is {shown(about['status'])}", _HINT)
    data_digest = about.get("data_sha256", "")
    if not isinstance(data_digest, str) or not re.fullmatch("([0-9a-f]{64})?", data_digest):
        raise BadInput("run", f"the digest of the run's data is {shown(data_digest)}", _HINT)
    _check_state(about["state"])
    run = Run(
        config=RunConfig.from_dict(about["config"]),
        weights=weights,
        history=history,
        later=later,
        validation=_rows(tensors, "validation", VALIDATION_COLUMNS),
        status=about["status"],
        state_tensors={k.removeprefix(_STATE): v for k, v in tensors.items() if k.startswith(_STATE)},
        state_scalars=about["state"],
        data_digest=data_digest,
        unknown=unknown_settings(about["config"]),
        digest=digest,
    )
    _ = run.known  # raises where a number y has no scale
    return run


def _rows(tensors: Mapping[str, Tensor], name: str, columns: tuple[str, ...]) -> NDArray[np.float64]:
    """Rows of a table of the file, which begin with their steps; none where a table may be missing and is."""
    if name not in tensors and name in _OF_CHOICE:
        return np.empty((0, len(columns)))
    rows = tensors[name].numpy()
    rows = rows if columns == VALIDATION_COLUMNS else known_columns(rows)
    if rows.ndim != 2 or rows.shape[1] != len(columns) or rows.dtype != np.float64:
        raise BadInput("run", f"the run's {name} has another shape than known", _HINT)
    if not np.isfinite(rows[:, 0]).all() or bool((np.diff(rows[:, 0], prepend=0.0) < 0).any()):
        raise BadInput("run", f"the run's {name} has steps that do not rise", _HINT)
    return rows


def _check_state(state: object) -> None:
    """Refuses what those who only look at a run would stumble over; the training checks all that it takes.

    A run that was saved from its weights alone has no such state, and no updates.
    """
    if not isinstance(state, dict):
        raise BadInput("run", "the run's training state is damaged", _HINT)
    for name in ("step", "epoch", "ended_at"):
        try:
            if name != "ended_at" or state.get(name) is not None:
                check_integer(name, state.get(name, 0), 0, MAX_COUNT, _HINT)
        except BadInput as err:
            raise BadInput("run", f"the run's training state is damaged: {err.message}", _HINT) from err
    for name in ("live_beta", "learning_rate"):
        value = state.get(name)
        if value is not None and not (isinstance(value, int | float) and math.isfinite(value)):
            message = f"the run's training state is damaged: {name} is {shown(value)}"
            raise BadInput("run", message, _HINT)


def _header(content: bytes) -> dict[str, Any]:
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > min(MAX_HEADER_BYTES, len(content) - 8):
        raise BadInput("run", "this file is not a run, or its end is missing", _HINT)
    try:
        header = _json(content[8 : 8 + length])
    except (ValueError, RecursionError) as err:
        raise BadInput("run", "the run file is damaged: its header cannot be read", _HINT) from err
    if not isinstance(header, dict) or len(header) > MAX_TENSORS:
        raise BadInput("run", f"the run file has more than {MAX_TENSORS} tensors", _HINT)
    return header


def _json(text: str | bytes) -> Any:
    return json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("a name appears twice")
    return dict(pairs)


def _about(header: Mapping[str, Any]) -> dict[str, Any]:
    metadata = header.get("__metadata__")
    try:
        about = _json(metadata["run"]) if isinstance(metadata, dict) else None
    except (KeyError, TypeError, ValueError, RecursionError):
        about = None
    if not isinstance(about, dict):
        raise BadInput("run", "this file is not a run", "choose a file that this app exported")
    return about


def _digest(content: bytes, about: str) -> str:
    length = int.from_bytes(content[:8], "little")
    digest = hashlib.sha256(content[8 + length :])
    digest.update(about.encode())
    return digest.hexdigest()
