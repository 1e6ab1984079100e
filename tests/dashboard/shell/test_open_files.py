"""The server raises its limit of open files as far as it may, and lowers none."""

import subprocess
import sys

import pytest

resource = pytest.importorskip("resource", reason="Windows has no such limit")
SCRIPT = """
import resource, sys
kind, soft, hard = resource.RLIMIT_NOFILE, *map(int, sys.argv[1:])
resource.setrlimit(kind, (soft, hard))
from dashboard.shell import open_files
open_files.allow_many()
open_files.allow_many()
print(*resource.getrlimit(kind))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "raised"), [(256, 900, 900), (900, 900, 900), (256, None, 8192), (9000, None, 9000)]
)
def test_limit_of_open_files(soft: int, hard: int | None, raised: int) -> None:
    highest = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    hard = highest if hard is None else hard
    if highest != resource.RLIM_INFINITY:
        raised, soft, hard = (min(one, highest) for one in (raised, soft, hard))
    limits = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(soft), str(hard)], check=True, capture_output=True, text=True
    )
    assert limits.stdout.split() == [str(raised), str(hard)]


def test_every_page_raises_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from dashboard.shell import open_files
    from tests.page_scripts import open_page

    calls: list[int] = []
    monkeypatch.setattr(open_files, "allow_many", lambda: calls.append(1))
    open_page("start")
    assert calls
