"""Prior against aggregate posterior: the histograms, the decoded samples, and how many lie in holes."""

import io
import json
import queue
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from dashboard.figures import objects as go
from dashboard.figures.aggregate import NUM_BINS, aggregate_figure, prior_axis
from dashboard.figures.data_space import decoded_samples_figure
from dashboard.latent.aggregate import Decoded
from dashboard.runs import runner as jobs
from dashboard.runs.runner import LocalRunner
from dashboard.theme import CONCEPTS, ThemeName
from tests.page_scripts import chart_messages
from tests.polling import DEADLINE_S
from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.runs.driver import Driver

ENTRY: Final = Path(__file__).resolve().parents[3] / "dashboard" / "app.py"
DIGITS: Final = RunConfig(
    model=ModelConfig(data_dim=64, hidden_dims=(8,), latent_dim=3),
    train=TrainConfig(num_epochs=1, batch_size=256),
)
POINTS: Final = replace(
    DIGITS, dataset="two_moons", model=ModelConfig(data_dim=2, hidden_dims=(8,), likelihood="gaussian")
)
KINDS: Final = {
    "images": (DIGITS, 2, 20),
    "line": (replace(DIGITS, model=replace(DIGITS.model, latent_dim=1)), 1, 20),
    "deterministic": (replace(DIGITS, model=replace(DIGITS.model, encoder_head="deterministic")), 2, None),
    "points": (POINTS, 2, 300),
}


@pytest.fixture(scope="module", autouse=True)
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRunner]:
    """The runner that the page uses."""
    runner = LocalRunner(tmp_path_factory.mktemp("samples"), max_running=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "_runner", runner)
        yield runner
        runner.close()


def opened(runner: LocalRunner, config: RunConfig) -> AppTest:
    """The latent space page of a run that was trained to its end within this process."""
    run_id = runner.store.create(config)
    folder = runner.store.folder(run_id)
    assert folder is not None
    Driver(folder, queue.SimpleQueue(), io.StringIO()).run()
    at = AppTest.from_file(str(ENTRY), default_timeout=DEADLINE_S)
    at.query_params["run"] = run_id
    return checked(at.switch_page("../pages/latent_space.py").run())


def checked(at: AppTest) -> AppTest:
    assert not at.exception, [error.message for error in at.exception]
    return at


def alts(at: AppTest) -> list[str]:
    """What the section's charts and pictures say to those who do not see them."""
    found = [chart["alt"] for chart in chart_messages(at).values()]
    for node in at.get("image"):
        found += [str(image.alt) for image in node.proto.imgs]  # type: ignore[attr-defined]
    return found


Z = np.zeros((4, 3), np.float32)


def charts_of_samples(at: AppTest) -> list[str]:
    """The two charts of decoded points, as they are sent."""
    return [json.dumps(chart) for key, chart in chart_messages(at).items() if key.startswith("samples_")]


def traces(figure: go.Figure) -> list[Any]:
    return list(figure.data)


def counts(at: AppTest) -> list[tuple[int, int]]:
    """In holes and drawn, for the prior and for the aggregate posterior."""
    captions = [str(caption.value) for caption in at.caption if "lie in holes" in str(caption.value)]
    return [(int(a), int(b)) for a, b in (re.findall(r"\d+", caption)[:2] for caption in captions)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_has_histograms_and_samples(runner: LocalRunner, kind: str) -> None:
    config, num_histograms, num_drawn = KINDS[kind]
    at = opened(runner, config)
    said = alts(at)
    assert sum("Histogram of the aggregate posterior" in text for text in said) == num_histograms, said
    assert sum("decoded samples from" in text for text in said) == 2, said
    assert [drawn for _, drawn in counts(at)] == [num_drawn] * (2 if num_drawn else 0)


def test_new_samples_are_drawn_and_only_on_demand(runner: LocalRunner) -> None:
    at = opened(runner, POINTS)
    before = charts_of_samples(at)
    assert charts_of_samples(checked(at.run())) == before
    after = charts_of_samples(checked(at.button(key="latent_samples_new").click().run()))
    assert all(new != old for new, old in zip(after, before, strict=True))
    assert at.button(key="latent_samples_new").help


def test_a_hole_has_a_tenth_of_the_priors_density() -> None:
    edge = -np.log(10)
    excess = np.array([1.0, edge + 0.01, edge - 0.01, -50.0], np.float32)
    assert Decoded(z=Z, x=np.zeros((4, 2), np.float32), excess=excess).num_in_holes == 2
    assert Decoded(z=Z, x=np.zeros((4, 2), np.float32), excess=None).num_in_holes is None


def normal(z: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    low, high = prior_axis(z)
    axis = np.linspace(low, high, 200, dtype=np.float32)
    return axis, np.exp(-(axis**2) / 2) / np.sqrt(2 * np.pi).astype(np.float32)


@pytest.mark.parametrize("theme", get_args(ThemeName))
def test_histogram_and_prior_are_densities(theme: ThemeName) -> None:
    z = np.random.default_rng(0).normal(1.0, 2.5, size=10_000).astype(np.float32)
    figure = aggregate_figure(z, 4, normal(z), theme=theme)
    bars, line = traces(figure)
    x, y = np.asarray(line["x"]), np.asarray(line["y"])
    assert len(bars["x"]) == NUM_BINS
    assert float(np.sum(bars["y"]) * bars["width"]) == pytest.approx(1, abs=1e-5)
    assert float(((y[1:] + y[:-1]) / 2 * np.diff(x)).sum()) == pytest.approx(1, abs=1e-3)
    assert (x[0], x[-1]) == pytest.approx((z.min(), z.max()))
    assert bars["marker"]["color"] == CONCEPTS[theme]["posterior"]
    assert figure.to_dict()["layout"]["xaxis"]["title"]["text"] == "z<sub>5</sub>"


def test_narrow_aggregate_is_shown_on_the_whole_prior() -> None:
    z = np.full(100, 0.5, np.float32)
    figure = aggregate_figure(z, 0, normal(z), theme="light").to_dict()
    assert figure["layout"]["xaxis"]["range"] == [-4.0, 4.0]


def test_decoded_samples_lie_among_the_data_at_one_scale() -> None:
    x, decoded = np.zeros((5, 2), np.float32), np.ones((3, 2), np.float32)
    figure = decoded_samples_figure(x, decoded, span=2.0, theme="dark")
    assert [len(trace["x"]) for trace in traces(figure)] == [5, 3]
    for axis in ("xaxis", "yaxis"):
        assert figure.to_dict()["layout"][axis]["range"] == [-2, 2], axis
