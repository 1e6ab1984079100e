"""Share: what its link says, whom it tells that a link leads nowhere, and that the code holds the link."""

from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.runs.runner import LocalRunner
from dashboard.shell import share
from dashboard.shell.pages import PAGES
from tests.page_scripts import TINY, checked, choose, open_page, query, runner, trained, turn_to

__all__ = ["runner"]  # a fixture
CONFIG: Final = replace(TINY, seed=11, train=replace(TINY.train, beta=4.0))


def shared(at: AppTest) -> tuple[str, dict[str, str]]:
    """Path and query of the link in the dialogue."""
    parts = urlsplit(at.code[0].value)
    return parts.path, dict(parse_qsl(parts.query, keep_blank_values=True))


def opened(at: AppTest) -> AppTest:
    return checked(at.button(key="share").click().run())


@pytest.mark.parametrize("name", [page.name for page in PAGES])
def test_every_page_has_the_button_and_shares_itself(name: str) -> None:
    at = opened(open_page(name))
    assert shared(at) == ("/" + ("" if name == "start" else name), {})
    assert not any(caption.value.startswith("Watch Run") for caption in at.caption)


def test_link_watches_the_run_in_view_with_page_and_view(runner: LocalRunner) -> None:
    run_id, kept = trained(runner, CONFIG), "0" * 16
    at = open_page("elbo", run=run_id, keep=kept)
    choose(at, "elbo_view", "one_example")
    checked(at.slider(key="elbo_example_held_out").set_value(7).run())
    assert shared(opened(at)) == (
        "/elbo",
        {"run": run_id, "keep": kept, "elbo_view": "one_example", "elbo_example_held_out": "7"},
    )


def test_dialogue_says_who_steers(runner: LocalRunner) -> None:
    def said(at: AppTest) -> str:
        return next(caption.value for caption in at.caption if caption.value.startswith("Whoever opens it"))

    run_id = trained(runner, CONFIG)
    own = opened(open_page("elbo", run=run_id))
    assert "Only this browser steers the run" in said(own)
    runner.send(run_id, "pause", owner="a" * 32)
    watcher = opened(open_page("elbo", run=run_id))
    assert "Only the browser that started it steers the run" in said(watcher)
    checked(watcher.radio(key="share_aim").set_value("start").run())
    assert "runs of their own" in said(watcher)
    assert said(opened(open_page("elbo"))) == "Whoever opens it sees this page."


def test_link_starts_from_the_configuration_without_the_run(runner: LocalRunner) -> None:
    at = opened(open_page("elbo", run=trained(runner, CONFIG), keep="0" * 16))
    checked(at.radio(key="share_aim").set_value("start").run())
    path, said = shared(at)
    assert path == "/train"
    assert said == {"seed": "11", "beta": "4", "hidden": "8", "num_epochs": "1", "batch_size": "256"}
    again = open_page("train", **said)
    assert again.number_input(key="seed").value == 11
    assert "run" not in query(again)


def test_link_hides_fixes_and_presents(runner: LocalRunner) -> None:
    run_id = trained(runner, CONFIG)
    at = opened(open_page("train", run=run_id))
    at.checkbox(key="share_present").check()
    at.multiselect(key="share_hide").set_value(["seed", "dataset"])
    checked(at.multiselect(key="share_fix").set_value(["hidden"]).run())
    path, said = shared(at)
    assert (path, said) == (
        "/train",
        {"run": run_id, "present": "1", "hide": "seed,dataset", "fix": "hidden"},
    )
    presented = open_page("train", **said)
    assert not [*presented.text_input, *presented.selectbox], "controls of the sidebar"
    again = open_page("train", **said | {"present": "0"})
    assert again.text_input(key="hidden").disabled
    assert again.text_input(key="hidden").value == "8"
    assert "seed" not in [box.key for box in again.number_input]


def test_dialogue_stays_while_the_page_is_drawn_again_and_ends_with_the_page() -> None:
    at = opened(open_page("train"))
    assert checked(at.run()).code
    assert not turn_to(at, "elbo").code


def test_settings_that_cannot_be_used_are_one_sentence() -> None:
    at = opened(open_page("train", hidden="many"))
    checked(at.radio(key="share_aim").set_value("start").run())
    assert not at.code
    assert "whole numbers" in at.error[0].value


@pytest.mark.parametrize(
    ("seen", "base"),
    [
        ("http://localhost:8501/train", "http://localhost:8501"),
        ("https://vae.example.org/course/train", "https://vae.example.org/course"),
        ("http://192.168.1.17:8501/train/", "http://192.168.1.17:8501"),
        (None, ""),
    ],
)
def test_address_is_what_the_browser_sees(
    seen: str | None, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.shell.share.state.current_page", lambda: "train")
    monkeypatch.setattr("streamlit.context", type("Context", (), {"url": seen}))
    assert share.address() == base


def test_lecturer_on_the_server_itself_shares_the_address_of_the_class(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = {"browser.serverAddress": "192.168.1.17", "server.port": 8600}
    monkeypatch.setattr("dashboard.shell.share.state.current_page", lambda: "")
    monkeypatch.setattr("streamlit.context", type("Context", (), {"url": "http://localhost:8600"}))
    monkeypatch.setattr("streamlit.get_option", options.get)
    monkeypatch.setattr("dashboard.shell.classroom.is_class", lambda: True)
    assert share.address() == "http://192.168.1.17:8600"
    monkeypatch.setattr("dashboard.shell.classroom.is_class", lambda: False)
    assert share.address() == "http://localhost:8600"


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://localhost:8501/train", True),
        ("http://127.0.0.1:8501", True),
        ("http://[::1]:8501", True),
        ("http://192.168.1.17:8501", False),
        ("https://vae.example.org", False),
    ],
)
def test_own_machine(url: str, own: bool) -> None:
    assert share.is_own_machine(url) is own


def test_link_of_a_lecturer_holds_the_class_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.shell.share.classroom.code", lambda: "KX7M3R")
    at = opened(open_page("elbo"))
    assert shared(at) == ("/elbo", {"code": "KX7M3R"})
    assert any("class code is **KX7M3R**" in caption.value for caption in at.caption)


def test_qr_code_is_a_scalable_picture_with_a_margin_or_none() -> None:
    picture = share.qr_code("http://192.168.1.17:8501/train?run=0123456789abcdef")
    assert picture is not None
    assert picture.startswith("<svg viewBox=")
    assert 'fill="#fff"' in picture
    assert share.qr_code("x" * share.MAX_QR) is not None
    assert share.qr_code("x" * (share.MAX_QR + 1)) is None
