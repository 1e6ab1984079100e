"""The whole dashboard for browser tests: one server for all tests of a process."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.serving import ENTRY, Server, start_server, stop_process
from tests.browser.watch import Watch


@pytest.fixture(scope="session")
def app_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The dashboard, from an empty folder, with a run store of its own; its trainings begin within 50 ms."""
    cwd, home = tmp_path_factory.mktemp("cwd"), tmp_path_factory.mktemp("app_home")
    program = [str(Path(__file__).with_name("forking_server.py"))]
    server = start_server(ENTRY, cwd=cwd, home=home, program=program)
    yield server
    stop_process(server.process)


@pytest.fixture(autouse=True)
def _forgive_deep_links(watch: Watch) -> Iterator[None]:
    """A deep link makes Streamlit look for its own files below it first: those 404 are its own."""
    yield
    watch.errors[:] = [error for error in watch.errors if not re.search(r"404.*/\w+/_stcore/", error)]
