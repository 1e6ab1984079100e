"""A process of the core that is copied is the program: what it prints, its end, its parent."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.runs import fork_server as module
from dashboard.runs import worker_process
from dashboard.runs.fork_server import MOST_FAILURES, Copy, ForkServer
from dashboard.runs.worker_process import PROGRAM, WorkerProcess, spawn
from dashboard.shell import warmup

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process is copied")
ENV = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    found = ForkServer()
    yield found
    found.close()


def started(*arguments: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*PROGRAM, *arguments], stdin=pipe, stdout=pipe, text=True, cwd=module.ROOT, env=ENV
    )


def states_of_children() -> list[str]:
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = file.read_text("utf-8", errors="replace").rpartition(")")[2].split()[:2]
            found += [state] if int(parent) == os.getpid() else []
    return found


@pytest.mark.parametrize("arguments", [[], ["task", "tsne", "INPUTS", "RESULT", "0"], ["nothing"]], ids=str)
def test_a_copy_says_and_returns_what_the_program_does(
    server: ForkServer, tmp_path: Path, arguments: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "INPUTS").write_bytes(b"no archive")
    arguments = [str(tmp_path / one) if one.isupper() else one for one in arguments]
    said = []
    for begin in (lambda: started(*arguments), lambda: server.begin(arguments, ENV)):
        with begin() as process:
            assert process.stdout is not None
            output = process.stdout.read()
        said.append((output, capfd.readouterr().err.splitlines()[-2:], process.wait()))
    assert said[0] == said[1]
    assert said[0][2] != 0, "it says what is wrong"


def test_a_copy_has_its_environment_and_folder_and_session(server: ForkServer, tmp_path: Path) -> None:
    with server.begin(["worker"], {**ENV, "OF_THIS_ONE": "äß"}) as process:
        assert "ready" in process.stdout.readline()
        assert os.getsid(process.pid) == process.pid
        assert Path(f"/proc/{process.pid}/cwd").resolve() == module.ROOT
        parent = Path(f"/proc/{process.pid}/stat").read_text("ascii").rpartition(")")[2].split()[1]
        assert int(parent) == os.getpid()
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        process.kill()
        assert process.wait() == process.poll() == process.returncode == -signal.SIGKILL
        process.kill()
    # The process between them has ended, and this one takes no other orphans.
    with pytest.raises(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)


def test_a_copy_ends_when_its_input_does(server: ForkServer) -> None:
    with server.begin(["worker"], ENV) as process:
        process.stdin.close()
        assert process.wait(60) == 0


def test_no_file_stays_open(server: ForkServer) -> None:
    def files() -> int:
        return len(os.listdir("/proc/self/fd"))

    def begin() -> None:
        with server.begin(["nothing"], ENV) as process:
            process.stdout.read()

    begin()
    before = files()
    for _ in range(5):
        begin()
    assert files() == before


def test_a_copy_begins_fast_and_shares_what_is_loaded(server: ForkServer) -> None:
    """In processor time of the copy and in memory of its own, beside a program that was started."""
    used = []
    for begin in (lambda: started("worker"), lambda: server.begin(["worker"], ENV)):
        with begin() as process:
            assert process.stdout is not None
            assert "ready" in process.stdout.readline()
            fields = Path(f"/proc/{process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
            pages = Path(f"/proc/{process.pid}/smaps_rollup").read_text("ascii")
            own = sum(int(line.split()[1]) for line in pages.splitlines() if line.startswith("Private_Dirty"))
            used.append((int(fields[11]) + int(fields[12]), own))
            process.kill()
    (started_ticks, started_kb), (copied_ticks, copied_kb) = used
    assert copied_ticks < started_ticks / 4
    assert copied_kb < started_kb / 2


def test_a_server_that_was_killed_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    server = ForkServer()
    monkeypatch.setattr(worker_process, "_fork_server", server)
    server.load()
    assert server._process is not None
    server._process.kill()
    server._process.wait()
    with spawn([*PROGRAM, "worker"]) as process:
        assert isinstance(process, subprocess.Popen), "nobody waits for the next one"
        assert process.stdout is not None
        assert "ready" in process.stdout.readline()
        process.kill()
    with spawn([*PROGRAM, "nothing"]) as process:
        assert isinstance(process, Copy)
    server.close()


def test_where_no_copy_can_be_made_programs_are_started(monkeypatch: pytest.MonkeyPatch) -> None:
    server = ForkServer()
    monkeypatch.setattr(worker_process, "_fork_server", server)

    def refuse(pid: int) -> int:
        raise OSError(38, "not implemented")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    for _ in range(MOST_FAILURES):
        with spawn([*PROGRAM, "nothing"]) as process:
            assert isinstance(process, subprocess.Popen)
    assert not server.is_possible
    worker = WorkerProcess()
    with worker._process as process:
        assert isinstance(process, subprocess.Popen)
        worker.kill()
        worker.wait()
    assert "Z" not in states_of_children(), "a copy that could not be watched has ended, and was waited for"


def test_no_copy_finds_cuda_in_use(tmp_path: Path) -> None:
    """A process that has asked for CUDA devices leaves copies that cannot have them."""
    script = (
        "import torch\n"
        "def asked(*_): raise AssertionError('asked for a device')\n"
        "for name in ('is_available', 'device_count', '_lazy_init', 'init'):\n"
        "    setattr(torch.cuda, name, asked)\n"
        "from vae_core.runs.fork_server import load\n"
        "load()\n"
        "print('loaded')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=module.ROOT, env=ENV, capture_output=True, text=True, check=False
    )
    assert done.stdout == "loaded\n", done.stderr


def test_no_room_for_a_copy_is_said_at_once() -> None:
    """The process between has been made, and the copy itself cannot be."""
    script = (
        "import os, socket, sys\n"
        "from vae_core.runs import fork_server\n"
        "fork_server.load = lambda: None\n"
        "own, fork = os.getpid(), os.fork\n"
        "def refused():\n"
        "    if os.getpid() != own: raise OSError(12, 'Cannot allocate memory')\n"
        "    return fork()\n"
        "os.fork = refused\n"
        "fork_server.serve(socket.socket(fileno=int(sys.argv[1])), lambda arguments: 0)\n"
    )
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            command = [sys.executable, "-c", script, str(theirs.fileno())]
            process = subprocess.Popen(command, cwd=module.ROOT, env=ENV, pass_fds=[theirs.fileno()])
        ours.settimeout(60)
        with open(os.devnull, "r+b") as nothing:
            socket.send_fds(ours, [b"{}"], [nothing.fileno()] * 3)
            assert ours.recv(64) == b""
    assert process.wait(60) == 0, "it goes on, and ends with who asked"


def test_a_process_with_threads_is_not_copied() -> None:
    script = (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "from vae_core.runs.fork_server import load\n"
        "load()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=module.ROOT, env=ENV, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "a process with several threads is not copied" in done.stderr


def test_a_copy_has_the_newest_code_where_somebody_edits_it(tmp_path: Path) -> None:
    """A file that is newer than the process has it begin anew; a server that keeps its code keeps it."""
    source = tmp_path / "part" / "module.py"
    source.parent.mkdir()
    source.write_text("")
    began: list[subprocess.Popen[bytes]] = []
    for follows in (None, tmp_path):
        server = ForkServer()
        server.sources = follows
        processes = []
        for _ in range(3):
            with server.begin(["nothing"], ENV) as copy:
                copy.wait()
            processes.append(server._process)
            if len(processes) == 1:
                later = time.time_ns() + 10**9
                os.utime(source, ns=(later, later))
            else:
                os.utime(source, ns=(0, 0))
        first, second, third = processes
        assert (first is second) == (follows is None)
        assert second is third
        assert second is not None
        assert second.poll() is None
        began += [one for one in processes if one is not None]
        server.close()
    assert all(one.poll() is not None for one in began), "none is left behind"


@pytest.mark.parametrize(("watcher", "follows"), [("none", False), ("auto", True), ("poll", True)])
def test_trainings_have_the_code_of_the_pages(
    watcher: str, follows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streamlit takes up an edited file only where it watches: there the copies do, too."""
    monkeypatch.setattr(warmup.st, "get_option", {"server.fileWatcherType": watcher}.get)
    assert warmup.watched_sources() == (module.ROOT / "vae_core" if follows else None)


def test_another_program_is_started_as_ever() -> None:
    with spawn([sys.executable, "-c", "print(7)"]) as process:
        assert isinstance(process, subprocess.Popen)
        assert process.communicate() == ("7\n", None)
