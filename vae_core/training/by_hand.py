"""The gradient of the objective by the chain rule written out, in buffers that are made once.

Automatic differentiation builds a graph for every update and takes it apart again, which on the networks that
a class trains is most of an update's time. Here u, h and delta = dL/du of each layer have a place of their
own (source document 000, section 4.3; Rumelhart, Hinton and Williams 1986), and the gradients of the weights
are written where the optimiser reads them.
"""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae_core.config import Activation, EncoderHead, ModelConfig
from vae_core.distributions import LOG_2PI, LOG_VAR_RANGE, softplus_slope
from vae_core.elbo import ElboTerms
from vae_core.model import SPREAD_RANGE, VAE
from vae_core.networks import MLP
from vae_core.posteriors import Deterministic, DiagonalNormal, FullNormal, Posterior
from vae_core.priors import NormalMixture, vamp_prior
from vae_core.training.draw_gradient import DrawGradient, gradient_of_draws
from vae_core.training.mixture_gradient import MixtureGradient, variance_slope

NARROW: Final = 8
"""Up to how many inputs of a layer its products are made transposed."""


class Means(NamedTuple):
    """Of one mini-batch, nats per example.

    Arguments:
        reconstruction: Of E_q[log p(x|z)].
        kl: Of KL(q || p).
        objective: reconstruction - beta KL, with free bits in the KL where there are any.
    """

    reconstruction: float
    kl: float
    objective: float


def is_written_out(config: ModelConfig) -> bool:
    """Whether the gradient of a model is written out here: that of convolutions is not."""
    return config.architecture == "mlp"


class HandGradient:
    """The gradient of L = -(reconstruction - beta KL), means over a mini-batch, by the model's weights.

    With R = M B rows and delta = dL/du: delta of the decoder's output is -d log p(x|z)/du / R; that of a
    layer before another one is (W^T delta) f'(u), W and delta being the next one's; then dL/dW = delta^T h,
    with the h that the layer takes in, and dL/db is the sum of delta. In between z = mean + sigma eps:

        dL/dmean        = sum_m dL/dz + beta mean / B
        dL/dlog sigma^2 = sum_m eps sigma dL/dz / 2 + beta (sigma^2 - 1) / 2B

    and with a full covariance matrix, z = mean + L eps, sigma is L_jj there, and below the diagonal

        dL/dL_jk        = sum_m eps_k dL/dz_j + beta L_jk / B

    A limit of log sigma^2 changes no gradient (:func:`vae_core.distributions.bounded`).

    Where the prior is learned the KL is the mean of log q(z|x) - log p(z) over the samples: then -beta / R
    times d log p(z)/dz is part of dL/dz. Of log q(z|x) = -1/2 sum_j eps_j^2 + log sigma_j^2 + log 2 pi there
    is -1 in the place of sigma^2 - 1, and 0 in that of the mean and of L_jk. The prior's own gradient is that
    of :class:`vae_core.training.mixture_gradient.MixtureGradient`; that of a VampPrior goes on through the
    encoder to the pseudo-inputs, and is added to the encoder's.

    Arguments:
        model: A multi-layer perceptron. Its parameters have a ``grad`` already: it is written there.
        num_samples: M.
        batch_size: The most examples of a mini-batch.
    """

    def __init__(self, model: VAE, *, num_samples: int, batch_size: int) -> None:
        self._model = model
        self._num_samples = num_samples
        self._batch_size = batch_size
        self._room = _Room(model.encoder.weights[0])
        self._passes: dict[int, _Pass] = {}
        self._eps: dict[int, Tensor] = {}

    def __call__(self, x: Tensor, eps: Tensor, *, beta: float, free_bits: float) -> Means:
        """Writes the gradient at examples x of shape (B, D) with noise eps of shape (M, B, J).

        Arguments:
            x: The mini-batch; of a conditional model rows [x, y], shape (B, D + C).
            eps: Of the posterior's ``draw_eps``.
            beta: Weight of the KL.
            free_bits: Nats of each dimension's mean KL that cost nothing.
        """
        self._last = self.of_size(len(x))
        self._last(x, eps, beta, free_bits)
        reconstruction, kl, penalised = self._last.means(has_free_bits=free_bits > 0)
        return Means(reconstruction, kl, reconstruction - beta * penalised)

    def of_size(self, size: int) -> "_Pass":
        """That of mini-batches of a size: the full one, or that of the last one of an epoch."""
        found = self._passes.get(size)
        if found is not None:
            return found
        if size < self._batch_size:
            self.of_size(self._batch_size)  # it makes room for the smaller one
        self._room.begin()
        kind = _PASSES.get(self._model.config.encoder_head, _GaussianPass)
        with torch.inference_mode(mode=False):  # its arrays are written in either mode
            found = self._passes[size] = kind(self._model, self._room, size, self._num_samples)
            self._eps[size] = self._room.zeros(self._num_samples, size, self._model.config.latent_dim)
        return found

    def eps_of_size(self, size: int) -> Tensor:
        """A place for the noise of a mini-batch, shape (M, B, J); of zeros until something is drawn there."""
        self.of_size(size)
        return self._eps[size]

    @property
    def nbytes(self) -> int:
        """Of all arrays."""
        return sum(place.nbytes for place in self._room.places)

    def posterior(self) -> Posterior:
        """q(z|x) of the last mini-batch."""
        return self._last.posterior()

    def terms(self) -> ElboTerms:
        """The bound of the last mini-batch, example by example."""
        return self._last.terms()


class _Room:
    """Memory for the arrays of a pass, in the order in which it asks for them.

    A pass of fewer rows that asks in the same order, later, gets the beginnings of the same.

    Arguments:
        like: Of this type and on this device.
    """

    def __init__(self, like: Tensor) -> None:
        self._like = like.detach()
        self.places: list[Tensor] = []
        """The arrays, flat."""
        self._next = 0

    def begin(self) -> None:
        """The next array is the first one of a pass."""
        self._next = 0

    def zeros(self, *shape: int) -> Tensor:
        """The next array of a pass."""
        size = math.prod(shape)
        if self._next == len(self.places):
            self.places.append(self._like.new_empty(size))
        self._next += 1
        return self.places[self._next - 1][:size].view(shape).zero_()


class _Pass:
    """Forward and back for mini-batches of one size, through networks, likelihood and learned prior.

    What is between the encoder's outputs and z is of each kind of q.

    Arguments:
        model: A multi-layer perceptron.
        room: Where the arrays are.
        batch: B.
        num_draws: Points z of each example, S.
    """

    def __init__(self, model: VAE, room: _Room, batch: int, num_draws: int) -> None:
        config = model.config
        dim = config.latent_dim
        self._model, self._head = model, config.encoder_head
        self._batch, self._dim, self._data_dim = batch, dim, config.data_dim
        encoder, decoder = model.encoder, model.decoder
        assert isinstance(encoder, MLP)
        assert isinstance(decoder, MLP)
        self._encoder = _Layers(encoder, config.activation, room, batch)
        self._decoder = _Layers(decoder, config.activation, room, num_draws * batch)
        self._outputs, self._of_outputs = self._encoder.u[-1], self._encoder.delta[-1]
        self._sums = room.zeros(3)
        """Over the mini-batch: log p(x|z), and two times the KL and of what of it beta weighs. They are
        read together: each read would wait for a device that computes on its own."""
        of_score, self._kl_sum, self._penalised_sum = self._sums.unbind()
        into = (num_draws, batch, dim + config.num_conditions)
        inputs, of_inputs = room.zeros(*into), room.zeros(*into)
        """The decoder's inputs [z, y]."""
        self._input_rows, self._of_input_rows = inputs.flatten(0, 1), of_inputs.flatten(0, 1)
        self._y = inputs[..., dim:] if config.num_conditions else None
        self._z, self._z_rows = inputs[..., :dim], self._input_rows[:, :dim]
        self._of_z, self._of_z_rows = of_inputs[..., :dim], self._of_input_rows[:, :dim]
        self._rows = num_draws * batch
        self._prior = None if config.prior == "standard_normal" else _LearnedPrior(model, room)
        self._score = self._score_of(room, (num_draws, batch), of_score)

    def __call__(self, x: Tensor, eps: Tensor, beta: float, free_bits: float) -> Tensor:
        """Writes the gradient; returns sums that :meth:`means` reads."""
        self._encoder.forward(x)
        self._to_z(eps)
        if self._y is not None:
            x, y = x[:, : self._data_dim], x[:, self._data_dim :]
            self._y.copy_(y)
        self._decoder.forward(self._input_rows)
        self._score(x)
        self._decoder.backward()
        self._decoder.to_inputs(self._of_input_rows)
        self._to_outputs(eps, beta / self._batch, 2.0 * self._batch * free_bits)
        return self._sums

    def means(self, *, has_free_bits: bool) -> tuple[float, float, float]:
        """Mean reconstruction, mean KL, and what beta weighs of it."""
        log_prob, kl, penalised = self._sums.tolist()
        if not math.isfinite(log_prob):
            log_prob = self._score.summed_again()
        kl /= 2.0 * self._batch
        return log_prob / self._rows, kl, penalised / (2.0 * self._batch) if has_free_bits else kl

    def posterior(self) -> Posterior:
        """q(z|x) of the mini-batch."""
        raise NotImplementedError

    def terms(self) -> ElboTerms:
        """The bound of the mini-batch, example by example."""
        raise NotImplementedError

    def _score_of(self, room: _Room, shape: tuple[int, int], total: Tensor) -> "_Score":
        """log p(x|z) and its gradient."""
        return _SCORES[self._model.config.likelihood](self._model, self._decoder, room, shape, total)

    def _to_z(self, eps: Tensor) -> None:
        """z from the encoder's outputs."""
        raise NotImplementedError

    def _to_outputs(self, eps: Tensor, weight: float, floor: float) -> None:
        """delta of the encoder's outputs from dL/dz of the reconstruction, and all before it.

        Arguments:
            eps: The noise.
            weight: beta / B.
            floor: Two times what of the KL of the mini-batch is free, of each dimension.
        """
        raise NotImplementedError

    def _penalised(self, floor: float) -> float | Tensor:
        """1, or 0 where a KL that is one of all dimensions is free."""
        if not floor:
            return 1.0
        torch.clamp(self._kl_sum, min=floor, out=self._penalised_sum)
        return (self._kl_sum >= floor).to(self._kl_sum.dtype)


class _GaussianPass(_Pass):
    """Of a Gaussian q with a diagonal covariance matrix, or of a deterministic encoder."""

    def __init__(self, model: VAE, room: _Room, batch: int, num_samples: int) -> None:
        super().__init__(model, room, batch, num_samples)
        dim = self._dim
        outputs, delta = self._outputs, self._of_outputs
        self._mean, self._of_mean = outputs[:, :dim], delta[:, :dim]
        self._spread, self._of_spread = outputs[:, dim : 2 * dim], delta[:, dim : 2 * dim]
        self._log_var, self._std = room.zeros(batch, dim), room.zeros(batch, dim)
        self._log_ratio = self._log_var.new_zeros(num_samples, batch)
        """log q(z|x) - log p(z) of a learned prior."""
        self._excess, self._twice_kl = room.zeros(batch, dim), room.zeros(batch, dim)
        """sigma^2 - 1, and two times the KL of each example and dimension."""
        self._twice_kl_values = self._twice_kl.view(-1)
        if self._head != "deterministic":
            self._std.fill_(1.0)
        self._noise = room.zeros(num_samples, batch, dim)
        """sigma eps."""
        # With one sample there is nothing to sum over: both names are one place.
        self._of_z_sum = self._of_z[0] if num_samples == 1 else room.zeros(batch, dim)
        self._half = self._z.new_tensor(0.5)

    def _to_z(self, eps: Tensor) -> None:
        self._to_posterior()
        self._to_noise(eps)
        torch.add(self._noise, self._mean, out=self._z)

    def _to_outputs(self, eps: Tensor, weight: float, floor: float) -> None:
        if self._prior is not None:
            self._to_learned_prior(self._prior, eps, weight, floor)
            return
        torch.sum(self._twice_kl_values, 0, out=self._kl_sum)
        weights: float | Tensor = weight
        if floor:
            summed = self._twice_kl.sum(0)
            torch.sum(summed.clamp(min=floor), 0, out=self._penalised_sum)
            weights = weight * (summed >= floor).to(summed.dtype)
        self._to_heads(weights)
        self._encoder.backward()

    def _to_learned_prior(self, prior: "_LearnedPrior", eps: Tensor, weight: float, floor: float) -> None:
        """The same where the KL of all dimensions is one."""
        log_p, score = prior.at(self._z_rows)
        # eps is what z was made of: log q(z|x) = -1/2 sum_j eps_j^2 + log sigma_j^2 + log 2 pi.
        log_var = self._log_var.sum(1) + self._dim * LOG_2PI
        self._log_ratio = -0.5 * (eps.square().sum(-1) + log_var) - log_p.view(eps.shape[:2])
        torch.mul(self._log_ratio.sum(), 2.0 / len(eps), out=self._kl_sum)
        weights = weight * self._penalised(floor)
        self._of_z_rows.sub_(score.mul_(weights / len(eps)))
        self._excess.fill_(-1.0)
        self._to_heads(weights)
        self._encoder.backward()
        prior.backward(weights / len(eps))

    def _to_posterior(self) -> None:
        """log sigma^2, sigma and the KL of each dimension from the encoder's outputs."""
        if self._head == "deterministic":
            return
        mean, kl = self._mean, self._twice_kl
        if self._head == "unit_variance":
            torch.mul(mean, mean, out=kl)
            return
        spread = self._spread
        if self._head == "variance":
            spread = torch.log(functional.softplus(spread.clamp(*SPREAD_RANGE)) + 1e-9)
        log_var = torch.clamp(spread, *LOG_VAR_RANGE, out=self._log_var)
        torch.exp(torch.mul(log_var, self._half, out=self._std), out=self._std)
        torch.sub(torch.expm1(log_var, out=self._excess), log_var, out=kl).addcmul_(mean, mean)

    def _to_noise(self, eps: Tensor) -> None:
        """z - mean."""
        torch.mul(eps, self._std, out=self._noise)

    def _to_heads(self, weight: float | Tensor) -> None:
        """delta of the encoder's outputs; ``weight`` of the KL of each example and dimension."""
        of_z, summed = self._of_z, self._of_z_sum
        if len(of_z) > 1:
            torch.sum(of_z, 0, out=summed)
        if self._head == "deterministic":
            self._of_mean.copy_(summed)
            return
        self._add_to_mean(summed, weight)
        if self._head == "unit_variance":
            return
        of_z.mul_(self._noise)
        if len(of_z) > 1:
            torch.sum(of_z, 0, out=summed)
        _add_weighted(summed, self._excess, weight, out=self._of_spread)
        self._of_spread.mul_(self._half)
        if self._head == "variance":
            spread = self._spread.clamp(*SPREAD_RANGE)
            self._of_spread.mul_(softplus_slope(spread) / (functional.softplus(spread) + 1e-9))

    def _add_to_mean(self, of_z: Tensor, weight: float | Tensor) -> None:
        """delta of the means; a learned prior has its part in dL/dz."""
        if self._prior is None:
            _add_weighted(of_z, self._mean, weight, out=self._of_mean)
        else:
            self._of_mean.copy_(of_z)

    def posterior(self) -> Posterior:
        mean = self._mean.clone()
        if self._head == "deterministic":
            return Deterministic(mean)
        return DiagonalNormal(mean, self._log_var.clone())

    def terms(self) -> ElboTerms:
        if self._prior is not None:
            return ElboTerms(self._score.per_example(), self._log_ratio.mean(0), None)
        per_dim = 0.5 * self._twice_kl
        return ElboTerms(self._score.per_example(), per_dim.sum(-1), per_dim)


class _FullPass(_GaussianPass):
    """The same with a full covariance matrix: what is below the diagonal of L, row by row, comes last."""

    def __init__(self, model: VAE, room: _Room, batch: int, num_samples: int) -> None:
        super().__init__(model, room, batch, num_samples)
        dim = self._dim
        self._below, self._of_below = self._encoder.u[-1][:, 2 * dim :], self._encoder.delta[-1][:, 2 * dim :]
        self._below_rows, self._columns = torch.tril_indices(dim, dim, -1, device=self._std.device)
        self._factor, self._products = room.zeros(batch, dim, dim), room.zeros(batch, dim, dim)
        """L, and sum_m dL/dz eps^T."""
        self._eps = self._noise

    def _to_posterior(self) -> None:
        super()._to_posterior()
        self._twice_kl.index_add_(1, self._below_rows, self._below.square())
        self._factor[:, self._below_rows, self._columns] = self._below
        self._factor.diagonal(dim1=1, dim2=2).copy_(self._std)

    def _to_noise(self, eps: Tensor) -> None:
        self._eps = eps
        self._noise.copy_(torch.bmm(eps.transpose(0, 1), self._factor.mT).transpose(0, 1))

    def _to_heads(self, weight: float | Tensor) -> None:
        of_z = self._of_z.permute(1, 2, 0)
        torch.bmm(of_z, self._eps.transpose(0, 1), out=self._products)
        self._add_to_mean(of_z.sum(2), weight)
        of_diagonal = self._products.diagonal(dim1=1, dim2=2) * self._std
        _add_weighted(of_diagonal, self._excess, weight, out=self._of_spread)
        self._of_spread.mul_(self._half)
        of_below = self._products[:, self._below_rows, self._columns]
        if self._prior is not None:
            self._of_below.copy_(of_below)
            return
        weight = weight[self._below_rows] if isinstance(weight, Tensor) else weight
        _add_weighted(of_below, self._below, weight, out=self._of_below)

    def posterior(self) -> Posterior:
        return FullNormal(self._mean.clone(), self._factor.clone())


class _FlowPass(_Pass):
    """Of a q that is no Gaussian: its KL is the mean of log q(z|x) - log p(z) over the points z.

    With points z_s of each example and their shares, 1 / M here, delta of the decoder's outputs is
    -share / B d log p(x|z)/du, and what is before z is that of :mod:`vae_core.training.draw_gradient`.
    """

    def __init__(self, model: VAE, room: _Room, batch: int, num_samples: int) -> None:
        num_draws = num_samples * model.config.draws_of_each
        super().__init__(model, room, batch, num_draws)
        self._log_ratio = self._shares = self._z.new_zeros(num_draws, batch)
        self._draws: DrawGradient | None = None

    def _to_z(self, eps: Tensor) -> None:
        self._draws = gradient_of_draws(self._model.posterior_of(self._outputs), eps)
        self._shares = self._draws.shares
        self._z.copy_(self._draws.z)

    def _to_outputs(self, eps: Tensor, weight: float, floor: float) -> None:
        draws, (log_p, score) = self._draws, self._at_prior()
        assert draws is not None
        self._log_ratio = draws.log_prob - log_p.view(draws.log_prob.shape)
        torch.mul((self._shares * self._log_ratio).sum(), 2.0, out=self._kl_sum)
        weights = weight * self._penalised(floor)
        self._of_z.sub_(score.view(self._of_z.shape) * (weights * self._shares)[..., None])
        self._of_outputs.copy_(draws.backward(self._of_z, weights, self._losses(weights)))
        self._encoder.backward()
        if self._prior is not None:
            self._prior.backward(weights)

    def _at_prior(self) -> tuple[Tensor, Tensor]:
        """log p(z) and its derivative by z, at the points of all examples."""
        if self._prior is not None:
            return self._prior.at(self._z_rows, self._shares.flatten())
        constant = 0.5 * self._dim * LOG_2PI
        return -0.5 * self._z_rows.square().sum(1) - constant, -self._z_rows

    def _losses(self, weight: float | Tensor) -> Tensor | None:
        """dL/dshare of each point, shape (S, B); None where the shares have no gradient."""
        del weight

    def posterior(self) -> Posterior:
        return self._model.posterior_of(self._outputs.clone())

    def terms(self) -> ElboTerms:
        return ElboTerms(self._score.per_example(), (self._shares * self._log_ratio).sum(0), None)


class _MixturePass(_FlowPass):
    """The same where a point counts by the weight of its component, w_c / M."""

    _score: "_SharedScore"

    def _score_of(self, room: _Room, shape: tuple[int, int], total: Tensor) -> "_SharedScore":
        return _SharedScore(self._model, self._decoder, room, shape, total)

    def _to_z(self, eps: Tensor) -> None:
        super()._to_z(eps)
        self._score.shares = self._shares

    def _losses(self, weight: float | Tensor) -> Tensor:
        return weight * self._log_ratio - self._score.log_prob / self._batch


class _LearnedPrior:
    """log p(z) of a learned prior, and the gradient of its parameters.

    Arguments:
        model: With such a prior.
        room: Where the arrays of a pass through the encoder are, for a VampPrior.
    """

    def __init__(self, model: VAE, room: _Room) -> None:
        self._model = model
        self._layers: _Layers | None = None
        if model.config.prior == "vamp":
            encoder, count = model.encoder, model.config.num_components
            assert isinstance(encoder, MLP)
            self._layers = _Layers(encoder, model.config.activation, room, count)
            self._of_inputs = room.zeros(count, model.config.data_dim)

    def at(self, z: Tensor, counts: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """log p(z), shape (R,), and its derivative by z, shape (R, J).

        Arguments:
            z: Points, shape (R, J).
            counts: How much each counts in the gradient of the prior's parameters, shape (R,); None: 1.
        """
        if self._layers is None:
            prior = self._model.prior
        else:
            self._layers.forward(self._model.pseudo_inputs())
            prior = vamp_prior(self._model.posterior_of(self._layers.u[-1]).as_normal())
        assert isinstance(prior, NormalMixture)
        self._found = MixtureGradient(prior, z, counts)
        return self._found.log_prob, self._found.score

    def backward(self, weight: float | Tensor) -> None:
        """The gradient of -weight sum count log p(z): a VampPrior's is added to what the encoder has."""
        found, model = self._found, self._model
        if self._layers is None:
            parts = (found.logits, found.means, found.spreads)
            of = (model.mixture.logits, model.mixture.means, model.mixture.log_vars)
            for parameter, value in zip(of, parts, strict=True):
                _gradient_of(parameter).copy_(value.mul_(-weight))
            return
        head, spreads, layers = model.config.encoder_head, found.spreads, self._layers
        if head == "variance":
            spreads = spreads * variance_slope(layers.u[-1])
        delta = found.means if head == "unit_variance" else torch.cat([found.means, spreads], -1)
        torch.mul(delta, -weight, out=layers.delta[-1])
        layers.backward(adds=True)
        layers.to_inputs(self._of_inputs)
        slope = model.pseudo_inputs.slope()
        torch.mul(self._of_inputs, slope, out=_gradient_of(model.pseudo_inputs.values))


def _add_weighted(first: Tensor, second: Tensor, weight: float | Tensor, *, out: Tensor) -> None:
    """first + weight second."""
    if isinstance(weight, (int, float)):
        torch.add(first, second, alpha=weight, out=out)
    else:
        torch.addcmul(first, second, weight, out=out)


class _Layers:
    """The layers of an MLP for a number of rows: what goes forward through them, and delta on its way back.

    Arguments:
        mlp: Its weights are read, their ``grad`` is written.
        activation: f.
        room: Where the arrays are.
        rows: Of the inputs.
    """

    def __init__(self, mlp: MLP, activation: Activation, room: _Room, rows: int) -> None:
        self._activation = IN_PLACE[activation]
        self._weights, self._biases = [one.data for one in mlp.weights], [one.data for one in mlp.biases]
        self._of_weights = [_gradient_of(one) for one in mlp.weights]
        self._of_biases = [_gradient_of(one) for one in mlp.biases]
        self._transposed = [weight.t() for weight in self._weights]
        self._factors = [self._activation.factor] * (len(self._weights) - 1) + [1]
        self.u = [room.zeros(rows, len(weight)) for weight in self._weights]
        self.delta = [room.zeros(*u.shape) for u in self.u]
        self._delta_t = [delta.t() for delta in self.delta]
        hidden = self.u[:-1]
        self._h = [room.zeros(*u.shape) for u in hidden] if self._activation.needs_u else hidden
        self._inputs: Tensor | None = None
        # A product with few columns takes as long as one with many: its transpose does not.
        is_narrow = [weight.shape[1] <= NARROW for weight in self._weights]
        self._by_columns = [
            room.zeros(*weight.t().shape) if narrow else None
            for weight, narrow in zip(self._weights, is_narrow, strict=True)
        ]

    def forward(self, h: Tensor) -> None:
        """u of all layers, for inputs of shape (rows, fan_in)."""
        self._inputs = h
        layers = zip(self.u, self._biases, self._transposed, self._factors, strict=True)
        for index, (u, bias, transposed, factor) in enumerate(layers):
            # The same as ``torch.addmm(bias, ...)``, which copies the bias more slowly.
            torch.addmm(u.copy_(bias), h, transposed, alpha=factor, beta=factor, out=u)
            if index < len(self._h):
                h = self._h[index]
                self._activation.value(u, h)

    def backward(self, *, adds: bool = False) -> None:
        """Gradients of all weights and biases; delta of the last layer is there.

        Arguments:
            adds: Whether they are added to those that are there, which are those of other inputs.
        """
        assert self._inputs is not None
        for index in range(len(self.u) - 1, -1, -1):
            delta, h = self.delta[index], self._h[index - 1] if index else self._inputs
            self._write(index, delta, h, adds=adds)
            if index:
                before = self.delta[index - 1]
                torch.mm(delta, self._weights[index], out=before)
                self._activation.times_slope(before, self.u[index - 1], h)

    def _write(self, index: int, delta: Tensor, h: Tensor, *, adds: bool) -> None:
        """The gradients of one layer, dL/dW = delta^T h and dL/db, the sum of delta."""
        of_weights, transposed = self._of_weights[index], self._by_columns[index]
        if adds:
            self._of_biases[index].add_(delta.sum(0))
            torch.addmm(of_weights, self._delta_t[index], h, out=of_weights)
            return
        torch.sum(delta, 0, out=self._of_biases[index])
        if transposed is None:
            torch.mm(self._delta_t[index], h, out=of_weights)
        else:
            of_weights.copy_(torch.mm(h.t(), delta, out=transposed).t())

    def to_inputs(self, out: Tensor) -> None:
        """dL/d(input), shape (rows, fan_in)."""
        transposed = self._by_columns[0]
        if transposed is None:
            torch.mm(self.delta[0], self._weights[0], out=out)
        else:
            torch.mm(self.delta[0], transposed.copy_(self._transposed[0]).t(), out=out)


def _gradient_of(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


class _Activation(NamedTuple):
    """f and f' in place.

    Arguments:
        value: (u, h): writes f(u) to h, which may be the same place; u comes multiplied by ``factor``.
        times_slope: (delta, u, h): multiplies delta by f'(u), with h = f(u).
        needs_u: Whether f' needs u besides h: they cannot share a place, and the factor is 1.
        factor: What the product that makes u multiplies by, at no cost.
    """

    value: Callable[[Tensor, Tensor], object]
    times_slope: Callable[[Tensor, Tensor, Tensor], object]
    needs_u: bool
    factor: int = 1


_MINUS_ONE: Final = torch.tensor(-1.0)


def _tanh(u: Tensor, h: Tensor) -> None:
    """tanh u = 2 sigmoid(2u) - 1: to within 1.2e-7 in float32, in a third of the time of ``torch.tanh``."""
    minus_one = _MINUS_ONE if h.is_cpu else _MINUS_ONE.to(h.device)
    torch.add(minus_one, torch.sigmoid(u, out=h), alpha=2, out=h)


_softplus: Final = torch.ops.aten.softplus.out
_silu: Final = torch.ops.aten.silu.out
_times_tanh_slope: Final = torch.ops.aten.tanh_backward.grad_input
_times_relu_slope: Final = torch.ops.aten.threshold_backward.grad_input
_times_silu_slope: Final = torch.ops.aten.silu_backward.grad_input
_times_softplus_slope: Final = torch.ops.aten.softplus_backward.grad_input
"""What automatic differentiation calls for f', as one operation."""

IN_PLACE: Final[dict[Activation, _Activation]] = {
    "tanh": _Activation(
        _tanh,
        lambda delta, u, h: _times_tanh_slope(delta, h, grad_input=delta),
        needs_u=False,
        factor=2,
    ),
    "relu": _Activation(
        lambda u, h: torch.clamp(u, min=0, out=h),
        lambda delta, u, h: _times_relu_slope(delta, h, 0, grad_input=delta),
        needs_u=False,
    ),
    "silu": _Activation(
        lambda u, h: _silu(u, out=h),
        lambda delta, u, h: _times_silu_slope(delta, u, grad_input=delta),
        needs_u=True,
    ),
    "softplus": _Activation(
        lambda u, h: _softplus(u, out=h),
        lambda delta, u, h: _times_softplus_slope(delta, u, 1, 20, grad_input=delta),
        needs_u=True,
    ),
}
"""Of each activation, for tensors of any shape."""


class _BernoulliScore:
    """For logits l delta is (sigmoid(l) - x) / R, and log p(x|z) = sum_i x_i l_i - softplus(l_i).

    -softplus(l) is log sigmoid(l) - l here, since the sigmoid is there: to within half a unit in the last
    place of l. Below l = -87 in float32, where sigmoid(l) is 0, softplus itself is used.
    """

    def __init__(
        self,
        model: VAE,
        decoder: _Layers,
        room: _Room,
        shape: tuple[int, int],
        total: Tensor,
    ) -> None:
        del model
        self._total = total
        self._logits, self._delta = decoder.u[-1], decoder.delta[-1]
        self._log_prob = room.zeros(*self._logits.shape)
        """Of each value."""
        self._log_prob_values = self._log_prob.view(-1)
        self._logits_of, self._delta_of, self._log_prob_of = (
            values.view(*shape, -1) for values in (self._logits, self._delta, self._log_prob)
        )
        self._share = self._logits.new_tensor(1.0 / len(self._logits))
        self._x: Tensor | None = None

    def __call__(self, x: Tensor) -> None:
        self._x = x
        torch.sigmoid(self._logits, out=self._delta)
        torch.log(self._delta, out=self._log_prob).sub_(self._logits)
        self._log_prob_of.addcmul_(self._logits_of, x)
        torch.sum(self._log_prob_values, 0, out=self._total)
        self._delta_of.sub_(x)
        self._delta.mul_(self._share)

    def summed_again(self) -> float:
        """log p(x|z) of the mini-batch, also where a sigmoid is 0."""
        return float(self._by_softplus().sum())

    def per_example(self) -> Tensor:
        return self._by_softplus().sum(-1).mean(0)

    def _by_softplus(self) -> Tensor:
        assert self._x is not None
        return self._logits_of * self._x - functional.softplus(self._logits_of)


class _OtherScore:
    """The same by the likelihood's own ``score`` and ``log_prob``; the gradient of a learned scale, too.

    dL/dlog s = mean of D - ||x - y||^2 / s^2.
    """

    def __init__(
        self,
        model: VAE,
        decoder: _Layers,
        room: _Room,
        shape: tuple[int, int],
        total: Tensor,
    ) -> None:
        del room
        self._model, self._total = model, total
        self._outputs = decoder.u[-1].view(*shape, -1)
        self._delta = decoder.delta[-1].view(*shape, -1)
        self._rows = shape[0] * shape[1]
        self.log_prob = self._outputs.new_empty(shape)
        """log p(x|z) of each point, shape (S, B), nats."""

    def __call__(self, x: Tensor) -> None:
        likelihood = self._model.likelihood_of(self._outputs)
        self.log_prob = likelihood.log_prob(x)
        self._total.copy_(self._summed(self.log_prob))
        torch.mul(likelihood.score(x), self._factor(), out=self._delta)
        if self._model.config.learns_scale:
            scaled = ((x - likelihood.mean) / self._model.likelihood_scale()).square().sum(-1)
            of_scale = self._summed(x.shape[-1] - scaled) / self._rows
            _gradient_of(self._model.log_scale).copy_(of_scale)

    def _summed(self, values: Tensor) -> Tensor:
        """R times the mean over the points, of shape (S, B)."""
        return values.sum()

    def _factor(self) -> float | Tensor:
        """Minus how much a point counts."""
        return -1.0 / self._rows

    def summed_again(self) -> float:
        """There is no other way to compute it."""
        return float(self._total)

    def per_example(self) -> Tensor:
        return self.log_prob.mean(0)


class _SharedScore(_OtherScore):
    """The same where the points of an example count by their shares."""

    shares: Tensor
    """Shape (S, B); they sum to 1 over the points of an example."""

    def _summed(self, values: Tensor) -> Tensor:
        return (self.shares * values).sum() * len(self.shares)

    def _factor(self) -> Tensor:
        return (self.shares / -self.shares.shape[1])[..., None]

    def per_example(self) -> Tensor:
        return (self.shares * self.log_prob).sum(0)


_Score = _BernoulliScore | _OtherScore
_PASSES: Final[dict[EncoderHead, type[_Pass]]] = {
    "full_covariance": _FullPass,
    "flow": _FlowPass,
    "mixture": _MixturePass,
}
"""Of the heads that are no diagonal Gaussian."""
_SCORES: Final = {
    "bernoulli": _BernoulliScore,
    "continuous_bernoulli": _OtherScore,
    "gaussian": _OtherScore,
    "gaussian_diagonal": _OtherScore,
}
