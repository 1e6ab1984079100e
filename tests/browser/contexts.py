"""Browser contexts that tests take in turn: in one that is kept, a page loads in half of the processor time.

A new context has a process of its own, which compiles all of Streamlit's and the charts' code anew. A kept
one has its process still, with that code, because an empty page stays open in it. What a test leaves behind
is taken away before the next one gets the context; where that cannot be done the context is closed.
"""

from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Route

from tests.browser.pages import WAIT_MS, NewPage
from tests.browser.watch import Watch

SHARED_PROCESS: Final = "--process-per-site"
"""Lets Chromium run all pages of one context and one host in one process."""
ONE_THREAD: Final = "--js-flags=--no-script-streaming --single-threaded"
"""V8 hands nothing to threads, which would take more processor time than they save if each core has a test.

Nor need a script be parsed while it comes in: the process that is kept has compiled it."""
HOST: Final = "http://127.0.0.1/"
"""Where servers of tests and pages of elements are; Chromium takes all ports for one site."""
_Options = tuple[tuple[str, Any], ...]
_MEDIA: Final = ("color_scheme", "reduced_motion")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A context and what keeps it ready.

    Arguments:
        options: Its options: contexts with the same can stand in for each other.
        context: The context.
        empty: The page that is never closed.
        session: Of the browser's protocol, on that page.
    """

    options: _Options
    context: BrowserContext
    empty: Page
    session: CDPSession


class Contexts:
    """Contexts by their options; each is lent to one test at a time.

    Arguments:
        browser: Where they are opened, with ``SHARED_PROCESS``.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: dict[_Options, list[_Kept]] = defaultdict(list)
        self._lent: dict[BrowserContext, _Kept] = {}

    def take(self, *, fresh: bool = False, **options: Any) -> BrowserContext:
        """A context with nothing of an earlier test in it; its options are Playwright's.

        Arguments:
            fresh: One that no other test gets: nothing was fetched in it before, and the test may replace its
                clock, which cannot be undone.
            options: What cannot be changed for a page of its own, such as ``has_touch``.
        """
        if fresh:
            return self._open(options)
        key = tuple(sorted(options.items()))
        free = self._free[key]
        kept = free.pop() if free else self._keep(self._open(options), key)
        self._lent[kept.context] = kept
        return kept.context

    def _open(self, options: dict[str, Any]) -> BrowserContext:
        context = self._browser.new_context(service_workers="block", **options)
        context.set_default_timeout(WAIT_MS)
        return context

    def _keep(self, context: BrowserContext, options: _Options) -> _Kept:
        empty = context.new_page()
        empty.route(HOST, _answer)
        empty.goto(HOST)
        return _Kept(options=options, context=context, empty=empty, session=context.new_cdp_session(empty))

    def give_back(self, context: BrowserContext) -> None:
        """Closes the pages of a test and forgets what they kept, or closes the context."""
        kept = self._lent.pop(context, None)
        if kept is None:
            context.close()
            return
        for page in context.pages:
            if page is not kept.empty:
                page.close()
        context.clear_permissions()
        context.unroute_all()
        kept.session.send("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})
        if _is_clean(kept):
            self._free[kept.options].append(kept)
        else:
            context.close()


def new_pages(contexts: Contexts, watch: Watch, stack: ExitStack) -> NewPage:
    """Opens pages of 1280 by 800 pixels, each for a user of its own without cookies or storage.

    Keywords are ``viewport``, those of Playwright's ``emulate_media`` (``color_scheme``), and those of
    ``Contexts.take`` (``has_touch``, ``fresh``).

    Arguments:
        contexts: Where the pages are opened.
        watch: Of what they do.
        stack: Its end is the end of the test.
    """

    def open_page(**options: Any) -> Page:
        viewport = options.pop("viewport", {"width": 1280, "height": 800})
        media = {name: options.pop(name) for name in _MEDIA if name in options}
        context = contexts.take(**options)
        watch.attach(context)
        stack.callback(watch.detach, context)
        stack.callback(contexts.give_back, context)
        page = context.new_page()
        page.set_viewport_size(viewport)
        page.emulate_media(**media)
        return page

    return open_page


def _answer(route: Route) -> None:
    route.fulfill(body="", content_type="text/html")


def _is_clean(kept: _Kept) -> bool:
    """Whether no cookie came after the last page had gone, and the clock is the browser's own."""
    has_clock = "[native code]" in kept.empty.evaluate("String(setTimeout)")
    return has_clock and not kept.context.cookies()
