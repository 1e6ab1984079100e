"""One pass forward and back for one datum, as the layers and gradients that the page draws."""

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.figures.network.layers import Column, Line
from vae_core.config import ModelConfig

if TYPE_CHECKING:
    from torch import Tensor

    from vae_core.labs.gradients.backward import Backward, Layer, Slip
    from vae_core.model import VAE
    from vae_core.networks import MLP

Array = NDArray[np.float64]
TOLERANCE: Final = 1e-10
"""A relative difference below is rounding."""
SHOWN_ENTRIES: Final = 16
"""A gradient with at most so many entries is shown whole."""


class Parameter(NamedTuple):
    """The gradient of one parameter, twice.

    Arguments:
        symbol: ``"W"``, ``"b"`` or ``"log s"``.
        number: Of its layer; 0 for log s.
        by_hand, automatic: Entry with the largest size of each.
        difference: max |by hand - automatic| / max |automatic|.
        entries: Both gradients whole where they are small, shape (2, units, units before).
    """

    symbol: str
    number: int
    by_hand: float
    automatic: float
    difference: float
    entries: Array | None


class Pass(NamedTuple):
    """One pass for one datum, in float64.

    Arguments:
        config: Of the model.
        columns: Its layers.
        x, eps, mean, log_var, std, z: Of the datum; log_var is None for a deterministic encoder.
        scale: s of a Gaussian likelihood.
        beta: Weight of the KL in the loss.
        reconstruction, kl: Terms of the bound, nats.
        parameters: Gradients by hand and automatic.
        slip: The error that the backward pass makes.
    """

    config: ModelConfig
    columns: tuple[Column, ...]
    x: Array
    eps: Array
    mean: Array
    log_var: Array | None
    std: Array
    z: Array
    scale: float
    beta: float
    reconstruction: float
    kl: float
    parameters: tuple[Parameter, ...]
    slip: "Slip | None"

    @property
    def loss(self) -> float:
        """L = -(reconstruction - beta KL), nats; with beta = 1 the negative ELBO."""
        return self.beta * self.kl - self.reconstruction

    @property
    def difference(self) -> float:
        """The largest relative difference of all parameters."""
        return max(parameter.difference for parameter in self.parameters)


def pass_of(
    model: "VAE",
    x: "Tensor",
    noise: int,
    slip: "Slip | None",
    shape: tuple[int, int] | None,
    *,
    beta: float = 1.0,
) -> Pass:
    """The pass of x, shape (D,), with noise drawn from the seed ``noise``; all float64.

    Arguments:
        model: In float64.
        x: The datum.
        noise: Seed of epsilon.
        slip: An error of the documents that the backward pass makes.
        shape: (height, width) of the datum; None for points.
        beta: Weight of the KL.
    """
    import torch

    from vae_core.labs.gradients.backward import automatic_gradients, back_propagate

    generator = torch.Generator().manual_seed(noise)
    eps = torch.randn(1, model.config.latent_dim, generator=generator, dtype=torch.float64)
    found, right = (back_propagate(model, x[None], eps, beta=beta, slip=choice) for choice in (slip, None))
    automatic = automatic_gradients(model, x[None], eps, beta=beta)
    return Pass(
        config=model.config,
        columns=_marked(_columns(model, found, x.numpy(), shape), _columns(model, right, x.numpy(), shape)),
        x=x.numpy(),
        eps=eps[0].numpy(),
        mean=found.mean[0].numpy(),
        log_var=None if found.log_var is None else found.log_var[0].numpy(),
        std=found.std[0].numpy(),
        z=found.z[0].numpy(),
        scale=float(model.likelihood_scale().detach()),
        beta=beta,
        reconstruction=float(found.reconstruction),
        kl=float(found.kl),
        parameters=_parameters(model, found.gradients, automatic),
        slip=slip,
    )


def _columns(model: "VAE", found: "Backward", x: Array, shape: tuple[int, int] | None) -> tuple[Column, ...]:
    hidden = len(model.config.hidden_dims)
    columns = [Column("input", 1, (Line("x", x),), x, x, index_base=len(x), image_shape=shape)]
    for place, layer in enumerate(found.encoder):
        columns.append(_dense(model.encoder, place, layer, place + 2))
    columns[-1] = _heads(columns[-1], model.config, found)
    z, eps = found.z[0].numpy(), found.eps[0].numpy()
    lines = (Line("z", z),) if found.log_var is None else (Line("ε", eps), Line("z", z))
    delta = found.delta_z[0].numpy()
    columns.append(Column("latent", hidden + 3, lines, z, z, delta, index_base=len(z)))
    for place, layer in enumerate(found.decoder):
        columns.append(_dense(model.decoder, place, layer, hidden + 4 + place))
    y, last = found.decoded[0].numpy(), columns[-1]
    outputs = (Line("y", y), Line("x", x))
    if model.config.likelihood != "gaussian":
        outputs = (Line("u", last.u), *outputs)
    columns[-1] = last._replace(kind="output", lines=outputs, h=y, image_shape=shape)
    return tuple(columns)


def _marked(columns: tuple[Column, ...], right: tuple[Column, ...]) -> tuple[Column, ...]:
    """The columns, with a mark on those whose delta is not the right one."""
    return tuple(
        column._replace(is_wrong=_apart(column.delta, twin.delta))
        for column, twin in zip(columns, right, strict=True)
    )


def _apart(delta: Array | None, right: Array | None) -> bool:
    return delta is not None and right is not None and not np.array_equal(delta, right)


def _dense(mlp: "MLP", place: int, layer: "Layer", number: int) -> Column:
    u, h = layer.u[0].numpy(), layer.h[0].numpy()
    return Column(
        "hidden",
        number,
        (Line("u", u), Line("h", h)),
        u,
        h,
        layer.delta[0].numpy(),
        mlp.weights[place].detach().numpy(),
        mlp.biases[place].detach().numpy(),
        index_base=len(h),
    )


def _heads(column: Column, config: ModelConfig, found: "Backward") -> Column:
    """The cards of the heads: mean, and log sigma^2 (phi) with sigma, or u with sigma^2."""
    mean, nothing = found.mean[0].numpy(), np.full(config.latent_dim, np.nan)
    if len(column.h) == config.latent_dim:
        return column._replace(kind="heads", lines=(Line("μ", mean),), index_base=len(mean))
    spread, std = column.u[config.latent_dim :], found.std[0].numpy()
    rows = {"φ": spread, "σ": std} if config.encoder_head == "log_variance" else {"u": spread, "σ²": std**2}
    lines = [Line("μ", np.concatenate([mean, nothing]))]
    lines += [Line(symbol, np.concatenate([nothing, values])) for symbol, values in rows.items()]
    return column._replace(kind="heads", lines=tuple(lines), index_base=config.latent_dim)


def _parameters(
    model: "VAE", by_hand: "dict[str, Tensor]", automatic: "dict[str, Tensor]"
) -> tuple[Parameter, ...]:
    from vae_core.labs.gradients.backward import relative_difference

    found = []
    for name in sorted(automatic, key=_order):
        number, ours, theirs = _number(name, model.config), by_hand[name], automatic[name]
        both = np.stack([ours.numpy(), theirs.numpy()]).reshape(2, len(ours) if ours.ndim else 1, -1)
        largest = [float(part.reshape(-1)[np.abs(part).argmax()]) for part in both]
        found.append(
            Parameter(
                symbol="log s" if number == 0 else ("W" if "weights" in name else "b"),
                number=number,
                by_hand=largest[0],
                automatic=largest[1],
                difference=relative_difference(ours, theirs),
                entries=both if both[0].size <= SHOWN_ENTRIES else None,
            )
        )
    return tuple(found)


def _order(name: str) -> tuple[bool, bool, int, bool]:
    """From the last layer to the first, as the backward pass finds them; W before b; log s last."""
    parts = name.split(".")
    place = int(parts[2]) if len(parts) == 3 else 0
    return (len(parts) != 3, parts[0] == "encoder", -place, "biases" in name)


def _number(name: str, config: ModelConfig) -> int:
    """The layer that a parameter leads into, as the source document counts them."""
    parts = name.split(".")
    if len(parts) != 3:
        return 0
    first = 2 if parts[0] == "encoder" else len(config.hidden_dims) + 4
    return first + int(parts[2])
