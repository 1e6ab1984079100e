"""What a class server keeps of the elements' files, and what it leaves to Streamlit each time."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from dashboard import class_server
from dashboard.class_server import ELEMENTS, FOREVER, ElementFiles

FILE = f"{ELEMENTS}vae-0123.dial/bundle.js"


class Server:
    """Answers like Streamlit: 404 for what it does not know, and in two pieces; counts the requests."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.files = ElementFiles(self._answer)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(scope["path"])
        headers = dict(scope["headers"])
        body = b"small" if b"gzip" in headers.get(b"accept-encoding", b"") else b"as it is"
        status = 200 if scope["path"].endswith(".js") else 404
        start = [(b"Cache-Control", b"public"), (b"content-type", b"text/javascript")]
        await send({"type": "http.response.start", "status": status, "headers": start})
        await send({"type": "http.response.body", "body": body[:3], "more_body": True})
        await send({"type": "http.response.body", "body": body[3:], "more_body": False})

    def get(self, path: str, **headers: str) -> tuple[int, dict[bytes, bytes], bytes]:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            raise AssertionError("a GET has no body")

        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path, "headers": raw}
        asyncio.run(self.files(scope, receive, send))
        return sent[0]["status"], dict(sent[0]["headers"]), b"".join(one["body"] for one in sent[1:])


def test_a_file_is_compressed_once_and_browsers_may_keep_it() -> None:
    server = Server()
    first = server.get(FILE, accept_encoding="gzip, br")
    assert first[0] == 200
    assert first[2] == b"small"
    assert [one for one in first[1].items() if one[0].lower() == b"cache-control"] == [FOREVER]
    assert server.get(FILE, accept_encoding="gzip") == first
    assert server.asked == [FILE]
    assert server.get(FILE)[2] == b"as it is"
    assert server.get(FILE)[2] == b"as it is"
    assert server.asked == [FILE, FILE]


@pytest.mark.parametrize("headers", [{"origin": "http://elsewhere"}, {"range": "bytes=0-2"}])
def test_what_depends_on_who_asks_is_not_kept(headers: dict[str, str]) -> None:
    server = Server()
    for _ in range(2):
        assert server.get(FILE, **headers)[2] == b"as it is"
    assert len(server.asked) == 2
    server.get(FILE)
    server.get(FILE, **headers)
    assert len(server.asked) == 4, "and nobody who depends gets what was kept"


def test_what_is_not_there_and_other_paths_are_left_to_streamlit() -> None:
    server = Server()
    for path in (f"{ELEMENTS}vae-0123.dial/other.txt", "/static/js/main.js"):
        for _ in range(2):
            _, headers, _ = server.get(path)
            assert FOREVER not in headers.items()
    assert len(server.asked) == 4


def test_many_spellings_of_an_address_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_server, "MAX_KEPT_BYTES", 20)
    server = Server()
    for number in range(10):
        server.get(f"{ELEMENTS}vae-0123.dial/./{number}.js")
    assert len(server.files._kept) == 2
