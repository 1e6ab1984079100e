"""The benchmark of a class moves a widget on every page, and its last line is JSON with real figures."""

import json
import math

import pytest

from benchmarks.load import CASES, QUICK, main
from dashboard.shell.pages import PAGES


def test_every_page_answers_every_session(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick"]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])["figures"]
    assert [(one["case"], one["users"]) for one in figures] == [
        (case, users) for case in CASES for users in QUICK.users
    ]
    assert {case.page or "start" for case in CASES.values()} == {page.name for page in PAGES}
    for one in figures:
        assert one["errors"] == 0, one
        assert one["moves"] >= one["users"], one
        assert all(math.isfinite(value) for value in one.values() if isinstance(value, float)), one
        assert one["bytes_per_move"] > 0, one
