"""How long a file takes from its upload to its preview: ``python -m benchmarks.upload``.

Four files as large as people bring them: 20 MB of a table as text and as a workbook, and 5,000 pictures as
PNG of 28 x 28 and as colour JPEG of 64 x 64. Each is read by the process that reads uploads, alone, and by
the page Data in a headless Chromium. Of the process: seconds, and those of the processor. Of the page:
seconds from the dropped file to its preview, those of the processor that the server and its processes took
(on Linux), the longest time without a frame of the page, and the longest time in which the server answered
no request. The last line printed is JSON with all figures.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import zipfile
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks.browsing import FLAGS, find_browser
from benchmarks.report import machine, table
from benchmarks.serving import ENTRY, ROOT, Server, start_server, stop_process

NUM_PICTURES: Final = 5000
TABLE_BYTES: Final = 20_000_000
TABLE_COLUMNS: Final = 15
WORKBOOK_ROWS: Final = 186_000
QUICK: Final = 50
"""Times fewer, to try the benchmark."""
WAIT_MS: Final = 120_000
ASK_S: Final = 0.02
FRAMES: Final = """() => {
    window.longestFrame = 0;
    let before = performance.now();
    const next = (now) => {
        window.longestFrame = Math.max(window.longestFrame, now - before);
        before = now;
        requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
}"""


class Figures(NamedTuple):
    """What one file took.

    Arguments:
        megabytes: Of the file, 10^6 bytes.
        process_s, process_processor_s: Of the process that reads it, alone: by the clock and the processor's.
        preview_s: From the dropped file to its preview on the page.
        server_processor_s: The processor's, of the server and all its processes; 0 where it is not known.
        longest_frame_ms: The longest time between two frames of the page.
        longest_answer_ms: The longest time that a request to the server waited.
    """

    megabytes: float
    process_s: float
    process_processor_s: float
    preview_s: float
    server_processor_s: float
    longest_frame_ms: float
    longest_answer_ms: float


def pictures(count: int, side: int, form: str, *, in_colour: bool) -> bytes:
    """A zip of smooth random pictures in two folders."""
    noise, out = np.random.default_rng(0), io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(count):
            coarse = noise.integers(0, 256, (4, 4, 3) if in_colour else (4, 4), dtype=np.uint8)
            content = io.BytesIO()
            Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC).save(content, form)
            archive.writestr(f"{'ab'[number % 2]}/{number}.{form.lower()}", content.getvalue())
    return out.getvalue()


def numbers(num_bytes: int) -> bytes:
    """A table of numbers with a column of text, of at least so many bytes."""
    noise = np.random.default_rng(0)
    lines = [",".join([*(f"x{number}" for number in range(TABLE_COLUMNS)), "kind"])]
    size = 0
    while size < num_bytes:
        values = noise.standard_normal(TABLE_COLUMNS)
        lines.append(",".join([*map("{:.5f}".format, values.tolist()), "abc"[len(lines) % 3]]))
        size += len(lines[-1]) + 1
    return "\n".join([*lines, ""]).encode()


def workbook(num_rows: int) -> bytes:
    """The same kind of table as a workbook of Excel: 186,000 rows are 20 MB."""
    noise, last = np.random.default_rng(0), chr(ord("A") + TABLE_COLUMNS)
    names = [*(f"x{number}" for number in range(TABLE_COLUMNS)), "kind"]
    lines = [f'<row r="1">{"".join(_text_cell(f"{chr(65 + k)}1", one) for k, one in enumerate(names))}</row>']
    for row in range(2, num_rows + 2):
        values = enumerate(noise.standard_normal(TABLE_COLUMNS).tolist())
        cells = "".join(f'<c r="{chr(65 + place)}{row}"><v>{value:.5f}</v></c>' for place, value in values)
        lines.append(f'<row r="{row}">{cells}{_text_cell(f"{last}{row}", "abc"[row % 3])}</row>')
    sheet, out = "".join(lines), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _WORKBOOK.items():
            archive.writestr(name, text)
        archive.writestr(_SHEET, f"<worksheet {_MAIN}><sheetData>{sheet}</sheetData></worksheet>")
    return out.getvalue()


def _text_cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


_MAIN: Final = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
_SHEET: Final = "xl/worksheets/sheet1.xml"
_WORKBOOK: Final = {
    "_rels/.rels": f'<Relationships {_PACKAGE}><Relationship Id="r" Type="{_OFFICE}/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_OFFICE}"><sheets><sheet name="numbers" sheetId="1" '
    'r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships {_PACKAGE}><Relationship Id="r1" '
    f'Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}


def read_alone(content: bytes, folder: Path) -> tuple[float, float]:
    """Seconds of the process that reads uploads, by the clock and the processor's."""
    source, target = folder / "content.npz", folder / "result.npz"
    np.savez(source, content=np.frombuffer(content, np.uint8))
    command = [sys.executable, "-m", "vae_core", "task", "bring", str(source), str(target), "{}"]
    before, began = os.times(), time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        process.wait()  # before its input ends, which would end it
        took, after = time.perf_counter() - began, os.times()
    if process.returncode:
        raise RuntimeError(f"the process that reads uploads ended with code {process.returncode}")
    used = [now - then for now, then in zip(after[2:4], before[2:4], strict=True)]
    return took, sum(used)


def drop(page: Page, server: Server, path: Path) -> tuple[float, float, float, float]:
    """Drops a file on the page Data.

    Returns:
        Seconds to the preview, and of the processor; milliseconds without a frame, and without an answer.
    """
    page.goto(f"{server.url}/data")
    page.get_by_text("Or paste a table").wait_for()
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    page.evaluate(FRAMES)
    waits = Waits(server)
    before, began = _processor_s(server), time.perf_counter()
    page.locator("input[type=file]").first.set_input_files(path)
    page.locator(".st-key-data_draft_box").get_by_text("Likelihood").first.wait_for()
    took = time.perf_counter() - began
    return took, _processor_s(server) - before, page.evaluate("longestFrame"), waits.end()


class Waits:
    """Asks the server for its health again and again, from a thread of its own."""

    def __init__(self, server: Server) -> None:
        self._url, self._over, self._longest = f"{server.url}/_stcore/health", threading.Event(), 0.0
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def end(self) -> float:
        """The longest time that it took to answer, ms."""
        self._over.set()
        self._thread.join()
        return 1000 * self._longest

    def _ask(self) -> None:
        while not self._over.wait(ASK_S):
            began = time.perf_counter()
            with urllib.request.urlopen(self._url, timeout=60) as answer:
                answer.read()
            self._longest = max(self._longest, time.perf_counter() - began)


def _processor_s(server: Server) -> float:
    """Of the server and of all its processes that have ended."""
    path = Path(f"/proc/{server.process.pid}/stat")
    if not path.exists():
        return 0.0
    times = path.read_text().rpartition(")")[2].split()[11:15]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


def measure(*, quick: bool) -> dict[str, Figures]:
    """The figures of each file, by what it is."""
    count = NUM_PICTURES // QUICK if quick else NUM_PICTURES
    files = {
        "table.csv": numbers(TABLE_BYTES // QUICK if quick else TABLE_BYTES),
        "table.xlsx": workbook(WORKBOOK_ROWS // QUICK if quick else WORKBOOK_ROWS),
        "png-28.zip": pictures(count, 28, "PNG", in_colour=False),
        "jpeg-64.zip": pictures(count, 64, "JPEG", in_colour=True),
    }
    if quick:
        files = {"jpeg-64.zip": files["jpeg-64.zip"]}
    found = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, sync_playwright() as playwright:
        folder = Path(name)
        server = start_server(ENTRY, cwd=folder, home=folder)
        browser = playwright.chromium.launch(executable_path=find_browser(playwright), args=list(FLAGS))
        try:
            page = browser.new_page()
            page.set_default_timeout(WAIT_MS)
            small = folder / "small.csv"
            small.write_bytes(numbers(1000))
            drop(page, server, small)  # the first file waits for what the page and the server load once
            for what, content in files.items():
                path = folder / what
                path.write_bytes(content)
                alone = read_alone(content, folder)
                found[what] = Figures(len(content) / 1e6, *alone, *drop(page, server, path))
        finally:
            browser.close()
            stop_process(server.process)
    return found


def main(arguments: list[str]) -> int:
    """Measures and prints; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.upload", description="From an upload to its preview."
    )
    parser.add_argument("--quick", action="store_true", help="tiny: tries the benchmark, says nothing")
    found = measure(quick=parser.parse_args(arguments).quick)
    rows = [["file", *Figures._fields]]
    rows += [[name, *(f"{value:.2f}" for value in figures)] for name, figures in found.items()]
    print(f"{table(rows)}\n")
    figures = {name: one._asdict() for name, one in found.items()}
    print(json.dumps({"machine": machine(), "figures": figures}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
