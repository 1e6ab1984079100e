"""The settings of dashboard/.streamlit/config.toml hold in the server, from any working folder."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest
from streamlit import config
from streamlit.web.server.starlette import starlette_websocket

from dashboard.theme import CONCEPTS, GHOSTS, PRESSED, PRIMARY, ThemeName
from tests.polling import DEADLINE_S

SETTINGS: Final = Path(__file__).resolve().parents[2] / "dashboard" / ".streamlit"
EXPECTED: Final[dict[str, object]] = {
    "global.maxCachedMessageAge": 20,
    "runner.postScriptGC": False,
    "server.fileWatcherType": "none",
    "server.address": "localhost",
    "server.allowedHosts": ["localhost", "127.0.0.1"],
    "server.maxUploadSize": 64,
    "server.disconnectedSessionTTL": 120,
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,
    "server.enableAgentApi": False,
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "viewer",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "theme.baseFontSize": 16,
    "theme.headingFontSizes": ["1.5rem", "1.375rem", "1.25rem", "1.125rem", "1rem", "0.875rem"],
    "theme.light.primaryColor": CONCEPTS["light"]["elbo"],
    "theme.light.linkColor": CONCEPTS["light"]["elbo"],
    "theme.dark.primaryColor": "#2B90D1",
    "theme.dark.linkColor": CONCEPTS["dark"]["elbo"],
}

# Streamlit's own command line up to the point where the server would start: there it reports its options.
REPORT: Final = """
import json, sys
from streamlit import config
from streamlit.web import bootstrap, cli
bootstrap.run = lambda *args, **kwargs: print(
    json.dumps({name: config.get_option(name) for name in json.loads(sys.argv[1])})
)
cli.main(["run", sys.argv[2], "--server.headless", "true"])
"""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """What ``streamlit run`` says of its options when the settings lie beside the script, not in the cwd."""
    app = tmp_path_factory.mktemp("app")
    (app / "app.py").touch()
    (app / ".streamlit").symlink_to(SETTINGS)
    cwd = tmp_path_factory.mktemp("elsewhere")
    # The options of whoever runs the tests would hide a missing line.
    env = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
    env |= {"HOME": str(cwd), "USERPROFILE": str(cwd)}
    command = [sys.executable, "-c", REPORT, json.dumps(list(EXPECTED)), str(app / "app.py")]
    return subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )


@pytest.mark.parametrize("name", EXPECTED)
def test_setting_holds_in_the_server(started: subprocess.CompletedProcess[str], name: str) -> None:
    assert started.returncode == 0, started.stderr
    assert json.loads(started.stdout)[name] == EXPECTED[name], name


def test_streamlit_knows_every_setting(started: subprocess.CompletedProcess[str]) -> None:
    """Streamlit warns of unknown names; a warning here would be a setting that does nothing."""
    assert started.stderr == ""


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost:8501", True),
        ("127.0.0.1:8501", True),
        ("rebound.example:8501", False),
        ("localhost.example", False),
        (None, False),
    ],
)
def test_only_named_hosts_may_connect(
    monkeypatch: pytest.MonkeyPatch, host: str | None, allowed: bool
) -> None:
    options = {"server.allowedHosts": _settings()["server"]["allowedHosts"]}
    monkeypatch.setattr(config, "get_option", options.__getitem__)
    assert starlette_websocket.is_host_allowed(host) is allowed, host


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("surface", ["backgroundColor", "secondaryBackgroundColor"])
def test_text_and_links_stand_out(theme: ThemeName, surface: str) -> None:
    """WCAG 2.2: text at 7 to 1 (level AAA), links at 4.5 and controls at 3 to 1."""
    colors = _settings()["theme"][theme]
    assert contrast(colors["textColor"], colors[surface]) >= 7, theme
    assert contrast(colors["linkColor"], colors[surface]) >= 4.5, theme
    # The value of a slider has the colour, also in the sidebar.
    assert contrast(colors["primaryColor"], colors[surface]) >= 4.5, theme


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chosen_segment_stands_out(theme: ThemeName) -> None:
    """The primary colour on a tenth of it: 4.5 to 1, and 3 to 1 against the text of the others."""
    colors = _settings()["theme"][theme]
    primary, ground = colors["primaryColor"], colors["backgroundColor"]
    assert contrast(primary, _blend(primary, ground, 0.1)) >= 4.5, theme
    assert contrast(primary, colors["textColor"]) >= 3, theme


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_white_on_blue_is_legible_and_the_button_stands_out(theme: ThemeName) -> None:
    """White at 4.5 to 1 on primary buttons and tags, which stand out from the page at 3 to 1."""
    ground = _settings()["theme"][theme]["backgroundColor"]
    for blue in (PRIMARY, PRESSED):
        assert contrast(blue, "#FFFFFF") >= 4.5, blue
    assert contrast(PRIMARY, ground) >= 3, theme


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_concept_colours_stand_out(theme: ThemeName) -> None:
    """Curves carry text of their colour (level AA on the page's ground)."""
    ground = _settings()["theme"][theme]["backgroundColor"]
    weak = {name: color for name, color in CONCEPTS[theme].items() if contrast(color, ground) < 4.5}
    assert weak == {}, weak
    pale = [color for color in GHOSTS[theme] if contrast(color, ground) < 4.5]
    assert pale == [], pale


def test_contrast_of_black_on_white() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def _settings() -> dict[str, dict]:
    return tomllib.loads((SETTINGS / "config.toml").read_text("utf-8"))


def contrast(color: str, other: str) -> float:
    """Contrast ratio (WCAG 2.2): (L1 + 0.05) / (L2 + 0.05) of the relative luminances, the lighter first."""
    darker, lighter = sorted((_luminance(color), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _blend(color: str, ground: str, share: float) -> str:
    """A colour with an opacity over a ground."""
    pairs = zip(*(bytes.fromhex(part.removeprefix("#")) for part in (color, ground)), strict=True)
    return "#" + bytes(round(share * over + (1 - share) * under) for over, under in pairs).hex()


def _luminance(color: str) -> float:
    """Relative luminance (WCAG 2.2): 0.2126 R + 0.7152 G + 0.0722 B of the linearised channels."""
    channels = [byte / 255 for byte in bytes.fromhex(color.removeprefix("#"))]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
