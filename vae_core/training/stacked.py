"""Many small models trained at once: each operation is one call for all of them.

A network of a class is so small that calling an operation costs as much as the operation itself. Here the
weights of N models of equal shapes are the rows of one matrix, products are those of N matrices at a time,
and the gradients are written out (source document 000, section 4.3). Each model has the noise and the order
of the examples that it would have alone; what it becomes differs from that by the rounding of sums.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor

from vae_core.config import Activation, ModelConfig, TrainConfig
from vae_core.data.byte_images import Examples, RedrawnImages
from vae_core.distributions import LOG_VAR_RANGE
from vae_core.model import MIN_LIKELIHOOD_SCALE
from vae_core.training.by_hand import Means
from vae_core.training.by_hand.layers import IN_PLACE, NARROW
from vae_core.training.loop import Training
from vae_core.training.optimizer import descend, initial_moments, point_into
from vae_core.training.products import chosen_products

_Named = dict[str, Tensor]
LARGEST: Final = 20_000
"""Most weights of a layer of models that gain: in larger ones the products themselves take the time."""
LEAST: Final = 10
"""From how many models on an update takes at most three quarters of its time alone: `benchmarks.sweep`."""


def can_stack(models: Sequence[ModelConfig], trainings: Sequence[TrainConfig]) -> bool:
    """Whether models may be trained together, and gain by it.

    They have equal shapes, equal mini-batches and one kind of optimiser, and maximise the ELBO; beta, its
    schedule, the learning rate and the seeds may differ.

    Arguments:
        models: Of each.
        trainings: Of each.
    """
    model, train = models[0], trainings[0]
    alike = all(other == model for other in models) and all(
        other.is_elbo
        and (other.batch_size, other.num_samples, other.free_bits, other.optimizer)
        == (train.batch_size, train.num_samples, train.free_bits, train.optimizer)
        for other in trainings
    )
    layers = [*pairwise(model.encoder_sizes), *pairwise(model.decoder_sizes)]
    return (
        alike
        and len(models) > 1
        and model.architecture == "mlp"
        and not model.num_conditions
        and model.prior == "standard_normal"
        and model.encoder_head == "log_variance"
        and model.likelihood in ("bernoulli", "gaussian")
        and max(map(math.prod, layers)) <= LARGEST
    )


def fits_together(trainings: Sequence[Training]) -> bool:
    """Whether trainings may be those of a :class:`Stack`: equal shapes, at one place of their data.

    Where images are drawn anew for each update, each training draws its own: it stays by itself.
    """
    places = {(one.step, one.batch_size, len(one.dataset.x_train)) for one in trainings}
    is_redrawn = any(isinstance(one.dataset.x_train, RedrawnImages) for one in trainings)
    models, configs = [one.model.config for one in trainings], [one.config for one in trainings]
    return len(places) == 1 and not is_redrawn and (len(trainings) == 1 or can_stack(models, configs))


class StackedTraining(Training):
    """A training whose updates a :class:`Stack` may compute, together with those of others.

    Where the stack has gone ahead its ``steps`` give what that made; else they make updates as any others.
    """

    _rows: Tensor
    _means: Means | None = None

    def live_in(self, weights: Tensor, gradient: Tensor, kept: Tensor, moments: dict[str, Tensor]) -> None:
        """Has its weights, their gradient, its last finite weights and the moments there from now on."""
        weights.copy_(self._weights)
        kept.copy_(self._kept_weights)
        for name, value in moments.items():
            value.copy_(self._moments[name])
        point_into(self.model, weights, gradient)
        self._weights, self._gradient, self._kept_weights, self._moments = weights, gradient, kept, moments
        self._by_hand = self._hand_gradient()

    def draw(self, eps: Tensor) -> Tensor:
        """Draws the next mini-batch and its noise, as the next update alone would.

        Arguments:
            eps: Takes the noise, shape (M, B, J).

        Returns:
            The rows of the mini-batch, shape (B,).
        """
        self._rows = self._batches.next_rows()
        self._batches.position -= len(self._rows)  # it moves on with the update
        self._draw_eps(eps)
        return self._rows

    def take(self, means: Means) -> None:
        """Takes the means of the mini-batch that was drawn; the update is made."""
        self._means = means

    def _next_batch(self) -> Tensor:
        if self._means is None:
            return super()._next_batch()
        self._batches.position += len(self._rows)
        return self._rows

    def _update(self, x: Tensor, beta: float) -> Means:
        means, self._means = self._means, None
        if means is None:
            return super()._update(x, beta)
        if not is_finite(means):
            self._diverged()
        self._kept_place = self._here
        self.model.hold_parameters()
        return means


class Stack:
    """Trainings that make their updates together.

    Arguments:
        trainings: Of models of equal shapes, all at the same place of their data.

    Raises:
        ValueError: They cannot be trained together.

    Example:
        >>> from vae_core.data import load_dataset
        >>> from vae_core.model import VAE
        >>> def begun(beta: float) -> StackedTraining:
        ...     generator = torch.Generator().manual_seed(0)
        ...     model = VAE(ModelConfig(data_dim=64), generator=generator)
        ...     config = TrainConfig(beta=beta, num_epochs=1)
        ...     return StackedTraining(model, load_dataset("digits"), config, generator=generator)
        >>> trainings = [begun(0.5), begun(2.0)]
        >>> stack, steps = Stack(trainings), [one.steps() for one in trainings]
        >>> stack.go_ahead()
        >>> [next(step).step for step in steps]
        [1, 1]
    """

    def __init__(self, trainings: Sequence[StackedTraining]) -> None:
        self.trainings = tuple(trainings)
        if not fits_together(trainings):
            raise ValueError("models of one stack have equal shapes and stand at one place of their data")
        first, count = trainings[0], len(trainings)
        names, parameters = zip(*first.model.named_parameters(), strict=True)
        shapes = [p.shape for p in parameters]
        like = parameters[0].detach()
        size = sum(shape.numel() for shape in shapes)
        self._weights, self._gradient, self._kept = like.new_zeros(3, count, size)
        moments = initial_moments(self._weights, first.config)
        self._moments = {
            name: value if value.dim() else value.repeat(count) for name, value in moments.items()
        }
        for row, one in enumerate(trainings):
            mine = {name: value[row] for name, value in self._moments.items()}
            one.live_in(self._weights[row], self._gradient[row], self._kept[row], mine)
        self._named, self._of_named = (
            dict(zip(names, _views(matrix, shapes), strict=True))
            for matrix in (self._weights, self._gradient)
        )
        self._products = chosen_products(first.model.config, count * first.batch_size)
        self._passes: dict[int, _Pass] = {}

    @torch.no_grad()
    def go_ahead(self) -> None:
        """Makes the next update of each training, which its ``steps`` give then.

        One whose objective is not finite is left as it was: there ``steps`` raise.
        """
        first = self.trainings[0]
        size = min(first.batch_size, first.num_left)
        made = self._passes.get(size)
        if made is None:  # one size of mini-batch, and that of the last one of an epoch
            made = self._passes[size] = _Pass(first, self._named, self._of_named, size)
        rows = [one.draw(eps) for one, eps in zip(self.trainings, made.eps, strict=True)]
        x = _batches([one.dataset.x_train for one in self.trainings], rows)
        with self._products:
            means = made(x, [one.beta for one in self.trainings])
        self._descend([is_finite(found) for found in means])
        for one, found in zip(self.trainings, means, strict=True):
            one.take(found)

    def _descend(self, finite: list[bool]) -> None:
        first = self.trainings[0]
        rates = [one.learning_rate for one in self.trainings]
        if all(finite) and all(rate == rates[0] for rate in rates):
            self._kept.copy_(self._weights)
            moments = {name: value if value.dim() > 1 else value[0] for name, value in self._moments.items()}
            descend(self._weights, self._gradient, moments, first.config, learning_rate=rates[0])
            if "step" in moments:
                self._moments["step"][1:] = moments["step"]
            return
        for row, (rate, is_good) in enumerate(zip(rates, finite, strict=True)):
            if is_good:
                self._kept[row] = self._weights[row]
                moments = {name: value[row] for name, value in self._moments.items()}
                descend(self._weights[row], self._gradient[row], moments, first.config, learning_rate=rate)


def is_finite(values: Sequence[float]) -> bool:
    """Whether all are: a NaN or an infinity makes their sum one."""
    return math.isfinite(sum(values))


def _batches(data: Sequence[Examples], rows: Sequence[Tensor]) -> Tensor:
    """The mini-batches of N trainings, shape (N, B, D)."""
    if all(x is data[0] for x in data):
        return data[0].index_select(0, torch.cat(list(rows))).unflatten(0, (len(rows), -1))
    return torch.stack([x.index_select(0, some) for x, some in zip(data, rows, strict=True)])


def _views(matrix: Tensor, shapes: Sequence[torch.Size]) -> list[Tensor]:
    """The columns of an (N, P) matrix as N tensors of each shape."""
    parts = matrix.split([shape.numel() for shape in shapes], dim=1)
    return [
        part.unflatten(1, shape) if shape else part[:, 0] for part, shape in zip(parts, shapes, strict=True)
    ]


class _Pass:
    """Forward and back of N models for mini-batches of B examples; all shapes begin with N.

    With R = M B rows and delta = dL/du of L = -(reconstruction - beta KL), each layer as in
    :class:`_Layers`, and in between z = mean + sigma eps:

        dL/dmean        = sum_m dL/dz + beta mean / B
        dL/dlog sigma^2 = sum_m eps sigma dL/dz / 2 + beta (sigma^2 - 1) / 2B

    A limit of log sigma^2 changes no gradient (:func:`vae_core.distributions.bounded`).
    """

    def __init__(self, first: Training, weights: _Named, gradients: _Named, batch: int) -> None:
        config, num_samples, dim = first.model.config, first.config.num_samples, first.model.config.latent_dim
        self._config, self._batch, self._free_bits = config, batch, first.config.free_bits
        self._weights, self._gradients = weights, gradients
        self._encoder = _Layers("encoder.", weights, gradients, config.activation, batch)
        self._decoder = _Layers("decoder.", weights, gradients, config.activation, num_samples * batch)
        like = self._encoder.u[-1]
        count = len(like)
        self.eps, self._z, self._of_z = like.new_empty(3, count, num_samples, batch, dim)
        self._log_var, self._std, self._excess, self._kl = like.new_empty(4, count, batch, dim)
        """log sigma^2, sigma, sigma^2 - 1, and the KL of each example and dimension."""
        self._spare = torch.empty_like(self._decoder.u[-1])
        self._std_of, self._rows_of_z, self._rows_of_delta = (
            self._std.unsqueeze(1),
            self._z.flatten(1, 2),
            self._of_z.flatten(1, 2),
        )
        outputs, delta = self._encoder.u[-1], self._encoder.delta[-1]
        self._mean, self._of_mean = outputs[..., :dim], delta[..., :dim]
        self._mean_of = self._mean.unsqueeze(1)
        self._spread, self._of_spread = outputs[..., dim:], delta[..., dim:]
        shape = (count, num_samples, batch, config.data_dim)
        self._outputs, self._delta = self._decoder.u[-1].view(shape), self._decoder.delta[-1].view(shape)

    def __call__(self, x: Tensor, betas: Sequence[float]) -> list[Means]:
        """Writes the gradients at x of shape (N, B, D)."""
        mean = self._mean
        self._encoder.forward(x)
        log_var = torch.clamp(self._spread, *LOG_VAR_RANGE, out=self._log_var)
        torch.exp(torch.mul(log_var, 0.5, out=self._std), out=self._std)
        excess = torch.expm1(log_var, out=self._excess)
        kl = torch.mul(mean, mean, out=self._kl).add_(excess).sub_(log_var).mul_(0.5)
        torch.addcmul(self._mean_of, self.eps, self._std_of, out=self._z)
        self._decoder.forward(self._rows_of_z)
        reconstruction = self._score(x.unsqueeze(1))
        self._decoder.backward()
        self._decoder.to_inputs(self._rows_of_delta)
        mean_kl, beta = kl.mean(1), x.new_tensor(betas)
        penalised, weight = mean_kl, (beta / self._batch)[:, None, None]
        if self._free_bits:
            penalised = mean_kl.clamp(min=self._free_bits)
            weight = weight * (mean_kl >= self._free_bits).to(x.dtype)[:, None]
        of_z = self._of_z
        torch.addcmul(_summed(of_z), mean, weight, out=self._of_mean)
        of_z.mul_(self.eps).mul_(self._std_of)
        torch.addcmul(_summed(of_z), excess, weight, out=self._of_spread).mul_(0.5)
        self._encoder.backward()
        objective = reconstruction - beta * penalised.sum(1)
        means = torch.stack((reconstruction, mean_kl.sum(1), objective), 1)
        return [Means(*values) for values in means.tolist()]

    def _score(self, x: Tensor) -> Tensor:
        """Means of log p(x|z), shape (N,); writes delta of the decoder's outputs.

        Bernoulli: log p = sum_i x_i l_i - softplus(l_i), delta = (sigmoid(l) - x) / R, where -softplus(l) is
        log sigmoid(l) - l unless a sigmoid is 0. Gaussian: log p = -||x - y||^2 / 2 s^2 - D (log s +
        log(2 pi) / 2), delta = (y - x) / (s^2 R), and for a learned s dL/dlog s = D - mean ||x - y||^2 / s^2.
        """
        rows, data_dim = self._decoder.u[-1].shape[1:]
        if self._config.likelihood == "bernoulli":
            logits, delta, log_prob = self._outputs, self._delta, self._spare.view_as(self._delta)
            torch.sigmoid(logits, out=delta)
            torch.log(delta, out=log_prob).sub_(logits).addcmul_(logits, x)
            means = self._spare.flatten(1).sum(1) / rows
            delta.sub_(x).mul_(1.0 / rows)
            if is_finite(means.tolist()):
                return means
            softplus = torch.ops.aten.softplus.out(self._decoder.u[-1], out=self._spare).view_as(logits)
            return (logits * x - softplus).sum((1, 2, 3)) / rows
        torch.sub(self._outputs, x, out=self._delta)
        squares = (
            torch.mul(self._delta, self._delta, out=self._spare.view_as(self._delta)).sum((1, 2, 3)) / rows
        )
        if self._config.likelihood_scale is None:
            scale = self._weights["log_scale"].clamp(min=math.log(MIN_LIKELIHOOD_SCALE)).exp()
            self._gradients["log_scale"].copy_(data_dim - squares / scale.square())
        else:
            scale = torch.full_like(squares, self._config.likelihood_scale)
        self._delta.mul_((1.0 / (scale.square() * rows))[:, None, None, None])
        return -squares / (2 * scale.square()) - data_dim * (scale.log() + 0.5 * math.log(2 * math.pi))


def _summed(of_samples: Tensor) -> Tensor:
    """The sum over the samples, dimension 1; with one there is nothing to sum."""
    return of_samples[:, 0] if of_samples.shape[1] == 1 else of_samples.sum(1)


class _Layers:
    """The layers of N networks: u_l = h_(l-1) W_l^T + b_l on the way forward, delta = dL/du on the way back.

    delta of a layer before another one is (delta W) f'(u), delta and W being the next one's; dL/dW is
    delta^T h with the h that the layer takes in, and dL/db is the sum of delta over the rows.

    Arguments:
        prefix: Of the names of its parameters.
        weights, gradients: All parameters by name, shape (N, ...).
        activation: f.
        rows: Of the inputs of each network.
    """

    def __init__(
        self, prefix: str, weights: _Named, gradients: _Named, activation: Activation, rows: int
    ) -> None:
        self._activation = IN_PLACE[activation]
        self._weights, self._of_weights = (_all(named, f"{prefix}weights.") for named in (weights, gradients))
        self._biases, self._of_biases = (_all(named, f"{prefix}biases.") for named in (weights, gradients))
        self._transposed = [weight.transpose(1, 2) for weight in self._weights]
        self._added = [bias.unsqueeze(1) for bias in self._biases]
        self.u = [weight.new_empty(len(weight), rows, weight.shape[1]) for weight in self._weights]
        self.delta = [torch.empty_like(u) for u in self.u]
        self._delta_t = [delta.transpose(1, 2) for delta in self.delta]
        hidden = self.u[:-1]
        self._h = [torch.empty_like(u) for u in hidden] if self._activation.needs_u else hidden
        self._inputs: Tensor | None = None
        # A product with few columns takes as long as one with many: its transpose does not.
        self._by_columns = [
            torch.empty_like(weight.transpose(1, 2), memory_format=torch.contiguous_format)
            if weight.shape[2] <= NARROW
            else None
            for weight in self._weights
        ]

    def forward(self, h: Tensor) -> None:
        """u of all layers, for inputs of shape (N, rows, fan_in)."""
        self._inputs = h
        for index, u in enumerate(self.u):
            factor = self._activation.factor if index < len(self._h) else 1
            # The same as ``torch.baddbmm(bias, ...)``, which copies the bias more slowly.
            u.copy_(self._added[index])
            torch.baddbmm(u, h, self._transposed[index], alpha=factor, beta=factor, out=u)
            if index < len(self._h):
                h = self._h[index]
                self._activation.value(u, h)

    def backward(self) -> None:
        """Gradients of all weights and biases; delta of the last layer is there."""
        for index in range(len(self.u) - 1, -1, -1):
            delta, h = self.delta[index], self._h[index - 1] if index else self._inputs
            assert h is not None
            torch.sum(delta, 1, out=self._of_biases[index])
            of_weights, transposed = self._of_weights[index], self._by_columns[index]
            if transposed is None:
                torch.bmm(self._delta_t[index], h, out=of_weights)
            else:
                of_weights.copy_(torch.bmm(h.transpose(1, 2), delta, out=transposed).transpose(1, 2))
            if index:
                before = self.delta[index - 1]
                torch.bmm(delta, self._weights[index], out=before)
                self._activation.times_slope(before, self.u[index - 1], h)

    def to_inputs(self, out: Tensor) -> None:
        """dL/d(input), shape (N, rows, fan_in)."""
        torch.bmm(self.delta[0], self._weights[0], out=out)


def _all(named: _Named, prefix: str) -> list[Tensor]:
    return [value for name, value in named.items() if name.startswith(prefix)]
