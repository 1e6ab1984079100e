"""The page of the free energy: what its elements are told, what EM says, and tables that cannot be used."""

import json
import re
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from sklearn.mixture import GaussianMixture
from streamlit.testing.v1 import AppTest

from dashboard.formats import plain
from dashboard.free_energy.derivation_lines import JENSEN, LAGRANGE
from dashboard.runs.runner import LocalRunner
from tests.page_scripts import (
    KINDS,
    chart_messages,
    charts,
    checked,
    choose,
    message_to,
    numbers,
    open_page,
    query,
    runner,
    table,
    text_with,
    trained,
)
from vae_core.labs.em.mixture import Mixture

__all__ = ["runner"]  # a fixture

pytestmark = pytest.mark.one_cache

LINES: Final = {"lagrange": LAGRANGE, "jensen": JENSEN}
LINE: Final = b"a,b\n" + b"".join(b"%d,%d\n" % (k, 2 * k) for k in range(12))


def opened(view: str) -> AppTest:
    return open_page("free_energy", free_energy_view=view)


def told(at: AppTest) -> dict[str, Any]:
    return json.loads(message_to(at, "chosen_q"))


def uploaded(content: bytes, family: str = "gaussian") -> AppTest:
    at = choose(opened("em"), "em_family", family)
    at = choose(at, "em_data" if family == "gaussian" else f"em_data_{family}", "upload")
    return checked(at.file_uploader(key="em_upload").upload("table.csv", content, "text/csv").run())


def metrics(at: AppTest) -> dict[str, float]:
    return {metric.label: numbers(metric.value)[0] for metric in at.metric}


def test_the_element_is_told_the_posterior_of_x() -> None:
    at = opened("component")
    before = told(at)
    mixture = Mixture([0.5, 0.3, 0.2], [[-1.5], [0.8], [2.2]], [[[0.6]], [[0.25]], [[1.0]]])
    x = torch.tensor([[-1.0]], dtype=torch.float64)
    checked(at.slider(key="fe_x").set_value(-1.0).run())
    after = told(at)
    assert after["posterior"] == pytest.approx(mixture.responsibilities(x)[0].tolist(), abs=1e-12)
    assert after["log_evidence"] == pytest.approx(float(mixture.log_prob(x)), abs=1e-12)
    assert before["log_evidence"] != after["log_evidence"]


@pytest.mark.parametrize(("space", "dims"), [("line", 1), ("plane", 2)])
def test_a_gaussian_lives_on_a_line_or_in_a_plane(space: str, dims: int) -> None:
    at = choose(opened("gaussian"), "fe_space", space)
    payload = told(at)
    assert payload["kind"] == space
    posterior = payload["posterior"]
    density = torch.distributions.MultivariateNormal(
        torch.tensor(posterior["means"]), precision_matrix=torch.tensor(posterior["precisions"])
    )
    weights = np.exp(np.array(posterior["constants"]) - density.log_prob(density.loc).numpy())
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    assert density.loc.shape[1] == dims


def test_em_on_iris_says_scikit_learns_number() -> None:
    at = opened("em")
    values = metrics(at)
    x = load_iris().data[:, [0, 2]]  # type: ignore[attr-defined]
    x = (x - x.mean(0)) / x.std(0)
    best = max(float(GaussianMixture(3, n_init=4, random_state=seed).fit(x).score(x)) for seed in range(3))
    assert best - 0.05 < values["log p(x) per example"] < best + 0.01
    assert 0 < values["Gap after the first M-step"] < 1
    assert values["log p − F − gap, largest"] < 1e-10
    assert beside_library(at) < 1e-10
    assert "em" in charts(at)


@pytest.mark.parametrize("epsilon", ["0.01", "0.001", "1e-4", "1e-6"])
def test_the_mark_of_the_stop_is_within_the_picture(epsilon: str) -> None:
    at = choose(opened("em"), "em_epsilon", epsilon)
    figure = chart_messages(at)["em"]["figure"]
    marks = [shape["x0"] for shape in figure["layout"].get("shapes", ())]
    (stop,) = numbers(next(metric.value for metric in at.metric if metric.label == "Stops after iteration"))
    assert marks == ([stop] if stop <= 30 else [])
    last_step = int(numbers(figure["frames"][-1]["name"])[0])
    assert last_step >= max(marks, default=0), "as far as the picture goes"


def iterations(at: AppTest) -> AppTest:
    """Opens the numbers of each iteration."""
    assert not [table for table in at.table if "iteration" in table.value], "what is closed is not drawn"
    at.session_state["em_iterations"] = True
    return checked(at.run())


def beside_library(at: AppTest) -> float:
    """By how much means differ from those of scikit-learn, at most."""
    return numbers(text_with(iterations(at), "GaussianMixture").split("at most")[1])[0]


def test_each_iteration_adds_up_in_the_table() -> None:
    rows = table(iterations(opened("em")), "iteration")
    assert len(rows) == 30
    for cells in rows.values():
        log_likelihood, bound, q_function, entropy, gap = (numbers(cell)[0] for cell in cells)
        assert f"{bound:.4f}" == f"{q_function + entropy:.4f}"
        assert f"{log_likelihood:.4f}" == f"{bound + gap:.4f}"


def test_log_p_has_one_way_to_be_written() -> None:
    """In the choice of the start, as a number, in the table, under the picture and in both hovers."""
    at = opened("em")
    written = [option.removesuffix(" (best)").split(": ")[1] for option in start_of(at).options]
    found = {metric.label: metric for metric in at.metric}
    last = found["log p(x) per example"]
    assert written[0] == last.value.split(" ")[0] == list(table(iterations(at), "iteration").values())[-1][0]
    touching = text_with(at, "At θ old").split("both are ")[1].split(" nats")[0]
    gap = found["Gap after the first M-step"].value.split(" ")[0]
    for number in (*written, last.delta.split(" ")[0], touching, gap):
        assert re.fullmatch(r"−?\d+\.\d{4}", number), number
    assert numbers(touching)[0] == pytest.approx(first_of(at), abs=1e-9)
    for chart in ("em", "em_minorising"):
        hovers = [
            str(trace.get("hovertemplate", "")) for trace in chart_messages(at)[chart]["figure"]["data"]
        ]
        assert len([hover for hover in hovers if "%{y:.4f} nats" in hover]) == 2


@pytest.mark.parametrize("source", ["wine", "two_moons"])
def test_other_data_and_more_components(source: str) -> None:
    at = choose(opened("em"), "em_data", source)
    checked(at.slider(key="em_components").set_value(5).run())
    assert not at.error
    assert "em" in charts(at)


def test_another_start_climbs_to_another_value() -> None:
    at = opened("em")
    values = {metrics(choose(at, "em_start", start))["log p(x) per example"] for start in range(1, 7)}
    assert len(values) > 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\n1,2\n3,nan\n", "row 3, column 'b'"),
        (b"a,b\n1,7\n2,7\n3,7\n4,7\n", "'b' is constant"),
        (b"a,b\n1,2\n3,5\n", "3 components for 2 examples"),
        (b"\x89PNG\0", "UTF-8"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "this is a spreadsheet; bring it on the page Data"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_sentence(content: bytes, words: str) -> None:
    at = uploaded(content)
    assert [plain(words) in error.value for error in at.error] == [True]
    assert "em" in charts(choose(at, "em_data", "iris")), "the lab stays usable"
    assert not at.error


def test_a_table_is_used_as_it_is_and_what_was_made_of_it_is_said() -> None:
    rng = np.random.default_rng(0)
    rows = [
        f"{a:.2f};{b:.2f};class {k}".replace(".", ",") for k, (a, b) in enumerate(rng.normal(size=(20, 2)))
    ]
    at = uploaded("\n".join(rows).encode())
    assert not at.error
    assert "em" in charts(at)
    said = "\n".join(text.value for text in at.caption)
    for words in (
        "Decimal commas are read as decimal points.",
        "Columns of text are set aside: column 3.",
        "The first row is read as numbers, not as names.",
    ):
        assert plain(words) in said, words
    (switch,) = (toggle for toggle in at.toggle if "first row" in toggle.label)
    assert not switch.value
    checked(switch.set_value(True).run())
    (columns,) = (control for control in at.get("button_group") if str(control.key).startswith("em_columns"))
    assert columns.options == [row.replace(",", ".") for row in rows[0].split(";")[:2]]  # type: ignore[attr-defined]


def test_data_on_a_line_are_held_at_the_floor_and_it_is_said() -> None:
    at = uploaded(LINE)
    assert not at.error
    assert ["Singular covariance" in warning.value for warning in at.warning] == [True]
    assert "em" in charts(at)


def start_of(at: AppTest) -> Any:
    (found,) = (control for control in at.get("button_group") if control.key == "em_start")
    return found


def columns_of(at: AppTest) -> Any:
    (found,) = (control for control in at.get("button_group") if str(control.key).startswith("em_columns"))
    return found


def test_one_column_is_a_histogram_and_none_is_not_enough() -> None:
    at = opened("em")
    checked(columns_of(at).set_value(["sepal length"]).run())
    assert not at.error
    assert {"em", "em_minorising"} <= charts(at)
    assert beside_library(at) < 1e-10
    checked(columns_of(at).set_value([]).run())
    assert any("Choose a column" in info.value for info in at.info)


def test_columns_are_in_the_link_where_they_are_not_the_first_choice() -> None:
    view = {"free_energy_view": "em"}
    at = open_page("free_energy", **view, em_columns="2,4,1")
    assert columns_of(at).value == ["sepal width", "petal width", "sepal length"]
    assert query(at) == view | {"em_columns": "2,4,1"}
    checked(columns_of(at).set_value(["sepal width"]).run())
    assert query(at) == view | {"em_columns": "2"}
    at = choose(at, "em_data", "wine")
    assert query(at) == view | {"em_data": "wine"}, "numbers of another table mean nothing here"
    assert columns_of(at).value == ["alcohol", "color intensity"]
    at = choose(at, "em_data", "iris")
    assert columns_of(at).value == ["sepal width"]
    at = open_page("free_energy", **view, em_columns="60")
    assert columns_of(at).value == ["sepal length", "petal length"]
    assert query(at) == view


@pytest.mark.parametrize("covariance", ["diagonal", "spherical", "tied"])
def test_every_form_of_covariance_has_scikit_learns_means(covariance: str) -> None:
    at = choose(opened("em"), "em_covariance", covariance)
    assert beside_library(at) < 1e-10
    assert metrics(at)["log p − F − gap, largest"] < 1e-10


@pytest.mark.parametrize("family", ["bernoulli", "poisson", "categorical"])
def test_other_families_climb_and_touch(family: str) -> None:
    at = choose(opened("em"), "em_family", family)
    assert not at.error
    assert {"em", "em_minorising"} <= charts(at)
    assert metrics(at)["log p − F − gap, largest"] < 1e-9
    rows = [numbers(cells[0])[0] for cells in table(iterations(at), "iteration").values()]
    assert all(after >= before for before, after in pairwise(rows))
    touching, _, rise, least = numbers(text_with(at, "At θ old"))[1:5]
    assert touching == pytest.approx(first_of(at), abs=2e-3)
    assert rise >= least >= 0


def first_of(at: AppTest) -> float:
    """log p(x) at the start: at the end, less what EM gained."""
    (found,) = (metric for metric in at.metric if metric.label == "log p(x) per example")
    return numbers(found.value)[0] - numbers(found.delta)[0]


@pytest.mark.parametrize(
    ("family", "content", "words"),
    [
        ("bernoulli", b"a,b\n0,1\n1,2\n0,0\n", "'b' has the value 2, which is neither 0 nor 1"),
        ("poisson", b"a,b\n0,1\n1,-2\n0,0\n", "'b' has the value -2, which is no count"),
        ("poisson", b"a,b\n0,0\n0,0\n0,0\n", "all 3 rows are the same"),
        ("categorical", b"a\n" + b"".join(b"%d\n" % k for k in range(40)), "40 different values"),
        ("bernoulli", b"a\n1\n", "1 rows"),
        ("gaussian", b"\n", "no rows"),
    ],
)
def test_a_table_that_a_family_cannot_use_is_one_sentence(family: str, content: bytes, words: str) -> None:
    at = uploaded(content, family)
    assert [plain(words) in error.value for error in at.error] == [True]
    assert "em" not in charts(at)


@pytest.mark.parametrize(
    ("family", "content"),
    [
        ("poisson", b"n\n" + b"".join(b"%d\n" % (k % 5 * k % 7) for k in range(30))),
        ("bernoulli", b"n\n" + b"0\n1\n1\n" * 5),
        ("categorical", b"n\n" + b"3\n7\n7\n9\n" * 5),
    ],
)
def test_one_column_of_counts_or_categories(family: str, content: bytes) -> None:
    at = uploaded(content, family)
    assert not at.error
    assert {"em", "em_minorising"} <= charts(at)


def test_the_stop_criterion_decides_when_em_would_have_stopped() -> None:
    at = opened("em")

    def stopped() -> float:
        (found,) = (metric for metric in at.metric if metric.label == "Stops after iteration")
        return numbers(found.value)[0]

    coarse = stopped()
    climb = [numbers(cells[0])[0] for cells in table(iterations(at), "iteration").values()]
    # The first rise in the table is that of the second M-step, which the third E-step finds.
    assert coarse == 3 + np.flatnonzero(np.diff(climb) < 1e-3)[0]
    choose(at, "em_epsilon", "1e-6")
    assert stopped() > coarse


def chosen_line(at: AppTest, track: str, number: int, place: int) -> AppTest:
    return checked(at.radio(key=f"derivation_{track}_{number}_choice").set_value(place).run())


@pytest.mark.parametrize("track", ["lagrange", "jensen"])
def test_a_wrong_line_fails_by_its_number_and_the_right_ones_lead_to_the_end(track: str) -> None:
    at = choose(opened("derivation"), "derivation_track", track)
    for number, line in enumerate(LINES[track]):
        if number < 2:
            chosen_line(at, track, number, (line.right + 1) % 3)
            (said,) = (error.value for error in at.error)
            value, wanted = (numbers(part)[0] for part in said.split("it should be"))
            assert value != wanted
        chosen_line(at, track, number, line.right)
        assert not at.error
    assert any("Every line is found" in success.value for success in at.success)
    if track == "lagrange":
        values = metrics(at)
        assert values["γ by bisection"] == pytest.approx(values["1 − log p(x)"], abs=1e-6)
    else:
        values = metrics(at)
        assert values["Area"] == values["log E[u] − E[log u]"] == values["KL(q ‖ p(z|x))"] > 0
        assert charts(at) == {"jensen"}
    checked(at.button(key=f"derivation_again_{track}").click().run())
    assert at.radio(key=f"derivation_{track}_0_choice").value is None


def test_all_lines_are_shown_for_another_example() -> None:
    at = opened("derivation")
    checked(at.toggle(key="derivation_all").set_value(True).run())
    first = [text.value for text in at.markdown if text.value.endswith("nats**")]
    checked(at.slider(key="derivation_example").set_value(5).run())
    second = [text.value for text in at.markdown if text.value.endswith("nats**")]
    assert len(first) == len(second) > 8
    assert first != second
    assert told(at)["lagrange"] is True


def test_a_run_that_no_quadrature_can_integrate_gives_way_to_the_example_model(runner: LocalRunner) -> None:
    at = open_page("free_energy", free_energy_view="derivation", run=trained(runner, KINDS["J=8"]))
    assert any("J = 8" in info.value for info in at.info)
    assert at.radio(key="derivation_lagrange_0_choice").value is None
