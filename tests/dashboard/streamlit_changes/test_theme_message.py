"""The theme in the first message of each run is what Streamlit itself would write."""

import pytest
from streamlit import config
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session

from dashboard.streamlit_changes import theme_message
from tests.page_scripts import open_page

SECTIONS = ("theme", *(f"theme.{one.value}" for one in config.CustomThemeCategories))


@pytest.fixture
def unpatched(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = app_session._populate_theme_msg
    original = kept._populate if isinstance(kept, theme_message.Kept) else kept
    monkeypatch.setattr(app_session, "_populate_theme_msg", original)


@pytest.mark.usefixtures("unpatched")
@pytest.mark.parametrize("section", SECTIONS)
def test_it_is_written_as_streamlit_writes_it(section: str) -> None:
    before = config.get_option("theme.primaryColor")
    config.set_option("theme.primaryColor", "#123456")
    try:
        expected = CustomThemeConfig()
        app_session._populate_theme_msg(expected, section)
        theme_message.keep()
        for message in (CustomThemeConfig(), CustomThemeConfig()):
            app_session._populate_theme_msg(message, section)
            assert message == expected, "the first time, and from what was kept"
    finally:
        config.set_option("theme.primaryColor", before)


@pytest.mark.usefixtures("unpatched")
def test_the_options_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def populate(message: CustomThemeConfig, section: str = "theme") -> None:
        read.append(section)
        message.primary_color = "#abcdef"

    monkeypatch.setattr(app_session, "_populate_theme_msg", populate)
    theme_message.keep()
    theme_message.keep()
    message = CustomThemeConfig()
    for _ in range(3):
        app_session._populate_theme_msg(message)
        app_session._populate_theme_msg(message.light, "theme.light")
    assert read == ["theme", "theme.light"]
    assert message.primary_color == message.light.primary_color == "#abcdef"


@pytest.mark.usefixtures("unpatched")
def test_every_page_has_it_kept() -> None:
    open_page("start")
    assert isinstance(app_session._populate_theme_msg, theme_message.Kept)
