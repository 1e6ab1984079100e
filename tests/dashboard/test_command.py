"""The command for a class: Streamlit's options that it composes, and what it says on the terminal."""

import asyncio
import io
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import segno
from starlette.responses import PlainTextResponse
from starlette.types import Message
from streamlit import config

from dashboard import command
from dashboard.class_server import KnownNames
from dashboard.shell import classroom
from tests.polling import DEADLINE_S

ROOT: Final = Path(__file__).resolve().parents[2]
ADDRESSES: Final = ("192.168.1.7", "10.0.0.3")
# The command up to the point where the server would start: there it reports what Streamlit understood.
REPORT: Final = """
import json, sys
from streamlit import config
from streamlit.web import bootstrap
from dashboard import command
def report(script, *rest):
    print(json.dumps([script, {name: config.get_option(name) for name in names}]))
names = sys.argv.pop(1).split()
bootstrap.run = bootstrap.run_asgi_app = report
command.main()
"""
NAMES: Final = (
    "server.address server.port server.allowedHosts server.headless browser.serverAddress "
    "server.enableXsrfProtection runner.postScriptGC"
)


def options_of(*typed: str) -> list[str]:
    return command.class_options(typed, addresses=ADDRESSES, name="Desk.Uni.Example", port=8503)


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | variables
    line = [sys.executable, "-c", REPORT, NAMES, *arguments]
    return subprocess.run(
        line, cwd=ROOT, env=env, capture_output=True, text=True, timeout=DEADLINE_S, check=True
    )


def test_lecturers_own_localhost_and_all_names_of_the_machine_are_allowed() -> None:
    hosts = command.values(options_of(), "--server.allowedHosts")
    assert hosts == ["localhost", "127.0.0.1", "desk.uni.example", "desk", "desk.local", *ADDRESSES]


@pytest.mark.parametrize(
    "typed", [["--server.allowedHosts", "vae.example"], ["--server.allowedHosts=vae.example"]]
)
def test_a_name_that_is_typed_is_added_and_becomes_the_address(typed: list[str]) -> None:
    options = options_of(*typed, "--server.port", "9000")
    assert {"localhost", *ADDRESSES, "vae.example"} <= set(command.values(options, "--server.allowedHosts"))
    assert command.last_value(options, "--browser.serverAddress") == "vae.example"
    assert command.last_value(options, "--server.port") == "9000"


def test_machine_without_a_network_still_starts() -> None:
    options = command.class_options([], addresses=[], name="desk", port=8501)
    assert command.last_value(options, "--browser.serverAddress") == "localhost"


def test_streamlit_understands_the_options_and_the_code_reaches_the_server() -> None:
    done = run(
        "--class",
        "--server.allowedHosts",
        "vae.example",
        "--server.port",
        "8765",
        VAE_DASHBOARD_CLASS="CDF346",
    )
    *said, last = done.stdout.splitlines()
    script, options = json.loads(last)
    assert Path(script).name == "class_server.py"
    assert {"localhost", "127.0.0.1", "vae.example"} <= set(options["server.allowedHosts"])
    assert options["browser.serverAddress"] == "vae.example"
    assert (options["server.address"], options["server.port"]) == ("0.0.0.0", 8765)
    assert options["runner.postScriptGC"] is False, "the settings beside the entry script hold"
    assert options["server.enableXsrfProtection"] is True
    text = "\n".join(said)
    for part in ("http://vae.example:8765\n", "CDF346", "http://localhost:8765/?lecturer="):
        assert part in text, part
    assert done.stderr == ""


def test_command_without_class_is_streamlit_run_on_loopback() -> None:
    script, options = json.loads(run("--server.port", "8766").stdout)
    assert Path(script).name == "app.py"
    assert (options["server.address"], options["server.port"]) == ("localhost", 8766)
    assert options["server.allowedHosts"] == ["localhost", "127.0.0.1"]


def test_terminal_shows_link_code_and_the_qr_code_of_both() -> None:
    text = command.invitation("http://192.168.1.7:8501", "http://localhost:8501", "CDF346", "sesame")
    picture = io.StringIO()
    segno.make("http://192.168.1.7:8501/?code=CDF346", error="m").terminal(picture, compact=True, border=2)
    assert picture.getvalue() in text
    assert "http://localhost:8501/?lecturer=sesame" in text
    assert "http://192.168.1.7:8501/?lecturer=sesame" in text


def test_addresses_are_those_that_neighbours_reach() -> None:
    for address in command.lan_addresses():
        assert not classroom.is_loopback(address)
        socket.inet_aton(address)


def test_a_busy_port_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        monkeypatch.setattr(command, "FIRST_PORT", busy.getsockname()[1])
        assert command.free_port() != busy.getsockname()[1]


@pytest.fixture(autouse=True)
def _served_names(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {
        "server.allowedHosts": command.values(options_of(), "--server.allowedHosts"),
        "browser.serverAddress": ADDRESSES[0],
        "server.port": 8503,
    }
    monkeypatch.setattr(config, "get_option", options.__getitem__)


def answer(host: str) -> tuple[int, str]:
    """Status and text of the answer to a request under a name, in front of a page that says "app"."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "scheme": "http",
        "method": "GET",
        "path": "/train",
        "headers": [(b"host", host.encode("latin-1"))],
    }
    asyncio.run(KnownNames(PlainTextResponse("app"))(scope, receive, send))
    return sent[0]["status"], sent[1]["body"].decode()


@pytest.mark.parametrize(
    "host", ["localhost:8503", "192.168.1.7:8503", "DESK.local", "desk.uni.example:8503"]
)
def test_known_names_get_the_app(host: str) -> None:
    assert answer(host) == (200, "app")


@pytest.mark.parametrize(
    "host", ["vae.example:8503", "evil.example", "desk.local.example", "<b>x</b>", "é", ""]
)
def test_unknown_names_get_a_page_of_words(host: str) -> None:
    status, text = answer(host)
    assert status == 421
    assert 'href="http://192.168.1.7:8503"' in text
    assert "<b>x</b>" not in text
