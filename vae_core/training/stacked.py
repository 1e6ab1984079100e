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
LEAST: Final = 4
"""From how many models on an update takes three quarters of its time alone: `benchmarks.sweep`."""
_FEW: Final = 4
"""Up to how many outputs a network's last product is made transposed."""


def can_stack(models: Sequence[ModelConfig], trainings: Sequence[TrainConfig]) -> bool:
    """Whether models may be trained together, and gain by it.

    They have equal shapes, equal mini-batches and one optimiser, and maximise the ELBO; beta, its schedule,
    the learning rate and the seeds may differ.

    Arguments:
        models: Of each.
        trainings: Of each.
    """
    model, train = models[0], trainings[0]
    alike = all(other == model for other in models) and all(
        other.is_elbo
        and (other.batch_size, other.num_samples, other.free_bits, other.optimizer, other.momentum)
        == (train.batch_size, train.num_samples, train.free_bits, train.optimizer, train.momentum)
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
    """Whether trainings may be those of a :class:`Stack`: :func:`are_alike`, at one place of their data."""
    return are_alike(trainings) and len({one.step for one in trainings}) == 1


def are_alike(trainings: Sequence[Training]) -> bool:
    """Whether trainings may be those of a :class:`Stack` once they stand at the same step: equal shapes.

    Where images are drawn anew for each update, each training draws its own: it stays by itself. So does one
    that began with a gradient by automatic differentiation.
    """
    sizes = {(one.batch_size, len(one.dataset.x_train)) for one in trainings}
    is_alone = any(
        isinstance(one.dataset.x_train, RedrawnImages) or not one.is_written_out for one in trainings
    )
    models, configs = [one.model.config for one in trainings], [one.config for one in trainings]
    return len(sizes) == 1 and not is_alone and (len(trainings) == 1 or can_stack(models, configs))


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
        self._of_all = {name: value if value.dim() > 1 else value[0] for name, value in self._moments.items()}
        """The same for one update of all: there the number of updates is one number, the first model's."""
        for row, one in enumerate(trainings):
            mine = {name: value[row] for name, value in self._moments.items()}
            one.live_in(self._weights[row], self._gradient[row], self._kept[row], mine)
        self._named, self._of_named = (
            dict(zip(names, _views(matrix, shapes), strict=True))
            for matrix in (self._weights, self._gradient)
        )
        self._products = chosen_products(first.model.config, count * first.batch_size)
        self._passes: dict[int, _Pass] = {}

    @torch.inference_mode()
    def go_ahead(self) -> None:
        """Makes the next update of each training, which its ``steps`` give then.

        One whose objective is not finite is left as it was: there ``steps`` raise.
        """
        first = self.trainings[0]
        size = min(first.batch_size, first.num_left)
        made = self._passes.get(size)
        if made is None:  # one size of mini-batch, and that of the last one of an epoch
            made = self._passes[size] = _Pass(first, self._named, self._of_named, size)
        rows = [one.draw(eps) for one, eps in zip(self.trainings, made.eps_of, strict=True)]
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
            descend(self._weights, self._gradient, self._of_all, first.config, learning_rate=rates[0])
            if "step" in self._moments:
                self._moments["step"][1:] = self._of_all["step"]
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
    """The mini-batches of N trainings, shape (N, B, D); trainings of one seed share theirs."""
    if all(x is data[0] for x in data):
        if all(torch.equal(some, rows[0]) for some in rows[1:]):
            return data[0].index_select(0, rows[0]).expand(len(rows), -1, -1)
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
        self._config, self._batch, self._rows = config, batch, num_samples * batch
        self._weights, self._gradients = weights, gradients
        self._encoder = _Layers("encoder.", weights, gradients, config.activation, batch)
        self._decoder = _Layers("decoder.", weights, gradients, config.activation, self._rows)
        like = self._encoder.u[-1]
        count = len(like)
        self.eps, self._noise, self._z, self._of_z = like.new_empty(4, count, num_samples, batch, dim)
        """eps, sigma eps, z, and dL/dz."""
        self.eps_of = self.eps.unbind()
        """Of each model, shape (M, B, J)."""
        self._log_var, self._std, self._excess, self._twice_kl = like.new_empty(4, count, batch, dim)
        """log sigma^2, sigma, sigma^2 - 1, and two times the KL of each example and dimension."""
        self._sums = like.new_zeros(3, count)
        """Over the mini-batch: log p(x|z), and two times the KL and what of it beta weighs."""
        self._log_prob = torch.empty_like(self._decoder.u[-1])
        """Of each value."""
        self._log_prob_values, self._twice_kl_values = self._log_prob.flatten(1), self._twice_kl.flatten(1)
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
        self._outputs, self._delta, self._log_prob_of = (
            values.view(shape) for values in (self._decoder.u[-1], self._decoder.delta[-1], self._log_prob)
        )
        # A plain number would be made a tensor in each operation.
        self._half, self._share = like.new_tensor(0.5), like.new_tensor(1.0 / self._rows)
        self._floor = 2.0 * batch * first.config.free_bits
        """Two times what of the KL of a mini-batch is free, of each dimension."""
        self._betas: Sequence[float] = ()
        self._beta_shares = like.new_empty(0)

    def __call__(self, x: Tensor, betas: Sequence[float]) -> list[Means]:
        """Writes the gradients at x of shape (N, B, D)."""
        mean, x_of = self._mean, x.unsqueeze(1)
        self._encoder.forward(x)
        log_var = torch.clamp(self._spread, *LOG_VAR_RANGE, out=self._log_var)
        torch.exp(torch.mul(log_var, self._half, out=self._std), out=self._std)
        excess = torch.expm1(log_var, out=self._excess)
        torch.sub(excess, log_var, out=self._twice_kl).addcmul_(mean, mean)
        torch.add(torch.mul(self.eps, self._std_of, out=self._noise), self._mean_of, out=self._z)
        self._decoder.forward(self._rows_of_z)
        self._score(x_of)
        self._decoder.backward()
        self._decoder.to_inputs(self._rows_of_delta)
        weight, of_z = self._weigh_kl(betas), self._of_z
        torch.addcmul(_summed(of_z), mean, weight, out=self._of_mean)
        of_z.mul_(self._noise)
        torch.addcmul(_summed(of_z), excess, weight, out=self._of_spread).mul_(self._half)
        self._encoder.backward()
        return self._means(x_of, betas)

    def _weigh_kl(self, betas: Sequence[float]) -> Tensor:
        """The KL of the mini-batch, and beta / B of each model, or 0 where the KL of a dimension is free."""
        torch.sum(self._twice_kl_values, 1, out=self._sums[1])
        if betas != self._betas:
            self._betas = betas
            self._beta_shares = (self._sums.new_tensor(betas) / self._batch)[:, None, None]
        if not self._floor:
            return self._beta_shares
        summed = self._twice_kl.sum(1)
        torch.sum(summed.clamp(min=self._floor), 1, out=self._sums[2])
        return self._beta_shares * (summed >= self._floor).to(summed.dtype)[:, None]

    def _means(self, x: Tensor, betas: Sequence[float]) -> list[Means]:
        """Of the mini-batch, from the sums, which are read together."""
        log_probs, kls, penalised = self._sums.tolist()
        if self._config.likelihood == "bernoulli" and not is_finite(log_probs):
            logits = self._outputs  # where a sigmoid is 0
            softplus = torch.ops.aten.softplus.out(logits, out=self._log_prob_of)
            log_probs = (logits * x - softplus).sum((1, 2, 3)).tolist()
        twice = 2.0 * self._batch
        return [
            Means(log_prob / self._rows, kl / twice, log_prob / self._rows - beta * weighed / twice)
            for log_prob, kl, weighed, beta in zip(
                log_probs, kls, penalised if self._floor else kls, betas, strict=True
            )
        ]

    def _score(self, x: Tensor) -> None:
        """Writes the sums of log p(x|z), shape (N,), and delta of the decoder's outputs.

        Bernoulli: log p = sum_i x_i l_i - softplus(l_i), delta = (sigmoid(l) - x) / R, where -softplus(l) is
        log sigmoid(l) - l unless a sigmoid is 0. Gaussian: log p = -||x - y||^2 / 2 s^2 - D (log s +
        log(2 pi) / 2), delta = (y - x) / (s^2 R), and for a learned s dL/dlog s = D - mean ||x - y||^2 / s^2.
        """
        outputs, delta, total = self._outputs, self._delta, self._sums[0]
        if self._config.likelihood == "bernoulli":
            torch.sigmoid(outputs, out=delta)
            torch.log(delta, out=self._log_prob_of).sub_(outputs).addcmul_(outputs, x)
            torch.sum(self._log_prob_values, 1, out=total)
            delta.sub_(x).mul_(self._share)
            return
        torch.sub(outputs, x, out=delta)
        torch.mul(delta, delta, out=self._log_prob_of)
        squares, data_dim = self._log_prob_values.sum(1) * self._share, x.shape[-1]
        if self._config.likelihood_scale is None:
            scale = self._weights["log_scale"].clamp(min=math.log(MIN_LIKELIHOOD_SCALE)).exp()
            self._gradients["log_scale"].copy_(data_dim - squares / scale.square())
        else:
            scale = torch.full_like(squares, self._config.likelihood_scale)
        delta.mul_((self._share / scale.square())[:, None, None, None])
        constant = data_dim * (scale.log() + 0.5 * math.log(2 * math.pi))
        torch.mul(-squares / (2 * scale.square()) - constant, float(self._rows), out=total)


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
        last = self.u[-1]
        self._few = torch.empty_like(last.transpose(1, 2), memory_format=torch.contiguous_format)
        """The last outputs, transposed."""
        self._has_few = last.shape[2] <= _FEW

    def forward(self, h: Tensor) -> None:
        """u of all layers, for inputs of shape (N, rows, fan_in)."""
        self._inputs = h
        for index, u in enumerate(self.u):
            factor = self._activation.factor if index < len(self._h) else 1
            if self._has_few and index == len(self._h):
                torch.bmm(self._weights[index], h.transpose(1, 2), out=self._few)
                torch.add(self._few.transpose(1, 2), self._added[index], out=u)
            else:
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
            if transposed is not None:
                of_weights.copy_(torch.bmm(h.transpose(1, 2), delta, out=transposed).transpose(1, 2))
            elif self._has_few and index == len(self._h):
                # Matrices that do not follow each other in memory are written one by one.
                of_weights.copy_(torch.bmm(self._delta_t[index], h))
            else:
                torch.bmm(self._delta_t[index], h, out=of_weights)
            if index:
                before = self.delta[index - 1]
                torch.bmm(delta, self._weights[index], out=before)
                self._activation.times_slope(before, self.u[index - 1], h)

    def to_inputs(self, out: Tensor) -> None:
        """dL/d(input), shape (N, rows, fan_in)."""
        transposed = self._by_columns[0]
        if transposed is None:
            torch.bmm(self.delta[0], self._weights[0], out=out)
        else:
            torch.bmm(self.delta[0], transposed.copy_(self._transposed[0]).transpose(1, 2), out=out)


def _all(named: _Named, prefix: str) -> list[Tensor]:
    return [value for name, value in named.items() if name.startswith(prefix)]
