"""The explorer's sliders: order, strips, range, play, matrix, undo; pictures are what torch decodes."""

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from tests.browser.elements.latent.sections_page import (
    IMAGE,
    decoded,
    grey,
    held_out,
    open_sections,
    opened,
    settle,
    small_model,
    z_of,
)


def slider(page: Page, dim: int) -> Locator:
    return page.locator(f"#traversal-{dim}")


def test_dimensions_come_by_use_with_their_kl(page: Page) -> None:
    opened(page)
    labels = page.locator(".traversal .head label").all_text_contents()
    assert labels == [
        "z₃ · KL 2.00 nats",
        "z₁ · KL 0.50 nats",
        "z₂ · KL 0.00 nats · unused: q is the prior here",
    ]
    assert page.locator(".unused").get_attribute("data-dim") == "1"


def test_why_no_kl_stands_beside_the_dimensions_is_said(page: Page) -> None:
    opened(page)
    note = page.locator(".traversal .small")
    expect(note).to_be_hidden()
    model, wide = small_model(image_shape=IMAGE, latent_dim=3), {"mean": [0.0] * 3, "std": [1.0] * 3}
    open_sections(page, model, image_shape=IMAGE, kl_per_dim=[], components=[wide])
    assert page.locator(".traversal .head label").all_text_contents() == ["z₁", "z₂", "z₃"]
    expect(note).to_contain_text("to a learned prior, or of a q that is no Gaussian, it is no sum")


def test_keys_move_one_coordinate_and_undo_brings_it_back(page: Page) -> None:
    opened(page)
    undo = page.locator(".traversal").get_by_role("button", name="Undo")
    expect(undo).to_be_disabled()
    slider(page, 2).press("ArrowRight")
    slider(page, 0).press("End")
    assert z_of(page) == pytest.approx([3.0, 0, 0.05])
    settle(page)
    assert slider(page, 0).get_attribute("aria-valuetext") == "z₁ = 3.00"
    page.get_by_role("button", name="All to 0").click()
    assert z_of(page) == [0, 0, 0]
    for expected in ([3.0, 0, 0.05], [0, 0, 0.05], [0, 0, 0]):
        undo.click()
        assert z_of(page) == pytest.approx(expected)
    settle(page)
    expect(undo).to_be_disabled()
    assert slider(page, 0).input_value() == "0"


def test_strips_are_what_torch_decodes(page: Page) -> None:
    model = opened(page)
    page.evaluate("host.setZ([0.4, -1, 1.5], 'pointer')")
    settle(page)
    for dim in range(3):
        shown = grey(page.locator(f"[data-dim='{dim}'] canvas"))
        scale = shown.shape[0] // 8
        for k, value in enumerate(np.linspace(-3, 3, 9)):
            z = [0.4, -1, 1.5]
            z[dim] = float(value)
            corner = k * (8 * scale + 4) + scale // 2
            picture = shown[scale // 2 :: scale, corner : corner + 8 * scale : scale]
            off = np.abs(picture - 255 * decoded(model, z).reshape(8, 8)).max()
            assert off <= 1, (dim, k, off)


def test_at_most_one_strip_is_made_in_a_frame_and_the_moved_one_stays(page: Page) -> None:
    opened(page)
    page.evaluate(
        """async () => {
            const { Strip } = await import("/components/latent/strips.js");
            window.made = [];
            const refresh = Strip.prototype.refresh;
            Strip.prototype.refresh = function (range) {
                window.made.push([host.now, this.dim]);
                refresh.call(this, range);
            };
        }"""
    )
    slider(page, 2).press("ArrowRight")
    settle(page)
    made = page.evaluate("window.made")
    assert sorted(dim for _, dim in made) == [0, 1]
    assert len({frame for frame, _ in made}) == len(made)


def test_range_of_the_aggregate_posterior(page: Page) -> None:
    model = opened(page)
    with torch.no_grad():
        means = model.posterior(held_out(model)).mean.numpy()
    page.get_by_label("aggregate posterior").check()
    for dim in range(3):
        low, high = (float(slider(page, dim).get_attribute(side) or "") for side in ("min", "max"))
        mean, std = means[:, dim].mean(), means[:, dim].std()
        assert (low, high) == pytest.approx((mean - 3 * std, mean + 3 * std), abs=1e-4), dim


def test_one_dimension_plays_at_a_time_and_gives_way(page: Page) -> None:
    opened(page)
    first, second = (page.locator(f"[data-dim='{dim}'] button") for dim in (0, 2))
    first.click()
    page.wait_for_function("host.z[0] > 0.2")
    second.click()
    expect(first).to_have_text("Play")
    expect(second).to_have_text("Pause")
    held = z_of(page)[0]
    page.wait_for_function("host.z[2] > 0.2")
    assert z_of(page)[0] == held
    page.evaluate("host.setZ([0, 0, 0], 'pointer')")
    expect(second).to_have_text("Play")
    settle(page)
    assert z_of(page) == [0, 0, 0]


def test_playing_turns_at_the_end_of_the_range(page: Page) -> None:
    opened(page)
    page.evaluate("host.setZ([2.9, 0, 0], 'pointer')")
    page.locator("[data-dim='0'] button").click()
    page.wait_for_function("sections.traversal.playing.direction === -1")
    page.wait_for_function("host.z[0] < 2.9")
    page.locator("[data-dim='0'] button").click()
    settle(page)


def test_matrix_shows_every_dimension_and_a_click_goes_there(page: Page) -> None:
    opened(page)
    page.get_by_role("button", name="All dimensions").click()
    settle(page)
    matrix = page.locator(".matrix")
    expect(page.locator(".dimensions")).to_be_hidden()
    expect(matrix).to_have_attribute("aria-label", "Traversals of 3 latent dimensions, one in each row")
    place = page.evaluate(
        "({ x: sections.traversal.matrix.middle(8), y: 22 + sections.traversal.matrix.row / 2 })"
    )
    matrix.click(position=place)
    assert z_of(page) == [0, 0, 3]


def test_many_dimensions_are_shown_on_demand(page: Page) -> None:
    model = small_model(image_shape=IMAGE, latent_dim=20)
    open_sections(page, model, image_shape=IMAGE, kl_per_dim=[20.0 - dim for dim in range(20)])
    expect(page.locator(".dimension")).to_have_count(8)
    page.get_by_role("button", name="Show all 20").click()
    expect(page.locator(".dimension")).to_have_count(20)
    page.get_by_role("button", name="Show the 8 most used").click()
    expect(page.locator(".dimension")).to_have_count(8)


def test_new_weights_keep_the_focus_and_make_the_strips_anew(page: Page) -> None:
    opened(page)
    before = grey(page.locator("[data-dim='0'] canvas"))
    slider(page, 0).focus()
    page.evaluate(
        """() => {
            host.config.kl_per_dim = [0, 9, 1];
            host.load(STUB_ARRAYS.decoder.map((weight) => -weight), STUB_ARRAYS.encoder);
        }"""
    )
    settle(page)
    expect(slider(page, 0)).to_be_focused()
    expect(page.locator("[data-dim='1'] label")).to_have_text("z₂ · KL 9.00 nats")
    assert np.abs(grey(page.locator("[data-dim='0'] canvas")) - before).max() > 20


def test_points_have_a_path_in_data_space_and_no_sheet(page: Page) -> None:
    model = small_model(image_shape=None, latent_dim=2)
    open_sections(page, model, image_shape=None, kl_per_dim=[1.0, 2.0])
    settle(page)
    expect(page.locator(".drawing")).to_be_hidden()
    expect(page.get_by_role("button", name="All dimensions")).to_be_hidden()
    path = np.array(page.evaluate("Array.from(sections.traversal.rows.get(0).strip.path)")).reshape(-1, 2)
    expected = [decoded(model, [float(value), 0.0]) for value in np.linspace(-3, 3, len(path))]
    assert np.abs(path - np.array(expected)).max() < 1e-5
