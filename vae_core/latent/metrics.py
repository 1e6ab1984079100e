"""Metrics of point sets: trustworthiness, nearest distances, ROC areas, Procrustes, principal angles.

scikit-learn and SciPy work on the CPU: the points must be there.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.errors import BadInput

NUM_NEIGHBOURS: Final = 10


def trustworthiness(x: Tensor, z: Tensor, *, num_neighbours: int = NUM_NEIGHBOURS) -> Tensor:
    """Of each example, whether its neighbours in z are its neighbours in x: shape (n,), 1 is best.

    t_i = 1 - 2 / (k (2n - 3k - 1)) sum_j max(0, r(i, j) - k) over the k nearest j in z, with r(i, j) the
    rank of j among the neighbours of i in x (Venna and Kaski 2001). Its mean over i is the trustworthiness,
    which scikit-learn gives; comparisons by pairs need the value of each example.

    Arguments:
        x: Shape (n, D).
        z: Shape (n, J).
        num_neighbours: k, below n / 2.

    Raises:
        BadInput: k is not below n / 2.

    Example:
        >>> line = torch.arange(6.0)[:, None]
        >>> float(trustworthiness(line, 3 * line, num_neighbours=2).mean())
        1.0
    """
    count = len(x)
    if not 0 < num_neighbours < count / 2:
        message = f"{num_neighbours} neighbours of {count} examples"
        raise BadInput("num_neighbours", message, "choose fewer neighbours than half of the examples")
    ranks = _order(x).argsort(1)
    near = _order(z)[:, :num_neighbours]
    beyond = (ranks.gather(1, near) + 1 - num_neighbours).clamp(min=0).double().sum(1)
    return 1 - beyond * 2 / (num_neighbours * (2 * count - 3 * num_neighbours - 1))


def _order(points: Tensor) -> Tensor:
    """Row i lists all points from the nearest to i; i itself comes last."""
    # Differences one by one: ||p||^2 + ||q||^2 - 2 p.q does not give 0 for equal points.
    distances = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")
    return distances.fill_diagonal_(math.inf).argsort(dim=1, stable=True)


def class_hits(
    codes: Tensor, labels: Tensor, train_codes: Tensor, train_labels: Tensor, *, num_neighbours: int = 5
) -> Tensor:
    """Whether the k-nearest-neighbour classifier on the training codes is right, shape (n,), 0 or 1.

    Fix and Hodges (1951); the mean is the accuracy. Of classes with equally many neighbours the smaller
    label wins.
    """
    from sklearn.neighbors import KNeighborsClassifier

    classifier = KNeighborsClassifier(min(num_neighbours, len(train_codes)))
    predicted = classifier.fit(train_codes.numpy(), train_labels.numpy()).predict(codes.numpy())
    return (torch.from_numpy(predicted) == labels).double()


def nearest_distance(points: Tensor, others: Tensor) -> Tensor:
    """Euclidean distance from each point to the nearest of the others, shape (n,)."""
    from sklearn.neighbors import NearestNeighbors

    neighbours = NearestNeighbors(n_neighbors=1).fit(others.double().numpy())
    return torch.from_numpy(neighbours.kneighbors(points.double().numpy())[0][:, 0])


class Area(NamedTuple):
    """Area under the ROC curve: P(score of an outlier > score of an inlier), and its standard error."""

    value: float
    standard_error: float


def roc_area(inliers: Tensor, outliers: Tensor) -> Area:
    """How well a score detects out-of-distribution examples: 1 always, 0.5 at chance level.

    The standard error is that of Hanley and McNeil (1982), from the area and both counts.

    Arguments:
        inliers: Scores of in-distribution examples, shape (n,).
        outliers: Scores of out-of-distribution examples, shape (m,); higher means less typical.
    """
    from sklearn.metrics import roc_auc_score

    truth = torch.cat([torch.zeros(len(inliers)), torch.ones(len(outliers))])
    area = float(roc_auc_score(truth.numpy(), torch.cat([inliers, outliers]).numpy()))
    two_outliers, two_inliers = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area)
    variance += (len(outliers) - 1) * (two_outliers - area**2) + (len(inliers) - 1) * (two_inliers - area**2)
    return Area(area, math.sqrt(max(0.0, variance) / (len(inliers) * len(outliers))))


def procrustes_aligned(points: Tensor, target: Tensor) -> Tensor:
    """The points translated, rotated, reflected and uniformly scaled to fit the target.

    Orthogonal Procrustes (Schoenemann 1966): with both centred, the orthogonal R of the smallest
    ||points R - target||; the result has the target's size.

    Arguments:
        points: Shape (n, J).
        target: Shape (n, J); point i corresponds to row i.

    Returns:
        Shape (n, J), centred.
    """
    from scipy.linalg import orthogonal_procrustes

    centred, wanted = points - points.mean(0), target - target.mean(0)
    size = float(centred.norm())
    rotation, _ = orthogonal_procrustes(centred.numpy(), wanted.numpy())
    return centred @ torch.from_numpy(rotation) * (float(wanted.norm()) / size if size else 1.0)


class Turned(NamedTuple):
    """Codes turned onto others.

    Arguments:
        points: points R, shape (n, J), J the larger of both numbers of dimensions.
        rotation: R, orthogonal, shape (J, J): a rotation or, where its determinant is -1, a reflection.
        residual: Root mean square over the examples of ||points R - target||, in units of z.
        share: sum ||points R - target||^2 / sum ||target||^2: 0 for the same codes but for a turn; 1 is what
            points in one place, at the origin, would leave.
    """

    points: Tensor
    rotation: Tensor
    residual: float
    share: float


def turned_onto(points: Tensor, target: Tensor) -> Turned:
    """The points turned about the origin onto the target, neither moved nor stretched.

    Orthogonal Procrustes (Schoenemann 1966): R = U V' with U S V' the singular value decomposition of
    points' target minimises ||points R - target|| over orthogonal R. The prior N(0, I) is the same in all
    such frames, and so is the bound: of two trainings, nothing else says how their planes lie to each other.
    Codes of fewer dimensions get zeros for those that they lack.

    Arguments:
        points: Shape (n, I).
        target: Shape (n, K); row i is of the same example.
    """
    from scipy.linalg import orthogonal_procrustes

    latent_dim = max(points.shape[1], target.shape[1])
    points, target = (_widened(codes.double(), latent_dim) for codes in (points, target))
    rotation = torch.from_numpy(orthogonal_procrustes(points.numpy(), target.numpy())[0])
    turned = points @ rotation
    left, all_of_it = float((turned - target).square().sum()), float(target.square().sum())
    residual = math.sqrt(left / len(points))
    return Turned(turned, rotation, residual, left / all_of_it if all_of_it else math.nan)


def _widened(codes: Tensor, latent_dim: int) -> Tensor:
    return torch.nn.functional.pad(codes, (0, latent_dim - codes.shape[1]))


def principal_angle(one: Tensor, other: Tensor) -> float:
    """Largest angle between two subspaces given by columns, shape (D, J), degrees (Bjoerck, Golub 1973)."""
    from scipy.linalg import subspace_angles

    return math.degrees(subspace_angles(one.double().numpy(), other.double().numpy()).max())


def rank_correlation(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Spearman's rank correlation; equal values share the mean of their ranks. NaN where all are equal."""
    from scipy.stats import rankdata

    ranks = rankdata(one), rankdata(other)
    if min(np.ptp(rank) for rank in ranks) == 0:
        return math.nan
    return float(np.corrcoef(*ranks)[0, 1])
