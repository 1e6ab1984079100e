"""Walks in the latent space: grids of equal probability, planes that stay, single dimensions that move."""

import pytest
import torch

from vae_core.config import ModelConfig
from vae_core.errors import BadInput
from vae_core.latent.decode import choose_plane, decoded_grid, plane_points, quantile_axis, traversal
from vae_core.model import VAE


@pytest.mark.parametrize("num_points", [1, 2, 12, 25])
def test_axis_steps_by_equal_probability(num_points: int) -> None:
    axis = quantile_axis(num_points)
    expected = (torch.arange(num_points) + 0.5) / num_points
    assert torch.allclose(torch.special.ndtr(axis), expected, atol=1e-6)
    assert torch.allclose(axis, -axis.flip(0), atol=1e-6)


def test_an_axis_needs_a_point() -> None:
    with pytest.raises(BadInput, match="at least 1 point, got 0"):
        quantile_axis(0)


def test_the_plane_has_the_two_largest_kl() -> None:
    assert choose_plane(torch.tensor([0.1, 3.0, 0.2, 2.0])) == (1, 3)
    assert choose_plane(torch.tensor([5.0, 3.0, 0.2, 2.0])) == (0, 1)
    assert choose_plane(torch.tensor([0.0, 3.0])) == (0, 1)
    assert choose_plane(torch.tensor([3.0])) == (0, 0)


def test_the_plane_turns_only_to_a_clearly_better_one() -> None:
    kl = torch.tensor([1.0, 1.0, 1.4, 0.0])
    assert choose_plane(kl, (0, 1)) == (0, 1)
    assert choose_plane(torch.tensor([1.0, 1.0, 3.0, 0.0]), (0, 1)) in ((0, 2), (1, 2))
    assert choose_plane(torch.zeros(4), (1, 2)) == (1, 2)


def test_plane_points_lie_like_the_plane() -> None:
    axis = torch.tensor([-1.0, 0.0, 2.0])
    z = plane_points(axis, (1, 3), 4, base=torch.tensor([5.0, 6.0, 7.0, 8.0]))
    assert z.shape == (3, 3, 4)
    assert torch.equal(z[0, :, 1], axis)
    assert torch.equal(z[:, 0, 3], axis.flip(0))
    assert z[..., 0].eq(5).all()
    assert z[..., 2].eq(7).all()
    single = plane_points(axis, (0, 0), 1)
    assert single.shape == (1, 3, 1)
    assert torch.equal(single[0, :, 0], axis)


def test_grid_and_traversal_decode_means(generator: torch.Generator) -> None:
    model = VAE(ModelConfig(data_dim=5, latent_dim=3, hidden_dims=(4,)), generator=generator)
    axis = quantile_axis(4)
    grid = decoded_grid(model, axis, (0, 2))
    assert grid.shape == (4, 4, 5)
    z = torch.tensor([float(axis[1]), 0.0, float(axis[-1])])
    assert torch.allclose(grid[0, 1], model.likelihood(z).mean)
    assert not grid.requires_grad
    base = torch.tensor([0.1, 0.2, 0.3])
    walk = traversal(model, base, 1, axis)
    assert walk.shape == (4, 5)
    for row, value in zip(walk, axis, strict=True):
        assert torch.allclose(row, model.likelihood(torch.tensor([0.1, float(value), 0.3])).mean), value
    assert base.tolist() == pytest.approx([0.1, 0.2, 0.3])


@pytest.mark.parametrize("dim", [-1, 3])
def test_a_dimension_that_is_not_there_is_refused(dim: int, generator: torch.Generator) -> None:
    model = VAE(ModelConfig(data_dim=5, latent_dim=3), generator=generator)
    with pytest.raises(BadInput, match=f"latent dimension {dim + 1} does not exist") as caught:
        traversal(model, torch.zeros(3), dim, torch.zeros(2))
    assert caught.value.code == "dim"
