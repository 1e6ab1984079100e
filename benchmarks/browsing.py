"""Finds a Chromium, knows with which flags to start it, and hears what a page in it tells the server."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, Playwright
from streamlit.proto.BackMsg_pb2 import BackMsg

FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SHELLS: Final = ("chromium-headless-shell", "chrome-headless-shell")
_INSTALL_SECONDS: Final = 600


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


def find_shell() -> str | None:
    """Returns the path of a Chromium without windows, where there is one and CHROME_PATH names no other.

    It lays out, draws and runs scripts as Chromium does, of which it is a part, without windows and their own
    pages of tabs and bars: a new page takes half of the processor time.
    """
    if os.environ.get("CHROME_PATH"):
        return None
    return next((found for name in _SHELLS if (found := shutil.which(name)) is not None), None)


def sent_messages(page: Page) -> list[bytes]:
    """Fills with what somebody's hand has a page tell the server; for a page that has not been opened yet.

    What a page asks by itself every few seconds, whatever anybody does, is left out.
    """
    sent: list[bytes] = []

    def hear(frame: str | bytes) -> None:
        if isinstance(frame, bytes) and _is_by_hand(BackMsg.FromString(frame)):
            sent.append(frame)

    page.on("websocket", lambda socket: socket.on("framesent", hear))
    return sent


def _is_by_hand(message: BackMsg) -> bool:
    return message.WhichOneof("type") == "rerun_script" and not message.rerun_script.is_auto_rerun


def _present_browser(playwright: Playwright) -> str | None:
    named = os.environ.get("CHROME_PATH")
    if named:
        if shutil.which(named) is None:
            raise RuntimeError(f"CHROME_PATH is {named}, which cannot be run; name a Chromium or unset it.")
        return named
    for name in (*_NAMES, *_SHELLS):
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
