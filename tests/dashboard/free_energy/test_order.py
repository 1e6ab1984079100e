"""The picture of EM is sent before what takes longer is computed."""

from typing import Any

import pytest

from dashboard.free_energy import cached, em
from tests.page_scripts import open_page


def test_the_picture_does_not_wait_for_the_search_for_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    draw, search = em.draw_chart, cached.stop

    def noted_draw(*arguments: Any, key: str, **options: Any) -> None:
        order.append(key)
        draw(*arguments, key=key, **options)

    def noted_search(*arguments: Any) -> int | None:
        order.append("search")
        return search(*arguments)

    monkeypatch.setattr(em, "draw_chart", noted_draw)
    monkeypatch.setattr(cached, "stop", noted_search)
    open_page("free_energy", free_energy_view="em")
    assert order == ["em", "search", "em_minorising"]
