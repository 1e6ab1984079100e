"""A server for a class in a browser: the code, the link that holds it, the lecturer's link, unknown names.

The server listens on loopback, and asks for the code because it is told to.
"""

import http.client
import re
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Locator, Page, expect

from benchmarks.serving import ENTRY, Server, start_server, stop_process
from dashboard.runs.scheduler import num_cores
from dashboard.shell.browser import COOKIE
from dashboard.shell.classroom import CODE_VARIABLE, SECRET_VARIABLE
from tests.browser.pages import NewPage
from tests.polling import until

CODE: Final = "CDF346"
SECRET: Final = "open-sesame"


@pytest.fixture(scope="module")
def class_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The dashboard as ``--class`` runs it, apart from the address."""
    cwd, home = tmp_path_factory.mktemp("class_cwd"), tmp_path_factory.mktemp("class_home")
    variables = {CODE_VARIABLE: CODE, SECRET_VARIABLE: SECRET}
    server = start_server(ENTRY.with_name("class_server.py"), cwd=cwd, home=home, variables=variables)
    yield server
    stop_process(server.process)


def code_field(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Class code")


def start_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Start", exact=True)


def await_cookie(page: Page) -> None:
    """The element that keeps the token may be loaded later than what the page shows."""
    until(lambda: COOKIE in {one.get("name") for one in page.context.cookies()}, "the cookie")


def test_student_types_the_code_once_and_lands_where_the_link_leads(class_server: Server, page: Page) -> None:
    page.goto(f"{class_server.url}/train?seed=7")
    code_field(page).fill("cdf347")
    code_field(page).press("Enter")
    expect(page.get_by_text("This is not the class code")).to_be_visible()
    expect(start_button(page)).to_have_count(0)
    code_field(page).fill("cdf 346")
    page.get_by_role("button", name="Enter", exact=True).click()
    expect(start_button(page)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/train\?seed=7$"))
    await_cookie(page)
    page.reload()
    expect(start_button(page)).to_be_visible()
    other = page.context.new_page()
    other.goto(f"{class_server.url}/train")
    expect(start_button(other)).to_be_visible()


def test_links_of_students_and_lecturer_leave_no_secret_in_the_url(
    class_server: Server, new_page: NewPage
) -> None:
    for query in (f"code={CODE}", f"lecturer={SECRET}"):
        page = new_page()
        page.goto(f"{class_server.url}/train?{query}")
        expect(start_button(page)).to_be_visible()
        expect(page).to_have_url(re.compile(r"/train$"))
        await_cookie(page)
        page.reload()
        expect(start_button(page)).to_be_visible()


def test_unknown_name_gets_words_and_the_app_is_served_to_known_ones(class_server: Server) -> None:
    def get(host: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", class_server.port, timeout=30)
        connection.request("GET", "/train", headers={"Host": host})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    assert get(f"localhost:{class_server.port}")[0] == 200
    status, text = get("rebound.example")
    assert status == 421
    assert "rebound.example" in text


def test_trainings_of_a_class_take_turns_and_that_of_the_lecturer_goes_on(
    class_server: Server, new_page: NewPage
) -> None:
    """One more of them than there are cores for; none has an end of its own."""

    def entered(query: str) -> Page:
        page = new_page()
        page.goto(f"{class_server.url}/train?{query}")
        expect(start_button(page)).to_be_visible()
        return page

    lecturer = entered(f"lecturer={SECRET}")
    students = [entered(f"code={CODE}") for _ in range(max(1, num_cores() - 1) + 1)]
    for page in (lecturer, *students):
        start_button(page).click()
    expect(lecturer.locator(".st-key-run_line")).to_contain_text("Training · step")
    heard = lecturer.evaluate_handle(
        """() => {
            const lines = [];
            const look = () => lines.push(document.querySelector(".st-key-run_line")?.textContent ?? "");
            const all = { subtree: true, childList: true, characterData: true };
            new MutationObserver(look).observe(document.body, all);
            return lines;
        }"""
    )
    for state in ("Waiting at step", "Training · step"):
        for page in students:
            expect(page.locator(".st-key-run_line")).to_contain_text(state)
    lines = [line for line in heard.json_value() if line]
    assert len(lines) > 5
    assert [line for line in lines if "Training · step" not in line] == []
    for page in (lecturer, *students):
        page.get_by_role("button", name="Stop", exact=True).click()
        expect(page.locator(".st-key-run_line")).to_contain_text("Stopped")
