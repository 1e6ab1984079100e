"""A trained network as a dimension reduction: linear VAE, autoencoder or VAE, behind the methods of PCA."""

from collections.abc import Callable
from typing import Final, Literal

import torch
from torch import Tensor

from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import Dataset
from vae_core.evidence.importance import iw_bound
from vae_core.labs.reduction.baselines import LinearGaussian, visible_columns
from vae_core.memory import chunk_rows
from vae_core.model import VAE
from vae_core.training.loop import Training
from vae_core.training.optimizer import descend, initial_moments

NetworkName = Literal["linear VAE", "autoencoder", "VAE"]
NETWORKS: Final[tuple[NetworkName, ...]] = ("linear VAE", "autoencoder", "VAE")
NUM_UPDATES: Final = 4000
BATCH_SIZE: Final = 64
HIDDEN: Final = 128
BOUND_SAMPLES: Final = 200
_RATES: Final = (1e-2, 1e-2, 2e-3, 2e-4)
"""Adam's step size in each quarter of the training: large at first, small to converge."""
_MAP_STEPS: Final = 100
_NEWTON_STEPS: Final = 4


def network_config(name: NetworkName, data_dim: int, latent_dim: int) -> ModelConfig:
    """The network of that name; all have a Gaussian likelihood with a learned scale.

    The linear VAE has no hidden layer; autoencoder and VAE are one network, the autoencoder without variance.
    """
    return ModelConfig(
        data_dim=data_dim,
        latent_dim=latent_dim,
        hidden_dims=() if name == "linear VAE" else (HIDDEN,),
        encoder_head="deterministic" if name == "autoencoder" else "log_variance",
        likelihood="gaussian",
        likelihood_scale=None,
    )


def train_network(
    name: NetworkName,
    dataset: Dataset,
    latent_dim: int,
    *,
    seed: int,
    on_progress: Callable[[float], None],
    num_updates: int = NUM_UPDATES,
) -> VAE:
    """Trains one of the networks; the budget and the seed are the same for each.

    Arguments:
        name: Which.
        dataset: Its training examples are used.
        latent_dim: J.
        seed: Of weights, order and noise.
        on_progress: Told the share that is done.
        num_updates: Of ``BATCH_SIZE`` examples.

    Raises:
        BadInput: The data do not suit the network.
        TrainingDiverged: The objective was not finite.
    """
    generator = torch.Generator().manual_seed(seed)
    model = VAE(network_config(name, dataset.data_dim, latent_dim), generator=generator)
    config = TrainConfig(batch_size=BATCH_SIZE, num_epochs=num_updates)
    training = Training(model, dataset, config, generator=generator)
    steps = training.steps()
    for update in range(num_updates):
        training.set_learning_rate(_RATES[len(_RATES) * update // num_updates])
        next(steps)
        if update % 100 == 0:
            on_progress(update / num_updates)
    training.require_finite_weights()
    return model


class Network:
    """A trained model as a dimension reduction (a :class:`~vae_core.labs.reduction.baselines.Reduction`),
    float64.

    Arguments:
        model: A copy of it is kept.
        x_train: Its training examples, shape (n, D): a search begins at their codes, and
            a deterministic encoder, which has no prior, draws from the Gaussian fitted to them.
    """

    def __init__(self, model: VAE, x_train: Tensor) -> None:
        self._model = VAE(model.config, generator=torch.Generator().manual_seed(0)).double()
        self._model.load_state_dict(model.state_dict())
        self._model.requires_grad_(False)
        self._has_prior = model.config.encoder_head != "deterministic"
        self._codes = self.encode(x_train)

    def encode(self, x: Tensor) -> Tensor:
        """The mean of q(z|x)."""
        return self._model.posterior(x.double()).mean

    def decode(self, z: Tensor) -> Tensor:
        """E[x|z]."""
        return self._model.likelihood(z).mean

    def sample(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """E[x|z] of draws from the prior, or from the Gaussian fitted to the codes."""
        noise = torch.randn(num_samples, self._codes.shape[1], generator=generator, dtype=torch.float64)
        if self._has_prior:
            return self.decode(noise)
        centred = self._codes - self._codes.mean(0)
        _, scales, axes = torch.linalg.svd(centred, full_matrices=False)
        return self.decode(self._codes.mean(0) + noise * scales / len(centred) ** 0.5 @ axes)

    def log_prob(self, x: Tensor, *, generator: torch.Generator) -> Tensor | None:
        """Exact for linear maps, else the importance-weighted bound with ``BOUND_SAMPLES`` samples.

        None for a deterministic encoder, and for a Bernoulli likelihood: of grey pixels it is no density.
        """
        if not self._has_prior or self._model.config.likelihood == "bernoulli":
            return None
        linear = self.as_linear_gaussian()
        if linear is not None:
            return linear.log_prob(x, generator=generator)
        return iw_bound(self._model, x.double(), num_samples=BOUND_SAMPLES, generator=generator)

    def inpaint(self, x: Tensor, hidden: Tensor) -> Tensor:
        """The decoded MAP code argmax_z log p(x_visible|z) + log p(z); without a prior the first term alone.

        The search begins at the best training code and goes on by Adam, then by Newton's steps, of which only
        those that improve are taken.
        """
        codes = self._map_codes(x.double()[:, visible_columns(hidden)], ~hidden)
        return torch.where(hidden, self.decode(codes), x.double())

    def as_linear_gaussian(self) -> LinearGaussian | None:
        """The model of a decoder without hidden layers, else None."""
        config = self._model.config
        if config.hidden_dims or config.likelihood != "gaussian" or not self._has_prior:
            return None
        decoder = self._model.decoder
        variance = float(self._model.likelihood_scale()) ** 2
        return LinearGaussian(decoder.biases[0], decoder.weights[0], variance)

    def _map_codes(self, x: Tensor, visible: Tensor) -> Tensor:
        best = self._best_training_codes(x, visible)
        highest = self._log_joint(best, x, visible)
        config = TrainConfig()
        z = best.clone().requires_grad_()
        moments = initial_moments(z.detach(), config)
        rate = 0.2 * float(self._codes.std(0).mean())
        for step in range(_MAP_STEPS):
            value = self._log_joint(z, x, visible)
            (gradient,) = torch.autograd.grad(value.sum(), z)
            best, highest = _higher(best, highest, z.detach(), value.detach())
            descend(z.detach(), -gradient, moments, config, learning_rate=rate * 0.95**step)
        for _ in range(_NEWTON_STEPS):
            z = self._newton_step(best, x, visible)
            best, highest = _higher(best, highest, z, self._log_joint(z, x, visible))
        return best

    def _newton_step(self, z: Tensor, x: Tensor, visible: Tensor) -> Tensor:
        """z - H^-1 g of each example's log joint: near Adam's solution it gains the last digits."""
        z = z.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(self._log_joint(z, x, visible).sum(), z, create_graph=True)
        rows = [torch.autograd.grad(part.sum(), z, retain_graph=True)[0] for part in gradient.T]
        inverse = torch.linalg.pinv(torch.stack(rows, 1), hermitian=True)
        return (z - (inverse @ gradient[..., None])[..., 0]).detach()

    def _best_training_codes(self, x: Tensor, visible: Tensor) -> Tensor:
        likelihood = self._model.likelihood(self._codes).of_values(visible)
        prior = self._log_prior(self._codes)[:, None]
        rows = chunk_rows(len(self._codes))
        best = [(likelihood.pairwise_log_prob(piece) + prior).argmax(0) for piece in x.split(rows)]
        return self._codes[torch.cat(best)]

    def _log_joint(self, z: Tensor, x: Tensor, visible: Tensor) -> Tensor:
        return self._model.likelihood(z).of_values(visible).log_prob(x) + self._log_prior(z)

    def _log_prior(self, z: Tensor) -> Tensor:
        return self._model.prior.log_prob(z) if self._has_prior else torch.zeros_like(z[..., 0])


def _higher(z: Tensor, value: Tensor, other_z: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    is_better = other > value
    return torch.where(is_better[:, None], other_z, z), torch.maximum(value, other)
