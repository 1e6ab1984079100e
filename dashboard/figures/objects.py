"""Figures of Plotly as plain dictionaries: what its own objects say, in a tenth of their time.

``plotly.graph_objects`` looks up every property and checks every value of every figure at each drawing, which
took seven tenths of a rerun of ELBO. Names and values here are Plotly's own, as in its reference
(https://plotly.com/python/reference/). The tests give every figure that they draw to Plotly's own objects,
which refuse what Plotly does not know.

Only what the figures of this project use is here: subplots above each other, and the kinds of traces below.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import plotly
from plotly.utils import PlotlyJSONEncoder

BROWSER_LIBRARY: Final = Path(str(plotly.__file__)).parent / "package_data" / "plotly.min.js"
"""Plotly for the browser, which Python's package ships (MIT License)."""
VERSION: Final = str(plotly.__version__)
"""Of that package."""
Array = np.ndarray[Any, np.dtype[Any]]
_WHOLE: Final = ("error_x", "error_y", "paper_bgcolor", "plot_bgcolor")
"""Names with an underscore of their own; in all others it leads from a part to its part."""
_TITLED: Final = "title"
_LISTS: Final = ("range", "domain")
"""Pairs, which Plotly does not take as bytes."""
_SMALLER: Final = {"i8": ("i1", "i2", "i4"), "u8": ("u1", "u2", "u4"), "f8": ("f4",)}
"""What an array is sent as where its values fit: seven digits are more than a screen shows, and Plotly has no
whole numbers of eight bytes."""


class Part(dict[str, Any]):
    """A trace, a layout, or a part of them; names are attributes, too; what is not set is None.

    Example:
        >>> trace = Part(type="scatter", marker_color="red")
        >>> trace.update(marker={"size": 9}, name=None).marker
        {'color': 'red', 'size': 9}
    """

    def __init__(self, given: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__()
        self.update(given, **more)

    def update(self, given: Mapping[str, Any] | None = None, **more: Any) -> Self:  # type: ignore[override]
        """Sets what is named, within parts too; None leaves a name as it is."""
        for name, value in {**(given or {}), **more}.items():
            if value is not None:
                self._put(name, value)
        return self

    def _put(self, name: str, value: Any) -> None:
        if "_" in name and not name.startswith(_WHOLE):
            name, _, rest = name.partition("_")
            value = {rest: value}
        if name == _TITLED and isinstance(value, str):
            value = {"text": value}
        if isinstance(value, dict):
            held = self.get(name)
            if isinstance(held, Part):
                held.update(value)
                return
            value = Part(value)
        elif isinstance(value, (list, tuple, range)):
            value = [Part(one) if type(one) is dict else one for one in value]
        self[name] = value

    def __missing__(self, name: str) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.get(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.pop(name, None)
        self.update({name: value})


class Trace(Part):
    """One line, field or set of points of a figure."""

    kind = ""

    def __init__(self, given: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__({"type": type(self).kind}, **{**(given or {}), **more})


class Scatter(Trace):
    """Points or a line."""

    kind = "scatter"


class Bar(Trace):
    """Bars."""

    kind = "bar"


class Heatmap(Trace):
    """A field, a colour for each cell."""

    kind = "heatmap"


class Image(Trace):
    """A picture, a colour for each of its pixels."""

    kind = "image"


class Contour(Trace):
    """A field, with lines of equal height."""

    kind = "contour"


class Histogram(Trace):
    """Counts by interval."""

    kind = "histogram"


class Figure:
    """Traces and a layout; a figure of Plotly after :meth:`to_dict`.

    Arguments:
        data: The first traces.
    """

    def __init__(self, data: Trace | Sequence[Trace] = ()) -> None:
        self.data: list[Any] = [data] if isinstance(data, Trace) else list(data)
        self.layout = Part(xaxis={}, yaxis={})
        self.frames: list[Any] = []
        self.player: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"Figure({[trace.type for trace in self.data]})"

    def add_trace(self, trace: Trace, *, row: int | None = None) -> "Figure":
        """Adds a trace, to one of several subplots: ``row`` from 1, the upper one."""
        if row is not None and row > 1:
            trace.update(xaxis=f"x{row}", yaxis=f"y{row}")
        elif row is not None:
            trace.update(xaxis="x", yaxis="y")
        self.data.append(trace)
        return self

    def add_scatter(self, *, row: int | None = None, **names: Any) -> "Figure":
        """Adds points or a line."""
        return self.add_trace(Scatter(**names), row=row)

    def add_bar(self, **names: Any) -> "Figure":
        """Adds bars."""
        return self.add_trace(Bar(**names))

    def add_heatmap(self, **names: Any) -> "Figure":
        """Adds a field."""
        return self.add_trace(Heatmap(**names))

    def add_shape(self, **names: Any) -> "Figure":
        """Adds a line or a circle."""
        self.layout.setdefault("shapes", []).append(Part(names))
        return self

    def add_annotation(self, given: Mapping[str, Any] | None = None, **names: Any) -> "Figure":
        """Adds a note."""
        self.layout.setdefault("annotations", []).append(Part(given, **names))
        return self

    def update_layout(self, **names: Any) -> "Figure":
        """Sets names of the layout."""
        self.layout.update(names)
        return self

    def update_xaxes(self, *, row: int | None = None, **names: Any) -> "Figure":
        """Sets names of all horizontal axes, or of one subplot's."""
        return self._update_axes("xaxis", row, names)

    def update_yaxes(self, *, row: int | None = None, **names: Any) -> "Figure":
        """Sets names of all vertical axes, or of one subplot's."""
        return self._update_axes("yaxis", row, names)

    def update_traces(self, **names: Any) -> "Figure":
        """Sets names of all traces."""
        for trace in self.data:
            trace.update(names)
        return self

    def update_axes(self, **names: Any) -> "Figure":
        """Sets names of all axes."""
        return self.update_xaxes(**names).update_yaxes(**names)

    def _update_axes(self, direction: str, row: int | None, names: Mapping[str, Any]) -> "Figure":
        wanted = None if row is None else direction if row == 1 else f"{direction}{row}"
        for name, axis in self.layout.items():
            if name == wanted or (wanted is None and name.startswith(direction)):
                axis.update(names)
        return self

    def to_json(self) -> str:
        """:meth:`to_dict` as text, and how its frames are played; what is not a number is null."""
        player = {"player": self.player} if self.player else {}
        return json.dumps(self.to_dict() | player, cls=PlotlyJSONEncoder)

    def to_dict(self) -> dict[str, Any]:
        """What is sent: arrays as bytes in base64, which the browser takes as they are."""
        found = {"data": _sent(self.data), "layout": _sent(self.layout)}
        if self.frames:
            found["frames"] = _sent(self.frames)
            _thin(found["frames"], found["data"])
        return found


def subplots(row_heights: Sequence[float], *, vertical_spacing: float) -> Figure:
    """A figure with plots above each other.

    Arguments:
        row_heights: Their heights, the upper one's first; only ratios count.
        vertical_spacing: Between two of them, as a share of the figure.
    """
    figure = Figure()
    room = 1 - vertical_spacing * (len(row_heights) - 1)
    top = 1.0
    for number, height in enumerate(row_heights, 1):
        bottom = top - room * height / sum(row_heights)
        suffix = "" if number == 1 else str(number)
        figure.layout.update({f"xaxis{suffix}": {"anchor": f"y{suffix}", "domain": [0.0, 1.0]}})
        domain = [max(0.0, bottom), top]
        figure.layout.update({f"yaxis{suffix}": {"anchor": f"x{suffix}", "domain": domain}})
        top = bottom - vertical_spacing
    return figure


def _thin(frames: list[dict[str, Any]], data: list[dict[str, Any]]) -> None:
    """Takes from the frames what stays as it is in the figure: Plotly lays a frame over its traces."""
    moving: dict[int, list[dict[str, Any]]] = {}
    for frame in frames:
        for number, trace in zip(frame["traces"], frame["data"], strict=True):
            moving.setdefault(number, []).append(trace)
    for number, shown in moving.items():
        _thin_parts(shown, {name: value for name, value in data[number].items() if name != "type"})


def _thin_parts(shown: list[dict[str, Any]], part: dict[str, Any]) -> None:
    for name, value in part.items():
        theirs = [one.get(name) for one in shown]
        if all(their == value for their in theirs):
            for one in shown:
                del one[name]
        elif all(isinstance(their, dict) and "bdata" not in their for their in (value, *theirs)):
            _thin_parts(theirs, value)  # type: ignore[arg-type]


def _sent(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _sent(value) if name not in _LISTS else _listed(value) for name, value in part.items()}
    if isinstance(part, (list, tuple)):
        # Of a list of numbers or words nothing has to be changed; the first one tells.
        return [_sent(one) for one in part] if part and not isinstance(part[0], (float, str)) else part
    return _bytes(part) if isinstance(part, np.ndarray) else part


def _listed(values: Any) -> Any:
    return values.tolist() if isinstance(values, np.ndarray) else values


def _bytes(array: Array) -> Any:
    if array.dtype.kind not in "iuf":
        return array.tolist()
    code = f"{array.dtype.kind}{array.dtype.itemsize}"
    if code in _SMALLER:
        code = next((small for small in _SMALLER[code] if _fits(array, small)), "f8")
        array = array.astype(code)
    found = {"dtype": code, "bdata": base64.b64encode(np.ascontiguousarray(array).data).decode("ascii")}
    return found | ({"shape": ", ".join(map(str, array.shape))} if array.ndim > 1 else {})


def _fits(array: Array, code: str) -> bool:
    if code == "f4":
        largest = np.abs(array, where=np.isfinite(array), out=np.zeros(array.shape)).max(initial=0.0)
        return bool(largest <= np.finfo("f4").max)
    limits = np.iinfo(code)
    return array.size == 0 or bool(limits.min <= array.min() and array.max() <= limits.max)
