"""What the documents name is there: files, folders, and the modules of ``python -m``."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
DOCUMENTS: Final = ("README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/data.md")
CODE: Final = re.compile(r"`([^`\n]+)`|^ {4}(\S.*)$", re.MULTILINE)
LINK: Final = re.compile(r"\]\((?!https?:)([^)]+)\)")
# A virtual environment is made by the reader.
PATH: Final = re.compile(r"(?<!\S)(?!\.venv/)\.?[A-Za-z][\w.-]*/[\w./-]*(?!\S)")
MODULE: Final = re.compile(r"python -m ((?:benchmarks|scripts|vae_core)[\w.]*)")


def named(text: str) -> tuple[set[str], set[str]]:
    """Paths from the root and modules, in code and commands."""
    code = "\n".join(one or other for one, other in CODE.findall(text))
    return set(PATH.findall(code)), set(MODULE.findall(code))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_everything_that_a_document_names_is_there(document: str) -> None:
    text, folder = (ROOT / document).read_text("utf-8"), (ROOT / document).parent
    paths, modules = named(text)
    assert {path for path in paths if not (ROOT / path).exists()} == set()
    assert {link for link in LINK.findall(text) if not (folder / link).exists()} == set()
    assert {module for module in modules if find_spec(module) is None} == set()
    assert paths


def test_paths_and_modules_are_told_from_other_code() -> None:
    text = "`a/b.py`, `run a/c.js`, `.ci/run`, `a/`, `~/x`, `b.py`, `x = 1/2`\n    go d/e.py\n"
    text += "`python -m scripts.f`"
    assert named(text) == ({"a/b.py", "a/c.js", ".ci/run", "a/", "d/e.py"}, {"scripts.f"})
