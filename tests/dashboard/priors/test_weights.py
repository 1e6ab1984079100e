"""The view of weights: its numbers are the core's, the error shows, and the comparison runs as a task."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.formats import plain, signed
from dashboard.priors import cached, weights
from dashboard.runs.tasks import Tasks
from tests.page_scripts import chart_messages, charts, checked, home_tasks, open_page, runner, table
from tests.polling import until

__all__ = ["home_tasks", "runner"]  # fixtures


def view() -> AppTest:
    return open_page("priors", priors_view="weights")


def choose(at: AppTest, key: str, option: str) -> AppTest:
    control = next(control for control in at.get("button_group") if control.key == key)
    return checked(control.set_value(option).run())  # type: ignore[attr-defined]


def texts(at: AppTest) -> str:
    cells = [str(cell) for table in at.table for cell in table.value.to_numpy().reshape(-1)]
    return "\n".join([*(text.value for text in (*at.markdown, *at.caption, *at.warning)), *cells])


def test_it_opens_with_a_picture_and_the_numbers_of_the_core() -> None:
    at = view()
    assert {"w_line", "w_line_bound"} <= charts(at)
    found, drawn = cached.line(20, 0.5, wrong=False)
    assert f"**{signed(found.log_likelihood, 3)}**" in texts(at)
    assert f"**{found.weight_kl:.3f}**" in texts(at)
    for _, place in cached.places(drawn.z):
        cells = [f"{drawn.spread[place]:.3f}", f"{drawn.exact_spread[place]:.3f}"]
        assert cells in list(table(at, "standard deviation of f(z)").values())
    assert not at.warning


def test_the_numbers_of_the_bound_add_up_in_the_digits_that_are_shown() -> None:
    """Of 20 flowers the bar said −34.638 + 29.434 = −5.205."""
    at = view()
    found, _ = cached.line(20, 0.5, wrong=False)
    bound = round(found.log_likelihood, 3) - round(found.weight_kl, 3)
    shown = bound + round(found.kl_to_posterior, 3)
    assert shown == pytest.approx(found.log_evidence, abs=1.5e-3)
    said = str(chart_messages(at)["w_line_bound"]["alt"])
    gap = f"{found.kl_to_posterior:.3f}"
    assert said == f"F {signed(bound, 3)}, log p(data) {signed(shown, 3)}, gap {gap} nats."
    names = [trace["name"] for trace in chart_messages(at)["w_line_bound"]["figure"]["data"]]
    assert names == [f"ELBO <b>{signed(bound, 3)}</b>", f"KL(q ‖ true posterior) <b>{gap}</b>"]


def test_counting_the_divergence_once_per_example_is_said_and_costs() -> None:
    at = choose(view(), "w_line_count", "repeated")
    (said,) = at.warning
    assert "20 · KL" in said.value
    wrong, right = (cached.line(20, 0.5, wrong=form)[0] for form in (True, False))
    assert f"**{wrong.weight_kl:.3f}**" in texts(at)
    assert wrong.bound < right.bound - 10


def test_exact_posterior_is_surest_among_the_data() -> None:
    _, drawn = cached.line(cached.NUM_FLOWERS, 0.5, wrong=False)
    among, gap, beyond = (drawn.exact_spread[place] for _, place in cached.places(drawn.z))
    assert among < gap < beyond
    lengths = drawn.points[:, 0]
    assert not ((lengths > -0.9) & (lengths < -0.6)).any(), "no flower lies in the gap"


def test_comparison_runs_in_the_background_and_its_result_stays(
    monkeypatch: pytest.MonkeyPatch, home_tasks: Tasks
) -> None:
    monkeypatch.setattr(weights, "NUM_STEPS", 30)
    monkeypatch.setattr(weights, "SEEDS", (0,))
    at = view()
    assert "w_plane_small" not in charts(at)
    next(b for b in at.button if b.key == "weights_start").click().run()
    (name,) = home_tasks._tasks
    until(lambda: home_tasks.progress(name) is None, "the comparison")
    at = checked(at.run())
    assert not at.error
    names = ("plane", "mean", "spread")
    assert {f"w_{part}_{size}" for part in names for size in ("small", "large")} <= charts(at)
    result = home_tasks.result(name)
    assert result is not None
    for size in ("small", "large"):
        for form in ("plain", "full", "wrong"):
            assert signed(float(result[f"{size}_{form}_test"][0])) in texts(at)
    assert "takes 5 seeds" in texts(at), "one training is no verdict"
    at = choose(at, "w_form", "repeated")
    assert "N times too strongly" in texts(at)
    assert "w_plane_small" in charts(view()), "another session finds the result"


def test_task_that_fails_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch, home_tasks: Tasks) -> None:
    monkeypatch.setattr(weights, "NUM_STEPS", 0)
    monkeypatch.setattr(weights, "SEEDS", (0,))
    at = view()
    next(b for b in at.button if b.key == "weights_start").click().run()
    (name,) = home_tasks._tasks
    until(lambda: home_tasks.progress(name) is None, "the refusal")
    at = checked(at.run())
    assert [plain("num_steps must be a whole number") in said.value for said in at.error] == [True]
    assert "w_line" in charts(at)


def gains(value: float, seed_std: float, count: int = 5) -> list[dict[str, np.ndarray]]:
    """Trainings whose bounds differ by a seed's shift and the same noise of the digits."""
    noise = np.linspace(-1, 1, 400)
    shifts = value + seed_std * np.linspace(-1, 1, count)
    return [{"test_data": np.stack([shift + 0.1 * noise] * 2)} for shift in shifts]


def test_a_change_is_told_only_beyond_the_spread_of_the_seeds() -> None:
    plain = gains(0.0, 0.0)
    assert "**0.50 ±\N{NO-BREAK SPACE}0.04** nats, better" in weights._verdict(plain, gains(0.5, 0.1))
    assert "**−0.50 ±\N{NO-BREAK SPACE}0.04** nats, worse" in weights._verdict(plain, gains(-0.5, 0.1))
    assert "nats, no clear difference" in weights._verdict(plain, gains(0.5, 0.6))
    said = weights._verdict(gains(0.0, 0.0, 1), gains(0.5, 0.0, 1))
    assert "better;" not in said
    assert "takes 5 seeds" in said


def test_dimensions_that_are_off_are_said() -> None:
    assert "Both are off" in weights._said_of_codes(np.array([0.01, 0.02], np.float32))
    assert "Both are off" not in weights._said_of_codes(np.array([0.01, 0.9], np.float32))
