"""The mini-batches of a training: in each pass over the examples all of them, in an order drawn anew."""

from typing import Final

import torch
from torch import Tensor

from vae_core.data.byte_images import ByteImages, Examples

KEPT_VALUES: Final = 1 << 20
"""Most values of data of which the mini-batches of a pass are made at once: 4 MB."""


class Batches:
    """Mini-batches of examples, and where a training stands among them.

    Arguments:
        x: Shape (n, D).
        size: Examples of a mini-batch; the last one of a pass may have fewer.
        generator: Draws an order where a pass begins, and images that are drawn anew for each update.

    Example:
        >>> batches = Batches(torch.zeros(5, 1), 2, generator=torch.Generator().manual_seed(0))
        >>> [len(batches.next()) for _ in range(3)], batches.num_left
        ([2, 2, 1], 0)
    """

    def __init__(self, x: Examples, size: int, *, generator: torch.Generator) -> None:
        self._x, self._size, self._generator = x, size, generator
        self.num_examples = len(x)
        self.position = 0
        """Examples of this pass that were taken."""
        self.order = torch.empty(0, dtype=torch.int64)
        """Rows of the examples in the order of this pass; empty before the first one."""
        self._is_small = isinstance(x, Tensor) and x.numel() <= KEPT_VALUES
        self._made: tuple[Tensor, ...] = ()
        """Of small data, the mini-batches of the pass whose order is ``_made_of``."""
        self._made_of = self.order

    @property
    def num_left(self) -> int:
        """Examples of this pass that are still to come."""
        return self.num_examples - self.position

    @property
    def share(self) -> float:
        """The part of this pass that was taken, from 0 to 1."""
        return self.position / self.num_examples

    def next(self) -> Tensor:
        """The next mini-batch, shape (B, D)."""
        if self._is_small:
            return self._next_made()
        rows = self.next_rows().to(self._x.device)
        if isinstance(self._x, ByteImages):
            return self._x.drawn(rows, generator=self._generator)
        return self._x.index_select(0, rows)

    def next_rows(self) -> Tensor:
        """The rows of the next mini-batch, shape (B,)."""
        self._begin_pass()
        end = min(self.position + self._size, self.num_examples)
        rows = self.order[self.position : end]
        self.position = end
        return rows

    def begin(self, order: Tensor, position: int) -> None:
        """Goes on from a place in a pass."""
        self.order, self.position = order, position

    def shuffle_rest(self) -> None:
        """Draws another order of what is left of this pass; nothing of it comes twice."""
        seen, rest = self.order[: self.position], self.order[self.position :]
        device = self._generator.device
        shuffled = torch.randperm(len(rest), generator=self._generator, device=device)
        self.order = torch.cat((seen, rest[shuffled.to(rest.device)]))

    def _begin_pass(self) -> None:
        if self.position == 0:
            device = self._generator.device
            self.order = torch.randperm(self.num_examples, generator=self._generator, device=device)

    def _next_made(self) -> Tensor:
        at = self.position // self._size
        self._begin_pass()
        if self._made_of is not self.order:
            self._made = self._x.index_select(0, self.order.to(self._x.device)).split(self._size)
            self._made_of = self.order
        batch = self._made[at]
        self.position += len(batch)
        return batch


def checked_order(order: Tensor, position: int, num_data: int) -> Tensor:
    """The order of the examples as int64, if it is one of ``num_data``; it may be empty between epochs.

    Raises:
        ValueError: It is no permutation, or ``position`` lies outside.
    """
    order = order.to(torch.int64)
    whole = torch.equal(order.sort().values, torch.arange(num_data))
    if not (whole or (len(order) == 0 and position == 0)) or not 0 <= position < num_data:
        raise ValueError(f"position {position} in an order of {len(order)} of {num_data} examples")
    return order
