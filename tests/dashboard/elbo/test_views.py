"""The views of the ELBO page: the numbers on them are those of the core, and they fit each other."""

import json
import re
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.elbo import cached
from dashboard.formats import plain, rounded, signed
from dashboard.runs import tasks
from dashboard.runs.pretrained import PRETRAINED_RUN
from dashboard.runs.runner import LocalRunner
from tests.page_scripts import (
    KINDS,
    TINY,
    chart_messages,
    charts,
    checked,
    choose,
    home_tasks,
    numbers,
    open_page,
    query,
    runner,
    saved,
    table,
    text_with,
    trained,
)
from tests.polling import until
from vae_core.config import EncoderHead, ModelConfig, RunConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.errors import BadInput
from vae_core.evidence.exact import exact_evidence
from vae_core.runs.runfile import load_run, save_run

__all__ = ["home_tasks", "runner"]  # fixtures

VIEWS: Final = ("all_examples", "one_example", "watch_q", "ladder", "bits_back", "causes", "units")


def turn(at: AppTest, view: str) -> AppTest:
    return choose(at, "elbo_view", view)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (BadInput("x", "n![a](b) is none", "use 3"), plain("n![a](b) is none; use 3.")),
        (MemoryError(), "The server has not enough memory for this view"),
        (RuntimeError("can't allocate memory: you tried"), "The server has not enough memory for this view"),
    ],
)
def test_what_a_section_cannot_compute_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr("dashboard.elbo.all_examples.headline", fail)
    at = open_page("elbo")
    assert [message.value.startswith(said) for message in at.error] == [True], at.error


def test_so_many_samples_that_a_page_would_wait_for_minutes_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """360 held-out digits and 8448 weights on each side: 3 million products with M = 1."""
    monkeypatch.setattr("vae_core.memory.MAX_PRODUCTS", 50_000_000)
    assert not open_page("elbo").error
    (message,) = open_page("elbo", elbo_samples="100").error
    assert plain("100 samples for each of 360 examples take minutes in this network") in message.value


@pytest.mark.usefixtures("short_computations")
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_run_has_every_view(runner: LocalRunner, kind: str, view: str) -> None:
    at = turn(open_page("elbo", run=trained(runner, KINDS[kind])), view)
    assert not at.error
    if kind == "deterministic":
        assert at.warning or view == "units"


def test_one_example_shows_three_measured_numbers() -> None:
    at = turn(open_page("elbo"), "one_example")
    run = load_run(PRETRAINED_RUN)
    x = load_dataset("digits", seed=run.config.seed).x_test
    for index in (0, 1, 3, 7):
        next(s for s in at.slider if s.key == "elbo_example_held_out").set_value(index).run()
        expected = exact_evidence(run.model(), x[index : index + 1])
        log_evidence, elbo, divergence = numbers(text_with(at, "log p(x) **"))
        assert log_evidence == pytest.approx(float(expected.log_evidence), abs=1.6e-3)
        assert elbo == pytest.approx(float(expected.elbo), abs=1.1e-3)
        assert divergence == pytest.approx(float(expected.kl_to_posterior), abs=6e-4)
        reconstruction, kl, *_ = numbers(text_with(at, "Reconstruction −"))
        assert round(reconstruction - kl, 3) == elbo
        assert round(elbo + divergence, 3) == log_evidence
    assert {"bound", "posterior", "importance", "samples", "histogram"} <= charts(at)


def test_example_stays_from_view_to_view() -> None:
    at = turn(open_page("elbo"), "one_example")
    next(s for s in at.slider if s.key == "elbo_example_held_out").set_value(11).run()
    at = turn(turn(at, "units"), "watch_q")
    assert next(s for s in at.slider if s.key == "elbo_example_held_out").value == 11


def test_q_moves_uphill_and_stays_below_the_evidence() -> None:
    at = turn(open_page("elbo"), "watch_q")
    before, after, evidence = (numbers(metric.value)[0] for metric in at.metric)
    assert before < after < evidence
    closed, left = (numbers(metric.delta)[0] for metric in at.metric[1:])
    assert (round(before + closed, 3), round(after + left, 3)) == (after, evidence)
    said = numbers(text_with(turn(at, "one_example"), "log p(x) **"))
    assert said[:2] == [evidence, before], "the same example in another view"


def panels(at: AppTest) -> list[float]:
    """How far below log p(x) each q of the ladder is, as its picture says."""
    return [numbers(text.value)[-1] for text in at.markdown if "nats below log p(x)" in text.value]


def test_ladder_climbs_from_the_bound_of_the_other_views_to_log_p() -> None:
    at = turn(open_page("elbo", elbo_example_held_out="3"), "ladder")
    below = panels(at)
    assert below == sorted(below, reverse=True)
    assert below[-1] < 0.05 < below[0]
    families = {"encoder", "diagonal", "full", "mixture", "flow", "posterior"}
    assert charts(at) >= {"stair", *(f"ladder_{family}" for family in families)}
    log_evidence, elbo, divergence = numbers(text_with(turn(at, "one_example"), "log p(x) **"))
    assert below[0] == divergence == round(log_evidence - elbo, 3)


def test_mixture_of_one_is_the_rung_before() -> None:
    below = panels(turn(open_page("elbo", elbo_components="1"), "ladder"))
    assert below[2] == below[3]


def test_ladder_of_a_large_decoder_is_climbed_in_the_background(
    home_tasks: tasks.Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = panels(turn(open_page("elbo", elbo_components="1"), "ladder"))
    monkeypatch.setattr("dashboard.elbo.ladder.MAX_INLINE", 0)
    at = turn(open_page("elbo", elbo_components="1"), "ladder")
    assert panels(at) == []
    next(b for b in at.button if b.key == "ladder_one_start").click().run()
    (name,) = home_tasks._tasks
    until(lambda: home_tasks.progress(name) is None, "the ladder")
    assert panels(checked(at.run())) == at_once


def test_ladder_of_many_examples_is_a_task_with_a_table(
    home_tasks: tasks.Tasks, runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.elbo.ladder.MAX_MANY", 4)
    at = open_page("elbo", run=trained(runner, KINDS["J=1"]), elbo_view="ladder", elbo_components="2")
    next(b for b in at.button if b.key == "ladder_many_start").click().run()
    (name,) = home_tasks._tasks
    until(lambda: home_tasks.progress(name) is None, "the ladder")
    rows = table(checked(at.run()), "nats per example")
    assert list(rows) == ["encoder’s q", "best Gaussian", "mixture of 2", "flow", "**log p(x)**"]
    means = [numbers(cells[0])[0] for cells in rows.values()]
    assert means == sorted(means)
    steps = [numbers(cells[1])[0] for cells in list(rows.values())[1:-1]]
    assert steps == [round(b - a, 3) for a, b in pairwise(means[:-1])]
    assert "The first 4 examples" in " ".join(caption.value for caption in at.caption)


def test_ladder_of_more_dimensions_says_that_it_is_sampled(runner: LocalRunner) -> None:
    at = turn(open_page("elbo", run=trained(runner, KINDS["J=3"])), "ladder")
    assert any("standard errors" in caption.value for caption in at.caption)
    assert any("J = 1 or 2" in info.value for info in at.info)


def test_file_of_the_held_out_digits_is_hardly_longer_than_the_bound(home_tasks: tasks.Tasks) -> None:
    at = turn(open_page("elbo"), "bits_back")
    next(b for b in at.button if b.key == "bits_back_start").click().run()
    (name,) = home_tasks._tasks
    until(lambda: home_tasks.progress(name) is None, "the file")
    at = checked(at.run())
    size, bound, over = (numbers(metric.value)[0] for metric in at.metric)
    assert over == pytest.approx(100 * (size / bound - 1), abs=0.1)
    assert 0 < over < 3
    assert "all 360 images identical" in " ".join(text.value for text in at.markdown)
    assert {"bits_back_sizes", "bits_back_lengths"} <= charts(at)
    assert any(b.key == "bits_back_file" for b in at.get("download_button"))  # type: ignore[attr-defined]
    at = choose(at, "bits_back_pixels", "grey")
    assert any(b.key == "bits_back_start" for b in at.button), "grey levels are another file"


A_MINUS_OF_ASCII: Final = re.compile(r"(?<![\w^{(/-])-\d")


@pytest.mark.parametrize("view", ["all_examples", "one_example", "units"])
def test_negative_numbers_have_a_real_minus(runner: LocalRunner, view: str) -> None:
    """A density above 1 makes the distortion negative; the parts of a KL may be estimated below 0."""
    model = ModelConfig(data_dim=2, hidden_dims=(8,), likelihood="gaussian", likelihood_scale=0.05)
    train = TrainConfig(num_epochs=40, batch_size=64, learning_rate=0.02)
    at = open_page(
        "elbo", run=trained(runner, replace(KINDS["points"], model=model, train=train)), elbo_view=view
    )
    said = [text.value for text in (*at.markdown, *at.caption, *at.info)]
    said += [part for metric in at.metric for part in (metric.value, metric.delta)]
    said += [message["alt"] for message in chart_messages(at).values()]
    assert not [text for text in said if A_MINUS_OF_ASCII.search(text)]
    if view == "all_examples":
        assert "distortion −" in text_with(at, "distortion")


@pytest.mark.parametrize("seed", range(4))
def test_what_is_left_to_learn_is_the_difference_of_the_numbers_beside_it(
    runner: LocalRunner, seed: int
) -> None:
    at = open_page("elbo", run=trained(runner, replace(TINY, seed=seed)), elbo_view="units")
    reconstruction, floor, left = numbers(text_with(at, "left to learn"))
    assert round(reconstruction - floor, 2) == left


def test_an_objective_with_the_total_correlation_says_what_its_beta_does(runner: LocalRunner) -> None:
    head = replace(TINY.model, latent_dim=3, encoder_head="mixture")
    config = replace(TINY, model=head, train=replace(TINY.train, objective="total_correlation"))
    at = open_page("elbo", run=trained(runner, config))
    assert "with β = 1 the objective is this bound" in text_with(at, "Trained on ELBO")
    # A part that is 0 may be estimated below it.
    *parts, total, _ = numbers(text_with(at, "= mean KL").replace("− ", "−"))[:5]
    assert len(parts) == 3, "its total correlation is one of them"
    assert round(sum(parts), 3) == total
    assert "from the samples of z of the bound above" in text_with(at, "= mean KL")
    assert total == pytest.approx(numbers(text_with(at, "KL to N(0, I)"))[1], abs=6e-4), "one KL, one value"
    correlation = next(one for one in at.metric if one.label == "Total correlation of q(z)")
    assert numbers(correlation.value)[0] == pytest.approx(parts[1], abs=6e-3)


def test_the_kl_of_a_flow_has_two_parts(runner: LocalRunner) -> None:
    at = open_page("elbo", run=trained(runner, replace(TINY, model=replace(TINY.model, encoder_head="flow"))))
    first, second, total, _ = numbers(text_with(at, "= mean KL"))[:4]
    assert round(first + second, 3) == total
    assert "which a flow has in no closed form" in text_with(at, "= mean KL")
    assert total == pytest.approx(numbers(text_with(at, "KL to N(0, I)"))[1], abs=6e-4), "one KL, one value"
    assert not [one for one in at.metric if one.label == "Total correlation of q(z)"]


@pytest.mark.parametrize("head", ["mixture", "log_variance"])
def test_a_sampled_kl_has_one_value_with_any_number_of_samples(
    runner: LocalRunner, head: EncoderHead, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To a learned prior, with three samples for each component of q; and where only some can be compared."""
    model = replace(TINY.model, encoder_head=head, prior="mixture", num_components=3)
    run = trained(runner, replace(TINY, model=model))
    at = open_page("elbo", run=run, elbo_samples="3")
    *_, total, _ = numbers(text_with(at, "= mean KL"))[:4]
    assert total == pytest.approx(numbers(text_with(at, "KL to the learned prior"))[0], abs=6e-4)
    monkeypatch.setattr(cached, "MAX_SAMPLED_DIMS", 2 * 2 * model.draws_of_each)
    monkeypatch.setattr(cached, "MAX_SURGERY_EXAMPLES", 100)
    at = open_page("elbo", run=run, elbo_samples="10")
    said = "from 2 of the 10 samples of z of the first 100 examples of the bound above"
    assert said in text_with(at, "= mean KL")
    assert "With M up to 2 none is left out." in text_with(at, "at most 2 of the M = 10 are decomposed")
    at = open_page("elbo", run=run, elbo_samples="1")
    assert not [one for one in at.caption if "none is left out" in one.value]


def test_pixels_are_in_the_link_and_begin_with_those_of_the_likelihood(runner: LocalRunner) -> None:
    gaussian = trained(runner, replace(TINY, model=replace(TINY.model, likelihood="gaussian")))
    for run, first in ((trained(runner, TINY), "binary"), (gaussian, "grey")):
        for said in ({}, {"bits_back_pixels": "grey"}, {"bits_back_pixels": "binary"}):
            at = open_page("elbo", run=run, elbo_view="bits_back", **said)
            expected = said.get("bits_back_pixels", first)
            assert [one.value for one in at.segmented_control if one.key == "bits_back_pixels"] == [expected]
            assert said.items() <= query(at).items()


def test_bits_back_says_what_it_cannot_code(runner: LocalRunner) -> None:
    at = turn(open_page("elbo", run=trained(runner, KINDS["points"])), "bits_back")
    assert any("images in [0, 1]" in info.value for info in at.info)
    wide = replace(TINY, model=replace(TINY.model, latent_dim=9))
    at = turn(open_page("elbo", run=trained(runner, wide)), "bits_back")
    assert any("at most 8 latent dimensions" in info.value for info in at.info)


def test_gaps_are_measured_in_the_background_and_split(home_tasks: tasks.Tasks, runner: LocalRunner) -> None:
    at = open_page("elbo", run=trained(runner, KINDS["J=1"]))
    next(b for b in at.button if b.key == "gaps_start").click().run()
    (name,) = home_tasks._tasks
    until(lambda: home_tasks.progress(name) is None, "the gaps")
    at = checked(at.run())
    rows = {name.strip(" *·"): numbers(cells[0])[0] for name, cells in table(at, "nats per example").items()}
    gap = next(value for key, value in rows.items() if key.startswith("gap"))
    for total in (
        rows["log p(x)"] - rows["ELBO of the encoder"],
        rows["amortisation gap"] + rows["approximation gap"],
    ):
        assert f"{total:.3f}" == f"{gap:.3f}", "in the digits that are shown"
    assert min(rows["amortisation gap"], rows["approximation gap"]) > 0
    at = turn(at, "one_example")
    assert "split" not in " ".join(caption.value for caption in at.caption), "the bar shows both gaps"


def test_reductions_tell_the_beta_that_is_trained_with() -> None:
    at = turn(open_page("elbo"), "units")
    loss, beta, *_ = (numbers(metric.value)[0] for metric in at.metric)
    assert beta == 1
    choose(at, "reduce_pixels", "mean")
    smaller, beta, *_ = (numbers(metric.value)[0] for metric in at.metric)
    assert beta == 64
    assert smaller < loss


def test_units_are_of_the_batch_that_is_trained_with(runner: LocalRunner) -> None:
    run_id = trained(runner, replace(TINY, train=replace(TINY.train, batch_size=5000)))
    at = turn(open_page("elbo", run=run_id), "units")
    choose(at, "reduce_kl_batch", "sum")
    beta = numbers(next(metric.value for metric in at.metric if metric.label == "Effective β"))[0]
    assert beta == 1437, "all training examples, and not 5000"
    assert numbers(text_with(at, "Its author wrote"))[-1] == 1437


def test_more_dimensions_say_why_there_is_no_exact_evidence(runner: LocalRunner) -> None:
    kind = next(kind for kind, config in KINDS.items() if config.model.latent_dim > 2)
    at = turn(open_page("elbo", run=trained(runner, KINDS[kind])), "one_example")
    assert any("J ≤ 2" in info.value for info in at.info)
    assert "importance" in charts(at)
    assert "posterior" not in charts(at)


@pytest.mark.parametrize("view", VIEWS)
def test_weights_that_overflow_are_said(runner: LocalRunner, view: str) -> None:
    run_id = trained(runner, KINDS["J=2"])
    path = runner.store.run_file(run_id)
    assert path is not None
    run = load_run(path)
    save_run(path, replace(run, weights={name: w * 1e30 for name, w in run.weights.items()}))
    at = open_page("elbo", run=run_id, elbo_view=view)
    assert ["diverged" in said.value for said in at.error] == [True]


def test_collapse_is_predicted_for_a_gaussian_likelihood(runner: LocalRunner) -> None:
    kind = next(
        kind
        for kind, config in KINDS.items()
        if config.model.likelihood == "gaussian" and config.model.encoder_head != "deterministic"
    )
    at = turn(open_page("elbo", run=trained(runner, KINDS[kind])), "units")
    assert "collapse" in charts(at)
    assert "Predicted active" in text_with(at, "β s²")


LINEAR = replace(
    TINY.model, latent_dim=3, hidden_dims=(), likelihood="gaussian", likelihood_scale=0.25
)  # fmt: skip


@pytest.mark.parametrize("head", ["log_variance", "full_covariance", "unit_variance"])
def test_collapse_is_predicted_from_the_data_that_were_trained_on(
    runner: LocalRunner, head: EncoderHead
) -> None:
    run_id = trained(runner, replace(TINY, model=replace(LINEAR, encoder_head=head)))
    at = turn(open_page("elbo", run=run_id), "units")
    x = saved(run_id).data.x_train[:].numpy().astype(np.float64)
    largest = np.linalg.eigvalsh(np.cov(x.T, bias=True))[::-1][:3]
    said = text_with(at, "β s²")
    assert ", ".join(rounded(value) for value in largest) in said
    assert "This model is linear" in said
    assert ("principal axes" in said) == (head != "log_variance")
    ratio = largest / 0.25**2
    expected = 0.5 * (np.sqrt(ratio) - 1) if head == "unit_variance" else 0.5 * np.log(ratio)
    assert cached.predicted_collapse(saved(run_id)).kl_per_dim.tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "config",
    [
        replace(TINY, model=LINEAR, train=replace(TINY.train, free_bits=0.5)),
        replace(TINY, model=replace(LINEAR, num_conditions=10), condition="class"),
    ],
    ids=["free bits", "given a class"],
)
def test_collapse_is_not_predicted_where_the_theory_is_of_another_model(
    runner: LocalRunner, config: RunConfig
) -> None:
    at = turn(open_page("elbo", run=trained(runner, config)), "units")
    assert "collapse" not in charts(at)
    assert any("without free bits, conditional on nothing" in said.value for said in at.info)


def _headline() -> None:
    import numpy as np
    import torch

    from dashboard.cached import Encoded, Rows
    from dashboard.elbo import all_examples
    from dashboard.subject import pretrained

    x, labels = np.zeros((2, 1), np.float32), np.zeros(2, np.int32)
    reconstruction, kl = np.full(2, -20.834, np.float32), np.full(2, 3.344, np.float32)
    terms = Encoded(
        x=Rows(torch.from_numpy(x)),
        labels=labels,
        means=x,
        stds=x,
        elbo=reconstruction - kl,
        reconstruction=reconstruction,
        kl=kl,
        kl_per_dim=kl[:, None],
    )
    all_examples.headline(terms, pretrained(), "held_out", 1)
    all_examples.two_terms(terms, pretrained())


def test_the_digits_that_are_shown_add_up() -> None:
    at = checked(AppTest.from_function(_headline).run())
    assert [metric.value for metric in at.metric] == ["−20.83 nats", "3.34 nats", "−24.17 nats"]
    assert numbers(at.markdown[0].value) == [-20.83, 3.34, -24.17]


def test_figures_and_sentence_of_an_example_have_one_log_evidence() -> None:
    """A sum of rounded numbers may differ from the rounded sum: of some of these examples it does."""
    at = turn(open_page("elbo"), "one_example")
    for index in range(8):
        checked(at.slider(key="elbo_example_held_out").set_value(index).run())
        total, elbo, gap = numbers(text_with(at, "log p(x) **"))[:3]
        told = chart_messages(at)
        for key in ("bound", "importance"):
            said = json.dumps(told[key]["figure"], ensure_ascii=False)
            assert f"log p(x) <b>{signed(total, 3)}" in said or f"log p(x) {signed(total, 3)}" in said, key
        assert f"ELBO <b>{signed(elbo, 3)}" in json.dumps(told["bound"]["figure"], ensure_ascii=False)
        assert f"<b>{gap:.3f}" in json.dumps(told["bound"]["figure"], ensure_ascii=False)


def test_the_objective_stands_below_the_bound_where_it_is_another_one(runner: LocalRunner) -> None:
    heavy = replace(TINY, train=replace(TINY.train, beta=4.0))
    at = open_page("elbo", run=trained(runner, heavy))
    bound, objective = (numbers(text_with(at, part)) for part in ("nats per example", "Objective"))
    assert objective[1] == 4.0
    assert objective[3] == pytest.approx(bound[0] - 4 * objective[2], abs=0.006)
    assert objective[2] == pytest.approx(bound[1], abs=0.006)
    assert "Objective" not in "".join(text.value for text in open_page("elbo").markdown)
