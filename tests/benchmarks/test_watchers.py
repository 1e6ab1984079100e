"""The benchmark of many watchers runs against a real server, and its client keeps what a page would keep."""

import json
from typing import Any

import pytest
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.Slider_pb2 import Slider

from benchmarks import watchers
from benchmarks.watchers import Drag, Figures, Update, drag_summary, figures_table, summary
from benchmarks.websocket_client import HeldMessages, widget_state


def test_quick_run_prints_all_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert watchers.main(["--quick"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    alone, *watched = found["figures"]
    assert alone["updates"] == 0
    assert alone["times"] is None
    assert [one["interval_s"] for one in watched] == [1.0, 1.0]
    assert [one["drag"] is None for one in (alone, *watched)] == [True, True, False]
    drag = watched[1]["drag"]
    assert drag["values"] >= 1, "each waits for the answer to the one before, however busy the machine is"
    assert 0 < drag["p50_ms"] <= drag["p95_ms"] <= drag["max_ms"]
    for one in watched:
        assert one["watchers"] == 3
        assert one["updates"] >= 3
        assert 0 < one["times"]["p50_ms"] <= one["times"]["p95_ms"] <= one["times"]["max_ms"]
        assert one["times"]["bytes_per_update"] > 5_000, "no board came with the updates"
        assert 0 <= one["cores"] < 2


def test_table_shows_quantiles_and_kilobytes() -> None:
    times = summary([Update(ms, 2000) for ms in range(101)])
    assert times == (50, 95, 100, 2000)
    options: Any = {"watchers": 1, "cores": 0.1234, "steps_per_second": 1000.4}
    rows = [
        Figures(interval_s=None, updates=0, times=None, drag=None, **options),
        Figures(interval_s=0.5, updates=101, times=times, drag=Drag(50, 180.2, 299.9, 400.0), **options),
    ]
    last = figures_table(rows).splitlines()[-1].split()
    shown = ["1", "0.5", "s", "0.123", "101", "50.0", "95.0", "100.0", "2.0", "1000", "50", "180", "300"]
    assert last == shown


def test_delay_of_a_value_that_a_later_one_overtook_is_that_of_the_later_one() -> None:
    sent = [(0.1, 0.0), (0.2, 0.2), (0.3, 0.4), (0.4, 0.6)]
    drag = drag_summary(sent, {1.0: 0.0, 0.1: 0.15, 0.3: 0.5})
    assert drag.values == 4
    assert (drag.p50_ms, drag.max_ms) == (pytest.approx(150.0), pytest.approx(300.0))
    with pytest.raises(RuntimeError, match="never said"):
        drag_summary(sent, {1.0: 0.0})


def _message(key: str, *, fragment: str = "") -> ForwardMsg:
    message = ForwardMsg(hash=key)
    message.metadata.cacheable = True
    message.delta.fragment_id = fragment
    return message


def test_large_messages_are_held_for_two_runs() -> None:
    held = HeldMessages()
    held.resolve(_message("a"))
    held.end_run([])
    held.end_run([])
    assert held.hashes == ["a"]
    reference = ForwardMsg(ref_hash="a")
    assert held.resolve(reference).hash == "a"
    for _ in range(3):
        held.end_run([])
    assert held.hashes == []


def test_runs_of_a_fragment_age_only_its_own_messages() -> None:
    held = HeldMessages()
    held.resolve(_message("page"))
    held.resolve(_message("part", fragment="f"))
    for _ in range(3):
        held.end_run(["f"])
    assert held.hashes == ["page"]


def test_widgets_start_with_their_defaults() -> None:
    number, slider, markdown = Element(), Element(), Element()
    number.number_input.id, number.number_input.default = "n", 3.0
    slider.slider.id, slider.slider.type = "s", Slider.SELECT_SLIDER
    slider.slider.options.extend(["1", "full"])
    slider.slider.default.append(1)
    markdown.markdown.body = "text"
    state, _ = widget_state(number)
    assert state is not None
    assert state.double_value == 3.0
    chosen, _ = widget_state(slider)
    assert chosen is not None
    assert list(chosen.string_array_value.data) == ["full"]
    assert widget_state(markdown) == (None, False)


def test_empty_number_input_has_no_value() -> None:
    element = Element()
    element.number_input.id = "n"
    state, is_news = widget_state(element)
    assert state is not None
    assert (state.WhichOneof("value"), is_news) == (None, False)


def test_a_value_set_by_the_server_is_news() -> None:
    element = Element()
    element.number_input.id, element.number_input.value, element.number_input.set_value = "n", 7.0, True
    state, is_news = widget_state(element)
    assert is_news
    assert state is not None
    assert state.double_value == 7.0
