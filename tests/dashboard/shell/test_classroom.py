"""The door of a class: who comes in, how guessing is slowed down, and that nothing is drawn before."""

import os
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Final

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.runs.runner import LocalRunner
from dashboard.runs.store import digest_of
from dashboard.shell import classroom, pages
from dashboard.shell.classroom import Allowance, Door, is_loopback, make_code, make_secret
from tests.page_scripts import ENTRY, checked, open_page, query, runner
from tests.polling import DEADLINE_S
from vae_core.data.files import FOLDERS_VARIABLE

__all__ = ["runner"]  # a fixture

CODE: Final = "CDF346"
SECRET: Final = "open-sesame"
WRONG: Final = "CDF347"


def plenty() -> Allowance:
    return Allowance(most=1000, seconds=1.0, left=1000.0, since=0.0)


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """The door of a server that was started for a class."""
    monkeypatch.setattr(classroom, "_door", None)
    monkeypatch.setenv(classroom.CODE_VARIABLE, CODE)
    monkeypatch.setenv(classroom.SECRET_VARIABLE, SECRET)
    monkeypatch.setenv(FOLDERS_VARIABLE, "")  # so that it is taken back
    found = classroom.door()
    assert found is not None
    yield found
    monkeypatch.setattr(classroom, "_door", None)


def visit(**query: str) -> AppTest:
    at = AppTest.from_file(str(ENTRY), default_timeout=DEADLINE_S)
    for key, value in query.items():
        at.query_params[key] = value
    return checked(at.run())


def is_outside(at: AppTest) -> bool:
    return [title.value for title in at.title] == ["VAE Dashboard"] and not at.get("page_link")


def enter(at: AppTest, code: str) -> AppTest:
    at.text_input(key="class_code").set_value(code)
    return checked(at.button(key="class_enter").click().run())


def token_of(at: AppTest) -> str:
    return str(at.session_state["browser"])


def test_codes_are_readable_and_differ() -> None:
    codes = {make_code() for _ in range(200)}
    assert len(codes) > 190
    assert all(len(code) == 6 and not set(code) & set("0O1IL5S2Z8BAEU") for code in codes)
    assert len({make_secret() for _ in range(20)}) == 20
    assert all(len(make_secret()) >= 22 for _ in range(20)), "128 bits"


@pytest.mark.parametrize("typed", [CODE, "cdf346", " CDF 346 ", "cdf-346", "c d f 3 4 6"])
def test_code_is_known_however_it_is_typed(typed: str) -> None:
    assert Door(CODE, SECRET, plenty()).try_code(typed, plenty(), now=0.0) is None


@pytest.mark.parametrize("typed", ["", "CDF34", "CDF3467", WRONG, "ＣＤＦ３４６", "\ud800", "é" * 300])
def test_other_texts_are_wrong(typed: str) -> None:
    assert Door(CODE, SECRET, plenty()).try_code(typed, plenty(), now=0.0) == 0.0


def test_mistakes_of_one_visitor_are_slowed_down() -> None:
    door = Door(CODE, SECRET, plenty())
    own = Allowance(most=5, seconds=10.0, left=5.0, since=0.0)
    assert [door.try_code(WRONG, own, now=0.0) for _ in range(6)] == [0.0] * 5 + [10.0]
    assert door.try_code(CODE, own, now=4.0) == pytest.approx(6.0), "a right one that comes too early"
    assert door.try_code(WRONG, own, now=10.0) == 0.0
    assert door.try_code(WRONG, own, now=10.1) == pytest.approx(9.9)
    assert door.try_code(CODE, own, now=20.0) is None


def test_mistakes_of_all_visitors_together_are_slowed_down() -> None:
    door = Door(CODE, SECRET, Allowance(most=60, seconds=1.0, left=60.0, since=0.0))
    answers = [door.try_code(WRONG, plenty(), now=0.0) for _ in range(61)]
    assert answers == [0.0] * 60 + [1.0]
    hour = [door.try_code(WRONG, plenty(), now=0.1 * i) for i in range(36_000)]
    assert hour.count(0.0) <= 3600, "one guess a second, however many sessions ask"
    assert door.try_code(CODE, plenty(), now=3700.0) is None


def test_right_codes_cost_nothing() -> None:
    door = Door(CODE, SECRET, Allowance(most=2, seconds=100.0, left=2.0, since=0.0))
    assert [door.try_code(CODE, plenty(), now=0.0) for _ in range(50)] == [None] * 50


def test_door_keeps_digests_and_forgets_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classroom, "MAX_KNOWN", 3)
    door = Door(CODE, SECRET)
    for token in ("a" * 32, "b" * 32, "a" * 32, "c" * 32, "d" * 32):
        door.let_in(token, "student")
    assert [door.role(letter * 32) for letter in "abcd"] == ["student", None, "student", "student"]
    assert not {letter * 32 for letter in "abcd"} & set(door.known)


def test_lecturer_stays_one_who_also_enters_the_code() -> None:
    door = Door(CODE, SECRET)
    door.let_in("a" * 32, "lecturer")
    door.let_in("a" * 32, "student")
    assert door.role("a" * 32) == "lecturer"


@pytest.mark.parametrize(
    ("address", "alone"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.3.2.1", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.7", False),
        ("", False),
        ("localhost.example", False),
    ],
)
def test_only_loopback_is_for_one_machine(address: str, alone: bool) -> None:
    assert is_loopback(address) is alone


def test_server_on_loopback_asks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classroom, "_door", None)
    monkeypatch.delenv(classroom.CODE_VARIABLE, raising=False)
    monkeypatch.setattr(classroom.st, "get_option", {"server.address": "localhost"}.__getitem__)
    assert classroom.door() is None
    at = visit(code=WRONG)
    assert not at.get("form")
    assert [title.value for title in at.title] == ["What is a VAE?"]


def test_open_address_alone_makes_a_class_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(classroom, "_door", None)
    monkeypatch.delenv(classroom.CODE_VARIABLE, raising=False)
    options = {"server.address": "0.0.0.0", "server.allowedHosts": ["localhost", "127.0.0.1"]}
    monkeypatch.setattr(classroom.st, "get_option", options.__getitem__)
    monkeypatch.setenv(FOLDERS_VARIABLE, "of the user")
    monkeypatch.delenv(FOLDERS_VARIABLE)
    made = classroom.door()
    assert made is not None
    assert os.environ[FOLDERS_VARIABLE] == "", "folders of the server are not for a class to read"
    said = capsys.readouterr().err
    for part in (made.code, f"?lecturer={made.secret}", "localhost, 127.0.0.1", "dashboard.command --class"):
        assert part in said, part
    assert classroom.door() is made
    assert capsys.readouterr().err == "", "once"


@pytest.mark.parametrize("page", [page.name for page in pages.PAGES])
def test_nothing_of_any_page_is_drawn_before_the_code(
    door: Door, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    monkeypatch.setattr("dashboard.shell.warmup.start", lambda: pytest.fail("something was computed"))
    at = open_page(page)
    assert is_outside(at)
    assert not at.sidebar
    elements = {node.type for node in at.main} - {"main", "flex_container"}
    assert elements <= {"title", "markdown", "form", "text_input", "button", "bidi_component"}, elements


def test_code_is_asked_once(door: Door) -> None:
    at = visit(seed="7")
    assert is_outside(at)
    at = enter(at, WRONG)
    assert is_outside(at)
    assert "not the class code" in at.error[0].value
    at = enter(at, CODE.lower())
    assert [title.value for title in at.title] == ["What is a VAE?"]
    assert door.role(token_of(at)) == "student"
    assert not is_outside(checked(at.run()))
    assert is_outside(visit()), "another browser"


def test_wrong_codes_end_in_a_wait_that_says_how_long(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(classroom, "time", SimpleNamespace(monotonic=lambda: now))
    at = visit()
    for _ in range(6):
        at = enter(at, WRONG)
    assert "wait 10 s" in at.error[0].value
    assert is_outside(enter(at, CODE))


def test_link_with_the_code_comes_in_and_loses_it(door: Door) -> None:
    at = visit(code=CODE.lower(), seed="7")
    assert not is_outside(at)
    assert "code" not in query(at)
    outside = visit(code=WRONG)
    assert is_outside(outside)
    assert (outside.text_input(key="class_code").value, query(outside)) == (WRONG, {})


def test_lecturers_link_makes_the_lecturer_and_loses_the_secret(door: Door, runner: LocalRunner) -> None:
    at = visit(lecturer=SECRET)
    assert not is_outside(at)
    assert "lecturer" not in query(at)
    assert door.role(token_of(at)) == "lecturer"
    assert digest_of(token_of(at)) in runner.scheduler._lecturers
    student = visit(code=CODE)
    assert door.role(token_of(student)) == "student"
    stranger = visit(lecturer=SECRET[:-1])
    assert is_outside(stranger)
    assert "lecturer" not in query(stranger)


def test_lecturer_alone_reads_the_code(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classroom.browser, "token", lambda: "a" * 32)
    assert classroom.code() is None
    door.let_in("a" * 32, "student")
    assert classroom.code() is None
    door.let_in("a" * 32, "lecturer")
    assert classroom.code() == CODE


def test_session_of_an_earlier_server_is_outside_the_next(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = visit(lecturer=SECRET)
    monkeypatch.setattr(classroom, "_door", None)
    monkeypatch.setenv(classroom.CODE_VARIABLE, "FGH346")
    assert is_outside(checked(at.run()))


def test_browser_that_gets_another_tabs_token_stays_inside(door: Door) -> None:
    at = visit(lecturer=SECRET)
    at.session_state["browser"] = "e" * 32
    assert not is_outside(checked(at.run()))
    assert door.role("e" * 32) == "lecturer"
