"""Neighbours, ways, class means and the aggregate posterior: each against its formula."""

import math
from typing import Literal

import pytest
import torch

from vae_core.errors import BadInput
from vae_core.latent.decode import (
    class_means,
    interpolate,
    nearest_neighbours,
)


def _normal(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    return torch.randn(shape, generator=generator)


def test_nearest_by_length_and_by_angle_differ() -> None:
    points = torch.tensor([[10.0, 0.0], [0.5, 0.5], [-1.0, 0.0]])
    query = torch.tensor([1.0, 0.0])
    by_length = nearest_neighbours(points, query, num_neighbours=3)
    assert by_length.indices.tolist() == [1, 2, 0]
    assert by_length.distances.tolist() == pytest.approx([math.sqrt(0.5), 2, 9])
    by_angle = nearest_neighbours(points, query, num_neighbours=3, metric="cosine")
    assert by_angle.indices.tolist() == [0, 1, 2]
    assert by_angle.distances.tolist() == pytest.approx([0, 1 - math.sqrt(0.5), 2], abs=1e-6)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_neighbours_are_those_of_a_full_sort(
    metric: Literal["euclidean", "cosine"], generator: torch.Generator
) -> None:
    points, query = _normal((500, 7), generator), _normal((7,), generator)
    found = nearest_neighbours(points, query, metric=metric)
    lengths = (
        (points - query).square().sum(1).sqrt()
        if metric == "euclidean"
        else 1 - (points @ query) / (points.square().sum(1) * query.square().sum()).sqrt()
    )
    assert torch.allclose(found.distances, lengths.sort().values[:10], atol=1e-5), metric
    assert torch.allclose(lengths[found.indices], found.distances, atol=1e-5), metric


def test_of_equally_near_points_the_first_comes_first() -> None:
    found = nearest_neighbours(torch.ones(5, 2), torch.zeros(2), num_neighbours=9)
    assert found.indices.tolist() == [0, 1, 2, 3, 4]
    zeros = nearest_neighbours(torch.zeros(2, 2), torch.ones(2), metric="cosine")
    assert zeros.distances.tolist() == [1, 1]


def test_unusable_queries_are_refused() -> None:
    with pytest.raises(BadInput, match="at least 1 neighbour is needed, got 0"):
        nearest_neighbours(torch.ones(5, 2), torch.zeros(2), num_neighbours=0)
    with pytest.raises(BadInput, match="the query has 3 values, the points have 2") as caught:
        nearest_neighbours(torch.ones(5, 2), torch.zeros(3))
    assert caught.value.code == "query"


@pytest.mark.parametrize("kind", ["linear", "spherical"])
def test_a_way_begins_and_ends_where_it_should(
    kind: Literal["linear", "spherical"], generator: torch.Generator
) -> None:
    start, end = _normal((6,), generator), _normal((6,), generator)
    way = interpolate(start, end, 11, kind=kind)
    assert way.shape == (11, 6)
    assert torch.allclose(way[0], start, atol=1e-6), kind
    assert torch.allclose(way[-1], end, atol=1e-6), kind


def test_linear_way_has_equal_steps() -> None:
    steps = interpolate(torch.tensor([1.0, 0.0]), torch.tensor([3.0, -4.0]), 5).diff(dim=0)
    assert torch.allclose(steps, torch.tensor([0.5, -1.0]).expand(4, 2))


def test_spherical_way_between_equally_long_points_turns_evenly_and_keeps_the_length(
    generator: torch.Generator,
) -> None:
    start, end = (3 * point / point.norm() for point in (_normal((9,), generator), _normal((9,), generator)))
    way = interpolate(start, end, 7, kind="spherical")
    assert torch.allclose(way.norm(dim=1), torch.full((7,), 3.0), atol=1e-5)
    cosines = (way[1:] * way[:-1]).sum(1) / 9
    assert torch.allclose(cosines, cosines[0].expand(6), atol=1e-5)


@pytest.mark.parametrize("end", [[0.0, 0.0], [4.0, 2.0], [-2.0, -1.0], [2.0, 1.0]])
def test_spherical_way_without_an_arc_is_linear(end: list[float]) -> None:
    start = torch.tensor([2.0, 1.0])
    way = interpolate(start, torch.tensor(end), 4, kind="spherical")
    assert torch.allclose(way, interpolate(start, torch.tensor(end), 4)), end
    back = interpolate(torch.tensor(end), start, 4, kind="spherical")
    assert torch.allclose(back, way.flip(0), atol=1e-6), end


def test_a_way_needs_two_points() -> None:
    with pytest.raises(BadInput, match="at least 2 points, got 1"):
        interpolate(torch.zeros(2), torch.ones(2), 1)


def test_class_means_leave_out_what_has_no_class(generator: torch.Generator) -> None:
    means = _normal((60, 3), generator)
    labels = torch.arange(60) % 4 - 1
    found = class_means(means, labels)
    assert found.labels.tolist() == [0, 1, 2]
    for label, mean in zip(found.labels, found.means, strict=True):
        assert torch.allclose(mean, means[labels == label].mean(0), atol=1e-6), label
    nothing = class_means(means, torch.full((60,), -1))
    assert (nothing.labels.shape, nothing.means.shape) == ((0,), (0, 3))
