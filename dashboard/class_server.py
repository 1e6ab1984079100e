"""The app as a class gets it: behind an answer to names that the server does not know, elements' code kept.

``dashboard/command.py --class`` runs this file. Streamlit refuses the connection of a browser that opened the
app under a name that ``server.allowedHosts`` lacks (so that no page elsewhere can reach the app by a name of
its own), and the page stays empty without a word. Here the page itself says what is wrong.

Streamlit reads and compresses the code of an element for each page that asks for it, and lets no browser keep
it (1.67): 1.5 MB and a tenth of a second for the charts' library alone, thirty times when a class comes in.
"""

import html
from pathlib import Path
from typing import Final

from starlette.middleware import Middleware
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config
from streamlit.starlette import App
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>VAE Dashboard</title>
<body style="font: 1.1rem/1.6 system-ui, sans-serif; max-width: 36rem; margin: 4rem auto; padding: 0 1rem">
<h1 style="font-size: 1.5rem">This dashboard has another address</h1>
<p>You opened it as <b>{asked}</b>, a name that this server does not know.</p>
<p>Open <a href="{address}">{address}</a> instead.</p>
<p>For the lecturer: to let this name in, start the server with
<code>--class --server.allowedHosts {asked}</code>.</p>
</body></html>
"""


class KnownNames:
    """Answers requests under a name that the server does not know with a page of words.

    Arguments:
        app: What answers all others.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or one connection; those of a websocket are left to Streamlit, which refuses them."""
        headers = dict(scope.get("headers", ()))
        host = headers.get(b"host", b"").decode("latin-1")
        if scope["type"] != "http" or is_host_allowed(host):
            await self._app(scope, receive, send)
            return
        asked = host.rpartition(":")[0] or host
        known = f"{config.get_option('browser.serverAddress')}:{config.get_option('server.port')}"
        address = f"{scope['scheme']}://{known}"
        page = PAGE.format(asked=html.escape(asked), address=html.escape(address))
        # "Misdirected Request", RFC 9110 (2022): the server is not one for this name.
        await HTMLResponse(page, status_code=421)(scope, receive, send)


ELEMENTS: Final = "/_stcore/bidi-components/"
FOREVER: Final = (b"cache-control", b"public, max-age=31536000, immutable")
MAX_KEPT_BYTES: Final = 32_000_000


class ElementFiles:
    """Answers for the files of elements: compressed once for all browsers, which may keep them for good.

    Their addresses name the version of what is in them (:mod:`dashboard.components.mounting`).

    Arguments:
        app: What answers a file's first request, and all else.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: dict[tuple[str, bool], list[Message]] = {}
        self._num_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or one connection."""
        if scope["type"] != "http" or scope["method"] != "GET" or ELEMENTS not in scope["path"]:
            await self._app(scope, receive, send)
            return
        headers = dict(scope.get("headers", ()))
        key = (scope["path"], b"gzip" in headers.get(b"accept-encoding", b""))
        # What a page of another origin or a part of a file is answered depends on more than the address.
        is_plain = b"origin" not in headers and b"range" not in headers
        if is_plain and key in self._kept:
            for message in self._kept[key]:
                await send(message)
            return
        answer: list[Message] = []

        async def pass_on(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                others = [one for one in message["headers"] if one[0].lower() != FOREVER[0]]
                message = {**message, "headers": [*others, FOREVER]}
            answer.append(message)
            await send(message)

        await self._app(scope, receive, pass_on)
        if is_plain and answer and answer[0].get("status") == 200:
            self._keep(key, answer)

    def _keep(self, key: tuple[str, bool], answer: list[Message]) -> None:
        size = sum(len(message.get("body", b"")) for message in answer)
        # There are some twenty files: more is someone who spells their addresses in many ways.
        if key not in self._kept and self._num_bytes + size <= MAX_KEPT_BYTES:
            self._kept[key] = answer
            self._num_bytes += size


app = App(Path(__file__).with_name("app.py"), middleware=[Middleware(KnownNames), Middleware(ElementFiles)])
