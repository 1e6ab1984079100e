"""A folder of images is chosen beside what it holds: typed, or of a menu where the server has visitors."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.formats import plain
from dashboard.runs.runner import LocalRunner
from tests.page_scripts import checked, open_page, query, runner
from vae_core.data.files import FOLDERS_VARIABLE

__all__ = ["runner"]  # a fixture


def write_set(
    folder: Path, prefix: str = "", *, labelled: bool = True, shape: tuple[int, int] = (8, 6)
) -> Path:
    """Both parts of a data set, with the names of MNIST's files behind a prefix."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for part, count in (("train", 40), ("test", 20)):
        images = rng.integers(0, 256, (count, *shape), dtype=np.uint8).tobytes()
        header = struct.pack(">4I", 2051, count, *shape)
        (folder / f"{prefix}{part}-images-idx3-ubyte").write_bytes(header + images)
        labels = struct.pack(">2I", 2049, count) + (1 + np.arange(count) % 3).astype(np.uint8).tobytes()
        if labelled:
            (folder / f"{prefix}{part}-labels-idx1-ubyte").write_bytes(labels)
    return folder


def said(at: AppTest) -> str:
    return "\n".join(text.value for text in (*at.caption, *at.info))


def alts(at: AppTest) -> list[str]:
    return [str(one.alt) for node in at.get("image") for one in node.proto.imgs]  # type: ignore[attr-defined]


def train_page(**link: str) -> AppTest:
    return open_page("train", dataset="idx", **link)


def test_what_a_folder_holds_is_shown_before_a_training(tmp_path: Path) -> None:
    at = train_page(data_folder=str(write_set(tmp_path / "mine", labelled=False)))
    assert not at.error
    assert "40 + 20 images of 8 × 6 pixels." in said(at)
    assert plain("The folder has no labels for these images") in said(at)
    assert "The first 10 images of the folder." in alts(at)
    write_set(tmp_path / "mine")
    assert "40 + 20 images of 8 × 6 pixels; 3 classes: " + plain("1, 2, 3") + "." in said(checked(at.run()))
    assert "no labels" not in said(at)


def test_images_are_turned_beside_their_picture_and_in_the_run(tmp_path: Path, runner: LocalRunner) -> None:
    at = train_page(data_folder=str(write_set(tmp_path, "emnist-digits-")), hidden="4", num_epochs="0")
    on_side = plain("EMNIST stores its images on their side")
    assert on_side in said(at)
    orientation = next(one for one in at.get("button_group") if one.key == "data_orientation")
    checked(orientation.set_value("transposed").run())  # type: ignore[attr-defined]
    assert "images of 6 × 8 pixels" in said(at)
    assert on_side not in said(at)
    assert query(at)["data_orientation"] == "transposed"
    checked(at.button(key="train_start").click().run())
    view = runner.view(query(at)["run"])
    assert view is not None
    assert (view.config.data_folder, view.config.data_transposed) == (str(tmp_path), True)
    runner.delete(view.run_id, owner=at.session_state["browser"])


def test_of_several_data_sets_in_a_folder_one_is_chosen(tmp_path: Path) -> None:
    write_set(tmp_path, "emnist-letters-")
    write_set(tmp_path, "emnist-digits-", shape=(4, 4))
    at = train_page(data_folder=f" '{tmp_path}' ")
    assert at.selectbox(key="data_set").options == ["emnist-digits", "emnist-letters"]
    assert "images of 4 × 4 pixels" in said(at)
    checked(at.selectbox(key="data_set").set_value("emnist-letters").run())
    assert "images of 8 × 6 pixels" in said(at)
    again = train_page(data_folder=str(tmp_path), data_set="emnist-letters")
    assert "images of 8 × 6 pixels" in said(again)
    named = train_page(data_folder=str(tmp_path / "emnist-letters"))
    assert "images of 8 × 6 pixels" in said(named)
    assert "data_set" not in [box.key for box in named.selectbox]


def test_a_wrong_folder_is_one_sentence_beside_the_field(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"<!DOCTYPE html><html>")
    at = train_page(data_folder=str(tmp_path))
    (error,) = at.error
    assert plain("this is a web page, not an IDX file; download the file itself") in error.value
    assert not train_page().error, "an empty field is no mistake yet"


def test_visitors_of_a_server_choose_from_a_menu_and_type_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, fashion, outside = tmp_path / "data", tmp_path / "fashion", tmp_path / "private"
    write_set(data / "MNIST" / "raw")
    write_set(data / "emnist", "emnist-letters-", shape=(4, 4))
    write_set(fashion, shape=(3, 3))
    write_set(outside)
    folders = (str(data), str(fashion), str(tmp_path / "not there"))
    monkeypatch.setenv(FOLDERS_VARIABLE, os.pathsep.join(folders))
    at = train_page()
    menu = at.selectbox(key="data_folder")
    assert menu.options == ["data/MNIST/raw", "data/emnist/emnist-letters", "fashion"]
    assert "data_folder" not in [field.key for field in at.text_input]
    assert "images of 8 × 6 pixels" in said(at)
    checked(menu.set_value(str(data / "emnist" / "emnist-letters")).run())
    assert "images of 4 × 4 pixels" in said(at)
    assert "images of 3 × 3 pixels" in said(train_page(data_folder=str(fashion)))
    for path in (str(outside), str(tmp_path / "nowhere"), "../private"):
        at = train_page(data_folder=path)
        assert at.selectbox(key="data_folder").value == str(data / "MNIST" / "raw"), path
        assert not at.error
    monkeypatch.setenv(FOLDERS_VARIABLE, "")
    at = train_page(data_folder=str(outside))
    assert "This server offers no folder of images." in said(at)
    assert "data_folder" not in [field.key for field in (*at.text_input, *at.selectbox)]
