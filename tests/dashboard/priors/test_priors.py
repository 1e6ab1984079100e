"""The view of priors: it opens at once, its numbers add up, three trainings are shown, other pages refuse."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.figures.priors import IMAGES_IN_A_ROW, PriorTraining, mosaic, training_figure
from dashboard.priors import training as priors_training
from dashboard.runs.runner import LocalRunner
from dashboard.runs.tasks import tasks
from tests.dashboard.elbo.test_views import charts, choose, numbers
from tests.page_scripts import NUMBER, TINY, checked, open_page, runner, trained
from vae_core.data import load_dataset
from vae_core.labs.priors.learned import train_under_each_prior
from vae_core.labs.scores import MIN_SEEDS

__all__ = ["runner"]  # a fixture

ARGUMENTS: Final = ("two_moons", "2", "20", "0")


def opened() -> AppTest:
    return open_page("priors", priors_view="priors")


def values(at: AppTest, row: str) -> dict[str, list[float]]:
    """Numbers of each row of the table that has a row; of a value with its error the value."""
    rows = next(rows for rows in map(rows_of, at.table) if row in rows)
    return {name: [numbers(cell)[0] for cell in cells if numbers(cell)] for name, cells in rows.items()}


def rows_of(table: Any) -> dict[str, list[str]]:
    rows = table.value.to_numpy().tolist()
    return {row[0].replace("\u00ad", "").strip(" *·"): row[1:] for row in rows}


def test_opens_with_three_priors_whose_numbers_add_up() -> None:
    at = opened()
    assert {"prior_standard_normal", "prior_mixture", "prior_vamp"} <= charts(at)
    for value in (20, 200):
        at = checked(at.select_slider(key="prior_k").set_value(value).run())
        rows = values(at, "gain over N(0, I)")
        parts = (rows["mutual information"], rows["KL(q(z) ‖ p(z))"])
        for reconstruction, information, marginal, elbo in zip(
            rows["reconstruction"], *parts, rows["held-out ELBO"], strict=True
        ):
            # 0.1: the KL of N(0, I) is in closed form, its parts are sampled.
            assert elbo == pytest.approx(reconstruction - information - marginal, abs=0.1)
        assert len(set(rows["reconstruction"])) == 1
        plain, *others = rows["held-out ELBO"]
        differences = [f"{elbo - plain:.3f}" for elbo in others]
        assert [f"{gain:.3f}" for gain in rows["gain over N(0, I)"]] == differences
        normal, *marginal = rows["KL(q(z) ‖ p(z))"]
        saved = [f"{normal - one:.3f}" for one in marginal]
        assert [f"{gain:.3f}" for gain in rows["gain over N(0, I)"]] == saved, "what it takes from that KL"
        assert rows["gain over N(0, I)"][0] > 0, "the fitted mixture is a better prior"
    (said,) = (one.value for one in open_page("elbo", elbo_samples="10").markdown if "Marginal" in one.value)
    information, *_ = numbers(said)
    marginal, error = numbers(said.split("Marginal KL")[1])
    assert (information, marginal) == (rows["mutual information"][0], rows["KL(q(z) ‖ p(z))"][0])
    assert f"**{marginal:.3f}** ± {error:.3f}" in said, "one quantity has one value on both pages"


def test_trained_priors_are_drawn_from_the_result() -> None:
    at = opened()
    assert [button for button in at.button if button.key == "priors_start"]
    moons = load_dataset("two_moons", seed=0)
    found = train_under_each_prior(
        moons, num_components=2, num_epochs=1, seed=0, on_progress=lambda share: None
    )
    for seed in range(MIN_SEEDS):
        moved = {name: value + 0.01 * seed if "elbo" in name else value for name, value in found.items()}
        shift = {"vamp/elbo_of_data": moved["vamp/elbo_of_data"] + 3}
        np.savez(
            tasks()._file(priors_training.key_of(ARGUMENTS, seed)), allow_pickle=False, **(moved | shift)
        )
    at = choose(at, "priors_data", "two_moons")
    at.select_slider(key="priors_k").set_value(2)
    at = checked(at.select_slider(key="priors_epochs").set_value(20).run())
    assert {"priors_curves", "priors_film_vamp", "priors_samples_mixture"} <= charts(at)
    rows = values(at, "log p(x), exact")
    for place, prior in enumerate(priors_training.TITLES):
        elbo = rows["held-out ELBO** ± s.e."][place]
        assert elbo == pytest.approx(float(found[f"{prior}/elbo"][-1]), abs=1e-3)
        terms = rows["reconstruction"][place] - rows["KL(q(z given x) ‖ p(z))"][place]
        assert elbo == pytest.approx(terms, abs=1e-9), "the digits add up"
        assert rows["log p(x), exact"][place] > rows["ELBO of the same examples"][place]
    assert not [button for button in at.button if button.key == "priors_start"], "the result stays"
    (said,) = (text.value for text in at.markdown if "less that of N(0, I)" in text.value)
    assert "Over 5 seeds" in said
    assert "(no clear difference)" not in said.split("VampPrior")[1]
    at = choose(at, "priors_shown", "mixture")
    assert "priors_film_mixture" in charts(at)


def test_pages_measure_against_the_prior_that_was_learned(runner: LocalRunner) -> None:
    """The KL is the mean of log q(z|x) - log p(z), in two parts that sum to it, and has none by dimension."""
    config = replace(TINY, model=replace(TINY.model, prior="vamp", num_components=5, latent_dim=3))
    run_id = trained(runner, config)
    at = open_page("elbo", run=run_id)
    assert not at.error
    kl = next(metric.value for metric in at.metric if metric.label == "KL(q ‖ prior)").split()[0]
    texts = [text.value for text in at.markdown]
    (said,) = (text for text in texts if text.startswith("KL to the learned prior"))
    assert float(NUMBER.findall(said)[0]) == pytest.approx(float(kl.replace("−", "-")), abs=0.006)
    (parts,) = (text for text in texts if "= mean KL" in text)
    information, marginal, total = map(float, NUMBER.findall(parts)[:3])
    assert information + marginal == pytest.approx(total, abs=2e-3)
    at = open_page("latent_space", run=run_id)
    assert not at.error
    assert charts(at) >= {"grid", "aggregate_0"}


def test_mosaic_puts_each_image_in_its_place() -> None:
    images = np.zeros((12, 4), np.float32)
    images[11] = 1
    sheet = mosaic(images, (2, 2))
    assert sheet.shape == (5, 3 * IMAGES_IN_A_ROW - 1)
    assert (sheet[3:5, 3:5] == 255).all(), "the twelfth is the second of the second row"
    assert (sheet == 255).sum() == 4


@pytest.mark.parametrize("image_shape", [(2, 2), None])
def test_recorded_training_moves_everything_it_shows(image_shape: tuple[int, int] | None) -> None:
    rng, dims = np.random.default_rng(0), 4 if image_shape else 2
    training = PriorTraining(
        steps=np.array([0, 10, 20]),
        axes=np.stack([np.linspace(-1, 1, 5)] * 2),
        density=rng.normal(size=(3, 5, 5)),
        means=rng.normal(size=(3, 6, 2)),
        centres=rng.normal(size=(3, 7, 2)),
        shown=rng.random((3, 7, dims)),
        image_shape=image_shape,
        name="pseudo-inputs",
    )
    figure: Any = training_figure(training, rng.normal(size=(9, dims)), theme="light")
    assert [frame.name for frame in figure.frames] == ["0", "10", "20"]
    for number, frame in enumerate(figure.frames):
        assert frame.traces == [0, 1, 2, 3]
        assert np.allclose(frame.data[0].z, training.density[number], atol=1e-6)
        assert np.allclose(frame.data[2].x, training.centres[number, :, 0], atol=1e-6)
    assert figure.player["redraw"], "images and contours need it"
    assert figure.player["first"] == 2, "the figure is that of the last frame"
