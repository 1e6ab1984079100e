"""The training board in a real browser: it fits, it keeps its place while data arrive, and it rests."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from benchmarks.serving import Server
from dashboard.theme import CLASSES, CONCEPTS, ThemeName
from tests.browser.pages import NewPage, pixels_near, place

SCRIPT = Path(__file__).with_name("board_page.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A pretended training: what it has reached is in a file that the served page reads."""

    url: str
    state: Path

    def reach(self, rows: int, *, run: str = "a" * 16) -> None:
        new = self.state.with_suffix(".new")
        new.write_text(f"{run} {rows}", "utf-8")
        new.replace(self.state)

    def open(self, page: Page, rows: int = 60, *, kind: str = "images") -> Locator:
        self.reach(rows)
        page.goto(f"{self.url}/?kind={kind}")
        board = page.locator(".board")
        expect(board).to_have_attribute("data-rows", str(rows))
        return board


@pytest.fixture(scope="module")
def training(serve_script: Callable[[Path], Server]) -> Training:
    server = serve_script(SCRIPT)
    return Training(url=server.url, state=server.home / "state")


def hover(page: Page, canvas: Locator, x: float, y: float) -> None:
    """Moves the pointer to a place given in shares of the canvas."""
    box = place(canvas)
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])


@pytest.mark.parametrize(("width", "columns"), [(1280, 3), (390, 1)])
def test_fits_the_window(training: Training, new_page: NewPage, width: int, columns: int) -> None:
    page = new_page(viewport={"width": width, "height": 800})
    board = training.open(page)
    lefts = {round(place(section)["x"]) for section in board.locator("section").all()}
    assert len(lefts) == columns, lefts
    assert columns == 1 or place(board)["height"] <= 530, place(board)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for title in board.locator("h3").all():
        assert title.evaluate("title => title.scrollWidth <= title.clientWidth"), title.text_content()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_draws_in_the_colours_of_the_theme(training: Training, new_page: NewPage, scheme: ThemeName) -> None:
    board = training.open(new_page(color_scheme=scheme))
    for concept in ("elbo", "reconstruction", "kl"):
        canvas = board.locator(f".{concept} canvas")
        assert pixels_near(canvas, CONCEPTS[scheme][concept]) > 50, concept
        assert pixels_near(canvas, CONCEPTS[scheme]["beta"]) > 10, f"no mark of the new beta: {concept}"
    for colour in CLASSES[scheme]:
        assert pixels_near(board.locator(".plane canvas"), colour) > 10, colour
    assert pixels_near(board.locator(".grid canvas"), "#000000") > 50, "no black in the grid"


def test_shows_the_latest_numbers(training: Training, page: Page) -> None:
    board = training.open(page)
    expect(board.locator(".elbo .value")).to_have_text("−25.0")
    expect(board.locator(".reconstruction .value")).to_have_text("−20.0")
    expect(board.locator(".kl .value")).to_have_text("5.0")
    assert float(board.locator(".kl .value").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")) >= 20
    label = "ELBO, nats per datum, at step 5900: held-out −25.00 · training −25.00"
    expect(board.locator(".elbo canvas")).to_have_attribute("aria-label", label)
    for canvas in board.locator("canvas").all():
        assert canvas.get_attribute("role") == "img", canvas
        assert canvas.get_attribute("aria-label"), canvas


def test_grows_without_being_mounted_anew(training: Training, page: Page) -> None:
    board = training.open(page)
    board.locator("canvas").first.evaluate("canvas => (window.kept = canvas)")
    for rows in (61, 70, 500):
        training.reach(rows)
        expect(board).to_have_attribute("data-rows", str(rows))
    expect(board).to_have_attribute("data-step", "49900")
    expect(board).to_have_attribute("data-mounts", "1")
    assert board.locator("canvas").first.evaluate("canvas => canvas === window.kept && canvas.isConnected")


def test_zoom_is_kept_while_points_arrive(training: Training, page: Page) -> None:
    board = training.open(page)
    canvas = board.locator(".elbo canvas")
    hover(page, canvas, 0.5, 0.5)
    page.mouse.wheel(0, -120)
    expect(board).not_to_have_attribute("data-zoom", "")
    zoom = board.get_attribute("data-zoom")
    training.reach(80)
    expect(board).to_have_attribute("data-rows", "80")
    expect(board).to_have_attribute("data-zoom", str(zoom))
    canvas.dblclick()
    expect(board).to_have_attribute("data-zoom", "")


def test_new_run_starts_without_the_old_zoom(training: Training, page: Page) -> None:
    board = training.open(page)
    hover(page, board.locator(".kl canvas"), 0.5, 0.5)
    page.mouse.wheel(0, -120)
    expect(board).not_to_have_attribute("data-zoom", "")
    training.reach(5, run="b" * 16)
    expect(board).to_have_attribute("data-run", "b" * 16)
    expect(board).to_have_attribute("data-zoom", "")
    expect(board).to_have_attribute("data-mounts", "1")


def test_drag_selects_a_range(training: Training, page: Page) -> None:
    board = training.open(page)
    canvas = board.locator(".reconstruction canvas")
    box = place(canvas)
    hover(page, canvas, 0.4, 0.5)
    page.mouse.down()
    hover(page, canvas, 0.8, 0.5)
    page.mouse.up()
    expect(board).not_to_have_attribute("data-zoom", "")
    plot = box["width"] - 52
    expected = [5900 * (share * box["width"] - 44) / plot for share in (0.4, 0.8)]
    zoom = [float(value) for value in str(board.get_attribute("data-zoom")).split(",")]
    assert zoom == pytest.approx(expected, abs=5900 / plot), (zoom, expected)


def test_crosshair_is_shared_and_names_its_step(training: Training, page: Page) -> None:
    board = training.open(page)
    hover(page, board.locator(".reconstruction canvas"), 0.995, 0.5)
    tip = board.locator(".reconstruction .tip")
    expect(tip).to_have_text("step 5900 · epoch 19 · β 4")
    expect(board.locator(".elbo .tip")).to_be_hidden()
    for chart, values in (
        ("elbo", "−25.00 · training −25.00"),
        ("reconstruction", "−20.00 · training −19.80"),
        ("kl", "4.99 · training 5.19"),
    ):
        expect(board.locator(f".{chart} .note")).to_have_text(f"held-out {values}")
    page.mouse.move(1, 1)
    expect(tip).to_be_hidden()
    expect(board.locator(".kl .note")).to_have_text("nats per datum")


def test_keys_move_the_crosshair_and_the_zoom(training: Training, page: Page) -> None:
    board = training.open(page)
    canvas = board.locator(".kl canvas")
    canvas.focus()
    page.keyboard.press("ArrowRight")
    expect(board.locator(".kl .tip")).to_contain_text("step 5900")
    page.keyboard.press("ArrowLeft")
    expect(board.locator(".kl .tip")).to_contain_text("step 5800")
    page.keyboard.press("+")
    expect(board).not_to_have_attribute("data-zoom", "")
    page.keyboard.press("0")
    expect(board).to_have_attribute("data-zoom", "")


def test_point_of_the_plane_names_its_class(training: Training, page: Page) -> None:
    board = training.open(page)
    canvas = board.locator(".plane canvas")
    box = place(canvas)
    plot = (box["width"] - 52, box["height"] - 30)
    unit = min(plot) / 6.6
    page.mouse.move(box["x"] + 44 + plot[0] / 2 + 2 * unit, box["y"] + 8 + plot[1] / 2)
    tip = board.locator(".plane .tip")
    expect(tip).to_contain_text("class a")
    expect(tip).to_contain_text("std 0.20, 0.20")


def test_plane_zooms_and_comes_back(training: Training, page: Page) -> None:
    board = training.open(page)
    canvas = board.locator(".plane canvas")
    page.wait_for_timeout(400)
    before = canvas.evaluate("canvas => canvas.toDataURL()")
    hover(page, canvas, 0.2, 0.2)
    page.mouse.wheel(0, -120)
    page.wait_for_timeout(100)
    assert canvas.evaluate("canvas => canvas.toDataURL()") != before
    canvas.dblclick(position={"x": 60, "y": 20})
    page.mouse.move(1, 1)
    page.wait_for_timeout(100)
    assert canvas.evaluate("canvas => canvas.toDataURL()") == before


@pytest.mark.parametrize(("motion", "frames"), [("no-preference", range(3, 60)), ("reduce", range(1, 3))])
def test_glides_once_then_rests(training: Training, new_page: NewPage, motion: str, frames: range) -> None:
    page = new_page(reduced_motion=motion)
    page.add_init_script(
        "window.frames_drawn = 0;"
        "const clear = CanvasRenderingContext2D.prototype.clearRect;"
        "CanvasRenderingContext2D.prototype.clearRect = function (...box) {"
        "  if (this.canvas.closest('.plane')) window.frames_drawn++;"
        "  return clear.apply(this, box);"
        "};"
    )
    board = training.open(page)
    page.wait_for_timeout(600)
    start = page.evaluate("window.frames_drawn")
    training.reach(61)
    expect(board).to_have_attribute("data-rows", "61")
    page.wait_for_timeout(600)
    moved = page.evaluate("window.frames_drawn")
    page.wait_for_timeout(600)
    assert page.evaluate("window.frames_drawn") == moved, "draws although nothing changed"
    assert moved - start in frames, moved - start


@pytest.mark.parametrize("kind", ["points", "lines", "broken", "deterministic"])
def test_draws_every_kind(training: Training, page: Page, kind: str) -> None:
    board = training.open(page, 1, kind=kind)
    note = "no KL: deterministic encoder" if kind == "deterministic" else "nats per datum"
    for rows, number in ((1, "0.0"), (40, "4.9")):
        training.reach(rows)
        expect(board).to_have_attribute("data-rows", str(rows))
        decoded = pixels_near(board.locator(".pairs canvas"), CONCEPTS["light"]["decoded"])
        assert decoded > 10, decoded
        value = {"deterministic": "", "broken": "–"}.get(kind, number)
        expect(board.locator(".kl .value")).to_have_text(value)
        expect(board.locator(".kl .note")).to_have_text(note)
        assert "NaN" not in board.inner_text(), board.inner_text()
