"""Serves the modules of the elements to a page without any server: the browser imports them as they are."""

from pathlib import Path
from typing import Final

from playwright.sync_api import Page, Route

COMPONENTS: Final = Path(__file__).resolve().parents[3] / "dashboard" / "components"
ORIGIN: Final = "http://localhost:9"
"""The discard port: no request ever gets there."""


def open_with_modules(page: Page, html: str) -> None:
    """Opens a page whose scripts may import ``/shared/numbers.js`` and all other modules of the elements."""

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN).lstrip("/")
        if path == "":
            route.fulfill(body=f"<!doctype html><meta charset=utf-8>{html}", content_type="text/html")
        elif path.endswith(".js"):
            route.fulfill(body=(COMPONENTS / path).read_text("utf-8"), content_type="text/javascript")
        else:
            route.fulfill(status=204)

    page.route(f"{ORIGIN}/**", answer)
    page.goto(f"{ORIGIN}/")


def run_module(page: Page, code: str) -> None:
    """Runs a module in the page, to its end."""
    page.evaluate(
        """code => new Promise((done, failed) => {
            window.moduleDone = done;
            const script = document.createElement("script");
            Object.assign(script, { type: "module", textContent: `${code}\\n;window.moduleDone();` });
            window.addEventListener("error", (event) => failed(event.error ?? event.message), { once: true });
            document.head.append(script);
        })""",
        code,
    )
