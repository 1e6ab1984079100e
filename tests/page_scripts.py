"""Pages as scripts, for tests: opening them, kinds of runs to show, a runner of their own."""

import io
import itertools
import json
import queue
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import pytest
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from dashboard.components.mounting import name_of
from dashboard.runs import runner as jobs
from dashboard.runs import tasks
from dashboard.runs.runner import LocalRunner
from dashboard.subject import Subject, subject_of
from dashboard.train import steering
from tests.polling import DEADLINE_S
from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.runs.driver import Driver
from vae_core.runs.runfile import load_run, save_run

ENTRY: Final = Path(__file__).resolve().parents[1] / "dashboard" / "app.py"
TINY: Final = RunConfig(
    model=ModelConfig(data_dim=64, hidden_dims=(8,)), train=TrainConfig(num_epochs=1, batch_size=256)
)
NUMBER: Final = re.compile(r"[−-]?\d[\d,]*\.?\d*(?:e-?\d+)?")
POWER: Final = re.compile(r" × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
DOWN: Final = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
PATIENT: Final = replace(
    TINY, train=TrainConfig(num_epochs=50, batch_size=256, patience=1, learning_rate=0.3)
)
"""Stops early, some epochs after its best one."""
_sequence = itertools.count(1)
_trained: Final[dict[str, dict[Path, bytes]]] = {}
"""Files of runs, by their configuration and commands."""
KINDS: Final = {
    "J=1": replace(TINY, model=replace(TINY.model, latent_dim=1)),
    "J=2": TINY,
    "J=3": replace(TINY, model=replace(TINY.model, latent_dim=3)),
    "J=8": replace(TINY, model=replace(TINY.model, latent_dim=8)),
    "deterministic": replace(TINY, model=replace(TINY.model, encoder_head="deterministic")),
    "points": replace(
        TINY,
        dataset="two_moons",
        model=ModelConfig(data_dim=2, hidden_dims=(8,), likelihood="gaussian", likelihood_scale=None),
    ),
}


@pytest.fixture(scope="module", autouse=True)
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRunner]:
    """The runner that the pages use."""
    runner = LocalRunner(tmp_path_factory.mktemp("pages"), max_running=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "_runner", runner)
        # A script presses a button as soon as there is one, which no hand does.
        patch.setattr(steering, "DOUBLE_PRESS_S", 0.0)
        yield runner
        runner.close()


@pytest.fixture
def home_tasks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tasks.Tasks]:
    """The tasks that the pages use, of this test alone."""
    made = tasks.Tasks(tmp_path_factory.mktemp("tasks"), limit=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "_tasks", made)
        yield made
        for name, task in list(made._tasks.items()):
            task.waiters.clear()
            made.cancel(name, owner="")


def open_page(name: str, **query: str) -> AppTest:
    """A new session that begins at a page, as a deep link does."""
    at = AppTest.from_file(str(ENTRY), default_timeout=DEADLINE_S)
    for key, value in query.items():
        at.query_params[key] = value
    return turn_to(at, name)


def message_to(at: AppTest, element: str) -> bytes:
    """What an element of the page was told; elements without a picture are on every page."""
    (found,) = (one for one in at.get("bidi_component") if name_of(one.proto.component_name) == element)  # type: ignore[attr-defined]
    return found.proto.bytes  # type: ignore[attr-defined]


def query(at: AppTest) -> dict[str, str]:
    """What the address says in the end; parts of a page have a say in it, too."""
    said = max(addresses(at), key=lambda one: one["order"])
    return dict(parse_qsl(said["query"], keep_blank_values=True))


def addresses(at: AppTest) -> list[dict[str, Any]]:
    """What each part of the page says that the address is."""
    elements = (one.proto for one in at.get("bidi_component"))  # type: ignore[attr-defined]
    return [json.loads(proto.bytes) for proto in elements if name_of(proto.component_name) == "address"]


def turn_to(at: AppTest, name: str) -> AppTest:
    return checked(at.switch_page(f"../pages/{name}.py").run())


def checked(at: AppTest) -> AppTest:
    assert not at.exception, [error.message for error in at.exception]
    return at


def trained(runner: LocalRunner, config: RunConfig, *commands: dict[str, Any]) -> str:
    """Id of a run that was trained to its end within this process, with commands for its first step.

    Trained once in a process: what is asked for again is a copy of the files of the first.
    """
    run_id = runner.store.create(config)
    folder = runner.store.folder(run_id)
    assert folder is not None
    key = json.dumps([config.to_json(), commands])
    if key not in _trained:
        waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for command in commands:
            waiting.put(command)
        given = set(folder.rglob("*"))
        Driver(folder, waiting, io.StringIO()).run()
        made = [path for path in folder.rglob("*") if path not in given and path.is_file()]
        _trained[key] = {path.relative_to(folder): path.read_bytes() for path in made}
    for path, content in _trained[key].items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)
    return run_id


def overflowing(runner: LocalRunner) -> str:
    """Id of a run whose weights are finite, and whose log p(x|z) is not, in float64 either."""
    steep = replace(TINY.model, hidden_dims=(8, 8), activation="relu", likelihood="gaussian")
    run_id = trained(runner, replace(TINY, model=steep))
    path = runner.store.run_file(run_id)
    assert path is not None
    run = load_run(path)
    save_run(path, replace(run, weights={name: w * 1e36 for name, w in run.weights.items()}))
    return run_id


def saved(run_id: str) -> Subject:
    """A run as the pages see it."""
    found = subject_of(run_id)
    assert found is not None, f"nothing was saved of run {run_id}"
    return found


def choose(at: AppTest, key: str, option: object) -> AppTest:
    """Chooses one of several buttons beside each other."""
    control = next(control for control in at.get("button_group") if control.key == key)
    return checked(control.set_value(option).run())  # type: ignore[attr-defined]


def turn_dial(at: AppTest, key: str, value: float) -> AppTest:
    """Moves a dial as its element in the browser tells it: ``beta`` or ``learning_rate``."""
    dial = next(one.proto for one in at.get("bidi_component") if f"{key}_dial" in one.proto.id)  # type: ignore[attr-defined]
    states = at._tree.get_widget_states()
    moved = {"value": value, "sequence": next(_sequence)}
    event = WidgetState(id=_make_trigger_id(dial.id, "events"))
    event.json_trigger_value = json.dumps([{"event": "moved", "value": moved}])
    states.widgets.append(event)
    return checked(at._run(states))


def draw_density(at: AppTest, drawn: object) -> AppTest:
    """Draws on the sheet for a density as its element in the browser tells it."""
    element = next(
        one.proto
        for one in at.get("bidi_component")  # type: ignore[attr-defined]
        if name_of(one.proto.component_name) == "sketch"
    )
    states = at._tree.get_widget_states()
    event = WidgetState(id=_make_trigger_id(element.id, "events"))
    event.json_trigger_value = json.dumps([{"event": "drawn", "value": drawn}])
    states.widgets.append(event)
    return checked(at._run(states))


def look_at(at: AppTest, step: object, *, sequence: int | None = None) -> AppTest:
    """Looks back at a step as the slider over a run's history tells it; None: at now again.

    Arguments:
        at: The page.
        step: The step.
        sequence: Number of the message; None: the next.
    """
    element = next(
        one.proto
        for one in at.get("bidi_component")  # type: ignore[attr-defined]
        if name_of(one.proto.component_name) == "look_back"
    )
    states = at._tree.get_widget_states()
    said = {"step": step, "sequence": next(_sequence) if sequence is None else sequence}
    event = WidgetState(id=_make_trigger_id(element.id, "events"))
    event.json_trigger_value = json.dumps([{"event": "looked", "value": said}])
    states.widgets.append(event)
    return checked(at._run(states))


def dial_of(at: AppTest, key: str) -> dict[str, Any]:
    """What a dial on the page was told."""
    dial = next(one.proto for one in at.get("bidi_component") if f"{key}_dial" in one.proto.id)  # type: ignore[attr-defined]
    return json.loads(dial.bytes)


def text_with(at: AppTest, part: str) -> str:
    """The first text that has a part."""
    return next(text.value for text in (*at.markdown, *at.caption) if part in text.value)


def numbers(text: str) -> list[float]:
    """All numbers in a text; ``3 × 10⁻⁹`` is one."""
    text = POWER.sub(lambda power: "e" + power[1].translate(DOWN), text.replace("*", ""))
    return [float(found.replace("−", "-").replace(",", "")) for found in NUMBER.findall(text)]


def charts(at: AppTest) -> set[str]:
    """Keys of the charts on a page."""
    return set(chart_messages(at))


def chart_messages(at: AppTest) -> dict[str, dict[str, Any]]:
    """What the charts on a page are told, by key: ``figure`` is Plotly's, ``alt`` says what it shows."""
    elements = [one for one in at.get("bidi_component") if name_of(one.proto.component_name) == "chart"]  # type: ignore[attr-defined]
    return {str(one.key): json.loads(one.proto.bytes) for one in elements}  # type: ignore[attr-defined]


def table(at: AppTest, head: str) -> dict[str, list[str]]:
    """Cells of the first table whose first column is called ``head``, by the first cell of each row."""
    frame = next(table.value for table in at.table if table.value.columns[0] == head)
    rows = [[str(cell) for cell in row] for row in frame.to_numpy()]
    return {row[0].replace("\u00ad", "").replace("\u00a0", " "): row[1:] for row in rows}


def tables_with_nameless_columns(at: AppTest) -> list[list[str]]:
    """Heads of tables that a screen reader cannot read out."""
    heads = [[str(name) for name in table.value.columns] for table in at.table]
    return [head for head in heads if not all(name.strip() for name in head)]
