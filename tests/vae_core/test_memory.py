"""Memory: chunks of bounded size, and the guard against a training step that does not fit."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from vae_core.config import EncoderHead, ModelConfig, Objective, RunConfig, TrainConfig
from vae_core.elbo import elbo_terms
from vae_core.errors import BadInput
from vae_core.memory import (
    CHUNK_VALUES,
    MAX_STEP_BYTES,
    check_evaluation,
    check_step,
    chunk_rows,
    is_out_of_memory,
    step_bytes,
    widest_layer,
)
from vae_core.model import VAE
from vae_core.objectives import objective_given_eps
from vae_core.runs.driver import open_training


def test_width_of_layers_counts() -> None:
    """Two moons, M = 1000, B = 1600 and a hidden layer of 8192 would need 49 GiB for that layer alone."""
    config = RunConfig(
        dataset="two_moons",
        model=ModelConfig(data_dim=2, hidden_dims=(8192,), likelihood="gaussian"),
        train=TrainConfig(num_samples=1000, batch_size=1600),
    )
    with pytest.raises(BadInput) as caught:
        open_training(config, None)
    assert caught.value.code == "num_samples"
    assert str(caught.value) == (
        "one step with 1,000 samples of z and a batch size of 1,600 needs 146.8 GiB of memory in this "
        "network, the limit is 2 GiB; use fewer samples, a smaller batch or narrower layers."
    )


@pytest.mark.parametrize(
    ("model", "num_samples", "batch_size"),
    [
        ({"hidden_dims": (128,)}, 1, 60_000),
        ({"hidden_dims": (8192,)}, 1, 64),
        ({"hidden_dims": (512, 512)}, 10, 1000),
        ({"hidden_dims": (128,), "prior": "vamp", "num_components": 500}, 10, 500),
    ],
)
def test_usual_steps_fit(model: dict[str, Any], num_samples: int, batch_size: int) -> None:
    config = ModelConfig(**{"data_dim": 64, **model})
    check_step(config, num_samples=num_samples, batch_size=batch_size)


@pytest.mark.parametrize(
    "model",
    [
        {"hidden_dims": (8192,)},
        {"hidden_dims": (), "data_dim": 4096},
        {"prior": "mixture", "num_components": 1000, "hidden_dims": (8,)},
    ],
)
def test_each_width_is_refused_where_it_is_the_widest(model: dict[str, Any]) -> None:
    config = ModelConfig(**{"data_dim": 16, **model})
    with pytest.raises(BadInput, match="of memory in this network"):
        check_step(config, num_samples=1000, batch_size=200)


@pytest.mark.parametrize(
    "model",
    [
        {"hidden_dims": (1000, 300), "data_dim": 2, "likelihood": "gaussian"},
        {"hidden_dims": (), "data_dim": 640},
        {"hidden_dims": (), "data_dim": 640, "likelihood": "gaussian"},
        {"hidden_dims": (), "data_dim": 640, "likelihood": "continuous_bernoulli"},
        {"hidden_dims": (), "data_dim": 2, "prior": "mixture", "num_components": 200},
        {"hidden_dims": (500,), "data_dim": 64, "prior": "vamp", "num_components": 1000},
        {"hidden_dims": (1000, 300), "data_dim": 2, "activation": "softplus"},
        {"hidden_dims": (1000, 300), "data_dim": 2, "activation": "silu", "encoder_head": "variance"},
        {"hidden_dims": (1000, 300), "data_dim": 2, "activation": "relu", "encoder_head": "deterministic"},
        {"hidden_dims": (), "data_dim": 4, "latent_dim": 300, "encoder_head": "unit_variance"},
        {"hidden_dims": (), "data_dim": 4, "latent_dim": 60, "encoder_head": "full_covariance"},
        {"hidden_dims": (), "data_dim": 640, "likelihood": "gaussian_diagonal"},
        {"hidden_dims": (8,), "data_dim": 768, "architecture": "conv", "image_shape": (16, 16, 3)},
        {
            **{"hidden_dims": (16, 32), "data_dim": 784, "architecture": "conv", "image_shape": (28, 28)},
            **{"likelihood": "gaussian_diagonal", "activation": "silu"},
        },
    ],
    ids=[
        "hidden",
        "bernoulli",
        "gaussian",
        "continuous_bernoulli",
        "prior",
        "vamp",
        "softplus",
        "silu",
        "relu",
        "latent",
        "full_covariance",
        "gaussian_diagonal",
        "one convolution",
        "convolutions",
    ],
)
def test_bytes_of_a_step_cover_what_autograd_keeps(model: dict[str, Any], generator: torch.Generator) -> None:
    """What is kept for the gradient, counted once for each storage; the gradient itself is not yet there."""
    vae = VAE(ModelConfig(**model), generator=generator)
    x = torch.rand(20, vae.config.data_dim, generator=generator)
    kept = bytes_kept(lambda: elbo_terms(vae, x, num_samples=30, generator=generator).elbo.mean())
    weights = sum(parameter.nbytes for parameter in vae.parameters())
    needed = step_bytes(vae.config, num_samples=30, batch_size=20)
    assert kept - weights < needed < 5 * kept


@pytest.mark.parametrize("head", ["log_variance", "full_covariance", "mixture"])
@pytest.mark.parametrize("objective", ["mmd", "total_correlation"])
def test_bytes_of_a_step_that_compares_examples(
    objective: Objective, head: EncoderHead, generator: torch.Generator
) -> None:
    """They grow with the square of the mini-batch; so much more is needed than without."""
    config = ModelConfig(data_dim=4, latent_dim=8, hidden_dims=(), encoder_head=head)
    vae, train = VAE(config, generator=generator), TrainConfig(objective=objective)
    x = torch.rand(500, 4, generator=generator)

    def value() -> torch.Tensor:
        q = vae.posterior(x)
        eps = q.draw_eps(1, generator=generator)
        found = objective_given_eps(vae, x, q, eps, train, beta=2.0, num_data=600, generator=generator)
        return found.value

    needed = step_bytes(config, num_samples=1, batch_size=500, objective=objective)
    assert 2 * step_bytes(config, num_samples=1, batch_size=500) < bytes_kept(value) < needed
    assert needed < 5 * bytes_kept(value)


def bytes_kept(value: Callable[[], torch.Tensor]) -> int:
    """Of what is kept for the gradient of a number, each storage once."""
    kept: dict[int, int] = {}
    storages = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        storages.append(storage)  # alive, so that no other takes its place
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        assert value().requires_grad
    return sum(kept.values())


def test_an_evaluation_that_takes_minutes_is_refused() -> None:
    """MNIST with M = 100: the usual network takes seconds, one of 4.5 million weights ten minutes."""
    usual, wide = (ModelConfig(data_dim=784, hidden_dims=(size,)) for size in (128, 2900))
    check_evaluation(usual, num_examples=60_000, num_samples=100)
    check_evaluation(wide, num_examples=60_000, num_samples=1)
    with pytest.raises(BadInput) as caught:
        check_evaluation(wide, num_examples=10_000, num_samples=100)
    assert str(caught.value) == (
        "100 samples for each of 10,000 examples take minutes in this network; use fewer samples, or a "
        "smaller network."
    )


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (MemoryError(), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 9 bytes."), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("a"), False),
    ],
)
def test_failed_allocations_are_told(error: Exception, is_memory: bool) -> None:
    assert is_out_of_memory(error) == is_memory


def test_torch_and_numpy_say_it_so() -> None:
    for attempt in (lambda: torch.empty(2**58), lambda: np.empty(2**58)):
        with pytest.raises((RuntimeError, MemoryError)) as caught:
            attempt()
        assert is_out_of_memory(caught.value), caught.value


def test_chunks_hold_at_most_their_values_and_at_least_a_row() -> None:
    assert chunk_rows(1) == CHUNK_VALUES
    assert chunk_rows(CHUNK_VALUES) == chunk_rows(10 * CHUNK_VALUES) == 1
    assert 7 * chunk_rows(7) <= CHUNK_VALUES < 7 * (chunk_rows(7) + 1)


def test_widest_layer_is_of_decoder_and_prior() -> None:
    assert widest_layer(ModelConfig(data_dim=9, hidden_dims=(4, 30))) == 30
    assert widest_layer(ModelConfig(data_dim=9, hidden_dims=())) == 9
    assert widest_layer(ModelConfig(data_dim=9, latent_dim=12, hidden_dims=())) == 12
    assert widest_layer(ModelConfig(data_dim=9, prior="mixture", num_components=40)) == 128
    assert widest_layer(ModelConfig(data_dim=9, prior="mixture", num_components=400)) == 800
    assert widest_layer(ModelConfig(data_dim=90, likelihood="gaussian_diagonal")) == 180
    assert widest_layer(ModelConfig(data_dim=9, latent_dim=20, encoder_head="full_covariance")) == 400


def test_limit_is_of_bytes() -> None:
    config = ModelConfig(data_dim=1, latent_dim=1, hidden_dims=())
    fits = MAX_STEP_BYTES // step_bytes(config, num_samples=1, batch_size=1)
    check_step(config, num_samples=1, batch_size=fits)
    with pytest.raises(BadInput):
        check_step(config, num_samples=1, batch_size=fits + 1)
