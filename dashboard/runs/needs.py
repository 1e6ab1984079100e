"""What a run needs of the machine: whether it fits at all, its device, and its memory."""

import math
from dataclasses import replace
from typing import Final

from vae_core.config import RunConfig
from vae_core.data import DATASET_INFO, least_training_examples
from vae_core.memory import LARGE_PRODUCT, MAX_STEP_BYTES, check_step, largest_product, step_bytes

WORKER_BYTES: Final = 350 * 2**20
"""Of a worker beside its network: libraries and data (258 MB with the digits; those of MNIST add 190)."""


def check_needs(config: RunConfig) -> None:
    """Refuses what the worker would refuse, before anything is given up for it."""
    train = config.train
    folder, validation = config.data_folder, train.has_validation
    rows = least_training_examples(
        config.dataset, folder=folder, validation=validation, num_examples=config.num_examples
    )
    check_step(
        config.model,
        num_samples=train.num_samples,
        batch_size=train.batch_of(rows),
        objective=train.objective,
    )


def on_suitable_device(config: RunConfig) -> RunConfig:
    """The same on the device that suits it; PyTorch is not imported for a network that is small anyway."""
    rows = config.train.batch_size
    if math.prod(largest_product(config.model, rows)) < LARGE_PRODUCT:
        return config
    from vae_core.device import suitable_device

    return replace(config, device=suitable_device(config.model, batch_size=rows))


def needed_memory(config: RunConfig) -> int:
    """Bytes of a training: its network, and one step of it. Reads no file."""
    model, train = config.model, config.train
    known = config.dataset in DATASET_INFO and config.dataset != "idx"
    rows = train.batch_size
    if known:
        rows = min(rows, least_training_examples(config.dataset, num_examples=config.num_examples))
    step = step_bytes(model, num_samples=train.num_samples, batch_size=rows, objective=train.objective)
    # Weights, gradients and two moments of Adam, four bytes each. A larger step is refused.
    return 16 * model.num_parameters + min(step, MAX_STEP_BYTES)
