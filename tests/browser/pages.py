"""What browser tests share: how long they wait, and what they read off a page."""

from collections.abc import Callable
from typing import Final

from playwright.sync_api import FloatRect, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.polling import DEADLINE_S, until

NewPage = Callable[..., Page]
WAIT_MS: Final = 1000 * DEADLINE_S
"""The one deadline of a browser test: of a page that loads on a busy machine, with room to spare."""

PIXELS: Final = "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
"""Red, green, blue and alpha of all pixels of a canvas, one after the other."""

WIDEST: Final = (
    "Math.max(document.documentElement.scrollWidth,"
    " document.querySelector('[data-testid=stMain]').scrollWidth, window.innerWidth)"
)


def place(locator: Locator) -> FloatRect:
    """Where an element lies in the window."""
    box = locator.bounding_box()
    assert box is not None, locator
    return box


def places(locator: Locator) -> list[FloatRect]:
    """Where all elements of a locator lie in the window, read at one moment: none has moved meanwhile."""
    return locator.evaluate_all("all => all.map((one) => one.getBoundingClientRect().toJSON())")


def fits(page: Page) -> None:
    """Waits until nothing is wider than the window: what was just mounted has not measured its room yet."""
    size = page.viewport_size
    assert size is not None
    until(lambda: page.evaluate(WIDEST) == size["width"], "nothing wider than the window")


def pixels_near(canvas: Locator, colour: str) -> int:
    """Counts the pixels of a canvas that have a colour within 12 levels a channel, opaque."""
    script = """(canvas, wanted) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let count = 0;
        for (let i = 0; i < data.length; i += 4)
            if (data[i + 3] > 250 && wanted.every((level, k) => Math.abs(data[i + k] - level) < 12)) count++;
        return count;
    }"""
    return canvas.evaluate(script, list(bytes.fromhex(colour.removeprefix("#"))))


def covered_pixels(canvas: Locator, *, above: int) -> int:
    """Counts the pixels of a canvas whose alpha, from 0 to 255, is above a level."""
    script = """(canvas, above) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let count = 0;
        for (let i = 3; i < data.length; i += 4) count += data[i] > above;
        return count;
    }"""
    return canvas.evaluate(script, above)


def values_of(locator: Locator, attribute: str) -> Callable[[], list[str | None]]:
    """All values that an attribute has from now on, in order: none is missed, however short it stands."""
    record = locator.evaluate_handle(
        """(node, name) => {
            const values = [node.getAttribute(name)];
            new MutationObserver(() => {
                const value = node.getAttribute(name);
                if (value !== values.at(-1)) values.push(value);
            }).observe(node, { attributes: true, attributeFilter: [name] });
            return values;
        }""",
        attribute,
    )
    return record.json_value


def runs_ended(page: Page) -> Callable[[], int]:
    """How often the dashboard's script has run to its end; for a page that has not been opened yet."""
    kinds: list[str | None] = []

    def hear(frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            kinds.append(ForwardMsg.FromString(frame).WhichOneof("type"))

    def count() -> int:
        # Playwright hears of what happened while it asks the page for something.
        page.title()
        return kinds.count("script_finished")

    page.on("websocket", lambda socket: socket.on("framereceived", hear))
    return count


def ended(page: Page) -> None:
    """Waits until the dashboard's script has run to its end: nothing more comes of its own."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def choose(page: Page, name: str, option: str) -> None:
    """Chooses in a list of that name; again where it closed, as one does that is opened too early."""

    def is_chosen() -> bool:
        page.get_by_role("combobox", name=name, exact=True).click()
        try:
            page.get_by_role("option", name=option, exact=True).click(timeout=5_000)
        except PlaywrightTimeout:
            page.keyboard.press("Escape")
            return False
        return True

    until(is_chosen, f"{option} chosen in {name}")


def drawn(page: Page) -> None:
    """Waits for two frames: whatever an event has changed is then on the screen."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


SMALL: Final = """() => {
    // A help mark has its room around it; Streamlit hides its own sliders and menus behind drawn ones, and
    // draws the link to a heading for a mouse alone.
    const names = ["TooltipIcon", "Slider", "MultiSelect", "Selectbox", "SkipToContent", "HeaderAction"];
    const isOther = (one) => names.some((name) => one.closest(`[data-testid^=st${name}]`));
    const small = [];
    const look = (root) => {
        for (const one of root.querySelectorAll("button, a[href], summary, input[type=range]")) {
            const { width, height } = one.getBoundingClientRect();
            if (width && height && height < 43.5 && !isOther(one)) small.push(one.outerHTML.slice(0, 200));
        }
        for (const one of root.querySelectorAll("*")) if (one.shadowRoot) look(one.shadowRoot);
    };
    look(document);
    return small;
}"""


def has_large_targets(page: Page) -> None:
    """What a finger presses is 44 pixels high."""
    until(lambda: page.evaluate(SMALL) == [], "all targets have 44 pixels")
