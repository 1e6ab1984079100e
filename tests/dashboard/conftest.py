"""What every test of the dashboard gets: figures that Plotly itself has checked, and no scan of packages."""

from collections.abc import Iterator
from typing import Any

import plotly.graph_objects
import pytest
from streamlit.components.v2 import manifest_scanner

from dashboard.figures import objects


@pytest.fixture(scope="session", autouse=True)
def _no_components_of_other_packages() -> Iterator[None]:
    """Streamlit's server looks once through all installed packages for components, AppTest for each page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", lambda **_: [])
        yield


@pytest.fixture(autouse=True)
def _checked_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives whatever is drawn to Plotly's own objects, which refuse what Plotly does not know."""
    to_dict = objects.Figure.to_dict

    def checked(figure: objects.Figure) -> dict[str, Any]:
        sent = to_dict(figure)
        plotly.graph_objects.Figure(**sent)
        return sent

    monkeypatch.setattr(objects.Figure, "to_dict", checked)
