"""Processes of the core that begin within milliseconds: copies of one that has loaded PyTorch already.

``python -m vae_core`` loads for a second or two before it does anything, and tests of who waits for whom
start it more than a hundred times. Here one process loads once, and each command makes a copy of it that goes
on as the program: a process with its own pipes, id, session, working folder and environment, which is paused,
killed and waited for like any other. Linux alone; elsewhere all programs are started as ever. Tests of the
start itself (``tests/vae_core/runs/test_worker.py``, a cold link in ``tests/browser/app/test_pages.py``)
start the program.

    python -m tests.forked FD      the process that loads, with a socket to who asks
"""

import contextlib
import ctypes
import inspect
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
PROGRAM: Final = [sys.executable, "-m", "vae_core"]
_SET_CHILD_SUBREAPER: Final = 36  # prctl(2)
_LONGEST: Final = 2**20


class Loaded:
    """The process that has loaded; it begins with the first command and ends with this object."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def begin(
        self, arguments: Sequence[str], *, files: Sequence[int], cwd: str, env: Mapping[str, str]
    ) -> int:
        """Begins ``python -m vae_core ARGUMENTS`` and returns its id; it is a child of this process.

        Arguments:
            arguments: Of the program.
            files: Its standard input, output and error.
            cwd: Its working folder.
            env: Its environment.
        """
        request = {"arguments": list(arguments), "cwd": cwd, "env": dict(env)}
        with self._lock:
            ours = self._opened()
            # A process whose parent ends becomes the child of its next ancestor that takes such children.
            _take_orphans(True)
            try:
                socket.send_fds(ours, [json.dumps(request).encode()], list(files))
                return int(ours.recv(64))
            finally:
                _take_orphans(False)

    def _opened(self) -> socket.socket:
        if self._socket is None:
            self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.forked", str(theirs.fileno())],
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
        return self._socket

    def close(self) -> None:
        """Ends the process that has loaded; copies of it go on."""
        if self._socket is not None and self._process is not None:
            self._socket.close()
            self._process.wait()


def popen_of(loaded: Loaded) -> type[subprocess.Popen[Any]]:
    """A ``subprocess.Popen`` that begins the program of the core as a copy of what is loaded."""

    class Forked(subprocess.Popen[Any]):
        def _execute_child(self, *arguments: Any) -> None:
            start = super()._execute_child  # type: ignore[misc]  # of CPython's own Popen, by its own names
            given = inspect.signature(start).bind(*arguments).arguments
            command = list(given["args"])
            if command[: len(PROGRAM)] != PROGRAM:
                start(*arguments)
                return
            pipes = {name: given[name] for name in _PIPES}
            files = [
                theirs if theirs >= 0 else own
                for own, theirs in enumerate(pipes[name] for name in ("p2cread", "c2pwrite", "errwrite"))
            ]
            env = os.environ if given["env"] is None else given["env"]
            self.pid = loaded.begin(
                command[len(PROGRAM) :], files=files, cwd=str(given["cwd"] or Path.cwd()), env=env
            )
            self._child_created = True
            self._close_pipe_fds(**pipes)  # type: ignore[attr-defined]

    return Forked if sys.platform == "linux" else subprocess.Popen


_PIPES: Final = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")


def _take_orphans(takes: bool) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_CHILD_SUBREAPER, int(takes), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def serve(theirs: socket.socket) -> None:
    """Loads, then begins one program for each request until who asks has closed the socket."""
    _load()
    while True:
        request, files, _, _ = socket.recv_fds(theirs, _LONGEST, 3)
        if not request:
            return
        read, write = os.pipe()
        between = os.fork()
        if between == 0:
            program = os.fork()
            if program == 0:
                for file in (theirs.fileno(), read, write):
                    os.close(file)
                _become(json.loads(request), files)
            os.write(write, str(program).encode())
            os._exit(0)
        # Only now is the program a child of who asks, who may wait for it.
        os.waitpid(between, 0)
        theirs.send(os.read(read, 64))
        for file in (read, write, *files):
            os.close(file)


def _load() -> None:
    import gc

    import sklearn.manifold
    import torch

    import vae_core.evidence
    import vae_core.runs.worker

    torch.set_num_threads(1)
    vae_core.runs.worker.warm_up()
    assert sklearn.manifold
    assert vae_core.evidence
    if threading.active_count() > 1:
        raise RuntimeError("a process with several threads is not copied")
    gc.freeze()


def _become(request: Mapping[str, Any], files: Sequence[int]) -> None:
    """Goes on as the program; does not return."""
    code = 1
    try:
        os.setsid()
        for own, file in enumerate(files):
            os.dup2(file, own)
        for file in files:
            os.close(file)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(own, mode, encoding="utf-8", closefd=False) for own, mode in enumerate("rww")
        )
        sys.argv = ["vae_core", *request["arguments"]]
        from vae_core.__main__ import main

        code = main(request["arguments"])
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as _theirs:
        serve(_theirs)
