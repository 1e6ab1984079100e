"""The same model under three priors: equal weights at the start, equal data, equal noise, equal budget."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import DATASET_INFO, Dataset
from vae_core.elbo import terms_per_example
from vae_core.errors import BadInput, TrainingDiverged
from vae_core.evidence.exact import exact_evidence
from vae_core.evidence.importance import stochastic_posterior
from vae_core.latent.aggregate import prior_fit
from vae_core.model import VAE
from vae_core.priors import NormalMixture, StandardNormal
from vae_core.training.loop import Training

PRIORS: Final = ("standard_normal", "mixture", "vamp")
NUM_LOOKS: Final = 25
NUM_SAMPLES: Final = 16
"""M, samples of z for each held-out example."""
MAX_HELD_OUT: Final = 400
MAX_EXACT: Final = 100
NUM_DECODED: Final = 24
GRID: Final = 71
_END_SHARE: Final = 0.04
"""Of the progress: the exact evidence at the end of each training."""
AnyPrior = StandardNormal | NormalMixture


class Look(NamedTuple):
    """One model at one step; nats per held-out example, mean and standard error over examples and samples.

    Arguments:
        step: Updates made.
        elbo, error: Held-out ELBO and its standard error.
        reconstruction, kl: Its terms.
        means: Posterior means of the held-out examples, shape (n, 2).
        centres: Points that represent the prior, shape (K, 2): means of its components; of N(0, I) draws.
        shown: An example for each of them, shape (K, D): the pseudo-inputs; else what the centres decode to.
        prior: p(z) at that step.
    """

    step: int
    elbo: float
    error: float
    reconstruction: float
    kl: float
    means: Tensor
    centres: Tensor
    shown: Tensor
    prior: AnyPrior


def comparison_config(dataset: Dataset, num_components: int) -> ModelConfig:
    """The model of the comparison for a data set, with the standard normal prior; J = 2."""
    likelihood = DATASET_INFO[dataset.name].default_likelihood
    return ModelConfig(
        data_dim=dataset.x_train.shape[1],
        likelihood=likelihood,
        likelihood_scale=None if likelihood == "gaussian" else 1.0,
        num_components=num_components,
    )


@torch.no_grad()
def look(model: VAE, x: Tensor, step: int) -> Look:
    """Evaluates a model on held-out examples x, with the same noise at each call."""
    noise = torch.Generator().manual_seed(1)
    terms = terms_per_example(model, x, num_samples=NUM_SAMPLES, generator=noise)
    elbo, prior = terms.elbo.double(), model.prior
    centres = _draws(model) if prior.components is None else prior.components.mean
    is_vamp = model.config.prior == "vamp"
    return Look(
        step=step,
        elbo=float(elbo.mean()),
        error=float(elbo.std()) / math.sqrt(len(elbo)),
        reconstruction=float(terms.reconstruction.double().mean()),
        kl=float(terms.kl.double().mean()),
        means=model.posterior(x).mean,
        centres=centres.clone(),
        shown=model.pseudo_inputs().clone() if is_vamp else model.likelihood(centres).mean,
        prior=prior.frozen(),
    )


@torch.no_grad()
def densities(looks: list[Look]) -> dict[str, Tensor]:
    """log p(z) at each look on one grid over all posterior means: a learned prior may lie anywhere.

    Returns:
        ``axes``, the values along both dimensions, shape (2, GRID), and ``density``, shape (looks, GRID,
        GRID), the second dimension first.
    """
    means = torch.cat([seen.means for seen in looks])
    low, high = means.min(0).values, means.max(0).values
    middle, half = (low + high) / 2, 0.6 * float((high - low).max()) + 0.5
    axes = middle[:, None] + half * torch.linspace(-1, 1, GRID)
    points = torch.cartesian_prod(*axes).reshape(GRID, GRID, 2).transpose(0, 1)
    return {"axes": axes, "density": torch.stack([seen.prior.log_prob(points) for seen in looks])}


def _draws(model: VAE) -> Tensor:
    count = model.config.num_components
    return torch.randn(count, model.config.latent_dim, generator=torch.Generator().manual_seed(2))


def train_observed(
    config: ModelConfig, dataset: Dataset, *, num_epochs: int, seed: int, on_progress: Callable[[float], None]
) -> tuple[VAE, list[Look], float]:
    """Trains a model; the looks at it, and the seconds of its updates alone.

    Raises:
        BadInput: The data do not suit the model, or the training diverged.
    """
    model = VAE(config, generator=torch.Generator().manual_seed(seed))
    if config.prior == "vamp" and dataset.image_shape is not None:
        model.pseudo_inputs.begin_near(dataset.x_train[:].mean(0))
    noise = torch.Generator().manual_seed(seed)
    training = Training(model, dataset, TrainConfig(num_epochs=num_epochs), generator=noise)
    x = dataset.x_test[:MAX_HELD_OUT]
    # Early steps change most: they are looked at more often.
    shares = torch.linspace(0, 1, NUM_LOOKS).square()
    num_steps = num_epochs * training.steps_per_epoch
    wanted = set((shares * num_steps).round().int().tolist())
    looks, seconds, began = [look(model, x, 0)], 0.0, time.perf_counter()
    try:
        for step in training.steps():
            if step.step in wanted:
                seconds += time.perf_counter() - began
                looks.append(look(model, x, step.step))
                on_progress(step.step / num_steps)
                began = time.perf_counter()
    except TrainingDiverged as err:
        raise BadInput("diverged", str(err), "choose another seed") from err
    return model, looks, seconds


@torch.no_grad()
def final_metrics(model: VAE, dataset: Dataset) -> dict[str, Tensor]:
    """The end of a training: log p(x) of some held-out examples, the KL and its parts, and samples."""
    x = dataset.x_test[:MAX_HELD_OUT]
    noise = torch.Generator().manual_seed(3)
    evidence = exact_evidence(model, x[:MAX_EXACT])
    fit = prior_fit(stochastic_posterior(model, x), model.prior, num_samples=NUM_SAMPLES, generator=noise)
    z = model.prior.sample(NUM_DECODED, generator=noise)
    terms = terms_per_example(model, x, num_samples=NUM_SAMPLES, generator=torch.Generator().manual_seed(1))
    return {
        "elbo_of_data": terms.elbo,
        "log_evidence": evidence.log_evidence,
        "exact_elbo": evidence.elbo,
        "evidence_error": evidence.error,
        "fit": torch.tensor(fit, dtype=torch.float64),
        "samples": model.likelihood(z).mean,
    }


def train_under_each_prior(
    dataset: Dataset,
    *,
    num_components: int,
    num_epochs: int,
    seed: int,
    on_progress: Callable[[float], None],
) -> dict[str, np.ndarray]:
    """Trains the model under each prior of ``PRIORS`` from the same encoder and decoder.

    Arguments:
        dataset: Training and held-out examples.
        num_components: K of the mixture and of the VampPrior.
        num_epochs: Of each.
        seed: Of the weights, the order of the examples, and the noise.
        on_progress: Told the share that is done.

    Returns:
        For each prior, with its name and a slash before theirs: the numbers of :class:`Look` for all looks,
        what :func:`densities` and :func:`final_metrics` give, and ``seconds``.

    Raises:
        BadInput: As :func:`train_observed`.
    """
    found: dict[str, np.ndarray] = {}
    for number, prior in enumerate(PRIORS):

        def say(share: float, done: int = number) -> None:
            on_progress((done + (1 - _END_SHARE) * share) / len(PRIORS))

        config = replace(comparison_config(dataset, num_components), prior=prior)
        model, looks, seconds = train_observed(
            config, dataset, num_epochs=num_epochs, seed=seed, on_progress=say
        )
        fields = [name for name in Look._fields if name != "prior"]
        columns = {name: _stacked([getattr(seen, name) for seen in looks]) for name in fields}
        tensors = final_metrics(model, dataset) | densities(looks)
        columns |= {name: value.numpy() for name, value in tensors.items()}
        columns["seconds"] = np.array(seconds)
        found |= {f"{prior}/{name}": value for name, value in columns.items()}
        on_progress((number + 1) / len(PRIORS))
    return found


def _stacked(values: list[Tensor] | list[float]) -> np.ndarray:
    return np.stack([np.asarray(value) for value in values])
