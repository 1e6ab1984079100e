"""Processes of the core that begin within some hundredths of a second, as copies of one that has loaded.

The other side is :mod:`vae_core.runs.fork_server`. Linux only; elsewhere programs are started as ever.
"""

import atexit
import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

ROOT: Final = Path(__file__).resolve().parents[2]
ANSWER_S: Final = 120.0
"""A copy takes hundredths of a second, and loading before the first one two; on a busy machine many more."""
MOST_FAILURES: Final = 3
"""After so many all programs are started."""
_SET_CHILD_SUBREAPER: Final = 36  # prctl(2)
_ANSWER: Final = 64


class Copy:
    """A process as ``subprocess.Popen`` has it, as far as the server needs it; a child of this process.

    Arguments:
        pid: Its id.
        file: The file that stands for it, also when its id is another one's.
        stdin, stdout: Its standard input and output, text.
    """

    def __init__(self, pid: int, file: int, stdin: IO[str], stdout: IO[str]) -> None:
        self.pid, self.stdin, self.stdout = pid, stdin, stdout
        self.returncode: int | None = None
        self._file = file
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None before the end."""
        with self._lock:
            if self.returncode is None:
                ended = os.waitid(os.P_PIDFD, self._file, os.WEXITED | os.WNOHANG)
                if ended is not None:
                    is_exit = ended.si_code == os.CLD_EXITED
                    self.returncode = ended.si_status if is_exit else -ended.si_status
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code after the end.

        Raises:
            subprocess.TimeoutExpired: It has not ended within so many seconds.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise subprocess.TimeoutExpired("vae_core", timeout or 0.0)
            until_end = select.poll()
            until_end.register(self._file, select.POLLIN)
            until_end.poll(None if left is None else 1000 * left)
        return code

    def kill(self) -> None:
        """Ends it at once."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._file, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self.stdin.close()
        self.wait()

    def __del__(self) -> None:
        os.close(self._file)


class ForkServer:
    """The process that has loaded; it begins when it is first needed."""

    def __init__(self) -> None:
        self.sources: Path | None = None
        """Whose newest code copies are to have: once a file there is newer, the process begins anew. None: as
        a server that keeps what it has loaded they have the code of its beginning."""
        self._lock = threading.Lock()
        self._began_ns = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._num_failures = 0

    @property
    def is_possible(self) -> bool:
        """Whether copies can be made here at all."""
        return hasattr(os, "pidfd_open") and self._num_failures < MOST_FAILURES

    def load(self) -> None:
        """Has the process load meanwhile, if it does not yet; returns at once.

        Raises:
            OSError: It cannot be started.
        """
        if self.is_possible:
            with self._lock:
                self._opened()

    def begin(self, arguments: Sequence[str], env: Mapping[str, str]) -> Copy:
        """Begins ``python -m vae_core ARGUMENTS`` in an environment.

        Raises:
            OSError: No copy can be made.
        """
        request = json.dumps({"arguments": list(arguments), "env": dict(env)}).encode()
        with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
            their_in, our_in = _pipe(theirs, ours)
            our_out, their_out = _pipe(ours, theirs)
            try:
                with self._lock:
                    pid = self._answer(request, [their_in, their_out, 2])
                file = _file_of(pid)
            except (OSError, ValueError) as err:
                self._num_failures += 1
                self.close()
                raise OSError("no copy of the process that has loaded") from err
            ours.pop_all()
        return Copy(pid, file, os.fdopen(our_in, "w", encoding="utf-8"), os.fdopen(our_out, encoding="utf-8"))

    def close(self) -> None:
        """Ends the process; copies of it go on."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        ours, process = self._socket, self._process
        self._socket = self._process = None
        if ours is not None and process is not None:
            ours.close()
            process.kill()
            process.wait()

    def _answer(self, request: bytes, files: Sequence[int]) -> int:
        ours = self._opened()
        with _adopting():
            socket.send_fds(ours, [request], files)
            return int(ours.recv(_ANSWER))

    def _opened(self) -> socket.socket:
        if self.sources is not None and _newest_ns(self.sources) > self._began_ns:
            self._end()
        if self._socket is None:
            self._began_ns = time.time_ns()
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ours.settimeout(ANSWER_S)
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "vae_core", "copies", str(theirs.fileno())],
                    cwd=ROOT,
                    env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
            self._socket = ours
            atexit.register(self.close)
        return self._socket


def _newest_ns(folder: Path) -> int:
    """When the newest Python file below a folder was written; a file that goes meanwhile counts no more."""
    newest = 0
    for file in folder.rglob("*.py"):
        with contextlib.suppress(OSError):
            newest = max(newest, file.stat().st_mtime_ns)
    return newest


def _pipe(read: contextlib.ExitStack, write: contextlib.ExitStack) -> tuple[int, int]:
    """A pipe, of which each end is closed with the one that it belongs to."""
    ends = os.pipe()
    for owner, end in zip((read, write), ends, strict=True):
        owner.callback(os.close, end)
    return ends


def _file_of(pid: int) -> int:
    """Of a child of this process, which ends where the system has no such files (Linux before 5.3)."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise


@contextlib.contextmanager
def _adopting() -> Iterator[None]:
    """A process whose parent ends meanwhile becomes a child of this one, if it descends from it."""
    _take_orphans(True)
    try:
        yield
    finally:
        _take_orphans(False)


def _take_orphans(takes: bool) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_CHILD_SUBREAPER, int(takes), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
