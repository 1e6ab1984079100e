"""The Free energy page in a browser: a q that is dragged moves the numbers of its bound."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from benchmarks.browsing import sent_messages
from benchmarks.serving import Server
from tests.browser.pages import drawn, ended, place


def opened(page: Page, server: Server, view: str) -> Locator:
    page.goto(f"{server.url}/free_energy?free_energy_view={view}")
    element = page.locator(".chosen")
    expect(element.locator(".gap")).to_have_text(re.compile(r"\d"))
    # Nothing moves under the hand, and the server hears nothing, once all is drawn.
    ended(page)
    drawn(page)
    return element


def equation(element: Locator) -> list[float]:
    texts = [element.locator(f".{name}").inner_text() for name in ("evidence", "bound", "gap")]
    return [float(text.replace("−", "-")) for text in texts]


def dragged(page: Page, element: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    box = place(element.locator(".picture"))
    page.mouse.move(box["x"] + start[0] * box["width"], box["y"] + start[1] * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + end[0] * box["width"], box["y"] + end[1] * box["height"], steps=5)
    page.mouse.up()


def test_dragging_moves_the_numbers_and_they_add_up(app_server: Server, page: Page) -> None:
    sent = sent_messages(page)
    element = opened(page, app_server, "gaussian")
    before = equation(element)
    heard = len(sent)
    dragged(page, element, (0.6, 0.5), (0.75, 0.5))
    after = equation(element)
    assert after[0] == before[0]
    assert after[1:] != before[1:]
    for evidence, bound, gap in (before, after):
        assert evidence == pytest.approx(bound + gap, abs=2e-3)
    element.get_by_role("slider", name="width σ of q").press("ArrowRight")
    assert equation(element)[1:] != after[1:]
    assert len(sent) == heard > 0


def test_the_best_q_closes_the_gap(app_server: Server, page: Page) -> None:
    element = opened(page, app_server, "component")
    assert equation(element)[2] > 0.1
    element.get_by_role("button", name="Find the best q").click()
    expect(element.locator(".result")).to_contain_text("F = log p(x)")
    evidence, bound, gap = equation(element)
    assert (gap, bound) == (0, evidence)
    dragged(page, element, (0.2, 0.8), (0.2, 0.1))
    assert equation(element)[2] > 0.1, "a bar that is dragged takes q away from the posterior"


def test_the_menu_of_parameters_shows_the_columns_that_there_are(app_server: Server, page: Page) -> None:
    page.goto(f"{app_server.url}/free_energy?free_energy_view=em")
    menu = page.get_by_role("combobox", name="Parameter")
    expect(menu).to_have_value("mean of sepal length")
    ended(page)
    page.locator("[class*='st-key-em_columns']").get_by_role("button", name="sepal length").click()
    expect(menu).to_have_value("mean of petal length")


def test_the_numbers_of_each_iteration_come_once_they_are_asked_for(app_server: Server, page: Page) -> None:
    page.goto(f"{app_server.url}/free_energy?free_energy_view=em")
    ended(page)
    head = page.locator(".st-key-em_iterations").get_by_text("The numbers of each iteration")
    table = page.get_by_role("table").filter(has_text="iteration")
    expect(head).to_be_visible()
    expect(table).to_have_count(0)
    head.click()
    expect(table.get_by_role("row")).to_have_count(31)
    expect(page.get_by_text("scikit-learn's GaussianMixture from the same start")).to_be_visible()
    page.get_by_role("slider", name="Components K").press("ArrowRight")
    ended(page)
    expect(table.get_by_role("row")).to_have_count(31)
    head.click()
    expect(table).to_have_count(0)
