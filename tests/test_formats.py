"""How numbers are written."""

import pytest

from dashboard.formats import rounded


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.01344, "0.0134"),
        (20.0, "20"),
        (160_000.0, "160,000"),
        (999_999.0, "1,000,000"),
        (20.0**8, "2.56 × 10¹⁰"),
    ],
)
def test_rounded(value: float, text: str) -> None:
    assert rounded(value) == text
