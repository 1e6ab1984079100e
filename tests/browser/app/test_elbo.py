"""The ELBO page in a browser: an example by keyboard, q that moves when it is played, gaps measured live."""

import json
import re

from playwright.sync_api import Browser, Page, expect

from benchmarks.browsing import sent_messages
from benchmarks.serving import Server
from tests.browser.pages import drawn, ended, place
from tests.polling import until

VIEWS = {
    "all_examples": "All examples",
    "one_example": "One example",
    "watch_q": "Watch q move",
    "units": "Units and pitfalls",
}


def visit(page: Page, server: Server, view: str) -> None:
    page.goto(f"{server.url}/elbo?elbo_view={view}")
    expect(page.get_by_role("radio", name=VIEWS[view])).to_be_visible()
    ended(page)


def test_arrow_key_chooses_the_next_example(app_server: Server, page: Page) -> None:
    visit(page, app_server, "one_example")
    identity = page.get_by_text("KL(q ‖ true posterior)").filter(has_text="log p(x)").first
    expect(identity).to_be_visible()
    before = identity.text_content() or ""
    page.get_by_role("slider", name="Example").press("ArrowRight")
    expect(identity).not_to_have_text(before)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_what_a_page_asks_by_itself_is_told_from_what_a_hand_asks(app_server: Server, page: Page) -> None:
    asked: list[str | bytes] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda one: asked.append(one)))
    by_hand = sent_messages(page)
    visit(page, app_server, "all_examples")

    def has_asked_by_itself() -> bool:
        drawn(page)
        return len(asked) > 1

    until(has_asked_by_itself, "the look at what others do")
    assert len(by_hand) == 1, "the page"
    page.get_by_role("radio", name=VIEWS["one_example"]).click()
    expect(page.get_by_role("slider", name="Example")).to_be_visible()
    assert len(by_hand) == 2, "the page and the view"


def test_q_walks_when_it_is_played(app_server: Server, page: Page) -> None:
    visit(page, app_server, "watch_q")
    chart = page.locator(".st-key-walk")
    expect(chart.get_by_text("step 0", exact=True)).to_be_visible()
    chart.get_by_role("button", name="Play").click()
    expect(chart.get_by_text(re.compile(r"^step [1-9]\d*$"))).to_be_visible()
    fills = chart.locator(".scatterlayer .js-fill")
    until(lambda: fills.count() > 1, "the posterior stays where q walks to")


def test_gaps_are_measured_with_progress_and_cancelled(app_server: Server, page: Page) -> None:
    visit(page, app_server, "all_examples")
    start = page.locator(".st-key-gaps_start button:visible")
    start.click()
    cancel = page.locator(".st-key-gaps_cancel button:visible")
    cancel.click()
    start.click()
    expect(page.get_by_role("cell", name="amortisation gap")).to_be_visible()


def test_view_control_is_whole_on_a_phone(app_server: Server, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    visit(page, app_server, "units")
    last = page.get_by_role("radio", name="Units and pitfalls")
    until(lambda: (box := place(last))["x"] + box["width"] <= 390, "the control is whole")


def test_another_class_of_an_element_leaves_the_styles_within_it(
    app_server: Server, browser: Browser, page: Page
) -> None:
    """Streamlit changes it twice a move: a rule for all that may be in or around one costs 12 ms then."""
    visit(page, app_server, "one_example")
    chart = page.locator(".st-key-posterior")
    expect(chart.locator(".contourlayer path").first).to_be_attached()
    within = chart.locator("*").count()
    browser.start_tracing(page=page, categories=["devtools.timeline", "blink.user_timing"])
    chart.evaluate(
        """(one) => {
            const compute = () => getComputedStyle(one).opacity;
            compute();
            performance.mark("changed");
            one.classList.add("stale");
            compute();
            performance.mark("computed");
        }"""
    )
    events = json.loads(browser.stop_tracing())["traceEvents"]
    begun, ended_at = (
        next(event["ts"] for event in events if event["name"] == name) for name in ("changed", "computed")
    )
    computed = [
        event["args"]["elementCount"]
        for event in events
        if event["name"] == "UpdateLayoutTree" and begun <= event["ts"] <= ended_at
    ]
    assert 0 < sum(computed) < within / 10, (computed, within)


def test_elements_that_draw_nothing_take_no_room(app_server: Server, page: Page) -> None:
    visit(page, app_server, "one_example")
    for key in ("page_theme_told", "browser_cookie", "address_page", "address_elbo_example_held_out"):
        hidden = page.locator(f".st-key-{key}")
        expect(hidden).to_have_count(1)
        expect(hidden).to_have_css("display", "none")
