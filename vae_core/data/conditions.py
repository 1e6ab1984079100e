"""y of a conditional model, p(x|z, y): what is known of each example beside x, as the networks take it."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal, NamedTuple

import torch
from torch import Tensor

from vae_core.config import Condition
from vae_core.data.byte_images import ByteImages, ConditionedImages, Examples
from vae_core.data.dataset import Dataset, Factor
from vae_core.errors import BadInput

Part = Literal["train", "test", "validation"]
"""Of a data set."""
Y_SCALE: Final = "y_scale"
"""What the state of a training calls the scale of a number y."""


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

    def known_of(self, dataset: Dataset, part: Part) -> Tensor:
        """The class of each example of a part of the data, shape (n,)."""
        labels = getattr(dataset, f"labels_{part}")
        assert labels is not None, "a run that is conditional on them has them"
        return labels

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

    def known_of(self, dataset: Dataset, part: Part) -> Tensor:
        """The number of each example of a part of the data, shape (n,), float64."""
        return torch.from_numpy(_factor(dataset, self.name, part).values).double()

    def written(self, value: float) -> str:
        """A value with its unit."""
        return f"{value:.4g} {self.unit}".strip()

    @property
    def scale(self) -> dict[str, float]:
        """What a run's file keeps of it."""
        return {"mean": self.mean, "std": self.std, "median": self.median}


Known = Classes | Number
"""What y is."""


def condition_of(label: int, num_classes: int) -> Tensor:
    """y of a class, shape (C,): 1 at its place, 0 at the others.

    Example:
        >>> condition_of(1, 3)
        tensor([0., 1., 0.])
    """
    return torch.eye(num_classes)[label]


def known_of(dataset: Dataset, condition: Condition, on: str = "") -> Known | None:
    """What y is in a data set; None without a condition.

    Arguments:
        dataset: The data.
        condition: What is conditioned on.
        on: The name of the number, where it is one.

    Raises:
        BadInput: The data have no classes, no such number, or one that is the same for all training examples
            (code ``condition``).

    Example:
        >>> from vae_core.data import load_dataset
        >>> angle = known_of(load_dataset("sprites", num_examples=200), "number", "angle")
        >>> angle.encode(torch.tensor([angle.mean, angle.mean + 2 * angle.std]))[:, 0].round(decimals=4).abs()
        tensor([0., 2.])
    """
    if condition == "none":
        return None
    if condition == "class":
        if dataset.labels_train is None or dataset.labels_test is None or not dataset.class_names:
            message = f"{dataset.name} has no classes, so there is no class to condition on"
            raise BadInput("condition", message, "condition on nothing, or choose data with labels")
        return Classes(dataset.class_names)
    factor = _factor(dataset, on, "train")
    mean, std = float(factor.values.mean()), float(factor.values.std())
    if not std > 1e-12 * max(1.0, abs(mean)):
        message = f"{on!r} is the same for all training examples: there is nothing to condition on"
        raise BadInput("condition", message, "choose another number, or nothing")
    ordered = torch.from_numpy(factor.values).sort().values
    return Number(factor.name, factor.unit, mean, std, float(ordered[len(ordered) // 2]))


def kept_number(name: str, scale: object, unit: str = "") -> Number:
    """The number y of a run, by what its file keeps of it.

    Raises:
        BadInput: The file does not say how y was standardised (code ``run``).
    """
    try:
        assert isinstance(scale, Mapping)
        mean, std, median = (float(scale[key]) for key in ("mean", "std", "median"))
        if not (std > 0 and all(map(math.isfinite, (mean, std, median)))):
            raise ValueError
    except (AssertionError, KeyError, TypeError, ValueError) as err:
        message = "the file does not say how y was standardised"
        raise BadInput("run", message, "download the run again") from err
    return Number(name, unit, mean, std, median)


def with_conditions(
    dataset: Dataset, condition: Condition, on: str = "", *, kept: Number | None = None
) -> Dataset:
    """The data set on which a conditional model trains: its examples are rows [x, y], shape (n, D + C).

    ``image_shape`` stays that of x, and ``known`` says what y is.

    Arguments:
        dataset: Of rows x, shape (n, D).
        condition: What y is; ``none`` gives the data set itself.
        on: The name of the number, where it is one.
        kept: The number of a run that goes on: it is standardised as it was when the run began.

    Raises:
        BadInput: The data have no such y (code ``condition``).

    Example:
        >>> from vae_core.data import load_dataset
        >>> with_conditions(load_dataset("digits"), "class").x_train.shape
        torch.Size([1437, 74])
    """
    known = known_of(dataset, condition, on)
    if known is None:
        return dataset
    if kept is not None and isinstance(known, Number):
        known = kept._replace(unit=known.unit)
    rows: dict[str, Any] = {}
    parts: tuple[Part, ...] = ("train", "test") if dataset.x_validation is None else _PARTS
    for part in parts:
        rows[f"x_{part}"] = rows_of(getattr(dataset, f"x_{part}"), known.known_of(dataset, part), known)
    return replace(dataset, known=known, **rows)


_PARTS: Final[tuple[Part, ...]] = ("train", "test", "validation")


def rows_of(x: Examples, values: Tensor, known: Known) -> Examples:
    """Examples x of shape (n, D) with what is known of each as rows [x, y], shape (n, D + C).

    Arguments:
        x: The examples.
        values: The class or the number of each, shape (n,).
        known: What y is.
    """
    y = known.encode(values).to(x.device)
    return ConditionedImages(x, y) if isinstance(x, ByteImages) else torch.cat((x[:], y), 1)


def _factor(dataset: Dataset, name: str, part: Part) -> Factor:
    factors: tuple[Factor, ...] = getattr(dataset, f"factors_{part}")
    found = next((one for one in factors if one.name == name and not one.names), None)
    if found is None:
        message = f"no number {name[:60]!r} is known of these examples, so it cannot be conditioned on"
        raise BadInput("condition", message, "condition on nothing, or on a number that is known of them")
    return found
