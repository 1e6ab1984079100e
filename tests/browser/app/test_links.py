"""Links in a browser: old labels become ids, Back and a shared link bring back what was on the screen."""

import asyncio
import io
import queue
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
from playwright.sync_api import Browser, Locator, Page, expect

from benchmarks.browsing import sent_messages
from benchmarks.serving import ENTRY, Server, start_server, stop_process
from benchmarks.websocket_client import open_session
from dashboard.runs.store import RunStore
from tests.browser.elements.latent.explorer import Explorer
from tests.browser.pages import WAIT_MS, NewPage, drawn, ended
from tests.page_scripts import TINY
from tests.polling import until
from vae_core.config import RunConfig
from vae_core.runs.driver import Driver


def view(page: Page, name: str) -> Locator:
    return page.get_by_role("radio", name=name, exact=True)


def test_old_link_opens_with_ids_and_all_digits(app_server: Server, page: Page) -> None:
    page.goto(f"{app_server.url}/train?dataset=Two+moons&beta=0.00025&seed=nonsense")
    expect(page.locator(".st-key-beta_number .number")).to_have_value("0.00025", timeout=WAIT_MS)
    expect(page.locator(".st-key-dataset input")).to_have_value("Two moons")
    expect(page).to_have_url(re.compile(r"/train\?dataset=two_moons&beta=0\.00025$"), timeout=WAIT_MS)
    expect(page).to_have_title("Train · VAE Dashboard")


def test_a_setting_draws_the_settings_alone_and_is_in_the_link(app_server: Server) -> None:
    async def speak() -> None:
        async with open_session(app_server.url, page="train") as session:
            whole = (await session.rerun()).num_bytes
            assert (await session.move("latent_dim", 5)).num_bytes < whole / 2
            assert parse_qs(session.query)["latent_dim"] == ["5"]
            # With y in them the formulas of β, which stands elsewhere, are others.
            assert (await session.move("condition", "the class")).num_bytes > whole / 2
            assert parse_qs(session.query)["condition"] == ["class"]

    with ThreadPoolExecutor(1) as thread:  # Playwright's loop may be in this one
        thread.submit(asyncio.run, speak()).result()


def test_back_from_another_page_shows_the_view_that_was_left(app_server: Server, page: Page) -> None:
    page.goto(f"{app_server.url}/train?seed=7")
    expect(page.locator(".st-key-beta")).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("link", name="ELBO", exact=True).click()
    view(page, "Units and pitfalls").click(timeout=WAIT_MS)
    expect(page).to_have_url(re.compile(r"/elbo\?elbo_view=units$"), timeout=WAIT_MS)
    page.get_by_role("link", name="Train", exact=True).click()
    expect(page).to_have_url(re.compile(r"/train\?seed=7$"), timeout=WAIT_MS)
    page.go_back()
    expect(view(page, "Units and pitfalls")).to_be_checked(timeout=WAIT_MS)
    expect(page).to_have_url(re.compile(r"/elbo\?elbo_view=units$"), timeout=WAIT_MS)


def trained(server: Server, config: RunConfig) -> str:
    """Id of a run that was trained to its end, in the store of the server."""
    store = RunStore(server.home)
    run_id = store.create(config)
    folder = store.folder(run_id)
    assert folder is not None
    Driver(folder, queue.SimpleQueue(), io.StringIO()).run()
    return run_id


def explorer_of(page: Page) -> Explorer:
    explorer = Explorer(page=page, root=page.locator(".explorer"))
    expect(explorer.root).to_have_attribute("data-frames", re.compile(r"\d"))
    ended(page)
    explorer.rest()
    return explorer


def test_fresh_browser_opens_the_shared_link_and_sees_the_same(
    app_server: Server, page: Page, new_page: NewPage
) -> None:
    config = replace(TINY, seed=11, train=replace(TINY.train, beta=4.0))
    run_id, kept = trained(app_server, config), trained(app_server, TINY)
    page.goto(f"{app_server.url}/latent_space?run={run_id}&keep={kept}")
    explorer = explorer_of(page)
    for z in [(0.5, 1.0), (-1.0, 0.25)]:
        explorer.click(z)
    expect(page).to_have_url(re.compile(r"pins=[^&]+%3B"))
    view(page, "Class arithmetic").click()
    expect(page).to_have_url(re.compile("latent_view=arithmetic"))
    page.get_by_role("button", name="Share", exact=True).click()
    dialogue = page.get_by_role("dialog")
    expect(dialogue.get_by_alt_text("QR code of the link.")).to_be_visible()
    shown = dialogue.get_by_test_id("stCode")
    expect(shown).to_contain_text("latent_view=arithmetic")
    link = shown.inner_text().strip()
    z, pins = explorer.numbers("z"), explorer.root.get_attribute("data-pins")
    assert pins == "2"

    other = new_page()
    other.goto(link)
    same = explorer_of(other)
    np.testing.assert_allclose(same.numbers("z"), z, atol=1e-4)
    expect(same.root).to_have_attribute("data-pins", "2")
    expect(view(other, "Class arithmetic")).to_be_checked()
    other.reload()
    np.testing.assert_allclose(explorer_of(other).numbers("z"), z, atol=1e-4)
    other.get_by_role("link", name="Train", exact=True).click()
    expect(other.locator(".st-key-seed input")).to_have_value("11")
    expect(other.locator(".st-key-beta_number .number")).to_have_value("4")
    board = other.locator(".board")
    expect(board).to_have_attribute("data-run", run_id)
    expect(board).to_have_attribute("data-ghosts", "1")
    expect(other).to_have_url(re.compile(rf"run={run_id}&keep={kept}$"))


def test_moves_of_a_control_leave_no_trail_behind(app_server: Server, page: Page) -> None:
    page.goto(f"{app_server.url}/elbo")
    view(page, "Units and pitfalls").click(timeout=WAIT_MS)
    expect(page).to_have_url(re.compile("elbo_view=units"), timeout=WAIT_MS)  # the view that is left
    page.get_by_role("link", name="Train", exact=True).click()
    latent_dim = page.locator(".st-key-latent_dim input")
    for value in ("3", "4", "5"):
        latent_dim.fill(value, timeout=WAIT_MS)
        latent_dim.press("Enter")
        expect(page).to_have_url(re.compile(rf"/train\?latent_dim={value}$"), timeout=WAIT_MS)
    page.go_back()
    expect(view(page, "Units and pitfalls")).to_be_checked(timeout=WAIT_MS)
    page.go_back()
    expect(view(page, "All examples")).to_be_checked(timeout=WAIT_MS)
    page.go_forward()
    expect(view(page, "Units and pitfalls")).to_be_checked(timeout=WAIT_MS)
    page.go_forward()
    expect(latent_dim).to_have_value("5", timeout=WAIT_MS)


def test_page_that_outlives_its_session_goes_on_from_its_address(browser: Browser, tmp_path: Path) -> None:
    """A locked telephone, or a new start of the server: Streamlit begins with an older query."""
    # A page of its own: one without a server says so on its console.
    page = browser.new_page()
    page.set_default_timeout(WAIT_MS)
    home, cwd = tmp_path / "home", tmp_path / "cwd"
    home.mkdir()
    cwd.mkdir()
    server = start_server(ENTRY, cwd=cwd, home=home)
    first, sent = trained(server, TINY), sent_messages(page)

    def is_told() -> bool:
        drawn(page)
        return any(b'"found"' in one for one in sent)

    try:
        page.goto(f"{server.url}/train?run={first}&latent_dim=3")
        latent_dim = page.locator(".st-key-latent_dim input")
        expect(latent_dim).to_have_value("3")
        page.locator(".st-key-train_reset button:visible").click()
        page.wait_for_url(lambda url: first not in url)
        # The address comes first; what is typed into a field that is drawn again meanwhile may be lost.
        ended(page)
        latent_dim.fill("5")
        latent_dim.press("Enter")
        page.wait_for_url(re.compile(r"latent_dim=5"))
        address = page.url
        run = parse_qs(urlsplit(address).query)["run"][0]
        # A run whose server ends before it has drawn anything has no board afterwards.
        expect(page.locator(".board")).to_have_attribute("data-run", run)
        stop_process(server.process)
        server = start_server(ENTRY, cwd=cwd, home=home, port=server.port)
        until(is_told, "the address")
        ended(page)
        expect(latent_dim).to_have_value("5")
        expect(page.locator(".board")).to_have_attribute("data-run", run)
        assert page.url == address
    finally:
        page.close()
        stop_process(server.process)
