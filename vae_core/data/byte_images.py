"""Examples as they lie in memory: images stay bytes, a quarter of what their pixels take as numbers."""

from collections.abc import Iterable, Iterator
from typing import Final, Protocol

import torch
from torch import Tensor

Rows = int | slice | Tensor
"""Which rows: one, a range, indices of shape (k,), or a mask of shape (n,)."""


class Examples(Protocol):
    """Rows of values, shape (n, D): a tensor is one, and so are :class:`ByteImages`.

    Whatever is taken of them is a tensor: ``x[rows]``, ``x[:]`` (all of them) and the pieces of ``x.split``.
    """

    @property
    def shape(self) -> torch.Size:
        """(n, D)."""
        ...

    @property
    def device(self) -> torch.device:
        """Where they lie."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Rows, /) -> Tensor: ...

    def split(self, split_size: int, /) -> Iterable[Tensor]:
        """All of them, ``split_size`` at a time."""
        ...

    def index_select(self, dim: int, index: Tensor, /) -> Tensor:
        """Rows by index, shape (k, D): a mini-batch; ``dim`` is 0."""
        ...


class ByteImages:
    """Images that stay bytes: of the rows that are asked for pixels byte / 255 are made, float32 in [0, 1].

    Arguments:
        values: Bytes, shape (N, D), uint8.
        rows: Which rows of ``values`` these images are, in their order, shape (n,), int64; None: all of them.

    Example:
        >>> images = ByteImages(torch.tensor([[0, 51], [255, 102]], dtype=torch.uint8))
        >>> images[1], images.part(slice(0, 1))[:]
        (tensor([1.0000, 0.4000]), tensor([[0.0000, 0.2000]]))
    """

    def __init__(self, values: Tensor, rows: Tensor | None = None) -> None:
        self._values, self._rows = values, rows
        # A tensor: on a GPU, division by a plain number is multiplication by its rounded reciprocal.
        self._white = torch.tensor(255.0, device=values.device)

    def __len__(self) -> int:
        return len(self._values if self._rows is None else self._rows)

    @property
    def shape(self) -> torch.Size:
        """(n, D)."""
        return torch.Size((len(self), self._values.shape[1]))

    @property
    def device(self) -> torch.device:
        """Where the bytes lie."""
        return self._values.device

    def __getitem__(self, rows: Rows) -> Tensor:
        if not isinstance(rows, int | slice | Tensor):
            raise TypeError(f"rows of images are taken by a number, a slice or a tensor, not by {rows!r}")
        return self._pixels(self._values[rows if self._rows is None else self._rows[rows]])

    def split(self, split_size: int) -> Iterator[Tensor]:
        """All of them, ``split_size`` at a time."""
        for start in range(0, len(self), split_size):
            yield self[start : start + split_size]

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """Rows by index, shape (k, D): a mini-batch; ``dim`` is 0."""
        assert dim == 0
        index = index if self._rows is None else self._rows.index_select(0, index)
        return self._pixels(self._values.index_select(0, index))

    def drawn(self, index: Tensor, *, generator: torch.Generator) -> Tensor:
        """What an update trains on of some images, shape (k, D): themselves; nothing is drawn."""
        del generator
        return self.index_select(0, index)

    def part(self, rows: slice | Tensor) -> "ByteImages":
        """Some of them; no byte is copied."""
        mine = torch.arange(len(self), device=self.device) if self._rows is None else self._rows
        return ByteImages(self._values, mine[rows])

    def to(self, device: torch.device) -> "ByteImages":
        """The same on a device."""
        return ByteImages(self._values.to(device), None if self._rows is None else self._rows.to(device))

    def _pixels(self, values: Tensor) -> Tensor:
        return values.float().div_(self._white)


class RedrawnImages(ByteImages):
    """Grey images as 0 and 1: whoever looks sees one draw of each, training has a new one at each update.

    Arguments:
        values: Bytes, 0 or 255, shape (n, D): the draw that is looked at.
        grey: The probabilities of 1, shape (n, D).

    Example:
        >>> images = RedrawnImages(torch.tensor([[0, 255]], dtype=torch.uint8), torch.tensor([[0.0, 1.0]]))
        >>> images.drawn(torch.tensor([0, 0]), generator=torch.Generator().manual_seed(0))
        tensor([[0., 1.],
                [0., 1.]])
    """

    def __init__(self, values: Tensor, grey: Examples) -> None:
        super().__init__(values)
        self._grey = grey

    def drawn(self, index: Tensor, *, generator: torch.Generator) -> Tensor:
        """A new draw of some images: 1 with the probability that the grey value is, shape (k, D)."""
        return drawn_from(self._grey.index_select(0, index), generator=generator)

    def part(self, rows: slice | Tensor) -> "RedrawnImages":
        """Some of them."""
        return RedrawnImages(self._values[rows], part_of(self._grey, rows))

    def to(self, device: torch.device) -> "RedrawnImages":
        """The same on a device."""
        return RedrawnImages(self._values.to(device), on_device(self._grey, device))


class ConditionedImages(ByteImages):
    """Images with the y of each, as rows [x, y] of shape (n, D + C); the images stay bytes.

    Arguments:
        images: x, shape (n, D).
        y: Shape (n, C).

    Example:
        >>> images = ByteImages(torch.tensor([[0, 51], [255, 102]], dtype=torch.uint8))
        >>> ConditionedImages(images, torch.eye(2))[1]
        tensor([1.0000, 0.4000, 0.0000, 1.0000])
    """

    def __init__(self, images: ByteImages, y: Tensor) -> None:
        self._images, self._y = images, y

    def __len__(self) -> int:
        return len(self._y)

    @property
    def shape(self) -> torch.Size:
        """(n, D + C)."""
        return torch.Size((len(self), self._images.shape[1] + self._y.shape[1]))

    @property
    def device(self) -> torch.device:
        """Where the bytes lie."""
        return self._images.device

    def __getitem__(self, rows: Rows) -> Tensor:
        return torch.cat((self._images[rows], self._y[rows]), -1)

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """Rows by index, shape (k, D + C); ``dim`` is 0."""
        return torch.cat((self._images.index_select(dim, index), self._y.index_select(0, index)), -1)

    def drawn(self, index: Tensor, *, generator: torch.Generator) -> Tensor:
        """What an update trains on of some images, shape (k, D + C)."""
        x = self._images.drawn(index, generator=generator)
        return torch.cat((x, self._y.index_select(0, index)), -1)

    def part(self, rows: slice | Tensor) -> "ConditionedImages":
        """Some of them."""
        return ConditionedImages(self._images.part(rows), self._y[rows])

    def to(self, device: torch.device) -> "ConditionedImages":
        """The same on a device."""
        return ConditionedImages(self._images.to(device), self._y.to(device))


def drawn_from(grey: Tensor, *, generator: torch.Generator) -> Tensor:
    """0 and 1, the latter with the probability that a grey value is."""
    uniform = torch.rand(grey.shape, generator=generator, device=generator.device)
    return (uniform.to(grey.device) < grey).to(grey.dtype)


PIECE: Final = 1 << 20
"""Values of a piece in which whole data sets are gone through."""


def part_of(x: Examples, rows: slice | Tensor) -> Examples:
    """Some of the examples, kept as they are: images as bytes."""
    return x.part(rows) if isinstance(x, ByteImages) else x[rows]


def on_device(x: Examples, device: torch.device) -> Examples:
    """The same examples on a device."""
    return x.to(device) if isinstance(x, ByteImages | Tensor) else x[:].to(device)


def pieces_of(x: Examples) -> Iterable[Tensor]:
    """All examples, some at a time, so that those kept as bytes are never all there as numbers."""
    return x.split(max(1, PIECE // max(1, x.shape[1])))
