"""The moving picture of the Start page: its message, and that the page needs no PyTorch."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from dashboard.components.walk.element import walk_payload
from dashboard.runs.pretrained import PRETRAINED_SNAPSHOT
from dashboard.shell.pages import LABORATORIES, MODEL
from tests.dashboard.components.test_board import decoded
from tests.page_scripts import message_to
from tests.polling import DEADLINE_S
from vae_core.runs.snapshot import Snapshot, read_snapshot

ROOT = Path(__file__).resolve().parents[3]
CARDS = [page.title for page in (*MODEL, *LABORATORIES)]


@pytest.fixture(scope="module")
def pretrained() -> Snapshot:
    """Snapshot of the pretrained model."""
    return read_snapshot(PRETRAINED_SNAPSHOT)


@pytest.fixture
def app() -> AppTest:
    """The Start page after its first run."""
    return AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=DEADLINE_S).run()


def grid_of(payload: dict[str, Any]) -> NDArray[np.uint8]:
    return decoded(payload["grid"], "u1").reshape(*payload["grid_shape"], *payload["image_shape"])


def test_payload_holds_the_plane_and_the_grid(pretrained: Snapshot) -> None:
    payload = json.loads(json.dumps(walk_payload(pretrained)))
    means = decoded(payload["means"], "<f4").reshape(-1, 2)
    np.testing.assert_array_equal(means, pretrained.means[:, pretrained.plane])
    np.testing.assert_array_equal(decoded(payload["labels"], "<i4"), pretrained.labels)
    np.testing.assert_array_equal(decoded(payload["grid_axis"], "<f4"), pretrained.grid_axis)
    grid = grid_of(payload)
    error = np.abs(grid.reshape(pretrained.grid.shape) / 255 - pretrained.grid).max()
    assert error <= 0.5 / 255 + 1e-6, error


def test_payload_is_small(pretrained: Snapshot) -> None:
    size = len(json.dumps(walk_payload(pretrained)))
    assert size < 64_000, size


def test_grid_of_the_pretrained_model_interpolates_well(pretrained: Snapshot) -> None:
    """What the browser shows between two nodes is nearly what the decoder gives there: nodes are close."""
    middle = (pretrained.grid[:, :-2] + pretrained.grid[:, 2:]) / 2
    error = np.abs(middle - pretrained.grid[:, 1:-1])
    assert float(np.median(error)) < 0.01, float(np.median(error))


def test_page_shows_the_walk(app: AppTest) -> None:
    assert not app.exception, app.exception
    payload = json.loads(message_to(app, "latent_walk"))
    assert grid_of(payload).shape == (24, 24, 8, 8), payload["grid_shape"]


def test_page_has_a_card_for_each_other_page(app: AppTest) -> None:
    labels = [link.proto.label for link in app.get("page_link")]
    assert labels == [f"**{label}**" for label in CARDS], labels
    for file in ("train", "latent_space", "elbo"):
        app.switch_page(f"../pages/{file}.py").run()
        assert not app.exception, (file, app.exception)


def test_page_needs_neither_torch_nor_pandas() -> None:
    """Either import would make the first visitor wait most of a second."""
    program = (
        "import sys, dashboard.shell.warmup\n"
        "dashboard.shell.warmup.start = lambda: None\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"page = AppTest.from_file({str(ROOT / 'dashboard' / 'app.py')!r}).run(timeout={DEADLINE_S})\n"
        "assert not page.exception, page.exception\n"
        "shown = [element.proto.component_name for element in page.get('bidi_component')]\n"
        "assert any(name.endswith('.latent_walk') for name in shown), shown\n"
        "print(*{'torch', 'sklearn', 'pandas', 'pyarrow'} & set(sys.modules))\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), (done.stdout, done.stderr[-500:])
