"""The NPZ file of a data set, brought again: the same data set by the same name, or an ordinary file."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.brought_files import npz, two_classes
from vae_core.data import Choices, bring
from vae_core.data.own import arrays_of, packed
from vae_core.data.own_content import content_digest, facts_in, retitled
from vae_core.errors import BadInput

TABLE: Final = b"size;weight;kind;n\n1,5;2;cat;7\n2,5;3;dog;8\n3,5;4;dog;1\n5,5;6;cat;3\n"
FILES: Final = {
    "a table with labels": (TABLE, None),
    "a table with a number beside x": (TABLE, Choices(beside=("n",))),
    "pictures": (two_classes(), None),
    "pictures in colour": (two_classes(in_colour=True), Choices(colours="kept")),
    "an array without labels": (npz(x=np.random.RandomState(0).rand(30, 5)), None),
}


@pytest.mark.parametrize("case", FILES)
def test_a_download_that_is_brought_again_is_the_same_data_set(case: str) -> None:
    """Its columns were scaled once more and its title was lost: no run found it by its name."""
    content, choices = FILES[case]
    kept = arrays_of(bring(content, choices), "pets")
    again = bring(packed(kept))
    assert (again.title, again.refusal) == ("pets", "")
    found = arrays_of(again, again.title)
    assert facts_in(found) == facts_in(kept)
    assert found.keys() == kept.keys()
    for name in found.keys() - {"facts"}:
        assert np.array_equal(found[name], kept[name]), name
        assert found[name].dtype == kept[name].dtype


def changed(**values: object) -> Callable[[dict[str, NDArray[Any]]], dict[str, NDArray[Any]]]:
    """Facts that say something else, with the digest that belongs to them."""

    def change(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        said = json.loads(str(arrays["facts"])) | values
        digest = content_digest(arrays, facts_in({"facts": np.array(json.dumps(said))}))
        said |= {"digest": digest, "name": f"own-{digest[:32]}"}
        return {**arrays, "facts": np.array(json.dumps(said))}

    return change


LIES: Final[dict[str, Callable[[dict[str, NDArray[Any]]], dict[str, NDArray[Any]]]]] = {
    "another value": lambda arrays: {**arrays, "x": arrays["x"] + np.float32(1)},
    "another title": lambda arrays: {
        **arrays,
        "facts": np.array(str(arrays["facts"]).replace("pets", "cats")),
    },
    "no facts": lambda arrays: {**arrays, "facts": np.array("{}")},
    "facts that are no text": lambda arrays: {**arrays, "facts": np.arange(3)},
    "a list as a title": changed(title=["pets"]),
    "a long title": changed(title="pets" * 100),
    "fewer classes than labels": changed(class_names=["cat"]),
    "another likelihood": changed(likelihood="poisson"),
    "a shape that does not fit": changed(shape=[3, 3]),
    "a shape of text": changed(shape=["2"]),
    "a negative shape": changed(shape=[-1, -2]),
    "a column too few": changed(columns=["size"]),
    "a number of examples": changed(num_examples=99),
    "numbers beside that are not there": changed(beside=["n"]),
}


@pytest.mark.parametrize("case", LIES)
def test_what_was_changed_is_an_ordinary_file(case: str) -> None:
    kept = dict(arrays_of(bring(TABLE), "pets"))
    found = bring(packed(LIES[case](kept)))
    assert (found.title, found.form) == ("", "NumPy archive")
    assert len(found.x) == 4


def test_pickled_facts_are_refused_as_in_any_archive(tmp_path: Path) -> None:
    out = io.BytesIO()
    np.savez(out, x=np.ones((3, 2), np.float32), facts=np.array({"a": tmp_path}, dtype=object))
    with pytest.raises(BadInput, match="Python objects"):
        bring(out.getvalue())


def test_the_same_under_another_title_is_another_data_set() -> None:
    kept = arrays_of(bring(TABLE), "pets")
    other = retitled(arrays_of(bring(packed(kept)), "pets"), "my pets")
    assert facts_in(other).name != facts_in(kept).name
