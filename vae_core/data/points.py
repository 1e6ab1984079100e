"""Sets of points in the plane, drawn from a generator: small enough to train in seconds, and easy to see.

Each is centred near the origin and has, averaged over the two coordinates, a variance of about 1. Classes
are equally large and alternate along the rows. ``noise`` multiplies the standard deviation
that a formula states.
"""

from collections.abc import Callable
from math import pi, sqrt
from typing import Final

import torch

Points = tuple[torch.Tensor, torch.Tensor]


def two_moons(num_points: int, *, generator: torch.Generator, noise: float = 1.0) -> Points:
    r"""Draws two interleaved half circles.

    .. math:: x = \sqrt2\,(m_c(t) - (1/2, 1/4)) + 0.1\,\varepsilon, \quad t \sim U(0, \pi), \quad
        m_0 = (\cos t, \sin t), \; m_1 = (1 - \cos t, 1/2 - \sin t)

    Arguments:
        num_points: How many, n.
        generator: Source of t and eps.
        noise: Of what is added, in units of its standard deviation.

    Returns:
        Points, shape (n, 2), and moons c in {0: upper, 1: lower}, shape (n,).

    Example:
        >>> two_moons(4, generator=torch.Generator().manual_seed(0))[1]
        tensor([0, 1, 0, 1])
    """
    moon = torch.arange(num_points) % 2
    angle = pi * torch.rand(num_points, generator=generator)
    upper = torch.stack([angle.cos(), angle.sin()], dim=1)
    curve = torch.where(moon[:, None] == 0, upper, torch.tensor([1.0, 0.5]) - upper)
    eps = torch.randn(num_points, 2, generator=generator)
    return sqrt(2) * (curve - torch.tensor([0.5, 0.25])) + 0.1 * noise * eps, moon


def pinwheel(num_points: int, *, generator: torch.Generator, noise: float = 1.0) -> Points:
    r"""Draws five Gaussians stretched along the radius and sheared into curved arms.

    .. math:: x = \sqrt2\, R(2\pi c / 5 + e^r / 4)\,(r, s)^T, \quad r \sim N(1, 0.3^2), \; s \sim N(0, 0.1^2)

    with R(a) the rotation by the angle a.

    References:
        Composing graphical models with neural networks (Johnson et al., 2016), https://arxiv.org/abs/1603.06277

    Arguments:
        num_points: How many, n.
        generator: Source of r and s.
        noise: Of what is added, in units of its standard deviation.

    Returns:
        Points, shape (n, 2), and arms c in 0..4, shape (n,).

    Example:
        >>> pinwheel(3, generator=torch.Generator().manual_seed(0))[0].shape
        torch.Size([3, 2])
    """
    arm = torch.arange(num_points) % 5
    radial, tangential = (
        torch.tensor([0.3, 0.1 * noise]) * torch.randn(num_points, 2, generator=generator)
    ).T
    radial = radial + 1
    angle = 2 * pi * arm / 5 + radial.exp() / 4
    cos, sin = angle.cos(), angle.sin()
    return sqrt(2) * torch.stack(
        [cos * radial - sin * tangential, sin * radial + cos * tangential], dim=1
    ), arm


def swiss_roll(num_points: int, *, generator: torch.Generator, noise: float = 1.0) -> Points:
    r"""Draws one spiral.

    .. math:: x = \frac{t}{7} (\cos t, \sin t) + 0.05\,\varepsilon, \quad t \sim U(3\pi/2, 9\pi/2)

    Arguments:
        num_points: How many, n.
        generator: Source of t and eps.
        noise: Of what is added, in units of its standard deviation.

    Returns:
        Points, shape (n, 2), and the quarter of the range of t, 0 innermost to 3, shape (n,).

    Example:
        >>> swiss_roll(3, generator=torch.Generator().manual_seed(0))[0].shape
        torch.Size([3, 2])
    """
    quarter = torch.arange(num_points) % 4
    angle = 1.5 * pi + 0.75 * pi * (quarter + torch.rand(num_points, generator=generator))
    spiral = angle[:, None] / 7 * torch.stack([angle.cos(), angle.sin()], dim=1)
    return spiral + 0.05 * noise * torch.randn(num_points, 2, generator=generator), quarter


def gaussian_ring(num_points: int, *, generator: torch.Generator, noise: float = 1.0) -> Points:
    r"""Draws from an even mixture of eight Gaussians on a circle of radius sqrt 2.

    .. math:: x = \sqrt2\,(\cos \pi c / 4, \sin \pi c / 4) + 0.15\,\varepsilon, \quad \varepsilon \sim N(0, I)

    Arguments:
        num_points: How many, n.
        generator: Source of eps.
        noise: Of what is added, in units of its standard deviation.

    Returns:
        Points, shape (n, 2), and components c in 0..7, shape (n,).

    Example:
        >>> gaussian_ring(3, generator=torch.Generator().manual_seed(0))[1]
        tensor([0, 1, 2])
    """
    component = torch.arange(num_points) % 8
    angle = pi / 4 * component
    centre = sqrt(2) * torch.stack([angle.cos(), angle.sin()], dim=1)
    return centre + 0.15 * noise * torch.randn(num_points, 2, generator=generator), component


def circles(num_points: int, *, generator: torch.Generator, noise: float = 1.0) -> Points:
    r"""Draws two circles, one within the other.

    .. math:: x = \sqrt{3.2}\, r_c (\cos t, \sin t) + 0.1\,\varepsilon, \quad t \sim U(0, 2\pi), \quad
        r_0 = 1, \; r_1 = 1/2

    Arguments:
        num_points: How many, n.
        generator: Source of t and eps.
        noise: Of what is added, in units of its standard deviation.

    Returns:
        Points, shape (n, 2), and circles c in {0: outer, 1: inner}, shape (n,).

    Example:
        >>> circles(4, generator=torch.Generator().manual_seed(0))[1]
        tensor([0, 1, 0, 1])
    """
    circle = torch.arange(num_points) % 2
    angle = 2 * pi * torch.rand(num_points, generator=generator)
    radius = sqrt(3.2) * (1 - 0.5 * circle)
    curve = radius[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
    return curve + 0.1 * noise * torch.randn(num_points, 2, generator=generator), circle


def two_spirals(num_points: int, *, generator: torch.Generator, noise: float = 1.0) -> Points:
    r"""Draws two spirals, each the other one turned by half a turn.

    .. math:: x = \pm 2 \sqrt{u}\, (\cos 3\pi\sqrt{u}, \sin 3\pi\sqrt{u}) + 0.05\,\varepsilon,
        \quad u \sim U(0, 1)

    Arguments:
        num_points: How many, n.
        generator: Source of u and eps.
        noise: Of what is added, in units of its standard deviation.

    Returns:
        Points, shape (n, 2), and spirals c in {0, 1}, shape (n,).

    Example:
        >>> two_spirals(3, generator=torch.Generator().manual_seed(0))[0].shape
        torch.Size([3, 2])
    """
    spiral = torch.arange(num_points) % 2
    root = torch.rand(num_points, generator=generator).sqrt()
    angle, radius = 3 * pi * root, 2 * root * (1 - 2 * spiral)
    curve = radius[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
    return curve + 0.05 * noise * torch.randn(num_points, 2, generator=generator), spiral


def checkerboard(num_points: int, *, generator: torch.Generator, noise: float = 1.0) -> Points:
    r"""Draws evenly from every second square of a board of 4 x 4.

    .. math:: x = \tfrac{\sqrt3}{2} (k + u, c + v) - \sqrt3\,(1, 1) + 0.03\,\varepsilon,
        \quad k + c \text{ even}

    with u and v from U(0, 1).

    Arguments:
        num_points: How many, n.
        generator: Source of k, u, v and eps.
        noise: Of what is added, in units of its standard deviation.

    Returns:
        Points, shape (n, 2), and rows c in 0..3, shape (n,).

    Example:
        >>> checkerboard(3, generator=torch.Generator().manual_seed(0))[1]
        tensor([0, 1, 2])
    """
    row = torch.arange(num_points) % 4
    column = 2 * torch.randint(2, (num_points,), generator=generator) + row % 2
    place = torch.stack([column, row], dim=1) + torch.rand(num_points, 2, generator=generator)
    board = sqrt(3) / 2 * place - sqrt(3)
    return board + 0.03 * noise * torch.randn(num_points, 2, generator=generator), row


def _numbered(word: str, count: int) -> tuple[str, ...]:
    return tuple(f"{word} {number}" for number in range(1, count + 1))


POINT_SETS: Final[dict[str, tuple[Callable[..., Points], tuple[str, ...]]]] = {
    "two_moons": (two_moons, ("upper moon", "lower moon")),
    "pinwheel": (pinwheel, _numbered("arm", 5)),
    "swiss_roll": (swiss_roll, _numbered("quarter", 4)),
    "gaussian_ring": (gaussian_ring, _numbered("component", 8)),
    "circles": (circles, ("outer circle", "inner circle")),
    "two_spirals": (two_spirals, _numbered("spiral", 2)),
    "checkerboard": (checkerboard, _numbered("row", 4)),
}
"""How to draw each set of points, and the names of its classes."""
