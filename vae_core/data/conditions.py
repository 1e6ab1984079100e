"""y of a conditional model, p(x|z, y): what is known of each example beside x, as the networks take it."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal

import torch
from torch import Tensor

from vae_core.config import Condition
from vae_core.data.byte_images import ByteImages, ConditionedImages, Examples
from vae_core.data.dataset import Dataset, Factor
from vae_core.data.known import Classes, Known, Number
from vae_core.errors import BadInput

Part = Literal["train", "test", "validation"]
"""Of a data set."""
Y_SCALE: Final = "y_scale"
"""What the state of a training calls the scale of a number y."""


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
        rows[f"x_{part}"] = rows_of(getattr(dataset, f"x_{part}"), values_of(dataset, known, part), known)
    return replace(dataset, known=known, **rows)


_PARTS: Final[tuple[Part, ...]] = ("train", "test", "validation")


def values_of(dataset: Dataset, known: Known, part: Part) -> Tensor:
    """The class, or the number, of each example of a part of the data, shape (n,).

    Raises:
        BadInput: No such number is known of them (code ``condition``).
    """
    if isinstance(known, Number):
        return torch.from_numpy(_factor(dataset, known.name, part).values).double()
    labels = getattr(dataset, f"labels_{part}")
    assert labels is not None, "a run that is conditional on them has them"
    return labels


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
