"""Neighbours, distances, ROC areas, ranks, Procrustes and angles against definitions and known answers."""

import math

import numpy as np
import pytest
import torch
from sklearn.manifold import trustworthiness as library_trustworthiness
from torch import Tensor

from vae_core.errors import BadInput
from vae_core.latent.metrics import (
    class_hits,
    nearest_distance,
    principal_angle,
    procrustes_aligned,
    rank_correlation,
    roc_area,
    trustworthiness,
    turned_onto,
)


def points(count: int, dims: int, seed: int = 0) -> Tensor:
    return torch.randn(count, dims, generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize(("count", "neighbours"), [(60, 5), (101, 10), (31, 15)])
def test_trustworthiness_is_scikit_learn_s(count: int, neighbours: int) -> None:
    x, z = points(count, 6), points(count, 2, seed=1)
    expected = library_trustworthiness(x.numpy(), z.numpy(), n_neighbors=neighbours)
    assert float(trustworthiness(x, z, num_neighbours=neighbours).mean()) == pytest.approx(
        expected, abs=1e-12
    )


def test_the_same_space_is_wholly_trustworthy_also_turned() -> None:
    x = points(80, 3)
    rotation = torch.linalg.qr(points(3, 3, seed=2)).Q
    assert torch.equal(trustworthiness(x, 5 * x + 1), torch.ones(80).double())
    assert float(trustworthiness(x, x @ rotation).min()) == 1


def test_random_codes_are_as_trustworthy_as_chance() -> None:
    """Independent z: the k neighbours are a random draw, so r is even on 1..n-1 and E t has a closed form.

    E t = 1 - 2/(2n-3k-1) E max(0, r - k). 10 spaces of 200 data: their mean has a standard error below 0.004
    (measured), the bound is five of them.
    """
    count, k = 200, 10
    beyond = sum(max(0, rank - k) for rank in range(1, count)) / (count - 1)
    expected = 1 - 2 * beyond / (2 * count - 3 * k - 1)
    found = torch.stack(
        [trustworthiness(points(count, 4, seed), points(count, 2, seed + 50)).mean() for seed in range(10)]
    )
    error = float(found.std()) / math.sqrt(len(found))
    assert error < 0.004
    assert abs(float(found.mean()) - expected) < 0.02
    assert 0.45 < expected < 0.55


def test_too_many_neighbours_are_refused() -> None:
    with pytest.raises(BadInput, match="neighbours"):
        trustworthiness(points(20, 2), points(20, 2), num_neighbours=10)


def test_class_hits_count_the_votes_of_the_nearest() -> None:
    """Votes counted point by point; of classes with equally many the smaller label wins."""
    train, codes = points(300, 2), points(100, 2, seed=1)
    train_labels, labels = (train[:, 0] > 0).long() + (train[:, 1] > 0).long(), (codes[:, 0] > 0).long()
    for k in (1, 2, 5):
        near = torch.stack([(train - code).norm(dim=1).argsort()[:k] for code in codes])
        votes = torch.stack([train_labels[row].bincount(minlength=3) for row in near])
        expected = (votes.argmax(1) == labels).double()
        found = class_hits(codes, labels, train, train_labels, num_neighbours=k)
        assert torch.equal(found, expected), k
        assert 0 < float(expected.mean()) < 1


def test_nearest_distance_is_the_least_of_all() -> None:
    some, others = points(7, 3), points(9, 3, seed=1)
    expected = torch.stack([(others - point).norm(dim=1).min() for point in some])
    assert torch.allclose(nearest_distance(some, others), expected, atol=1e-12)
    assert float(nearest_distance(some, some).max()) < 1e-6


def test_roc_area_is_the_share_of_ordered_pairs_and_separation_is_one() -> None:
    """P(outlier > inlier) + P(equal) / 2, over all pairs (Mann and Whitney 1947)."""
    inliers, outliers = (points(50, 1)[:, 0] * 3).round(), (points(70, 1, seed=1)[:, 0] * 3 + 2).round()
    pairs = outliers[:, None] - inliers
    assert (pairs == 0).any()
    expected = float((pairs > 0).double().mean() + 0.5 * (pairs == 0).double().mean())
    assert roc_area(inliers, outliers).value == pytest.approx(expected, abs=1e-12)
    assert roc_area(inliers, inliers + 100) == (1.0, 0.0)
    assert roc_area(inliers, inliers).value == 0.5


def test_ranks_of_equal_values_are_their_mean() -> None:
    """Spearman's: the correlation of the ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4."""
    expected = float(np.corrcoef([1, 2.5, 2.5, 4], [1, 2, 3, 4])[0, 1])
    assert rank_correlation(np.array([0, 7, 7, 9]), np.array([-5, 0, 1, 100])) == pytest.approx(expected)
    assert rank_correlation(np.arange(5), np.arange(5) ** 3) == pytest.approx(1)
    assert math.isnan(rank_correlation(np.ones(4), np.arange(4)))


def test_alike_sets_have_area_a_half_within_the_stated_error() -> None:
    """200 pairs of sets of 100 from one Gaussian: (area - 1/2) / error has mean 0 and variance about 1.

    Bounds of 5 standard errors: false failure below 10^-6 for the mean; the variance's is 0.1 * 5.
    """
    scaled = []
    for seed in range(200):
        area = roc_area(points(100, 1, seed)[:, 0], points(100, 1, seed + 1000)[:, 0])
        scaled.append((area.value - 0.5) / area.standard_error)
    values = torch.tensor(scaled)
    assert abs(float(values.mean())) < 5 / math.sqrt(200)
    assert abs(float(values.var()) - 1) < 0.5


@pytest.mark.parametrize("mirrored", [False, True])
def test_procrustes_recovers_a_known_rotation(mirrored: bool) -> None:
    target = points(40, 2)
    target = target - target.mean(0)
    angle = 1.1
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]).double()
    if mirrored:
        turn = turn @ torch.tensor([[1.0, 0.0], [0.0, -1.0]]).double()
    moved = 3.7 * target @ turn + torch.tensor([5.0, -2.0])
    assert float((procrustes_aligned(moved, target) - target).abs().max()) < 1e-12


def test_procrustes_stretches_nothing() -> None:
    """Distances of what was turned are those before, times one number."""
    moved, target = points(30, 2), points(30, 2, seed=1) * torch.tensor([5.0, 0.2])
    found = procrustes_aligned(moved, target)
    ratio = torch.pdist(found) / torch.pdist(moved)
    assert float(ratio.std()) < 1e-12
    size = (target - target.mean(0)).norm()
    assert float(found.norm()) == pytest.approx(float(size), rel=1e-12)


def test_codes_in_one_place_do_not_divide_by_zero() -> None:
    assert torch.equal(
        procrustes_aligned(torch.ones(5, 2).double(), points(5, 2)), torch.zeros(5, 2).double()
    )


@pytest.mark.parametrize("latent_dim", [1, 2, 5])
def test_codes_of_another_frame_are_turned_back(latent_dim: int) -> None:
    """R is found whether it rotates or reflects; nothing is left over."""
    target = points(40, latent_dim) + 0.7
    for sign in (1.0, -1.0):
        rotation = torch.linalg.qr(points(latent_dim, latent_dim, seed=2)).Q.clone()
        rotation[:, 0] *= sign
        found = turned_onto(target @ rotation.T, target)
        assert float((found.rotation - rotation).abs().max()) < 1e-12, (latent_dim, sign)
        assert float((found.points - target).abs().max()) < 1e-12, (latent_dim, sign)
        assert found.residual < 1e-12
        assert found.share < 1e-24


def test_what_a_turn_leaves_is_the_least_there_is() -> None:
    """Closed form: |A|^2 + |B|^2 - 2 (sum of the singular values of A'B); no angle of 3600 leaves less."""
    one, other = points(30, 2) + 1, points(30, 2, seed=1) * torch.tensor([2.0, 0.3])
    found = turned_onto(one, other)
    singular = torch.linalg.svdvals(one.T @ other).sum()
    left = float(one.square().sum() + other.square().sum() - 2 * singular)
    assert found.residual == pytest.approx(math.sqrt(left / 30), rel=1e-12)
    assert found.share == pytest.approx(left / float(other.square().sum()), rel=1e-12)
    angles = torch.linspace(0, 2 * math.pi, 3600).double()
    cos, sin = angles.cos(), angles.sin()
    for mirror in (1, -1):
        turns = torch.stack([torch.stack([cos, -sin * mirror], -1), torch.stack([sin, cos * mirror], -1)], 1)
        assert float((one @ turns - other).square().sum((1, 2)).min()) > left - 1e-9
    assert torch.allclose(torch.pdist(found.points), torch.pdist(one), atol=1e-12)
    assert torch.allclose(found.points.norm(dim=1), one.norm(dim=1), atol=1e-12)


def test_codes_of_fewer_dimensions_are_turned_into_more() -> None:
    target = torch.cat([points(50, 2), torch.zeros(50, 1).double()], 1)
    rotation = torch.linalg.qr(points(3, 3, seed=3)).Q
    assert turned_onto(target[:, :2], target @ rotation).residual < 1e-12
    assert turned_onto(target @ rotation, target[:, :2]).points.shape == (50, 3)
    assert math.isnan(turned_onto(target, torch.zeros(50, 2)).share)


def test_angle_between_planes() -> None:
    plane = torch.eye(4)[:, :2]
    tilted = plane.clone()
    tilted[2, 1] = math.tan(math.radians(0.3))
    assert principal_angle(plane, tilted) == pytest.approx(0.3, abs=1e-6)
    assert principal_angle(plane, plane @ points(2, 2).float()) < 1e-4
    assert principal_angle(plane, torch.eye(4)[:, 2:]) == pytest.approx(90)
