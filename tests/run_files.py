"""The bytes of run files, taken apart and forged."""

import hashlib
import json
import struct
from typing import Any


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


def _header_end(content: bytes) -> int:
    return 8 + struct.unpack("<Q", content[:8])[0]
