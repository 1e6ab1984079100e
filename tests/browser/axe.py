"""What axe-core finds on a page and within its elements: light and dark, wide and narrow."""

from typing import Any, Final, Literal

from playwright.sync_api import Page

from tests.browser.pages import drawn, ended
from tests.js.node import fetched

COMPLETE: Final = """() => {
    const shown = (name, has) => [...document.querySelectorAll(`[data-testid=${name}]`)].every(has);
    return shown("stSkeleton", () => false)
        && [...document.querySelectorAll(".chart")].every((chart) => chart.querySelector(".main-svg"))
        && shown("stBidiComponentIsolated", (element) => element.shadowRoot?.querySelector("*"));
}"""

RUN: Final = """async (rules) => {
    // A picture with a name of its own, and many nodes.
    const context = { include: [["html"]], exclude: [[".main-svg"]] };
    const options = { resultTypes: ["violations"], elementRef: true };
    if (rules) options.runOnly = rules;
    // Streamlit's own: the field for files, which is a button inside as well.
    else options.rules = { "presentation-role-conflict": { enabled: false } };
    const { violations } = await axe.run(context, options);
    // Chromium and Firefox give tables and code that scroll the focus of the keyboard by themselves.
    const SCROLLS = "[data-testid=stTable], [data-testid=stCode]";
    const isOurs = (rule, node) =>
        rule.id !== "scrollable-region-focusable" || !node.element.closest(SCROLLS);
    return violations.flatMap((rule) => rule.nodes.filter((node) => isOurs(rule, node)).map((node) =>
        `${rule.id} (${rule.impact}): ${node.html.slice(0, 200)} ${node.failureSummary}`));
}"""


class Axe:
    """Looks at a page in both themes and at both widths, and begins with those of the look before.

    A change of theme runs the page's script: one for each look, not two.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")

    def findings(self) -> list[str]:
        """All findings on the page as it stands, a line each."""
        found = []
        for scheme, widths in zip(self.schemes, ((1280, 390), (390, 1280)), strict=True):
            self.page.emulate_media(color_scheme=scheme)
            # A theme and a width decide together of colours alone.
            for width, rules in zip(widths, (None, ["color-contrast"]), strict=True):
                self.page.set_viewport_size({"width": width, "height": 800})
                found += [f"{width} pixels, {scheme}: {one}" for one in self._run(rules)]
        self.schemes = self.schemes[::-1]
        return found

    def _run(self, rules: list[str] | None) -> Any:
        self._rest()
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(fetched("axe-core/axe.min.js").read_text("utf-8"))
        # Once more where something is found: what the script draws again meanwhile is pale for a moment.
        found = self.page.evaluate(RUN, rules)
        if found:
            self._rest()
            found = self.page.evaluate(RUN, rules)
        return found

    def _rest(self) -> None:
        drawn(self.page)
        ended(self.page)
        self.page.wait_for_function(COMPLETE)
