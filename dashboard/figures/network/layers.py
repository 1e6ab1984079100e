"""The layers of a network as they are drawn, with the numbers of one example."""

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.figures.network.kernels import Kernel, Maps
from dashboard.figures.network.svg import MAX_CELLS, grid_shape

Array = NDArray[np.float64]
Kind = Literal["input", "hidden", "heads", "flow", "latent", "output"]
MAX_CARDS: Final = 6
"""Layers with more units are drawn as pictures."""


class Line(NamedTuple):
    """One number of each unit: its symbol, and values of shape (units,), NaN where a unit has none."""

    symbol: str
    values: Array


class Column(NamedTuple):
    """A layer as it is drawn.

    Arguments:
        kind: What it is.
        number: From 1; x is layer 1. The layers of a flow are counted by themselves.
        lines: What stands in its cards, the number of ``h`` among them.
        u, h: Of its units, shape (units,).
        delta: dL/du, shape (units,); None for the input.
        weights, biases: Into this layer, shapes (units, units before) and (units,); None for x and z. Of a
            layer of maps ``kernel`` stands for the weights.
        kernel: Of a convolution.
        maps: (channels, height, width) of a layer of maps, which is drawn as one small picture of each.
        index_base: Units count from 1 to this and start again (heads: mu_1 ... mu_J, phi_1 ... phi_J).
        indices: Of each unit, where that is another.
        made_of: Of each unit of a column without weights, the units before it that it is made of; None: those
            with its index.
        per_row: How many cards stand beside each other before a new row begins; 0: all of them.
        image_shape: (height, width) of a layer of pixels.
        is_wrong: Whether a deliberate error makes delta wrong.
    """

    kind: Kind
    number: int
    lines: tuple[Line, ...]
    u: Array
    h: Array
    delta: Array | None = None
    weights: Array | None = None
    biases: Array | None = None
    index_base: int = 1
    image_shape: tuple[int, int] | None = None
    is_wrong: bool = False
    indices: tuple[int, ...] = ()
    made_of: tuple[tuple[int, ...], ...] | None = None
    per_row: int = 0
    kernel: Kernel | None = None
    maps: Maps | None = None

    @property
    def is_small(self) -> bool:
        """Whether each unit has a card."""
        return (self.per_row or len(self.h)) <= MAX_CARDS

    @property
    def has_weights(self) -> bool:
        """Whether it is computed with weights from the layer before."""
        return self.weights is not None or self.kernel is not None

    def into(self, unit: int) -> tuple[Array, NDArray[np.int64]]:
        """Weights of a unit, and the units before that they belong to."""
        if self.kernel is not None:
            return self.kernel.into(unit)
        assert self.weights is not None
        return self.weights[unit], np.arange(self.weights.shape[1])

    def bias_of(self, unit: int) -> float:
        """What is added to a unit's sum."""
        assert self.biases is not None
        return float(self.biases[unit if self.kernel is None else self.kernel.map_of(unit)])

    def out_of(self, before: int) -> tuple[Array, NDArray[np.int64]]:
        """Weights of a unit of the layer before, and the units of this one that it is part of."""
        if self.kernel is not None:
            return self.kernel.out_of(before)
        assert self.weights is not None
        return self.weights[:, before], np.arange(len(self.weights))

    @property
    def picture(self) -> tuple[NDArray[np.int64], tuple[int, int]]:
        """Of a large layer the unit in each cell of its picture, row by row, or -1; and rows and columns."""
        if self.maps is None:
            shape = grid_shape(len(self.h), self.image_shape)
            return np.arange(min(len(self.h), shape[0] * shape[1], MAX_CELLS)), shape
        channels, height, width = self.maps
        drawn = max(1, min(channels, MAX_CELLS // (height * width)))
        beside = int(np.ceil(np.sqrt(drawn * height / width)))
        beside = min(max(beside, 1), drawn)
        below = -(-drawn // beside)
        cells = np.full((below * (height + 1) - 1, beside * (width + 1) - 1), -1)
        units = np.arange(height * width * channels).reshape(height, width, channels)
        for number in range(drawn):
            row, side = divmod(number, beside)
            top, left = row * (height + 1), side * (width + 1)
            cells[top : top + height, left : left + width] = units[..., number]
        return cells.reshape(-1), (cells.shape[0], cells.shape[1])

    @property
    def row_length(self) -> int:
        """Cards of a full row."""
        return self.per_row or len(self.h)

    def is_made_of(self, unit: int, previous: "Column", before: int) -> bool:
        """Whether a unit of this column without weights is made of one of the column before."""
        if self.made_of is not None:
            return before in self.made_of[unit]
        return previous.unit_index(before) == self.unit_index(unit)

    def card(self, unit: int) -> list[tuple[str, float]]:
        """Symbols and numbers of one unit."""
        pairs = [(line.symbol, float(line.values[unit])) for line in self.lines]
        return [(symbol, value) for symbol, value in pairs if not np.isnan(value)]

    def unit_index(self, unit: int) -> int:
        """The number that a unit's symbol bears."""
        return self.indices[unit] if self.indices else unit % self.index_base + 1


class Moment(NamedTuple):
    """Which numbers of the pass are known.

    Arguments:
        forward: How many columns have their numbers, from the first.
        backward: How many columns have their delta, from the last.
        has_loss: Whether the loss is there.
        active: The column of this step; None at the loss.
        unit: The unit of that column that is written out.
    """

    forward: int
    backward: int
    has_loss: bool
    active: int | None
    unit: int = 0
