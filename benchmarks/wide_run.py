"""A finished run of the size of MNIST's, made from the digits that scikit-learn ships."""

import struct
from pathlib import Path
from typing import Final

import numpy as np
import torch

from dashboard.run_store import RunStore
from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.model import VAE
from vae_core.observer import Observer
from vae_core.runfile import Run, save_run
from vae_core.training import Training

SIDE: Final = 28
MODEL: Final = ModelConfig(data_dim=SIDE * SIDE, hidden_dims=(400,), activation="relu")


def write_wide_run(home: Path) -> str:
    """Trains 784-400-2 for one epoch on enlarged digits, in the run store at ``home``; returns its id."""
    folder = home / "enlarged"
    folder.mkdir()
    _write_idx(folder)
    config = RunConfig(
        model=MODEL, dataset="idx", data_folder=str(folder), train=TrainConfig(num_epochs=1, batch_size=128)
    )
    store = RunStore(home)
    run_id = store.create(config)
    path = store.folder(run_id)
    if path is None:
        raise RuntimeError("the run store lost a run that it has just made")
    save_run(path / "run.safetensors", _trained(config))
    return run_id


def _trained(config: RunConfig) -> Run:
    dataset = load_dataset(config.dataset, seed=config.seed, folder=config.data_folder)
    generator = torch.Generator().manual_seed(config.seed)
    training = Training(VAE(MODEL, generator=generator), dataset, config.train, generator=generator)
    for _ in training.steps():
        pass
    tensors, scalars = training.state()
    return Run(
        config=config,
        weights=training.model.state_dict(),
        history=Observer(training, dataset, seed=config.seed).look().history,
        status="finished",
        state_tensors=tensors,
        state_scalars=scalars,
    )


def _write_idx(folder: Path) -> None:
    # Each pixel of the 8 x 8 digits three times as wide and high, with a margin of two pixels.
    digits = load_dataset("digits")
    x = torch.cat([digits.x_train, digits.x_test]).numpy().reshape(-1, 8, 8)
    large = np.pad(x.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    pixels = (large * 255).astype(np.uint8)
    header = struct.pack(">4I", 0x0803, len(pixels), SIDE, SIDE)
    (folder / "train-images-idx3-ubyte").write_bytes(header + pixels.tobytes())
    if digits.labels_train is not None and digits.labels_test is not None:
        labels = torch.cat([digits.labels_train, digits.labels_test]).numpy().astype(np.uint8)
        header = struct.pack(">2I", 0x0801, len(labels))
        (folder / "train-labels-idx1-ubyte").write_bytes(header + labels.tobytes())
