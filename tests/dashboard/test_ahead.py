"""What an arrow key asks for next is computed before anybody asks for it."""

import functools
from types import ModuleType
from typing import Any

import pytest

from dashboard import ahead as thread
from dashboard.ahead import Ahead, ahead
from dashboard.caching import cache
from tests.page_scripts import checked, open_page, runner
from vae_core.labs import optimisers
from vae_core.labs.em import mixture
from vae_core.labs.gradients import estimators

__all__ = ["runner"]  # a fixture


EM = {"free_energy_view": "em"}
SURFACE = {"compare_view": "optimisers", "optimiser_view": "surface"}


@pytest.mark.parametrize(
    ("page", "view", "key", "step", "module", "function"),
    [
        ("free_energy", EM, "em_components", 1, mixture, "em_side_by_side"),
        ("free_energy", EM | {"em_family": "bernoulli"}, "em_components", 1, mixture, "em_side_by_side"),
        ("gradients", {}, "estimators_mean", 0.1, estimators, "draw_samples"),
        ("gradients", {}, "estimators_std", 0.05, estimators, "draw_samples"),
        ("compare", SURFACE, "surface_z1", 0.1, optimisers, "mean_paths"),
        ("compare", SURFACE, "surface_z2", 0.1, optimisers, "mean_paths"),
    ],
)
def test_the_next_value_of_a_slider_is_there(
    monkeypatch: pytest.MonkeyPatch,
    page: str,
    view: dict[str, str],
    key: str,
    step: float,
    module: ModuleType,
    function: str,
) -> None:
    monkeypatch.setattr(thread, "HEAD_START_S", 0.0)
    monkeypatch.setattr(thread, "REST", 0.0)
    monkeypatch.setattr(ahead(), "look", functools.partial(Ahead.look, ahead()))
    cache().clear()
    at = open_page(page, **view)
    ahead().wait()
    monkeypatch.setattr(ahead(), "look", lambda view, works: None)
    calls: list[object] = []
    compute = getattr(module, function)

    def noted(*arguments: Any, **more: Any) -> Any:
        calls.append(arguments)
        return compute(*arguments, **more)

    monkeypatch.setattr(module, function, noted)
    value = at.slider(key=key).value
    assert isinstance(value, int | float)
    for other in (value + step, value - step):
        at = checked(at.slider(key=key).set_value(other).run())
        assert not calls, other
    at = checked(at.slider(key=key).set_value(value + 2 * step).run())
    assert len(calls) == 1, "nobody has asked for this one"


def test_what_fails_is_left_to_whoever_asks_for_it() -> None:
    works, made = Ahead(), []

    def fail() -> None:
        raise RuntimeError("no memory")

    works.look("one", iter((fail, lambda: made.append("after it"))))
    works.wait()
    assert made == ["after it"]
    assert works._thread is None


class Clock:
    """Stands for ``time``: whenever the thread sleeps, somebody moves a slider meanwhile, a few times."""

    def __init__(self, works: Ahead) -> None:
        self.works, self.now, self.moves = works, 0.0, 5
        self.made: list[int] = []
        """How many moves were still to come when something was computed."""

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds / 2
        if self.moves:
            self.moves -= 1
            self.works.look("one", iter((lambda: self.made.append(self.moves),)))
        self.now += seconds / 2


@pytest.mark.parametrize(("for_class", "made"), [(False, [0]), (True, [4, 3, 2, 1, 0])])
def test_a_class_that_moves_sliders_keeps_the_processor(
    monkeypatch: pytest.MonkeyPatch, made: list[int], *, for_class: bool
) -> None:
    """Sixty users at one move a second waited for 0.8 to 3 s (95 %) in place of 0.35 to 0.7."""
    works = Ahead(for_class=for_class)
    clock = Clock(works)
    monkeypatch.setattr(thread, "time", clock)
    works.look("one", iter(()))
    works.wait()
    assert clock.made == made
