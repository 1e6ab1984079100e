"""The training board in a real browser: it fits, it keeps its place while data arrive, and it rests."""

import base64
import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect

from dashboard.theme import CLASSES, CONCEPTS, GHOSTS, ThemeName
from tests.browser.elements.board.trainings import packed_board
from tests.browser.elements.mounting import Mounted, open_element
from tests.browser.pages import NewPage, drawn, pixels_near, place
from tests.polling import until

COUNT_FRAMES = (
    "window.frames_drawn = 0;"
    "const clear = CanvasRenderingContext2D.prototype.clearRect;"
    "CanvasRenderingContext2D.prototype.clearRect = function (...box) {"
    "  if (this.canvas.closest('.plane')) window.frames_drawn++;"
    "  return clear.apply(this, box);"
    "};"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The board on a page, and how far its made-up training has come."""

    mounted: Mounted
    kind: str
    root: Locator

    def reach(self, rows: int, *, run: str = "a" * 16) -> None:
        self.mounted.give(packed_board(self.kind, rows, run=run))
        expect(self.root).to_have_attribute("data-rows", str(rows))
        # The frame that takes the rows gives the pictures their sizes, the next one draws them in these.
        drawn(self.mounted.page)


def opened(page: Page, rows: int = 60, *, kind: str = "images", scheme: ThemeName = "light") -> Board:
    mounted = open_element(page, "board", scheme=scheme)
    board = Board(mounted=mounted, kind=kind, root=page.locator(".board"))
    board.reach(rows)
    return board


def hover(page: Page, canvas: Locator, x: float, y: float) -> None:
    """Moves the pointer to a place given in shares of the canvas."""
    box = place(canvas)
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])


def pinch(page: Page) -> None:
    """A pinch outwards where the pointer is: browsers report it as a turn of the wheel with Ctrl."""
    page.keyboard.down("Control")
    page.mouse.wheel(0, -120)
    page.keyboard.up("Control")


@pytest.mark.parametrize(("width", "columns"), [(1280, 3), (390, 1)])
def test_fits_the_window(new_page: NewPage, width: int, columns: int) -> None:
    page = new_page(viewport={"width": width, "height": 800})
    board = opened(page)
    lefts = {round(place(section)["x"]) for section in board.root.locator("section").all()}
    assert len(lefts) == columns, lefts
    assert columns == 1 or place(board.root)["y"] + place(board.root)["height"] <= 800, place(board.root)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for title in board.root.locator("h2").all():
        assert title.evaluate("title => title.scrollWidth <= title.clientWidth"), title.text_content()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_draws_in_the_colours_of_the_theme(new_page: NewPage, scheme: ThemeName) -> None:
    board = opened(new_page(), scheme=scheme)
    for concept in ("elbo", "reconstruction", "kl"):
        canvas = board.root.locator(f"section.{concept} canvas")
        assert pixels_near(canvas, CONCEPTS[scheme][concept]) > 50, concept
        assert pixels_near(canvas, CONCEPTS[scheme]["beta"]) > 10, f"no mark of the new beta: {concept}"
    for colour in CLASSES[scheme]:
        assert pixels_near(board.root.locator(".plane canvas"), colour) > 10, colour
    assert pixels_near(board.root.locator(".grid canvas"), "#000000") > 50, "no black in the grid"


def shown(board: Board) -> dict[str, str]:
    """The numbers of the live line by their names."""
    names = ("objective", "reconstruction", "beta", "kl", "elbo")
    return {name: board.root.locator(f".term.{name} strong").inner_text() for name in names}


def test_the_live_line_adds_up(page: Page) -> None:
    board = opened(page)
    expect(board.root.locator(".term.kl strong")).to_have_text("4.993")
    expected = {
        "objective": "−39.97",
        "reconstruction": "−20.00",
        "beta": "4",
        "kl": "4.993",
        "elbo": "−24.99",
    }
    assert shown(board) == expected
    for term in board.root.locator(".term strong").all():
        assert float(term.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")) >= 26
    label = "ELBO, nats per example, at step 5900: held-out −24.99 · training −24.99; β 4"
    expect(board.root.locator("section.elbo canvas")).to_have_attribute("aria-label", label)
    for canvas in board.root.locator("canvas").all():
        assert canvas.get_attribute("role") == "img", canvas
        assert canvas.get_attribute("aria-label"), canvas


def test_the_live_line_follows_a_moved_beta_and_the_crosshair(page: Page) -> None:
    board = opened(page)
    board.mounted.give(packed_board("images", 60, run="a" * 16, beta=0.5))
    expect(board.root.locator(".term.beta strong")).to_have_text("0.5")
    expect(board.root).to_have_attribute("data-beta", "0.5")
    assert shown(board)["objective"] == "−22.50"
    hover(page, board.root.locator("section.kl canvas"), 0.25, 0.3)
    expect(board.root.locator(".when")).to_contain_text("at step")
    assert shown(board)["beta"] == "1"


def test_programs_read_how_the_run_stands(page: Page) -> None:
    board = opened(page)
    for name, value in {
        "run": "a" * 16,
        "step": "5900",
        "beta": "4",
        "elbo": "-24.99",
        "owner": "you",
    }.items():
        expect(board.root).to_have_attribute(f"data-{name}", value)
    expect(board.root).to_have_attribute("data-ghosts", "0")
    board.mounted.give(packed_board("images", 60, run="a" * 16, owner="other", ghosts=["β 0.1"]))
    expect(board.root).to_have_attribute("data-owner", "other")
    expect(board.root).to_have_attribute("data-ghosts", "1")


def test_the_example_model_has_no_step_to_wait_for(page: Page) -> None:
    mounted = open_element(page, "board")
    mounted.give(packed_board("images", 60, run="", owner=""))
    root = page.locator(".board")
    expect(root).to_have_attribute("data-rows", "60")
    for name in ("step", "beta", "elbo", "owner"):
        assert root.get_attribute(f"data-{name}") is None, name
    expect(root.locator(".term.elbo strong")).to_have_text("−24.99")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_kept_runs_are_drawn_named_and_dropped(new_page: NewPage, scheme: ThemeName) -> None:
    page = new_page()
    board = opened(page, scheme=scheme)
    labels = ["β 0.1", "β 10", "J = 8", "seed 1", "seed 2", "Run a3f1"]
    board.mounted.give(packed_board("images", 60, run="a" * 16, ghosts=labels))
    expect(board.root.locator(".kept li")).to_have_count(6)
    dashes = {line.get_attribute("stroke-dasharray") for line in board.root.locator(".kept line").all()}
    assert len(dashes) == 6, "told apart without colour"
    for colour in GHOSTS[scheme]:
        assert pixels_near(board.root.locator("section.elbo canvas"), colour) > 10, colour
    label = str(board.root.locator("section.elbo canvas").get_attribute("aria-label"))
    assert "β 0.1: −26.00" in label, label
    board.root.get_by_role("button", name="Drop the curve β 10").click()
    assert board.mounted.sent == [{"kind": "trigger", "name": "drop", "value": "2" * 16}]
    board.mounted.give(packed_board("images", 61, run="a" * 16, ghosts=labels[:1]))
    expect(board.root.locator(".kept li")).to_have_count(1)
    assert pixels_near(board.root.locator("section.elbo canvas"), GHOSTS[scheme][3]) == 0


def test_a_kept_run_has_its_value_at_the_crosshair_and_its_steps_in_view(page: Page) -> None:
    board = opened(page, 20)
    board.mounted.give(packed_board("images", 20, run="a" * 16, ghosts=["β 0.1"]))
    expect(board.root).to_have_attribute("data-ghosts", "1")
    drawn(page)
    canvas = board.root.locator("section.elbo canvas")
    box = place(canvas)
    # The kept run has come to step 7900, this one to 1900: the pointer is on step 1900.
    page.mouse.move(box["x"] + 44 + (box["width"] - 52) * 1900 / 7900, box["y"] + 60)
    tip = board.root.locator("section.elbo .tip")
    expect(tip).to_contain_text("step 1900")
    expect(tip).to_contain_text("β 0.1: −")
    # Where this run has not come to yet, the kept one still has its values.
    hover(page, canvas, 0.995, 0.4)
    expect(tip).to_have_text("step 7900 β 0.1: −26.00")
    expect(canvas).to_have_attribute("aria-label", "ELBO, nats per example, at step 7900: β 0.1: −26.00")
    expect(board.root.locator(".when")).to_have_text("Held-out, nats per example")
    page.mouse.move(1, 1)
    canvas.focus()
    for step in (1900, 2000, 2100):
        page.keyboard.press("ArrowRight")
        expect(tip).to_contain_text(f"step {step}")


def test_beside_a_run_that_waits_there_are_the_kept_curves_alone(page: Page) -> None:
    board = opened(page)
    own = CONCEPTS["light"]["elbo"]
    canvas = board.root.locator("section.elbo canvas")
    assert pixels_near(canvas, own) > 10
    board.mounted.give(packed_board("images", 61, run="a" * 16, ghosts=["β 0.1"], kept_alone=True))
    expect(board.root.locator(".line")).to_be_hidden()
    drawn(page)
    for part in ("plane", "grid", "pairs", "bars"):
        expect(board.root.locator(f"section.{part}")).to_be_hidden()
    assert pixels_near(canvas, own) == 0
    assert pixels_near(canvas, GHOSTS["light"][0]) > 10
    label = str(canvas.get_attribute("aria-label"))
    assert "β 0.1: −26.00" in label, label
    assert "held-out" not in label, label
    board.reach(62)
    expect(board.root.locator("section.plane")).to_be_visible()
    assert pixels_near(canvas, own) > 10


def test_circles_are_no_prior_where_it_was_learned(page: Page) -> None:
    board, texts = opened(page), "CanvasRenderingContext2D.prototype.fillText"
    page.evaluate(f"() => {{ window.said = []; {texts} = (text) => window.said.push(text); }}")
    for kind, circles in (("images", "prior"), ("learned", "N(0, I), not the prior")):
        board.mounted.give(packed_board(kind, 20, run="a" * 16))
        drawn(page)
        said = [text for text in page.evaluate("window.said") if text.endswith("1, 2, 3 std")]
        assert said[-1] == f"{circles}: 1, 2, 3 std"


def test_quantiles_of_the_grid_are_no_quantiles_of_a_learned_prior(page: Page) -> None:
    board = opened(page)
    said = board.root.locator(".grid .note")
    expect(said).to_be_empty()
    board.mounted.give(packed_board("learned", 20, run="a" * 16))
    expect(said).to_have_text("quantiles of N(0, I), not of p(z)")
    # Nor has its KL parts: a sentence says so and what is known, where an empty frame stood.
    expect(board.root.locator(".bars .no_parts")).to_contain_text(
        "p(z) is learned and no product over the dimensions: KL(q(z|x) ‖ p(z)) is estimated from samples "
        "of z, as a whole. 2 of 2 active: their mean"
    )
    expect(board.root.locator(".bars canvas")).to_be_hidden()
    board.mounted.give(packed_board("images", 20, run="b" * 16))
    expect(board.root.locator(".bars canvas")).to_be_visible()
    expect(board.root.locator(".bars .no_parts")).to_be_hidden()


def test_collapse_looks_like_collapse_and_is_said(page: Page) -> None:
    board = opened(page, kind="collapsed")
    said = board.root.locator(".remark")
    expect(said).to_contain_text("Posterior collapse: 0 of 2 latent dimensions are active (KL below 0.001 ")
    assert said.locator("> span").count() == 1
    expect(board.root.locator(".bars .note")).to_have_text("· 0 of 2 active")
    colour = CONCEPTS["light"]["kl"]
    assert pixels_near(board.root.locator(".bars canvas"), colour) < 400, "bars of nothing"
    rows = board.root.locator("section.kl canvas").evaluate(
        """(canvas, [r, g, b]) => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const rows = new Set();
            for (let i = 0; i < data.length; i += 4)
                if ([r, g, b].every((level, k) => Math.abs(data[i + k] - level) < 12))
                    rows.add(Math.floor(i / 4 / canvas.width));
            return rows.size;
        }""",
        list(bytes.fromhex(colour.removeprefix("#"))),
    )
    assert rows < 8, f"noise drawn {rows} pixels high"
    board.mounted.give(packed_board("images", 60, run="b" * 16))
    expect(said).to_have_text("")


@pytest.mark.parametrize(("width", "present"), [(1024, False), (1280, False), (1280, True)])
def test_remarks_take_their_room_from_the_pictures(new_page: NewPage, width: int, present: bool) -> None:
    page = new_page(viewport={"width": width, "height": 1000})
    mounted = open_element(page, "board")
    board = Board(mounted=mounted, kind="collapsed", root=page.locator(".board"))
    labels = ["β 0.1 · J = 8", "β 10 · seed 4", "J = 8 · seed 1", "seed 2", "seed 3", "Run a3f1"]
    mounted.give(packed_board("collapsed", 60, run="a" * 16, ghosts=labels, present=present))
    expect(board.root).to_have_attribute("data-ghosts", "6")
    drawn(page)
    bottom = max(
        place(canvas)["y"] + place(canvas)["height"] for canvas in board.root.locator("canvas").all()
    )
    assert bottom <= 1000, bottom
    assert bottom >= 900, "room is left over"


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (1280, 800), (1920, 1080)])
def test_presenting_has_the_whole_board_in_sight(new_page: NewPage, width: int, height: int) -> None:
    page = new_page(viewport={"width": width, "height": height})
    mounted = open_element(page, "board")
    page.evaluate("document.querySelector('main').style.padding = '251px 30px 0'")  # as on the page Train
    mounted.give(packed_board("collapsed", 60, run="a" * 16, present=True))
    root = page.locator(".board")
    expect(root.locator(".remark")).to_be_visible()
    drawn(page)
    bottom = max(place(canvas)["y"] + place(canvas)["height"] for canvas in root.locator("canvas").all())
    assert height - 60 <= bottom <= height, bottom
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if (width, height) == (1280, 800):
        said, numbers = place(root.locator(".remark")), place(root.locator(".line"))
        assert said["y"] + said["height"] <= numbers["y"] + numbers["height"] + 8, "a row of its own"
        mounted.give(packed_board("images", 60, run="a" * 16, present=True, ghosts=["β 0.1"]))
        expect(root.locator(".kept li")).to_have_count(1)
        drawn(page)
        kept, numbers = place(root.locator(".kept")), place(root.locator(".line"))
        assert kept["y"] + kept["height"] <= numbers["y"] + numbers["height"] + 8, "a row of its own"


def test_sections_fold_on_a_telephone(new_page: NewPage) -> None:
    page = new_page(viewport={"width": 390, "height": 844})
    mounted = opened(page).mounted
    section = page.locator("section.reconstruction")
    chart, fold = section.locator("canvas"), section.locator(".fold")
    expect(chart).to_be_visible()
    assert place(fold)["height"] >= 44
    whole = place(page.locator(".cells"))["height"]
    fold.click()
    expect(chart).to_be_hidden()
    expect(fold).to_have_attribute("aria-expanded", "false")
    assert place(page.locator(".cells"))["height"] < whole - 150
    mounted.give(packed_board("images", 61, run="a" * 16))
    drawn(page)
    expect(chart).to_be_hidden()
    fold.click()
    expect(chart).to_be_visible()
    drawn(page)
    assert pixels_near(chart, CONCEPTS["light"]["reconstruction"]) > 100
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(fold).to_be_hidden()


def test_what_comes_above_later_takes_its_room_from_the_pictures(new_page: NewPage) -> None:
    page = new_page(viewport={"width": 1280, "height": 800})
    board = opened(page)
    before = place(board.root)
    page.evaluate("document.querySelector('main').style.paddingTop = '120px'")
    until(lambda: place(board.root)["height"] < before["height"] - 90, "lower pictures")
    assert place(board.root)["y"] + place(board.root)["height"] <= 800


def test_what_a_finger_presses_is_large_enough(new_page: NewPage) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    board = opened(page)
    board.mounted.give(packed_board("images", 60, run="a" * 16, ghosts=["β 0.1"]))
    size = place(board.root.get_by_role("button", name="Drop the curve β 0.1"))
    assert min(size["width"], size["height"]) >= 44, size


def test_bars_by_dimension_are_read_with_keys(page: Page) -> None:
    board = opened(page, kind="wide")
    expect(board.root.locator(".bars .note")).to_have_text("· 2 of 8 active")
    canvas = board.root.locator(".bars canvas")
    assert "z₁ 1.000, active" in str(canvas.get_attribute("aria-label"))
    canvas.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    tip = board.root.locator(".bars .tip")
    expect(tip).to_have_text("z₂ 1.000, active")
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def test_presenting_enlarges_the_type_and_the_pointer_still_hits(new_page: NewPage) -> None:
    page = new_page(viewport={"width": 1280, "height": 800})
    board = opened(page)
    strong = board.root.locator(".term.elbo strong")
    before = place(strong)["height"]
    board.mounted.give(packed_board("images", 60, run="a" * 16, present=True))
    expect(board.root).to_have_attribute("data-present", "")
    drawn(page)
    assert place(strong)["height"] == pytest.approx(1.4 * before, rel=0.1)
    canvas = board.root.locator("section.reconstruction canvas")
    hover(page, canvas, 0.5, 0.5)
    width = float(canvas.evaluate("canvas => canvas.clientWidth"))
    assert place(canvas)["width"] > 1.05 * width
    step = 5900 * (0.5 * width - 44) / (width - 52)
    tip = board.root.locator("section.reconstruction .tip")
    expect(tip).to_contain_text(f"step {100 * round(step / 100)} ")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_grows_without_being_mounted_anew(page: Page) -> None:
    board = opened(page)
    board.root.locator("canvas").first.evaluate("canvas => (window.kept = canvas)")
    for rows in (61, 70, 500):
        board.reach(rows)
    expect(board.root).to_have_attribute("data-step", "49900")
    expect(board.root).to_have_attribute("data-mounts", "1")
    assert board.root.locator("canvas").first.evaluate(
        "canvas => canvas === window.kept && canvas.isConnected"
    )


def test_zoom_is_kept_while_points_arrive(page: Page) -> None:
    board = opened(page)
    canvas = board.root.locator("section.elbo canvas")
    hover(page, canvas, 0.5, 0.5)
    pinch(page)
    expect(board.root).not_to_have_attribute("data-zoom", "")
    zoom = board.root.get_attribute("data-zoom")
    board.reach(80)
    expect(board.root).to_have_attribute("data-zoom", str(zoom))
    canvas.dblclick()
    expect(board.root).to_have_attribute("data-zoom", "")


def test_new_run_starts_without_the_old_zoom(page: Page) -> None:
    board = opened(page)
    hover(page, board.root.locator("section.kl canvas"), 0.5, 0.5)
    pinch(page)
    expect(board.root).not_to_have_attribute("data-zoom", "")
    board.reach(5, run="b" * 16)
    expect(board.root).to_have_attribute("data-run", "b" * 16)
    expect(board.root).to_have_attribute("data-zoom", "")
    expect(board.root).to_have_attribute("data-mounts", "1")


def test_drag_selects_a_range(page: Page) -> None:
    board = opened(page)
    canvas = board.root.locator("section.reconstruction canvas")
    box = place(canvas)
    hover(page, canvas, 0.4, 0.5)
    page.mouse.down()
    hover(page, canvas, 0.8, 0.5)
    page.mouse.up()
    expect(board.root).not_to_have_attribute("data-zoom", "")
    plot = box["width"] - 52
    expected = [5900 * (share * box["width"] - 44) / plot for share in (0.4, 0.8)]
    zoom = [float(value) for value in str(board.root.get_attribute("data-zoom")).split(",")]
    assert zoom == pytest.approx(expected, abs=5900 / plot), (zoom, expected)


def test_crosshair_is_shared_and_names_its_step(page: Page) -> None:
    board = opened(page)
    hover(page, board.root.locator("section.reconstruction canvas"), 0.995, 0.5)
    tip = board.root.locator("section.reconstruction .tip")
    expect(tip).to_have_text("step 5900 · epoch 19 · β 4")
    expect(board.root.locator("section.elbo .tip")).to_be_hidden()
    for chart, values in (
        ("elbo", "−24.99 · training −24.99"),
        ("reconstruction", "−20.00 · training −19.80"),
        ("kl", "4.99 · training 5.19"),
    ):
        expect(board.root.locator(f"section.{chart} .note")).to_have_text(f"held-out {values}")
    page.mouse.move(1, 1)
    expect(tip).to_be_hidden()
    expect(board.root.locator("section.kl .note")).to_have_text("nats per example")


def test_keys_move_the_crosshair_and_the_zoom(page: Page) -> None:
    board = opened(page)
    canvas = board.root.locator("section.kl canvas")
    canvas.focus()
    page.keyboard.press("ArrowRight")
    expect(board.root.locator("section.kl .tip")).to_contain_text("step 5900")
    page.keyboard.press("ArrowLeft")
    expect(board.root.locator("section.kl .tip")).to_contain_text("step 5800")
    page.keyboard.press("+")
    expect(board.root).not_to_have_attribute("data-zoom", "")
    page.keyboard.press("0")
    expect(board.root).to_have_attribute("data-zoom", "")


def test_point_of_the_plane_names_its_class(page: Page) -> None:
    board = opened(page)
    canvas = board.root.locator(".plane canvas")
    box = place(canvas)
    plot = (box["width"] - 52, box["height"] - 30)
    unit = min(plot) / 6.6
    page.mouse.move(box["x"] + 44 + plot[0] / 2 + 2 * unit, box["y"] + 8 + plot[1] / 2)
    tip = board.root.locator(".plane .tip")
    expect(tip).to_contain_text("class a")
    expect(tip).to_contain_text("std 0.20, 0.20")


def test_plane_zooms_and_comes_back(page: Page) -> None:
    canvas = opened(page).root.locator(".plane canvas")
    picture = "canvas => canvas.toDataURL()"
    before = canvas.evaluate(picture)
    hover(page, canvas, 0.2, 0.2)
    pinch(page)
    until(lambda: canvas.evaluate(picture) != before, "a plane that is drawn larger")
    canvas.dblclick(position={"x": 60, "y": 20})
    page.mouse.move(1, 1)
    until(lambda: canvas.evaluate(picture) == before, "the plane as it was")


@pytest.mark.parametrize(("motion", "frames"), [("no-preference", range(3, 60)), ("reduce", range(1, 3))])
def test_points_move_to_their_new_places_once_then_rest(
    new_page: NewPage, motion: str, frames: range
) -> None:
    page = new_page(reduced_motion=motion)
    page.clock.install(time=0)
    page.add_init_script(COUNT_FRAMES)
    board = opened(page)
    # From here on time stands: on a busy machine it would pass before the test has asked for the frames.
    page.clock.pause_at(1_000_000)
    page.clock.run_for(1000)
    start = page.evaluate("window.frames_drawn")
    board.mounted.give(packed_board(board.kind, 61, run="a" * 16))
    page.clock.run_for(2000)
    expect(board.root).to_have_attribute("data-rows", "61")
    moved = page.evaluate("window.frames_drawn")
    page.clock.run_for(2000)
    assert page.evaluate("window.frames_drawn") == moved, "draws although nothing changed"
    assert moved - start in frames, moved - start


@pytest.mark.parametrize("kind", ["points", "lines", "broken", "deterministic"])
def test_draws_every_kind(page: Page, kind: str) -> None:
    board = opened(page, 1, kind=kind)
    note = "no KL: deterministic encoder" if kind == "deterministic" else "nats per example"
    for rows, number in ((1, "0.0"), (40, "4.9")):
        board.reach(rows)
        decoded = pixels_near(board.root.locator(".pairs canvas"), CONCEPTS["light"]["decoded"])
        assert decoded > 10, decoded
        kl = board.root.locator(".term.kl strong")
        if kind == "deterministic":
            expect(kl).to_be_hidden()
            expect(board.root.locator(".when")).to_contain_text("No bound: a deterministic encoder")
        else:
            expect(kl).to_have_text(re.compile("–" if kind == "broken" else re.escape(number)))
        expect(board.root.locator("section.kl .note")).to_have_text(note)
        assert "NaN" not in board.root.inner_text(), board.root.inner_text()


EVERY_EVENT = """() => {
    const { shadowRoot } = document.querySelector("#host");
    for (const canvas of shadowRoot.querySelectorAll("canvas")) {
        const pointer = { bubbles: true, button: 0, clientX: 80, clientY: 80 };
        for (const name of ["enter", "move", "down", "move", "up", "leave"])
            canvas.dispatchEvent(new PointerEvent(`pointer${name}`, pointer));
        canvas.dispatchEvent(new MouseEvent("dblclick", pointer));
        canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: -120, ctrlKey: true, cancelable: true }));
        for (const key of ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "+", "-", "0", "Escape", "a"])
            canvas.dispatchEvent(new KeyboardEvent("keydown", { key }));
        canvas.focus();
        canvas.blur();
    }
}"""


def test_events_before_the_first_history_are_harmless(page: Page) -> None:
    """The page fails for an error in any of its scripts (``watch``)."""
    mounted = open_element(page, "board")
    mounted.give(None)
    page.evaluate(EVERY_EVENT)
    drawn(page)
    text = base64.b64encode(packed_board("images", 60, run="a" * 16)).decode()
    page.evaluate(f"text => {{ window.element.give(text); ({EVERY_EVENT})(); }}", text)
    expect(page.locator(".board")).to_have_attribute("data-rows", "60")
    expect(page.locator(".board")).to_have_attribute("data-zoom", "")
    page.evaluate(EVERY_EVENT)
    mounted.remove()
    drawn(page)


def test_the_wheel_scrolls_the_page_until_the_chart_was_clicked(page: Page) -> None:
    root = opened(page).root
    for name in ("kl", "plane"):
        canvas = root.locator(f"section.{name} canvas")
        used = "canvas => { const turn = new WheelEvent('wheel', { deltaY: -120, cancelable: true }); "
        used += "canvas.dispatchEvent(turn); return turn.defaultPrevented; }"
        assert "wheel after a click" in str(canvas.get_attribute("title")), name
        assert not canvas.evaluate(used), name
        canvas.click()
        assert canvas.evaluate(used), name


def test_two_fingers_zoom(new_page: NewPage) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    root = opened(page).root
    box = place(root.locator("section.elbo canvas"))
    middle, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = page.context.new_cdp_session(page)
    for kind, apart in (("touchStart", 20), ("touchMove", 40), ("touchMove", 60), ("touchMove", 80)):
        points = [{"x": middle + side * apart, "y": y, "id": k} for k, side in enumerate((-1, 1))]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(root).not_to_have_attribute("data-zoom", "")
    drawn(page)  # each move zooms further: the last of them is shown, too
    first, last = (float(step) for step in str(root.get_attribute("data-zoom")).split(","))
    assert 0 < first < 5900 / 2 < last < 5900, "about the middle between the fingers"
    assert last - first == pytest.approx(5900 / 4, rel=0.3)
