"""Finds a Chromium, and watches what the pages in it do."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Playwright, Route, WebSocket

FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "localhost"})
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_INSTALL_SECONDS: Final = 600


@dataclass(kw_only=True)  # no slots: Playwright stores its wrappers of bound methods on the object
class Watch:
    """What the pages of one test did that they should not do; a test that provokes an entry clears it.

    Arguments:
        foreign: Addresses off this machine that a page asked for; the requests were stopped.
        errors: Errors on the console and uncaught exceptions.
        pages: All pages of the test.
    """

    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)

    def attach(self, context: BrowserContext) -> None:
        """Watches a context and all pages that it opens."""
        context.route("**/*", self._stop_if_foreign)
        context.on("page", self._watch_page)
        context.on("console", self._keep_error)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))

    def _stop_if_foreign(self, route: Route) -> None:
        if self._is_local(route.request.url):
            route.continue_()
        else:
            route.abort()

    def _watch_page(self, page: Page) -> None:
        self.pages.append(page)
        page.on("websocket", self._note_socket)

    def _note_socket(self, socket: WebSocket) -> None:
        self._is_local(socket.url)

    def _keep_error(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _is_local(self, url: str) -> bool:
        parts = urlsplit(url)
        local = parts.scheme in {"data", "blob"} or parts.hostname in LOCAL_HOSTS
        if not local:
            self.foreign.append(url)
        return local


def find_browser(playwright: Playwright) -> str:
    """Returns the path of a Chromium: the one named by CHROME_PATH, the system's, Playwright's, or a new one.

    Raises:
        RuntimeError: There is none and none could be installed.
    """
    found = _present_browser(playwright)
    if found is None:
        _install_browser()
        found = _present_browser(playwright)
    if found is None:
        raise RuntimeError("no Chromium was found or could be installed; set CHROME_PATH to one.")
    return found


def _present_browser(playwright: Playwright) -> str | None:
    named = os.environ.get("CHROME_PATH")
    if named:
        if shutil.which(named) is None:
            raise RuntimeError(f"CHROME_PATH is {named}, which cannot be run; name a Chromium or unset it.")
        return named
    for name in _NAMES:
        found = shutil.which(name)
        if found is not None:
            return found
    own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def _install_browser() -> None:
    commands = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get") is not None and os.geteuid() == 0:
        commands += [["apt-get", "update"], ["apt-get", "install", "-y", "chromium"]]
    for command in commands:
        try:
            done = subprocess.run(command, timeout=_INSTALL_SECONDS, capture_output=True, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0 and command[1] != "update":
            return
