"""A page that outlives its session goes on from its address, also after a step back."""

import json

from playwright.sync_api import Page, expect

from tests.browser.elements.mounting import ORIGIN, Mounted, open_element


def say(mounted: Mounted, query: str, *, order: int, is_new: bool = False, begins: bool = False) -> None:
    message = {"page": "", "query": query, "isNew": is_new, "order": order, "begins": begins}
    mounted.give(json.dumps(message).encode())


def opened(page: Page) -> Mounted:
    """A page of which the address has said two things, the second in an entry of its own."""
    mounted = open_element(page, "address")
    say(mounted, "seed=1", order=1, begins=True)
    say(mounted, "seed=2", order=2, is_new=True)
    expect(page).to_have_url(f"{ORIGIN}/?seed=2")
    return mounted


def test_new_session_goes_on_from_the_address(page: Page) -> None:
    mounted = opened(page)
    say(mounted, "seed=1", order=3, begins=True)
    expect(page).to_have_url(f"{ORIGIN}/?seed=2")
    assert mounted.sent == [{"kind": "trigger", "name": "found", "value": "seed=2"}]


def test_new_session_goes_on_from_where_back_has_led(page: Page) -> None:
    mounted = opened(page)
    page.go_back()
    expect(page).to_have_url(f"{ORIGIN}/?seed=1")
    say(mounted, "seed=2", order=3, begins=True)
    expect(page).to_have_url(f"{ORIGIN}/?seed=1")
    assert mounted.sent == [{"kind": "trigger", "name": "found", "value": "seed=1"}]
