"""What the latent explorer is told in its tests: models of random weights and held-out examples."""

from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from dashboard.components.latent.payload import Point, flat_weights, latent_message, pack_model, recoloured
from vae_core.config import ModelConfig
from vae_core.model import VAE
from vae_core.networks import Network

NUM_EXAMPLES: Final = 60
MANY_EXAMPLES: Final = 60_000
SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "images": {"data_dim": 48, "latent_dim": 2},
    "deep": {"data_dim": 48, "latent_dim": 5, "likelihood": "continuous_bernoulli"},
    "line": {"data_dim": 48, "latent_dim": 1},
    "points": {"data_dim": 2, "latent_dim": 2, "likelihood": "gaussian"},
    "table": {"data_dim": 25, "latent_dim": 2, "likelihood": "gaussian"},
    "nan": {"data_dim": 48, "latent_dim": 2},
    "many": {"data_dim": 48, "latent_dim": 2},
}
POINTS: Final = ("points", "table")
COLUMNS: Final = ("temperature of the reactor vessel", *(f"column {number}" for number in range(2, 26)))
"""Names of the values of a row of "table"."""
IMAGE_SHAPE: Final = (6, 8)


def make_model(kind: str, seed: int) -> VAE:
    """A model with weights large enough that its pictures differ from place to place."""
    noise = torch.Generator().manual_seed(seed)
    model = VAE(ModelConfig(hidden_dims=(9,), **SETTINGS[kind]), generator=noise)
    with torch.no_grad():
        for bias in model.decoder.biases:
            bias.copy_(torch.randn(bias.shape, generator=noise))
        for weight in (*model.decoder.weights, *model.encoder.weights):
            weight.mul_(2)
        if kind == "nan":
            model.decoder.weights[0][0, 0] = torch.nan
    return model


def make_examples(kind: str) -> Tensor:
    """Held-out examples, shape (n, D)."""
    noise = torch.Generator().manual_seed(0)
    x = torch.rand(
        MANY_EXAMPLES if kind == "many" else NUM_EXAMPLES, SETTINGS[kind]["data_dim"], generator=noise
    )
    return 12 * x - 6 if kind in POINTS else x


def make_message(
    kind: str, seed: int, *, z: Point = (), pins: tuple[Point, ...] = (), by_size: bool = False
) -> bytes:
    """What the element is told; ``by_size``: a number of two steps colours the plane."""
    model, x = make_model(kind, seed), make_examples(kind)
    latent_dim = model.config.latent_dim
    with torch.no_grad():
        q = model.posterior(x)
    about = {
        "image_shape": None if kind in POINTS else IMAGE_SHAPE,
        "columns": COLUMNS if kind == "table" else (),
        "class_names": ("a", "b", "c"),
        "kl_per_dim": [1.0] * latent_dim,
        "step": seed,
        "run": kind,
    }
    packed = pack_model(
        model.config,
        decoder=_flat(model.decoder),
        encoder=_flat(model.encoder),
        scale=1.0,
        x=x.numpy(),
        labels=np.arange(len(x), dtype=np.int32) % 3,
        means=q.mean.numpy(),
        stds=q.std.numpy(),
        about=about,
    )
    assert packed is not None
    if by_size:
        labels = np.arange(len(x), dtype=np.int32) % 2 * 7
        names = ("1", *[""] * 6, "2")
        packed = recoloured(packed, labels, names=names, title="size", ends=("1", "2"))
    return latent_message(packed, plane=(0, min(1, latent_dim - 1)), z=z, pins=pins)


def _flat(mlp: Network) -> np.ndarray:
    weights, biases = ([p.detach().numpy() for p in part] for part in (mlp.weights, mlp.biases))
    return flat_weights(weights, biases)
