"""Forward and backward pass of one example as data: its layers, gradients and steps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.figures.network.layers import Column, Line, Moment
from dashboard.formats import superscript
from vae_core.config import ModelConfig

if TYPE_CHECKING:
    from torch import Tensor

    from vae_core.labs.gradients.backward import Backward, Layer, Slip
    from vae_core.model import VAE
    from vae_core.networks import Network

Array = NDArray[np.float64]
TOLERANCE: Final = 1e-10
"""Relative differences below this are rounding errors of float64."""
SHOWN_ENTRIES: Final = 16
"""A gradient with at most this many entries is shown whole."""
LOSS: Final = "L"
_OTHERS: Final = {
    "log_scale": "log s",
    "mixture.logits": "logits of π",
    "mixture.means": "m",
    "mixture.log_vars": "log s²",
    "pseudo_inputs.values": "u of p(z)",
}
"""Parameters of no layer, by their names."""
_STEP_NAMES: Final = {"input": "x", "heads": "q(z|x)", "latent": "z", "output": "y"}


class Parameter(NamedTuple):
    """The gradient of one parameter, by hand and by automatic differentiation.

    Arguments:
        symbol: ``"W"``, ``"b"``, or what a parameter of no layer is called.
        number: Of its layer; 0 for one of no layer.
        by_hand, automatic: The entry of largest absolute value of each.
        difference: max |by hand - automatic| / max |automatic|.
        entries: Both gradients, shape (2, units, units before); None where they are large.
    """

    symbol: str
    number: int
    by_hand: float
    automatic: float
    difference: float
    entries: Array | None


class Samples(NamedTuple):
    """The C samples of one pass.

    Arguments:
        shown: Index of the one whose numbers stand in the decoder's columns.
        eps, z: Shape (C, J).
        reconstructions: log p(x|z_c), shape (C,), nats.
        delta_z: dL_c/dz of each sample's loss, shape (C, J).
    """

    shown: int
    eps: Array
    z: Array
    reconstructions: Array
    delta_z: Array

    @property
    def number(self) -> int:
        """C."""
        return len(self.z)

    @property
    def mean_delta(self) -> Array:
        """mean_c delta_c, shape (J,)."""
        return self.delta_z.mean(0)

    @property
    def mean_noise(self) -> Array:
        """mean_c delta_cj eps_ck, shape (J, J)."""
        return self.delta_z.T @ self.eps / self.number


class Pass(NamedTuple):
    """One pass of one example, in float64.

    Arguments:
        config: Of the model.
        columns: Its layers.
        x, eps, mean, log_var, std, z: Shapes (D,) and (J,); log_var is None for a deterministic encoder.
        factor: L of a full covariance matrix, shape (J, J); None for another head.
        scale: s of a Gaussian likelihood with one scale.
        log_prob_latex, mean_latex: LaTeX of log p(x|z), and of its mean y.
        beta: Weight of the KL in the loss.
        reconstruction, kl: Terms of the bound, nats.
        parameters: Gradients by hand and automatic.
        slip: The deliberate error of the backward pass.
        samples: The C samples, of which the decoder's columns show one; all gradients are means over them.
    """

    config: ModelConfig
    columns: tuple[Column, ...]
    x: Array
    eps: Array
    mean: Array
    log_var: Array | None
    std: Array
    factor: Array | None
    z: Array
    scale: float
    log_prob_latex: str
    mean_latex: str
    beta: float
    reconstruction: float
    kl: float
    parameters: tuple[Parameter, ...]
    slip: "Slip | None"
    samples: Samples

    @property
    def loss(self) -> float:
        """L = -(reconstruction - beta KL), nats; with beta = 1 the negative ELBO."""
        return self.beta * self.kl - self.reconstruction

    @property
    def difference(self) -> float:
        """The largest relative difference over all parameters."""
        return max(parameter.difference for parameter in self.parameters)


def pass_of(
    model: "VAE",
    x: "Tensor",
    noise: int,
    slip: "Slip | None",
    shape: tuple[int, int] | None,
    *,
    beta: float = 1.0,
    num_samples: int = 1,
    sample: int = 0,
) -> Pass:
    """The pass of x, shape (D,), in float64.

    Once through the encoder; from z on each of C samples has a pass of its own, and the gradients are their
    means (document 002, "dependencies of the variables").

    Arguments:
        model: In float64.
        x: The example.
        noise: Seed of epsilon.
        slip: A deliberate error of the backward pass.
        shape: (height, width) of an image; None for points.
        beta: Weight of the KL.
        num_samples: C.
        sample: The one whose numbers are shown, from 0.
    """
    import torch

    from vae_core.labs.gradients.backward import automatic_gradients, back_propagate

    generator = torch.Generator().manual_seed(noise)
    eps = torch.randn(num_samples, model.config.latent_dim, generator=generator, dtype=torch.float64)
    copies = x.expand(num_samples, -1)
    found, right = (back_propagate(model, copies, eps, beta=beta, slip=choice) for choice in (slip, None))
    automatic = automatic_gradients(model, x[None], eps[:, None], beta=beta)
    samples = Samples(
        shown=sample,
        eps=eps.numpy(),
        z=found.z.numpy(),
        reconstructions=found.reconstruction.numpy(),
        delta_z=found.delta_z.numpy(),
    )
    kl = float(found.kl.mean())  # to a learned prior it is estimated by the samples, too
    found, right = (_of_sample(one, sample) for one in (found, right))
    likelihood = model.likelihood(found.z)
    return Pass(
        config=model.config,
        columns=_marked(_columns(model, found, x.numpy(), shape), _columns(model, right, x.numpy(), shape)),
        x=x.numpy(),
        eps=found.eps[0].numpy(),
        mean=found.mean[0].numpy(),
        log_var=None if found.log_var is None else found.log_var[0].numpy(),
        std=found.std[0].numpy(),
        factor=None if found.factor is None else found.factor[0].numpy(),
        z=found.z[0].numpy(),
        scale=float(model.likelihood_scale().detach()),
        log_prob_latex=likelihood.log_prob_latex,
        mean_latex=likelihood.mean_latex,
        beta=beta,
        reconstruction=float(samples.reconstructions.mean()),
        kl=kl,
        parameters=_parameters(model, found.gradients, automatic),
        slip=slip,
        samples=samples,
    )


def _of_sample(found: "Backward", sample: int) -> "Backward":
    """One sample through the decoder; the encoder, which is the same for all, with the mean of their "
    "delta."""
    here = slice(sample, sample + 1)

    def taken(layer: "Layer", *, is_encoder: bool) -> "Layer":
        delta = layer.delta.mean(0, keepdim=True) if is_encoder else layer.delta[here]
        return layer._replace(inputs=layer.inputs[here], u=layer.u[here], h=layer.h[here], delta=delta)

    names = (
        "mean",
        "log_var",
        "std",
        "factor",
        "eps",
        "z",
        "delta_z",
        "decoded",
        "reconstruction",
        "kl",
        "loss",
    )
    parts = {name: None if getattr(found, name) is None else getattr(found, name)[here] for name in names}
    return found._replace(
        encoder=tuple(taken(layer, is_encoder=True) for layer in found.encoder),
        decoder=tuple(taken(layer, is_encoder=False) for layer in found.decoder),
        **parts,
    )


def _columns(model: "VAE", found: "Backward", x: Array, shape: tuple[int, int] | None) -> tuple[Column, ...]:
    hidden = len(model.config.hidden_dims)
    columns = [Column("input", 1, (Line("x", x),), x, x, index_base=len(x), image_shape=shape)]
    for index, layer in enumerate(found.encoder):
        columns.append(_dense(model.encoder, index, layer, index + 2))
    columns[-1] = _heads(columns[-1], model.config, found)
    z, eps = found.z[0].numpy(), found.eps[0].numpy()
    lines = (Line("z", z),) if found.log_var is None else (Line("ε", eps), Line("z", z))
    delta = found.delta_z[0].numpy()
    columns.append(Column("latent", hidden + 3, lines, z, z, delta, index_base=len(z)))
    for index, layer in enumerate(found.decoder):
        columns.append(_dense(model.decoder, index, layer, hidden + 4 + index))
    y, last = found.decoded[0].numpy(), columns[-1]
    outputs = (Line("y", y), Line("x", x))
    if model.config.is_unit_interval:
        outputs = (Line("u", last.u), *outputs)
    if len(last.h) == len(y):
        columns[-1] = last._replace(kind="output", lines=outputs, h=y, image_shape=shape)
        return tuple(columns)
    # Two numbers of each value: y, and u of its variance.
    nothing, likelihood = np.full(len(y), np.nan), model.likelihood(found.z)
    rows = {"y": (y, nothing), "x": (x, nothing), "u": (nothing, last.u[len(y) :])}
    rows["σ²"] = (nothing, likelihood.variance[0].detach().numpy())
    lines = tuple(Line(symbol, np.concatenate(pair)) for symbol, pair in rows.items())
    columns[-1] = last._replace(kind="output", lines=lines, index_base=len(y))
    return tuple(columns)


def _marked(columns: tuple[Column, ...], right: tuple[Column, ...]) -> tuple[Column, ...]:
    """The columns; ``is_wrong`` where delta differs from the right one."""
    return tuple(
        column._replace(is_wrong=_apart(column.delta, twin.delta))
        for column, twin in zip(columns, right, strict=True)
    )


def _apart(delta: Array | None, right: Array | None) -> bool:
    return delta is not None and right is not None and not np.array_equal(delta, right)


def _dense(mlp: "Network", index: int, layer: "Layer", number: int) -> Column:
    u, h = layer.u[0].numpy(), layer.h[0].numpy()
    return Column(
        "hidden",
        number,
        (Line("u", u), Line("h", h)),
        u,
        h,
        layer.delta[0].numpy(),
        mlp.weights[index].detach().numpy(),
        mlp.biases[index].detach().numpy(),
        index_base=len(h),
    )


def _heads(column: Column, config: ModelConfig, found: "Backward") -> Column:
    """The heads: mean, and log sigma^2 (phi) with sigma, or u with sigma^2; L below the diagonal."""
    mean, nothing = found.mean[0].numpy(), np.full(config.latent_dim, np.nan)
    if len(column.h) == config.latent_dim:
        return column._replace(kind="heads", lines=(Line("μ", mean),), index_base=len(mean))
    if found.factor is not None:
        return _full_heads(column, config.latent_dim, mean, found.factor[0].numpy())
    spread, std = column.u[config.latent_dim :], found.std[0].numpy()
    rows = {"φ": spread, "σ": std} if config.encoder_head == "log_variance" else {"u": spread, "σ²": std**2}
    lines = [Line("μ", np.concatenate([mean, nothing]))]
    lines += [Line(symbol, np.concatenate([nothing, values])) for symbol, values in rows.items()]
    return column._replace(kind="heads", lines=tuple(lines), index_base=config.latent_dim)


def _full_heads(column: Column, dims: int, mean: Array, factor: Array) -> Column:
    """Means, phi_j = 2 log L_jj with L_jj, and the entries of L below the diagonal, row by row."""
    below = factor[np.tril_indices(dims, -1)]
    empty = np.full(len(column.h), np.nan)
    lines = [Line(symbol, empty.copy()) for symbol in ("μ", "φ", "L", "ℓ")]
    for line, first, values in zip(
        lines,
        (0, dims, dims, 2 * dims),
        (mean, column.u[dims : 2 * dims], np.diag(factor), below),
        strict=True,
    ):
        line.values[first : first + len(values)] = values
    return column._replace(kind="heads", lines=tuple(lines), index_base=dims)


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
                symbol=_OTHERS.get(name, "W" if "weights" in name else "b"),
                number=number,
                by_hand=largest[0],
                automatic=largest[1],
                difference=relative_difference(ours, theirs),
                entries=both if both[0].size <= SHOWN_ENTRIES else None,
            )
        )
    return tuple(found)


def _order(name: str) -> tuple[bool, bool, int, bool]:
    """Sort key: from the last layer to the first, W before b, those of no layer last."""
    parts = name.split(".")
    index = int(parts[2]) if len(parts) == 3 else 0
    return (len(parts) != 3, parts[0] == "encoder", -index, "biases" in name)


def _number(name: str, config: ModelConfig) -> int:
    """The layer that a parameter leads into; x is layer 1."""
    parts = name.split(".")
    if len(parts) != 3:
        return 0
    first = 2 if parts[0] == "encoder" else len(config.hidden_dims) + 4
    return first + int(parts[2])


class Step(NamedTuple):
    """One step of the pass.

    Arguments:
        label: Of its button.
        column: Index of its layer; None for the loss.
        goes_back: Whether it belongs to the backward pass.
    """

    label: str
    column: int | None
    goes_back: bool


def steps_of(columns: Sequence[Column]) -> tuple[Step, ...]:
    """Forward through all columns, the loss, and back to the first that has weights."""
    forward = [
        Step(_STEP_NAMES.get(column.kind, "h" + superscript(column.number)), index, False)
        for index, column in enumerate(columns)
    ]
    back = [
        Step("δ" + superscript(column.number), index, True)
        for index, column in reversed(list(enumerate(columns)))
        if column.delta is not None
    ]
    return (*forward, Step(LOSS, None, False), *back)


def moment_of(columns: Sequence[Column], steps: Sequence[Step], index: int, unit: int) -> Moment:
    """Which numbers are known after step ``index``."""
    step, last = steps[index], len(columns)
    return Moment(
        forward=min(index + 1, last),
        backward=max(0, index - last),
        has_loss=index >= last,
        active=step.column,
        unit=unit,
    )


def picked(
    value: object, columns: Sequence[Column], steps: Sequence[Step], index: int
) -> tuple[int, int] | None:
    """Step and unit of a clicked unit ``[column, unit]`` (untrusted input); None where it is malformed.

    During the backward pass it is the backward step of that column, if it has one.
    """
    match value:
        case [int(column), int(unit)] if 0 <= column < len(columns) and 0 <= unit < len(columns[column].h):
            found = [number for number, step in enumerate(steps) if step.column == column]
            goes_back = steps[index].goes_back
            return next((number for number in found if steps[number].goes_back == goes_back), found[0]), unit
    return None
