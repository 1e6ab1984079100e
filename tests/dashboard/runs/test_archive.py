"""A zip of many runs: what went in comes out, and nothing that somebody puts into one does harm."""

import io
import random
import zipfile
from pathlib import Path
from typing import Final

import pytest

from dashboard.runs import archive
from dashboard.runs.about import About
from dashboard.runs.archive import is_small_enough, read_zip, zip_of
from dashboard.runs.store import RunStore
from vae_core.config import ModelConfig, RunConfig
from vae_core.errors import BadInput

CONFIG: Final = RunConfig(model=ModelConfig(data_dim=64, hidden_dims=(8,)))


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return out.getvalue()


def test_zip_holds_files_names_notes_and_tags(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    said = [About(name="same"), About(name="same", note="of the second", tags=("β",)), About(name="../x")]
    ids = [store.create(CONFIG, about=about) for about in said]
    unsaved = store.create(CONFIG)
    for number, run_id in enumerate(ids):
        folder = store.folder(run_id)
        assert folder is not None
        (folder / "run.safetensors").write_bytes(bytes([number]) * 10)
    found = list(read_zip(zip_of(store, [*ids, unsaved, "0" * 16])))
    assert not is_small_enough(store, ids * 100)
    with pytest.raises(BadInput, match="fewer"):
        zip_of(store, ids * 100)
    assert [member.content for member in found] == [bytes([number]) * 10 for number in range(3)]
    assert [(one.about.name, one.about.note, one.about.tags) for one in found] == [
        (about.name, about.note, about.tags) for about in said
    ]


def test_zip_without_a_description_names_runs_by_their_files() -> None:
    found = list(
        read_zip(zipped({"a/../../beta-4-a3f1.safetensors": b"x", "about.json": b"[", "y.txt": b""}))
    )
    assert [(one.about.name, one.content) for one in found] == [("beta-4", b"x")]


def test_zip_that_does_harm_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (
        b"",
        b"PK\x03\x04",
        zipped({}),
        zipped({"a.txt": b"x"}),
        zipped({"a.safetensors": b"x"})[:-4],
    ):
        with pytest.raises(BadInput, match="zip"):
            list(read_zip(content))
    monkeypatch.setattr(archive, "MAX_ZIP_BYTES", 1000)
    with pytest.raises(BadInput, match="more than"):
        list(read_zip(zipped({"bomb.safetensors": b"0" * 1001}, zipfile.ZIP_DEFLATED)))
    monkeypatch.setattr(archive, "_MAX_MEMBERS", 2)
    with pytest.raises(BadInput, match="more than"):
        list(read_zip(zipped({"a.safetensors": b"", "b": b"", "c": b""})))
    monkeypatch.setattr(archive, "MAX_RUNS", 1)
    with pytest.raises(BadInput, match="more than"):
        list(read_zip(zipped({"a.safetensors": b"", "b.safetensors": b""})))


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_damaged_zip_is_read_or_refused_in_one_sentence(compression: int) -> None:
    members = {"é.safetensors": random.Random(1).randbytes(200) + bytes(400), "about.json": b'{"a": {}}'}
    whole = zipped(members, compression)
    drawn = random.Random(0)
    refused = 0
    for _ in range(400):
        damaged = bytearray(whole)
        for _ in range(drawn.choice((1, 1, 4))):
            damaged[drawn.randrange(len(damaged))] = drawn.randrange(256)
        try:
            list(read_zip(bytes(damaged)))
        except BadInput:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_of_another_compression_is_refused(compression: int) -> None:
    with pytest.raises(BadInput, match="compressed in a way"):
        list(read_zip(zipped({"a.safetensors": b"x"}, compression)))


def test_a_description_that_is_too_long_is_as_if_it_were_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    said = b'{"a.safetensors": {"name": "Tuesday"}}'
    content = zipped({"a.safetensors": b"x", "about.json": said + b" " * 100})
    assert [member.about.name for member in read_zip(content)] == ["Tuesday"]
    monkeypatch.setattr(archive, "_MAX_ABOUT", len(said) - 1)
    assert [member.about.name for member in read_zip(content)] == ["a"]
