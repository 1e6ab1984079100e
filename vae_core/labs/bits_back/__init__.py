"""Nats become bytes: bits-back coding with an entropy coder, into a file that decodes exactly."""

from typing import TYPE_CHECKING

from vae_core.exports import lazy_exports

if TYPE_CHECKING:
    from vae_core.labs.bits_back.coding import (
        Compressed,
        compress,
        compress_and_decode,
        decompress,
        levels_of,
        other_sizes,
    )
    from vae_core.labs.bits_back.rans import Rans, frequencies

__all__ = [
    "Compressed",
    "Rans",
    "compress",
    "compress_and_decode",
    "decompress",
    "frequencies",
    "levels_of",
    "other_sizes",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "vae_core.labs.bits_back.coding": (
            "Compressed",
            "compress",
            "compress_and_decode",
            "decompress",
            "levels_of",
            "other_sizes",
        ),
        "vae_core.labs.bits_back.rans": ("Rans", "frequencies"),
    },
)
