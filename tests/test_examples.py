"""The examples in docstrings do what they say."""

import doctest
import importlib
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
WITH_EXAMPLES: Final = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for folder in ("vae_core", "dashboard")
    for path in (ROOT / folder).rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_of_a_module_hold(module: str) -> None:
    report = doctest.testmod(importlib.import_module(module), raise_on_error=False)
    assert report.attempted > 0, "no example was found"
    assert report.failed == 0, f"{report.failed} of {report.attempted} lines"


def test_there_are_examples() -> None:
    assert any(module.startswith("vae_core.") for module in WITH_EXAMPLES)
