"""Whether a data set fits a model, before anything is trained."""

import torch

from vae_core.config import ModelConfig
from vae_core.data import Dataset
from vae_core.data.byte_images import ByteImages
from vae_core.errors import BadInput


def check_data(model_config: ModelConfig, dataset: Dataset) -> None:
    """Raises :class:`BadInput` where a data set does not fit a model."""
    if model_config.prior != "standard_normal" and model_config.num_components > len(dataset.x_train):
        raise BadInput(
            "num_components",
            f"a prior of {model_config.num_components} components for {len(dataset.x_train)} examples",
            "choose no more of them than there are examples",
        )
    validation = () if dataset.x_validation is None else (dataset.x_validation,)
    for x in (dataset.x_train, *validation, dataset.x_test):
        if x.shape[-1] != model_config.num_inputs and model_config.num_conditions:
            message = f"a model with {model_config.num_conditions} values of y needs as many of each example"
            classes = len(dataset.class_names)
            hint = f"set num_conditions to {classes}, the number of classes, or to 1 for a number"
            raise BadInput("condition", message, hint)
        if x.shape[-1] != model_config.num_inputs:
            raise BadInput(
                "data_dim",
                f"{dataset.name} has {x.shape[-1]} values per example, "
                f"the model takes {model_config.data_dim}",
                f"set data_dim to {x.shape[-1]}",
            )
        if isinstance(x, ByteImages):
            continue  # finite, and in [0, 1]
        x = x[:]
        if not bool(torch.isfinite(x).all()):
            raise BadInput("data", f"{dataset.name} holds NaN or infinite values", "remove those rows")
        x = x[:, : model_config.data_dim]  # a number y may be any
        low, high = float(x.min()), float(x.max())
        if model_config.is_unit_interval and (low < 0 or high > 1):
            raise BadInput(
                "likelihood",
                f"a {model_config.likelihood} likelihood needs data in [0, 1], "
                f"{dataset.name} spans [{low:.3g}, {high:.3g}]",
                "choose the Gaussian likelihood, or scale the data to [0, 1]",
            )
