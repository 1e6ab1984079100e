"""Each update is that of torch.optim, and the ways over the surface climb the ELBO that they say."""

from functools import partial
from typing import Any, Final

import numpy as np
import pytest
import torch
from torch import Tensor

from dashboard.figures.optimisers import (
    Descent,
    RaceLine,
    descent_figure,
    race_figure,
    shown_range,
    surface_contours,
)
from dashboard.runs.pretrained import PRETRAINED_RUN
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.evidence.exact import exact_evidence
from vae_core.labs.optimisers.descent import MeanElbo, MeanPath, mean_elbo, mean_paths
from vae_core.model import VAE
from vae_core.runs.runfile import load_run
from vae_core.training.optimizer import descend, initial_moments

RUN: Final = load_run(PRETRAINED_RUN)
MODEL: Final = RUN.model()
X: Final = load_dataset("digits", seed=RUN.config.seed).x_test[0]
SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "plain": {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 0.01},
    "momentum": {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.005},
    "adam": {"optimizer": "adam", "learning_rate": 0.1},
}


def library(weights: Tensor, config: TrainConfig) -> torch.optim.Optimizer:
    if config.optimizer == "adam":
        return torch.optim.Adam([weights], lr=config.learning_rate, foreach=False)
    return torch.optim.SGD([weights], lr=config.learning_rate, momentum=config.momentum)


@pytest.mark.parametrize("name", SETTINGS)
def test_updates_on_a_quadratic_are_those_of_torch(name: str) -> None:
    """200 steps down 0.5 w' A w with eigenvalues 1 to 100, float64."""
    config = TrainConfig(**SETTINGS[name])
    curvature = torch.logspace(0, 2, 7, dtype=torch.float64)
    ours, theirs = (torch.linspace(-1, 2, 7, dtype=torch.float64) for _ in range(2))
    moments, optimizer = initial_moments(ours, config), library(theirs, config)
    for _ in range(200):
        descend(ours, curvature * ours, moments, config, learning_rate=config.learning_rate)
        theirs.grad = curvature * theirs
        optimizer.step()
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-12), (ours - theirs).abs().max()
    assert float((0.5 * curvature * ours.square()).sum()) < 0.5, "and it is a descent"


@pytest.fixture(scope="module")
def encoded() -> tuple[Tensor, Tensor]:
    """Mean and width of the encoder's q of one digit, shape (2,)."""
    with torch.no_grad():
        q = MODEL.posterior(X[None])
    return q.mean[0], q.std[0]


def climb(start: Tensor, std: Tensor, **settings: Any) -> MeanPath:
    noise = torch.Generator().manual_seed(0)
    elbo = MeanElbo(MODEL, X, std, reach=4.0)
    (path,) = mean_paths(elbo, start, [TrainConfig(**settings)], num_steps=60, generator=noise)
    return path


def test_surface_at_the_encoders_mean_is_the_exact_elbo(encoded: tuple[Tensor, Tensor]) -> None:
    """7 x 7 Gauss-Hermite nodes in float32 against the adaptive quadrature of the evidence."""
    mean, std = encoded
    with torch.no_grad():
        found = mean_elbo(MODEL, X, mean[None], std)
    assert float(found) == pytest.approx(float(exact_evidence(MODEL, X[None]).elbo), abs=2e-3)


def test_surface_is_the_mean_over_samples(encoded: tuple[Tensor, Tensor], generator: torch.Generator) -> None:
    """Far from the encoder's answer; 40,000 samples, five standard errors: fails falsely once in 10^6."""
    place, std = torch.tensor([1.5, -1.0]), encoded[1]
    with torch.no_grad():
        z = place + std * torch.randn(40_000, 2, generator=generator)
        values = MODEL.likelihood(z).log_prob(X).double()
        kl = 0.5 * (place.square() + std.square() - 1 - 2 * std.log()).sum()
        found = float(mean_elbo(MODEL, X, place[None], std)) + float(kl)
    assert abs(found - float(values.mean())) < 5 * float(values.std()) / 200 + 1e-3


def test_one_lattice_is_as_exact_as_points_around_each_mean(encoded: tuple[Tensor, Tensor]) -> None:
    """Inside, at its edge, and beyond, where each mean has points of its own; nats."""
    means = torch.tensor([[0.0, 0.0], [2.5, -2.0], [-1.23, 0.77], [4.0, -4.0], [4.5, 1.0], [0.0, -9.0]])
    elbo = MeanElbo(MODEL, X, encoded[1], reach=4.0)
    with torch.no_grad():
        found, expected = elbo(means), mean_elbo(MODEL, X, means, encoded[1])
    assert torch.allclose(found, expected, rtol=0, atol=1e-6), found - expected


def test_one_lattice_on_the_line(generator: torch.Generator) -> None:
    model = VAE(
        ModelConfig(data_dim=5, latent_dim=1, hidden_dims=(6,), activation="tanh"), generator=generator
    )
    x, std, means = torch.rand(5, generator=generator), torch.tensor([0.3]), torch.linspace(-2, 2, 7)[:, None]
    with torch.no_grad():
        found = MeanElbo(model, x, std, reach=2.0)(means)
        expected = mean_elbo(model, x, means, std)
    assert torch.allclose(found, expected, rtol=0, atol=1e-6), found - expected


def test_optimisers_together_take_the_paths_that_each_takes_alone(encoded: tuple[Tensor, Tensor]) -> None:
    """One of them leaves the numbers; the others go on."""
    start, std = torch.tensor([2.5, -2.0]), encoded[1]
    leaves = {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 1000.0}
    settings = [SETTINGS["plain"], leaves, SETTINGS["momentum"], SETTINGS["adam"]]
    together = mean_paths(
        MeanElbo(MODEL, X, std, reach=4.0),
        start,
        [TrainConfig(**one) for one in settings],
        num_steps=60,
        generator=torch.Generator().manual_seed(0),
    )
    for one, path in zip(settings, together, strict=True):
        alone = climb(start, std, **one)
        assert len(path.means) == len(alone.means), one
        if one is not leaves:
            assert torch.allclose(path.means, alone.means, rtol=0, atol=1e-4), one
            assert torch.allclose(path.elbo, alone.elbo, rtol=0, atol=1e-3), one


@pytest.mark.parametrize("name", SETTINGS)
def test_ways_are_those_of_torch_with_the_same_noise(encoded: tuple[Tensor, Tensor], name: str) -> None:
    start, std = torch.tensor([2.5, -2.0]), encoded[1]
    way = climb(start, std, **SETTINGS[name], num_samples=3)
    place = start.clone().requires_grad_()
    optimizer, noise = library(place, TrainConfig(**SETTINGS[name])), torch.Generator().manual_seed(0)
    for number in range(15):
        assert torch.allclose(way.means[number], place.detach(), atol=2e-4), number
        z = place + std * torch.randn(3, 1, 2, generator=noise)[:, 0]
        kl = 0.5 * (place.square() + std.square() - 1 - 2 * std.log()).sum()
        optimizer.zero_grad()
        (kl - MODEL.likelihood(z).log_prob(X).mean()).backward()
        optimizer.step()


def test_default_start_parts_them(encoded: tuple[Tensor, Tensor]) -> None:
    """What the page opens with: plain SGD and Adam rest on the side hill, momentum crosses over."""
    ways = {
        name: climb(torch.tensor([2.5, -2.0]), encoded[1], **settings) for name, settings in SETTINGS.items()
    }
    ends = {name: float(way.elbo[-1]) for name, way in ways.items()}
    assert ends["momentum"] > max(ends["plain"], ends["adam"]) + 5
    assert len({float(way.elbo[0]) for way in ways.values()}) == 1


def test_way_that_leaves_the_numbers_ends(encoded: tuple[Tensor, Tensor]) -> None:
    way = climb(torch.tensor([3.0, 3.0]), encoded[1], optimizer="sgd", momentum=0.0, learning_rate=1000.0)
    assert 2 < len(way.means) < 61
    assert bool(way.means.isfinite().all())
    assert len(way.elbo) == len(way.means)


def test_descent_plays_all_ways_to_the_last_step() -> None:
    axis = np.linspace(-3, 3, 5)
    long, short = (Descent(np.linspace((2, 2), (0, 0), n), np.linspace(-9, -1, n)) for n in (5, 3))
    surface = -np.add.outer(axis**2, axis**2)
    contours = surface_contours(axis, surface, theme="dark")
    figure: Any = descent_figure(axis, surface, contours, [long, short], ["a", "b"], theme="dark")
    assert len(figure.frames) == 5
    first, last = figure.frames[0].data, figure.frames[4].data
    assert [list(dots.x) for dots in first] == [[2, 2], [0, 0]]
    assert [list(dots.x) for dots in last] == [[0, 0], [4, 2]], "the short one rests at its end"
    assert [list(dots.y) for dots in last] == [[0, 0], [-1, -1]]
    moved = [figure.data[number] for number in figure.frames[0].traces]
    assert [(trace.mode, trace.xaxis) for trace in moved] == [("markers", "x"), ("markers", "x2")]
    assert len(set(moved[0].marker.color)) == len(set(moved[0].marker.symbol)) == 2


def line(validation: list[float], **settings: Any) -> RaceLine:
    values = np.array(validation)
    about = {"name": "SGD", "stop": None, "kept": 0, "diverged": 0} | settings
    return RaceLine(validation=values, train=values[1:] - 0.1, seconds=np.arange(len(values)) * 0.5, **about)


@pytest.mark.parametrize("against", ["updates", "seconds"])
def test_stop_is_marked_at_its_epoch(against: Any) -> None:
    steps = np.arange(5) * 10.0
    lines = [line([-9, -5, -4, -4.5, -4.2], stop=3, kept=2), line([-9, -6, -5, -4.8, -4.7], name="Adam")]
    figure: Any = race_figure(lines, steps, against=against, theme="light")
    (mark,) = (trace for trace in figure.data if trace.mode == "markers")
    assert (mark.x[0], mark.y[0]) == (30 if against == "updates" else 1.5, -4.5)
    names = [trace.name for trace in figure.data if trace.showlegend is not False and trace.mode == "lines"]
    assert names == [f"{lines[0].name}<br>stops at epoch 3, keeps epoch 2", "Adam"]


def test_divergence_is_marked_inside_the_picture() -> None:
    nan = float("nan")
    lines = [line([-9, -5, -4, -3.5, -3.2]), line([-9, -1e18, nan, nan, nan], name="Adam", diverged=17)]
    low, high = shown_range(lines)
    assert -9 < low < -5.0 < high < 0
    figure: Any = race_figure(lines, np.arange(5.0), against="updates", theme="light")
    (mark,) = (trace for trace in figure.data if trace.mode == "markers")
    assert (mark.x[0], mark.y[0], mark.marker.symbol) == (1, low, "x")
    assert "Adam<br>diverged at step 17" in [trace.name for trace in figure.data]
    all_gone = partial(line, [-9, -1e18, nan], diverged=2)
    assert all(np.isfinite(shown_range([all_gone(), all_gone()])))
