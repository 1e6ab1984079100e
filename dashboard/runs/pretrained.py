"""The pretrained model, which comes with the project, so that the first picture needs no training."""

from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).resolve().parents[1] / "models"
PRETRAINED_RUN: Final = _FOLDER / "digits.safetensors"
"""Run file of a small model of the digits; ``python -m scripts.train_pretrained_model`` makes it anew."""
PRETRAINED_SNAPSHOT: Final = _FOLDER / "digits_snapshot.safetensors"
"""Its pictures, readable without torch."""
