"""What people say about a run: any text is kept as text, and none becomes a path."""

import json
from pathlib import Path
from typing import Final

import pytest

from dashboard.runs.about import (
    MAX_NAME,
    MAX_TAGS,
    About,
    file_stem,
    name_in_file,
    one_line,
    tags_of,
)
from dashboard.runs.store import RunStore
from vae_core.config import ModelConfig, RunConfig

CONFIG: Final = RunConfig(model=ModelConfig(data_dim=64, hidden_dims=(8,)))
HOSTILE: Final = (
    "n" * 300,
    "🦊🎓 teacher's 👩\u200d🏫",
    "\u202egpj.exe",
    "CON",
    "trailing.",
    "../../../etc/passwd",
    "nul\0byte",
    "two\nlines",
    '"\r\nX-Evil: yes',
    "<b>bold</b> $x$ **b** [a](javascript:0)",
    "\ud800 alone",
    "日本語のラン",
    "-rf *",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text_and_touch_no_path(tmp_path: Path, name: str) -> None:
    store = RunStore(tmp_path)
    run_id = store.create(CONFIG, about=About(name=name, note=name, tags=(name,)))
    before = {path.relative_to(tmp_path) for path in tmp_path.rglob("*")}
    about = store.about(run_id)
    assert about.name == one_line(name, MAX_NAME) != ""
    assert about.name.isprintable() or "\u200d" in about.name
    about.name.encode("utf-8")
    store.write_about(run_id, about.renamed(name=f"{name}!"))
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*")} == before
    stem = file_stem(about, run_id)
    assert Path(stem).name == stem
    assert not set(stem) & set('/\\:*?"<>|\r\n\0. ')
    assert len(stem.encode()) < 250


def test_ordinary_text_is_kept_to_the_letter(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    about = About(name="β = 4, Tuesday", note="first line\n  second", tags=("lesson 3", "β"))
    run_id = store.create(CONFIG, about=about)
    kept = store.about(run_id)
    assert (kept.name, kept.note, kept.tags) == (about.name, about.note, about.tags)
    assert kept.created > 1.7e9
    assert kept.renamed(note="").created == kept.created
    with pytest.raises(TypeError, match="owner"):
        kept.renamed(owner="me")


def test_run_of_an_older_version_began_when_its_folder_did(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run_id = store.create(CONFIG)
    folder = store.folder(run_id)
    assert folder is not None
    (folder / "about.json").unlink()
    assert store.about(run_id).created == (folder / "config.json").stat().st_mtime
    assert store.about("0" * 16) == About()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"7", b"\xff\xfe", b"[" * 100_000])
def test_damaged_description_is_none(tmp_path: Path, content: bytes) -> None:
    store = RunStore(tmp_path)
    run_id = store.create(CONFIG, about=About(name="lost"))
    folder = store.folder(run_id)
    assert folder is not None
    (folder / "about.json").write_bytes(content)
    assert store.about(run_id).name == ""


def test_values_of_the_wrong_kind_are_as_if_nobody_had_said_them() -> None:
    said = {"name": 7, "note": None, "tags": ["a", 7, "a"], "created": float("inf"), "parent": "../x"}
    assert About.from_json(json.dumps(said)) == About(tags=("a",))
    assert About.from_json(json.dumps({"created": True, "parent_step": -1})) == About()
    assert len(About(tags=tuple(map(str, range(99)))).tags) == MAX_TAGS


def test_tags_are_typed_with_commas() -> None:
    assert tags_of(" a, b ;a,,\nc d") == ("a", "b", "c d")


def test_name_travels_in_the_name_of_a_file() -> None:
    run_id = "a3f1" * 4
    for name in ("", "beta-4", "日本語"):
        assert name_in_file(f"{file_stem(About(name=name), run_id)}.safetensors") == name
    assert name_in_file("..\\..\\evil.safetensors") == "evil"
