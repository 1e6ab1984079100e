"""What y is of a conditional model, as the networks take it: the class of an example, or a number."""

import math
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.errors import BadInput

_MOST_DECIMALS: Final = 8
_LARGE: Final = 1e9
"""Numbers with more decimals, or so large, are written with a power of ten."""


class Classes(NamedTuple):
    """y is the class of an example: 1 at its place, 0 at the others.

    Arguments:
        names: Of the classes 0, 1, ...
    """

    names: tuple[str, ...]

    @property
    def num_values(self) -> int:
        """C, the values that the networks take."""
        return len(self.names)

    @property
    def default(self) -> float:
        """The first class."""
        return 0

    def encode(self, values: Tensor) -> Tensor:
        """What the networks take for classes of shape (n,): shape (n, C), float32.

        Raises:
            BadInput: One of them is none of the classes (code ``condition``).
        """
        labels = values.long()
        if bool(((labels != values) | (labels < 0) | (labels >= len(self.names))).any()):
            message = f"this run has {len(self.names)} classes to condition on, {values.tolist()[0]:g} is "
            raise BadInput("condition", message + "none of them", "choose another run or class")
        return torch.eye(len(self.names)).index_select(0, labels.cpu())

    def written(self, value: float) -> str:
        """The name of a class."""
        return self.names[int(value)]


class Number(NamedTuple):
    """y is a number that is known of each example, standardised: the networks take (y - mean) / std.

    Arguments:
        name: That of the :class:`vae_core.data.dataset.Factor`.
        unit: Its unit; empty where it has none.
        mean, std: Of the training examples.
        median: Of the training examples: where nobody chooses, pictures are decoded with it.
    """

    name: str
    unit: str
    mean: float
    std: float
    median: float

    @property
    def num_values(self) -> int:
        """C, the values that the networks take: one."""
        return 1

    @property
    def default(self) -> float:
        """The median of the training examples."""
        return self.median

    def encode(self, values: Tensor) -> Tensor:
        """What the networks take for numbers of shape (n,): shape (n, 1), float32."""
        return ((values.double() - self.mean) / self.std).float()[:, None]

    def written(self, value: float) -> str:
        """A value to about a hundredth of the standard deviation or finer, with its unit."""
        decimals = max(0, 2 - math.floor(math.log10(self.std)))
        if decimals > _MOST_DECIMALS or abs(value) >= _LARGE:
            return f"{value:.4g} {self.unit}".strip()
        text = f"{round(value, decimals) + 0.0:.{decimals}f}"  # no -0.00
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return f"{text} {self.unit}".strip()

    @property
    def scale(self) -> dict[str, float]:
        """What a run's file keeps of it."""
        return {"mean": self.mean, "std": self.std, "median": self.median}


Known = Classes | Number
"""What y is."""
