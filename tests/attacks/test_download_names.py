"""What a browser is told a downloaded file is called: the header for names that people give."""

import asyncio
from email.message import EmailMessage
from typing import Any, Final

import pytest
from starlette.applications import Starlette
from streamlit.runtime.media_file_storage import MediaFileKind
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.web.server.starlette.starlette_routes import create_media_routes

from dashboard.runs.about import About, file_stem

RUN_ID: Final = "a3f1" * 4
NAMES: Final = {
    "\r\nX: y": "X-y-a3f1",
    'x"\r\nSet-Cookie: a=b\r\n\r\n<script>': "x-Set-Cookie-a-b-script-a3f1",
    'a"; filename="evil.exe': "a-filename-evil-exe-a3f1",
    "a\\": "a-a3f1",
    "../../etc/passwd": "etc-passwd-a3f1",
    "C:\\CON": "C-CON-a3f1",
    "x\0y": "x-y-a3f1",
    "\u202egnp.exe": "gnp-exe-a3f1",
    "テスト β": "テスト-β-a3f1",
    "'; filename*=utf-8''evil": "filename-utf-8-evil-a3f1",
    "": "run-a3f1",
    "x" * 10_000: None,
}


def headers_of(file_name: str) -> list[tuple[bytes, bytes]]:
    """The headers with which the server hands a file out."""
    storage = MemoryMediaFileStorage("/media")
    name = storage.load_and_get_id(b"content", "text/csv", MediaFileKind.DOWNLOADABLE, file_name)
    path = storage.get_url(name).split("?")[0]
    app, sent = Starlette(routes=create_media_routes(storage, None)), []
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 200, sent
    return sent[0]["headers"]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_the_header_of_a_download_holds_one_plain_name(name: str) -> None:
    file_name = f"{file_stem(About(name=name), RUN_ID)}.safetensors"
    assert NAMES[name] in (None, file_name.removesuffix(".safetensors"))
    found = headers_of(file_name)
    (value,) = (content for key, content in found if key.lower() == b"content-disposition")
    assert all(32 <= byte < 127 for byte in value), value
    assert {key.lower() for key, _ in found} <= {
        b"content-disposition",
        b"content-length",
        b"content-type",
        b"accept-ranges",
        b"access-control-allow-origin",
        b"x-content-type-options",
        b"vary",
        b"cache-control",
    }
    header = EmailMessage()
    header["Content-Disposition"] = value.decode("ascii")
    assert header.get_filename() == file_name
    assert header.get_content_disposition() == "attachment"
    assert len(value) < 1000
