"""What compares point sets: neighbours kept, nearest distances, planes turned onto each other, ranks."""

import math
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.errors import BadInput
from vae_core.memory import chunk_rows

NUM_NEIGHBOURS: Final = 10


def trustworthiness(x: Tensor, z: Tensor, *, num_neighbours: int = NUM_NEIGHBOURS) -> Tensor:
    """Of each datum, whether its neighbours in z are its neighbours in x: shape (n,), 1 is best.

    t_i = 1 - 2 / (k (2n - 3k - 1)) sum_j max(0, r(i, j) - k) over the k nearest j in z, with r(i, j) the
    rank of j among the neighbours of i in x (Venna and Kaski 2001); its mean over i is the trustworthiness.

    Arguments:
        x: Data, shape (n, D).
        z: Codes, shape (n, J).
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
        message = f"{num_neighbours} neighbours of {count} data"
        raise BadInput("num_neighbours", message, "choose fewer neighbours than half of the data")
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
    """Whether most of the k nearest training codes have the class of the datum, shape (n,), 0 or 1.

    The k-nearest-neighbour classifier (Fix and Hodges 1951): its mean is the accuracy. Of classes with
    equally many neighbours the smaller number wins.
    """
    num_classes = int(max(labels.max(), train_labels.max())) + 1
    count = min(num_neighbours, len(train_codes))
    near = torch.cat(
        [part.topk(count, largest=False).indices for part in _distances_in_pieces(codes, train_codes)]
    )
    votes = torch.zeros(len(codes), num_classes, dtype=torch.int64)
    votes.scatter_add_(1, train_labels[near], torch.ones_like(near))
    return (votes.argmax(1) == labels).double()


def nearest_distance(points: Tensor, others: Tensor) -> Tensor:
    """Euclidean distance from each point to the nearest of the others, shape (n,)."""
    return torch.cat([part.amin(1) for part in _distances_in_pieces(points, others)])


def _distances_in_pieces(points: Tensor, others: Tensor) -> list[Tensor]:
    rows = chunk_rows(len(others))
    return [torch.cdist(piece.double(), others.double()) for piece in points.split(rows)]


class Area(NamedTuple):
    """Area under the ROC curve: P(score of a foreign datum > score of an own one), and its standard error."""

    value: float
    standard_error: float


def roc_area(own: Tensor, foreign: Tensor) -> Area:
    """How well a score tells foreign data from own: 1 always, 0.5 like a coin.

    The standard error is that of Hanley and McNeil (1982), with the area and both counts.

    Arguments:
        own: Scores of the data that belong, shape (n,).
        foreign: Scores of the data that do not, shape (m,); higher is stranger.
    """
    from sklearn.metrics import roc_auc_score

    truth = torch.cat([torch.zeros(len(own)), torch.ones(len(foreign))])
    area = float(roc_auc_score(truth.numpy(), torch.cat([own, foreign]).numpy()))
    pairs_foreign, pairs_own = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area)
    variance += (len(foreign) - 1) * (pairs_foreign - area**2) + (len(own) - 1) * (pairs_own - area**2)
    return Area(area, math.sqrt(max(0.0, variance) / (len(own) * len(foreign))))


def turned_onto(points: Tensor, target: Tensor) -> Tensor:
    """The points moved, turned, mirrored and scaled as one onto the target: nothing is stretched.

    Orthogonal Procrustes (Schoenemann 1966): with both centred and of size 1, R = U V' of the singular value
    decomposition of points' target is the orthogonal matrix of the smallest ||points R - target||.

    Arguments:
        points: Shape (n, J).
        target: Shape (n, J); point i belongs to row i.

    Returns:
        Shape (n, J), centred, with the target's size.
    """
    centred, wanted = points - points.mean(0), target - target.mean(0)
    size = float(centred.norm())
    left, _, right = torch.linalg.svd(centred.T @ wanted)
    return centred @ (left @ right) * (float(wanted.norm()) / size if size else 1.0)


def principal_angle(one: Tensor, other: Tensor) -> float:
    """Largest angle between two subspaces given by columns, shape (D, J), degrees (Bjoerck, Golub 1973)."""
    bases = [torch.linalg.qr(columns.double()).Q for columns in (one, other)]
    # The sine of what of one basis sticks out of the other: the cosine cannot tell small angles from 0.
    outside = bases[0] - bases[1] @ (bases[1].T @ bases[0])
    return math.degrees(math.asin(min(1.0, float(torch.linalg.matrix_norm(outside, ord=2)))))
