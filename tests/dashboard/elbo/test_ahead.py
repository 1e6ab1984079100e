"""Examples that are measured before anybody looks at them."""

import functools
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dashboard import ahead as thread
from dashboard.ahead import Ahead
from dashboard.caching import cache
from dashboard.elbo import ahead as module
from dashboard.elbo.ahead import ExamplesAhead, examples_ahead
from dashboard.elbo.cached import TOGETHER, example, measured_together
from dashboard.subject import Split, Subject, pretrained
from tests.page_scripts import open_page, runner
from vae_core.errors import BadInput
from vae_core.evidence import posterior_density

__all__ = ["runner"]  # a fixture
LAST = 359


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, Split, int]]]:
    """What the thread measures, without its rests."""
    found: list[tuple[str, Split, int]] = []

    def note(subject: Subject, split: Split, first: int) -> object:
        found.append((subject.digest, split, first))
        return measured_together(subject, split, first)

    monkeypatch.setattr(module, "measured_together", note)
    monkeypatch.setattr(thread, "HEAD_START_S", 0.0)
    monkeypatch.setattr(thread, "REST", 0.0)
    cache().clear()
    yield found
    examples_ahead().works.wait()


def test_the_page_has_those_measured_round_the_example_in_view(
    measured: list[tuple[str, Split, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    works = examples_ahead().works
    monkeypatch.setattr(works, "look", functools.partial(Ahead.look, works))
    monkeypatch.setattr(module, "FARTHEST", 10)
    at = open_page("elbo", elbo_view="one_example")
    index = at.slider(key="elbo_example_held_out").value
    assert isinstance(index, float | int)
    examples_ahead().works.wait()
    own = int(index) // TOGETHER * TOGETHER
    assert measured
    assert {digest for digest, _, _ in measured} == {pretrained().digest}
    assert {first for _, _, first in measured} <= {own + 8 * k for k in range(-2, 3)}


def test_the_nearest_come_first_and_each_once(measured: list[tuple[str, Split, int]]) -> None:
    works = Ahead()
    some = ExamplesAhead(works)
    some.look(pretrained(), "held_out", 100)
    works.wait()
    firsts = [first for _, _, first in measured]
    assert firsts[:3] == [96, 104, 88]
    assert sorted(firsts) == list(range(0, min(LAST, 100 + module.FARTHEST) + 1, TOGETHER))
    some.look(pretrained(), "held_out", 105)
    works.wait()
    assert len(measured) == len(firsts), "all are measured"


def test_no_example_is_measured_when_it_is_looked_at(
    measured: list[tuple[str, Split, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    works, subject = Ahead(), pretrained()
    some = ExamplesAhead(works)
    before = example(subject, "held_out", 100).evidence
    assert before is not None
    some.look(subject, "held_out", 100)
    works.wait()
    monkeypatch.setattr(posterior_density, "measured_examples", None)
    evidence = example(subject, "held_out", 50).evidence
    assert evidence is not None
    assert evidence.error < 0.01


def test_the_model_that_was_looked_at_last_comes_first(
    measured: list[tuple[str, Split, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FARTHEST", 10)
    monkeypatch.setattr(thread, "HEAD_START_S", 0.3)
    works, subject = Ahead(), pretrained()
    some = ExamplesAhead(works)
    some.look(subject, "held_out", 100)
    some.look(subject, "training", 200)
    works.wait()
    assert [split for _, split, _ in measured] == ["training"] * 4 + ["held_out"] * 3
    assert all(model.subject is None for model in some._models.values()), "no model is kept for this"


def test_a_run_that_goes_on_is_measured_as_it_is_now(
    measured: list[tuple[str, Split, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FARTHEST", 10)
    monkeypatch.setattr(thread, "HEAD_START_S", 0.3)
    works, subject = Ahead(), pretrained()
    some = ExamplesAhead(works)
    some.look(replace(subject, digest="before"), "held_out", 100)
    some.look(subject, "held_out", 100)
    works.wait()
    assert {digest for digest, _, _ in measured} == {subject.digest}


@pytest.mark.parametrize("error", [BadInput("diverged", "not finite", "train again"), RuntimeError("memory")])
def test_an_error_is_left_to_whoever_looks_at_the_example(
    measured: list[tuple[str, Split, int]], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(module, "FARTHEST", 10)
    monkeypatch.setattr(module, "measured_together", fail)
    works = Ahead()
    some = ExamplesAhead(works)
    some.look(pretrained(), "held_out", 100)
    works.wait()
    assert not any(one.name == "computes ahead" for one in threading.enumerate())


def test_more_than_two_dimensions_have_no_quadrature() -> None:
    subject = pretrained()
    model = replace(subject.config.model, latent_dim=3)
    run = replace(subject.run, config=replace(subject.config, model=model))
    works = Ahead()
    ExamplesAhead(works).look(replace(subject, run=run), "held_out", 0)
    assert works._thread is None
