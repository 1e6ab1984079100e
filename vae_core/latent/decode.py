"""Points of the latent space and their decodings: grids, traversals, interpolations, neighbours."""

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from vae_core.data.byte_images import Examples, pieces_of
from vae_core.errors import BadInput
from vae_core.model import VAE

PLANE_SWITCH_RATIO = 1.5
"""By how much the KL of another pair of dimensions must be larger before the plane changes to it."""


def quantile_axis(num_points: int) -> Tensor:
    """z at the Gaussian quantiles (i + 1/2) / n, ascending, shape (n,).

    Equal steps in prior probability (Kingma and Welling 2014, figure 4), so that a grid of them shows
    what samples from the prior look like.

    Raises:
        BadInput: ``num_points`` below 1.
    """
    if num_points < 1:
        raise BadInput("num_points", f"a grid needs at least 1 point, got {num_points}", "12 is usual")
    probabilities = (torch.arange(num_points, dtype=torch.float64) + 0.5) / num_points
    return torch.special.ndtri(probabilities).float()


def choose_plane(kl_per_dim: Tensor, current: tuple[int, int] | None = None) -> tuple[int, int]:
    """The two latent dimensions of the largest KL, ascending; the same one twice when J = 1.

    Arguments:
        kl_per_dim: Mean KL of each dimension, shape (J,), nats.
        current: The plane shown so far; kept unless another pair carries clearly more KL.
    """
    latent_dim = len(kl_per_dim)
    if latent_dim <= 2:
        return (0, latent_dim - 1)
    first, second = sorted(torch.topk(kl_per_dim, 2).indices.tolist())
    if current is not None:
        now, best = (float(kl_per_dim[list(pair)].sum()) for pair in (current, (first, second)))
        if best <= PLANE_SWITCH_RATIO * now:
            return current
    return (first, second)


def plane_points(
    axis: Tensor, plane: tuple[int, int], latent_dim: int, *, base: Tensor | None = None
) -> Tensor:
    """The points z of a square grid, shape (rows, columns, J).

    Row 0 has the largest value of the plane's second dimension, so that the grid looks like the plane.

    Arguments:
        axis: Values along both axes, ascending, shape (n,).
        plane: The two dimensions; one row when they are the same.
        latent_dim: J.
        base: Values of all dimensions outside the plane, shape (J,); None: 0.
    """
    rows = axis.flip(0) if plane[0] != plane[1] else axis[:1]
    z = axis.new_zeros(len(rows), len(axis), latent_dim)
    if base is not None:
        z += base
    z[..., plane[1]] = rows[:, None]
    z[..., plane[0]] = axis[None, :]
    return z


@torch.no_grad()
def decoded_grid(model: VAE, axis: Tensor, plane: tuple[int, int], *, base: Tensor | None = None) -> Tensor:
    """E[x|z] over the plane, shape (rows, columns, D); arguments as for :func:`plane_points`."""
    return model.likelihood(plane_points(axis, plane, model.config.latent_dim, base=base)).mean


@torch.no_grad()
def traversal(model: VAE, base: Tensor, dim: int, values: Tensor) -> Tensor:
    """E[x|z] while one latent dimension takes the given values and the others are held.

    Arguments:
        model: The model.
        base: Where the traversal starts, shape (J,).
        dim: The dimension that varies, from 0.
        values: Its values, shape (n,).

    Returns:
        Decoded means of shape (n, D).

    Raises:
        BadInput: ``dim`` is no dimension of the model.
    """
    if not 0 <= dim < model.config.latent_dim:
        raise BadInput(
            "dim",
            f"latent dimension {dim + 1} does not exist, the model has {model.config.latent_dim}",
            "choose another",
        )
    z = base.repeat(len(values), 1)
    z[:, dim] = values
    return model.likelihood(z).mean


class Neighbours(NamedTuple):
    """The points nearest to a query: indices and distances, both of shape (k,), nearest first."""

    indices: Tensor
    distances: Tensor


def nearest_neighbours(
    points: Examples,
    query: Tensor,
    *,
    num_neighbours: int = 10,
    metric: Literal["euclidean", "cosine"] = "euclidean",
) -> Neighbours:
    """The points nearest to a query; of equally near ones, the first.

    Euclidean: ||p - q||. Cosine: 1 - p . q / (||p|| ||q||), from 0 to 2, and 1 where p or q is 0.

    Arguments:
        points: Shape (n, d): posterior means, or images.
        query: Shape (d,).
        num_neighbours: k; all n where there are fewer.
        metric: The distance.

    Raises:
        BadInput: ``num_neighbours`` below 1, or the query has another number of values than the points.

    Example:
        >>> nearest_neighbours(torch.eye(3), torch.tensor([0.0, 2.0, 1.0]), num_neighbours=2).indices
        tensor([1, 2])
    """
    if num_neighbours < 1:
        raise BadInput("num_neighbours", f"at least 1 neighbour is needed, got {num_neighbours}", "use 10")
    if query.shape != points.shape[1:]:
        message = f"the query has {query.numel()} values, the points have {points.shape[1]}"
        raise BadInput("query", message, "compare points of the same space")
    distances = torch.cat([_distances(piece, query, metric) for piece in pieces_of(points)])
    indices = distances.argsort(stable=True)[:num_neighbours]
    return Neighbours(indices, distances[indices])


def _distances(points: Tensor, query: Tensor, metric: Literal["euclidean", "cosine"]) -> Tensor:
    if metric == "cosine":
        return 1 - functional.cosine_similarity(points, query[None], dim=1)
    return (points - query).norm(dim=1)


_PARALLEL = 1e-3


def interpolate(
    start: Tensor, end: Tensor, num_points: int, *, kind: Literal["linear", "spherical"] = "linear"
) -> Tensor:
    """Points from one z to another at t = 0, 1/(n - 1), ..., 1.

    Linear: (1 - t) a + t b. Spherical: [sin((1 - t) w) a + sin(t w) b] / sin w with w the angle between a
    and b (White 2016, "Sampling Generative Networks"): in many dimensions it keeps the length that samples
    from the prior have. Where a and b are parallel or one is 0, the interpolation is linear.

    Arguments:
        start: a, shape (J,).
        end: b, shape (J,).
        num_points: n.
        kind: The interpolation.

    Returns:
        Points of shape (n, J); the first is a, the last b.

    Raises:
        BadInput: ``num_points`` below 2.

    Example:
        >>> interpolate(torch.zeros(1), torch.ones(1), 3).flatten().tolist()
        [0.0, 0.5, 1.0]
    """
    if num_points < 2:
        raise BadInput(
            "num_points", f"an interpolation needs at least 2 points, got {num_points}", "11 is usual"
        )
    share = torch.linspace(0, 1, num_points, dtype=start.dtype, device=start.device)[:, None]
    angle = math.acos(float(functional.cosine_similarity(start, end, dim=0).clamp(-1, 1)))
    no_arc = math.sin(angle) < _PARALLEL or not (start.any() and end.any())
    if kind == "linear" or no_arc:
        return (1 - share) * start + share * end
    return (torch.sin((1 - share) * angle) * start + torch.sin(share * angle) * end) / math.sin(angle)


class ClassMeans(NamedTuple):
    """Class centres: labels of shape (C,), ascending, and mean posterior means of shape (C, J)."""

    labels: Tensor
    means: Tensor


def class_means(means: Tensor, labels: Tensor) -> ClassMeans:
    """Mean of the posterior means of each class c: sum_{i: y_i = c} mean_i / n_c.

    Arguments:
        means: Posterior means, shape (n, J).
        labels: Classes, shape (n,); -1: unlabelled, left out.

    Example:
        >>> class_means(torch.tensor([[0.0], [2.0], [5.0]]), torch.tensor([3, 3, -1]))
        ClassMeans(labels=tensor([3]), means=tensor([[1.]]))
    """
    classes = labels[labels >= 0].unique()
    members = (labels == classes[:, None]).to(means.dtype)
    return ClassMeans(classes, members @ means / members.sum(1, keepdim=True))
