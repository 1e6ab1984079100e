"""Plain VAE against full variational Bayes, on few examples and on all: held-out bounds, and spread."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from vae_core.checks import check_integer
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import Dataset
from vae_core.evidence.importance import iw_bound
from vae_core.labs.weights.full_bayes import (
    BayesianVAE,
    Estimator,
    FullBayesTraining,
    Over,
    decoded_moments,
    full_bayes_terms,
)
from vae_core.latent.aggregate import log_aggregate
from vae_core.latent.decode import plane_points
from vae_core.model import VAE
from vae_core.training.loop import Training

NUM_WEIGHTS: Final = 64
"""S, draws of theta for a bound and for a picture."""
NUM_GRADIENTS: Final = 200
REACH: Final = 3.0
GRID: Final = 13
SMALLEST: Final = 5
LARGEST: Final = 1000
HIDDEN: Final = 32
BATCH: Final = 64
FORMS: Final = ("plain", "full", "wrong")
"""A plain VAE; full variational Bayes; the same with its KL counted once per example."""
SIZES: Final = ("small", "large")
UNMOVED_NATS: Final = 0.01
"""A weight whose KL is below this is indistinguishable from the prior."""


class Bounds(NamedTuple):
    """Bounds of each example, shape (n,), nats, from S draws of (theta, z).

    Arguments:
        elbo: E_q(theta)[ELBO(x; theta)]: below log E_q(theta)[p(x|theta)], the predictive density.
        weighted: log (1/S) sum_s p(x, z_s|theta_s) / q(z_s|x), with theta_s ~ q(theta) (Burda et al. 2016):
            a closer bound to the same.
    """

    elbo: Tensor
    weighted: Tensor

    def summary(self) -> np.ndarray:
        """Mean of elbo, its standard error over the examples, mean of weighted; shape (3,)."""
        error = self.elbo.std() / math.sqrt(len(self.elbo))
        return torch.stack([self.elbo.mean(), error, self.weighted.mean()]).numpy()


@torch.no_grad()
def bounds(model: VAE, x: Tensor, *, num_weights: int, generator: torch.Generator) -> Bounds:
    """The bounds of examples x of shape (n, D): theta from q for a :class:`BayesianVAE`, else as it is."""
    is_bayesian = isinstance(model, BayesianVAE)
    logs = []
    for _ in range(num_weights):
        net = model.sampled(generator=generator) if is_bayesian else model
        logs.append(iw_bound(net, x, num_samples=1, generator=generator).double())
    log_weights = torch.stack(logs)
    weighted = torch.logsumexp(log_weights, 0) - math.log(num_weights)
    return Bounds(log_weights.mean(0), weighted)


def gradient_variance(
    model: BayesianVAE, x: Tensor, *, estimator: Estimator, num_draws: int, generator: torch.Generator
) -> float:
    """Variance of the gradient of the batch's mean ELBO, summed over all m and log s of q(theta).

    The KL of the weights is exact and adds none. Noise of z counts, as it does in training.

    Arguments:
        model: The model.
        x: A batch, shape (batch, D).
        estimator: As in :func:`full_bayes_terms`.
        num_draws: How many gradients the variance is estimated from, at least 2.
        generator: Draws all noise.
    """
    leaves = [leaf for q in model.weight_posteriors() for leaf in q.parameters()]
    total, squares = 0.0, 0.0
    for _ in range(num_draws):
        terms = full_bayes_terms(model, x, num_data=len(x), estimator=estimator, generator=generator)
        parts = torch.autograd.grad(-terms.data.elbo.mean(), leaves)
        gradient = torch.cat([part.flatten() for part in parts]).double()
        total, squares = total + gradient, squares + gradient.square()
    mean = torch.as_tensor(total) / num_draws
    return float((torch.as_tensor(squares) / num_draws - mean.square()).sum() * num_draws / (num_draws - 1))


class Setting(NamedTuple):
    """What is compared.

    Arguments:
        num_data: The small size.
        over: Whose weights have a posterior.
        prior_std: Width of p(theta).
        num_steps: Updates of each training, the same for all.
        seed: Of weights, order and noise.
    """

    num_data: int
    over: Over
    prior_std: float
    num_steps: int
    seed: int


def compare(
    setting: Setting, dataset: Dataset, *, on_progress: Callable[[float], None]
) -> dict[str, np.ndarray]:
    """Trains the three forms on both sizes with equally many updates and measures them.

    Returns:
        Arrays named ``SIZE_FORM_WHAT``: ``train`` and ``test`` (elbo, error, weighted), ``test_data``
        (elbo and weighted of each held-out example, for comparisons by pairs, shape (2, n)); and,
        for the two forms with q(theta), ``mean``, ``spread``, ``own`` over the plane (rows, columns, D),
        ``log_density`` of the encoded training data there, ``codes``, ``signal_to_noise`` |m| / s,
        ``weight_kl``, ``unmoved``, ``gradients`` (variance with local draws, with global ones).

    Raises:
        BadInput: A setting out of its range (code ``num_data`` or the model's).
    """
    check_integer("num_data", setting.num_data, SMALLEST, LARGEST, "50 shows it well")
    check_integer("num_steps", setting.num_steps, 1, 100_000, "4000 are usual")
    result: dict[str, np.ndarray] = {}
    kinds = [(size, form) for size in SIZES for form in FORMS]
    for done, (size, form) in enumerate(kinds):
        data = _first(dataset, setting.num_data) if size == "small" else dataset

        def say(share: float, done: int = done) -> None:
            on_progress((done + share) / len(kinds))

        found = _trained_and_measured(setting, data, form, say)
        result |= {f"{size}_{form}_{name}": value for name, value in found.items()}
    return result | {"num_data": np.array([setting.num_data, len(dataset.x_train)])}


def _trained_and_measured(
    setting: Setting, data: Dataset, form: str, say: Callable[[float], None]
) -> dict[str, np.ndarray]:
    model, training = _training(setting, data, form)
    every = max(1, setting.num_steps // 50)
    for step in islice(training.steps(), setting.num_steps):
        if step.step % every == 0:
            say(step.step / setting.num_steps)
    training.require_finite_weights()
    noise = torch.Generator().manual_seed(setting.seed + 2)
    train, test = (
        bounds(model, x, num_weights=NUM_WEIGHTS, generator=noise) for x in (data.x_train[:], data.x_test[:])
    )
    found = {"train": train.summary(), "test": test.summary(), "test_data": torch.stack(test).numpy()}
    return found | _of_weights(model, data, noise) if isinstance(model, BayesianVAE) else found


def _training(setting: Setting, data: Dataset, form: str) -> tuple[VAE, Training]:
    config = ModelConfig(data_dim=data.data_dim, hidden_dims=(HIDDEN,))
    # As many epochs as the steps could need: the number of updates ends it.
    train = TrainConfig(learning_rate=1e-2, batch_size=BATCH, num_epochs=setting.num_steps)
    weights, noise = (torch.Generator().manual_seed(setting.seed + k) for k in (0, 1))
    if form == "plain":
        plain = VAE(config, generator=weights)
        return plain, Training(plain, data, train, generator=noise)
    model = BayesianVAE(config, over=setting.over, prior_std=setting.prior_std, generator=weights)
    num_data = 1 if form == "wrong" else None
    return model, FullBayesTraining(model, data, train, num_data=num_data, generator=noise)


@torch.no_grad()
def _of_weights(model: BayesianVAE, data: Dataset, noise: torch.Generator) -> dict[str, np.ndarray]:
    axis = torch.linspace(-REACH, REACH, GRID)
    z = plane_points(axis, (0, 1), 2)
    moments = decoded_moments(model, z, num_weights=NUM_WEIGHTS, generator=noise)
    q = model.posterior(data.x_train[:])
    per_weight = model.kl_per_weight()
    ratio = torch.cat([part.signal_to_noise() for part in model.weight_posteriors()])
    with torch.enable_grad():
        gradients = [
            gradient_variance(
                model, data.x_train[:BATCH], estimator=estimator, num_draws=NUM_GRADIENTS, generator=noise
            )
            for estimator in ("local", "weights")
        ]
    return {
        "mean": moments.mean.float().numpy(),
        "spread": moments.weight_variance.sqrt().float().numpy(),
        "own": moments.own_variance.float().numpy(),
        "log_density": log_aggregate(z.flatten(0, 1), q.as_density()).numpy(),
        "codes": q.mean.numpy(),
        "signal_to_noise": ratio.numpy(),
        "weight_kl": per_weight.double().sum().numpy(),
        "unmoved": (per_weight < UNMOVED_NATS).double().mean().numpy(),
        "gradients": np.array(gradients),
    }


def _first(dataset: Dataset, num_data: int) -> Dataset:
    labels = dataset.labels_train
    return replace(
        dataset,
        x_train=dataset.x_train[:num_data].contiguous(),
        labels_train=None if labels is None else labels[:num_data],
    )
