"""Full variational Bayes: besides q(z|x) for each example, q(theta) for the weights that all share."""

from typing import Literal, NamedTuple, Self

import torch
from torch import Tensor

from vae_core.checks import check_choice, check_integer, check_number
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import Dataset
from vae_core.data.byte_images import Examples
from vae_core.elbo import ElboTerms, Evaluation, elbo_terms, evaluate
from vae_core.errors import BadInput
from vae_core.labs.weights.posterior import WeightPosterior
from vae_core.model import VAE
from vae_core.training.loop import Training

Over = Literal["decoder", "decoder and encoder"]
OVERS: tuple[Over, ...] = ("decoder", "decoder and encoder")
Estimator = Literal["local", "weights"]


class BayesianVAE(VAE):
    """A VAE whose decoder's weights theta have a posterior q(theta), optionally the encoder's weights too.

    log p(x_1..N) >= sum_i { E_q(theta) E_q(z|x_i) [log p(x_i|z, theta)] - KL(q(z|x_i) || p(z)) }
    - KL(q(theta) || p(theta)) with p(theta) = N(0, prior_std^2 I): per example, the last term is divided by N
    (Kingma and Welling 2014, appendix F). The encoder's weights phi are no part of the model p(x, z, theta):
    they are variational parameters already. A q(phi) over them (source document 003 asks for it) keeps the
    bound valid, with phi as an auxiliary variable, but can only loosen it.

    As a plain VAE it has its weights at the means of q.

    Arguments:
        config: The network; its likelihood Bernoulli or Gaussian, its encoder not deterministic.
        over: Whose weights have a posterior.
        prior_std: Width of p(theta).
        initial_std: Standard deviation of q(theta) at the start.
        generator: Draws the initial means, the same as those of a plain VAE.

    Raises:
        BadInput: A setting that it cannot have; ``code`` is its name.
    """

    def __init__(
        self,
        config: ModelConfig,
        *,
        over: Over = "decoder",
        prior_std: float = 1.0,
        initial_std: float = 0.02,
        generator: torch.Generator,
    ) -> None:
        check_choice("over", over, OVERS)
        check_choice("likelihood", config.likelihood, ("bernoulli", "gaussian"))
        check_choice("prior", config.prior, ("standard_normal",))
        check_choice("encoder_head", config.encoder_head, ("log_variance", "variance", "unit_variance"))
        super().__init__(config, generator=generator)
        self.prior_std = check_number("prior_std", prior_std, 1e-3, 1e3, "1 is usual")
        self.decoder_weights = WeightPosterior(self.decoder, initial_std=initial_std)
        is_both = over == "decoder and encoder"
        self.encoder_weights = WeightPosterior(self.encoder, initial_std=initial_std) if is_both else None

    def weight_posteriors(self) -> list[WeightPosterior]:
        """q of the decoder's weights and, where it has one, of the encoder's."""
        return [q for q in (self.decoder_weights, self.encoder_weights) if q is not None]

    def kl_per_weight(self) -> Tensor:
        """KL(q(w) || p(w)) of every weight that has a posterior, shape (P,), nats."""
        return torch.cat([q.kl_per_weight(self.prior_std) for q in self.weight_posteriors()])

    def weight_kl(self) -> Tensor:
        """KL(q(theta) || p(theta)), nats, for the whole data set: a scalar."""
        return self.kl_per_weight().sum()

    def sampled(self, *, generator: torch.Generator) -> Self:
        """The same model with one theta from q(theta): a plain VAE, differentiable in m and log s."""
        return self.with_networks(*(q.sampled(generator=generator) for q in self.weight_posteriors()))

    def local(self, *, generator: torch.Generator) -> Self:
        """The same model, drawing the pre-activations of each example anew at each call."""
        return self.with_networks(*(q.local(generator=generator) for q in self.weight_posteriors()))


class FullBayesTerms(NamedTuple):
    """The terms of the bound, nats.

    Arguments:
        data: Reconstruction and KL(q(z|x) || p(z)) of each example, one draw of the weights, shape (batch,).
        weight_kl: KL(q(theta) || p(theta)), once for all examples.
        num_data: N.
    """

    data: ElboTerms
    weight_kl: Tensor
    num_data: int

    @property
    def bound(self) -> Tensor:
        """reconstruction - kl - weight_kl / N, shape (batch,): its mean over examples is the bound over N."""
        return self.data.elbo - self.weight_kl / self.num_data


def full_bayes_terms(
    model: BayesianVAE,
    x: Tensor,
    *,
    num_data: int,
    num_samples: int = 1,
    estimator: Estimator = "local",
    generator: torch.Generator,
) -> FullBayesTerms:
    """The bound's terms with one draw of the weights and M = ``num_samples`` of z.

    Arguments:
        model: The model.
        x: Shape (batch, D).
        num_data: N, the size of the whole data set, not of the batch.
        num_samples: M.
        estimator: ``local``: pre-activations drawn for each example; ``weights``: one theta for the batch.
        generator: Draws all noise.

    Raises:
        BadInput: A setting out of its range, or examples of another size than the model's.
    """
    check_integer("num_data", num_data, 1, 10**12, "give the size of the data set")
    check_choice("estimator", estimator, ("local", "weights"))
    draw = model.local if estimator == "local" else model.sampled
    terms = elbo_terms(draw(generator=generator), x, num_samples=num_samples, generator=generator)
    return FullBayesTerms(terms, model.weight_kl(), num_data)


class FullBayesTraining(Training):
    """Maximises reconstruction - beta (KL(q(z|x) || p(z)) + KL(q(theta) || p(theta)) / N) with local noise.

    The ``kl`` of its steps is the sum of both, so that their ``elbo`` is the bound, per example. Of held-out
    examples :meth:`evaluate` gives E_q(theta)[ELBO(x; theta)], a bound of log E_q(theta)[p(x|theta)]. What
    else looks at it sees the plain VAE with its weights at the means.

    Arguments:
        model: Trained in place.
        dataset: Its training data are the N examples.
        config: How to train; beta = 1 is the bound.
        num_data: N, if another than the real one: 1 is the error of counting the KL once per example.
        generator: Source of all randomness.

    Raises:
        BadInput: The data do not fit the model.
    """

    def __init__(
        self,
        model: BayesianVAE,
        dataset: Dataset,
        config: TrainConfig,
        *,
        num_data: int | None = None,
        generator: torch.Generator,
    ) -> None:
        super().__init__(model, dataset, config, generator=generator, written_out=False)
        self._bayesian = model
        # The view that draws shares its parameters with the model: to train one is to train the other. It is
        # for updates alone: each call draws from the training's generator.
        self._local = model.local(generator=generator)
        self._divisor = len(self.dataset.x_train) if num_data is None else num_data

    def _model_of_update(self) -> VAE:
        return self._local

    def _shared_kl(self) -> Tensor:
        return self._bayesian.weight_kl() / self._divisor

    def evaluate(self, x: Examples, *, generator: torch.Generator) -> Evaluation:
        """E_q(theta)[ELBO(x; theta)] from one draw of theta and z for each example."""
        return evaluate(self._bayesian.local(generator=generator), x, generator=generator)


class DecodedMoments(NamedTuple):
    """Moments of x at points z under q(theta): Var(x|z) = E_theta Var(x|z, theta) + Var_theta E(x|z, theta).

    Arguments:
        mean: E[x|z], shape (..., D).
        weight_variance: Var_theta E(x|z, theta), "epistemic": more examples lower it; shape (..., D). An
            unbiased estimate: the sum of squares over S - 1.
        own_variance: E_theta Var(x|z, theta), "aleatoric", the likelihood's own; shape (..., D).
        num_weights: S, how many draws of theta.
    """

    mean: Tensor
    weight_variance: Tensor
    own_variance: Tensor
    num_weights: int


@torch.no_grad()
def decoded_moments(
    model: BayesianVAE, z: Tensor, *, num_weights: int, generator: torch.Generator
) -> DecodedMoments:
    """Mean and both parts of the variance of x at points z of shape (..., J), from S draws of theta.

    Raises:
        BadInput: Fewer than 2 draws.
    """
    if num_weights < 2:
        raise BadInput("num_weights", f"a spread needs 2 draws, got {num_weights}", "100 is usual")
    means, own = [], []
    for _ in range(num_weights):
        likelihood = model.sampled(generator=generator).likelihood(z)
        means.append(likelihood.mean.double())
        own.append(likelihood.variance.double())
    stacked = torch.stack(means)
    return DecodedMoments(stacked.mean(0), stacked.var(0), torch.stack(own).mean(0), num_weights)
