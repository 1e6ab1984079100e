"""The networks and data that benchmarks train."""

import dataclasses
from typing import NamedTuple

from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import Dataset, load_dataset


class Case(NamedTuple):
    """What is trained on what; ``train`` never ends, since the clock decides."""

    name: str
    dataset: Dataset
    model: ModelConfig
    train: TrainConfig

    @property
    def network(self) -> str:
        """Layer sizes from input to output."""
        hidden = self.model.hidden_dims
        dims = (self.model.data_dim, *hidden, self.model.latent_dim, *reversed(hidden), self.model.data_dim)
        return "-".join(map(str, dims))


def digits_case() -> Case:
    """The run that the Train page starts with."""
    endless = dataclasses.replace(TrainConfig(), num_epochs=1_000_000)
    return Case("digits", load_dataset("digits"), ModelConfig(data_dim=64), endless)


def images_case(folder: str) -> Case:
    """The tutorials' network for MNIST on IDX files.

    Raises:
        BadInput: The folder or its files cannot be used.
    """
    dataset = load_dataset("idx", folder=folder)
    model = ModelConfig(
        data_dim=dataset.data_dim,
        latent_dim=20,
        hidden_dims=(400,),
        activation="relu",
        likelihood="bernoulli",
    )
    return Case(
        "images", dataset, model, TrainConfig(learning_rate=1e-3, batch_size=128, num_epochs=1_000_000)
    )
