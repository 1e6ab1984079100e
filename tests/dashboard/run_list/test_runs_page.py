"""The page Runs: what it lists, finds and sorts, whose runs it changes, what is said of one that is gone."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.labels import STATUSES
from dashboard.run_list import rows, transfer
from dashboard.run_list.choice import ORDERS, matching, ordered
from dashboard.runs import store
from dashboard.runs.about import About
from dashboard.runs.archive import zip_of
from dashboard.runs.catalog import Entry
from dashboard.runs.runner import LocalRunner
from dashboard.runs.store import digest_of
from dashboard.shell import browser
from dashboard.shell.links import PARAMETERS, Choice
from tests.page_scripts import ENTRY, KINDS, TINY, checked, query, runner, trained, turn_to
from tests.polling import DEADLINE_S, until
from vae_core.runs.runfile import load_run

__all__ = ["runner"]  # a fixture
ME, OTHER = "a" * 32, "b" * 32
HOSTILE: Final = "**bold** $x$ :red[x] <b>y</b> `z` [link](https://example.org) # |"


def visit(name: str, token: str, **said: str) -> AppTest:
    """A new session of the browser with a token, begun at a page."""
    at = AppTest.from_file(str(ENTRY), default_timeout=DEADLINE_S)
    at.session_state["browser"] = token
    for key, value in said.items():
        at.query_params[key] = value
    return turn_to(at, name)


def owned(runner: LocalRunner, token: str = ME, kind: str = "J=2", name: str = "") -> str:
    run_id = trained(runner, KINDS[kind])
    runner.store.claim(run_id, digest_of(token))
    runner.describe(run_id, owner=token, name=name)
    return run_id


def listed(at: AppTest) -> list[str]:
    """Ids of the runs on the page, in their order."""
    return [
        box.key.removeprefix("run_pick_")
        for box in at.checkbox
        if box.key and box.key.startswith("run_pick_")
    ]


def said(at: AppTest) -> str:
    return "\n".join(text.value for kind in (at.markdown, at.caption, at.error, at.warning) for text in kind)


def press(at: AppTest, key: str) -> AppTest:
    return checked(at.button(key=key).click().run())


def test_empty_list_says_how_it_fills(runner: LocalRunner) -> None:
    at = visit("runs", "e" * 32)
    assert "No runs yet" in said(at)
    assert listed(at) == []


def test_browser_lists_its_own_runs_and_those_it_opened(runner: LocalRunner) -> None:
    mine, others = owned(runner, ME, name=HOSTILE), owned(runner, OTHER)
    points, deterministic = owned(runner, ME, "points"), owned(runner, ME, "deterministic")
    at = visit("runs", ME)
    assert set(listed(at)) == {mine, points, deterministic}
    entry = next(entry for entry in runner.catalog.entries([mine]))
    assert entry.elbo is not None
    text = said(at).replace("\\", "")
    assert HOSTILE in text
    shown = {metric.label: metric.value for metric in visit("elbo", ME, run=mine).metric}
    assert shown["ELBO"].removesuffix(" nats") in [one.value for one in at.markdown], "as on the ELBO page"
    assert "Two moons" in text
    visit("elbo", ME, run=others)
    at = visit("runs", ME)
    assert set(listed(at)) == {mine, points, deterministic, others}
    assert "someone else" in said(at)
    checked(at.checkbox(key=f"run_pick_{others}").check().run())
    assert at.button(key="runs_delete").disabled, "a run of another browser"


def test_run_is_found_sorted_opened_and_kept_as_a_ghost(runner: LocalRunner) -> None:
    token = "c" * 32
    first, second = owned(runner, token, "J=1", name="alpha"), owned(runner, token, "J=8", name="beta")
    at = visit("runs", token)
    checked(at.text_input(key="runs_search").set_value("j=8 BETA").run())
    assert listed(at) == [second]
    assert query(at)["runs_search"] == "j=8 BETA"
    checked(at.text_input(key="runs_search").set_value("nothing like it").run())
    assert any("No run has all" in info.value for info in at.info)
    checked(at.text_input(key="runs_search").set_value("").run())
    checked(at.selectbox(key="runs_sort").set_value("name").run())
    assert listed(at) == [first, second]
    press(at, f"run_ghost_{first}")
    assert query(at)["keep"] == first
    press(at, f"run_open_{second}")
    assert at.title[0].value == "Train"
    assert query(at)["run"] == second
    assert at.number_input(key="latent_dim").value == 8


def test_deleted_runs_are_gone_everywhere_and_come_back(runner: LocalRunner) -> None:
    token = "d" * 32
    kept, gone = owned(runner, token), owned(runner, token, name="to go")
    train, page = visit("train", token, run=gone, keep=gone), visit("elbo", token, run=gone)
    at = visit("runs", token, keep=gone)
    checked(at.checkbox(key=f"run_pick_{gone}").check().run())
    press(at, "runs_delete")
    assert listed(at) == [kept]
    assert "keep" not in query(at)
    for other in (train, page):
        checked(other.run())
        assert ["no longer exists" in text.value for text in (*other.error, *other.warning)] == [True]
        checked(other.run())
        assert not (*other.error, *other.warning)
    press(at, "runs_undo")
    assert set(listed(at)) == {kept, gone}
    assert "to go" in said(at)
    checked(at.checkbox(key=f"run_pick_{gone}").check().run())
    press(at, "runs_delete")
    later = visit("runs", token)
    assert listed(later) == [kept]
    press(later, f"run_restore_{gone}")
    assert set(listed(later)) == {kept, gone}


def test_interrupted_runs_are_resumed_from_the_list(runner: LocalRunner) -> None:
    token = "f" * 32
    run_id = owned(runner, token)
    runner._jobs[run_id].set("interrupted", "Interrupted: the server stopped.")
    at = visit("runs", token)
    assert "A run of yours was interrupted" in said(at)
    press(at, f"run_resume_{run_id}")
    view = runner.view(run_id)
    assert view is not None
    assert view.is_active
    runner.send(run_id, "stop", owner=token)


def test_zip_of_many_brings_them_back_with_what_was_said(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "7" * 32
    monkeypatch.setattr(browser, "token", lambda: token)
    ids = [owned(runner, token, kind, name=f"zip {kind}") for kind in ("J=1", "points")]
    runner.describe(ids[0], owner=token, tags=("carried",), note="of the note")
    content = zip_of(runner.store, ids)
    for run_id in ids:
        runner.delete(run_id, owner=token)
    assert transfer._take("runs.zip", content)[0] == "taken"
    back = {entry.name: entry for entry in runner.runs_of(token)}
    assert set(back) == {"zip J=1", "zip points"}
    assert (back["zip J=1"].about.tags, back["zip J=1"].about.note) == (("carried",), "of the note")
    for run_id, name in zip(ids, ("zip J=1", "zip points"), strict=True):
        before, after = runner.deleted.run_file(run_id), runner.store.run_file(back[name].run_id)
        assert before is not None
        assert after is not None
        assert load_run(before).digest == load_run(after).digest
    kind, sentence = transfer._take("notes.zip", b"no zip")
    assert kind == "refused"
    assert "damaged" in sentence
    assert transfer._take(r"x\..\y*.safetensors", content[:100])[0] == "refused"
    assert len(runner.runs_of(token)) == 2


def test_long_list_has_pages(runner: LocalRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    token = "9" * 32
    ids = [runner.store.create(TINY, owner=digest_of(token)) for _ in range(5)]
    monkeypatch.setattr(rows, "PAGE_LENGTH", 2)
    runner.catalog.changed()
    at = visit("runs", token)
    assert len(listed(at)) == 2
    assert set(listed(at)) < set(ids)
    assert "5 runs" in said(at)


def entry(name: str = "", **changes: object) -> Entry:
    plain = Entry(
        run_id="a3f1" * 4,
        about=About(name=name, created=1.0),
        dataset="digits",
        latent_dim=2,
        beta=1.0,
        elbo=None,
        step=0,
        status="paused",
        owner=None,
        changed=0.0,
        num_bytes=0,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_the_bound_is_the_difference_of_the_terms_as_they_are_shown() -> None:
    one = entry("a", elbo=-32.376, reconstruction=-31.093, kl=1.283)
    assert rows._elbo(one) == "−32.37", "−31.09 − 1.28, as on Train and on the ELBO page; not −32.38"
    assert rows._elbo(entry()) == "–"


def test_orders_are_those_of_the_links_and_sort_as_they_say() -> None:
    kind = PARAMETERS["runs_sort"].kind
    assert isinstance(kind, Choice)
    assert kind.options == tuple(ORDERS)
    low, high, none = entry("b", elbo=-30.0, beta=4.0, step=5), entry("A", elbo=-20.0), entry()
    assert ordered([none, low, high], "elbo") == [high, low, none]
    assert ordered([none, low, high], "name") == [high, low, none]
    assert ordered([low, none], "beta") == [none, low]
    assert ordered([none, low], "step") == [low, none]
    assert ordered([low, entry("z", about=About(name="z", created=2.0))], "newest")[0].name == "z"


def test_words_are_found_in_all_that_is_said() -> None:
    run = entry(about=About(name="Tuesday", note="after the break", tags=("lesson 3",)))
    for words in ("", "tues", "BREAK tuesday", "lesson 3", "digits", "a3f1", "paused", "j=2"):
        assert matching([run], words) == [run], words
    assert matching([run], "tuesday wednesday") == []


def test_yesterdays_run_goes_on_bit_for_bit(tmp_path: Path) -> None:
    config = replace(TINY, train=replace(TINY.train, num_epochs=2), hold=True)
    weights = []
    for restarts in (False, True):
        home = tmp_path / str(restarts)
        server = LocalRunner(home, max_running=1)
        run_id = server.submit(config, owner=ME)
        step_to(server, run_id, 3)
        if restarts:
            server.close()
            server = LocalRunner(home, max_running=1)
            assert [found.run_id for found in server.interrupted(ME)] == [run_id]
            assert [found.run_id for found in server.runs_of(ME)] == [run_id]
        server.send(run_id, "resume", owner=ME)
        until(lambda server=server, run_id=run_id: status(server, run_id) == "finished", "its end")
        path = server.store.run_file(run_id)
        assert path is not None
        weights.append(load_run(path))
        server.close()
    whole, interrupted = weights
    assert whole.step == interrupted.step
    for name, value in whole.weights.items():
        assert value.equal(interrupted.weights[name]), name


def step_to(server: LocalRunner, run_id: str, step: int) -> None:
    for done in range(step):
        until(lambda: status(server, run_id) == "paused", "its pause")
        server.send(run_id, "step", owner=ME, unit="step")
        until(lambda done=done: step_of(server, run_id) == done + 1, "its step")


def status(server: LocalRunner, run_id: str) -> str:
    view = server.view(run_id)
    assert view is not None
    return view.status


def step_of(server: LocalRunner, run_id: str) -> int:
    view = server.view(run_id)
    assert view is not None
    return view.step


def test_marked_runs_are_put_side_by_side(runner: LocalRunner) -> None:
    token = "9" * 32
    first, second = owned(runner, token, name="one"), owned(runner, token, name="other")
    at = visit("runs", token)
    for run_id in (first, second):
        checked(at.checkbox(key=f"run_pick_{run_id}").check().run())
    press(at, "runs_compare")
    assert at.multiselect(key="compare_pick").value == [second, first]
    assert set(query(at)["compare_runs"].split(",")) == {first, second}
    assert "All settings of these runs are the same" in said(at)


def test_one_box_marks_all_that_are_listed(runner: LocalRunner) -> None:
    token = "e" * 32
    runs = [owned(runner, token, name=name) for name in ("first", "second", "other")]
    at = visit("runs", token)
    checked(at.text_input(key="runs_search").set_value("first").run())
    checked(at.checkbox(key="runs_mark_all").check().run())
    assert at.session_state["runs_marked"] == (runs[0],)
    checked(at.text_input(key="runs_search").set_value("").run())
    assert not at.checkbox(key="runs_mark_all").value
    checked(at.checkbox(key="runs_mark_all").check().run())
    assert all(at.checkbox(key=f"run_pick_{run}").value for run in runs)
    assert "**3 marked**" in said(at)
    checked(at.checkbox(key=f"run_pick_{runs[1]}").uncheck().run())
    assert not at.checkbox(key="runs_mark_all").value
    checked(at.checkbox(key="runs_mark_all").check().run())
    checked(at.checkbox(key="runs_mark_all").uncheck().run())
    assert at.session_state["runs_marked"] == ()


def test_words_of_a_run_are_those_of_train(runner: LocalRunner) -> None:
    token = "f" * 32
    run = owned(runner, token)
    runner._jobs[run].set("queued", "")
    at = visit("runs", token)
    assert "waiting" in said(at)
    assert at.button(key=f"run_ghost_{run}").label == "Keep"
    assert set(STATUSES) == store.STATUSES
