"""The heat map of causes and dimensions."""

import tomllib
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

import dashboard
from dashboard.figures.causes import information_figure
from dashboard.theme import PAGE, ThemeName


@pytest.mark.parametrize("theme", get_args(ThemeName))
def test_cells_are_opaque_so_that_their_numbers_stand_out(theme: ThemeName) -> None:
    """Plotly takes a cell's colour for its ground, and leaves its opacity out: it wrote dark on dark."""
    figure = information_figure(np.array([[0.4, 0.1]]), np.array([1.0]), ["size"], theme=theme)
    ends = [colour for _, colour in figure.data[0]["colorscale"]]
    assert ends[0] == PAGE[theme]
    assert all(len(colour) == 7 and colour.startswith("#") for colour in ends)


@pytest.mark.parametrize("theme", get_args(ThemeName))
def test_the_ground_is_that_of_the_page(theme: ThemeName) -> None:
    settings = Path(dashboard.__file__).parent / ".streamlit" / "config.toml"
    assert tomllib.loads(settings.read_text())["theme"][theme]["backgroundColor"] == PAGE[theme]
