"""Data sets that somebody brought: named by their content, loaded as any other, gone in one sentence."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.brought_files import npy, npz, two_classes
from vae_core.data import BadInput, Choices, bring, data_shape, dataset_info, load_dataset, numbers_known
from vae_core.data.brought.choices import Scale
from vae_core.data.catalogue import least_training_examples
from vae_core.data.own import arrays_of, own_facts, own_file, packed
from vae_core.data.own_content import facts_in

TABLE = b"a;b;kind\n" + b"".join(
    b"%d,5;%d;%s\n" % (i, i * i % 7, b"xyz"[i % 3 : i % 3 + 1]) for i in range(20)
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_DASHBOARD_HOME", str(tmp_path))


def keep(content: bytes, choices: Choices | None = None, title: str = "mine") -> str:
    arrays = arrays_of(bring(content, choices), title)
    name = facts_in(arrays).name
    own_file(name).parent.mkdir(parents=True, exist_ok=True)
    own_file(name).write_bytes(packed(arrays))
    return name


def test_a_table_that_was_brought_is_a_data_set_of_points() -> None:
    name = keep(TABLE)
    data = load_dataset(name, seed=3)
    rows = torch.cat([data.x_train[:], data.x_test[:]])
    expected = np.array([[i + 0.5, i * i % 7] for i in range(20)])
    expected = (expected - expected.mean(0)) / expected.std(0)
    assert np.allclose(np.sort(rows.numpy(), axis=0), np.sort(expected, axis=0), atol=1e-6)
    assert (data.name, data.kind, data.class_names) == (name, "points", ("x", "y", "z"))
    assert name == f"own-{data.digest[:32]}"
    assert "Decimal commas are read as decimal points." in data.notes[0]
    assert data.columns == own_facts(name).columns
    assert len(data.columns) == 2
    assert data_shape(name) == (2,)
    assert least_training_examples(name) == len(data.x_train)
    info = dataset_info(name)
    assert (info.title, info.default_likelihood, info.is_unit_interval) == ("mine", "gaussian", False)
    assert torch.equal(load_dataset(name, seed=3).x_train[:], data.x_train[:])


SCALED: dict[Scale, str] = {"standard": "standardised", "unit": "0 to 1"}
UNITS = "length (cm),width [mm],price (€/kg),share (%),income (before tax),size (2),plain\n" + "".join(
    f"{i},{i * i},{i % 3},{i % 5},{i**3},{i % 7},{i % 4}\n" for i in range(20)
)


def test_scaled_values_have_no_unit_and_others_keep_theirs() -> None:
    """Axes from -2 to 2 were said to be in centimetres."""
    others = ("income (before tax)", "size (2)", "plain")
    columns = tuple(UNITS.partition("\n")[0].split(","))
    for scale, said in SCALED.items():
        name = keep(UNITS.encode(), Choices(scale=scale, columns=columns))
        scaled = tuple(f"{one} ({said})" for one in ("length", "width", "price", "share"))
        assert load_dataset(name).columns == own_facts(name).value_names == (*scaled, *others)
        assert own_facts(name).columns[0] == "length (cm)"
    kept = load_dataset(keep(UNITS.encode(), Choices(scale="none", columns=columns))).columns
    assert kept[:2] == ("length (cm)", "width [mm]")


def test_the_same_in_two_units_stays_apart() -> None:
    rows = "".join(f"{i},{i * i}\n" for i in range(9))
    data = load_dataset(keep(f"length (cm),length (in)\n{rows}".encode()))
    assert data.columns == ("length (cm), standardised", "length (in), standardised")


def test_a_download_keeps_how_it_was_scaled_and_a_file_of_before_has_its_names() -> None:
    arrays = arrays_of(bring(b"length (cm),b\n1,2\n3,5\n4,4\n2,9\n"), "mine")
    again = facts_in(arrays_of(bring(packed(arrays)), "mine"))
    assert again == facts_in(arrays)
    assert again.value_names == ("length (standardised)", "b")
    values = json.loads(str(arrays["facts"]))
    del values["scale"]
    assert facts_in({"facts": np.array(json.dumps(values))}).value_names == ("length (cm)", "b")


def test_pictures_stay_bytes_and_have_their_shape() -> None:
    name = keep(two_classes())
    data = load_dataset(name)
    pixels = torch.cat([data.x_train[:], data.x_test[:]])
    assert data.image_shape == (12, 12)
    assert torch.allclose((pixels * 255).round(), pixels * 255, atol=1e-4)
    assert dataset_info(name).kind == "images"
    assert dataset_info(name).is_unit_interval


def test_the_name_is_that_of_content_and_title() -> None:
    assert keep(TABLE) == keep(TABLE)
    assert keep(TABLE) != keep(TABLE, title="another")
    assert keep(TABLE) != keep(TABLE, Choices(scale="unit"))
    assert keep(npy(np.arange(8.0))) != keep(npy(np.arange(9.0)))


def test_a_data_set_that_is_gone_or_damaged_is_said_in_one_sentence() -> None:
    name = keep(TABLE)
    content = own_file(name).read_bytes()
    arrays = arrays_of(bring(TABLE), "mine")
    own_file(name).write_bytes(packed({**arrays, "x": arrays["x"] * 2}))
    with pytest.raises(BadInput, match="damaged"):
        load_dataset(name)
    own_file(name).write_bytes(content[:100])
    with pytest.raises(BadInput, match="cannot be read"):
        load_dataset(name)
    own_file(name).unlink()
    for use in (load_dataset, data_shape, dataset_info, least_training_examples):
        with pytest.raises(BadInput, match="not on this server, or not any more; bring the same file again"):
            use(name)


@pytest.mark.parametrize("name", ["own-../../../etc/passwd", "own-", "own-" + "0" * 33, "own-" + "G" * 32])
def test_no_other_name_is_a_path(name: str) -> None:
    with pytest.raises(BadInput, match="there is no data set"):
        load_dataset(name)
    with pytest.raises(BadInput, match="there is no data set"):
        own_facts(name)


def test_facts_that_are_none_are_refused() -> None:
    for text in ("[]", "{", json.dumps({"name": "x"})):
        with pytest.raises(BadInput, match="damaged"):
            facts_in({"facts": np.array(text)})


def test_numbers_kept_beside_x_are_known_of_each_example() -> None:
    """No part of x; in the order of the examples, without those that are left out; of the name they are."""
    table = "a;b;age;weight;kind\n" + "".join(
        f"{'' if i == 3 else i * i % 11};{i * 2 % 7};{i};{'' if i == 7 else i * 1.5 + 0.25};{'xy'[i % 2]}\n"
        for i in range(200)
    )
    brought = bring(table.encode(), Choices(beside=("age", "weight")))
    assert brought.columns == ("a", "b")
    said = [problem.text for problem in brought.problems if problem.choice == "beside"]
    assert said == [
        "Known of each example, and not trained on: age, weight.",
        "1 example without a number in age, weight is left out.",
    ]
    assert brought.options["beside"] == ("a", "b", "age", "weight")
    assert brought.options["columns"] == ("a", "b")
    kept = [i for i in range(200) if i not in (3, 7)]
    assert brought.beside["age"].tolist() == kept
    assert brought.beside["weight"].tolist() == [i * 1.5 + 0.25 for i in kept]
    assert brought.head[0] == ("a", "b", "age (beside x)", "weight (beside x)", "label")
    assert Choices.from_json(brought.choices.to_json()) == brought.choices
    name = keep(table.encode(), Choices(beside=("age", "weight")))
    assert name != keep(table.encode(), Choices(columns=("a", "b")))
    assert numbers_known(name) == {"age": "", "weight": ""}
    data = load_dataset(name, seed=2, validation=True)
    for x, labels, factors in (
        (data.x_train, data.labels_train, data.factors_train),
        (data.x_test, data.labels_test, data.factors_test),
        (data.x_validation, data.labels_validation, data.factors_validation),
    ):
        age, weight = (factor.values for factor in factors)
        assert x is not None
        assert labels is not None
        assert np.array_equal(weight, 1.5 * age + 0.25)
        assert np.array_equal(labels.numpy(), age.astype(int) % 2)
        b = x[:][:, 1].numpy()
        order = np.argsort(age.astype(int) * 2 % 7, kind="stable")
        assert (np.diff(b[order]) >= 0).all(), "the row of the table"


def test_numbers_of_an_npz_are_kept_where_they_are_no_labels() -> None:
    rng = np.random.default_rng(0)
    content = npz(
        x=rng.random((30, 6, 6)).astype(np.float32),
        y=np.arange(30) % 3,
        angle=np.where(np.arange(30) == 4, np.nan, rng.random(30)),
    )
    brought = bring(content)
    assert list(brought.beside) == ["angle"]
    assert len(brought.x) == len(brought.beside["angle"]) == 29
    assert brought.labels is not None
    assert brought.labels.tolist() == [i % 3 for i in range(30) if i != 4]
    assert not bring(content, Choices(beside=())).beside
    assert numbers_known(keep(content)) == {"angle": ""}


def test_a_file_of_before_has_no_numbers() -> None:
    """By the name that it had."""
    arrays = arrays_of(bring(TABLE), "mine")
    facts = json.loads(str(arrays["facts"]))
    assert facts.pop("beside") == []
    own_file(facts["name"]).parent.mkdir(parents=True)
    own_file(facts["name"]).write_bytes(packed({**arrays, "facts": np.array(json.dumps(facts))}))
    assert load_dataset(facts["name"]).factors_train == ()
    assert own_facts(facts["name"]).beside == ()
