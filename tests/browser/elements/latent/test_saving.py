"""Pictures of the latent explorer to take home: PNG with what the screen shows, SVG with its marks."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import expect

from tests.browser.elements.latent.explorer import MountedExplorer, decoded
from tests.browser.elements.latent.models import NUM_EXAMPLES, make_examples, make_model

TABLE = "z, pins and the path"
BETWEEN = "From pin 1 to pin 2"
NEAREST = "Nearest example and its reconstruction"
DRAWING = "Drawing, as the model sees it, reconstruction"
SVG = "{http://www.w3.org/2000/svg}"


def saved(explorer: MountedExplorer, title: str, kind: str) -> Path:
    """The file that the reader gets; a headless Chromium lets a page save ten."""
    button = explorer.root.get_by_role("button", name=f"{title} as {kind}")
    with explorer.page.expect_download() as waiting:
        button.click()
    assert waiting.value.suggested_filename.endswith(f"-step-1.{kind.lower()}")
    return Path(waiting.value.path())


def pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.array(picture.convert("RGB"))


def titles(explorer: MountedExplorer) -> list[str]:
    explorer.root.get_by_text("Save images, coordinates and arrays").click()
    expect(explorer.root.locator(".saving li").first).to_be_visible()
    return explorer.root.locator(".saving li > :first-child").all_inner_texts()


def marks(path: Path) -> list[str]:
    """The outlines of the filled paths of posterior means."""
    found = ElementTree.parse(path).iter(f"{SVG}path")
    return [str(one.get("d")) for one in found if one.get("opacity") == "0.65"]


def test_pictures_of_an_image_model(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened()
    explorer.click((0.5, -0.5))
    explorer.click((-1.0, 1.0))
    names = titles(explorer)
    pictures = ["Decoded image", "Derivatives of the image", NEAREST, "Traversals", DRAWING]
    assert names == [BETWEEN, "Latent plane", *pictures, TABLE]
    plane = pixels(saved(explorer, "Latent plane", "PNG"))
    box = explorer.root.locator(".map").bounding_box()
    assert box is not None
    assert plane.shape[:2] == pytest.approx((2 * box["height"], 2 * box["width"]), abs=2)
    near = (np.abs(plane.astype(int) - plane[0, 0]) > 60).any(2)
    assert near.mean() > 0.02, "nothing is drawn"
    picture = pixels(saved(explorer, "Decoded image", "PNG"))
    scale = picture.shape[0] // 6
    centres = picture[scale // 2 :: scale, scale // 2 :: scale, 0]
    expected = decoded("images", 1, explorer.numbers("z")).reshape(6, 8)
    assert np.abs(centres - expected).max() <= 1
    between = pixels(saved(explorer, BETWEEN, "PNG"))
    assert between.shape[1] / between.shape[0] == pytest.approx((11 * 9 - 1) / 6, rel=0.01)


def test_pictures_side_by_side_have_what_the_model_makes(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened()
    titles(explorer)
    hints = explorer.root.locator(".saving li .small")
    assert hints.all_inner_texts() == [
        "Pin two places of the plane first.",
        "Draw, or take a held-out image.",
    ]
    row = int(explorer.numbers("nearest")[0])
    x = make_examples("images")[row]
    with torch.no_grad():
        mean = make_model("images", 1).posterior(x[None]).mean[0].double().numpy()
    pair = pixels(saved(explorer, NEAREST, "PNG"))
    scale = pair.shape[0] // 6
    gap = pair.shape[1] - 16 * scale
    assert 0 < gap < scale
    middles = np.arange(8) * scale + scale // 2
    for left, expected in ((0, 255 * x.numpy()), (8 * scale + gap, decoded("images", 1, mean))):
        found = pair[scale // 2 :: scale, left + middles, 0]
        assert np.abs(found - expected.reshape(6, 8)).max() <= 1, left
    derivatives = pixels(saved(explorer, "Derivatives of the image", "PNG"))
    assert derivatives.shape == pair.shape
    assert len(np.unique(derivatives.reshape(-1, 3), axis=0)) > 40
    explorer.root.get_by_role("button", name="Take a held-out image").click()
    drawing = pixels(saved(explorer, DRAWING, "PNG"))
    side = drawing.shape[0] // 6
    first = make_examples("images")[0].numpy().reshape(6, 8)
    assert np.abs(drawing[side // 2 :: side, np.arange(8) * side + side // 2, 0] - 255 * first).max() <= 1


def test_vector_picture_of_the_plane_has_all_examples_and_names(
    opened: Callable[..., MountedExplorer],
) -> None:
    explorer = opened()
    explorer.click((0.5, -0.5))
    titles(explorer)
    path = saved(explorer, "Latent plane", "SVG")
    assert sum(outline.count("M") for outline in marks(path)) == NUM_EXAMPLES
    texts = [one.text for one in ElementTree.parse(path).iter(f"{SVG}text")]
    assert {"a", "b", "c", "z₁", "z₂", "1", "prior: 1, 2, 3 std"} <= set(texts)
    # What a browser makes of the file is what the canvas shows.
    with explorer.page.expect_popup() as waiting:
        explorer.page.evaluate(
            "text => open(URL.createObjectURL(new Blob([text], {type: 'image/svg+xml'})))",
            path.read_text("utf-8"),
        )
    shown = waiting.value
    shown.wait_for_load_state()
    assert shown.locator("parsererror").count() == 0
    image = ElementTree.parse(saved(explorer, "Decoded image", "SVG")).find(f"{SVG}image")
    assert image is not None
    assert str(image.get("href")).startswith("data:image/png;base64,")


def test_saving_leaves_the_element_as_it_was(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened()
    explorer.root.get_by_role("button", name="All dimensions").click()
    explorer.rest()
    matrix = explorer.root.locator(".matrix")
    before = matrix.bounding_box()
    titles(explorer)
    saved(explorer, "Traversals", "SVG")
    traversals = pixels(saved(explorer, "Traversals", "PNG"))
    assert traversals.std() > 20
    after = matrix.bounding_box()
    assert before is not None
    assert after is not None
    assert (before["width"], before["height"]) == (after["width"], after["height"])
    explorer.point((1.0, 1.0))
    assert np.abs(explorer.picture() - decoded("images", 1, explorer.numbers("z"))).max() <= 1


def test_pictures_of_points_and_of_the_line(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened("points")
    pictures = ["Latent plane", "Data space", "Path along z₁", "Path along z₂"]
    assert titles(explorer) == [BETWEEN, *pictures[:2], NEAREST, *pictures[2:], TABLE]
    for name in pictures:
        svg = ElementTree.parse(saved(explorer, name, "SVG")).getroot()
        assert len(list(svg.iter(f"{SVG}path"))) > 2, name
        assert pixels(saved(explorer, name, "PNG")).std() > 5, name
    explorer = opened("line")
    titles(explorer)
    path = saved(explorer, "Latent plane", "SVG")
    assert sum(outline.count("M") for outline in marks(path)) == NUM_EXAMPLES


def test_sixty_thousand_examples_make_a_file_of_few_elements(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened("many")
    titles(explorer)
    path = saved(explorer, "Latent plane", "SVG")
    outlines = [one for one in ElementTree.parse(path).iter(f"{SVG}path") if one.get("opacity") == "0.5"]
    assert sum(str(one.get("d")).count("M") for one in outlines) >= 60_000
    assert len(outlines) < 1000


def test_a_decoder_without_finite_numbers_saves_no_pictures(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened("nan")
    titles(explorer)
    why = explorer.root.get_by_role("alert").inner_text()
    for title in ("Decoded image", NEAREST, "Traversals"):
        row = explorer.root.locator(".saving li").filter(has_text=title)
        expect(row).to_have_text(f"{title}{why}")
