"""Reading what somebody brought ends where it needs too much memory or time, in one sentence."""

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
PROGRAM: Final = textwrap.dedent("""
    import numpy as np
    from vae_core.data.guard import limited
    from vae_core.errors import BadInput
    try:
        with limited(seconds={seconds}, num_bytes={num_bytes}):
            {work}
    except BadInput as err:
        print(err)
    print(np.ones(20_000_000).sum())
""")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
@pytest.mark.parametrize(
    ("seconds", "num_bytes", "work", "words"),
    [
        (0.2, 2**30, "[0 for _ in iter(int, 1)]", "takes too long"),
        (60, 2**26, "np.ones(20_000_000)", "more than 64 MB of memory"),
        (60, 2**26, "bytearray(10**9)", "more than 64 MB of memory"),
    ],
)
def test_a_limit_ends_the_reading_and_is_lifted_behind_it(
    seconds: float, num_bytes: int, work: str, words: str
) -> None:
    program = PROGRAM.format(seconds=seconds, num_bytes=num_bytes, work=work)
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    said, after = ran.stdout.splitlines()
    assert words in said
    assert float(after) == 2e7
