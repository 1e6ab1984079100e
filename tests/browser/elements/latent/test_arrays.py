"""Coordinates and arrays of the latent explorer to take home: CSV and NPZ have torch's numbers."""

import csv
import io
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tests.browser.elements.latent.explorer import MountedExplorer
from tests.browser.elements.latent.models import NUM_EXAMPLES, make_examples, make_model
from tests.browser.elements.latent.test_saving import BETWEEN, DRAWING, NEAREST, TABLE, saved, titles

TOLERANCE = 1e-5


def archive(explorer: MountedExplorer, title: str) -> dict[str, NDArray[Any]]:
    """The arrays of an archive, which are those that its button names, in single precision."""
    path = saved(explorer, title, "NPZ")
    with zipfile.ZipFile(path) as files:
        assert files.testzip() is None, title
    with np.load(path, allow_pickle=False) as found:
        arrays = dict(found)
    said = explorer.root.get_by_role("button", name=f"{title} as NPZ").get_attribute("title")
    assert said == f"The arrays {', '.join(arrays)}, for numpy.load."
    assert {str(array.dtype) for array in arrays.values() if array.dtype.kind == "f"} == {"float32"}
    return arrays


def assert_decoded(kind: str, z: NDArray[np.float32], x: NDArray[np.float32]) -> None:
    """x, shape (..., D), is torch's E[x|z] of z, shape (..., J)."""
    assert z.shape[:-1] == x.shape[:-1]
    with torch.no_grad():
        expected = make_model(kind, 1).double().likelihood(torch.from_numpy(z).double()).mean
    np.testing.assert_allclose(x, expected.numpy(), atol=TOLERANCE, rtol=TOLERANCE)


def test_places_and_arrays_come_back(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened("deep")
    places = []
    for z in [(0.5, -0.5), (-1.0, 1.0)]:
        explorer.click(z)
        places.append(explorer.numbers("z"))
    titles(explorer)
    header, *rows = csv.reader(io.StringIO(saved(explorer, TABLE, "CSV").read_text("utf-8")))
    assert header == ["place", *(f"z_{j}" for j in range(1, 6))]
    names = [row[0] for row in rows]
    assert names == ["z", "pin 1", "pin 2", *(f"path {k / 40:g}" for k in range(41))]
    numbers = np.array([row[1:] for row in rows], np.float64)
    np.testing.assert_allclose(numbers[[0, 1, 2, 3, 43]], np.array(places)[[1, 0, 1, 0, 1]], atol=1e-6)
    np.testing.assert_allclose(numbers[23], np.mean(places, axis=0), atol=1e-6)
    found = archive(explorer, TABLE)
    assert found["place"].tolist() == names
    np.testing.assert_allclose(found["z"], numbers, atol=1e-6)
    assert_decoded("deep", found["z"], found["x"])
    check_decoded_arrays(explorer, np.array(places))
    check_data_arrays(explorer)


def check_decoded_arrays(explorer: MountedExplorer, pins: NDArray[np.float64]) -> None:
    """z at the second pin and its Jacobian, the pictures on the way, and the traversals."""
    model = make_model("deep", 1).double()
    at, derivative, between, rows = (
        archive(explorer, title)
        for title in ("Decoded image", "Derivatives of the image", BETWEEN, "Traversals")
    )
    for one in (at, derivative, between, rows):
        assert_decoded("deep", one["z"], one["x"])
    assert [one["x"].shape for one in (at, derivative, between, rows)] == [(48,), (48,), (11, 48), (5, 9, 48)]
    np.testing.assert_allclose(at["z"], pins[1], atol=1e-6)
    jacobian = torch.autograd.functional.jacobian(lambda z: model.likelihood(z).mean, torch.tensor(pins[1]))
    np.testing.assert_allclose(derivative["jacobian"], np.asarray(jacobian), atol=TOLERANCE)
    assert derivative["plane"].tolist() == [1, 2]
    np.testing.assert_allclose(
        between["z"], pins[0] + between["share"][:, None] * (pins[1] - pins[0]), atol=1e-6
    )
    for row, dim in enumerate(rows["dims"] - 1):
        expected = np.tile(pins[1], (9, 1))
        expected[:, dim] = np.linspace(-3, 3, 9)
        np.testing.assert_allclose(rows["z"][row], expected, atol=1e-6)


def check_data_arrays(explorer: MountedExplorer) -> None:
    """q(z|x) of the held-out data, of the nearest of them, and of a held-out image on the drawing sheet."""
    model, data = make_model("deep", 1), make_examples("deep")
    explorer.root.get_by_role("button", name="Take a held-out image").click()
    explorer.rest()
    plane, nearest, drawing = (archive(explorer, title) for title in ("Latent plane", NEAREST, DRAWING))
    with torch.no_grad():
        q = model.posterior(data)
        drawn = model.posterior(torch.from_numpy(drawing["x"])[None])
    np.testing.assert_allclose(plane["means"], q.mean.numpy())
    np.testing.assert_allclose(plane["stds"], q.std.numpy())
    assert plane["labels"].tolist() == [k % 3 for k in range(NUM_EXAMPLES)]
    row = int(nearest["row"])
    assert row == int(explorer.numbers("nearest")[0])
    for one, index in ((nearest, row), (drawing, 0)):
        # Images travel in 256 levels.
        np.testing.assert_allclose(one["x"], data[index].numpy(), atol=0.5 / 255 + 1e-6)
        assert_decoded("deep", one["mean"], one["decoded"])
    np.testing.assert_allclose(nearest["mean"], q.mean[row].numpy())
    np.testing.assert_allclose(nearest["std"], q.std[row].numpy())
    np.testing.assert_allclose(drawing["mean"], drawn.mean[0].numpy(), atol=TOLERANCE)
    np.testing.assert_allclose(drawing["std"], drawn.std[0].numpy(), rtol=TOLERANCE)


def test_arrays_of_points(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened("points")
    titles(explorer)
    space, path = archive(explorer, "Data space"), archive(explorer, "Path along z₂")
    assert space["mesh_x"].shape == (11, 11, 2)
    for z, x in ((space["mesh_z"], space["mesh_x"]), (space["z"], space["x"]), (path["z"], path["x"])):
        assert_decoded("points", z, x)
    np.testing.assert_allclose(path["z"][:, 1], np.linspace(-3, 3, 49), atol=1e-6)
    nearest = archive(explorer, NEAREST)
    np.testing.assert_allclose(nearest["x"], make_examples("points")[int(nearest["row"])].numpy())
    header, row = csv.reader(io.StringIO(saved(explorer, TABLE, "CSV").read_text("utf-8")))
    assert header == ["place", "z_1", "z_2", "x_1", "x_2"]
    assert_decoded("points", *np.array(row[1:], np.float32).reshape(2, 2))
