"""Elements on a page of their own: mounted, told and removed as Streamlit does it, without its server."""

import base64
import importlib.util
import mimetypes
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, Route

from dashboard.components.files import bundle
from dashboard.theme import ThemeName
from tests.browser.pages import drawn

COMPONENTS: Final = Path(__file__).resolve().parents[3] / "dashboard" / "components"
SETTINGS: Final = COMPONENTS.parent / ".streamlit" / "config.toml"
ORIGIN: Final = "http://127.0.0.1"
"""Of the host of the tests' servers: the browser runs its pages in the process that it has for that."""
WIDE_PADDING, NARROW_PADDING = 80, 16
"""Beside the content of a Streamlit page, pixels."""

PAGE: Final = """<!doctype html>
<html>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
  {theme}
  body {{ margin: 0; background: var(--st-background-color); }}
  main {{ color: var(--st-text-color); font: 16px sans-serif; }}
  main {{ padding: {narrow}px; }}
  @media (min-width: 640px) {{ main {{ padding: {narrow}px {wide}px; }} }}
</style>
<main><div id="host"></div></main>
<script type="module">
  import mount from "/element.js";

  const host = document.querySelector("#host");
  const place = {isolated} ? host.attachShadow({{ mode: "open" }}) : host;
  const send = (kind) => (name, value) => window.element.sent.push({{ kind, name, value }});
  // Streamlit's bytes are a view of a larger message.
  const view = (text) => {{
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const message = new Uint8Array(bytes.length + 8);
    message.set(bytes, 3);
    return message.subarray(3, 3 + bytes.length);
  }};
  window.element = {{
    sent: [],
    mounts: 0,
    async deliver() {{
      const [html, css] = await Promise.all(["/element.html", "/element.css"].map(
        async (path) => (await fetch(path)).text()));
      const content = document.createElement("div");
      content.append(document.createRange().createContextualFragment(html));
      content.append(Object.assign(document.createElement("style"), {{ textContent: css }}));
      place.replaceChildren(content);
    }},
    give(text) {{
      this.end = mount({{
        name: "element", key: "element", data: text === null ? null : view(text), parentElement: place,
        setStateValue: send("state"), setTriggerValue: send("trigger"),
      }});
    }},
  }};
  await window.element.deliver();
</script>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounted:
    """An element on its page.

    Arguments:
        page: The page; it holds nothing else.
    """

    page: Page

    def give(self, data: bytes | None) -> None:
        """New data for the element, as each run of the script may bring them; None: a message without any."""
        text = None if data is None else base64.b64encode(data).decode()
        self.page.evaluate("text => window.element.give(text)", text)

    def overtake(self, data: bytes) -> None:
        """New data twice at once: Streamlit makes the first call, ends it, and makes the second."""
        self.give(data)
        self.page.evaluate("() => { window.element.end(); return new Promise((done) => setTimeout(done)); }")
        self.give(data)

    def remove(self) -> None:
        """What Streamlit does where the element is no longer on the page."""
        self.page.evaluate("() => { window.element.end(); document.querySelector('#host').remove(); }")
        drawn(self.page)

    @property
    def sent(self) -> list[dict[str, object]]:
        """What the element has told the server: ``kind`` (state or trigger), ``name`` and ``value``."""
        return self.page.evaluate("window.element.sent")


def browser_files(name: str) -> dict[str, str]:
    """HTML, CSS and JavaScript of an element, and whether its styles are its own.

    Its module is run once more for that under a name of its own: the real one keeps its registration.

    Arguments:
        name: Of the element's folder.
    """
    registered = {"js": bundle(name)}
    path = COMPONENTS / name / "element.py"
    spec = importlib.util.spec_from_file_location(f"registered_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dashboard.components.mounting.element", lambda *_, **files: registered.update(files))
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    return registered


def open_element(
    page: Page, name: str, *, scheme: ThemeName = "light", more: Mapping[str, str] | None = None
) -> Mounted:
    """Delivers an element's HTML, CSS and module to a page; nothing is mounted before the first ``give``.

    Arguments:
        page: A new page.
        name: Of the element's folder.
        scheme: Which of the dashboard's themes the page has.
        more: What else is served: texts by path.
    """
    files = browser_files(name)
    served = {f"/element.{kind}": files[kind] for kind in ("html", "css", "js")}
    host = _host(scheme, isolated=bool(files.get("isolate_styles", True)))
    serve_files(page, {"/": host, **served, **(more or {})})
    page.goto(f"{ORIGIN}/")
    page.wait_for_function(
        "document.querySelector('#host').querySelector('style')"
        " ?? document.querySelector('#host').shadowRoot?.querySelector('style')"
    )
    return Mounted(page=page)


def serve_files(page: Page, texts: dict[str, str]) -> None:
    """Answers a page's requests with texts by their path, and ``/components/`` with that folder's files."""

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        text = texts.get(path)
        if text is None and path.startswith("/components/"):
            text = (COMPONENTS / path.removeprefix("/components/")).read_text("utf-8")
        if text is None:
            route.fulfill(status=204)
        else:
            route.fulfill(body=text, content_type=mimetypes.guess_type(path)[0] or "text/html; charset=utf-8")

    page.route(f"{ORIGIN}/**", answer)


def _host(scheme: ThemeName, *, isolated: bool) -> str:
    theme = tomllib.loads(SETTINGS.read_text("utf-8"))["theme"][scheme]
    colours = {name: value for name, value in theme.items() if isinstance(value, str)}
    rules = [f"--st-{_kebab(name)}: {value};" for name, value in colours.items()]
    style = f":root {{ {' '.join(rules)} --st-font: sans-serif; }}"
    shadow = "true" if isolated else "false"
    return PAGE.format(theme=style, wide=WIDE_PADDING, narrow=NARROW_PADDING, isolated=shadow)


def _kebab(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
