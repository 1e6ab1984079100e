"""A run is one ``.safetensors`` file: weights, training state, history, settings. Nothing is unpickled."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from vae_core.config import RunConfig
from vae_core.errors import BadInput
from vae_core.model import VAE
from vae_core.runs.atomic import write_atomically
from vae_core.runs.snapshot import HISTORY_COLUMNS

FORMAT: Final = 1
MAX_FILE_BYTES: Final = 64 * 2**20
MAX_HEADER_BYTES: Final = 2**20
MAX_TENSORS: Final = 500
_MODEL, _STATE = "model.", "state."
_HINT: Final = "export the run again, or train it anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A training as it was kept.

    Arguments:
        config: Everything that decided it.
        weights: The model's parameters by name.
        history: Rows of ``HISTORY_COLUMNS``, shape (rows, 11), float64.
        status: How it stood: ``running``, ``paused``, ``finished``, ``stopped``, ``stopped_early``,
            ``interrupted`` or ``diverged``.
        state_tensors: Optimiser, generator and order of the data, for resuming bit for bit.
        state_scalars: Step, epoch and what else is a plain value.
        digest: SHA-256 of all of it, as its file states it, in hex; empty for a run that was not read.
    """

    config: RunConfig
    weights: Mapping[str, Tensor]
    history: NDArray[np.float64]
    status: str
    state_tensors: Mapping[str, Tensor] = field(default_factory=dict)
    state_scalars: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""

    @property
    def step(self) -> int:
        """Updates made."""
        return int(self.state_scalars.get("step", 0))

    def model(self) -> VAE:
        """The model with these weights.

        Raises:
            BadInput: A weight is missing, superfluous or has another shape than the configuration says.
        """
        model = VAE(self.config.model, generator=torch.Generator().manual_seed(self.config.seed))
        expected_weights = model.state_dict()
        for name in sorted(set(self.weights) - set(expected_weights)):
            raise BadInput("run", f"the file has a weight {name} that this model does not have", _HINT)
        for name, expected in expected_weights.items():
            found = self.weights.get(name)
            if found is None or found.shape != expected.shape:
                shape = "nothing" if found is None else f"shape {tuple(found.shape)}"
                raise BadInput(
                    "run", f"weight {name} needs {tuple(expected.shape)}, the file has {shape}", _HINT
                )
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
    about = {
        "format": FORMAT,
        "config": run.config.to_dict(),
        "status": run.status,
        "state": dict(run.state_scalars),
    }
    content = save(tensors, metadata=_metadata(about, ""))
    # The digest covers the tensors as they lie in the file, so it can be taken only once they are laid out.
    digest = _digest(content, json.dumps(about))
    write_atomically(path, save(tensors, metadata=_metadata(about, digest)), durable=durable)


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
    if about.get("format") != FORMAT:
        found = str(about.get("format"))[:20]
        raise BadInput("format", f"the run was made by another version (format {found})", "update the app")
    digest = about.pop("sha256", None)
    if digest != _digest(content, json.dumps(about)):
        raise BadInput("run", "the run file is damaged: its contents and its digest differ", _HINT)
    try:
        return _run_from(about, load(content), digest)
    except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as err:
        if isinstance(err, BadInput):
            raise
        raise BadInput("run", "the run file is damaged", _HINT) from err


def _run_from(about: Mapping[str, Any], tensors: dict[str, Tensor], digest: str) -> Run:
    weights = {k.removeprefix(_MODEL): v for k, v in tensors.items() if k.startswith(_MODEL)}
    if not all(bool(torch.isfinite(value).all()) for value in weights.values()):
        raise BadInput(
            "run", "the run's weights hold NaN or infinite values", "train with a lower learning rate"
        )
    history = tensors["history"].numpy()
    if history.ndim != 2 or history.shape[1] != len(HISTORY_COLUMNS) or history.dtype != np.float64:
        raise BadInput("run", "the run's history has another shape than known", _HINT)
    if not isinstance(about["state"], dict):
        raise BadInput("run", "the run's training state is damaged", _HINT)
    return Run(
        config=RunConfig.from_dict(about["config"]),
        weights=weights,
        history=history,
        status=str(about["status"]),
        state_tensors={k.removeprefix(_STATE): v for k, v in tensors.items() if k.startswith(_STATE)},
        state_scalars=about["state"],
        digest=digest,
    )


def _header(content: bytes) -> dict[str, Any]:
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > min(MAX_HEADER_BYTES, len(content) - 8):
        raise BadInput("run", "this file is not a run, or its end is missing", _HINT)
    try:
        header = json.loads(content[8 : 8 + length], object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as err:
        raise BadInput("run", "the run file is damaged: its header cannot be read", _HINT) from err
    if not isinstance(header, dict) or len(header) > MAX_TENSORS:
        raise BadInput("run", f"the run file has more than {MAX_TENSORS} tensors", _HINT)
    return header


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("a name appears twice")
    return dict(pairs)


def _about(header: Mapping[str, Any]) -> dict[str, Any]:
    metadata = header.get("__metadata__")
    try:
        about = json.loads(metadata["run"]) if isinstance(metadata, dict) else None
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
