"""The code of a run, executed: weights and held-out ELBO are those of the run, and no name is code."""

import ast
import contextlib
import gzip
import io
import itertools
import json
import math
import os
import queue
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch

from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.data import DATASET_INFO, DATASETS, Dataset, load_data_of
from vae_core.errors import BadInput
from vae_core.runs import driver
from vae_core.runs.driver import Command, Driver
from vae_core.runs.fork import forked
from vae_core.runs.runfile import Run, load_run, save_run
from vae_core.runs.script import WRITTEN_BY, reported_elbo, script_of
from vae_core.runs.snapshot import HISTORY_COLUMNS
from vae_core.training import loop
from vae_core.training.products import Products

ROOT: Final = Path(__file__).resolve().parents[3]
LONGEST: Final = 220
MODEL: Final = ModelConfig(data_dim=64, hidden_dims=(12,))
TRAIN: Final = TrainConfig(num_epochs=2)
PLAIN: Final = RunConfig(model=MODEL, train=TRAIN, seed=3)
POINTS: Final = ModelConfig(data_dim=2, hidden_dims=(8, 4), likelihood="gaussian", likelihood_scale=0.3)


def digits(*, train: dict[str, Any] | None = None, **model: Any) -> RunConfig:
    return replace(PLAIN, model=replace(MODEL, **model), train=replace(TRAIN, **(train or {})))


CONV: Final[dict[str, Any]] = {"architecture": "conv", "image_shape": (8, 8), "hidden_dims": (4, 6)}
OWN: Final = RunConfig(model=ModelConfig(data_dim=12, hidden_dims=(4,)), train=TRAIN, dataset="idx")
LONGER: Final = "patience, with more steps"


CASES: dict[str, RunConfig] = {
    "plain": PLAIN,
    "variance head, relu": digits(encoder_head="variance", activation="relu", hidden_dims=(12, 6)),
    "unit variance, silu": digits(encoder_head="unit_variance", activation="silu", latent_dim=5),
    "ReLU, He in all layers": digits(activation="relu", initial_weights="he"),
    "linear maps, small": digits(activation="relu", hidden_dims=()),
    "full covariance, free bits": digits(
        encoder_head="full_covariance", latent_dim=3, train={"free_bits": 0.2}
    ),
    "full covariance, M = 2, a sigma for each value": digits(
        encoder_head="full_covariance", likelihood="gaussian_diagonal", train={"num_samples": 2}
    ),
    "full covariance, VampPrior": digits(encoder_head="full_covariance", prior="vamp", num_components=5),
    "full covariance, mixture, one dimension": digits(
        encoder_head="full_covariance", latent_dim=1, prior="mixture", num_components=5
    ),
    "flow": digits(encoder_head="flow"),
    "flow, free bits, M = 2": digits(
        encoder_head="flow", latent_dim=8, train={"num_samples": 2, "free_bits": 0.5}
    ),
    "flow, mixture, one dimension, ReLU": digits(
        encoder_head="flow", latent_dim=1, prior="mixture", num_components=4, activation="relu"
    ),
    "flow, K = 3": digits(
        encoder_head="flow", latent_dim=3, train={"objective": "importance_weighted", "num_samples": 3}
    ),
    "flow, MMD": digits(encoder_head="flow", train={"objective": "mmd", "batch_size": 100}),
    "flow, convolutions": digits(**CONV, encoder_head="flow"),
    "flow, linear maps": digits(encoder_head="flow", hidden_dims=()),
    "mixture head": digits(encoder_head="mixture"),
    "mixture head, free bits, M = 2": digits(
        encoder_head="mixture", latent_dim=8, train={"num_samples": 2, "free_bits": 0.5}
    ),
    "mixture head, mixture, one dimension, ReLU": digits(
        encoder_head="mixture", latent_dim=1, prior="mixture", num_components=4, activation="relu"
    ),
    "mixture head, K = 3": digits(
        encoder_head="mixture", latent_dim=3, train={"objective": "importance_weighted", "num_samples": 3}
    ),
    "mixture head, MMD, M = 2": digits(
        encoder_head="mixture", train={"objective": "mmd", "batch_size": 100, "num_samples": 2}
    ),
    "mixture head, convolutions": digits(**CONV, encoder_head="mixture"),
    "mixture head, linear maps": digits(encoder_head="mixture", hidden_dims=()),
    "deterministic, softplus": digits(encoder_head="deterministic", activation="softplus"),
    "deterministic, M = 3": digits(encoder_head="deterministic", train={"num_samples": 3, "beta": 0.0}),
    "continuous Bernoulli, M = 3": digits(likelihood="continuous_bernoulli", train={"num_samples": 3}),
    "learned scale, free bits": digits(
        likelihood="gaussian", likelihood_scale=None, train={"free_bits": 0.3}
    ),
    "mixture, free bits": digits(prior="mixture", num_components=7, train={"free_bits": 3.0}),
    "VampPrior, M = 2": digits(prior="vamp", num_components=7, train={"num_samples": 2}),
    "VampPrior of real numbers": replace(
        PLAIN, dataset="two_moons", model=replace(POINTS, prior="vamp", num_components=5)
    ),
    "beyond the limits of a variance": digits(encoder_head="variance", train={"learning_rate": 3.0}),
    "beyond the limits of a VampPrior": digits(prior="vamp", num_components=7, train={"learning_rate": 1.0}),
    "linear maps, SGD": digits(
        hidden_dims=(), latent_dim=1, train={"optimizer": "sgd", "learning_rate": 1e-3}
    ),
    "linear schedule": digits(train={"beta_schedule": "linear", "schedule_epochs": 2, "beta": 3.0}),
    "cyclical schedule": digits(train={"beta_schedule": "cyclical", "schedule_epochs": 2, "batch_size": 100}),
    "patience": digits(train={"patience": 1, "num_epochs": 40, "learning_rate": 0.05}),
    "patience of an autoencoder": digits(
        encoder_head="deterministic",
        train={"patience": 1, "num_epochs": 9, "optimizer": "sgd", "learning_rate": 1e-8},
    ),
    "patience of points": replace(
        PLAIN,
        dataset="pinwheel",
        model=POINTS,
        train=replace(TRAIN, patience=2, num_epochs=30, learning_rate=0.03),
    ),
    "patience to the last epoch": digits(train={"patience": 100, "num_epochs": 12, "learning_rate": 0.1}),
    "in pieces": digits(hidden_dims=(7000,), train={"num_epochs": 1, "batch_size": 2000}),
    "K = 5 under one logarithm": digits(
        train={"objective": "importance_weighted", "num_samples": 5, "beta": 0.7}
    ),
    "K = 1 is the ELBO": digits(train={"objective": "importance_weighted"}),
    "full covariance, mixture, K = 3": digits(
        encoder_head="full_covariance",
        prior="mixture",
        num_components=4,
        train={"objective": "importance_weighted", "num_samples": 3},
    ),
    "K = 2, VampPrior, linear schedule": digits(
        prior="vamp",
        num_components=4,
        train={"objective": "importance_weighted", "num_samples": 2, "beta_schedule": "linear"},
    ),
    "MMD": digits(train={"objective": "mmd", "beta": 2.0, "batch_size": 100}),
    "MMD of a deterministic encoder, M = 2": digits(
        encoder_head="deterministic", train={"objective": "mmd", "num_samples": 2, "batch_size": 100}
    ),
    "total correlation": digits(
        latent_dim=3, train={"objective": "total_correlation", "beta": 6.0, "num_samples": 2}
    ),
    "mixture head, total correlation": digits(
        encoder_head="mixture", train={"objective": "total_correlation", "beta": 4.0, "num_samples": 2}
    ),
    "full covariance, VampPrior, total correlation": digits(
        encoder_head="full_covariance",
        prior="vamp",
        num_components=4,
        train={"objective": "total_correlation", "beta": 3.0},
    ),
    "untrained": digits(train={"num_epochs": 0}),
    "convolutions": digits(**CONV),
    "convolutions, a sigma for each value, M = 2, full covariance, softplus": digits(
        **CONV,
        likelihood="gaussian_diagonal",
        encoder_head="full_covariance",
        activation="softplus",
        train={"num_samples": 2},
    ),
    "convolutions, VampPrior": digits(**CONV, prior="vamp", num_components=5),
    "convolutions, deterministic": digits(**CONV, encoder_head="deterministic"),
    "large batch": digits(train={"batch_size": 100_000}),
    **{
        name: replace(PLAIN, dataset=name, model=POINTS)
        for name in DATASETS
        if DATASET_INFO[name].kind == "points"
    },
    **{
        f"fewer, noisier {name}": replace(
            PLAIN, dataset=name, model=POINTS, num_examples=301, data_noise=2.5, train=TRAIN
        )
        for name in ("two_moons", "pinwheel", "swiss_roll", "checkerboard")
    },
    **{
        name: replace(PLAIN, dataset=name, model=replace(MODEL, data_dim=size), num_examples=150)
        for name, size in (("sprites", 1024), ("strokes", 256), ("bars", 64))
    },
    "at a threshold": replace(PLAIN, binarised="threshold"),
    "stochastic": replace(PLAIN, binarised="stochastic"),
    "patience, stochastic sprites": replace(
        PLAIN,
        dataset="sprites",
        model=replace(MODEL, data_dim=1024),
        num_examples=150,
        binarised="stochastic",
        train=replace(TRAIN, patience=1, num_epochs=20, learning_rate=0.05),
    ),
}
CONDITIONAL: Final = {
    f"conditional{name}": replace(config, condition="class", model=replace(config.model, num_conditions=10))
    for name, config in {
        "": PLAIN,
        ", K = 2 under one logarithm": digits(train={"objective": "importance_weighted", "num_samples": 2}),
        ", MMD": digits(train={"objective": "mmd", "batch_size": 100}),
        ", deterministic": digits(encoder_head="deterministic"),
        ", convolutions": digits(**CONV, activation="relu"),
        ", convolutions, stochastic": replace(digits(**CONV), binarised="stochastic"),
        ", mixture, M = 2, full covariance": digits(
            encoder_head="full_covariance", prior="mixture", num_components=4, train={"num_samples": 2}
        ),
        ", flow": digits(encoder_head="flow"),
        ", mixture head": digits(encoder_head="mixture"),
        ", learned scale": digits(likelihood="gaussian", likelihood_scale=None),
        ", stochastic": replace(PLAIN, binarised="stochastic"),
    }.items()
}
CASES |= CONDITIONAL
CASES |= {
    "patience, conditional, stochastic": replace(
        CASES["conditional, stochastic"],
        train=replace(TRAIN, patience=1, num_epochs=20, learning_rate=0.05),
    ),
    "conditional points": replace(
        PLAIN, dataset="two_moons", condition="class", model=replace(POINTS, num_conditions=2)
    ),
}
OF_NUMBER: Final = {
    f"conditional on a number{name}": replace(
        config, condition="number", condition_on="bend", model=replace(config.model, num_conditions=1)
    )
    for name, config in {
        ", patience": replace(
            CASES["strokes"], train=replace(TRAIN, patience=1, num_epochs=20, learning_rate=0.05)
        ),
        ", stochastic": replace(CASES["strokes"], binarised="stochastic"),
        ", convolutions": replace(
            CASES["strokes"], model=replace(MODEL, data_dim=256, **CONV | {"image_shape": (16, 16)})
        ),
    }.items()
}
CASES |= OF_NUMBER
CONDITIONAL_MIXTURE: Final = "conditional, mixture, M = 2, full covariance"
WEIGHTED: Final = {name for name in CASES if re.search("K = [2-9]", name)}
FLOWS: Final = {name for name in CASES if "flow" in name}
MIXTURES: Final = {name for name in CASES if "mixture head" in name}
VAMP: Final = {name for name in CASES if "VampPrior" in name}
STEERED: Final[dict[str, tuple[RunConfig, tuple[tuple[int, Command], ...]]]] = {
    "moved twice": (
        PLAIN,
        (
            (0, {"command": "set", "beta": 2.0}),
            (9, {"command": "set", "beta": 0.25, "learning_rate": 0.01}),
            (30, {"command": "set", "learning_rate": 1e-4}),
        ),
    ),
    "schedule taken over": (
        digits(train={"beta_schedule": "linear", "schedule_epochs": 2}),
        ((11, {"command": "set", "beta": 4.0}), (20, {"command": "set", "beta": 0.5})),
    ),
    "stopped within an epoch": (PLAIN, ((31, {"command": "stop"}),)),
    "patience, stopped by hand": (digits(train={"patience": 9}), ((31, {"command": "stop"}),)),
}
FOLDERS: Final = {
    f"{' and '.join(parts)}, {'with' if labelled else 'without'} labels": (parts, labelled)
    for parts in (("train", "t10k"), ("train",), ("t10k",))
    for labelled in (True, False)
}
"""IDX folders: which parts they have, and whether their images are labelled."""
TURNED: Final = "other names, turned, classes with gaps"
"""Images of 4 x 3 pixels that are transposed, with QMNIST's labels, one folder below the one named."""
PATIENT: Final = {
    *(name for name in (*CASES, *STEERED) if name.startswith("patience") or ", patience" in name),
    *(f"patience, {name}" for name in FOLDERS),
    LONGER,
}
FORKS: Final = {"forked within an epoch": 8, "forked between epochs": 23}
"""The step at which a fork has other draws, another beta and another learning rate from then on."""
OF_CLASSES: Final = {f"conditional, {name}" for name, (_, labelled) in FOLDERS.items() if labelled}
ALL: Final = sorted({*CASES, *STEERED, *FORKS, *FOLDERS, *PATIENT, *OF_CLASSES})
EXECUTE: Final = """
import contextlib, io, json, runpy, sys
import numpy as np
for path, *arguments in json.loads(sys.argv[1]):
    said, sys.argv = io.StringIO(), [path, *arguments]
    with contextlib.redirect_stdout(said):
        names = runpy.run_path(path, run_name="__main__")
    weights = np.concatenate([one.detach().numpy().ravel() for one in names["parameters"]])
    np.save(path + ".npy", weights)
    print(json.dumps(said.getvalue()))
"""


class AtSteps:
    """Commands for a driver, each when its training has made so many updates."""

    def __init__(self, *planned: tuple[int, Command]) -> None:
        self.planned = list(planned)
        self.driver: Driver

    def empty(self) -> bool:
        return not self.planned or self.driver.training.step < self.planned[0][0]

    def get(self, block: bool = True, timeout: float | None = None) -> Command:
        del block, timeout
        if self.empty():
            raise queue.Empty
        return self.planned.pop(0)[1]


def trained(folder: Path, config: RunConfig, *planned: tuple[int, Command]) -> Run:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(config.to_json())
    commands = AtSteps(*planned)
    run = commands.driver = Driver(folder, commands, io.StringIO())  # type: ignore[arg-type]
    run.run()
    return load_run(folder / "run.safetensors")


def data_of(run: Run) -> Dataset:
    return load_data_of(run.config, digest=run.data_digest)


def executed(folder: Path, *calls: tuple[str, ...]) -> list[str]:
    """What scripts print, each called with its arguments, all in one process; weights stay in ``.npy``."""
    call = [sys.executable, "-I", "-c", EXECUTE, json.dumps(calls)]
    done = subprocess.run(call, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def printed(text: str) -> float:
    found = re.search(r"Held-out (?:ELBO|reconstruction): (-?\d+\.\d{4}) nats per example", text)
    assert found, text
    return float(found[1])


Executed = dict[str, tuple[Run, str, str, np.ndarray]]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    """Of each case the run, its script, what it prints, and its weights.

    The runs are differentiated automatically, as a script is, with its products: then nothing but the same
    operations in the same order gives the same bits.
    """
    folder = tmp_path_factory.mktemp("scripts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "is_written_out", lambda config: False)
        patch.setattr(loop, "chosen_products", lambda config, rows: Products())
        runs = all_runs(folder)
    sources = {name: script_of(run, data_of(run)) for name, run in runs.items()}
    runs[LONGER] = runs["patience"]
    ended = f"NUM_STEPS = {runs[LONGER].ended_at} "
    sources[LONGER] = sources["patience"].replace(ended, "NUM_STEPS = 100_000 ")
    calls = []
    for number, (name, source) in enumerate(sources.items()):
        path = folder / f"script_{number}.py"
        path.write_text(source, "utf-8")
        own = runs[name].config.data_folder
        calls.append((os.fspath(path), own) if own else (os.fspath(path),))
    said = executed(folder, *calls)
    weights = [np.load(f"{path}.npy", allow_pickle=False) for path, *_ in calls]
    return {
        name: (runs[name], source, text, found)
        for (name, source), text, found in zip(sources.items(), said, weights, strict=True)
    }


def all_runs(folder: Path) -> dict[str, Run]:
    runs = {name: trained(folder / f"run {name}", config) for name, config in CASES.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "CHANGES_APART_S", 0.0)
        patch.setattr(driver, "CHANGES_SHARE", 1.0)
        for name, (config, planned) in STEERED.items():
            runs[name] = trained(folder / f"run {name}", config, *planned)
    for name, step in FORKS.items():
        runs[name] = forked_run(folder / name, step)
    for name, (parts, labelled) in FOLDERS.items():
        config = replace(OWN, data_folder=os.fspath(own_images(folder / f"secret {name}", parts, labelled)))
        runs[name] = trained(folder / f"run {name}", config)
        patient = replace(config, train=replace(TRAIN, patience=1, num_epochs=20, learning_rate=0.05))
        if labelled:
            model = replace(OWN.model, num_conditions=5)
            conditional = replace(config, model=model, condition="class")
            runs[f"conditional, {name}"] = trained(folder / f"run {name} conditional", conditional)
        runs[f"patience, {name}"] = trained(folder / f"run {name} with patience", patient)
    own_images(folder / "secret turned" / "raw", ("odd '{name}'-test",), True, turned=True)
    config = replace(OWN, data_folder=os.fspath(folder / "secret turned"), data_transposed=True)
    runs[TURNED] = trained(folder / "run turned", config)
    return runs


def forked_run(folder: Path, step: int) -> Run:
    """A run that goes on from a step of another one, and that is moved once more."""
    parent = trained(folder, PLAIN, (step, {"command": "stop"}))
    assert parent.step == step
    save_run(folder / "run.safetensors", forked(parent, beta=0.5, learning_rate=0.01, seed=99))
    (folder / "config.json").unlink()
    resume = (0, {"command": "resume"})
    return trained(folder, PLAIN, resume, (40, {"command": "set", "beta": 2.0}))


def own_images(folder: Path, parts: tuple[str, ...], labelled: bool, *, turned: bool = False) -> Path:
    """A folder with IDX files, one class of which has one member."""
    folder.mkdir(parents=True)
    generator = torch.Generator().manual_seed(0)
    for part in parts:
        images = torch.randint(256, (61, 4, 3), generator=generator, dtype=torch.uint8).numpy()
        labels = torch.randint(4, (61,), generator=generator, dtype=torch.uint8).numpy()
        labels[0] = 4
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
        if turned:
            facts = np.repeat(7 * labels[:, None].astype(">i4") - 3, 8, axis=1)
            write_idx(folder / f"{part}-labels-idx2-int", facts)
        elif labelled:
            write_idx(folder / f"{part}-labels.idx1-ubyte", labels)
    return folder


def write_idx(path: Path, values: np.ndarray) -> None:
    header = bytes([0, 0, 8 if values.itemsize == 1 else 12, values.ndim]) + b"".join(
        size.to_bytes(4, "big") for size in values.shape
    )
    content = header + values.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.mark.parametrize("case", ALL)
def test_script_has_the_weights_and_the_bound_of_the_run(results: Executed, case: str) -> None:
    run, _, said, weights = results[case]
    expected = torch.cat([value.detach().flatten() for value in run.model().parameters()]).numpy()
    assert np.array_equal(weights, expected), f"{case}: {np.abs(weights - expected).max()} apart"
    reported = reported_elbo(run)
    assert reported is not None
    assert printed(said) == pytest.approx(reported, abs=1e-4)
    assert f"{reported:.4f}" in said.splitlines()[-1], "what the app reported stands beside it"


@pytest.mark.parametrize(
    "case",
    ["plain", "variance head, relu", "learned scale, free bits", "linear maps, SGD", "flow", "mixture head"],
)
def test_a_gradient_that_is_written_out_gives_the_run_of_its_script_but_for_rounding(
    results: Executed, case: str, tmp_path: Path
) -> None:
    """Of 46 updates in float32, where one rounding is 6e-8."""
    _, _, said, weights = results[case]
    run = trained(tmp_path, CASES[case])
    found = torch.cat([value.detach().flatten() for value in run.model().parameters()]).numpy()
    assert not np.array_equal(weights, found), "it is another computation"
    assert np.abs(weights - found).max() < 1e-5
    assert printed(said) == pytest.approx(reported_elbo(run), abs=2e-4)


@pytest.mark.parametrize("case", ALL)
def test_script_is_short_and_reads_well(results: Executed, case: str) -> None:
    _, source, *_ = results[case]
    lines = source.splitlines()
    assert len(lines) <= LONGEST
    assert max(map(len, lines)) <= 110
    assert not [line for line in lines if line != line.rstrip()]
    tree = ast.parse(source)
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]  # type: ignore[union-attr]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported - set(sys.stdlib_module_names) <= {"numpy", "sklearn", "torch"}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert all(function.name in used and ast.get_docstring(function) for function in functions)


def test_only_what_the_run_uses_is_in_its_script(results: Executed) -> None:
    sources = {name: source for name, (_, source, *_) in results.items()}
    uses = {
        "log_prior": {
            "mixture, free bits",
            CONDITIONAL_MIXTURE,
            "full covariance, mixture, one dimension",
            *FLOWS,
            *MIXTURES,
            *VAMP,
            *WEIGHTED,
        },
        "drawn_from_flow": FLOWS,
        "drawn_from_mixture": MIXTURES,
        "mixed": MIXTURES,
        "log_full_normal": {
            "full covariance, VampPrior",
            "full covariance, mixture, one dimension",
            "full covariance, mixture, K = 3",
            "full covariance, VampPrior, total correlation",
            CONDITIONAL_MIXTURE,
        },
        "weighted_bound": WEIGHTED,
        "squared_mmd": {name for name in CASES if "MMD" in name},
        "total_correlation": {name for name in CASES if "total correlation" in name},
        "factor": {name for name in CASES if "full covariance" in name},
        "conv_transpose2d": {name for name in CASES if "convolutions" in name},
        "scheduled_beta": {*(name for name in CASES if name.endswith(" schedule")), "schedule taken over"},
        "PATIENCE": PATIENT - {"patience, stopped by hand"},
        "x_validation": PATIENT,
        "FREE_BITS": {name for name in CASES if "free bits" in name},
        "NUM_SAMPLES": {name for name in CASES if "M =" in name or CASES[name].train.objective != "elbo"}
        - {"K = 1 is the ELBO"},
        "torch.optim.SGD": {"linear maps, SGD", "patience of an autoencoder"},
        "log_scale": {"learned scale, free bits", "conditional, learned scale"},
        "log_density": {name for name in results if "conditional" in name},
    }
    for word, cases in uses.items():
        assert {name for name, source in sources.items() if word in source} == cases, word


def test_patience_ends_the_script_by_itself(results: Executed) -> None:
    run, _, _, weights = results["patience"]
    assert run.status == "stopped_early"
    assert run.ended_at is not None
    assert run.step < run.ended_at
    last, *_ = results["patience to the last epoch"]
    assert (last.status, last.ended_at) == ("finished", 12 * 21)
    assert last.step < 12 * 21, "or this one could not fail"
    _, source, _, longer = results[LONGER]
    assert "NUM_STEPS = 100_000" in source
    assert np.array_equal(longer, weights)


def test_script_runs_by_itself_and_asks_for_the_folder_of_own_images(
    results: Executed, tmp_path: Path
) -> None:
    run, source, *_ = results["train and t10k, with labels"]
    folder = run.config.data_folder
    assert folder is not None
    assert "secret" not in source, "where the data lie on the server is nobody's business"
    path = tmp_path / "code of my run.py"
    path.write_text(source, "utf-8")
    call = [sys.executable, "-I", os.fspath(path)]
    done = subprocess.run(call, input=f"{folder}\n", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Folder of the IDX files: ")
    assert printed(done.stdout) == pytest.approx(reported_elbo(run), abs=1e-4)
    assert not done.stderr


def without_moves(run: Run) -> Run:
    """The run as an older version kept it: its history alone tells what was moved."""
    return replace(run, state_scalars={**run.state_scalars, "moves": None})


@pytest.mark.parametrize("case", STEERED)
def test_history_of_an_older_run_tells_the_same(results: Executed, case: str) -> None:
    run, source, *_ = results[case]
    assert script_of(without_moves(run), data_of(run)) == source


def test_moves_that_the_history_does_not_tell_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wait in ("CHANGES_APART_S", "FIRST_LOOK_S", "LOOK_EVERY_S"):
        monkeypatch.setattr(driver, wait, 100.0)
    planned = [(step, {"command": "set", "beta": beta}) for step, beta in ((5, 2.0), (9, 3.0), (20, 4.0))]
    run = trained(tmp_path, PLAIN, *planned)
    source = script_of(run, data_of(run))
    assert "BETA = {0: 1.0, 5: 2.0, 9: 3.0, 20: 4.0}" in source
    assert "Not replayed" not in source
    older = script_of(without_moves(run), data_of(run))
    assert "BETA = {0: 1.0, 5: 2.0, 6: 4.0}" in older
    assert f"# Not replayed exactly: BETA moved between steps 6 and {run.step}" in older


def test_run_with_other_draws_says_what_is_not_replayed(results: Executed) -> None:
    run, source, *_ = results["plain"]
    diverged = replace(run, state_scalars={**run.state_scalars, "has_other_draws": True})
    said = script_of(diverged, data_of(run))
    assert "# Not replayed: the run diverged or was forked" in said
    assert "diverged" not in source


@pytest.mark.parametrize(
    "moves",
    [
        7,
        [7],
        [[1, "beta"]],
        [[1, "exit()", 1.0]],
        [[1, ["beta"], 1.0]],
        [[1, "beta", "exit()"]],
        [[1, "beta", math.nan]],
        [["exit()", "beta", 1.0]],
        [[-1, "beta", 1.0]],
        [[1, "seed", 1.5]],
        [[1, "beta", 1.0]] * 2001,
    ],
)
def test_hostile_moves_are_refused(results: Executed, moves: object) -> None:
    run, *_ = results["plain"]
    hostile = replace(run, state_scalars={**run.state_scalars, "moves": moves})
    with pytest.raises(BadInput):
        script_of(hostile, data_of(run))
    with pytest.raises(BadInput):
        driver.open_training(run.config, hostile)


def test_many_moves_stand_on_many_lines(results: Executed) -> None:
    run, *_ = results["plain"]
    moved = {step: 0.1 + step for step in range(45)}
    moves = [[step, "beta", beta] for step, beta in moved.items()]
    source = script_of(replace(run, state_scalars={**run.state_scalars, "moves": moves}), data_of(run))
    assert max(map(len, source.splitlines())) <= 110
    assigned = [node for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    (beta,) = (node.value for node in assigned if ast.unparse(node.targets[0]) == "BETA")
    assert ast.literal_eval(beta) == moved


def test_hostile_history_is_refused_or_harmless(results: Executed) -> None:
    run = without_moves(results["plain"][0])
    for column, value in itertools.product(("step", "beta", "learning_rate"), (math.nan, math.inf, -1.0)):
        history = run.history.copy()
        history[-1, HISTORY_COLUMNS.index(column)] = value
        with contextlib.suppress(BadInput):
            source = script_of(replace(run, history=history), data_of(run))
            assert not {"nan", "inf"} & {
                node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)
            }


@pytest.mark.parametrize(
    "name",
    [
        '"""\nimport os\nos._exit(9)\n"""',
        "'\nimport os; os._exit(9)\n#",
        "x\r\nimport os; os._exit(9)",
        "x\fimport os",
        "\\\nimport os; os._exit(9)",
        "\N{RIGHT-TO-LEFT OVERRIDE}evil",
        "x\N{LINE SEPARATOR}import os",
        "{self.config} {0} %s",
        "-*- coding: utf-7 -*-",
        "a\0b",
        "長い名前",
    ],
)
def test_no_name_becomes_code(results: Executed, name: str) -> None:
    run, plain, *_ = results["plain"]
    source = script_of(run, data_of(run), title=name)
    assert ast.dump(ast.parse(source.encode())) == ast.dump(ast.parse(plain.encode()))
    added = [line for line in source.split("\n") if line not in plain.split("\n")]
    assert len(added) == 1
    assert added[0].isprintable()


def test_data_that_no_script_can_load_are_refused(results: Executed) -> None:
    run, *_ = results["plain"]
    unknown = replace(run, config=replace(run.config, dataset="mine\nimport os"))
    with pytest.raises(BadInput, match="no script can load them"):
        script_of(unknown, data_of(run))


def test_script_names_the_project_and_its_version(results: Executed) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"VAE Dashboard {project['version']}" == WRITTEN_BY
    assert all(WRITTEN_BY in source for _, source, *_ in results.values())
