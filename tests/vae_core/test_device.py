"""A training on each device of this machine, and that no part of a step stays behind on the CPU.

Without a second device, ``meta`` tells: its tensors have no values, and refuse to meet others.
"""

import copy
import io
import json
import queue
from itertools import product
from pathlib import Path
from typing import Final, get_args

import numpy as np
import pytest
import torch

from dashboard.runs.needs import on_suitable_device
from vae_core.config import (
    NOT_GAUSSIAN,
    Device,
    EncoderHead,
    Likelihood,
    ModelConfig,
    Prior,
    RunConfig,
    TrainConfig,
)
from vae_core.data import load_dataset
from vae_core.device import available_devices, suitable_device, usable_device
from vae_core.elbo import elbo_terms, elbo_terms_given_eps, penalised_kl
from vae_core.errors import BadInput
from vae_core.evidence import (
    ais_evidence,
    best_posterior,
    decoded_lattice,
    exact_evidence,
    importance_curve,
    iw_bound,
    measure_gaps,
    posterior_elbo,
    posterior_on_grid,
)
from vae_core.evidence.importance import stochastic_posterior
from vae_core.latent import (
    aggregate_samples,
    decoded_grid,
    interpolate,
    kl_surgery,
    log_aggregate,
    prior_fit,
    traversal,
)
from vae_core.model import VAE
from vae_core.runs.driver import Driver, open_training
from vae_core.runs.runfile import load_run
from vae_core.runs.snapshot import read_snapshot
from vae_core.training.by_hand import HandGradient, is_written_out
from vae_core.training.optimizer import descend, flatten, initial_moments

DEVICES: Final = available_devices()
MODELS: Final = [
    ModelConfig(
        data_dim=4,
        hidden_dims=(3,),
        encoder_head=head,
        likelihood=likelihood,
        likelihood_scale=None,
        prior=prior,
        num_components=3,
    )
    for head, likelihood, prior in product(get_args(EncoderHead), get_args(Likelihood), get_args(Prior))
    if (head != "deterministic" or prior == "standard_normal")
    and not (head in NOT_GAUSSIAN and prior == "vamp")
]
SGD: Final = TrainConfig(optimizer="sgd")


def config_on(device: Device, *, num_epochs: int = 2) -> RunConfig:
    train = TrainConfig(num_epochs=num_epochs, batch_size=500)
    return RunConfig(model=ModelConfig(data_dim=64, hidden_dims=(8,)), train=train, device=device)


def trained(folder: Path, config: RunConfig) -> dict[str, object]:
    """The last event of a run in a folder."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(config.to_json())
    output, commands = io.StringIO(), queue.SimpleQueue()
    commands.put({"command": "resume"})
    Driver(folder, commands, output).run()
    return json.loads(output.getvalue().splitlines()[-1])


@pytest.mark.parametrize("device", DEVICES)
def test_a_run_trains_there_and_opens_on_the_cpu(device: Device, tmp_path: Path) -> None:
    end = trained(tmp_path, config_on(device))
    assert (end["status"], end["step"]) == ("finished", 6)
    run = load_run(tmp_path / "run.safetensors")
    assert {value.device.type for value in (*run.weights.values(), *run.state_tensors.values())} == {"cpu"}
    x = load_dataset("digits", seed=0).x_test[:]
    snapshot = read_snapshot(tmp_path / "snapshot.safetensors")
    with torch.no_grad():
        means = run.model().posterior(x).mean.numpy()
    assert np.allclose(snapshot.means, means, atol=1e-5)


@pytest.mark.parametrize("device", DEVICES)
def test_a_resumed_run_goes_on_bit_for_bit(device: Device, tmp_path: Path) -> None:
    trained(tmp_path / "whole", config_on(device, num_epochs=4))
    trained(tmp_path / "parts", config_on(device, num_epochs=2))
    trained(tmp_path / "parts", config_on(device, num_epochs=4))
    whole, parts = (load_run(tmp_path / name / "run.safetensors").weights for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


@pytest.mark.parametrize("device", DEVICES)
def test_initial_weights_and_their_bound_do_not_depend_on_the_device(device: Device) -> None:
    here, there = open_training(config_on("cpu"), None), open_training(config_on(device), None)
    assert {p.device.type for p in there.model.parameters()} == {device}
    assert there.dataset.x_train.device.type == device
    assert there.generator.device.type == device
    pairs = zip(here.model.parameters(), there.model.parameters(), strict=True)
    assert all(torch.equal(ours, theirs.cpu()) for ours, theirs in pairs)
    x, eps = here.dataset.x_train[:50], torch.zeros(1, 50, 2)
    expected = elbo_terms_given_eps(here.model, x, here.model.posterior(x), eps).elbo
    x, eps = x.to(device), eps.to(device)
    found = elbo_terms_given_eps(there.model, x, there.model.posterior(x), eps).elbo
    assert torch.allclose(found.cpu(), expected, atol=1e-3)


@pytest.mark.parametrize("config", MODELS, ids=lambda c: f"{c.encoder_head}-{c.likelihood}-{c.prior}")
@pytest.mark.parametrize("device", [*DEVICES, "meta"])
def test_a_step_stays_on_the_device(config: ModelConfig, device: str, generator: torch.Generator) -> None:
    """Bound, gradients, update, samples and decoded grid; the noise comes from a generator on the CPU."""
    model = VAE(config, generator=generator).to(device)
    weights, gradient = flatten(model)
    terms = elbo_terms(model, torch.zeros(5, 4, device=device), num_samples=2, generator=generator)
    (terms.reconstruction.mean() - penalised_kl(terms, free_bits=0.1)).backward()
    if is_written_out(config):
        by_hand = HandGradient(model, num_samples=2, batch_size=5).pass_of(5)
        x, eps = torch.zeros(5, 4, device=device), torch.zeros(2, 5, config.latent_dim, device=device)
        with torch.no_grad():
            assert {part.device.type for part in by_hand(x, eps, 0.5, 0.1)} == {device}
    descend(weights, gradient, initial_moments(weights, SGD), SGD, learning_rate=0.1)
    # The choice of a mixture's component needs values, which "meta" does not have.
    has_values = device != "meta"
    z = model.prior.sample(6, generator=generator) if has_values else torch.zeros(6, config.latent_dim)
    z = z.to(device)
    samples = model.likelihood(z).sample(1, generator=generator)
    grid = decoded_grid(model, torch.zeros(3, device=device), (0, 1))
    parts = (terms.elbo, gradient, weights, samples, grid, model.posterior(samples[0]).mean)
    assert {part.device.type for part in parts} == {device}
    assert {p.device.type for p in (*model.parameters(), *model.buffers())} == {device}


@pytest.mark.parametrize("prior", get_args(Prior))
@pytest.mark.parametrize("latent_dim", [2, 3])
@pytest.mark.parametrize("device", DEVICES)
def test_estimates_stay_on_the_device(
    device: Device, latent_dim: int, prior: Prior, generator: torch.Generator
) -> None:
    """What is created there without a device lands on ``meta``, and refuses to meet the rest."""
    config = ModelConfig(data_dim=4, latent_dim=latent_dim, hidden_dims=(3,), prior=prior, num_components=3)
    model = VAE(config, generator=generator).to(device)
    x = torch.rand(5, 4, generator=generator).to(device)
    with torch.device("meta"), torch.no_grad():
        q = stochastic_posterior(model, x).as_normal()
        found = ais_evidence(
            model,
            x,
            start=q,
            num_chains=4,
            num_temperatures=30,
            generator=generator,
            on_progress=lambda share: None,
        )
        samples = aggregate_samples(q, 7, generator=generator)
        curve = importance_curve(model, x[0], sample_counts=(1, 10), generator=generator)
        parts = (
            iw_bound(model, x, num_samples=3, generator=generator),
            posterior_elbo(model, x, q),
            *found,
            curve.bounds,
            log_aggregate(samples, q),
            traversal(model, x.new_zeros(latent_dim), 0, x[0]),
            interpolate(q.mean[0], q.mean[1], 3),
        )
        prior_fit(q, model.prior, generator=generator)
        kl_surgery(q, generator=generator)
    assert {part.device.type for part in parts} == {device}
    assert all(bool(part.isfinite().all()) for part in parts)


@pytest.mark.parametrize("latent_dim", [2, 3])
@pytest.mark.parametrize("device", DEVICES)
def test_the_best_posterior_is_found_on_the_device(
    device: Device, latent_dim: int, generator: torch.Generator
) -> None:
    config = ModelConfig(data_dim=4, latent_dim=latent_dim, hidden_dims=(3,))
    model = VAE(config, generator=generator).to(device)
    x = torch.rand(5, 4, generator=generator).to(device)
    best = best_posterior(model, x, on_progress=lambda share: None)
    assert {part.device.type for part in (best.q.mean, best.elbo, best.encoder_elbo)} == {device}
    assert bool((best.elbo >= best.encoder_elbo).all())


@pytest.mark.parametrize("device", DEVICES)
def test_quadrature_of_a_model_on_a_device_is_done_on_the_cpu(
    device: Device, generator: torch.Generator
) -> None:
    model = VAE(ModelConfig(data_dim=4, hidden_dims=(3,)), generator=generator)
    x = torch.rand(5, 4, generator=generator)
    expected = exact_evidence(model, x).log_evidence
    there = copy.deepcopy(model).to(device)
    found = exact_evidence(there, x.to(device), decoded=decoded_lattice(there))
    assert torch.allclose(found.log_evidence, expected)
    assert posterior_on_grid(there, x[0].to(device)).log_density.device.type == "cpu"
    gaps = measure_gaps(there, x.to(device), generator=generator, on_progress=lambda share: None)
    assert {part.device.type for part in gaps} == {"cpu"}
    assert {parameter.device.type for parameter in there.parameters()} == {device}


def test_a_device_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert available_devices() == ("cpu",)
    with pytest.raises(
        BadInput, match="PyTorch finds no cuda device on this machine; train on the cpu"
    ) as err:
        usable_device("cuda")
    assert err.value.code == "device"
    with pytest.raises(BadInput, match="no cuda device"):
        trained(tmp_path, config_on("cuda"))


def test_an_available_device_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert usable_device("cuda") == torch.device("cuda")


def test_only_a_large_network_is_worth_a_device_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = ModelConfig(data_dim=64), ModelConfig(data_dim=784, hidden_dims=(400,))
    for is_there in (False, True):
        monkeypatch.setattr(torch.cuda, "is_available", lambda found=is_there: found)
        assert suitable_device(small, batch_size=64) == "cpu"
        assert suitable_device(large, batch_size=128) == ("cuda" if is_there else "cpu")
        chosen = on_suitable_device(RunConfig(model=large))
        assert chosen == RunConfig(model=large, device="cuda" if is_there else "cpu")
        assert on_suitable_device(RunConfig(model=small)) == RunConfig(model=small)


def test_configurations_without_a_device_are_of_the_cpu() -> None:
    values = config_on("cpu").to_dict()
    del values["device"]
    assert RunConfig.from_dict(values) == config_on("cpu")
    with pytest.raises(BadInput, match="device must be one of cpu, cuda, got 'tpu'"):
        RunConfig.from_dict({**values, "device": "tpu"})
