"""The trained model that ships with the project, so that the first picture needs no training."""

from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).resolve().parents[1] / "models"
SHIPPED_RUN: Final = _FOLDER / "digits.safetensors"
"""Run file of a small model of the digits; ``python -m scripts.train_shipped_model`` makes it anew."""
SHIPPED_SNAPSHOT: Final = _FOLDER / "digits_snapshot.safetensors"
"""Its pictures, readable without torch."""
