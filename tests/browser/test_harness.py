"""The browser tests' own fixtures: they serve, they watch, and they refuse a wrong server."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from benchmarks.serving import Server, start_server, stop_process
from dashboard.theme import ThemeName
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
def test_theme_follows_the_system(server: Server, new_page: Callable[..., Page], scheme: ThemeName) -> None:
    page = new_page(color_scheme=scheme)
    page.goto(server.url)
    button = page.get_by_role("button", name="Press")
    expect(button).to_have_css("background-color", PRIMARY[scheme])
    expect(button).to_have_css("color", "rgb(255, 255, 255)")


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
