"""Layouts of tensors that no writer makes, and metadata of every kind: refused, and nothing but that."""

import copy
import json
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.run_files import about_of, body_of, forged, header_of, sealed
from vae_core.config import RunConfig
from vae_core.errors import BadInput
from vae_core.runs.driver import open_training
from vae_core.runs.runfile import MAX_HEADER_BYTES, Run, parse_run
from vae_core.training.loop import Training

CONTENT: Final = (Path(__file__).parents[1] / "faults/golden/format2/run.safetensors").read_bytes()
"""Of a tiny model of points in the plane."""
FIRST: Final = "model.encoder.weights.0"
Tensors = dict[str, Any]


def tensors() -> Tensors:
    return {name: value for name, value in header_of(CONTENT).items() if name != "__metadata__"}


def refusal(content: bytes) -> BadInput:
    with pytest.raises(BadInput) as caught:
        parse_run(content).model()
    assert len(str(caught.value)) < 300
    return caught.value


def unknown_type(found: Tensors) -> None:
    found[FIRST]["dtype"] = "F1024"


def negative_offset(found: Tensors) -> None:
    found[FIRST]["data_offsets"] = [-4, found[FIRST]["data_offsets"][1]]


def overlap(found: Tensors) -> None:
    size = found[FIRST]["data_offsets"][1] - found[FIRST]["data_offsets"][0]
    found[FIRST]["data_offsets"] = [0, size]


def hole(found: Tensors) -> None:
    del found[FIRST]


def backwards(found: Tensors) -> None:
    found[FIRST]["data_offsets"].reverse()


def beyond_the_end(found: Tensors) -> None:
    found[FIRST]["data_offsets"] = [2**62, 2**62 + 32]


def huge_shape(found: Tensors) -> None:
    found[FIRST]["shape"] = [2**32, 2**32, 2**32]


def shape_of_another_size(found: Tensors) -> None:
    found[FIRST]["shape"] = [4, 3]


def negative_shape(found: Tensors) -> None:
    found[FIRST]["shape"] = [-4, -2]


def no_object(found: Tensors) -> None:
    found[FIRST] = [1, 2]


LAYOUTS: Final[tuple[Callable[[Tensors], None], ...]] = (
    unknown_type,
    negative_offset,
    overlap,
    hole,
    backwards,
    beyond_the_end,
    huge_shape,
    shape_of_another_size,
    negative_shape,
    no_object,
)


@pytest.mark.parametrize("change", LAYOUTS)
def test_a_layout_that_no_writer_makes_is_refused_whatever_its_digest(
    change: Callable[[Tensors], None],
) -> None:
    found = tensors()
    assert parse_run(sealed(found, about_of(CONTENT), body_of(CONTENT))).step == 5
    change(found)
    assert refusal(sealed(found, about_of(CONTENT), body_of(CONTENT))).code == "run"


def test_weights_of_another_type_are_named() -> None:
    found = tensors()
    found[FIRST]["dtype"] = "I32"
    error = refusal(sealed(found, about_of(CONTENT), body_of(CONTENT)))
    assert error.message == "weight encoder.weights.0 needs float32, the file has int32"


def test_a_flipped_bit_of_a_weight_is_told_by_the_digest() -> None:
    damaged = bytearray(CONTENT)
    damaged[-1] ^= 1
    assert refusal(bytes(damaged)).message == (
        "the run file is damaged: its contents and its SHA-256 digest differ"
    )


def test_the_name_of_a_superfluous_weight_is_cut() -> None:
    found = tensors()
    end = max(entry["data_offsets"][1] for entry in found.values())
    found["model." + "x" * 100_000] = {"dtype": "F32", "shape": [1], "data_offsets": [end, end + 4]}
    error = refusal(sealed(found, about_of(CONTENT), body_of(CONTENT) + b"\0" * 4))
    assert error.message == f"the file has a weight '{36 * 'x'}... that this model does not have"


def test_two_hundred_thousand_tensors_are_refused_unread() -> None:
    many = {f"t{number}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for number in range(200_000)}
    content = sealed(many, about_of(CONTENT), b"")
    assert len(content) > 10 * MAX_HEADER_BYTES
    began = time.process_time()  # what else the machine does counts no time
    assert refusal(content).code == "run"
    assert time.process_time() - began < 0.5, "the header was parsed"


def test_steps_that_fall_and_statuses_of_others_are_refused() -> None:
    assert "status is 'asleep'" in str(refusal(forged(CONTENT, status="asleep")))
    body, place = bytearray(body_of(CONTENT)), tensors()["history"]["data_offsets"][0]
    for wrong in (struct.pack("<d", float("nan")), struct.pack("<d", float("inf")), struct.pack("<d", 3.0)):
        body[place : place + 8] = wrong
        content = sealed(tensors(), about_of(CONTENT), bytes(body))
        assert "steps that do not rise" in str(refusal(content)), wrong


NUMBERS: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -(10**400), 2**63, 2**31, 0, -1, 5]),
    st.floats(),
)
VALUES: Final = st.recursive(
    NUMBERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def places(values: dict[str, Any], above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The ways to each value within nested dictionaries."""
    found: list[tuple[str, ...]] = []
    for name, value in values.items():
        found.append((*above, name))
        if isinstance(value, dict):
            found += places(value, (*above, name))
    return found


PLACES: Final = [place for place in places(about_of(CONTENT)) if place != ("sha256",)]


def used(content: bytes) -> tuple[Run, Training] | str:
    """The run and its training, or why there is none."""
    try:
        run = parse_run(content)
        run.model()
        return run, open_training(run.config, run)
    except BadInput as err:
        return str(err)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([*PLACES, ("config", "later"), ("config", "train", "later")]), VALUES)
def test_any_value_anywhere_is_used_or_refused_in_one_sentence(place: tuple[str, ...], value: Any) -> None:
    """With a digest that fits. What is used goes on: it can be looked at, trained, and saved."""
    about = copy.deepcopy(about_of(CONTENT))
    target = about
    for name in place[:-1]:
        target = target[name]
    target[place[-1]] = value
    found = used(forged(CONTENT, **about))
    if isinstance(found, str):
        assert "\n" not in found
        assert len(found) < 400
    else:
        run, training = found
        assert (run.step, training.beta >= 0, isinstance(run.notice, str)) == (training.step, True, True)
        next(training.steps(), None)
        assert RunConfig.from_json(run.config.to_json()) == run.config


@pytest.mark.parametrize("name", ["config", "state", "status"])
def test_metadata_that_lack_a_part_are_refused(name: str) -> None:
    about = about_of(CONTENT)
    del about[name]
    assert refusal(sealed(tensors(), about, body_of(CONTENT))).code in ("run", "config")


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", '{"a": 1, "a": 2}', "[" * 10_000 + "]" * 10_000]
)
def test_metadata_that_are_no_json_are_refused(text: str) -> None:
    about = json.dumps({"format": 2})[:-1] + f', "later": {text}}}'
    header = {**tensors(), "__metadata__": {"run": about}}
    encoded = json.dumps(header).encode()
    content = struct.pack("<Q", len(encoded)) + encoded + body_of(CONTENT)
    assert refusal(content).message == "this file is not a run"


def test_a_run_that_is_looked_at_needs_no_more_than_its_weights() -> None:
    """Forged state tensors do not hinder a page, and a training refuses them."""
    found = tensors()
    order = found.pop("state.order")
    found["state.disorder"] = order
    content = sealed(found, about_of(CONTENT), body_of(CONTENT))
    run = parse_run(content)
    assert bool(torch.isfinite(run.model().encoder.weights[0]).all())
    with pytest.raises(BadInput, match="training state is damaged"):
        open_training(run.config, run)
