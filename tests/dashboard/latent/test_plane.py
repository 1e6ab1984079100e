"""The Latent space page: the plane is decoded in the browser, by the server where the model is too large."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import cached as cache
from dashboard.components.latent import payload as latent_payload
from dashboard.components.mounting import name_of
from dashboard.subject import pretrained
from tests.dashboard.components.test_latent_payload import read
from tests.polling import DEADLINE_S

ROOT = Path(__file__).resolve().parents[3]
PAGE = "../pages/latent_space.py"


@pytest.fixture
def app() -> AppTest:
    """The app before its first run."""
    return AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=DEADLINE_S)


def elements(app: AppTest) -> list[str]:
    return [name_of(element.proto.component_name) for element in app.get("bidi_component")]


def test_element_gets_the_example_model(app: AppTest) -> None:
    app.run().switch_page(PAGE).run()
    assert not app.exception, app.exception
    assert "latent_explorer" in elements(app), elements(app)
    (element,) = (
        e for e in app.get("bidi_component") if name_of(e.proto.component_name) == "latent_explorer"
    )
    meta, arrays = read(element.proto.bytes)
    data = cache.encoded(pretrained())
    assert (meta["image_shape"], meta["plane"], meta["run"]) == ([8, 8], [0, 1], "models")
    assert len(arrays["labels"]) == len(data.labels), len(arrays["labels"])
    assert not any("a random sample" in one.value for one in app.caption), "all are there"
    assert arrays["means"].reshape(-1, 2).tolist() == data.means.tolist()


def test_model_that_is_too_large_is_drawn_by_the_server(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latent_payload, "MAX_DECODER_BYTES", 100)
    app.run().switch_page(PAGE).run()
    assert not app.exception, app.exception
    assert "latent_explorer" not in elements(app), elements(app)
    assert any("too large for the browser" in info.value for info in app.info), app.info
    app.slider(key="z1").set_value(2.0).run()
    assert not app.exception, app.exception
    assert any("z = (2.00" in text.value for text in app.markdown), "the server decodes instead"


def test_a_plane_with_a_part_of_the_examples_says_so(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latent_payload, "MAX_EXAMPLES", 100)
    app.run().switch_page(PAGE).run()
    assert not app.exception, app.exception
    said = [one.value for one in app.caption if "held-out examples, a random sample" in one.value]
    assert [one.split(",")[0] for one in said] == ["100 of 360 held-out examples"]
