"""Runs side by side as a script: what it says is what the core says of the same held-out examples."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import ttest_rel
from streamlit.testing.v1 import AppTest

from dashboard import differences as labels
from dashboard.cached import encoded
from dashboard.compare import cached
from dashboard.compare.cached import MIN_COMMON
from dashboard.formats import plain
from dashboard.runs import tasks
from dashboard.runs.about import About
from dashboard.runs.runner import LocalRunner
from tests.page_scripts import (
    KINDS,
    TINY,
    chart_messages,
    charts,
    checked,
    home_tasks,
    numbers,
    open_page,
    query,
    runner,
    saved,
    table,
    tables_with_nameless_columns,
    text_with,
    trained,
)
from tests.polling import until
from vae_core.config import RunConfig, TrainConfig
from vae_core.data.split import common_rows
from vae_core.evidence import exact_evidence

__all__ = ["home_tasks", "runner"]  # fixtures


def beta(value: float) -> RunConfig:
    return replace(TINY, train=TrainConfig(num_epochs=2, batch_size=256, beta=value))


@pytest.fixture(scope="module")
def pair(runner: LocalRunner) -> tuple[str, str]:
    """Two runs that differ in β alone."""
    return trained(runner, beta(0.5)), trained(runner, beta(4.0))


def compared(*run_ids: str) -> AppTest:
    return open_page("compare", compare_runs=",".join(run_ids))


def rows_of(at: AppTest) -> dict[str, list[str]]:
    """Cells of the table of numbers by the labels of the runs, which stand there as Markdown."""
    return {label.replace("\\", ""): cells for label, cells in table(at, "run").items()}


def test_without_runs_it_says_what_to_do() -> None:
    at = open_page("compare")
    assert "Nothing to compare yet" in at.info[0].value
    assert at.multiselect(key="compare_pick").placeholder == "No runs yet"
    assert not at.error
    assert at.expander[0].label == "β sweep"
    assert charts(at) == set()


def test_numbers_are_those_of_the_core_and_differences_are_of_pairs(pair: tuple[str, str]) -> None:
    at = compared(*pair)
    one, other = (encoded(saved(run_id)) for run_id in pair)
    rows = rows_of(at)
    assert list(rows) == ["β 0.5", "β 4"]
    for label, terms in zip(rows, (one, other), strict=True):
        elbo = terms.elbo.astype(float)
        assert numbers(rows[label][1]) == [
            pytest.approx(elbo.mean(), abs=0.011),
            pytest.approx(elbo.std(ddof=1) / math.sqrt(len(elbo)), abs=0.006),
        ]
        assert numbers(rows[label][3])[0] == pytest.approx(terms.reconstruction.mean(), abs=0.006)
        assert numbers(rows[label][4])[0] == pytest.approx(terms.kl.mean(), abs=0.006)
        shown, reconstruction, kl = (numbers(rows[label][column])[0] for column in (1, 3, 4))
        assert shown == pytest.approx(reconstruction - kl, abs=1e-9), "the reader's own sum"
    found = ttest_rel(other.elbo.astype(float), one.elbo.astype(float))
    value, error = numbers(rows["β 4"][2])
    assert value == pytest.approx(float((other.elbo - one.elbo).astype(float).mean()), abs=0.011)
    assert error == pytest.approx(abs(value / float(found.statistic)), abs=0.02)
    assert value == pytest.approx(numbers(rows["β 4"][1])[0] - numbers(rows["β 0.5"][1])[0], abs=1e-9)
    assert rows["β 0.5"][2] == "–"
    assert "360 held-out examples, M = 1" in text_with(at, "M = 1")
    assert tables_with_nameless_columns(at) == []


def test_only_what_differs_is_listed(pair: tuple[str, str]) -> None:
    at = compared(*pair)
    (head,) = (list(one.value.columns) for one in at.table if "KL weight β" in one.value.columns)
    assert head == ["run", "KL weight β"]
    assert "All settings of these runs are the same" in text_with(
        compared(pair[0], _twin(pair[0])), "same, the"
    )


def _twin(run_id: str) -> str:
    from dashboard.runs.runner import runner as of_app

    config = of_app().store.config(run_id)
    assert config is not None
    return trained(of_app(), config)


def test_rate_and_distortion_have_a_point_a_run(pair: tuple[str, str]) -> None:
    at = compared(*pair)
    chart = chart_messages(at)["runs_rates"]
    found = numbers(chart["alt"].replace("β 0.5", "").replace("β 4", ""))
    expected = [2]
    for run_id in pair:
        terms = encoded(saved(run_id))
        expected += [float(terms.kl.mean()), -float(terms.reconstruction.mean())]
    assert found == [pytest.approx(value, abs=0.006) for value in expected]
    assert {"runs_elbo_held_out", "runs_kl_held_out", "runs_kl"} < charts(at)


def test_turned_planes_say_what_is_left(pair: tuple[str, str]) -> None:
    at = compared(*pair)
    one, other = (encoded(saved(run_id)).means.astype(float) for run_id in pair)
    singular = np.linalg.svd(other.T @ one)[1].sum()
    left = (one**2).sum() + (other**2).sum() - 2 * singular
    said = numbers(text_with(at, "residual").split("\n")[1])
    assert said == [
        pytest.approx(math.sqrt(left / len(one)), abs=0.006),
        pytest.approx(100 * left / (one**2).sum(), abs=0.6),
    ]


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_turned_copy_of_a_run_has_the_same_plane_and_the_same_grid(
    pair: tuple[str, str], mirrored: bool
) -> None:
    """The decoder takes z R, the encoder gives μ R': the same model in another frame."""
    subject = saved(pair[0])
    angle = 0.8
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    turn = turn @ torch.diag(torch.tensor([1.0, -1.0 if mirrored else 1.0]))
    model = subject.run.model()
    with torch.no_grad():
        weight, bias = model.encoder.weights[-1], model.encoder.biases[-1]
        weight[:2], bias[:2] = turn @ weight[:2], turn @ bias[:2]
        model.decoder.weights[0].copy_(model.decoder.weights[0] @ turn.T)
    other = replace(subject, model=model, digest="turned")
    first, second = cached.planes((subject, other))
    assert np.abs(first.points - second.points).max() < 1e-4
    assert np.abs(first.grid - second.grid).max() < 1e-4
    assert second.residual < 1e-4
    assert (first.is_mirrored, second.is_mirrored) == (False, mirrored)


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_of_run_stands_beside_its_like(runner: LocalRunner, kind: str) -> None:
    config = KINDS[kind]
    other = replace(config, train=replace(config.train, learning_rate=5e-3))
    at = compared(trained(runner, config), trained(runner, other))
    assert list(rows_of(at)) == ["η 0.002", "η 0.005"]
    assert not at.warning
    assert ("runs_rates" in charts(at)) == (kind != "deterministic")


def test_learned_prior_has_no_parts_of_its_kl(runner: LocalRunner, pair: tuple[str, str]) -> None:
    model = replace(TINY.model, prior="vamp", num_components=5)
    at = compared(pair[0], trained(runner, replace(beta(0.5), model=model)))
    assert len(rows_of(at)) == 2
    chart = chart_messages(at)["runs_kl"]
    assert chart["alt"].count(":") == 1


def test_more_and_fewer_dimensions_share_a_plane(runner: LocalRunner) -> None:
    at = compared(*(trained(runner, KINDS[kind]) for kind in ("J=3", "J=1", "J=8")))
    assert list(rows_of(at)) == ["J = 3", "J = 1", "J = 8"]
    assert "Runs with fewer dimensions get zeros" in text_with(at, "Dashed")


def test_other_data_are_left_out_in_one_sentence(runner: LocalRunner, pair: tuple[str, str]) -> None:
    at = compared(pair[0], trained(runner, KINDS["points"]), pair[1])
    (said,) = at.warning
    assert "is left out: it was trained on other data" in said.value
    assert len(rows_of(at)) == 2


def test_seeds_are_compared_on_what_all_of_them_held_out(runner: LocalRunner, pair: tuple[str, str]) -> None:
    other = trained(runner, replace(beta(0.5), seed=1))
    at = compared(pair[0], other)
    parts = [saved(run_id).data.x_test for run_id in (pair[0], other)]
    rows = common_rows(parts)
    assert MIN_COMMON < len(rows[0]) < 110
    assert f"these {len(rows[0])} of 360 are held out by all" in text_with(at, "splits differ")
    elbo = encoded(saved(other)).elbo[rows[1].numpy()]
    assert numbers(rows_of(at)["seed 1"][1])[0] == pytest.approx(float(elbo.mean()), abs=0.006)
    sides = cached.side_by_side((saved(pair[0]), saved(other)))
    for one in sides:
        assert one.kl_per_dim.sum() == pytest.approx(one.kl.mean(), rel=1e-5), "of the same examples"


def test_likelihoods_of_another_kind_are_not_subtracted(runner: LocalRunner, pair: tuple[str, str]) -> None:
    model = replace(TINY.model, likelihood="gaussian", likelihood_scale=0.3)
    at = compared(pair[0], trained(runner, replace(beta(0.5), model=model)))
    assert [cells[2] for cells in rows_of(at).values()] == ["–", "–"]
    assert "no difference of nats means anything" in text_with(at, "Bernoulli likelihoods are")
    chart = chart_messages(at)["runs_rates"]
    assert "of 1 run" in chart["alt"]


def test_gaps_are_measured_for_all_at_once(pair: tuple[str, str], home_tasks: tasks.Tasks) -> None:
    at = compared(*pair)
    checked(at.button(key="runs_gaps_start").click().run())

    def measured() -> bool:
        checked(at.run())
        return any("log p(x)" in one.value.columns for one in at.table)

    until(measured, "the gaps")
    frame = next(one.value for one in at.table if "log p(x)" in one.value.columns)
    for run_id, row in zip(pair, frame.to_numpy(), strict=True):
        subject = saved(run_id)
        exact = exact_evidence(subject.model, subject.data.x_test[:])
        assert numbers(str(row[2]))[0] == pytest.approx(float(exact.log_evidence.mean()), abs=0.006)
        gap = exact.log_evidence - exact.elbo
        assert numbers(str(row[4]))[0] == pytest.approx(float(gap.mean()), abs=0.011)
        evidence, elbo, shown = (numbers(str(row[column]))[0] for column in (2, 3, 4))
        assert shown == pytest.approx(evidence - elbo, abs=1e-9), "the reader's own sum"


def test_names_that_people_gave_are_the_labels(runner: LocalRunner, pair: tuple[str, str]) -> None:
    named = trained(runner, beta(0.5))
    runner.store.write_about(named, About(name="Tuesday", created=1.0))
    assert list(rows_of(compared(named, pair[1]))) == ["Tuesday", "β 4"]
    assert labels.labels(["Run a", "Run b"], ["", ""], [TINY, TINY]) == ["Run a", "Run b"]


def test_names_that_attack_are_letters(runner: LocalRunner, pair: tuple[str, str]) -> None:
    named = trained(runner, beta(0.5))
    name = "<img src=x onerror=alert(1)> **b** %{x} [a](http://x)"
    runner.store.write_about(named, About(name=name, created=1.0))
    at = compared(named, pair[1])
    shown = name[: labels.MAX_NAME - 1] + "…"
    assert next(iter(rows_of(at))) == shown
    assert next(iter(table(at, "run"))) == plain(shown)
    for key in ("runs_rates", "runs_elbo_held_out"):
        assert "<img" not in json.dumps(chart_messages(at)[key]["figure"]), key
    markup = re.compile(r"(?<!\\)(<img|\]\(http)")
    assert not [one.value for one in (*at.markdown, *at.caption) if markup.search(one.value)]


def test_the_address_holds_the_runs_and_one_that_is_gone_is_said(pair: tuple[str, str]) -> None:
    at = compared(*pair)
    assert query(at)["compare_runs"] == ",".join(pair)
    checked(at.multiselect(key="compare_pick").set_value([pair[1]]).run())
    assert query(at)["compare_runs"] == pair[1]
    assert list(rows_of(at)) == [f"Run {pair[1][:4]}"]
    gone = compared(pair[0], "0" * 16)
    assert "no longer exist" in gone.warning[0].value
    assert query(gone)["compare_runs"] == pair[0]
