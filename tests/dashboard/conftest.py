"""What every test of the dashboard gets: figures that Plotly itself has checked."""

from typing import Any

import plotly.graph_objects
import pytest

from dashboard.figures import objects


@pytest.fixture(autouse=True)
def _checked_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives whatever is drawn to Plotly's own objects, which refuse what Plotly does not know."""
    to_dict = objects.Figure.to_dict

    def checked(figure: objects.Figure) -> dict[str, Any]:
        sent = to_dict(figure)
        plotly.graph_objects.Figure(**sent)
        return sent

    monkeypatch.setattr(objects.Figure, "to_dict", checked)
