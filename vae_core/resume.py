"""Beginning a run from its configuration, or going on with it from what was saved."""

import torch

from vae_core.config import RunConfig
from vae_core.data import load_dataset
from vae_core.model import VAE
from vae_core.runfile import Run
from vae_core.training import Training


def open_training(config: RunConfig, saved: Run | None) -> Training:
    """The training of a run; from a saved run it goes on bit for bit as if it had not been interrupted.

    Arguments:
        config: What the run is.
        saved: What was saved of it; None at its beginning.

    Raises:
        BadInput: The data, or what was saved, cannot be used.
    """
    dataset = load_dataset(config.dataset, seed=config.seed, folder=config.data_folder)
    generator = torch.Generator().manual_seed(config.seed)
    model = VAE(config.model, generator=generator) if saved is None else saved.model()
    training = Training(model, dataset, config.train, generator=generator)
    if saved is not None:
        training.load_state(dict(saved.state_tensors), dict(saved.state_scalars))
    return training
