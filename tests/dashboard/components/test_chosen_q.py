"""The arithmetic of the q that is dragged: the core's numbers, and an ascent like torch's Adam."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import pytest
import torch
from torch import Tensor

from dashboard.components.chosen_q.element import components_payload, noisy_mixture_payload
from tests.js.node import call
from vae_core.labs.em.free_energy import (
    FreeEnergy,
    NoisyMixture,
    gaussian_free_energy,
    responsibilities_free_energy,
)
from vae_core.labs.em.mixture import Mixture

MODULE: Final = "chosen_q/free_energy.js"
MODEL: Final = "new (kind === 'components' ? m.Components : m.NoisyMixture)(message)"
TERMS: Final = f"(kind, message, q) => {MODEL}.terms(q)"
ASCENT: Final = f"(kind, message, q) => [...{MODEL}.ascent(q)]"
THREE: Final = Mixture([0.5, 0.3, 0.2], [[-1.5], [0.8], [2.2]], [[[0.6]], [[0.25]], [[1.0]]])
MODELS: Final = {
    "line": NoisyMixture(Mixture([0.55, 0.45], [[-1.4], [1.4]], [[[0.25]], [[0.36]]]), 1.2),
    "plane": NoisyMixture(
        Mixture(
            [0.5, 0.5],
            [[-1.2, -0.5], [1.2, 0.8]],
            [[[0.5, 0.25], [0.25, 0.4]], [[0.3, -0.15], [-0.15, 0.35]]],
        ),
        1.2,
    ),
}


def double(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def assert_equal(answer: dict[str, float], wanted: FreeEnergy, tolerance: float) -> None:
    found = [answer[name] for name in ("energy", "entropy", "reconstruction", "klToPrior", "klToPosterior")]
    assert found == pytest.approx(list(wanted)[:5], abs=tolerance)


@pytest.mark.parametrize("q", [[0.2, 0.5, 0.3], [0.0, 0.0, 1.0]])
def test_components_have_the_cores_numbers(q: list[float]) -> None:
    x = double(0.3)
    answer = call(MODULE, TERMS, "components", components_payload(THREE, x), q)
    assert_equal(answer, responsibilities_free_energy(THREE, x, double(*q)), 1e-12)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("shift", "width"), [(0.0, 1.0), (1.5, 0.05), (-2.0, 3.0)])
def test_a_gaussian_has_the_cores_numbers(name: str, shift: float, width: float) -> None:
    model, x = MODELS[name], double(0.4, 0.2)[: 1 if name == "line" else 2]
    mean, std = x + shift, torch.full_like(x, width)
    q = {"mean": mean.tolist(), "std": std.tolist()}
    answer = call(MODULE, TERMS, name, noisy_mixture_payload(model, x), q)
    # The lattices differ: for the widest q in the plane they agree to a tenth of what is shown.
    tolerance = 1e-4 if name == "plane" and width == 3.0 else 1e-6
    assert_equal(answer, gaussian_free_energy(model, x, mean, std), tolerance)


def adam_steps(model: NoisyMixture, x: Tensor, mean: Tensor, std: Tensor, steps: int) -> Iterator[Tensor]:
    """Adam of torch on F by automatic differentiation, on the lattice of the browser."""
    line = torch.linspace(-8, 8, {1: 1000, 2: 75}[len(x)], dtype=torch.float64)
    nodes = torch.cartesian_prod(*[line] * len(x)).reshape(-1, len(x))
    shares = (-0.5 * nodes.square().sum(1)).softmax(0)
    place, log_std = mean.clone().requires_grad_(), std.log().requires_grad_()
    optimizer = torch.optim.Adam([place, log_std], lr=0.08)
    for _ in range(steps):
        yield torch.cat([place, log_std.exp()]).detach().clone()
        z = place + log_std.exp() * nodes
        bound = shares @ (model.prior.log_prob(z) + model.log_likelihood(x, z)) + log_std.sum()
        optimizer.zero_grad()
        (-bound).backward()
        optimizer.step()


@pytest.mark.parametrize("name", MODELS)
def test_the_ascent_is_adams(name: str) -> None:
    model, x = MODELS[name], double(0.4, 0.2)[: 1 if name == "line" else 2]
    mean, std = x + 1, torch.full_like(x, 0.5)
    q = {"mean": mean.tolist(), "std": std.tolist()}
    steps = call(MODULE, ASCENT, name, noisy_mixture_payload(model, x), q)
    assert len(steps) == 121
    for step, wanted in zip(steps, adam_steps(model, x, mean, std, 121), strict=True):
        assert step["mean"] + step["std"] == pytest.approx(wanted.tolist(), abs=1e-6)
    first, last = (
        gaussian_free_energy(model, x, double(*step["mean"]), double(*step["std"])) for step in steps[::120]
    )
    assert first.bound + 0.1 < last.bound < last.log_evidence


def test_the_path_over_components_rises_to_the_posterior() -> None:
    x = double(0.3)
    steps = call(MODULE, ASCENT, "components", components_payload(THREE, x), [0.0, 0.01, 0.99])
    bounds = [responsibilities_free_energy(THREE, x, double(*q)).bound for q in steps]
    assert all(after >= before - 1e-12 for before, after in pairwise(bounds))
    assert bounds[-1] == pytest.approx(float(THREE.log_prob(x[None])), abs=1e-12)
