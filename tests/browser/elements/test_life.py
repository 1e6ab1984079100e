"""Every element bears every event from its mounting on, and takes away what it added when it is removed."""

import base64
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.elements.messages import messages
from tests.browser.elements.mounting import COMPONENTS, open_element
from tests.browser.pages import drawn
from tests.polling import until

ELEMENTS: Final = sorted(path.parent.name for path in COMPONENTS.glob("*/element.py"))
CASES: Final = messages()

WATCH: Final = """(() => {
    const alive = { listeners: new Set(), frames: new Set(), timers: new Set(), observers: new Set() };
    window.alive = alive;
    for (const target of [window, document]) {
        const { addEventListener: add, removeEventListener: remove } = target;
        const numbers = new Map();  // one and the same listener, however often it is added or removed
        const named = (type, tell, how) => {
            if (!numbers.has(tell)) numbers.set(tell, numbers.size);
            return `${target} ${type} ${numbers.get(tell)} ${how?.capture ?? Boolean(how)}`;
        };
        target.addEventListener = (...given) => {
            alive.listeners.add(named(...given));
            return add.apply(target, given);
        };
        target.removeEventListener = (...given) => {
            alive.listeners.delete(named(...given));
            return remove.apply(target, given);
        };
    }
    const { requestAnimationFrame: request, cancelAnimationFrame: cancel } = window;
    window.requestAnimationFrame = (tell) => {
        const id = request((now) => { alive.frames.delete(id); tell(now); });
        alive.frames.add(id);
        return id;
    };
    window.cancelAnimationFrame = (id) => { alive.frames.delete(id); cancel(id); };
    for (const [kind, ends] of [["setTimeout", "clearTimeout"], ["setInterval", "clearInterval"]]) {
        const [start, stop] = [window[kind], window[ends]];
        window[kind] = (tell, ...given) => {
            const once = () => { if (kind === "setTimeout") alive.timers.delete(id); tell(); };
            const id = start(once, ...given);
            alive.timers.add(id);
            return id;
        };
        window[ends] = (id) => { alive.timers.delete(id); stop(id); };
    }
    for (const name of ["ResizeObserver", "IntersectionObserver", "MutationObserver"]) {
        const { observe, disconnect } = window[name].prototype;
        Object.assign(window[name].prototype, {
            observe(...given) { alive.observers.add(this); observe.apply(this, given); },
            disconnect() { alive.observers.delete(this); disconnect.apply(this); },
        });
    }
})()"""

PLOTLY: Final = "window.Plotly = { react() {}, purge() {} };"
"""In the place of the library, which leaves its styles on the page."""
SEND: Final = """
const keys = [
    "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Enter", " ", "Escape", "Delete", "Backspace",
    "Home", "End", "PageUp", "PageDown", "Tab", "+", "=", "-", "0", "a",
];
const send = (node, Kind, names, more) => {
    const all = { bubbles: true, cancelable: true, composed: true, ...more };
    for (const name of names) node.dispatchEvent(new Kind(name, all));
};
const sendAll = () => {
    const host = document.querySelector("#host");
    const nodes = [...(host.shadowRoot ?? host).querySelectorAll("*")];
    for (const node of nodes) {
        const at = { clientX: 40, clientY: 30, pointerId: 1, isPrimary: true };
        for (const button of [0, 2]) {
            const down = ["over", "enter", "move", "down", "move"].map((name) => `pointer${name}`);
            send(node, PointerEvent, down, { ...at, button });
            const second = { ...at, pointerId: 2, isPrimary: false, button };
            send(node, PointerEvent, ["pointerdown", "pointermove"], second);
            const up = ["move", "up", "cancel", "out", "leave"].map((name) => `pointer${name}`);
            send(node, PointerEvent, up, { ...at, clientX: 90, button });
            send(node, PointerEvent, ["pointerup"], second);
        }
        send(node, MouseEvent, ["mousedown", "mousemove", "mouseup", "mouseleave", "contextmenu"], at);
        send(node, MouseEvent, ["click"], { ...at, detail: 1 });
        send(node, MouseEvent, ["click", "dblclick"], { ...at, detail: 2 });
        for (const deltaY of [-400, 400]) {
            for (const ctrlKey of [false, true]) {
                send(node, WheelEvent, ["wheel"], { ...at, deltaY, ctrlKey });
            }
        }
        for (const key of keys) send(node, KeyboardEvent, ["keydown", "keyup"], { key });
        send(node, TouchEvent, ["touchstart", "touchmove", "touchend", "touchcancel"], {});
        send(node, FocusEvent, ["focus", "focusin", "blur", "focusout"], {});
        send(node, Event, ["input", "change", "toggle", "scroll"], {});
    }
    send(window, Event, ["resize", "scroll", "blur", "focus"], {});
    send(document, Event, ["visibilitychange"], {});
};
"""


def watched(page: Page, element: str) -> None:
    page.add_init_script(WATCH)
    open_element(page, element, more={"/plotly.min.js": PLOTLY})


def count(page: Page) -> dict[str, int]:
    """What is alive on the page, and its nodes outside the element."""
    return page.evaluate(
        """() => ({
            listeners: alive.listeners.size, frames: alive.frames.size, timers: alive.timers.size,
            observers: alive.observers.size, nodes: document.querySelectorAll(":not(#host *)").length,
        })"""
    )


def live(page: Page, message: bytes | None) -> None:
    """Mounts an element, sends it all events before its first frame and again after it, and removes it."""
    before = count(page)
    text = None if message is None else base64.b64encode(message).decode()
    page.evaluate(f"text => {{ {SEND} window.element.give(text); sendAll(); }}", text)
    drawn(page)
    page.evaluate(f"() => {{ {SEND} sendAll(); }}")
    drawn(page)
    # Also what arrives between the cleanup and the removal of the nodes has to be harmless.
    gone = "document.querySelector('#host').remove();"
    page.evaluate(f"() => {{ {SEND} window.element.end(); sendAll(); {gone} }}")
    left = before | {"nodes": before["nodes"] - 1}
    until(lambda: count(page) == left, "nothing is left behind")


@pytest.mark.parametrize("element", ELEMENTS)
def test_events_before_any_message(page: Page, element: str) -> None:
    watched(page, element)
    live(page, None)


@pytest.mark.parametrize("case", CASES)
def test_events_before_the_first_frame_and_after_it(page: Page, case: str) -> None:
    element, message = CASES[case]
    watched(page, element)
    live(page, message)


def test_what_was_begun_goes_on_when_one_message_overtakes_another(page: Page) -> None:
    """Streamlit ends the call with the older message after it was made, and the element is still there."""
    mounted = open_element(page, "look_back")
    message = next(message for element, message in CASES.values() if element == "look_back")
    assert message is not None
    mounted.give(message)
    page.get_by_role("button", name="Replay how the run came here").click()
    hold = page.get_by_role("button", name="Hold the replay")
    expect(hold).to_be_visible()
    mounted.overtake(message)
    expect(hold).to_be_visible()
    hold.click()
    expect(hold).to_have_count(0)


def test_every_element_has_a_message() -> None:
    assert {element for element, _ in CASES.values()} == set(ELEMENTS)
