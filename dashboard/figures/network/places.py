"""Where the layers of a drawn network stand: side by side, or below each other on a narrow screen."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from dashboard.figures.network.layers import Column

LINE: Final = 24
BLOCK: Final = 118
"""Side of the picture of a large layer."""
LABEL: Final = 22
TITLE: Final = 34
"""Room for a column's title."""


class Box(NamedTuple):
    """A rectangle of the drawing."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        """Its middle."""
        return self.x + self.width / 2, self.y + self.height / 2


class Places:
    """Boxes of columns and units.

    Arguments:
        columns: The layers.
        tall: Below each other.
    """

    def __init__(self, columns: Sequence[Column], *, tall: bool) -> None:
        self.columns, self.tall = columns, tall
        self.card_width = 94.0 if tall else 126.0
        self.between = 6.0 if tall else 14.0
        self._sizes = [self._size(column) for column in columns]
        self._across = max(size[0 if tall else 1] for size in self._sizes)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the drawing without what stands below it."""
        last = self.box(len(self.columns) - 1)
        if self.tall:
            return self._across, last.y + last.height
        return last.x + last.width, self._across + TITLE

    def box(self, place: int, unit: int | None = None) -> Box:
        """Where a column stands, or one of its cards."""
        width, height = self._sizes[place]
        along = sum(self._sizes[k][1 if self.tall else 0] + self._gap(k + 1) for k in range(place))
        across = (self._across - (width if self.tall else height)) / 2
        x, y = (across, along + TITLE) if self.tall else (along, across + TITLE)
        if unit is None or not self.columns[place].is_small:
            return Box(x, y, width, height)
        row, side = divmod(unit, self.columns[place].row_length)
        card = _card_height(self.columns[place])
        if self.tall:
            left, top = side * (self.card_width + self.between), row * (card + self.between)
        else:
            left, top = row * (self.card_width + self.between), side * (card + self.between)
        return Box(x + left, y + top, self.card_width, card)

    def ends(self, place: int, unit: int, before: int) -> tuple[float, float, float, float]:
        """The line from a unit of the column before to a unit of a column: x1, y1, x2, y2."""
        source, target = self.box(place - 1, before), self.box(place, unit)
        if self.tall:
            return source.centre[0], source.y + source.height, target.centre[0], target.y
        return source.x + source.width, source.centre[1], target.x, target.centre[1]

    def _gap(self, place: int) -> float:
        """Room before a column: wide where weights are written into it."""
        pair = self.columns[place - 1 : place + 1]
        has_weights = all(column.is_small for column in pair) and pair[-1].weights is not None
        if self.tall:
            return 100.0 if has_weights else 78.0
        return 96.0 if has_weights else 60.0

    def _size(self, column: Column) -> tuple[float, float]:
        count = len(column.h)
        if not column.is_small:
            blocks = 1 if column.delta is None else 2
            if self.tall:
                return blocks * (BLOCK + 10.0) - 10.0, BLOCK + LABEL
            return BLOCK, blocks * (BLOCK + LABEL + 8.0) - 8.0
        card = (self.card_width + self.between, _card_height(column) + self.between)
        beside, rows = column.row_length, -(-count // column.row_length)
        across, along = (beside, rows) if self.tall else (rows, beside)
        return across * card[0] - self.between, along * card[1] - self.between


def _card_height(column: Column) -> float:
    most = max(len(column.card(unit)) for unit in range(len(column.h)))
    return (most + (column.delta is not None)) * LINE + 10.0
