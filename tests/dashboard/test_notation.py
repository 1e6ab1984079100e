"""The formulas of a conditional model; the browser's function is tested with the same cases."""

import json
from pathlib import Path
from typing import Final

import pytest

from dashboard.notation import given_y

CASES: Final = json.loads((Path(__file__).parents[1] / "js/notation.json").read_text("utf-8"))


@pytest.mark.parametrize(("plain", "expected"), CASES)
def test_what_is_of_x_has_its_y(plain: str, expected: str) -> None:
    assert given_y(plain) == expected
    assert given_y(expected) == expected, "what has its y stays"
