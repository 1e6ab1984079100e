"""Run files that nobody vouches for: the run that was saved, or one sentence, and no code is run."""

import json
import os
import random
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch

from tests.run_files import forged, header_of, with_header
from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.errors import BadInput
from vae_core.formats import FORMAT
from vae_core.model import VAE
from vae_core.runs.runfile import MAX_FILE_BYTES, Run, load_run, parse_run, save_run
from vae_core.runs.snapshot import HISTORY_COLUMNS
from vae_core.training.loop import Training

DIGITS: Final = load_dataset("digits")
DATA: Final = replace(DIGITS, x_train=DIGITS.x_train[:100].clone())


@pytest.fixture(scope="module")
def run() -> Run:
    config = RunConfig(model=ModelConfig(data_dim=64, hidden_dims=(4,)), train=TrainConfig(num_epochs=3))
    generator = torch.Generator().manual_seed(0)
    training = Training(VAE(config.model, generator=generator), DATA, config.train, generator=generator)
    next(training.steps())
    tensors, scalars = training.state()
    history = np.arange(26, dtype=np.float64).reshape(2, len(HISTORY_COLUMNS))
    weights = {name: value.clone() for name, value in training.model.state_dict().items()}
    return Run(
        config=config,
        weights=weights,
        history=history,
        status="paused",
        state_tensors={name: value.clone() for name, value in tensors.items()},
        state_scalars=scalars,
    )


def saved(folder: Path, run: Run) -> bytes:
    save_run(folder / "run.safetensors", run, durable=False)
    return (folder / "run.safetensors").read_bytes()


@pytest.fixture
def content(tmp_path: Path, run: Run) -> bytes:
    return saved(tmp_path, run)


def use(content: bytes) -> Run:
    """Reads a run as one does who goes on with it."""
    run = parse_run(content)
    training = Training(run.model(), DATA, run.config.train, generator=torch.Generator())
    training.load_state(dict(run.state_tensors), dict(run.state_scalars))
    return run


def same(first: Run, second: Run) -> bool:
    plain = ("config", "status", "state_scalars")
    tensors = [(first.weights, second.weights), (first.state_tensors, second.state_tensors)]
    return (
        all(getattr(first, name) == getattr(second, name) for name in plain)
        and np.array_equal(first.history, second.history)
        and all(a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a) for a, b in tensors)
    )


def refusal(content: bytes) -> BadInput:
    with pytest.raises(BadInput) as caught:
        use(content)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)
    return caught.value


def test_the_run_itself_is_read(content: bytes, run: Run) -> None:
    assert same(use(content), run)


def test_any_truncation_and_any_addition_is_refused(content: bytes) -> None:
    assert refusal(content + b"\0").code == "run"
    for length in (0, 1, 7, 8, 9, 100, len(content) // 2, len(content) - 1):
        assert refusal(content[:length]).code == "run", length


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 2**31, 2**20 + 1, 0, 1])
def test_a_wrong_header_length_is_refused(length: int, content: bytes) -> None:
    assert refusal(struct.pack("<Q", length) + content[8:]).code == "run"


def test_any_flipped_bit_is_refused_or_changes_nothing(content: bytes, run: Run) -> None:
    """Every byte of the header, one of its bits each, and 300 bits of the body."""
    choice = random.Random(0)
    header_end = 8 + struct.unpack("<Q", content[:8])[0]
    places = [*range(header_end), *choice.sample(range(header_end, len(content)), 300)]
    refused = 0
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << choice.randrange(8)
        try:
            found = use(bytes(damaged))
        except BadInput:
            refused += 1
        else:
            assert same(found, run), f"byte {place}: {damaged[max(0, place - 20) : place + 20]!r}"
    assert refused > 0.95 * len(places)


def test_a_name_that_appears_twice_is_refused(content: bytes) -> None:
    header = json.dumps(header_of(content))[:-1] + ', "history": ' + json.dumps(header_of(content)["history"])
    assert "header cannot be read" in refusal(with_header(content, f"{header}}}".encode())).message


@pytest.mark.parametrize(
    "header", [b"[" * 5000 + b"]" * 5000, b"[]", b"{}", b"null", b"\xff\xfe", b'{"__metadata__": {"run": 3}}']
)
def test_a_header_that_is_none_is_refused(header: bytes, content: bytes) -> None:
    assert refusal(with_header(content, header)).code == "run"


def test_metadata_of_the_wrong_kind_are_refused(content: bytes) -> None:
    for text in ("", "[]", "null", "{}", "[" * 100_000, '{"format": null}'):
        header = header_of(content) | {"__metadata__": {"run": text}}
        assert refusal(with_header(content, json.dumps(header).encode())).code in ("run", "format"), text


def test_a_future_format_asks_for_an_update(content: bytes) -> None:
    about = json.loads(header_of(content)["__metadata__"]["run"]) | {"format": 99}
    header = header_of(content) | {"__metadata__": {"run": json.dumps(about)}}
    error = refusal(with_header(content, json.dumps(header).encode()))
    assert error.code == "format"
    assert str(error) == (
        f"the run was made by a newer version: format 99, this one reads up to {FORMAT}; "
        "update the app; the file is left as it is."
    )


def test_weights_are_those_of_the_model(tmp_path: Path, run: Run) -> None:
    name = "encoder.weights.0"
    fewer = {key: value for key, value in run.weights.items() if key != name}
    assert "encoder.weights.0 needs (4, 64), the file has nothing" in str(
        refusal(saved(tmp_path, replace(run, weights=fewer)))
    )
    turned = {**run.weights, name: run.weights[name].T.contiguous()}
    assert "the file has shape (64, 4)" in str(refusal(saved(tmp_path, replace(run, weights=turned))))
    more = {**run.weights, "encoder.weights.9": torch.zeros(1)}
    assert "encoder.weights.9" in str(refusal(saved(tmp_path, replace(run, weights=more))))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(value: float, tmp_path: Path, run: Run) -> None:
    weights = {**run.weights, "decoder.biases.0": torch.full((4,), value)}
    error = refusal(saved(tmp_path, replace(run, weights=weights)))
    assert (error.code, error.message) == (
        "diverged",
        "the run has diverged: its weights hold NaN or infinite values",
    )


def test_a_forger_knows_the_digest(content: bytes, run: Run) -> None:
    assert same(use(forged(content)), run)


@pytest.mark.parametrize(
    ("about", "code"),
    [
        ({"state": [1, 2]}, "run"),
        ({"state": None}, "run"),
        ({"state": {}}, "run"),
        ({"config": None}, "config"),
        ({"config": {"model": {"data_dim": 10**9}}}, "data_dim"),
        ({"config": {"model": {"data_dim": 64, "hidden_dims": [4], "latent_dim": 3}}}, "run"),
    ],
)
def test_forged_metadata_are_refused(about: dict[str, object], code: str, content: bytes) -> None:
    assert refusal(forged(content, **about)).code == code


@pytest.mark.parametrize(
    "change",
    [
        {"history": np.zeros((2, 3))},
        {"history": np.zeros(12)},
        {"history": np.zeros((2, 12), np.float32)},
        {"weights": {"x": torch.zeros(2, dtype=torch.float8_e4m3fn)}},
        {"weights": {}},
        {"state_tensors": {}},
    ],
    ids=lambda change: str(change)[:30],
)
def test_sound_files_of_senseless_runs_are_refused(change: dict[str, Any], tmp_path: Path, run: Run) -> None:
    assert refusal(saved(tmp_path, replace(run, **change))).code == "run"


def test_too_many_tensors_are_counted_before_they_are_read(tmp_path: Path, run: Run) -> None:
    tensors = {str(number): torch.zeros(1) for number in range(600)}
    assert "more than 500 tensors" in str(refusal(saved(tmp_path, replace(run, state_tensors=tensors))))


class Canary:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.path,)


def test_a_pickle_in_disguise_is_not_opened(tmp_path: Path) -> None:
    canary, path = tmp_path / "canary", tmp_path / "run.safetensors"
    torch.save({"model.encoder.weights.0": Canary(str(canary))}, path)
    with pytest.raises(BadInput):
        load_run(path)
    assert not canary.exists()


def test_an_oversized_file_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "big.safetensors"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)

    def unread(self: Path) -> bytes:
        raise AssertionError(f"{self} was read")

    monkeypatch.setattr(Path, "read_bytes", unread)
    with pytest.raises(BadInput, match=r"big\.safetensors is larger than 64 MB"):
        load_run(path)
