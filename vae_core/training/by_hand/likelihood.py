"""log p(x|z) and its derivative by the decoder's outputs, delta = -d log p(x|z)/du / R over R points z."""

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from vae_core.config import Likelihood
from vae_core.model import VAE
from vae_core.training.by_hand.layers import Buffers, Layers, gradient_of


class BernoulliScore:
    """For logits l delta is (sigmoid(l) - x) / R, and log p(x|z) = sum_i x_i l_i - softplus(l_i).

    -softplus(l) is log sigmoid(l) - l here, since the sigmoid is there: to within half a unit in the last
    place of l. Below l = -87 in float32, where sigmoid(l) is 0, softplus itself is used.

    Arguments:
        model: Not needed: a Bernoulli likelihood has no parameters of its own.
        decoder: Its outputs are read, their delta is written.
        buffers: Where the arrays are.
        shape: (S, B): points z of each example, and examples.
        total: Takes the sum of log p(x|z) over all points, a scalar.
    """

    def __init__(
        self,
        model: VAE,
        decoder: Layers,
        buffers: Buffers,
        shape: tuple[int, int],
        total: Tensor,
    ) -> None:
        del model
        self._total = total
        self._logits, self._delta = decoder.u[-1], decoder.delta[-1]
        self._log_prob = buffers.zeros(*self._logits.shape)
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


class LikelihoodScore:
    """Of any likelihood, by its own ``score`` and ``log_prob``; the gradient of a learned scale, too.

    dL/dlog s = mean of D - ||x - y||^2 / s^2.

    Arguments:
        model: Of which the likelihood is; takes the gradient of its scale.
        decoder: Its outputs are read, their delta is written.
        buffers: Not needed: the likelihood makes its own arrays.
        shape: (S, B): points z of each example, and examples.
        total: Takes the sum of log p(x|z) over all points, a scalar.
    """

    def __init__(
        self,
        model: VAE,
        decoder: Layers,
        buffers: Buffers,
        shape: tuple[int, int],
        total: Tensor,
    ) -> None:
        del buffers
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
            gradient_of(self._model.log_scale).copy_(of_scale)

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


class WeightedScore(LikelihoodScore):
    """The same where each point of an example has a weight of its own, its share."""

    shares: Tensor
    """Shape (S, B); they sum to 1 over the points of an example."""

    def _summed(self, values: Tensor) -> Tensor:
        return (self.shares * values).sum() * len(self.shares)

    def _factor(self) -> Tensor:
        return (self.shares / -self.shares.shape[1])[..., None]

    def per_example(self) -> Tensor:
        return (self.shares * self.log_prob).sum(0)


Score = BernoulliScore | LikelihoodScore
SCORES: Final[dict[Likelihood, type[BernoulliScore] | type[LikelihoodScore]]] = {
    "bernoulli": BernoulliScore,
    "continuous_bernoulli": LikelihoodScore,
    "gaussian": LikelihoodScore,
    "gaussian_diagonal": LikelihoodScore,
}
