"""How numbers are written."""

import math

import pytest

from dashboard.formats import margin, rounded, with_deviation
from dashboard.labels import OF_CURVES
from vae_core.runs.observer import MAX_HELD_OUT


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.01344, "0.0134"),
        (20.0, "20"),
        (160_000.0, "160,000"),
        (999_999.0, "1,000,000"),
        (20.0**8, "2.56 × 10¹⁰"),
        (0.0, "0"),
        (1e-4, "0.0001"),
        (2.346e-12, "2.35 × 10⁻¹²"),
        (math.nan, "–"),
    ],
)
def test_rounded(value: float, text: str) -> None:
    assert rounded(value) == text


@pytest.mark.parametrize(
    ("value", "deviation", "text"),
    [
        (2.4, 0.3589, "2.400 ± 0.359"),
        (1.0, 0.99512, "1.000 ± 0.995"),
        (-1.0166, 3.826, "−1.02 ± 3.83"),
        (412.3, 1234.56, "412 ± 1235"),
        (0.0, 0.0, "0.00 ± 0"),
        (-2.4, 0.0, "−2.40 ± 0"),
        (1.0, 2.5e-9, "1.000000 ± <0.000001"),
        (-3e7, 1e3, "−3.00 × 10⁷ ± 1,000"),
        (2.0, math.inf, "2 ± –"),
    ],
)
def test_a_mean_has_the_digits_of_its_deviation(value: float, deviation: float, text: str) -> None:
    assert with_deviation(value, deviation).replace("\N{NO-BREAK SPACE}", " ") == text


def test_rounded_to_one_digit() -> None:
    assert [rounded(value, 1) for value in (3.1e-4, 3.1e-9, 0.96)] == ["0.0003", "3 × 10⁻⁹", "1"]


def test_a_margin_is_never_written_as_none() -> None:
    assert [margin(error) for error in (0.0049, 0.005001, 0.0)] == ["<0.01", "0.01", "0.00"]
    assert margin(0.0004, 3) == "<0.001"


def test_the_note_on_curves_has_the_number_of_the_observer() -> None:
    assert f"at most {MAX_HELD_OUT:,} held-out" in OF_CURVES
