"""The code of a run on data that somebody brought, executed with the file that the page Data downloads."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.brought_files import npy, two_classes
from tests.vae_core.runs.test_script import TRAIN, executed, trained
from vae_core.config import ModelConfig, RunConfig
from vae_core.data import Choices, bring, load_data_of
from vae_core.data.own import arrays_of, own_file, packed
from vae_core.data.own_content import facts_in
from vae_core.runs.script import script_of
from vae_core.training import loop
from vae_core.training.products import Products

TABLE = b"a;b;kind\n" + b"".join(
    b"%d,5;%d;%s\n" % (i, i * i % 7, b"z" if i == 4 else b"x" if i % 2 else b"y") for i in range(60)
)
WIDE = b"a;b;age;weight;kind\n" + b"".join(
    b"%d;%d;%d;%d,25;%s\n" % (i * i % 11, i * i % 7, i % 13, i * 37 % 29, b"x" if i % 2 else b"y")
    for i in range(60)
)
NOISE = np.random.RandomState(0)
CASES = {
    "points, one class of one": (TABLE, Choices()),
    "points without labels": (TABLE, Choices(labels="")),
    "images of bytes": (two_classes(60), Choices()),
    "images of numbers": (npy(NOISE.rand(60, 6, 5)), Choices()),
    "points given a number": (WIDE, Choices(beside=("weight",))),
    "points given a number, without labels": (WIDE, Choices(beside=("age", "weight"), labels="")),
}


@pytest.mark.parametrize("patience", [None, 2])
def test_a_script_trains_the_same_weights_bit_for_bit(
    patience: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_DASHBOARD_HOME", str(tmp_path))
    monkeypatch.setattr(loop, "is_written_out", lambda config: False)
    monkeypatch.setattr(loop, "chosen_products", lambda config, rows: Products())
    calls, runs = [], []
    for number, (content, choices) in enumerate(CASES.values()):
        arrays = arrays_of(bring(content, choices), "mine")
        facts = facts_in(arrays)
        path = own_file(facts.name)
        path.parent.mkdir(parents=True)
        path.write_bytes(packed(arrays))
        likelihood = "bernoulli" if facts.is_unit_interval else "gaussian"
        given = {"condition": "number", "condition_on": "weight"} if facts.beside else {}
        model = ModelConfig(
            data_dim=arrays["x"].shape[1],
            hidden_dims=(4,),
            likelihood=likelihood,
            num_conditions=1 if given else 0,
        )
        train = replace(TRAIN, patience=patience)
        config = RunConfig(model=model, dataset=facts.name, train=train, seed=5, **given)  # type: ignore[arg-type]
        runs.append(trained(tmp_path / f"run {number}", config))
        script = tmp_path / f"script_{number}.py"
        script.write_text(script_of(runs[-1], load_data_of(config)), "utf-8")
        calls.append((os.fspath(script), os.fspath(path)))
    executed(tmp_path, *calls)
    for run, (script, _) in zip(runs, calls, strict=True):
        expected = torch.cat([one.detach().flatten() for one in run.model().parameters()]).numpy()
        assert np.array_equal(np.load(f"{script}.npy", allow_pickle=False), expected)
