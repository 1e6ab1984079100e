"""The whole dashboard for browser tests: one server for all tests of a process."""

import re
from collections.abc import Iterator

import pytest

from benchmarks.serving import ENTRY, Server, start_server, stop_process
from tests.browser.watch import Watch


@pytest.fixture(scope="session")
def app_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The dashboard, started like a user does but from an empty folder, with a run store of its own."""
    server = start_server(ENTRY, cwd=tmp_path_factory.mktemp("cwd"), home=tmp_path_factory.mktemp("app_home"))
    yield server
    stop_process(server.process)


@pytest.fixture(autouse=True)
def _forgive_deep_links(watch: Watch) -> Iterator[None]:
    """A deep link makes Streamlit look for its own files below it first: those 404 are its own."""
    yield
    watch.errors[:] = [error for error in watch.errors if not re.search(r"404.*/\w+/_stcore/", error)]
