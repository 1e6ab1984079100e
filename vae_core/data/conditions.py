"""y of a conditional model, p(x|z, y): what is known of each example beside x, as the networks take it."""

from dataclasses import replace

import torch
from torch import Tensor

from vae_core.config import Condition
from vae_core.data.byte_images import ByteImages, ConditionedImages, Examples
from vae_core.data.dataset import Dataset
from vae_core.errors import BadInput


def condition_of(label: int, num_classes: int) -> Tensor:
    """y of a class, shape (C,): 1 at its place, 0 at the others.

    Example:
        >>> condition_of(1, 3)
        tensor([0., 1., 0.])
    """
    return torch.eye(num_classes)[label]


def with_conditions(dataset: Dataset, condition: Condition) -> Dataset:
    """The data set on which a conditional model trains: its examples are rows [x, y], shape (n, D + C).

    ``image_shape`` stays that of x.

    Arguments:
        dataset: Of rows x, shape (n, D).
        condition: What y is; ``none`` gives the data set itself.

    Raises:
        BadInput: The data have no classes (code ``condition``).

    Example:
        >>> from vae_core.data import load_dataset
        >>> with_conditions(load_dataset("digits"), "class").x_train.shape
        torch.Size([1437, 74])
    """
    if condition == "none":
        return dataset
    count = len(dataset.class_names)
    if dataset.labels_train is None or dataset.labels_test is None or count == 0:
        message = f"{dataset.name} has no classes, so there is no class to condition on"
        raise BadInput("condition", message, "condition on nothing, or choose data with labels")
    x_validation, labels = dataset.x_validation, dataset.labels_validation
    if x_validation is not None:
        assert labels is not None, "the validation part is cut from the training part"
        x_validation = rows_of(x_validation, labels, count)
    return replace(
        dataset,
        x_train=rows_of(dataset.x_train, dataset.labels_train, count),
        x_test=rows_of(dataset.x_test, dataset.labels_test, count),
        x_validation=x_validation,
    )


def rows_of(x: Examples, labels: Tensor, num_classes: int) -> Examples:
    """Examples x of shape (n, D) with the class of each as rows [x, y], shape (n, D + C)."""
    y = torch.eye(num_classes).index_select(0, labels).to(x.device)
    return ConditionedImages(x, y) if isinstance(x, ByteImages) else torch.cat((x[:], y), 1)
