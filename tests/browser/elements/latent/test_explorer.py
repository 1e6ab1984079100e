"""The latent explorer in a real browser: what the pointer passes is what torch decodes there."""

import re
from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
import torch
from playwright.sync_api import expect

from dashboard.figures.classes import ramp
from tests.browser.elements.latent.explorer import MountedExplorer, decoded
from tests.browser.elements.latent.models import COLUMNS, make_examples, make_message, make_model
from tests.browser.pages import covered_pixels, pixels_near, place
from vae_core.latent.decode import interpolate

ALPHA = """(canvas, [x, y]) => {
    const { data } = canvas.getContext("2d").getImageData(Math.round(x) - 2, Math.round(y) - 2, 5, 5);
    return Math.max(...Array.from(data).filter((_, i) => i % 4 === 3));
}"""


@pytest.mark.parametrize("kind", ["images", "deep", "line"])
def test_picture_under_the_pointer_is_torchs(opened: Callable[..., MountedExplorer], kind: str) -> None:
    explorer = opened(kind)
    seen = []
    for z in [(0.0, 0.0), (1.5, -1.0), (-2.0, 2.0)]:
        explorer.point(z)
        found = explorer.numbers("z")
        dims = min(2, len(found))
        assert np.abs(found[:dims] - z[:dims]).max() < 0.02, (found, z)
        assert np.abs(explorer.picture() - decoded(kind, 1, found)).max() <= 1.0, z
        seen.append(explorer.picture())
    assert np.abs(seen[0] - seen[1]).max() > 10, "the picture does not change"


def test_ellipse_has_the_posteriors_radii(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened()
    with torch.no_grad():
        q = make_model("images", 1).posterior(make_examples("images"))
    mean, std = (values[7].double().numpy() for values in (q.mean, q.std))
    explorer.point((mean[0], mean[1]))
    assert explorer.root.get_attribute("data-nearest") == "7"
    for deviations, drawn in [(1, True), (2, True), (1.5, False), (2.4, False)]:
        for direction in ([1, 0], [-1, 0], [0, 1], [0, -1]):
            x, y = mean + deviations * std * direction
            alpha = explorer.hand.evaluate(ALPHA, explorer.pixel((x, y)))
            assert (alpha > 200) == drawn, (deviations, direction, alpha, std)


def test_a_row_of_many_numbers_stands_in_a_table_within_its_column(
    opened: Callable[..., MountedExplorer],
) -> None:
    explorer = opened("table")
    explorer.point((0.0, 0.0))
    row = int(explorer.numbers("nearest")[0])
    nearest = explorer.root.locator(".nearest")
    lines = [line.split("\t") for line in nearest.locator(".values tbody").inner_text().splitlines()]
    with torch.no_grad():
        x, model = make_examples("table")[row], make_model("table", 1)
        made = model.likelihood(model.posterior(x[None]).mean).mean[0]
    assert [line[0] for line in lines] == list(COLUMNS[:20])
    written = np.array([[float(cell.replace("−", "-")) for cell in line[1:]] for line in lines])
    np.testing.assert_allclose(written, torch.stack([x, made], 1)[:20], atol=0.0051)
    expect(nearest.locator(".more")).to_have_text("The first 20 of 25 values.")
    assert nearest.evaluate("section => section.scrollWidth <= section.clientWidth")
    expect(nearest.locator(".point")).to_be_hidden()


def test_keyboard_alone_can_do_all(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened()
    explorer.press("ArrowRight", "ArrowUp", "Shift+ArrowUp", "Enter")
    np.testing.assert_allclose(explorer.numbers("z"), [0.1, 0.12], atol=1e-9)
    explorer.press("ArrowLeft", "ArrowDown", "Enter")
    expect(explorer.root).to_have_attribute("data-pins", "2")
    expect(explorer.root.locator(".strip")).to_be_visible()
    whole = explorer.numbers("view")
    explorer.press("+", "+")
    assert explorer.numbers("view")[1] < whole[1]
    explorer.press("0")
    np.testing.assert_allclose(explorer.numbers("view"), whole)
    explorer.press("Delete", "Backspace")
    expect(explorer.root).to_have_attribute("data-pins", "0")
    explorer.page.keyboard.press("Tab")
    explorer.page.keyboard.press("Enter")
    expect(explorer.root.locator(".legend button").first).to_have_attribute("aria-pressed", "false")
    explorer.point((1.0, 1.0))
    assert explorer.numbers("nearest") % 3 != 0, "class a is switched off"


def test_place_zoom_and_pins_survive_new_weights(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened()
    explorer.click((1.0, 1.0))
    explorer.point((-1.0, 0.5))
    explorer.wheel(-300)
    names = ("view", "z", "pins")
    before, hash_before = [explorer.numbers(name) for name in names], explorer.root.get_attribute("data-hash")
    explorer.weights(2)
    expect(explorer.root).to_have_attribute("data-step", "2")
    explorer.rest()
    assert explorer.root.get_attribute("data-hash") != hash_before
    for name, value in zip(names, before, strict=True):
        np.testing.assert_allclose(explorer.numbers(name), value, atol=1e-6, err_msg=name)
    assert np.abs(explorer.picture() - decoded("images", 2, explorer.numbers("z"))).max() <= 1.0


def test_clicks_pin_two_places_and_a_double_click_resets(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened()
    whole = explorer.numbers("view")
    for z in [(1.0, 0.0), (0.0, 2.0), (2.0, 0.0)]:
        explorer.click(z)
    explorer.wheel(-300)
    explorer.click((1.5, 0.2), times=2)
    expect(explorer.root).to_have_attribute("data-pins", "2")
    np.testing.assert_allclose(explorer.numbers("view"), whole)


def test_page_hears_where_z_and_pins_are_when_the_hand_rests(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened()

    def heard() -> list[tuple[list[float], int]]:
        said = [message["value"] for message in explorer.mounted.sent]
        return [(value["z"], len(value["pins"])) for value in said]  # type: ignore[index]

    explorer.press("ArrowRight")
    for z in [(1.0, 0.0), (0.0, 2.0)]:
        explorer.point(z)
    assert heard() == []
    explorer.click((1.0, 0.5))
    assert heard() == [(pytest.approx(explorer.numbers("z"), abs=1e-4), 1)]
    explorer.press("ArrowRight", "Enter", "Delete")
    assert [count for _, count in heard()] == [1, 2, 1]
    explorer.point((0.0, 0.0))
    explorer.page.mouse.down()
    explorer.point((1.0, 1.0))
    before = len(heard())
    explorer.page.mouse.up()
    assert [count for _, count in heard()[before:]] == [1]
    explorer.root.locator("#traversal-0").press("End")
    assert heard()[-1][0][0] == 3.0


def test_link_says_where_z_and_pins_are(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened()
    pins = ((1.0, 0.5), (-1.0, 0.25))
    explorer.mounted.give(make_message("images", 1, z=(0.5, -1.0), pins=pins))
    expect(explorer.root).to_have_attribute("data-z", "0.5,-1")
    expect(explorer.root).to_have_attribute("data-pins", "2")
    explorer.click((1.0, 1.0))
    moved = explorer.numbers("z")
    explorer.mounted.give(make_message("images", 2, z=(0.5, -1.0), pins=pins))
    expect(explorer.root).to_have_attribute("data-step", "2")
    np.testing.assert_array_equal(explorer.numbers("z"), moved)
    explorer.mounted.give(make_message("images", 2, z=(0.5, -1.0, 2.0), pins=((1.0,),)))
    expect(explorer.root).to_have_attribute("data-pins", "0")


@pytest.mark.parametrize("kind", ["linear", "spherical"])
def test_interpolation_between_pins(
    opened: Callable[..., MountedExplorer], kind: Literal["linear", "spherical"]
) -> None:
    explorer = opened()
    ends = []
    for z in [(1.0, 0.5), (-0.5, 2.0)]:
        explorer.click(z)
        ends.append(torch.tensor(explorer.numbers("z")))
    interpolation = explorer.root.locator(".interpolation")
    interpolation.locator(f"[data-kind={kind}]").click()
    interpolation.get_by_role("slider").fill("0.5")
    explorer.rest()
    middle = interpolate(ends[0], ends[1], 3, kind=kind)[1]
    np.testing.assert_allclose(explorer.numbers("z"), middle.numpy(), atol=1e-6)
    explorer.page.clock.install()
    interpolation.locator(".play").click()
    explorer.page.clock.run_for(6000)
    expect(interpolation.locator(".play")).to_have_text("Play")
    np.testing.assert_allclose(explorer.numbers("z"), ends[1].numpy(), atol=1e-6)


def test_other_dimensions_come_from_the_newest_pin(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened("deep")
    expect(explorer.root.locator(".others")).to_have_text("The other 3 dimensions are at 0.")
    explorer.click((1.0, 1.0))
    expect(explorer.root.locator(".others")).to_have_text("The other 3 dimensions are at pin 1.")


def test_weights_that_are_no_numbers_are_said(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened("nan")
    expect(explorer.root.get_by_role("alert")).to_contain_text("no finite numbers")
    expect(explorer.root.locator(".picture")).to_be_hidden()


def test_points_move_in_data_space(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened("points", scheme="dark")
    over = explorer.root.locator(".over")
    before = over.evaluate("canvas => canvas.toDataURL()")
    explorer.point((1.0, -1.0))
    assert over.evaluate("canvas => canvas.toDataURL()") != before
    assert pixels_near(over, "#3DC99E") > 60, "no decoded point"


def test_phone_shows_plane_and_picture_at_once(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    expect(explorer.root.locator(".interpolation .hint")).to_contain_text(
        "Tap two places", use_inner_text=True
    )
    expect(explorer.root.locator("kbd:visible")).to_have_count(0)
    assert explorer.page.evaluate("document.documentElement.scrollWidth") <= 390
    plane, picture = place(explorer.hand), place(explorer.root.locator(".picture"))
    assert picture["y"] + picture["height"] - plane["y"] < 640, (plane, picture)
    explorer.page.touchscreen.tap(plane["x"] + 200, plane["y"] + 100)
    expect(explorer.root).to_have_attribute("data-pins", "1")


def test_sections_below_the_plane_fold_on_a_phone(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened(viewport={"width": 390, "height": 844})
    strip = explorer.root.locator(".traversal .dimension canvas").first
    folds = explorer.root.locator(".fold")
    expect(strip).to_be_visible()
    names = [fold.get_attribute("aria-label") for fold in folds.all()]
    assert names == explorer.root.locator(".foldable > h3").all_inner_texts()
    assert len(names) == 3
    height = place(explorer.root)["height"]
    for fold in folds.all():
        assert place(fold)["height"] >= 44
        fold.click()
        expect(fold).to_have_attribute("aria-expanded", "false")
    expect(strip).to_be_hidden()
    expect(explorer.root.locator(".drawing canvas:visible")).to_have_count(0)
    assert place(explorer.root)["height"] < height - 600
    folds.nth(1).click()
    expect(strip).to_be_visible()
    explorer.page.set_viewport_size({"width": 1280, "height": 800})
    expect(explorer.root.locator(".fold:visible")).to_have_count(0)


def test_sixty_thousand_examples_are_all_there(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened("many")
    canvas = explorer.root.locator(".map")
    expect(canvas).to_have_attribute("aria-label", re.compile("60000 held-out examples"))
    with torch.no_grad():
        means = make_model("many", 1).posterior(make_examples("many")).mean.double().numpy()
    explorer.point((0.3, -0.2))
    place = explorer.numbers("z")
    away = np.linalg.norm(means - place, axis=1)
    # The browser has the means in float32: it may take another example only where two are equally near.
    assert away[int(explorer.numbers("nearest")[0])] - away.min() < 1e-5
    assert np.abs(explorer.picture() - decoded("many", 1, place)).max() <= 1.0
    # Axes, names and contours alone cover a few thousand pixels, the cloud many more.
    assert covered_pixels(canvas, above=100) > 10_000, "no points are drawn"


def test_a_number_colours_the_plane_in_the_place_of_the_classes(
    opened: Callable[..., MountedExplorer],
) -> None:
    """z stays; a colour bar takes the place of the legend, and what was switched off is there again."""
    explorer = opened()
    explorer.point((0.5, 0.25))
    z = explorer.numbers("z")
    legend = explorer.root.locator(".legend button")
    legend.first.click()
    explorer.mounted.give(make_message("images", 1, by_size=True))
    expect(explorer.root.locator(".legend")).to_be_hidden()
    plane = explorer.root.locator(".map")
    for colour in ramp("light", 8):
        assert pixels_near(plane, colour) > 30, f"the bar has {colour}"
    expect(explorer.root.locator("dt").filter(has_text="size")).to_be_visible()
    np.testing.assert_array_equal(explorer.numbers("z"), z)
    explorer.mounted.give(make_message("images", 1))
    expect(legend).to_have_text(["a", "b", "c"])
    expect(legend.first).to_have_attribute("aria-pressed", "true")
    assert legend.nth(1).get_attribute("data-shape") == "1"
