"""The app as a class gets it: the entry script behind an answer to names that the server does not know.

``dashboard/command.py --class`` runs this file. Streamlit refuses the connection of a browser that opened the
app under a name that ``server.allowedHosts`` lacks (so that no page elsewhere can reach the app by a name of
its own), and the page stays empty without a word. Here the page itself says what is wrong.
"""

import html
from pathlib import Path

from starlette.middleware import Middleware
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send
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


app = App(Path(__file__).with_name("app.py"), middleware=[Middleware(KnownNames)])
