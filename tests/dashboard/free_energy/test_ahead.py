"""EM with one component more or less runs before anybody asks for it."""

import functools
from typing import Any

import pytest

from dashboard import ahead as thread
from dashboard.ahead import Ahead, ahead
from dashboard.caching import cache
from tests.page_scripts import choose, open_page, runner
from vae_core.labs.em import mixture

__all__ = ["runner"]  # a fixture


@pytest.mark.parametrize("family", ["gaussian", "bernoulli"])
def test_the_next_number_of_components_is_there_at_once(monkeypatch: pytest.MonkeyPatch, family: str) -> None:
    monkeypatch.setattr(thread, "HEAD_START_S", 0.0)
    monkeypatch.setattr(thread, "REST", 0.0)
    monkeypatch.setattr(ahead(), "look", functools.partial(Ahead.look, ahead()))
    cache().clear()
    at = open_page("free_energy", free_energy_view="em")
    if family != "gaussian":
        at = choose(at, "em_family", family)
    ahead().wait()
    ran: list[int] = []
    side_by_side = mixture.em_side_by_side

    def noted(x: Any, starts: Any) -> Any:
        ran.append(len(starts[0].weights))
        return side_by_side(x, starts)

    monkeypatch.setattr(mixture, "em_side_by_side", noted)
    monkeypatch.setattr(ahead(), "look", lambda view, next_work: None)
    number = at.slider(key="em_components").value
    assert isinstance(number, int | float)
    for other, runs in ((number + 1, []), (number - 1, []), (number + 2, [number + 2])):
        at = at.slider(key="em_components").set_value(other).run()
        assert not at.exception
        assert ran == runs, other
