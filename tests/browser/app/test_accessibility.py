"""Every view of every page as axe-core judges it: light and dark, wide and narrow, no finding."""

from dataclasses import replace
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from benchmarks.serving import Server
from dashboard.runs.store import RunStore, digest_of
from dashboard.shell.browser import COOKIE
from dashboard.theme import CONCEPTS, ThemeName
from tests.browser.app.test_links import trained
from tests.browser.axe import Axe
from tests.page_scripts import TINY

TOKEN: Final = "a" * 32
SCHEMES: Final[tuple[ThemeName, ...]] = ("light", "dark", "light")
VIEWS: Final[dict[str, tuple[str, ...]]] = {
    "": (),
    "data": (),
    "train": (),
    "latent_space": ("Select many", "Class arithmetic", "Projections"),
    "elbo": ("One example", "Watch q move", "Units and pitfalls"),
    "free_energy": ("A Gaussian q", "Derive it", "EM", "Spot the error"),
    "gradients": ("the ELBO of one example", "Back-propagation by hand"),
    "priors": ("Weights",),
    "compare": ("Dimension reduction", "Optimisers", "On a surface"),
}
"""Of each page the views after its first, in an order in which one click leads to the next."""


@pytest.mark.parametrize("path", VIEWS)
def test_every_view(app_server: Server, page: Page, path: str) -> None:
    axe = Axe(page)
    page.goto(f"{app_server.url}/{path}")
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    found = {"first view": axe.findings()}
    for name in VIEWS[path]:
        view = page.get_by_role("radio", name=name, exact=True)
        before = page.url
        view.click()
        expect(view).to_be_checked()
        # The script says it before it draws the view: until then the view before stands there, and at rest.
        page.wait_for_url(lambda url, before=before: url != before)
        found[name] = axe.findings()
    assert [(view, one) for view, lines in found.items() for one in lines] == []


def test_runs_and_their_dialogues(app_server: Server, page: Page) -> None:
    """A run of eight dimensions, of which most collapse, beside another one: charts, lists, tables."""
    eight = replace(TINY.model, latent_dim=8)
    one = trained(app_server, replace(TINY, model=eight, train=replace(TINY.train, beta=20.0)))
    other = trained(app_server, TINY)
    for run_id in (one, other):
        RunStore(app_server.home).claim(run_id, digest_of(TOKEN))
    page.context.add_cookies([{"name": COOKIE, "value": TOKEN, "url": app_server.url}])
    axe, found = Axe(page), {}
    for path in (
        "runs",
        f"latent_space?run={one}",
        f"compare?compare_runs={one},{other}",
        f"train?run={one}&keep={other}",
    ):
        page.goto(f"{app_server.url}/{path}")
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        if path == "runs":
            expect(page.locator("[class*='st-key-run_row_']")).to_have_count(2)
        found[path] = axe.findings()
    for key in ("share", "take_home"):
        page.locator(f".st-key-{key} button:visible").click()
        dialogue = page.get_by_role("dialog")
        expect(dialogue).to_be_visible()
        found[key] = axe.findings()
        # Not Escape: that may close the tooltip of the button under the pointer alone.
        dialogue.get_by_role("button", name="Close").click()
        expect(dialogue).to_have_count(0)
    assert [(view, one) for view, lines in found.items() for one in lines] == []


@pytest.mark.parametrize("key", ["Space", "Enter"])
def test_dialogue_that_a_key_opened_has_the_focus_and_escape_closes_it(
    app_server: Server, page: Page, key: str
) -> None:
    page.goto(f"{app_server.url}/train")
    share, dialogue = page.locator(".st-key-share button:visible"), page.get_by_role("dialog")
    share.focus()
    for _ in range(2):
        page.keyboard.press(key)
        expect(dialogue).to_be_visible()
        page.wait_for_timeout(700.0)  # half a second after it opened the dialogue drops the focus by itself
        page.wait_for_function("document.activeElement.closest('[role=dialog]')")
        page.keyboard.press("Escape")
        expect(dialogue).to_have_count(0)
        expect(share).to_be_focused()


def test_a_fault_within_an_element_is_seen(app_server: Server, page: Page) -> None:
    page.goto(app_server.url)
    walk = page.locator(".walk")
    expect(walk.locator(".z")).to_be_visible()
    walk.evaluate("walk => walk.append(document.createElement('img'))")
    assert any("image-alt (critical)" in one for one in Axe(page).findings())


def test_charts_of_a_page_that_stands_follow_the_theme(app_server: Server, page: Page) -> None:
    page.goto(f"{app_server.url}/elbo")
    tick = page.locator(".js-plotly-plot .xtick text").first
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        red, green, blue = bytes.fromhex(CONCEPTS[scheme]["log_evidence"][1:])
        expect(tick).to_have_css("fill", f"rgb({red}, {green}, {blue})")
