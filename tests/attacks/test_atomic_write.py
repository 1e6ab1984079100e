"""A process killed while it writes leaves the old file or the new one, never half of one."""

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Final

WRITER: Final = textwrap.dedent("""
    import itertools, sys
    from pathlib import Path
    from vae_core.runs.atomic import write_atomically
    path = Path(sys.argv[1])
    for number in itertools.count():
        write_atomically(path, bytes([number % 256]) * 3_000_000, durable=False)
        if number == 3:
            print("started", flush=True)
""")


def test_a_kill_while_writing_leaves_the_old_file_or_the_new(tmp_path: Path) -> None:
    path = tmp_path / "file"
    root = Path(__file__).resolve().parents[2]
    for number in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], cwd=root, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        with process, process.stdout:
            assert process.stdout.readline() == "started\n"
            for _ in range(1000 * number):
                path.exists()
            process.kill()
        content = path.read_bytes()
        assert len(content) == 3_000_000, number
        assert len(set(content)) == 1, number
