"""MNIST from OpenML: a small recorded answer in the place of the network, and what is said without one."""

import socket
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import sklearn.datasets

from vae_core.data import load_dataset, openml
from vae_core.data.openml import DIGESTS, OPEN_SETS, fetch, is_kept
from vae_core.errors import BadInput

NUM_TRAINING = 50


def answer() -> tuple[np.ndarray, np.ndarray]:
    """As scikit-learn gives it: whole numbers of 8 bytes, and classes as text."""
    rng = np.random.default_rng(0)
    return rng.integers(256, size=(60, 784)), rng.integers(10, size=60).astype(str)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What scikit-learn is asked for; it answers with sixty images."""
    found: list[dict[str, Any]] = []

    def fetch_openml(**asked: Any) -> tuple[np.ndarray, np.ndarray]:
        found.append(asked)
        Path(asked["data_home"]).mkdir(parents=True)
        (Path(asked["data_home"]) / "download.arff.gz").write_bytes(b"x" * 1000)
        return answer()

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch_openml)
    monkeypatch.setattr(openml, "NUM_TRAINING", NUM_TRAINING)
    return found


@pytest.mark.parametrize("name", OPEN_SETS)
def test_what_was_fetched_is_trained_on_as_idx_files(
    name: str, tmp_path: Path, asked: list[dict[str, Any]]
) -> None:
    said: list[float] = []
    folder = tmp_path / "openml" / name
    assert not is_kept(folder)
    fetch(name, folder, on_progress=said.append)
    assert is_kept(folder)
    assert (asked[0]["data_id"], asked[0]["data_home"]) == (OPEN_SETS[name].data_id, folder / "download")
    data, (x, y) = load_dataset("idx", folder=folder), answer()
    assert data.labels_train is not None
    assert np.array_equal(data.x_train[:].numpy(), (x[:NUM_TRAINING] / 255).astype(np.float32))
    assert np.array_equal(data.x_test[:].numpy(), (x[NUM_TRAINING:] / 255).astype(np.float32))
    assert [data.class_names[label] for label in data.labels_train] == y[:NUM_TRAINING].tolist()
    assert not (folder / "download").exists(), "nothing of the download stays"
    assert said == sorted(said)
    assert said[-1] <= 1


def test_it_is_fetched_again_where_its_digest_is_another_one(
    tmp_path: Path, asked: list[dict[str, Any]]
) -> None:
    for _ in range(2):
        fetch("mnist", tmp_path, on_progress=lambda _: None)
    assert len(asked) == 1
    path = tmp_path / "train-images-idx3-ubyte"
    before = path.read_bytes()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    fetch("mnist", tmp_path, on_progress=lambda _: None)
    assert len(asked) == 2
    assert path.read_bytes() == before
    (tmp_path / DIGESTS).write_text("[]")
    fetch("mnist", tmp_path, on_progress=lambda _: None)
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (URLError("Name or service not known"), "Name or service not known"),
        (TimeoutError("timed out"), "timed out"),
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer"),
        (ValueError("md5 checksum of local file does not match description"), "md5 checksum"),
    ],
)
def test_without_the_network_it_says_why_and_what_to_do(
    error: Exception, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**asked: Any) -> None:
        raise error

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fail)
    before = socket.getdefaulttimeout()
    with pytest.raises(BadInput, match="MNIST could not be fetched from OpenML") as caught:
        fetch("mnist", tmp_path, on_progress=lambda _: None)
    assert why in caught.value.message
    assert "bring the four IDX files" in caught.value.hint
    assert caught.value.code == "network"
    assert socket.getdefaulttimeout() == before
    assert not is_kept(tmp_path)


def test_a_blocked_network_is_said_by_scikit_learn_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own code runs down to the connection."""

    def blocked(*arguments: Any, **more: Any) -> None:
        raise OSError("the network is unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", blocked)
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.warns(UserWarning, match="network error"), pytest.raises(BadInput) as caught:
        fetch("fashion_mnist", tmp_path, on_progress=lambda _: None)
    assert "Fashion-MNIST could not be fetched from OpenML (the network is unreachable)" in str(caught.value)


@pytest.mark.parametrize(
    ("x", "y", "why"),
    [
        (np.zeros((60, 100)), np.zeros(60), "shape"),
        (np.zeros((40, 784)), np.zeros(40), "shape"),
        (np.full((60, 784), 0.5), np.zeros(60), "no bytes"),
        (np.zeros((60, 784)), np.full(60, 11), "no bytes and classes"),
        (np.zeros((60, 784)), np.array(["cat"] * 60), "could not be fetched"),
    ],
)
def test_an_answer_of_another_kind_is_refused(
    x: np.ndarray, y: np.ndarray, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openml, "NUM_TRAINING", NUM_TRAINING)
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", lambda **asked: (x, y))
    with pytest.raises(BadInput, match=why):
        fetch("mnist", tmp_path, on_progress=lambda _: None)
    assert not is_kept(tmp_path)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, asked: list[dict[str, Any]]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="MNIST cannot be kept") as caught:
        fetch("mnist", tmp_path / "file" / "mnist", on_progress=lambda _: None)
    assert caught.value.code == "disk"
