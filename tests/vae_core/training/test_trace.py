"""A followed update: its numbers are those of the update itself, and following changes nothing."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
import pytest
import torch

from tests.vae_core.runs.test_driver import config_of, prepared
from vae_core.config import (
    NOT_GAUSSIAN,
    UNIT_INTERVAL,
    Activation,
    EncoderHead,
    Likelihood,
    ModelConfig,
    Optimizer,
    Prior,
    TrainConfig,
)
from vae_core.data import load_dataset
from vae_core.elbo import elbo_terms_given_eps
from vae_core.errors import BadInput
from vae_core.model import VAE
from vae_core.runs import driver
from vae_core.runs.observer import Observer
from vae_core.runs.snapshot import FLOW_NUMBERS, read_snapshot, write_snapshot
from vae_core.training.loop import Training
from vae_core.training.trace import StepTrace, Tracer

DATA: Final = load_dataset("digits", seed=0)


def training_of(head: str = "log_variance", **train: Any) -> Training:
    noise = torch.Generator().manual_seed(3)
    config: Any = {"data_dim": 64, "hidden_dims": (6,), "encoder_head": head}
    model = VAE(ModelConfig(**config), generator=noise)
    return Training(model, DATA, TrainConfig(batch_size=50, num_epochs=5, **train), generator=noise)


def followed(training: Training, steps: int) -> StepTrace:
    training.tracer = Tracer()
    for _, _ in zip(range(steps), training.steps(), strict=False):
        pass
    assert training.tracer.trace is not None
    return training.tracer.trace


@pytest.mark.parametrize("head", ["log_variance", "unit_variance", "deterministic"])
def test_following_changes_nothing(head: str) -> None:
    plain, traced = training_of(head), training_of(head)
    for _, _ in zip(range(7), plain.steps(), strict=False):
        pass
    followed(traced, 7)
    ours, theirs = plain.model.state_dict(), traced.model.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert torch.equal(plain.generator.get_state(), traced.generator.get_state())


@pytest.mark.parametrize("prior", get_args(Prior))
@pytest.mark.parametrize("likelihood", get_args(Likelihood))
@pytest.mark.parametrize("head", get_args(EncoderHead))
def test_every_configuration_makes_steps_that_are_followed_and_looked_at(
    head: Any, likelihood: Any, prior: Any
) -> None:
    """All that the controls allow together, on a few examples; the last batch may be a single one."""
    if head == "deterministic" and prior != "standard_normal":
        with pytest.raises(BadInput, match="has no KL from which a prior could learn"):
            ModelConfig(data_dim=64, encoder_head=head, prior=prior)
        return
    if head in NOT_GAUSSIAN and prior == "vamp":
        with pytest.raises(BadInput, match=f"q is {NOT_GAUSSIAN[head]} here"):
            ModelConfig(data_dim=64, encoder_head=head, prior=prior)
        return
    data = replace(DATA, x_train=DATA.x_train[:5], x_test=DATA.x_test[:4])
    labels = DATA.labels_test
    assert labels is not None
    data = replace(data, labels_test=labels[:4])
    scales = (1.0,) if likelihood in UNIT_INTERVAL else (0.5, None)
    sizes = product(get_args(Activation), scales, (1, 2, 3), (1, 3), (1, 2, 64), get_args(Optimizer))
    for activation, scale, latent_dim, num_samples, batch_size, optimizer in sizes:
        config = ModelConfig(
            data_dim=64,
            latent_dim=latent_dim,
            hidden_dims=(3,),
            activation=activation,
            encoder_head=head,
            likelihood=likelihood,
            likelihood_scale=scale,
            prior=prior,
            num_components=3,
        )
        train = TrainConfig(
            num_samples=num_samples, batch_size=batch_size, optimizer=optimizer, learning_rate=1e-4
        )
        noise = torch.Generator().manual_seed(0)
        training = Training(VAE(config, generator=noise), data, train, generator=noise)
        training.tracer = Tracer()
        observer = Observer(training, seed=0, grid_points=2)
        observer.add(next(training.steps()))
        snapshot = observer.look()
        assert snapshot.flow is not None
        assert all(np.isfinite(value).all() for value in snapshot.flow), config
        assert np.isfinite(snapshot.history[-1]).all(), config
        assert snapshot.means.shape == snapshot.stds.shape == (4, latent_dim)


@pytest.mark.parametrize("num_samples", [1, 3])
def test_the_numbers_are_those_of_the_update(num_samples: int) -> None:
    training = training_of(beta=2.0, num_samples=num_samples, optimizer="sgd", momentum=0.0)
    steps = training.steps()
    next(steps)
    before = {name: value.clone() for name, value in training.model.state_dict().items()}
    state = training.generator.get_state()
    rows = training.state()[0]["order"][50:100].long()
    training.tracer = Tracer()
    step = next(steps)
    trace = training.tracer.trace
    assert trace is not None
    again = VAE(training.model.config, generator=torch.Generator())
    again.load_state_dict(before)
    training.generator.set_state(state)
    x = DATA.x_train[rows]
    q = again.posterior(x)
    eps = q.draw_eps(num_samples, generator=training.generator)
    terms = elbo_terms_given_eps(again, x, q, eps)
    objective = terms.reconstruction.mean() - 2 * terms.kl.mean()
    (-objective).backward()
    reconstruction, kl = (part[0].detach() for part in terms[:2] if part is not None)
    forward = trace.forward
    assert torch.equal(forward.x, x[0])
    torch.testing.assert_close(forward.z, forward.mean + forward.std * forward.eps)
    torch.testing.assert_close(forward.eps, eps[0, 0])
    torch.testing.assert_close(forward.decoded, again.likelihood(forward.z).mean)
    assert forward.reconstruction == pytest.approx(float(reconstruction), rel=1e-5)
    assert forward.kl == pytest.approx(float(kl), rel=1e-5)
    assert (trace.step, trace.num_data) == (2, 50)
    assert trace.objective == pytest.approx(step.reconstruction - 2 * step.kl, rel=1e-5)
    gradients = {
        part: torch.cat([p.grad.flatten() for p in getattr(again, part).parameters() if p.grad is not None])
        for part in ("encoder", "decoder")
    }
    assert trace.encoder_gradient == pytest.approx(float(gradients["encoder"].norm()), rel=1e-4)
    assert trace.decoder_gradient == pytest.approx(float(gradients["decoder"].norm()), rel=1e-4)
    # Plain descent: the change is the learning rate times the gradient.
    whole = float(torch.cat(list(gradients.values())).norm())
    assert trace.change == pytest.approx(training.learning_rate * whole, rel=1e-4)


def test_a_snapshot_carries_the_flow_of_the_newest_update_only(tmp_path: Path) -> None:
    training = training_of()
    trace = followed(training, 3)
    observer = Observer(training, seed=0)
    path = tmp_path / "snapshot.safetensors"
    write_snapshot(path, observer.look())
    flow = read_snapshot(path).flow
    assert flow is not None
    assert dict(zip(FLOW_NUMBERS, flow.numbers, strict=True))["objective"] == trace.objective
    np.testing.assert_array_equal(flow.z, trace.forward.z.numpy())
    with torch.no_grad():
        generated = training.model.likelihood(torch.from_numpy(flow.prior_z)).mean
    np.testing.assert_array_equal(flow.generated, generated.numpy())
    training.tracer = None
    assert observer.look().flow is None


@pytest.mark.parametrize(
    ("commands", "is_followed"),
    [
        ([{"command": "step", "unit": "step"}], True),
        ([{"command": "set", "speed": 3}], True),
        ([{"command": "set", "speed": 30}], False),
        ([], False),
    ],
)
def test_slow_motion_and_single_steps_are_followed(
    tmp_path: Path, commands: list[dict[str, Any]], is_followed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "PAUSE_LIMIT_S", 0.1)
    run, _, _ = prepared(tmp_path, config_of(num_epochs=1), *commands)
    run.run()
    assert (read_snapshot(tmp_path / "snapshot.safetensors").flow is not None) == is_followed
