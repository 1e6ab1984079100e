"""The browser tests' own fixtures: they serve, they watch, and they refuse a wrong server."""

import contextlib
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.serving import Server, start_server, stop_process
from dashboard.theme import ThemeName
from tests.browser.contexts import Contexts, new_pages
from tests.browser.pages import NewPage
from tests.browser.watch import Watch
from tests.polling import until

PRIMARY: Final[dict[ThemeName, str]] = {"light": "rgb(0, 114, 178)", "dark": "rgb(43, 144, 209)"}
SCRIPT: Final = """
import os

import streamlit as st

from dashboard.theme import CONCEPTS

st.title("Harness")
st.button("Press", type="primary")
st.write("home", os.environ["VAE_DASHBOARD_HOME"], "concepts", len(CONCEPTS["light"]))
"""


@pytest.fixture(scope="module")
def server(serve_script: Callable[[Path], Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    script = tmp_path_factory.mktemp("script") / "harness.py"
    script.write_text(SCRIPT, "utf-8")
    return serve_script(script)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_page_loads_under_both_names(server: Server, page: Page, host: str) -> None:
    page.goto(server.url.replace("127.0.0.1", host))
    expect(page.get_by_role("heading", name="Harness")).to_be_visible()
    expect(page.get_by_text(f"home {server.home} concepts 10")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme_follows_the_system(server: Server, new_page: NewPage, scheme: ThemeName) -> None:
    page = new_page(color_scheme=scheme)
    page.goto(server.url)
    button = page.get_by_role("button", name="Press")
    expect(button).to_have_css("background-color", PRIMARY[scheme])
    expect(button).to_have_css("color", "rgb(255, 255, 255)")


KEPT: Final = """[
    document.cookie.includes("a=1"), localStorage.length, sessionStorage.length, Date.now() > 1e12
]"""
SHOWN: Final = """[
    innerWidth, matchMedia("(prefers-color-scheme: dark)").matches, navigator.maxTouchPoints > 0
]"""


def test_nothing_of_a_test_reaches_the_next(server: Server, browser: Browser, contexts: Contexts) -> None:
    """The same context, without what a page may keep; another one where its clock was replaced."""
    pages: list[Page] = []
    for _ in range(3):
        with contextlib.ExitStack() as test:
            watch = Watch()
            new_page = new_pages(contexts, watch, test)
            pages.append(page := new_page())
            page.goto(f"{server.url}/_stcore/health")
            assert page.evaluate(KEPT) == [False, 0, 0, True]
            assert page.evaluate(SHOWN) == [1280, False, False]
            page.set_viewport_size({"width": 390, "height": 500})
            page.emulate_media(color_scheme="dark")
            page.route("**/*", lambda route: route.abort())
            page.evaluate(
                "() => { document.cookie = 'a=1; max-age=1000'; localStorage.a = 1; sessionStorage.a = 1; }"
            )
            other = page.context.new_page()
            if len(pages) == 2:
                other.clock.install(time=0)
        assert page.is_closed()
        assert other.is_closed()
        assert watch.pages == [page, other]
    first, second, third = (page.context for page in pages)
    assert first is second, "a context was not used again"
    assert third is not second, "a context with another clock was used again"
    assert second not in browser.contexts, "it is still open"


def test_pages_of_one_test_are_those_of_different_users(server: Server, new_page: NewPage) -> None:
    one, other, fresh = new_page(), new_page(), new_page(fresh=True)
    for page in (one, other, fresh):
        page.goto(f"{server.url}/_stcore/health")
    one.evaluate("document.cookie = 'a=1'")
    has_it = [page.evaluate("document.cookie.includes('a=1')") for page in (one, other, fresh)]
    assert has_it == [True, False, False]


def test_foreign_requests_and_errors_are_seen(server: Server, page: Page, watch: Watch) -> None:
    page.goto(server.url)
    page.evaluate("fetch('http://example.invalid/x').catch(() => console.error('caught'))")
    page.evaluate("new WebSocket('ws://example.invalid/y'); setTimeout(() => { throw Error('thrown') })")
    # Playwright hears of what happened while it asks the page for something.
    # The addresses, too: the browser says of each, sooner or later, that it did not find it.
    for part in ("caught", "thrown", "example.invalid/x", "example.invalid/y"):
        until(lambda part=part: page.title() and any(part in error for error in watch.errors), part)
    assert watch.foreign == ["http://example.invalid/x", "ws://example.invalid/y"], watch.foreign
    watch.foreign.clear()
    watch.errors.clear()


def test_busy_port_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "empty.py"
    script.touch()
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(RuntimeError, match="not available"):
            start_server(script, cwd=tmp_path, home=tmp_path, port=port)


def test_stopped_server_is_gone(tmp_path: Path) -> None:
    script = tmp_path / "empty.py"
    script.touch()
    server = start_server(script, cwd=tmp_path, home=tmp_path)
    stop_process(server.process)
    assert server.process.poll() is not None
    with (
        pytest.raises(ConnectionRefusedError),
        socket.create_connection(("127.0.0.1", server.port), timeout=5),
    ):
        pass
