"""The NumPy archives that the browser writes are those that numpy writes, byte for byte within."""

import io
import zipfile
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.js.node import call

MODULE: Final = "latent/npz.js"
WRITE: Final = """arrays => {
    const TYPES = { f4: Float32Array, f8: Float64Array, i4: Int32Array };
    // The values lie within a larger buffer: what is around them must not come along.
    const within = (values) => values.constructor.from([9, ...values, 9]).subarray(1, values.length + 1);
    const array = ({ type, shape, values }) => {
        return type === "U" ? m.texts(values) : { shape, values: within(TYPES[type].from(values)) };
    };
    const named = Object.entries(arrays).map(([name, one]) => [name, array(one)]);
    return Array.from(m.npzBytes(Object.fromEntries(named)));
}"""

ARRAYS: Final[dict[str, NDArray[Any]]] = {
    "none": np.zeros((0, 3), np.float32),
    "no_rows_at_all": np.zeros(0, np.float64),
    "scalar": np.array(-7, np.int32),
    "one": np.array([0.1], np.float32),
    "seven": np.linspace(-1, 1, 7, dtype=np.float32),
    "double": np.array([[0.1, -1e300, np.inf], [np.nan, -0.0, 5e-324]]),
    "block": np.arange(3 * 5 * 7, dtype=np.float32).reshape(3, 5, 7),
    "labels": np.array([-1, 0, 2**31 - 1], np.int32),
    "place": np.array(["z", "pin 1", "drawing, mean of q", "z₁ → 𝒩", ""]),
}


def described(array: NDArray[Any]) -> dict[str, object]:
    """What the browser is told; plain values."""
    kind = "U" if array.dtype.kind == "U" else f"{array.dtype.kind}{array.dtype.itemsize}"
    return {"type": kind, "shape": list(array.shape), "values": array.ravel().tolist()}


def npy(array: NDArray[Any]) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=(1, 0), allow_pickle=False)
    return out.getvalue()


def test_every_file_of_the_archive_is_numpys() -> None:
    content = bytes(call(MODULE, WRITE, {name: described(array) for name, array in ARRAYS.items()}))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None, "a checksum is wrong"
        assert archive.namelist() == [f"{name}.npy" for name in ARRAYS]
        for name, array in ARRAYS.items():
            assert archive.read(f"{name}.npy") == npy(array), name
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        for name, array in ARRAYS.items():
            assert found[name].dtype == array.dtype, name
            np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_an_archive_of_nothing_is_one() -> None:
    with np.load(io.BytesIO(bytes(call(MODULE, WRITE, {}))), allow_pickle=False) as found:
        assert found.files == []


@pytest.mark.parametrize("shape", [(2, 2), (4,), ()])
def test_values_that_do_not_fill_the_shape_are_refused(shape: tuple[int, ...]) -> None:
    script = """shape => {
        try { return m.npyBytes(m.floats([1, 2, 3], shape)) && ""; }
        catch (error) { return error.message; }
    }"""
    assert call(MODULE, script, list(shape)).startswith("3 values")
