"""Forward and backward pass of one example as data: its layers, gradients and steps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.figures.network.kernels import Kernel
from dashboard.figures.network.layers import Column, Line, Moment
from dashboard.formats import superscript
from vae_core.config import ModelConfig

if TYPE_CHECKING:
    from torch import Tensor

    from vae_core.labs.gradients.backward import Backward, Layer, Slip
    from vae_core.labs.gradients.maps import LinearMap
    from vae_core.model import VAE

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
_OF_FLOW: Final = "t"
"""Symbol of what the layers of a flow give."""


class Parameter(NamedTuple):
    """The gradient of one parameter, by hand and by automatic differentiation.

    Arguments:
        symbol: ``"W"``, ``"K"`` of a convolution, ``"b"``, or what a parameter of no layer is called.
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
    """The points z of one pass: C samples, of a mixture C of each component, one component after the other.

    Arguments:
        shown: Index of the one whose numbers stand in the decoder's columns.
        eps, z: Shape (points, J).
        reconstructions: log p(x|z_c), shape (points,), nats.
        losses: L_c of each point, shape (points,), nats.
        delta_z: dL_c/dz of each point's own loss, shape (points, J).
        shares: How much each counts in a mean, shape (points,): 1 / C, or w / C with the component's weight.
        num_components: 1, or those of a mixture.
    """

    shown: int
    eps: Array
    z: Array
    reconstructions: Array
    losses: Array
    delta_z: Array
    shares: Array
    num_components: int

    @property
    def number(self) -> int:
        """Of all points."""
        return len(self.z)

    @property
    def component(self) -> int:
        """Of the point that is shown, from 0."""
        return self.component_of(self.shown)

    def component_of(self, point: int) -> int:
        """Of a point, from 0."""
        return point * self.num_components // self.number

    def mean(self, values: Array) -> Array:
        """Over the points by their shares, of (points, ...)."""
        return np.tensordot(self.shares, values, 1)

    @property
    def mean_delta(self) -> Array:
        """mean_c delta_c, shape (J,)."""
        return self.mean(self.delta_z)

    @property
    def mean_noise(self) -> Array:
        """mean_c delta_cj eps_ck, shape (J, J)."""
        return (self.shares[:, None] * self.delta_z).T @ self.eps


class FlowLayer(NamedTuple):
    """One layer of a flow, t' = t + v tanh(a^T t + b), at the point that is shown.

    Arguments:
        a, v: Shape (J,).
        b: The offset.
        before, after: t and t', shape (J,).
        bent: tanh(a^T t + b).
        delta: dL/dt', shape (J,).
    """

    a: Array
    v: Array
    b: float
    before: Array
    after: Array
    bent: float
    delta: Array

    @property
    def log_det(self) -> float:
        """log |det dt'/dt|, nats."""
        return float(np.log1p(self.a @ self.v * (1 - self.bent**2)))


class Pass(NamedTuple):
    """One pass of one example, in float64.

    Arguments:
        config: Of the model.
        columns: Its layers.
        x, eps, mean, log_var, std, z: Shapes (D,) and (J,); log_var is None for a deterministic encoder. Of
            a mixture mean, log_var and std are those of all components side by side, of a flow those of what
            it warps.
        factor: L of a full covariance matrix, shape (J, J); None for another head.
        weights: Of the components of a mixture, shape (components,); None for another head.
        flow: The layers of a flow, none for another head.
        log_q, log_p: log q(z|x) and log p(z) at the point in view, nats; None where the KL is not sampled.
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
    weights: Array | None
    flow: tuple[FlowLayer, ...]
    z: Array
    log_q: float | None
    log_p: float | None
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
    def is_sampled(self) -> bool:
        """Whether the KL is that of the points, log q(z|x) - log p(z)."""
        return self.log_var is not None and not self.config.has_kl_parts

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
        eps=found.eps.numpy(),
        z=found.z.numpy(),
        reconstructions=found.reconstruction.numpy(),
        losses=found.loss.numpy(),
        delta_z=found.delta_z.numpy(),
        shares=(found.shares / num_samples).numpy(),
        num_components=len(found.z) // num_samples,
    )
    kl = float(samples.mean(found.kl.numpy()))  # where it is sampled that is an estimate, too
    (found, flow), (right, right_flow) = (
        (_of_point(one, sample), _flow_of(one, sample)) for one in (found, right)
    )
    likelihood = model.likelihood(found.z)
    columns, right_columns = (
        _columns(model, one, x.numpy(), shape, layers, samples)
        for one, layers in ((found, flow), (right, right_flow))
    )
    return Pass(
        config=model.config,
        columns=_marked(columns, right_columns),
        x=x.numpy(),
        eps=found.eps[0].numpy(),
        mean=found.mean[0].numpy(),
        log_var=None if found.log_var is None else found.log_var[0].numpy(),
        std=found.std[0].numpy(),
        factor=None if found.factor is None else found.factor[0].numpy(),
        weights=_weights_of(found),
        flow=flow,
        z=found.z[0].numpy(),
        log_q=None if found.log_q is None else float(found.log_q[0]),
        log_p=None if found.log_p is None else float(found.log_p[0]),
        scale=float(model.likelihood_scale().detach()),
        log_prob_latex=likelihood.log_prob_latex,
        mean_latex=likelihood.mean_latex,
        beta=beta,
        reconstruction=float(samples.mean(samples.reconstructions)),
        kl=kl,
        parameters=_parameters(model, found.gradients, automatic),
        slip=slip,
        samples=samples,
    )


_OF_EXAMPLE: Final = ("mean", "log_var", "std", "factor")
_OF_POINT: Final = (
    "shares",
    "eps",
    "z",
    "log_q",
    "log_p",
    "score_of_q",
    "score_of_p",
    "delta_z",
    "decoded",
    "reconstruction",
    "kl",
    "loss",
)


def _of_point(found: "Backward", point: int) -> "Backward":
    """One point through the decoder; the encoder, the same for all, with the mean of its delta."""
    here, first = slice(point, point + 1), slice(0, 1)

    def taken(layer: "Layer", *, is_encoder: bool) -> "Layer":
        rows = first if is_encoder else here
        delta = layer.delta.mean(0, keepdim=True) if is_encoder else layer.delta[here]
        return layer._replace(inputs=layer.inputs[rows], u=layer.u[rows], h=layer.h[rows], delta=delta)

    rows = {**dict.fromkeys(_OF_EXAMPLE, first), **dict.fromkeys(_OF_POINT, here)}
    parts = {name: getattr(found, name) for name in rows}
    return found._replace(
        encoder=tuple(taken(layer, is_encoder=True) for layer in found.encoder),
        decoder=tuple(taken(layer, is_encoder=False) for layer in found.decoder),
        **{name: None if part is None else part[rows[name]] for name, part in parts.items()},
    )


def _weights_of(found: "Backward") -> Array | None:
    """Of the components of a mixture."""
    from vae_core.training.by_hand.draws import MixtureDraws

    return found.drawn.weights[0].numpy() if isinstance(found.drawn, MixtureDraws) else None


def _flow_of(found: "Backward", point: int) -> tuple[FlowLayer, ...]:
    """The layers of a flow at a point; none of another q."""
    from vae_core.training.by_hand.draws import FlowDraws

    drawn = found.drawn
    if not isinstance(drawn, FlowDraws):
        return ()
    assert drawn.of_layers is not None
    a, v, b = (part[point].numpy() for part in drawn.flow)
    before, bent, deltas = (part[0, point].numpy() for part in (drawn.before, drawn.bent, drawn.of_layers))
    after = [*before[1:], drawn.warped[0, point].numpy()]
    rows = zip(a, v, b, before, after, bent, deltas, strict=True)
    return tuple(FlowLayer(a, v, float(b), t, moved, float(h), delta) for a, v, b, t, moved, h, delta in rows)


def _columns(
    model: "VAE",
    found: "Backward",
    x: Array,
    shape: tuple[int, int] | None,
    flow: tuple[FlowLayer, ...],
    samples: Samples,
) -> tuple[Column, ...]:
    from vae_core.labs.gradients.maps import decoder_maps, encoder_maps

    hidden, config = len(model.config.hidden_dims), model.config
    encoder, decoder = encoder_maps(config, model.encoder), decoder_maps(config, model.decoder)
    columns = [Column("input", 1, (Line("x", x),), x, x, index_base=len(x), image_shape=shape)]
    for index, layer in enumerate(found.encoder):
        columns.append(_layer(encoder[index], layer, index + 2))
    columns[-1] = _heads(columns[-1], model.config, found)
    columns += [_flow_column(number, layer) for number, layer in enumerate(flow, 1)]
    z, eps = found.z[0].numpy(), found.eps[0].numpy()
    lines = (Line("z", z),) if found.log_var is None or flow else (Line("ε", eps), Line("z", z))
    made_of = _made_of(model.config, samples.component)
    delta = found.delta_z[0].numpy()
    latent = Column("latent", hidden + 3, lines, z, z, delta, index_base=len(z), made_of=made_of)
    columns.append(latent)
    for index, layer in enumerate(found.decoder):
        columns.append(_layer(decoder[index], layer, hidden + 4 + index))
        if index == 0 and config.architecture == "conv":
            columns[-1] = columns[-1]._replace(maps=config.feature_maps[-1])
    y, last = found.decoded[0].numpy(), columns[-1]
    outputs = (Line("y", y), Line("x", x))
    if model.config.is_unit_interval:
        outputs = (Line("u", last.u), *outputs)
    last = last._replace(kind="output", maps=None)
    if len(last.h) == len(y):
        columns[-1] = last._replace(lines=outputs, h=y, image_shape=shape)
        return tuple(columns)
    # Two numbers of each value: y, and u of its variance.
    nothing, likelihood = np.full(len(y), np.nan), model.likelihood(found.z)
    rows = {"y": (y, nothing), "x": (x, nothing), "u": (nothing, last.u[len(y) :])}
    rows["σ²"] = (nothing, likelihood.variance[0].detach().numpy())
    lines = tuple(Line(symbol, np.concatenate(pair)) for symbol, pair in rows.items())
    columns[-1] = last._replace(lines=lines, index_base=len(y))
    return tuple(columns)


def _made_of(config: ModelConfig, component: int) -> tuple[tuple[int, ...], ...] | None:
    """Of a mixture, the units of the heads that a dimension of z is made of: its mean and spread."""
    if config.encoder_head != "mixture":
        return None
    dims, values = config.latent_dim, config.latent_dim * config.draws_of_each
    first = component * dims
    return tuple((first + j, values + first + j) for j in range(dims))


def _flow_column(number: int, layer: FlowLayer) -> Column:
    """t' behind a layer of a flow, with a and v of each dimension: all of t is in a^T t."""
    dims = len(layer.after)
    all_of = (tuple(range(dims)),) * dims
    lines = [Line("a", layer.a), Line("v", layer.v), Line(_OF_FLOW, layer.after)]
    if number == 1:
        lines = [Line("ε", layer.before), *lines]
        all_of = ((),) * dims  # the first one takes the noise, which no layer gives
    after, delta = layer.after, layer.delta
    return Column("flow", number, tuple(lines), after, after, delta, index_base=dims, made_of=all_of)


def _marked(columns: tuple[Column, ...], right: tuple[Column, ...]) -> tuple[Column, ...]:
    """The columns; ``is_wrong`` where delta differs from the right one."""
    return tuple(
        column._replace(is_wrong=_apart(column.delta, twin.delta))
        for column, twin in zip(columns, right, strict=True)
    )


def _apart(delta: Array | None, right: Array | None) -> bool:
    return delta is not None and right is not None and not np.array_equal(delta, right)


def _layer(one: "LinearMap", layer: "Layer", number: int) -> Column:
    from vae_core.labs.gradients.maps import Matrix

    u, h = layer.u[0].numpy(), layer.h[0].numpy()
    column = Column(
        "hidden",
        number,
        (Line("u", u), Line("h", h)),
        u,
        h,
        layer.delta[0].numpy(),
        biases=one.bias.detach().numpy(),
        index_base=len(h),
    )
    weight = one.weight.detach().numpy()
    if isinstance(one, Matrix):
        return column._replace(weights=weight)
    kernel = Kernel(weight, one.fine, one.coarse, one.is_transposed, one.per_value)
    return column._replace(kernel=kernel, maps=one.fine if one.is_transposed else one.coarse)


def _heads(column: Column, config: ModelConfig, found: "Backward") -> Column:
    """The heads: mean, and log sigma^2 (phi) with sigma, or u with sigma^2; L below the diagonal."""
    mean = found.mean[0].numpy()
    if config.encoder_head == "flow":
        return _flow_heads(column, config.latent_dim, mean, found.std[0].numpy())
    nothing = np.full(config.latent_dim, np.nan)
    if len(column.h) == config.latent_dim:
        return column._replace(kind="heads", lines=(Line("μ", mean),), index_base=len(mean))
    if found.factor is not None:
        return _full_heads(column, config.latent_dim, mean, found.factor[0].numpy())
    if config.encoder_head == "mixture":
        return _mixture_heads(column, config, found)
    spread, std = column.u[config.latent_dim :], found.std[0].numpy()
    rows = {"φ": spread, "σ": std} if config.encoder_head == "log_variance" else {"u": spread, "σ²": std**2}
    lines = [Line("μ", np.concatenate([mean, nothing]))]
    lines += [Line(symbol, np.concatenate([nothing, values])) for symbol, values in rows.items()]
    return column._replace(kind="heads", lines=tuple(lines), index_base=config.latent_dim)


def _mixture_heads(column: Column, config: ModelConfig, found: "Backward") -> Column:
    """Means and phi = log sigma^2 of each component, and the weights w, softmax of the last u."""
    dims, count = config.latent_dim, config.draws_of_each
    values, weights = dims * count, _weights_of(found)
    assert weights is not None
    empty = np.full(len(column.h), np.nan)
    lines: list[Line] = []
    for component in range(count):
        places = slice(component * dims, (component + 1) * dims)
        rows = {
            "μ": (0, found.mean[0]),
            "φ": (values, column.u[values : 2 * values]),
            "σ": (values, found.std[0]),
        }
        for symbol, (first, numbers) in rows.items():
            line = Line(symbol + superscript(component + 1).strip("⁽⁾"), empty.copy())
            line.values[first + component * dims : first + (component + 1) * dims] = numbers[places]
            lines.append(line)
    logits, shares = empty.copy(), empty.copy()
    logits[2 * values :], shares[2 * values :] = column.u[2 * values :], weights
    indices = (*(tuple(range(1, dims + 1)) * (2 * count)), *range(1, count + 1))
    return column._replace(
        kind="heads",
        lines=(*lines, Line("u", logits), Line("w", shares)),
        indices=indices,
        per_row=values,
    )


def _flow_heads(column: Column, dims: int, mean: Array, std: Array) -> Column:
    """Mean and phi of what a flow warps, and then the a, v and b of its layers before they are limited."""
    empty = np.full(len(column.h), np.nan)
    lines = [Line(symbol, empty.copy()) for symbol in ("μ", "φ", "σ", "u")]
    parts = ((0, mean), (dims, column.u[dims : 2 * dims]), (dims, std), (2 * dims, column.u[2 * dims :]))
    for line, (first, values) in zip(lines, parts, strict=True):
        line.values[first : first + len(values)] = values
    return column._replace(kind="heads", lines=tuple(lines), index_base=dims)


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
                symbol=_OTHERS.get(name, "b" if "biases" in name else "K" if ours.ndim == 4 else "W"),
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
    forward = [Step(_forward_name(column), index, False) for index, column in enumerate(columns)]
    back = [
        Step("δ" + _back_name(column), index, True)
        for index, column in reversed(list(enumerate(columns)))
        if column.delta is not None
    ]
    return (*forward, Step(LOSS, None, False), *back)


def _forward_name(column: Column) -> str:
    if column.kind == "flow":
        return _OF_FLOW + superscript(column.number)
    return _STEP_NAMES.get(column.kind, "h" + superscript(column.number))


def _back_name(column: Column) -> str:
    return (_OF_FLOW if column.kind == "flow" else "") + superscript(column.number)


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
