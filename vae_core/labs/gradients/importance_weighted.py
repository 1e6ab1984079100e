"""The importance-weighted bound as a training objective, and what more samples do to its gradient."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.checks import check_integer
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import Dataset
from vae_core.device import on_cpu
from vae_core.elbo import elbo_terms_given_eps
from vae_core.errors import BadInput, TrainingDiverged
from vae_core.evidence.exact import exact_evidence
from vae_core.evidence.importance import iw_bound_given_eps, stochastic_posterior
from vae_core.labs.gradients.implicit import implicit_draws
from vae_core.memory import check_step
from vae_core.model import VAE
from vae_core.posteriors import AnyPosterior, DiagonalMixture
from vae_core.training.optimizer import descend, flatten, initial_moments

Part = Literal["encoder", "doubly_reparameterised", "decoder"]
PARTS: Final[tuple[Part, ...]] = ("encoder", "doubly_reparameterised", "decoder")
SIGNAL_COUNTS: Final = (1, 3, 10, 30, 100, 300)
TRAINED_COUNTS: Final = (1, 5, 50)
_GROUPS, _REPEATS = 8, 16
"""Estimates of the gradient, in groups that give the ratio an error of its own."""
_HELD_OUT: Final = 200
_LEARNING_RATE: Final = 2e-3
_ADAM: Final = TrainConfig()
_BATCH: Final = 64


class Signal(NamedTuple):
    """Signal-to-noise ratio of the gradient of the importance-weighted bound, by K and by part.

    Arguments:
        ratio: Shape (len(K), 3), the parts in the order of ``PARTS``.
        error: Its standard error over the groups.
    """

    ratio: Tensor
    error: Tensor


def gradients(model: VAE, x: Tensor, *, num_samples: int, generator: torch.Generator) -> dict[Part, Tensor]:
    """One estimate of the gradient of the mean bound of x, L_K = log 1/K sum_k w_k, as flat vectors.

    ``encoder`` and ``decoder``: by the reparameterised samples z_k = mean + sigma eps_k (Burda, Grosse and
    Salakhutdinov 2016, arXiv 1509.00519). ``doubly_reparameterised``: for the encoder the same expectation by
    sum_k v_k^2 d log w_k / dz dz/dphi with the normalised weights v_k, in which the density's own parameters
    are constants (Tucker, Lawson, Gu and Maddison 2019, arXiv 1810.04152).

    Of a mixture the first two are what a training takes: K samples of each component, counted by its weight
    (for K = 1 the ELBO). The doubly reparameterised one is of K independent z, which move with all parameters
    as :func:`~vae_core.labs.gradients.implicit.implicit_draws` says.

    Arguments:
        model: The model.
        x: Shape (B, D).
        num_samples: K.
        generator: Draws the noise.

    Raises:
        BadInput: A deterministic encoder (code ``encoder_head``), non-finite weights, or examples of another
            size.
    """
    encoder, decoder = list(model.encoder.parameters()), list(model.decoder.parameters())
    with torch.enable_grad():
        posterior = stochastic_posterior(model, x)
        eps = posterior.draw_eps(num_samples, generator=generator)
        bound = _trained_bound(model, x, posterior, eps).mean()
        found = torch.autograd.grad(bound, [*encoder, *decoder], retain_graph=True)
        if isinstance(posterior, DiagonalMixture):
            z = _independent(posterior, num_samples, generator)
        else:
            z = posterior.draw(eps).z
        density = posterior.frozen()
        log_weights = model.likelihood(z).log_prob(x) + model.prior.log_prob(z) - density.log_prob(z)
        squares = torch.softmax(log_weights, 0).square().detach()
        doubly = torch.autograd.grad((squares * log_weights).sum(0).mean(), encoder)
    return {
        "encoder": _flat(found[: len(encoder)]),
        "doubly_reparameterised": _flat(doubly),
        "decoder": _flat(found[len(encoder) :]),
    }


def _trained_bound(model: VAE, x: Tensor, posterior: AnyPosterior, eps: Tensor) -> Tensor:
    """What a training with K samples maximises: with one of each component of a mixture it is the ELBO."""
    if len(eps) == 1 and isinstance(posterior, DiagonalMixture):
        return elbo_terms_given_eps(model, x, posterior, eps).elbo
    return iw_bound_given_eps(model, x, posterior, eps)


def _independent(posterior: DiagonalMixture, num_samples: int, generator: torch.Generator) -> Tensor:
    """Independent draws of a mixture that move with its parameters, shape (K, batch, J)."""
    with torch.no_grad():
        z = posterior.sample(num_samples, generator=generator)
    return implicit_draws(posterior.double(), z.double()).to(z.dtype)


def _flat(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat([part.flatten() for part in parts]).double()


def gradient_signal(
    model: VAE,
    x: Tensor,
    *,
    sample_counts: Sequence[int] = SIGNAL_COUNTS,
    generator: torch.Generator,
    on_progress: Callable[[float], None],
) -> Signal:
    """|E[g]| / (sum of Var[g])^(1/2) of one estimate g for each K (Rainforth et al. 2018, arXiv 1802.04537).

    For the encoder it falls like K^(-1/2): a tighter bound has a gradient of order 1/K there and a noise of
    order K^(-1/2). For the decoder, and for the encoder by the doubly reparameterised estimate, it rises like
    K^(1/2). |E[g]|^2 is estimated without the bias that the noise of the mean would add.

    Arguments:
        model: The model.
        x: Shape (B, D): one mini-batch, the same for all.
        sample_counts: K, each at least 1.
        generator: Draws the noise.
        on_progress: Told the share that is done.

    Raises:
        BadInput: As :func:`gradients`, K below 1, or so many samples that a step does not fit.
    """
    model, x = on_cpu(model), x.cpu()
    for count in sample_counts:
        check_integer("num_samples", count, 1, 10_000, "300 is many")
        check_step(model.config, num_samples=count, batch_size=len(x))
    done, total = 0, _GROUPS * _REPEATS * sum(20 + count for count in sample_counts)
    ratios, errors = [], []
    for count in sample_counts:
        groups = []
        for _ in range(_GROUPS):
            sums: dict[Part, tuple[Tensor, Tensor]] = {}
            for _ in range(_REPEATS):
                estimate = gradients(model, x, num_samples=count, generator=generator)
                for part, g in estimate.items():
                    first, second = sums.get(part, (torch.zeros_like(g), torch.zeros_like(g)))
                    sums[part] = (first + g, second + g.square())
                done += 20 + count
                on_progress(done / total)
            groups.append([_moments(*sums[part]) for part in PARTS])
        ratio, error = _ratio(torch.tensor(groups, dtype=torch.float64))
        ratios.append(ratio)
        errors.append(error)
    return Signal(torch.stack(ratios), torch.stack(errors))


def _moments(total: Tensor, squares: Tensor) -> tuple[float, float]:
    """|E[g]|^2 and the sum of Var[g], both unbiased, from ``_REPEATS`` estimates."""
    mean = total / _REPEATS
    variance = (squares / _REPEATS - mean.square()) * (_REPEATS / (_REPEATS - 1))
    noise = float(variance.sum())
    return float(mean.square().sum()) - noise / _REPEATS, noise


def _ratio(groups: Tensor) -> tuple[Tensor, Tensor]:
    """Of groups of shape (G, parts, 2); the error by leaving out one group at a time (Quenouille 1956)."""
    without = (groups.sum(0) - groups) / (len(groups) - 1)
    whole, each = (_root(some) for some in (groups.mean(0), without))
    spread = (each - each.mean(0)).square().sum(0) * (len(groups) - 1) / len(groups)
    return whole, spread.sqrt()


def _root(moments: Tensor) -> Tensor:
    return (moments[..., 0].clamp(min=0) / moments[..., 1].clamp(min=1e-300)).sqrt()


def train_with(
    dataset: Dataset,
    config: ModelConfig,
    *,
    num_samples: int,
    num_epochs: int,
    seed: int,
    on_progress: Callable[[float], None],
) -> VAE:
    """Trains a model on L_K by Adam; equal seeds begin with equal weights and have equal mini-batches.

    K = 1 is the ELBO, its KL from the sample, too.

    Arguments:
        dataset: What to train on.
        config: The model.
        num_samples: K.
        num_epochs: Passes over the training data.
        seed: Of the weights, of the order of the examples, and of the noise.
        on_progress: Told the share that is done.

    Raises:
        BadInput: A deterministic encoder, or a step that does not fit.
        TrainingDiverged: The bound was not finite.
    """
    batch = min(_BATCH, len(dataset.x_train))
    check_step(config, num_samples=num_samples, batch_size=batch)
    model = VAE(config, generator=torch.Generator().manual_seed(seed))
    order, noise = (torch.Generator().manual_seed(seed + offset) for offset in (1, 2))
    weights, gradient = flatten(model)
    moments = initial_moments(weights, _ADAM)
    step = 0
    for epoch in range(num_epochs):
        for rows in torch.randperm(len(dataset.x_train), generator=order).split(batch):
            x = dataset.x_train.index_select(0, rows)
            posterior = model.posterior(x).as_density()
            eps = posterior.draw_eps(num_samples, generator=noise)
            objective = iw_bound_given_eps(model, x, posterior, eps).mean()
            step += 1
            if not bool(objective.isfinite()):
                raise TrainingDiverged(step, step - 1)
            gradient.zero_()
            (-objective).backward()
            descend(weights, gradient, moments, _ADAM, learning_rate=_LEARNING_RATE)
            model.hold_parameters()
        on_progress((epoch + 1) / num_epochs)
    return model


def compare_trainings(
    dataset: Dataset,
    config: ModelConfig,
    *,
    sample_counts: Sequence[int] = TRAINED_COUNTS,
    num_epochs: int,
    seed: int,
    on_progress: Callable[[float], None],
) -> dict[str, NDArray[Any]]:
    """The same model trained on L_K for each K, from the same start; what held-out examples say of each.

    Arguments:
        dataset: What to train on.
        config: The model, J at most 2.
        sample_counts: K, of each training.
        num_epochs: Of each training.
        seed: Of all that is drawn.
        on_progress: Told the share that is done.

    Returns:
        ``sample_counts``; ``log_evidence`` and ``elbo`` of shape (trainings, n), by quadrature.

    Raises:
        BadInput: J above 2, and as :func:`train_with`.
    """
    if config.latent_dim > 2:
        raise BadInput("latent_dim", "log p(x) by quadrature needs J of 1 or 2", "use 2")
    total, done = sum(10 + count for count in sample_counts), 0
    log_evidence, elbo = [], []
    for count in sample_counts:

        def told(share: float, done: int = done, count: int = count) -> None:
            on_progress((done + (10 + count) * share) / total)

        model = train_with(
            dataset, config, num_samples=count, num_epochs=num_epochs, seed=seed, on_progress=told
        )
        found = exact_evidence(model, dataset.x_test[:_HELD_OUT])
        log_evidence.append(found.log_evidence.numpy())
        elbo.append(found.elbo.numpy())
        done += 10 + count
    return {
        "sample_counts": np.fromiter(sample_counts, int),
        "log_evidence": np.stack(log_evidence),
        "elbo": np.stack(elbo),
    }
