"""One pass forward and back through a VAE of fully connected layers: a class for each kind of q(z|x)."""

import math
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from vae_core.config import EncoderHead
from vae_core.distributions import LOG_2PI, LOG_VAR_RANGE
from vae_core.elbo import ElboTerms
from vae_core.model import SMALLEST_VARIANCE, SPREAD_RANGE, VAE, variance_slope
from vae_core.networks import MLP
from vae_core.posteriors import Deterministic, DiagonalNormal, FullNormal, Posterior
from vae_core.training.by_hand.draws import DrawGradient, gradient_of_draws
from vae_core.training.by_hand.layers import Buffers, Layers
from vae_core.training.by_hand.likelihood import SCORES, Score, WeightedScore
from vae_core.training.by_hand.prior import LearnedPriorGradient


class Pass:
    """Forward and back for mini-batches of one size, through networks, likelihood and learned prior.

    What is between the encoder's outputs and z is of each kind of q.

    Arguments:
        model: A multi-layer perceptron.
        buffers: Where the arrays are.
        batch: B.
        num_draws: Points z of each example, S.
    """

    def __init__(self, model: VAE, buffers: Buffers, batch: int, num_draws: int) -> None:
        config = model.config
        dim = config.latent_dim
        self._model, self._head = model, config.encoder_head
        self._batch, self._dim, self._data_dim = batch, dim, config.data_dim
        encoder, decoder = model.encoder, model.decoder
        assert isinstance(encoder, MLP)
        assert isinstance(decoder, MLP)
        self._encoder = Layers(encoder, config.activation, buffers, batch)
        self._decoder = Layers(decoder, config.activation, buffers, num_draws * batch)
        self._outputs, self._of_outputs = self._encoder.u[-1], self._encoder.delta[-1]
        self._sums = buffers.zeros(3)
        """Over the mini-batch: log p(x|z), and two times the KL and of what of it beta weighs. They are
        read together: each read would wait for a device that computes on its own."""
        of_score, self._kl_sum, self._penalised_sum = self._sums.unbind()
        into = (num_draws, batch, dim + config.num_conditions)
        inputs, of_inputs = buffers.zeros(*into), buffers.zeros(*into)
        """The decoder's inputs [z, y]."""
        self._input_rows, self._of_input_rows = inputs.flatten(0, 1), of_inputs.flatten(0, 1)
        self._y = inputs[..., dim:] if config.num_conditions else None
        self._z, self._z_rows = inputs[..., :dim], self._input_rows[:, :dim]
        self._of_z, self._of_z_rows = of_inputs[..., :dim], self._of_input_rows[:, :dim]
        self._rows = num_draws * batch
        self._prior = None if config.prior == "standard_normal" else LearnedPriorGradient(model, buffers)
        self._score = self._score_of(buffers, (num_draws, batch), of_score)

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

    def _score_of(self, buffers: Buffers, shape: tuple[int, int], total: Tensor) -> Score:
        """log p(x|z) and its gradient."""
        return SCORES[self._model.config.likelihood](self._model, self._decoder, buffers, shape, total)

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


class GaussianPass(Pass):
    """Of a Gaussian q with a diagonal covariance matrix, or of a deterministic encoder."""

    def __init__(self, model: VAE, buffers: Buffers, batch: int, num_samples: int) -> None:
        super().__init__(model, buffers, batch, num_samples)
        dim = self._dim
        outputs, delta = self._outputs, self._of_outputs
        self._mean, self._of_mean = outputs[:, :dim], delta[:, :dim]
        self._spread, self._of_spread = outputs[:, dim : 2 * dim], delta[:, dim : 2 * dim]
        self._log_var, self._std = buffers.zeros(batch, dim), buffers.zeros(batch, dim)
        self._log_ratio = self._log_var.new_zeros(num_samples, batch)
        """log q(z|x) - log p(z) of a learned prior."""
        self._excess, self._twice_kl = buffers.zeros(batch, dim), buffers.zeros(batch, dim)
        """sigma^2 - 1, and two times the KL of each example and dimension."""
        self._twice_kl_values = self._twice_kl.view(-1)
        if self._head != "deterministic":
            self._std.fill_(1.0)
        self._noise = buffers.zeros(num_samples, batch, dim)
        """sigma eps."""
        # With one sample there is nothing to sum over: both names are one array.
        self._of_z_sum = self._of_z[0] if num_samples == 1 else buffers.zeros(batch, dim)
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

    def _to_learned_prior(
        self, prior: LearnedPriorGradient, eps: Tensor, weight: float, floor: float
    ) -> None:
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
            spread = torch.log(functional.softplus(spread.clamp(*SPREAD_RANGE)) + SMALLEST_VARIANCE)
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
            self._of_spread.mul_(variance_slope(self._outputs))

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


class FullPass(GaussianPass):
    """The same with a full covariance matrix: what is below the diagonal of L, row by row, comes last."""

    def __init__(self, model: VAE, buffers: Buffers, batch: int, num_samples: int) -> None:
        super().__init__(model, buffers, batch, num_samples)
        dim = self._dim
        self._below, self._of_below = self._encoder.u[-1][:, 2 * dim :], self._encoder.delta[-1][:, 2 * dim :]
        self._below_rows, self._columns = torch.tril_indices(dim, dim, -1, device=self._std.device)
        self._factor, self._products = buffers.zeros(batch, dim, dim), buffers.zeros(batch, dim, dim)
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


class FlowPass(Pass):
    """Of a q that is no Gaussian: its KL is the mean of log q(z|x) - log p(z) over the points z.

    With points z_s of each example and their shares, 1 / M here, delta of the decoder's outputs is
    -share / B d log p(x|z)/du, and what is before z is that of :mod:`vae_core.training.by_hand.draws`.
    """

    def __init__(self, model: VAE, buffers: Buffers, batch: int, num_samples: int) -> None:
        num_draws = num_samples * model.config.draws_of_each
        super().__init__(model, buffers, batch, num_draws)
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


class MixturePass(FlowPass):
    """The same where a point counts by the weight of its component, w_c / M."""

    _score: WeightedScore

    def _score_of(self, buffers: Buffers, shape: tuple[int, int], total: Tensor) -> WeightedScore:
        return WeightedScore(self._model, self._decoder, buffers, shape, total)

    def _to_z(self, eps: Tensor) -> None:
        super()._to_z(eps)
        self._score.shares = self._shares

    def _losses(self, weight: float | Tensor) -> Tensor:
        return weight * self._log_ratio - self._score.log_prob / self._batch


PASSES: Final[dict[EncoderHead, type[Pass]]] = {
    "log_variance": GaussianPass,
    "variance": GaussianPass,
    "full_covariance": FullPass,
    "flow": FlowPass,
    "mixture": MixturePass,
    "unit_variance": GaussianPass,
    "deterministic": GaussianPass,
}


def _add_weighted(first: Tensor, second: Tensor, weight: float | Tensor, *, out: Tensor) -> None:
    """first + weight second."""
    if isinstance(weight, (int, float)):
        torch.add(first, second, alpha=weight, out=out)
    else:
        torch.addcmul(first, second, weight, out=out)
