"""What the pages of a browser test do that they should not do."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, WebError

LOCAL_HOSTS: Final = ("127.0.0.1", "localhost")
LOCAL_ONLY: Final = "--host-resolver-rules=MAP * ~NOTFOUND, " + ", ".join(
    f"EXCLUDE {host}" for host in LOCAL_HOSTS
)
"""Lets Chromium find no other host: a request to another machine fails before it leaves.

Stopping requests one by one through Playwright would switch the browser's cache off.
"""


@dataclass(kw_only=True)  # no slots: Playwright stores its wrappers of bound methods on the object
class Watch:
    """What the pages of one test did that they should not do; a test that provokes an entry clears it.

    Arguments:
        foreign: Addresses off this machine that a page asked for; none was reached (``LOCAL_ONLY``).
        errors: Errors on the console and uncaught exceptions.
        pages: All pages of the test.
    """

    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)

    def attach(self, context: BrowserContext) -> None:
        """Watches a context and all pages that it opens from now on."""
        context.on("request", self._note_request)
        context.on("page", self._watch_page)
        context.on("console", self._keep_error)
        context.on("weberror", self._keep_exception)

    def detach(self, context: BrowserContext) -> None:
        """Ends what :meth:`attach` began: the context goes on to another test."""
        context.remove_listener("request", self._note_request)
        context.remove_listener("page", self._watch_page)
        context.remove_listener("console", self._keep_error)
        context.remove_listener("weberror", self._keep_exception)

    def _note_request(self, request: Request) -> None:
        self._note_address(request.url)

    def _watch_page(self, page: Page) -> None:
        self.pages.append(page)
        page.on("websocket", lambda socket: self._note_address(socket.url))

    def _keep_error(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _keep_exception(self, error: WebError) -> None:
        self.errors.append(str(error.error))

    def _note_address(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"} and parts.hostname not in LOCAL_HOSTS:
            self.foreign.append(url)
