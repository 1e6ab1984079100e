"""A number as y of a conditional model: standardised, one more input, and log p(x|y) in closed form."""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch

from tests.run_files import saved_run
from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.data import Number, from_arrays, known_of, load_dataset, numbers_known, with_conditions
from vae_core.data.dataset import Dataset, Factor
from vae_core.elbo import elbo_terms, evaluate
from vae_core.errors import BadInput
from vae_core.evidence import evidence_and_bound, exact_evidence
from vae_core.model import VAE
from vae_core.runs.driver import open_training
from vae_core.runs.grids import grid_given
from vae_core.runs.observer import Observer
from vae_core.runs.runfile import Run, load_run, save_run
from vae_core.runs.snapshot import HISTORY_COLUMNS, read_snapshot, write_snapshot
from vae_core.training.loop import Training

SPRITES: Final = ModelConfig(data_dim=1024, hidden_dims=(12,), num_conditions=1)
RUN: Final = RunConfig(
    model=SPRITES,
    dataset="sprites",
    num_examples=200,
    condition="number",
    condition_on="angle",
    train=TrainConfig(num_epochs=2),
    seed=3,
)
CONV: Final[dict[str, Any]] = {"architecture": "conv", "image_shape": (8, 8), "hidden_dims": (3, 4)}
HEADS: Final = ("log_variance", "full_covariance", "flow", "unit_variance")


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def sprites() -> Dataset:
    return load_dataset("sprites", seed=3, num_examples=200)


def exact(**changes: Any) -> VAE:
    """A model in float64 whose biases are not zero either."""
    config = ModelConfig(**{"data_dim": 64, "hidden_dims": (12,), "num_conditions": 1, **changes})
    model = VAE(config, generator=noise()).double()
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.1 * torch.randn(weight.shape, generator=noise(1), dtype=torch.float64)
    return model


def test_it_is_standardised_by_the_training_part_alone() -> None:
    data = load_dataset("sprites", seed=3, num_examples=200, validation=True)
    size = next(factor for factor in data.factors_train if factor.name == "size").values
    rows = with_conditions(data, "number", "size")
    assert rows.known == Number("size", "pixels", size.mean(), size.std(), np.sort(size)[len(size) // 2])
    y = rows.x_train[:][:, 1024]
    assert float(y.mean()) == pytest.approx(0, abs=1e-6)
    assert float(y.std(correction=0)) == pytest.approx(1, abs=1e-6)
    assert rows.x_train.shape == (140, 1025)
    for part, x, factors in (
        ("test", rows.x_test, data.factors_test),
        ("validation", rows.x_validation, data.factors_validation),
    ):
        assert x is not None, part
        values = next(factor for factor in factors if factor.name == "size").values
        np.testing.assert_allclose(x[:][:, 1024], (values - size.mean()) / size.std(), atol=1e-6)
    assert rows.image_shape == (32, 32)
    assert numbers_known("strokes") == {
        "width": "pixels",
        "bend": "",
        "angle": "rad",
        "x": "pixels",
        "y": "pixels",
    }


@pytest.mark.parametrize("networks", [{}, CONV, CONV | {"activation": "relu"}])
@pytest.mark.parametrize("head", HEADS)
def test_given_a_number_it_is_an_ordinary_model_of_the_same_values(
    head: Any, networks: dict[str, Any]
) -> None:
    model = exact(encoder_head=head, latent_dim=3, **networks)
    x = torch.rand(9, 64, generator=noise(2), dtype=torch.float64)
    y = torch.tensor([-1.7, 0.0, 0.4], dtype=torch.float64).repeat(3)[:, None]
    drawn, _ = model.of_rows(torch.cat((x, y), 1))
    q = drawn.posterior(x)
    draws = q.draw(q.draw_eps(3, generator=noise()))
    log_likelihood = drawn.likelihood(draws.z).log_prob(x)
    for value in (-1.7, 0.0, 0.4):
        places = y[:, 0] == value
        given = model.given(torch.tensor([value], dtype=torch.float64))
        assert given.config.num_conditions == 0
        found = given.posterior(x[places]).moments
        for own, expected in zip(found, q.moments, strict=True):
            torch.testing.assert_close(own, expected[places], rtol=0, atol=1e-12)
        at_z = given.likelihood(draws.z[:, places]).log_prob(x[places])
        torch.testing.assert_close(at_z, log_likelihood[:, places], rtol=0, atol=1e-12)
    assert (log_likelihood[:, 0] - log_likelihood[:, 1]).abs().min() > 1e-6, "y tells"


@pytest.mark.parametrize("latent_dim", [1, 2])
def test_evidence_of_linear_maps_is_the_gaussian_given_the_number(latent_dim: int) -> None:
    """x|y ~ N(w y + b, W W^T + s^2 I) with the standardised y."""
    config = ModelConfig(
        data_dim=4,
        latent_dim=latent_dim,
        hidden_dims=(),
        likelihood="gaussian",
        likelihood_scale=0.6,
        num_conditions=1,
    )
    model = VAE(config, generator=noise(2)).double()
    x = torch.randn(12, 4, generator=noise(3), dtype=torch.float64)
    y = 2 * torch.randn(12, 1, generator=noise(4), dtype=torch.float64)
    of_both, bias = model.decoder.weights[0].detach(), model.decoder.biases[0].detach()
    of_z, of_y = of_both[:, :latent_dim], of_both[:, latent_dim:]
    covariance = of_z @ of_z.T + 0.36 * torch.eye(4, dtype=torch.float64)
    expected = torch.distributions.MultivariateNormal(y @ of_y.T + bias, covariance).log_prob(x)
    one_by_one = torch.stack(
        [exact_evidence(model.given(y[k]), x[k : k + 1]).log_evidence[0] for k in range(12)]
    )
    torch.testing.assert_close(one_by_one, expected, rtol=0, atol=1e-9)
    found = evidence_and_bound(model, torch.cat((x, y), 1), generator=noise())
    torch.testing.assert_close(found.log_evidence, expected, rtol=0, atol=1e-9)
    elbo = elbo_terms(model, torch.cat((x, y), 1), num_samples=4000, generator=noise(4)).elbo
    assert (elbo < expected + 0.1).all(), "a bound of log p(x|y)"


@pytest.mark.parametrize("written_out", [True, False])
def test_a_run_given_its_number_has_the_numbers_of_its_rows(written_out: bool) -> None:
    data = with_conditions(sprites(), "number", "angle")
    model = VAE(SPRITES, generator=noise())
    training = Training(model, data, TrainConfig(), generator=noise(7), written_out=written_out)
    list(itertools.islice(training.steps(), 5))
    run = Run(
        config=RUN,
        weights=dict(model.state_dict()),
        state_scalars=training.state()[1],
        history=np.empty((0, len(HISTORY_COLUMNS))),
        status="paused",
    )
    angles = next(factor for factor in sprites().factors_test if factor.name == "angle").values
    for angle in np.unique(angles)[:3].tolist():
        places = torch.from_numpy(angles == angle)
        one = run.given(angle)
        assert (one.config.condition, one.config.condition_on) == ("none", "")
        alone = elbo_terms(one.model(), data.x_test[:][places, :1024], generator=noise(5)).elbo
        with_y = elbo_terms(model, data.x_test[:][places], generator=noise(5)).elbo
        torch.testing.assert_close(alone, with_y, rtol=0, atol=2e-3)  # float32, sums over 1024 pixels
    assert run.given(0.1).digest != run.given(0.2).digest


def test_written_out_gradient_of_a_number_is_that_of_automatic_differentiation() -> None:
    data = with_conditions(sprites(), "number", "x")
    data = replace(data, x_train=data.x_train[:].double(), x_test=data.x_test[:].double())
    found = []
    for written_out in (True, False):
        model = exact(data_dim=1024, latent_dim=3)
        training = Training(model, data, TrainConfig(), generator=noise(7), written_out=written_out)
        assert (training._by_hand is not None) == written_out
        list(itertools.islice(training.steps(), 3))
        found.append(training._gradient.clone())
    torch.testing.assert_close(*found, rtol=0, atol=1e-10)


def test_a_saved_run_goes_on_bit_for_bit_with_the_scale_of_its_beginning(tmp_path: Path) -> None:
    whole = open_training(RUN, None)
    list(whole.steps())
    first = open_training(RUN, None)
    steps = first.steps()
    for _ in range(3):
        next(steps)
    loaded = saved_run(first, RUN, tmp_path / "run.safetensors")
    assert isinstance(loaded.known, Number)
    assert loaded.known._replace(unit="rad") == whole.dataset.known
    again = open_training(RUN, loaded)
    list(again.steps())
    assert torch.equal(again._weights, whole._weights)
    moved = replace(
        loaded, state_scalars={**loaded.state_scalars, "y_scale": {"mean": 0.0, "std": 2.0, "median": 1.0}}
    )
    scale = open_training(RUN, moved).dataset.known
    assert scale == Number("angle", "rad", 0.0, 2.0, 1.0), "not measured anew"


@pytest.mark.parametrize(
    "scale", [None, {}, {"mean": 0.0, "std": 0.0, "median": 0.0}, {"mean": "x"}, [1, 2, 3]]
)
def test_a_file_that_does_not_say_how_y_was_standardised_is_refused(tmp_path: Path, scale: object) -> None:
    run = Run(
        config=RUN,
        weights=dict(VAE(SPRITES, generator=noise()).state_dict()),
        state_scalars={} if scale is None else {"y_scale": scale},
        history=np.empty((0, len(HISTORY_COLUMNS))),
        status="paused",
    )
    save_run(tmp_path / "run.safetensors", run)
    with pytest.raises(BadInput, match="does not say how y was standardised"):
        load_run(tmp_path / "run.safetensors")


def test_its_grid_is_that_of_the_median_and_of_any_other_number(tmp_path: Path) -> None:
    training = open_training(RUN, None)
    list(training.steps())
    snapshot = Observer(training, seed=3).look()
    known = training.dataset.known
    assert isinstance(known, Number)
    assert float(snapshot.grid_y.removesuffix(" rad")) == pytest.approx(known.median, abs=known.std / 100)
    assert snapshot.grid_y.endswith(" rad")
    write_snapshot(tmp_path / "snapshot.safetensors", snapshot)
    kept = read_snapshot(tmp_path / "snapshot.safetensors")
    assert kept.grid_y == snapshot.grid_y
    model = training.model
    for value in (known.median, 0.3):
        y = known.encode(torch.tensor([value]))[0]
        grid = grid_given(RUN.model, kept, y)
        for row, column in ((0, 0), (5, 3)):
            z = torch.tensor([[kept.grid_axis[column], kept.grid_axis[::-1][row]]])
            expected = model.given(y).likelihood(z).mean[0].detach()
            np.testing.assert_allclose(grid[row, column], expected, atol=1e-5)
        assert np.allclose(grid, snapshot.grid, atol=1e-6) == (value == known.median)
    with pytest.raises(BadInput, match="decoder of this step is not kept"):
        grid_given(RUN.model, replace(kept, decoder={}), y)


def test_a_number_given_raises_the_bound_of_the_sprites() -> None:
    """At equal settings: where a sprite stands need not be in z."""
    data, found = load_dataset("sprites", num_examples=1500), []
    for condition, on in (("none", ""), ("number", "x")):
        rows = with_conditions(data, condition, on)  # type: ignore[arg-type]
        config = replace(SPRITES, hidden_dims=(64,), num_conditions=int(condition == "number"))
        model = VAE(config, generator=noise())
        list(Training(model, rows, TrainConfig(num_epochs=12), generator=noise(1)).steps())
        found.append(evaluate(model, rows.x_test, num_samples=5, generator=noise(2)).elbo)
    assert found[1] > found[0] + 5


def test_what_cannot_be_conditional_on_a_number_says_so() -> None:
    constant = from_arrays(
        "own",
        np.random.default_rng(0).normal(size=(20, 3)),
        generator=noise(),
        factors=[Factor("age", np.ones(20))],
    )
    with pytest.raises(BadInput, match="'age' is the same for all training examples"):
        known_of(constant, "number", "age")
    with pytest.raises(BadInput, match="no number 'shape' is known"):
        known_of(sprites(), "number", "shape")  # it has names
    for changes, said in (
        ({"condition_on": ""}, "does not suit the name ''"),
        ({"condition": "class"}, "does not suit the name 'angle'"),
        ({"model": replace(SPRITES, num_conditions=2)}, "a number is one value of y"),
        ({"condition_on": "a" * 300}, "at most 200 letters"),
    ):
        with pytest.raises(BadInput, match=said):
            replace(RUN, **changes)
    assert RunConfig.from_json(RUN.to_json()) == RUN
    old = json.loads(
        replace(RUN, condition="none", condition_on="", model=replace(SPRITES, num_conditions=0)).to_json()
    )
    del old["condition_on"]
    assert RunConfig.from_json(json.dumps({**old, "format": 7})).condition_on == ""


@pytest.mark.parametrize(
    ("value", "std", "written"),
    [
        (0.71994, 0.45, "0.72"),
        (0.9, 0.45, "0.9"),
        (-1e-4, 0.45, "0"),
        (0.125, 0.18, "0.125"),
        (1987.0, 25.0, "1987"),
        (54_320.0, 20_000.0, "54320"),
        (5.00012, 1e-4, "5.00012"),
        (3.2e-12, 1e-12, "3.2e-12"),
        (2.5e12, 1e12, "2.5e+12"),
    ],
)
def test_a_number_is_written_to_about_a_hundredth_of_its_deviation(
    value: float, std: float, written: str
) -> None:
    assert Number(name="a", unit="", mean=0.0, std=std, median=0.0).written(value) == written
    assert Number(name="a", unit="rad", mean=0.0, std=std, median=0.0).written(value) == f"{written} rad"
