"""Browser contexts for tests: used again from test to test, emptied in between, and watched."""

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, WebError

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

    def attach(self, context: BrowserContext) -> Callable[[], None]:
        """Watches a context and all pages that it opens, until the function that it returns is called."""
        events: dict[str, Callable[[Any], None]] = {
            "request": lambda request: self._note_address(request.url),
            "page": self._watch_page,
            "console": self._keep_error,
            "weberror": self._keep_exception,
        }
        for name, handler in events.items():
            context.on(name, handler)  # pyright: ignore[reportCallIssue, reportArgumentType]

        def detach() -> None:
            for name, handler in events.items():
                context.remove_listener(name, handler)

        return detach

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


class Contexts:
    """Contexts of one browser: a test gets one that holds no page, cookie or stored value of another test.

    A new context compiles all of Streamlit's scripts anew, which costs two seconds of a processor; one that
    has done so has them in its cache.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: defaultdict[str, list[BrowserContext]] = defaultdict(list)
        self._keys: dict[BrowserContext, str] = {}

    def take(self, **options: Any) -> BrowserContext:
        """A context for one test; two that are taken share nothing.

        Arguments:
            options: Playwright's.
        """
        key = json.dumps(options, sort_keys=True)
        context = self._free[key].pop() if self._free[key] else self._browser.new_context(**options)
        self._keys[context] = key
        return context

    def give_back(self, context: BrowserContext) -> None:
        """Empties a context: its pages, cookies, permissions and what pages have stored are gone."""
        page = context.new_page()
        for other in context.pages:
            if other != page:
                other.close()
        session = context.new_cdp_session(page)
        session.send("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})
        page.close()
        context.clear_cookies()
        context.clear_permissions()
        self._free[self._keys.pop(context)].append(context)
