"""The store of data sets that browsers brought: shared by content, seen by who brought them, by a quota."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dashboard.runs import data_sets as module
from dashboard.runs.data_sets import DataSets
from dashboard.runs.store import home
from dashboard.runs.tasks import Tasks, task_key
from tests.brought_files import npy, two_classes
from tests.polling import until
from vae_core.data import Choices, bring, load_dataset
from vae_core.data.own import arrays_of, own_file, own_folder
from vae_core.data.own_content import facts_in
from vae_core.errors import BadInput

ADA, BEN = "a" * 32, "b" * 32


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAE_DASHBOARD_HOME", str(tmp_path))
    return tmp_path


def arrays(number: int = 0, title: str = "mine") -> dict[str, NDArray[Any]]:
    x = np.random.RandomState(number).randint(0, 255, (20, 16, 16)).astype(np.uint8)
    return arrays_of(bring(npy(x)), title)


def titles(store: DataSets, owner: str) -> list[str]:
    return [one.facts.title for one in store.of_browser(owner)]


def test_both_know_the_same_folder(folder: Path) -> None:
    assert own_folder() == home() / "data_sets" == folder / "data_sets"


def test_a_data_set_is_seen_by_the_browser_that_brought_it_alone() -> None:
    store = DataSets()
    kept = store.keep(arrays(), owner=ADA)
    assert titles(store, ADA) == ["mine"]
    assert titles(store, BEN) == []
    assert len(load_dataset(kept.name).x_train) == 16  # whoever has the name may use it
    assert not any(ADA in path.name for path in own_folder().rglob("*"))


def test_what_two_bring_is_there_once_and_stays_until_both_drop_it() -> None:
    store = DataSets()
    name = store.keep(arrays(), owner=ADA).name
    assert store.keep(arrays(), owner=BEN).name == name
    assert len(list(own_folder().iterdir())) == 1
    store.drop(name, owner=ADA)
    assert (titles(store, ADA), titles(store, BEN)) == ([], ["mine"])
    load_dataset(name)
    store.drop(name, owner=BEN)
    assert not list(own_folder().iterdir())
    with pytest.raises(BadInput, match="not on this server, or not any more"):
        load_dataset(name)


def test_what_was_not_used_for_longest_makes_room_and_is_named() -> None:
    size = own_file(DataSets().keep(arrays(0, "first"), owner=ADA).name).stat().st_size
    store = DataSets(most_of_browser=int(2.5 * size), most=int(3.5 * size))
    second = store.keep(arrays(1, "second"), owner=ADA).name
    for number, name in enumerate(sorted(path.name for path in own_folder().iterdir())):
        os.utime(own_file(name), (number, number if name != second else 0))
    first = facts_in(arrays(0, "first")).name
    load_dataset(first)  # used: it stays
    kept = store.keep(arrays(2, "third"), owner=ADA)
    assert kept.left == ("second",)
    assert titles(store, ADA) == ["third", "first"]
    for number in (3, 4):
        assert store.keep(arrays(number, f"of Ben {number}"), owner=BEN).left == ()
    assert titles(store, BEN) == ["of Ben 4", "of Ben 3"]
    assert titles(store, ADA) == ["third"]


def test_a_data_set_beyond_the_quota_is_refused() -> None:
    with pytest.raises(BadInput, match="more than one browser may have"):
        DataSets(most_of_browser=1000).keep(arrays(), owner=ADA)


def test_an_uploaded_file_waits_until_others_need_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    store = DataSets()
    monkeypatch.setattr(module, "MAX_UPLOADS_BYTES", 250)
    digests = [store.take_in(bytes([number]) * 100) for number in range(3)]
    assert store.uploaded(digests[2]) == b"\2" * 100
    assert sum(store.uploaded(digest) is not None for digest in digests) == 2
    assert store.uploaded("../../etc/passwd") is None
    monkeypatch.setattr(module, "MAX_UPLOAD_BYTES", 10)
    with pytest.raises(BadInput, match="more than"):
        store.take_in(bytes(11))


def test_a_file_is_read_in_a_process_of_its_own(folder: Path) -> None:
    tasks, content = Tasks(folder, limit=1), two_classes()

    def read(content: bytes, choices: Choices) -> str:
        key = task_key("bring", content.hex(), choices.to_json())
        inputs = {"content": np.frombuffer(content, np.uint8)}
        tasks.start(key, "bring", choices.to_json(), inputs=inputs, owner=ADA)
        until(lambda: tasks.progress(key) is None, "the file is read")
        return key

    found = tasks.result(read(content, Choices(side=8)))
    assert found is not None
    preview = json.loads(str(found["preview"]))
    assert (preview["options"]["labels"], preview["refusal"]) == (["folders", ""], "")
    kept = DataSets().keep(found, owner=ADA)
    assert load_dataset(kept.name).image_shape == (8, 8)
    failed = read(b"\x80\x04 no data", Choices())
    assert tasks.result(failed) is None
    assert tasks.error(failed) == (
        "this is a pickled file, which could run a program; save it as NPZ or CSV."
    )
