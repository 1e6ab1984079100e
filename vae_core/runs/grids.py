"""The decoded grid of a conditional run's snapshot with another y than the one that it was taken with."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.config import ModelConfig
from vae_core.errors import BadInput
from vae_core.latent.decode import decoded_grid
from vae_core.model import VAE
from vae_core.runs.snapshot import Snapshot


def grid_given(config: ModelConfig, snapshot: Snapshot, y: Tensor) -> NDArray[Any]:
    """E[x|z, y] over the plane of a snapshot, by the decoder's weights that it holds.

    Arguments:
        config: Of the model.
        snapshot: With the weights of its decoder.
        y: As the networks take it, shape (C,).

    Returns:
        Shape (rows, columns, D), as the grid of the snapshot itself.

    Raises:
        BadInput: The snapshot has no such weights (code ``condition``).
    """
    model = VAE(config, generator=torch.Generator().manual_seed(0))
    try:
        model.decoder.load_state_dict(
            {name: torch.from_numpy(np.array(value)) for name, value in snapshot.decoder.items()}
        )
    except (RuntimeError, TypeError) as err:
        message = "the decoder of this step is not kept, so its grid has one y"
        raise BadInput("condition", message, "see Latent space, which decodes with every y") from err
    return decoded_grid(model.given(y), torch.from_numpy(snapshot.grid_axis), snapshot.plane).numpy()
