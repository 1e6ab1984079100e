"""Finished runs larger than the digits: networks of MNIST's size, and a crowd of held-out data."""

import struct
from pathlib import Path
from typing import Final

import numpy as np
import torch

from dashboard.runs.store import RunStore
from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.data import load_data_of, load_dataset
from vae_core.model import VAE
from vae_core.runs.observer import Observer
from vae_core.runs.runfile import Run, save_run
from vae_core.training.loop import Training

SIDE: Final = 28
MODEL: Final = ModelConfig(data_dim=SIDE * SIDE, hidden_dims=(400,), activation="relu")


def write_wide_run(home: Path) -> str:
    """Trains 784-400-2 for one epoch on enlarged digits, in the run store at ``home``; returns its id."""
    folder = home / "enlarged"
    folder.mkdir()
    _write_idx(folder)
    return _finished(home, folder, MODEL)


def write_crowded_run(home: Path, num_held_out: int) -> str:
    """Trains 64-128-2 for one epoch on digits, holds out so many noisy copies of them; returns its id."""
    folder = home / f"crowd{num_held_out}"
    folder.mkdir()
    digits = load_dataset("digits")
    rng = np.random.default_rng(0)
    for name, count in (("train", len(digits.x_train)), ("t10k", num_held_out)):
        rows = np.arange(count) % len(digits.x_train)
        x = digits.x_train[:].numpy()[rows] + (rng.normal(0, 0.1, (count, 64)) if name == "t10k" else 0)
        pixels = (np.clip(x, 0, 1) * 255).astype(np.uint8)
        header = struct.pack(">4I", 0x0803, count, 8, 8)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(header + pixels.tobytes())
    return _finished(home, folder, ModelConfig(data_dim=64))


def _finished(home: Path, folder: Path, model: ModelConfig) -> str:
    train = TrainConfig(num_epochs=1, batch_size=128)
    config = RunConfig(model=model, dataset="idx", data_folder=str(folder), train=train)
    store = RunStore(home)
    run_id = store.create(config)
    path = store.folder(run_id)
    if path is None:
        raise RuntimeError("the run store lost a run that it has just made")
    save_run(path / "run.safetensors", _trained(config))
    return run_id


def _trained(config: RunConfig) -> Run:
    dataset = load_data_of(config)
    generator = torch.Generator().manual_seed(config.seed)
    training = Training(VAE(config.model, generator=generator), dataset, config.train, generator=generator)
    for _ in training.steps():
        pass
    tensors, scalars = training.state()
    return Run(
        config=config,
        weights=training.model.state_dict(),
        history=Observer(training, seed=config.seed).look().history,
        status="finished",
        state_tensors=tensors,
        state_scalars=scalars,
    )


def _write_idx(folder: Path) -> None:
    # Each pixel of the 8 x 8 digits three times as wide and high, with a margin of two pixels.
    digits = load_dataset("digits")
    x = torch.cat([digits.x_train[:], digits.x_test[:]]).numpy().reshape(-1, 8, 8)
    large = np.pad(x.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    pixels = (large * 255).astype(np.uint8)
    header = struct.pack(">4I", 0x0803, len(pixels), SIDE, SIDE)
    (folder / "train-images-idx3-ubyte").write_bytes(header + pixels.tobytes())
    if digits.labels_train is not None and digits.labels_test is not None:
        labels = torch.cat([digits.labels_train, digits.labels_test]).numpy().astype(np.uint8)
        header = struct.pack(">2I", 0x0801, len(labels))
        (folder / "train-labels-idx1-ubyte").write_bytes(header + labels.tobytes())
