"""The view of estimators: its numbers are those of the core, its verdicts are those of theory."""

import re
import subprocess
import sys
from dataclasses import replace
from typing import Final

import numpy as np
import pytest
import torch
from scipy.stats import t
from streamlit.testing.v1 import AppTest

from dashboard import cached as cache
from dashboard.gradients import cached
from dashboard.gradients.estimators import Comparison, long_task_key, verdict
from dashboard.gradients.measured import SAMPLE_COUNTS, Cost, Measured
from dashboard.runs.pretrained import PRETRAINED_RUN
from dashboard.runs.runner import LocalRunner
from dashboard.runs.tasks import tasks
from dashboard.subject import pretrained
from tests.page_scripts import (
    ENTRY,
    KINDS,
    TINY,
    charts,
    checked,
    open_page,
    overflowing,
    runner,
    saved,
    table,
    tables_with_nameless_columns,
    trained,
)
from vae_core.config import EncoderHead
from vae_core.data import load_dataset
from vae_core.labs.gradients import accuracy
from vae_core.labs.gradients.estimators import Estimator, gradient_of
from vae_core.labs.gradients.exact import example_elbo, quadrature
from vae_core.runs.runfile import load_run

__all__ = ["runner"]  # a fixture

EXAMPLE: Final = {"estimators_of": "elbo"}
NUMBER: Final = re.compile(r"[−-]?\d[\d,]*\.?\d*(?:e-?\d+)?")


def texts(at: AppTest) -> str:
    return "\n".join(text.value for text in (*at.markdown, *at.caption, *at.info))


def numbers(text: str) -> list[float]:
    return [float(found.replace("−", "-").replace(",", "")) for found in NUMBER.findall(text)]


def choose(at: AppTest, key: str, option: str) -> AppTest:
    control = next(control for control in at.get("button_group") if control.key == key)
    return checked(control.set_value(option).run())  # type: ignore[attr-defined]


def unfold(at: AppTest, key: str) -> AppTest:
    """Opens what is closed."""
    at.session_state[key] = True
    return checked(at.run())


def move(at: AppTest, key: str, value: float) -> AppTest:
    return checked(next(slider for slider in at.slider if slider.key == key).set_value(value).run())


def test_a_function_opens_with_pictures_and_verdicts() -> None:
    at = open_page("gradients")
    assert {"estimators_0", "estimators_1", "estimators_variance_0"} <= charts(at)
    verdicts = table(at, "estimator")
    for name in ("reparameterisation", "score function", "score function − baseline"):
        assert verdicts[name][0].startswith("unbiased")
    assert "−2.400 in μ, −1.000 in σ" in verdicts["samples as constants"][0]
    assert "−2.400" in table(at, "∂/∂μ")["samples as constants"][0]
    ratio = numbers(table(at, "∂/∂μ")["score function"][2])[0]
    # Score: a = 1.19, b = 1.2, c = 0.25 in f = a + b eps + c eps^2; reparameterised: 4 sigma^2 = 1.
    expected = (1.19**2 + 2 * 1.2**2 + 15 * 0.25**2 + 6 * 1.19 * 0.25) / 0.25
    assert ratio == pytest.approx(expected, rel=0.1)


def test_a_step_defeats_reparameterisation_alone() -> None:
    at = choose(open_page("gradients"), "estimators_f", "step: 1 if z > 0, else 0")
    verdicts = table(at, "estimator")
    assert verdicts["reparameterisation"][0].startswith("**biased**")
    assert verdicts["score function"][0].startswith("unbiased")


@pytest.mark.parametrize(
    ("seconds", "said"), [(3.2e-7, "0.32 µs"), (1.4e-4, "140 µs"), (0.0017, "1.7 ms"), (0.23, "230 ms")]
)
def test_a_time_has_no_exponent(monkeypatch: pytest.MonkeyPatch, seconds: float, said: str) -> None:
    monkeypatch.setattr(cached, "function_cost", lambda formula: Cost(seconds / 8, seconds / 8))
    assert table(open_page("gradients"), "estimator")["score function"][1] == f"8 f, {said}"


def test_a_verdict_says_what_its_intervals_can_show() -> None:
    """A bias of 0.5 in μ: outside its interval, inside it, and known without any noise."""

    def said(name: Estimator, *, bias: float, half_width: float, variance: float = 1.0) -> str:
        one = accuracy.Accuracy(1 + bias, variance, bias, half_width, 16)
        exact = accuracy.Accuracy(1.0, variance, 0.0, half_width, 16)
        both = Measured(
            truth=(1.0, 1.0),
            squared_truth=None,
            value=0.0,
            squared_value=None,
            standard_error=(0.0, 0.0),
            error=(0.0, 0.0),
            explicit=(0.0, 0.0),
            accuracy={(1, name): (one, exact)},
            num_samples=16,
        )
        found = Comparison(
            measured=both,
            histograms={},
            cost=Cost(0.0, 0.0),
            sweep=None,
            count=1,
            with_mistake=True,
            std=1.0,
            target="E",
            dimension="",
            unit="",
            form="",
            has_slope=True,
        )
        return verdict(found, name)

    assert said("score", bias=0.5, half_width=0.6) == "unbiased: both intervals hold 0"
    outside = said("score", bias=0.5, half_width=0.4)
    assert outside.startswith("unbiased; an interval misses 0 (0.500 in μ)")
    assert "at most 5 of 100" in outside
    assert said("squared", bias=0.5, half_width=0.4).startswith("**biased**: 0.500 in μ")
    unseen = said("squared", bias=0.5, half_width=0.6)
    assert "too little to be seen in 16 estimates" in unseen
    assert said("constant", bias=0.0, half_width=0.0, variance=0.0).endswith("by less than 2 × 10⁻⁵")


def test_the_intervals_in_view_are_of_all_that_share_their_noise() -> None:
    """Their width in the table is that of ten which hold together, of 2^16 / M estimates."""
    at = open_page("gradients")
    assert "the same noise for all rows" in texts(at)
    for count in (8, 256):
        control = next(slider for slider in at.select_slider if slider.key == "estimators_samples")
        at = checked(control.set_value(count).run())
        for part in ("∂/∂μ", "∂/∂σ"):
            bias, deviation, _ = table(at, part)["score function"]
            wide = t.ppf(1 - 0.05 / 20, 2**16 / count - 1)
            expected = wide * numbers(deviation)[0] * (count / 2**16) ** 0.5
            # Written with two digits and three.
            assert numbers(bias)[1] == pytest.approx(expected, rel=0.06)


def test_the_wrong_spread_is_a_row_and_a_curve() -> None:
    at = open_page("gradients")
    assert "error: z = μ + σ² ε" not in table(at, "estimator")
    at = checked(at.toggle(key="estimators_error").set_value(True).run())
    assert table(at, "estimator")["error: z = μ + σ² ε"][0].startswith("**biased**")
    # z + z^2: 2 sigma, and with the error 4 sigma^3; both are 1 and 1/2 at sigma = 1/2.
    assert [numbers(cell)[0] for cell in table(at, "of")["∂E[f(z)]/∂σ"]] == [1.0, 0.5]
    assert "estimators_sweep" in charts(at)
    at = move(at, "estimators_std", 1.5)
    assert "too large" in texts(at)
    assert [numbers(cell)[0] for cell in table(at, "of")["∂E[f(z)]/∂σ"]] == [3.0, 13.5]
    checked(at.toggle(key="estimators_error").set_value(False).run())
    assert "estimators_sweep" not in charts(at), "what is closed is not drawn"
    assert "estimators_sweep" in charts(unfold(at, "estimators_wrong_std"))


def test_more_samples_lower_the_deviation_as_the_square_root() -> None:
    at = open_page("gradients")
    before = numbers(table(at, "∂/∂σ")["score function"][1])[0]
    control = next(slider for slider in at.select_slider if slider.key == "estimators_samples")
    at = checked(control.set_value(128).run())
    after = numbers(table(at, "∂/∂σ")["score function"][1])[0]
    assert before / after == pytest.approx(4, rel=0.15)


def test_an_example_has_the_gradient_of_the_core() -> None:
    at = move(open_page("gradients", **EXAMPLE), "elbo_example_held_out", 5)
    run = load_run(PRETRAINED_RUN)
    x = load_dataset("digits", seed=run.config.seed).x_test[5]
    example = example_elbo(run.model(), x)
    truth = quadrature(example.exact, example.mean, example.std)
    _, explicit = gradient_of(example.exact.explicit, example.mean, example.std)
    dim = int(cache.encoded(pretrained()).kl_per_dim.mean(0).argmax())
    assert [slider.value for slider in at.slider if slider.key == "estimators_dim"] == [dim + 1]
    unfold(at, "estimators_extra_term")
    lost = [float((a - b)[dim]) for a, b in zip(truth.gradient, explicit, strict=True)]
    shown = table(at, "the extra term, M = 8")["exact"]
    assert [numbers(cell)[0] for cell in shown] == pytest.approx(lost, abs=6e-4)
    assert table(at, "estimator")["score function − baseline"][0].startswith("unbiased")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_run_has_its_example(runner: LocalRunner, kind: str) -> None:
    at = open_page("gradients", run=trained(runner, KINDS[kind]), **EXAMPLE)
    assert not at.error
    if kind == "deterministic":
        assert at.warning
        assert not charts(at)
        return
    at = checked(at.toggle(key="estimators_error").set_value(True).run())
    is_exact = KINDS[kind].model.latent_dim <= 2
    assert ("estimators_sweep" in charts(at)) == is_exact
    assert ("samples of their own" in texts(at)) != is_exact


@pytest.mark.parametrize("head", ["full_covariance", "flow", "mixture"])
def test_of_another_q_mean_and_deviation_are_those_of_its_own(runner: LocalRunner, head: EncoderHead) -> None:
    run_id = trained(runner, replace(TINY, model=replace(TINY.model, encoder_head=head)))
    at = open_page("gradients", run=run_id, **EXAMPLE)
    example = example_elbo(saved(run_id).model, torch.from_numpy(cache.encoded(saved(run_id)).x[0]))
    truth = quadrature(example.exact, example.mean, example.std)
    assert type(example.posterior).__name__ != "DiagonalNormal"
    unfold(at, "estimators_wrong_std")
    (chosen,) = (slider.value for slider in at.slider if slider.key == "estimators_dim")
    dim = int(str(chosen)) - 1
    assert f"{float(example.std[dim]):.3g}" in texts(at)
    shown = [numbers(cells[0])[0] for cells in table(at, "of").values()]
    assert shown[0] == pytest.approx(float(truth.value), abs=1e-3)
    assert shown[1:] == pytest.approx([float(part[dim]) for part in truth.gradient], abs=1e-3)
    assert "its shape" in texts(at)
    assert ("sums over the components" in texts(at)) == (head == "mixture")
    costs = {name: cells[1].split(" f")[0] for name, cells in table(at, "estimator").items()}
    assert costs["reparameterisation"] == ("16" if head == "mixture" else "8")


@pytest.mark.parametrize("likelihood", ["continuous_bernoulli", "gaussian"])
def test_unit_variance_says_that_nothing_learns_from_sigma(runner: LocalRunner, likelihood: str) -> None:
    model = replace(TINY.model, encoder_head="unit_variance", likelihood=likelihood)
    at = open_page("gradients", run=trained(runner, replace(TINY, model=model)), **EXAMPLE)
    assert not at.error
    assert "nothing learns from it" in texts(at)
    assert "estimators_1" in charts(at)


def test_weights_that_overflow_are_said(runner: LocalRunner) -> None:
    run_id = overflowing(runner)
    at = open_page("gradients", run=run_id, **EXAMPLE)
    assert ["diverged" in said.value for said in at.error] == [True]
    at = choose(at, "estimators_of", "function")
    assert not at.error
    assert "estimators_0" in charts(at)


def test_garbage_in_the_link_shows_the_default() -> None:
    at = open_page("gradients", estimators_of="<b>", gradients_view="x")
    assert "estimators_0" in charts(at)


@pytest.mark.parametrize("kind", ["J=2", "J=3"])
def test_a_long_measurement_takes_the_place_of_the_short_one(
    runner: LocalRunner, kind: str, generator: torch.Generator
) -> None:
    """What the task computes, here with fewer samples, and what the page makes of its result."""
    run_id = trained(runner, KINDS[kind])
    at = open_page("gradients", run=run_id, **EXAMPLE)
    assert any(button.key == "estimators_precise_start" for button in at.button)
    subject = saved(run_id)
    key = long_task_key(subject, 0)
    found = accuracy.measure_accuracy(
        subject.model,
        load_dataset("digits", seed=TINY.seed).x_test[0],
        sample_counts=SAMPLE_COUNTS,
        num_samples=3 * accuracy.PIECE,
        generator=generator,
        on_progress=lambda share: None,
    )
    arrays = {name: value.numpy() for name, value in found.items()}
    np.savez(tasks()._file(key), allow_pickle=False, digest=subject.digest, **arrays)
    at = checked(at.run())
    assert f"{3 * accuracy.PIECE:,} samples" in texts(at)
    assert not any(button.key == "estimators_precise_start" for button in at.button)
    result = tasks().result(key)
    assert result is not None
    assert ("truth" in result) == (kind == "J=3")
    dim = int(cache.encoded(subject).kl_per_dim.mean(0).argmax())
    deviation = float(np.sqrt(result["variance"][3, 1, 0, dim]))
    assert numbers(table(at, "∂/∂μ")["score function"][1])[0] == pytest.approx(deviation, rel=6e-3)


def test_figures_do_not_meet_half_of_pandas() -> None:
    """Plotly fails on a pandas that another thread imports at that moment: figures import it first."""
    said = "import sys, dashboard.figures; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", said], cwd=ENTRY.parents[1], capture_output=True, text=True)
    assert done.stdout.strip() == "True", done.stderr


@pytest.mark.parametrize("of", ["function", "elbo"])
def test_every_column_of_every_table_has_a_name(of: str) -> None:
    at = open_page("gradients", estimators_of=of)
    at = unfold(checked(at.toggle(key="estimators_error").set_value(True).run()), "estimators_extra_term")
    assert len(at.table) >= 5
    assert tables_with_nameless_columns(at) == []


def test_a_baseline_of_one_sample_says_that_it_evaluates_f_twice() -> None:
    at = open_page("gradients")
    slider = next(slider for slider in at.select_slider if slider.key == "estimators_samples")
    for count, said in ((1, 2), (8, 8)):
        checked(slider.set_value(count).run())
        costs = {name: row[1] for name, row in table(at, "estimator").items()}
        assert costs["score function − baseline"].startswith(f"{said} f, ")
        assert costs["score function"].startswith(f"{count} f, ")
