"""Runs the tests that are written in JavaScript."""

from pathlib import Path

from tests.js.node import run_node


def test_javascript() -> None:
    files = sorted(str(path) for path in Path(__file__).parent.glob("*.test.js"))
    assert files
    run_node("--test", *files)
