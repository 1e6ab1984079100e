"""Fixtures of the browser tests: one browser for all tests of a process, watched pages for each test."""

import contextlib
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

from benchmarks.browsing import FLAGS, find_browser, find_shell
from benchmarks.serving import ENTRY, ROOT, Server, start_server, stop_process
from tests.browser.contexts import ONE_THREAD, SHARED_PROCESS, Contexts, new_pages
from tests.browser.pages import WAIT_MS, NewPage
from tests.browser.watch import LOCAL_ONLY, Watch

ServeScript = Callable[[Path], Server]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the browser tests last: they are slow and leave an event loop running in the thread."""
    items.sort(key=lambda item: Path(__file__).parent in item.path.parents)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds to the report of a failed test where screenshots of its open pages lie."""
    report = yield
    if call.when == "call" and report.failed and isinstance(item, pytest.Function):
        watch, folder = item.funcargs.get("watch"), item.funcargs.get("screenshots")
        if isinstance(watch, Watch) and isinstance(folder, Path):
            report.sections.append(("screenshots", "\n".join(_take_screenshots(watch, folder))))
    return report


def _take_screenshots(watch: Watch, folder: Path) -> Iterator[str]:
    for number, page in enumerate(page for page in watch.pages if not page.is_closed()):
        path = folder / f"page{number}.png"
        # A browser that has crashed must not hide why the test failed.
        with contextlib.suppress(Error):
            page.screenshot(path=path)
            yield str(path)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; a machine without one gets one, and a test never skips for want of it."""
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        flags = [*FLAGS, LOCAL_ONLY, SHARED_PROCESS, ONE_THREAD]
        path = find_shell() or find_browser(playwright)
        opened = playwright.chromium.launch(executable_path=path, args=flags)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def serve_script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServeScript]:
    """Serves any script with the dashboard's settings; it may import ``dashboard`` and ``vae_core``."""
    cwd = tmp_path_factory.mktemp("script_cwd")
    shutil.copytree(ENTRY.parent / ".streamlit", cwd / ".streamlit")
    with contextlib.ExitStack() as stack:

        def serve(script: Path) -> Server:
            home = tmp_path_factory.mktemp("script_home")
            server = start_server(script, cwd=cwd, home=home, on_path=ROOT)
            stack.callback(stop_process, server.process)
            return server

        yield serve


@pytest.fixture
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the screenshots of a failed test go."""
    return tmp_path_factory.mktemp("screenshots")


@pytest.fixture
def watch() -> Iterator[Watch]:
    """What the pages of the test did: in the end no request left the machine and no error occurred."""
    watched = Watch()
    yield watched
    assert (watched.foreign, watched.errors) == ([], [])


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Contexts:
    """The contexts that the tests of a process take in turn."""
    return Contexts(browser)


@pytest.fixture
def new_page(contexts: Contexts, watch: Watch, screenshots: Path) -> Iterator[NewPage]:
    """Opens a page for a user of its own; keywords are those of ``new_pages``."""
    with contextlib.ExitStack() as stack:
        yield new_pages(contexts, watch, stack)


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A watched page of 1280 by 800 pixels."""
    return new_page()
