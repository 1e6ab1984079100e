"""Which units a unit of a layer of maps is made of, and with which weights."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Places = NDArray[np.int64]
Maps = tuple[int, int, int]
"""Channels, height and width; in a layer the channels of a place lie side by side."""
SIDE = 4
"""Pixels of a side of a kernel, which moves by two."""


class Kernel(NamedTuple):
    """A convolution from fine maps to coarse ones, or a transposed one back.

    Its pixel (a, b) connects place (r, s) of a coarse map with (2r + a - 1, 2s + b - 1) of a fine one.

    Arguments:
        values: Shape (coarse maps, fine maps, 4, 4).
        fine, coarse: Both layers.
        is_transposed: From coarse to fine.
        per_value: Groups of fine maps that lie one after the other in a layer: means, and then variances.
    """

    values: Array
    fine: Maps
    coarse: Maps
    is_transposed: bool
    per_value: int = 1

    def into(self, unit: int) -> tuple[Array, Places]:
        """Weights of a unit, and the units of the layer before that they belong to."""
        return self._of_fine(unit) if self.is_transposed else self._of_coarse(unit)

    def out_of(self, before: int) -> tuple[Array, Places]:
        """Weights of a unit of the layer before, and the units of this one that it is part of."""
        return self._of_coarse(before) if self.is_transposed else self._of_fine(before)

    def map_of(self, unit: int) -> int:
        """The map of a unit of this layer, from 0."""
        return self._fine_place(unit)[0] if self.is_transposed else unit % self.coarse[0]

    def slope(self, unit: int, before: Array, delta: Array) -> tuple[tuple[int, int, int, int], Array, Array]:
        """Of one entry of the kernel, a middle pixel between the first map and the unit's: delta and h.

        The gradient by it is the sum of their products over all places.

        Arguments:
            unit: Says the map of this layer.
            before: h of the layer before.
            delta: Of this layer.

        Returns:
            Indices in ``values``, and both, shape (places,).
        """
        here = self.map_of(unit)
        coarse_map, fine_map = (0, here) if self.is_transposed else (here, 0)
        _, height, width = self.coarse
        rows, columns = (part.reshape(-1) for part in np.mgrid[:height, :width])
        coarse = (rows * width + columns) * self.coarse[0] + coarse_map
        fine = self._fine_unit(fine_map, 2 * rows, 2 * columns)
        entry = (coarse_map, fine_map, 1, 1)
        if self.is_transposed:
            return entry, delta[fine], before[coarse]
        return entry, delta[coarse], before[fine]

    def _of_coarse(self, unit: int) -> tuple[Array, Places]:
        """Fine units that a coarse one is connected with."""
        channels, _, width = self.coarse
        place, here = divmod(unit, channels)
        r, s = divmod(place, width)
        maps, rows, columns = (part.reshape(-1) for part in np.mgrid[: self.fine[0], :SIDE, :SIDE])
        p, q = 2 * r + rows - 1, 2 * s + columns - 1
        inside = (p >= 0) & (p < self.fine[1]) & (q >= 0) & (q < self.fine[2])
        weights = self.values[here].reshape(-1)
        return weights[inside], self._fine_unit(maps[inside], p[inside], q[inside])

    def _of_fine(self, unit: int) -> tuple[Array, Places]:
        """Coarse units that a fine one is connected with."""
        here, p, q = self._fine_place(unit)
        channels, height, width = self.coarse
        places, weights = [], []
        for a in range((p + 1) % 2, SIDE, 2):
            for b in range((q + 1) % 2, SIDE, 2):
                r, s = (p + 1 - a) // 2, (q + 1 - b) // 2
                if 0 <= r < height and 0 <= s < width:
                    places.append((r * width + s) * channels + np.arange(channels))
                    weights.append(self.values[:, here, a, b])
        return np.concatenate(weights), np.concatenate(places)

    def _fine_unit(self, maps: Places | int, rows: Places, columns: Places) -> Places:
        each = self.fine[0] // self.per_value
        group, within = np.divmod(maps, each)
        return ((group * self.fine[1] + rows) * self.fine[2] + columns) * each + within

    def _fine_place(self, unit: int) -> tuple[int, int, int]:
        """Map, row and column."""
        each = self.fine[0] // self.per_value
        rest, within = divmod(unit, each)
        rest, column = divmod(rest, self.fine[2])
        group, row = divmod(rest, self.fine[1])
        return group * each + within, row, column
