"""Run files: of a training as it stands, and their bytes taken apart and forged."""

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from vae_core.config import RunConfig
from vae_core.runs.runfile import Run, load_run, save_run
from vae_core.runs.snapshot import HISTORY_COLUMNS
from vae_core.training.loop import Training


def with_header(content: bytes, header: bytes) -> bytes:
    """The file with another header, whatever its text."""
    return struct.pack("<Q", len(header)) + header + body_of(content)


def header_of(content: bytes) -> dict[str, Any]:
    """The JSON of the header."""
    return json.loads(content[8 : _header_end(content)])


def body_of(content: bytes) -> bytes:
    """The bytes of the tensors."""
    return content[_header_end(content) :]


def about_of(content: bytes) -> dict[str, Any]:
    """What the file says of the run."""
    return json.loads(header_of(content)["__metadata__"]["run"])


def forged(content: bytes, **about: object) -> bytes:
    """The file with other metadata and a digest that fits them."""
    return sealed(header_of(content), about_of(content) | about, body_of(content))


def sealed(tensors: dict[str, Any], about: dict[str, Any], body: bytes) -> bytes:
    """A file of these parts, with the digest that fits them: a forger knows how to take it."""
    about = {name: value for name, value in about.items() if name != "sha256"}
    digest = hashlib.sha256(body + json.dumps(about).encode()).hexdigest()
    metadata = {"run": json.dumps(about | {"sha256": digest})}
    header = json.dumps({**tensors, "__metadata__": metadata}).encode()
    return struct.pack("<Q", len(header)) + header + body


def saved_run(training: Training, config: RunConfig, path: Path) -> Run:
    """A training as it stands, saved as a run and read again."""
    tensors, scalars = training.state()
    run = Run(
        config=config,
        weights=dict(training.model.state_dict()),
        state_tensors=tensors,
        state_scalars=scalars,
        history=np.empty((0, len(HISTORY_COLUMNS))),
        status="paused",
    )
    save_run(path, run)
    return load_run(path)


def _header_end(content: bytes) -> int:
    return 8 + struct.unpack("<Q", content[:8])[0]
