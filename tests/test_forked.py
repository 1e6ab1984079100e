"""A process of the core that is copied is the program: what it prints, its folder, its end, its parent."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forked import PROGRAM, Loaded, popen_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process is copied")
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def copied() -> Iterator[type[subprocess.Popen[str]]]:
    loaded = Loaded()
    yield popen_of(loaded)
    loaded.close()


def test_a_copy_says_and_returns_what_the_program_does(
    copied: type[subprocess.Popen[str]], tmp_path: Path
) -> None:
    env = {**os.environ, "PYTHONPATH": os.fspath(ROOT), "OMP_NUM_THREADS": "1"}
    (tmp_path / "inputs.npz").write_bytes(b"no archive")
    for arguments in ([], ["task", "tsne", "inputs.npz", "result.npz", "0"]):
        said = []
        for kind in (subprocess.Popen, copied):
            with kind(
                [*PROGRAM, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=tmp_path,
                env=env,
                text=True,
            ) as process:
                assert process.stdout is not None
                assert process.stderr is not None
                said.append((process.stdout.read(), process.stderr.read().splitlines()[-2:], process.wait()))
        assert said[0] == said[1], arguments
        assert said[0][1:] != ([], 0), "it says what is wrong"


def test_a_copy_has_a_session_of_its_own_and_ends_by_a_signal(copied: type[subprocess.Popen[str]]) -> None:
    pipe = subprocess.PIPE
    with copied([*PROGRAM, "worker"], stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert "ready" in process.stdout.readline()
        assert os.getsid(process.pid) == process.pid
        parent = Path(f"/proc/{process.pid}/stat").read_text("ascii").rpartition(")")[2].split()[1]
        assert int(parent) == os.getpid()
        assert process.poll() is None
        process.kill()
        assert process.wait() == -signal.SIGKILL


def test_a_copy_ends_when_its_input_does(copied: type[subprocess.Popen[str]]) -> None:
    pipe = subprocess.PIPE
    with copied([*PROGRAM, "worker"], stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait() == 0


def test_another_program_is_started_as_ever(copied: type[subprocess.Popen[str]]) -> None:
    with copied([sys.executable, "-c", "print(7)"], stdout=subprocess.PIPE, text=True) as process:
        assert process.communicate() == ("7\n", None)
