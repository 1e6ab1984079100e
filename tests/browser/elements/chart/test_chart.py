"""A new figure is drawn into the chart that stands, with Plotly itself."""

import base64
import json

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from dashboard.figures.objects import (
    BROWSER_LIBRARY,
    Bar,
    Contour,
    Figure,
    Heatmap,
    Histogram,
    Image,
    Scatter,
)
from tests.browser.elements.messages import chart_message, film
from tests.browser.elements.mounting import Mounted, open_element
from tests.browser.pages import values_of
from tests.polling import until


def opened(page: Page) -> Mounted:
    return open_element(page, "chart", more={"/plotly.min.js": BROWSER_LIBRARY.read_text("utf-8")})


def figure(*y: float) -> Figure:
    return Figure(Scatter(x=[0.0, 1.0, 2.0], y=list(y), mode="markers", marker_size=12))


def drag(page: Page, start: tuple[float, float], *ends: tuple[float, float]) -> None:
    """Across the plot, in shares of its width and height."""
    box = page.locator(".nsewdrag").bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, *ends)]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def x_range(page: Page) -> list[float]:
    return page.locator(".chart").evaluate("chart => [...chart._fullLayout.xaxis.range]")


def test_a_new_figure_is_drawn_into_the_same_chart_and_the_zoom_stays(page: Page) -> None:
    mounted, chart = opened(page), page.locator(".chart")
    mounted.give(chart_message(figure(1, 3, 2), alt="Three points."))
    expect(chart).to_have_attribute("data-drawn", "1")
    expect(page.get_by_role("figure", name="Three points.")).to_have_css("height", "300px")
    chart.locator(".main-svg").first.evaluate("svg => { window.svg = svg; }")
    before = x_range(page)
    drag(page, (0.5, 0.5), (0.25, 0.5))
    until(lambda: x_range(page)[0] > before[0], "the plot is panned")
    panned = x_range(page)
    mounted.give(chart_message(figure(5, 4, 6), alt="Three others."))
    expect(chart).to_have_attribute("data-drawn", "2")
    assert chart.evaluate("chart => chart.contains(window.svg)"), "the chart itself stays"
    assert x_range(page) == panned
    assert chart.evaluate("chart => [...chart._fullData[0].y]") == [5, 4, 6]
    expect(page.get_by_role("figure", name="Three others.")).to_be_visible()


def test_what_cannot_be_seen_is_drawn_once_it_can(page: Page) -> None:
    mounted, chart = opened(page), page.locator(".chart")
    page.locator("#host").evaluate("host => { host.style.display = 'none'; }")
    mounted.give(chart_message(figure(1, 3, 2)))
    page.wait_for_function("'Plotly' in window")
    assert chart.get_attribute("data-drawn") is None
    page.locator("#host").evaluate("host => { host.style.display = ''; }")
    expect(chart).to_have_attribute("data-drawn", "1")
    page.set_viewport_size({"width": 700, "height": 600})
    expect(chart).to_have_attribute("data-drawn", "2")
    width = chart.evaluate("chart => chart.clientWidth")
    assert chart.evaluate("chart => chart._fullLayout.width") == width < 700


def test_a_chart_that_was_away_for_less_than_a_frame_is_drawn_all_the_same(page: Page) -> None:
    mounted, chart = opened(page), page.locator(".chart")
    mounted.give(chart_message(figure(1, 3, 2)))
    expect(chart).to_have_attribute("data-drawn", "1")
    script = """(host, text) => {
        host.style.display = "none";
        window.element.give(text);
        host.style.display = "";
    }"""
    text = base64.b64encode(chart_message(figure(5, 4, 6))).decode()
    page.locator("#host").evaluate(script, text)
    expect(chart).to_have_attribute("data-drawn", "2")


def test_the_server_hears_which_points_are_selected(page: Page) -> None:
    mounted = opened(page)
    message = chart_message(figure(1, 3, 2).update_layout(dragmode="lasso"), selects=True)
    shown = json.loads(message)
    shown["figure"]["layout"]["dragmode"] = "lasso"
    mounted.give(json.dumps(shown).encode())
    expect(page.locator(".chart")).to_have_attribute("data-drawn", "1")
    drag(page, (0.4, 0.0), (0.6, 0.0), (0.6, 0.5), (0.4, 0.5))
    until(lambda: mounted.sent, "a selection")
    assert mounted.sent[-1] == {
        "kind": "state",
        "name": "selected",
        "value": {"digest": shown["digest"], "points": [[0, 1]]},
    }


MEASURED = """() => {
    const drawing = document.getElementById("js-plotly-tester");
    const real = Element.prototype.getBoundingClientRect;
    const LABELS = ":is(.xtick, .ytick, .annotation-text, .xtitle, .ytitle, text)";
    return [...document.querySelectorAll(`.chart ${LABELS}`)]
        .map((label) => {
            const copy = label.cloneNode(true);
            if (label.tagName === "g") copy.removeAttribute("transform");
            drawing.appendChild(copy);
            const first = drawing.firstElementChild;
            const [said, from] = [copy.getBoundingClientRect(), first.getBoundingClientRect()];
            const [box, origin] = [real.call(copy), real.call(first)];
            copy.remove();
            const sides = (box, from) => [box.left - from.left, box.top - from.top, box.right - from.left,
                box.bottom - from.top, box.width, box.height];
            return [label.textContent, sides(said, from), sides(box, origin)];
        });
}"""
"""Of each label of a chart what Plotly is told that it measures, and what it does measure."""


def test_what_a_label_measures_is_kept_and_is_what_it_measures(page: Page) -> None:
    mounted, chart = opened(page), page.locator(".chart")
    page.evaluate("""() => {
        window.measured = [];
        const real = Element.prototype.getBoundingClientRect;
        Element.prototype.getBoundingClientRect = function () {
            if (this.closest("#js-plotly-tester")) window.measured.push(this.textContent);
            return real.call(this);
        };
    }""")
    shown = figure(1, 3, 2).update_xaxes(title="z<sub>1</sub>").update_yaxes(title="two<br>lines")
    shown.add_annotation(text="a <b>note</b>", x=1, y=3, textangle=30)
    ranges = [([-0.1, 2.1], [0.3, 5.2]), ([-0.2, 2.2], [0.4, 5.3]), ([-0.3, 2.3], [0.2, 5.4])]
    measured: set[str] = set()
    for number, (x, y) in enumerate(ranges, 1):
        mounted.give(chart_message(shown.update_xaxes(range=x).update_yaxes(range=y)))
        expect(chart).to_have_attribute("data-drawn", str(number))
        measured = set(page.evaluate("window.measured.splice(0)"))
    assert not measured & {"0", "0.5", "1", "1.5", "2", "3", "4", "5"}, "labels that only moved"
    labels = page.evaluate(MEASURED)
    assert {"0.5", "5", "a note", "z\u200b1\u200b", "twolines"} <= {text for text, _, _ in labels}
    for text, said, box in labels:
        assert said == pytest.approx(box, abs=0.01), text


def test_a_figure_that_stays_the_same_costs_nothing(page: Page) -> None:
    mounted, chart = opened(page), page.locator(".chart")
    mounted.give(chart_message(figure(1, 3, 2), alt="Three points."))
    expect(chart).to_have_attribute("data-drawn", "1")
    page.evaluate("""() => {
        window.calls = 0;
        const { react } = Plotly;
        Plotly.react = (...given) => { window.calls += 1; return react(...given); };
    }""")
    mounted.give(chart_message(figure(1, 3, 2), alt="Three points."))
    page.evaluate(AFTER_TURNS)
    assert page.evaluate("window.calls") == 0
    mounted.give(chart_message(figure(1, 3, 2.5), alt="Three points."))
    expect(chart).to_have_attribute("data-drawn", "2")
    # The same figure in other colours of the page is another drawing.
    page.locator("#host").evaluate("host => host.style.setProperty('--st-text-color', '#123456')")
    mounted.give(chart_message(figure(1, 3, 2.5), alt="Three points."))
    expect(chart).to_have_attribute("data-drawn", "3")
    assert page.evaluate("window.calls") == 2
    assert chart.evaluate("chart => chart.layout.template.layout.font.color") == "#123456"


AFTER_TURNS = (
    "() => new Promise((told) => setTimeout(() => requestAnimationFrame(() => setTimeout(told, 50))))"
)


def test_labels_that_grow_and_shrink_leave_the_frame_where_it_is(page: Page) -> None:
    """Plotly would draw it twice each time; labels of other axes get a room of their own."""
    mounted, chart = opened(page), page.locator(".chart")
    shown = figure(1, 3, 2).update_yaxes(title="nats", automargin=True)
    lefts, counts = [], []
    page.evaluate("window.plots = 0")
    for number, (top, title) in enumerate(((9, "nats"), (12345.6, "nats"), (9, "nats"), (9, "others")), 1):
        shown.update_yaxes(range=[0, top], title=title, tickvals=[top], ticktext=None, tickformat=".1f")
        mounted.give(chart_message(shown))
        expect(chart).to_have_attribute("data-drawn", str(number))
        if number == 1:
            chart.evaluate("chart => chart.on('plotly_afterplot', () => { window.plots += 1; })")
        lefts.append(chart.evaluate("chart => chart._fullLayout._size.l"))
        counts.append(page.evaluate("window.plots"))
    narrow, wide, kept, others = lefts
    assert wide > narrow + 20
    assert kept == wide
    assert others == narrow


ARRAYS = """() => {
    const { findArrayAttributes } = Plotly.PlotSchema;
    return [...document.querySelectorAll(".chart")].flatMap((chart) =>
        chart._fullData.map((trace) => [window.asked(trace), findArrayAttributes(trace)]));
}"""


def test_the_arrays_of_a_trace_are_those_that_plotly_finds_itself(page: Page) -> None:
    """What Plotly's own function says is the oracle: kept before the element puts its own in its place."""
    library = BROWSER_LIBRARY.read_text("utf-8") + "\nwindow.asked = Plotly.PlotSchema.findArrayAttributes;"
    mounted = open_element(page, "chart", more={"/plotly.min.js": library})
    ramp = np.linspace(0, 1, 12)
    shown = Figure(
        [
            Scatter(x=ramp, y=ramp, marker={"color": ramp, "size": list(ramp * 9), "symbol": ["x"] * 12}),
            Scatter(
                x=ramp, y=ramp, text=["a"] * 12, customdata=ramp, error_y={"array": ramp, "type": "data"}
            ),
            Scatter(
                x=ramp,
                y=ramp,
                mode="markers",
                marker={
                    "color": ramp,
                    "colorbar": {"tickvals": [0, 1], "ticktext": ["a", "b"]},
                    "line": {"width": list(ramp)},
                },
            ),
            Bar(x=ramp, y=ramp, hovertext=["b"] * 12, textfont={"size": [9, 10] * 6}),
            Heatmap(z=ramp.reshape(3, 4), x=[0, 1, 2, 3], y=[0, 1, 2]),
            Contour(z=ramp.reshape(3, 4), text=[["a"] * 4] * 3),
            Histogram(x=ramp),
            Image(z=np.zeros((2, 2, 3), dtype=np.uint8), hovertext=[["a", "b"], ["c", "d"]]),
        ]
    )
    mounted.give(chart_message(shown))
    expect(page.locator(".chart")).to_have_attribute("data-drawn", "1")
    found = page.evaluate(ARRAYS)
    assert len(found) == 8
    assert page.evaluate("window.asked !== Plotly.PlotSchema.findArrayAttributes")
    for expected, got in found:
        assert got == expected
    assert set(found[0][0]) == {"x", "y", "marker.size", "marker.color", "marker.symbol"}


HEIGHTS = "chart => chart._fullData.map((trace) => Math.max(...trace.y))"


def test_frames_are_shown_by_keys_and_played_to_their_end(page: Page) -> None:
    mounted, chart = opened(page), page.locator(".chart")
    mounted.give(chart_message(film(1.0, 2.0, 3.0, 4.0)))
    steps = chart.get_by_role("slider", name="Frame of the animation")
    expect(steps).to_have_attribute("aria-valuetext", "step 0")
    assert chart.evaluate(HEIGHTS) == [1, 1]
    steps.press("ArrowRight")
    expect(chart.get_by_text("step 1", exact=True)).to_be_visible()
    until(lambda: chart.evaluate(HEIGHTS) == [2, 1], "the second trace is that of the frame below")
    steps.press("End")
    until(lambda: chart.evaluate(HEIGHTS) == [4, 3], "a frame stands alone, whatever was shown before")
    steps.press("Home")
    until(lambda: chart.evaluate(HEIGHTS) == [1, 1], "back at the first")
    chart.get_by_role("button", name="Play").click()
    expect(steps).to_have_attribute("aria-valuetext", "step 3")
    until(lambda: chart.evaluate(HEIGHTS) == [4, 3], "played to the end")
    expect(chart.get_by_role("button", name="Play")).to_be_visible()
    shown = values_of(steps, "aria-valuetext")
    chart.get_by_role("button", name="Play").click()
    until(lambda: shown()[-1] == "step 3" and len(shown()) > 1, "played again")
    assert shown() == ["step 3", "step 0", "step 1", "step 2", "step 3"]


def test_the_player_stands_below_the_plot_and_within_the_figure(page: Page) -> None:
    mounted, chart = opened(page), page.locator(".chart")
    mounted.give(chart_message(film()))
    expect(chart.get_by_role("button", name="Play")).to_be_visible()
    outer, plot = chart.bounding_box(), chart.locator(".main-svg").first.bounding_box()
    below = chart.get_by_role("slider").bounding_box()
    assert outer is not None
    assert plot is not None
    assert below is not None
    assert plot["y"] + plot["height"] <= below["y"]
    assert below["y"] + below["height"] <= outer["y"] + outer["height"] + 0.5
    button = chart.get_by_role("button", name="Play").bounding_box()
    assert button is not None
    assert min(button["width"], button["height"], below["height"]) >= 44


def test_another_figure_ends_what_plays_and_begins_anew(page: Page) -> None:
    mounted, chart = opened(page), page.locator(".chart")
    mounted.give(chart_message(film(1.0, 2.0, 3.0, 4.0, ms=100_000)))
    chart.get_by_role("button", name="Play").click()
    steps = chart.get_by_role("slider", name="Frame of the animation")
    steps.press("ArrowRight")
    expect(chart.get_by_role("button", name="Play")).to_be_visible()
    until(lambda: chart.evaluate(HEIGHTS) == [2, 1], "a hand on the slider ends what plays")
    page.set_viewport_size({"width": 700, "height": 600})
    expect(chart).to_have_attribute("data-drawn", "2")
    until(lambda: chart.evaluate(HEIGHTS) == [2, 1], "another width changes nothing")
    expect(steps).to_have_attribute("aria-valuetext", "step 1")
    chart.get_by_role("button", name="Play").click()
    mounted.give(chart_message(film(5.0, 6.0)))
    expect(chart).to_have_attribute("data-drawn", "3")
    expect(steps).to_have_attribute("aria-valuetext", "step 0")
    expect(chart.get_by_role("button", name="Play")).to_be_visible()
    assert chart.evaluate(HEIGHTS) == [5, 5]
    mounted.give(chart_message(figure(1, 3, 2)))
    expect(chart).to_have_attribute("data-drawn", "4")
    expect(chart.get_by_role("slider")).to_have_count(0)
    assert chart.evaluate("chart => chart._fullLayout.height") == 300
