"""Starts the real server for a browser test and ends it again."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
ENTRY: Final = ROOT / "dashboard" / "app.py"
STREAMLIT: Final = ("-m", "streamlit")
START_SECONDS: Final = 180.0
STOP_SECONDS: Final = 40.0
_ADDRESS: Final = re.compile(r"URL: http://\S+?:(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One running server.

    Arguments:
        url: Its address without a closing slash, ``http://127.0.0.1:PORT``.
        port: Its port.
        process: The server's process.
        home: Its run store (``VAE_DASHBOARD_HOME``).
        log: What it wrote to its standard output and error.
    """

    url: str
    port: int
    process: subprocess.Popen[bytes]
    home: Path
    log: Path


def start_server(
    script: Path,
    *,
    cwd: Path,
    home: Path,
    on_path: Path | None = None,
    port: int = 0,
    variables: Mapping[str, str] | None = None,
    program: Sequence[str] = STREAMLIT,
) -> Server:
    """Runs ``streamlit run SCRIPT`` and waits until it answers.

    Arguments:
        script: The entry script.
        cwd: The working folder; a ``.streamlit/config.toml`` in it counts.
        home: The run store; also where the server's log goes.
        on_path: A folder that the script may import from.
        port: The port; 0 lets the server take a free one. Streamlit ends at once when a given port is busy.
        variables: More variables of its environment.
        program: What Python runs, with Streamlit's arguments.

    Raises:
        RuntimeError: The server ended or did not answer in time; the message holds its log.
    """
    env = os.environ | {"VAE_DASHBOARD_HOME": str(home)} | dict(variables or {})
    env.pop("PYTHONPATH", None)
    if on_path is not None:
        env["PYTHONPATH"] = str(on_path)
    log = home / "server.log"
    command = [sys.executable, *program, "run", str(script)]
    command += ["--server.headless", "true", "--server.port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=output, stderr=subprocess.STDOUT)
    try:
        found = _wait_until_up(process, log)
    except BaseException:
        stop_process(process)
        raise
    return Server(url=f"http://127.0.0.1:{found}", port=found, process=process, home=home, log=log)


def _wait_until_up(process: subprocess.Popen[bytes], log: Path) -> int:
    """Waits for the server's own words and for its health check; returns its port.

    The health check alone would also be answered by another server on the same port.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        address = _ADDRESS.search(log.read_text("utf-8", errors="replace"))
        if address is not None and _is_healthy(int(address[1])):
            return int(address[1])
        time.sleep(0.05)
    state = "did not answer in time" if process.poll() is None else f"ended with code {process.returncode}"
    raise RuntimeError(f"the server {state}; its log:\n{log.read_text('utf-8', errors='replace')}")


def _is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """Ends a process that was started here: asks, waits, then insists."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
