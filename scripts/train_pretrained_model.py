"""Trains the pretrained model: ``python -m scripts.train_pretrained_model``.

A small VAE of scikit-learn's digits, with the default settings of the Train page and a longer training. The
same machine gives the same files, bit for bit.
"""

import dataclasses

import torch

from dashboard.runs.pretrained import PRETRAINED_RUN, PRETRAINED_SNAPSHOT
from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.model import VAE
from vae_core.runs.observer import Observer
from vae_core.runs.runfile import Run, save_run
from vae_core.runs.snapshot import HISTORY_COLUMNS, Snapshot, write_snapshot
from vae_core.training.loop import Training

CONFIG = RunConfig(model=ModelConfig(data_dim=64), train=TrainConfig(num_epochs=600), seed=0)
LOOK_EVERY = 10


def main() -> None:
    """Trains, and writes the run file and its snapshot."""
    torch.set_num_threads(1)
    dataset = load_dataset(CONFIG.dataset, seed=CONFIG.seed)
    generator = torch.Generator().manual_seed(CONFIG.seed)
    model = VAE(CONFIG.model, generator=generator)
    # The file that ships was made before the gradient was written out, which rounds elsewhere.
    training = Training(model, dataset, CONFIG.train, generator=generator, written_out=False)
    observer = Observer(training, seed=CONFIG.seed, grid_points=24)
    observer.look()
    for step in training.steps():
        observer.add(step)
        if step.step % (LOOK_EVERY * training.steps_per_epoch) == 0:
            observer.look()
    PRETRAINED_RUN.parent.mkdir(exist_ok=True)
    snapshot = _without_clock(observer.look())
    save_run(PRETRAINED_RUN, _run(training, snapshot))
    write_snapshot(PRETRAINED_SNAPSHOT, snapshot)
    elbo = snapshot.history[-1][HISTORY_COLUMNS.index("elbo_held_out")]
    print(f"{PRETRAINED_RUN.name} and its snapshot: held-out ELBO {elbo:.2f} nats per example")


def _run(training: Training, snapshot: Snapshot) -> Run:
    tensors, scalars = training.state()
    return Run(
        config=CONFIG,
        weights=training.model.state_dict(),
        history=snapshot.history,
        status="finished",
        state_tensors=tensors,
        state_scalars=scalars,
    )


def _without_clock(snapshot: Snapshot) -> Snapshot:
    # How long the training took is the one thing that no seed decides.
    history = snapshot.history.copy()
    history[:, HISTORY_COLUMNS.index("seconds")] = 0.0
    return dataclasses.replace(snapshot, history=history)


if __name__ == "__main__":
    main()
