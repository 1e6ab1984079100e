"""What every test of the dashboard gets: figures that Plotly itself has checked, and pages compiled once."""

import copy
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import plotly.graph_objects
import pytest
from plotly.utils import PlotlyJSONEncoder
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import app_test, local_script_runner

from dashboard.ahead import ahead
from dashboard.elbo.ahead import examples_ahead
from dashboard.figures import objects


@pytest.fixture(scope="session", autouse=True)
def _no_components_of_other_packages() -> Iterator[None]:
    """Streamlit's server looks once through all installed packages for components, AppTest for each page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", lambda **_: [])
        yield


@pytest.fixture(scope="session", autouse=True)
def _pages_compiled_once() -> Iterator[None]:
    """Streamlit's server compiles a page once, AppTest at each of its runs."""
    compiled = ScriptCache()
    with pytest.MonkeyPatch.context() as patch:
        # One takes the entry script, the other the page that it runs.
        for module in (local_script_runner, app_test):
            patch.setattr(module, "ScriptCache", lambda: compiled)
        yield


@pytest.fixture(scope="session", autouse=True)
def _waits_for_the_script() -> Iterator[None]:
    """AppTest looks each millisecond whether its script has ended, which takes 6 % of the processor time."""
    look = local_script_runner.require_widgets_deltas

    def wait(runner: local_script_runner.LocalScriptRunner, timeout: float) -> None:
        assert runner._script_thread is not None
        runner._script_thread.join(timeout)
        if runner._script_thread.is_alive():
            look(runner, 0.0)  # stops the script and says that it took too long

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_script_runner, "require_widgets_deltas", wait)
        yield


@pytest.fixture(scope="session", autouse=True)
def _nothing_computed_ahead() -> Iterator[None]:
    """A thread would measure hundreds for each page: a quarter of the time, into the cache of other tests."""
    with pytest.MonkeyPatch.context() as patch:
        for one in (ahead(), examples_ahead().works):
            patch.setattr(one, "look", lambda view, works: None)
        yield


_checked: set[bytes] = set()
"""Digests of the figures that Plotly has taken: pages draw most of them more than once."""


@pytest.fixture(autouse=True)
def _checked_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives whatever is drawn to Plotly's own objects, which refuse what Plotly does not know."""
    to_dict = objects.Figure.to_dict

    def checked(figure: objects.Figure) -> dict[str, Any]:
        sent = to_dict(figure)
        digest = hashlib.blake2b(json.dumps(sent, cls=PlotlyJSONEncoder).encode()).digest()
        if digest not in _checked:
            # Of a copy: Plotly changes the order of a trace's attributes, and so the text.
            plotly.graph_objects.Figure(**copy.deepcopy(sent))
            _checked.add(digest)
        return sent

    monkeypatch.setattr(objects.Figure, "to_dict", checked)


@pytest.fixture
def short_computations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few steps and samples: for tests of what is drawn, not of its numbers."""
    for name, value in (("rounds._MAX_ROUNDS", 1), ("rounds._ROUND", 4), ("ladder._EM_STEPS", 2)):
        monkeypatch.setattr(f"vae_core.evidence.{name}", value)
    monkeypatch.setattr("dashboard.gradients.cached._SAMPLES_TIMES_PRODUCTS", 2**22)
    monkeypatch.setattr("dashboard.gradients.cached.MIN_SAMPLES", 2**8)
