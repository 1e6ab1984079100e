"""Mixtures whose components are products of Bernoulli, Poisson or categorical distributions over the columns.

All three are known by their means, E[x|z = k], so the M-step of each is the weighted mean (source document
002; Bishop 2006, section 9.3.3, for the Bernoulli case, Lazarsfeld and Henry 1968 for latent classes).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Self, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.errors import BadInput
from vae_core.labs.em.mixture import Numbers, check_num_components, check_weights, shares_of

Family = Literal["bernoulli", "poisson", "categorical"]
MAX_CATEGORIES: Final = 20
_ROUNDING: Final = 2.0**-53
_OTHER_FAMILY: Final = "choose other columns, or components of another family"


@dataclass(frozen=True, slots=True, init=False)
class ProductMixture:
    """p(x) = sum_k pi_k prod_i p(x_i; m_ki), with one of three families for all columns.

    A stack of S mixtures (:meth:`stacked`) has arrays that begin with (S,), and so has what it computes.

    log p_k(x) = sum_i x_i log m_ki + (1 - x_i) log(1 - m_ki)   (bernoulli, x_i 0 or 1);
                 sum_i x_i log m_ki - m_ki - log x_i!            (poisson, counts);
                 sum_i x_i log m_ki                              (categorical, one 1 for each column's value).

    Arguments:
        weights: pi, shape (K,), at least 0 and of sum 1.
        means: m, shape (K, D): probabilities, or rates of counts.
        family: Of the columns.
        groups: Categorical: how many values each column has, of sum D.

    Raises:
        BadInput: Shapes that do not fit, or means that the family does not allow (code ``means``), invalid
            weights (``weights``), or no such family (``family``).

    Example:
        >>> mixture = ProductMixture([0.5, 0.5], [[0.9, 0.1], [0.2, 0.8]], "bernoulli")
        >>> round(float(mixture.log_prob(torch.tensor([[1.0, 0.0]])).exp()), 3)
        0.425
    """

    weights: Tensor
    means: Tensor
    family: Family
    groups: tuple[int, ...]

    def __init__(self, weights: Numbers, means: Numbers, family: Family, groups: Sequence[int] = ()) -> None:
        for name, given in (("weights", weights), ("means", means)):
            object.__setattr__(self, name, torch.as_tensor(given, dtype=torch.float64))
        object.__setattr__(self, "family", family)
        object.__setattr__(self, "groups", tuple(groups))
        self._check()

    def _check(self) -> None:
        if self.family not in get_args(Family):
            message = f"family must be one of {', '.join(get_args(Family))}, got {self.family!r}"
            raise BadInput("family", message, "choose one of them")
        if self.means.ndim < 2 or self.weights.shape != self.means.shape[:-1] or not self.means.numel():
            message = "weights and means of a mixture do not fit each other"
            raise BadInput("means", message, "give them the shapes (K,) and (K, D)")
        check_weights(self.weights)
        top = torch.inf if self.family == "poisson" else 1 + 1e-9
        if not ((self.means >= 0) & (self.means < top)).all():
            message = f"a {self.family} mean is outside its range"
            raise BadInput("means", message, "rates are at least 0, probabilities between 0 and 1")
        if self.family == "categorical":
            self._check_groups()

    def _check_groups(self) -> None:
        if min(self.groups, default=0) < 1 or sum(self.groups) != self.means.shape[-1]:
            raise BadInput("means", "the groups of a categorical mixture do not add up to D", "count them")
        totals = torch.stack([part.sum(-1) for part in self.means.split(list(self.groups), -1)])
        if float((totals - 1).abs().max()) > 1e-9:
            raise BadInput("means", "the probabilities of a column do not sum to 1", "scale them")

    @classmethod
    def stacked(cls, mixtures: Sequence[Self]) -> Self:
        """S mixtures of as many components as one, of the family and the groups of the first one."""
        weights = torch.stack([one.weights for one in mixtures])
        means = torch.stack([one.means for one in mixtures])
        return cls(weights, means, mixtures[0].family, mixtures[0].groups)

    def unstacked(self) -> list[Self]:
        """The mixtures of which this is the stack."""
        return [self._like(*parts) for parts in zip(self.weights, self.means, strict=True)]

    def _like(self, weights: Tensor, means: Tensor) -> Self:
        """Of parts that have been checked."""
        one = object.__new__(type(self))
        named = {"weights": weights, "means": means, "family": self.family, "groups": self.groups}
        for name, value in named.items():
            object.__setattr__(one, name, value)
        return one

    @property
    def num_components(self) -> int:
        """K."""
        return self.weights.shape[-1]

    def log_joint(self, x: Tensor) -> Tensor:
        """log pi_k + log p_k(x_d) of examples of shape (n, D): shape (n, K), nats."""
        x = torch.as_tensor(x, dtype=torch.float64)
        found = self.weights.log()[..., None, :] + _sum_of_logs(x, self.means)
        if self.family == "bernoulli":
            return found + _sum_of_logs(1 - x, 1 - self.means)
        if self.family == "poisson":
            return found - self.means.sum(-1)[..., None, :] - torch.lgamma(x + 1).sum(1, keepdim=True)
        return found

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x_d) of examples of shape (n, D): shape (n,), nats."""
        return self.log_joint(x).logsumexp(-1)

    def responsibilities(self, x: Tensor) -> Tensor:
        """p(z = k|x_d) of examples of shape (n, D): shape (n, K)."""
        log_joint = self.log_joint(x)
        return (log_joint - log_joint.logsumexp(-1, keepdim=True)).exp()

    def maximised(self, x: Tensor, responsibilities: Tensor, floor: float) -> tuple[Self, Tensor]:
        """Weighted means: the maximum likelihood of each family.

        They are held half a rounding error away from the ends of their range: a mean that rounds to 1 would
        make rows impossible that have a share in it.

        Arguments:
            x: Examples, shape (n, D).
            responsibilities: Their weights, shape (n, K).
            floor: Of variances, which these families do not have.
        """
        del floor
        shares, normalised, is_empty = shares_of(responsibilities)
        top = 1 - _ROUNDING if self.family == "bernoulli" else torch.inf
        means = (normalised.mT @ x).clamp(_ROUNDING, top)
        means = torch.where(is_empty[..., None], self.means, means)
        return type(self)(shares, means, self.family, self.groups), torch.zeros_like(is_empty)

    def only(self, component: int) -> Self:
        """One component by itself, with the weight 1."""
        return type(self)([1.0], self.means[component : component + 1], self.family, self.groups)

    def moved(self, component: int, column: int, values: Tensor) -> Self:
        """A stack, of a mixture for each value, of shape (P,), of one mean.

        The other probabilities of a categorical column share what is left as they did before, or equally
        where they had nothing.
        """
        weights, means = (part.expand(len(values), *part.shape) for part in (self.weights, self.means))
        means = means.clone()
        if self.family == "categorical":
            ends = np.cumsum(self.groups)
            group = int(np.searchsorted(ends, column, side="right"))
            others = [i for i in range(ends[group] - self.groups[group], ends[group]) if i != column]
            rest = self.means[component, others]
            total = float(rest.sum())
            shares = rest / total if total > 0 else torch.full_like(rest, 1 / max(1, len(others)))
            means[:, component, others] = (1 - values)[:, None] * shares
        means[:, component, column] = values
        return type(self)(weights, means, self.family, self.groups)


def _sum_of_logs(x: Tensor, means: Tensor) -> Tensor:
    """sum_i x_di log m_ki, shape (n, K), with 0 log 0 = 0 and x log 0 = -inf."""
    is_zero = means == 0
    found = x @ torch.where(is_zero, 1.0, means).log().mT
    return found.masked_fill(x @ is_zero.to(x.dtype).mT > 0, -torch.inf)


class Encoded(NamedTuple):
    """A table as a family needs it.

    Arguments:
        x: Shape (n, D); for categories a column of zeros and ones for each value.
        names: Of the D columns.
        groups: Categorical: how many values each column of the table has; else empty.
    """

    x: NDArray[np.float64]
    names: tuple[str, ...]
    groups: tuple[int, ...]


def encoded(values: NDArray[np.float64], names: Sequence[str], family: Family) -> Encoded:
    """The values of a table, checked; categories as zeros and ones.

    Arguments:
        values: Shape (n, columns), finite.
        names: Of the columns.
        family: Of the components.

    Raises:
        BadInput: Values that the family does not allow, named with their column (code ``column``), no
            columns, or rows that are all the same (``table``).

    Example:
        >>> encoded(np.array([[2.0], [5.0], [2.0]]), ["a"], "categorical").x.tolist()
        [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    """
    if values.ndim != 2 or not values.size:
        raise BadInput("table", "the table is empty", "give it rows and columns")
    if (values == values[0]).all():
        raise BadInput("table", f"all {len(values)} rows are the same", "choose columns in which rows differ")
    for name, column in zip(names, values.T, strict=True):
        _check_column(name, column, family)
    if family != "categorical":
        return Encoded(values, tuple(names), ())
    parts, found, groups = [], [], []
    for name, column in zip(names, values.T, strict=True):
        levels = np.unique(column)
        parts.append((column[:, None] == levels).astype(np.float64))
        found += [f"{name} = {level:g}" for level in levels]
        groups.append(len(levels))
    return Encoded(np.concatenate(parts, axis=1), tuple(found), tuple(groups))


def _check_column(name: str, column: NDArray[np.float64], family: Family) -> None:
    if family == "categorical":
        if (count := len(np.unique(column))) > MAX_CATEGORIES:
            message = f"the column {name!r} has {count} different values; categories are at most"
            raise BadInput("column", f"{message} {MAX_CATEGORIES}", _OTHER_FAMILY)
        return
    is_right = np.isin(column, (0, 1)) if family == "bernoulli" else (column >= 0) & (column % 1 == 0)
    if not is_right.all():
        what = "is neither 0 nor 1" if family == "bernoulli" else "is no count"
        value = column[~is_right][0]
        raise BadInput("column", f"the column {name!r} has the value {value:g}, which {what}", _OTHER_FAMILY)


def random_product_start(
    x: Tensor,
    num_components: int,
    family: Family,
    *,
    generator: torch.Generator,
    groups: Sequence[int] = (),
) -> ProductMixture:
    """Equal weights, and means half way between an example, drawn without repetition, and the mean of all.

    The example itself as a mean would give all others the probability 0.

    Arguments:
        x: Examples as the family needs them, shape (n, D).
        num_components: K.
        family: Of the components.
        generator: Draws the examples.
        groups: Categorical: how many values each column has.

    Raises:
        BadInput: More components than examples.
    """
    x = torch.as_tensor(x, dtype=torch.float64)
    check_num_components(num_components, len(x))
    chosen = torch.randperm(len(x), generator=generator)[:num_components]
    weights = torch.full((num_components,), 1 / num_components, dtype=torch.float64)
    return ProductMixture(weights, 0.5 * (x[chosen] + x.mean(0)), family, groups)
