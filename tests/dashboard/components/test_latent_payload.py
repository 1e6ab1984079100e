"""What the latent explorer is told: everything arrives, aligned, and within its limits."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from dashboard.components.latent import payload as latent_payload
from dashboard.components.latent.element import Settled, settled
from dashboard.components.latent.payload import PackedModel, flat_weights, latent_message, pack_model
from vae_core.config import ModelConfig
from vae_core.model import VAE

CONFIG = ModelConfig(data_dim=9, latent_dim=2, hidden_dims=(5,))
TYPES = {"f4": "<f4", "i4": "<i4", "u1": "u1"}


def numbers(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(size=shape).astype(np.float32)


def pack(count: int = 7, config: ModelConfig = CONFIG, **changes: Any) -> PackedModel | None:
    """The packed model of some model and data; keywords replace arguments."""
    about = {
        "image_shape": (3, 3),
        "class_names": ("a", "b"),
        "kl_per_dim": [1.0, 2.0],
        "step": 5,
        "run": "r",
    }
    given: dict[str, Any] = {
        "decoder": numbers(2 * 5 + 5 + 5 * 9 + 9),
        "encoder": numbers(9 * 5 + 5 + 5 * 4 + 4),
        "scale": None,
        "x": numbers(count, config.data_dim),
        "labels": np.arange(count, dtype=np.int32) % 2,
        "means": numbers(count, config.latent_dim) * 4,
        "stds": numbers(count, config.latent_dim),
        "about": about,
    }
    return pack_model(config, **given | changes)


def packed(*args: Any, **changes: Any) -> PackedModel:
    model = pack(*args, **changes)
    assert model is not None
    return model


def read(packet: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Meta and arrays of a packet, read as the browser does."""
    head = int.from_bytes(packet[:4], "little")
    assert head % 4 == 0, head
    meta = json.loads(packet[4 : 4 + head])
    arrays = {}
    for name, place in meta["arrays"].items():
        assert place["offset"] % 4 == 0, name
        kind, start = TYPES[place["type"]], 4 + head + place["offset"]
        arrays[name] = np.frombuffer(packet, kind, place["length"], start)
    return meta, arrays


def test_everything_arrives() -> None:
    meta, arrays = read(latent_message(packed(), plane=(1, 0)))
    assert (meta["plane"], meta["step"], meta["run"], meta["image_shape"]) == ([1, 0], 5, "r", [3, 3])
    assert meta["config"]["hidden_dims"] == [5], meta["config"]
    np.testing.assert_array_equal(arrays["decoder"], numbers(69))
    np.testing.assert_array_equal(arrays["means"].reshape(7, 2), numbers(7, 2) * 4)
    np.testing.assert_array_equal(arrays["labels"], [0, 1, 0, 1, 0, 1, 0])
    error = np.abs(arrays["x"].reshape(7, 9) / 255 - numbers(7, 9)).max()
    assert error <= 0.5 / 255 + 1e-6, error


def test_points_stay_floats() -> None:
    about = {"image_shape": None, "class_names": (), "kl_per_dim": [], "step": 0, "run": ""}
    x = -3 * numbers(7, 9)
    _, arrays = read(latent_message(packed(x=x, about=about, scale=0.5), plane=(0, 1)))
    np.testing.assert_array_equal(arrays["x"].reshape(7, 9), x)


def test_images_out_of_range_are_clipped() -> None:
    x = np.array([[np.nan, -1.0, 2.0, 0.5] + [0.0] * 5], np.float32)
    _, arrays = read(latent_message(packed(1, x=x), plane=(0, 1)))
    assert arrays["x"].tolist()[:4] == [0, 0, 255, 128], arrays["x"]


def test_weights_lie_layer_by_layer() -> None:
    mlp = VAE(CONFIG, generator=torch.Generator().manual_seed(0)).decoder
    weights, biases = ([p.detach().numpy() for p in part] for part in (mlp.weights, mlp.biases))
    flat = flat_weights(weights, biases)
    assert len(flat) == 2 * 5 + 5 + 5 * 9 + 9, len(flat)
    np.testing.assert_array_equal(flat[:10].reshape(5, 2), weights[0])
    np.testing.assert_array_equal(flat[15:60].reshape(9, 5), weights[1])


def test_hash_names_the_weights() -> None:
    first, again, other = packed(), packed(x=numbers(7, 9) / 2), packed(encoder=numbers(74) / 2)
    assert first.meta["hash"] == again.meta["hash"] != other.meta["hash"]


def test_decoder_that_is_too_large_is_not_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(latent_payload, "MAX_DECODER_BYTES", 4 * 69 - 1)
        assert pack() is None
    monkeypatch.setattr(latent_payload, "MAX_DECODER_PRODUCTS", 2 * 5 + 5 * 9 - 1)
    assert pack() is None


def test_images_are_left_out_to_stay_small(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = len(packed(100).body)
    monkeypatch.setattr(latent_payload, "MAX_BYTES", whole - 500)
    monkeypatch.setattr(latent_payload, "MIN_X_BYTES", 0)
    model = packed(100)
    _, arrays = read(latent_message(model, plane=(0, 1)))
    assert len(model.body) <= whole - 500
    assert 40 < len(arrays["x"]) // 9 < 50
    assert len(arrays["labels"]) == 100


def test_many_dimensions_leave_data_out() -> None:
    wide = replace(CONFIG, latent_dim=500)
    _, arrays = read(latent_message(packed(1200, wide), plane=(0, 1)))
    assert len(arrays["labels"]) == 1000
    assert len(arrays["means"]) == 500_000


def said(**changed: object) -> dict[str, object]:
    """What the element says when the hand rests, with changes."""
    return {"settled": {"run": "a", "z": [0.5, -1], "pins": [[1.0, 2.0]], "row": None} | changed}


def understood(value: object) -> Settled | None:
    return settled(value, run="a", latent_dim=2, num_examples=10)


def test_link_says_where_the_element_begins() -> None:
    meta, _ = read(latent_message(packed(), plane=(1, 0), z=(0.5, -1.0), pins=((1.0, 2.0),)))
    assert meta["start"] == {"z": [0.5, -1.0], "pins": [[1.0, 2.0]]}
    meta, _ = read(latent_message(packed(), plane=(1, 0)))
    assert meta["start"] == {"z": [], "pins": []}


@pytest.mark.parametrize(
    ("given", "row"), [(3, 3), (0, 0), (10, None), (-1, None), (True, None), ("3", None), (None, None)]
)
def test_a_chosen_example_is_one_of_those_shown(given: object, row: int | None) -> None:
    assert understood(said(row=given)) == Settled((0.5, -1.0), ((1.0, 2.0),), row)


@pytest.mark.parametrize(
    "pins", [[[1.0]], [[1.0, float("nan")]], [[1.0, "2"]], [[1.0, 1e9]], ["ab"], [None], [{}]]
)
def test_a_pin_that_is_no_point_is_left_out(pins: list[object]) -> None:
    assert understood(said(pins=[*pins, [3, 4]])) == Settled((0.5, -1.0), ((3.0, 4.0),), None)


def test_more_pins_than_the_element_has_are_left_out() -> None:
    found = understood(said(pins=[[0.0, 1.0]] * 1000))
    assert found is not None
    assert len(found.pins) == 2


@pytest.mark.parametrize(
    "value",
    [
        said(run="b"),
        said(z=[1.0]),
        said(z=None),
        said(z=[1.0, float("inf")]),
        said(pins=None),
        {"settled": [3]},
        {},
        None,
        "settled",
    ],
)
def test_what_is_nothing_of_this_run_says_nothing(value: object) -> None:
    assert understood(value) is None
