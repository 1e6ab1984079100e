"""A conditional run on every page: the model given the class that the reader chooses, and named so."""

import base64
import json
import re
from dataclasses import replace
from typing import Final

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from dashboard.cached import decode, encoded
from dashboard.compare.cached import side_by_side
from dashboard.latent import cached as latent
from dashboard.publish.page import page_of
from dashboard.runs.runner import LocalRunner
from dashboard.runs.tasks import Tasks
from dashboard.shell import controls, settings
from dashboard.shell.links import SETTINGS, text_of
from dashboard.subject import Subject
from tests.page_scripts import (
    TINY,
    checked,
    home_tasks,
    message_to,
    open_page,
    query,
    runner,
    saved,
    trained,
)
from tests.polling import until
from vae_core.data import DATASET_INFO, condition_of, load_dataset, num_classes
from vae_core.elbo import evaluate, terms_per_example
from vae_core.errors import BadInput
from vae_core.evidence import exact_evidence
from vae_core.runs.snapshot import read_snapshot, write_snapshot

__all__ = ["home_tasks", "runner"]
RUN: Final = replace(TINY, condition="class", model=replace(TINY.model, num_conditions=10))
POINTS: Final = replace(
    RUN,
    dataset="two_moons",
    num_examples=300,
    model=replace(RUN.model, data_dim=2, likelihood="gaussian", likelihood_scale=0.3, num_conditions=2),
)
CONVOLUTIONS: Final = replace(
    RUN, model=replace(RUN.model, architecture="conv", image_shape=(8, 8), hidden_dims=(4, 6))
)
NUMBER: Final = replace(
    RUN,
    dataset="strokes",
    num_examples=400,
    condition="number",
    condition_on="bend",
    model=replace(RUN.model, data_dim=256, num_conditions=1),
)
VIEWS: Final = {
    "latent_space": ("latent_view", ("neighbours", "selection", "arithmetic", "projection")),
    "elbo": (
        "elbo_view",
        ("all_examples", "one_example", "watch_q", "ladder", "bits_back", "causes", "units"),
    ),
    "free_energy": ("free_energy_view", ("component", "gaussian", "derivation", "em", "errors")),
    "gradients": ("gradients_view", ("estimators", "back_propagation", "importance_weighted")),
    "priors": ("priors_view", ("priors", "weights")),
    "compare": ("compare_view", ("runs", "reduction", "optimisers")),
}
OF_X: Final = re.compile(r"(?<![A-Za-z])[pqI]\((?:x|[zuv][^()]*(?:\||\\mid) ?x)[^()]*\)|E\}?\[x[^\[\]]*\]")
"""A density of x, of z given x, a mutual information, or a mean of x, with its arguments."""
EVERY: Final = [(page, key, view) for page, (key, views) in VIEWS.items() for view in views]


def without_y(at: AppTest) -> list[str]:
    """Places of a page, its tooltips and its figures where something is said of x and not given y."""
    found, blocks = [], [at._tree.root]
    while blocks:
        block = blocks.pop()
        blocks += getattr(block, "children", {}).values()
        proto = getattr(block, "proto", None)
        # The HTML of an element is the same for all runs; the browser writes y into it.
        content = getattr(proto, "bytes", None) or ("" if proto is None else proto.SerializeToString())
        text = content.decode("utf-8", "ignore") if content else ""
        if "A mixture of three Gaussians" in text:
            continue  # the model whose q is dragged below the derivation is given nothing
        found += [
            text[max(0, match.start() - 60) : match.end() + 40]
            for match in OF_X.finditer(text)
            if "y" not in match.group()
        ]
    return found


@pytest.fixture(scope="module")
def runs(runner: LocalRunner) -> dict[str, str]:
    kinds = {"digits": RUN, "points": POINTS, "convolutions": CONVOLUTIONS, "number": NUMBER}
    return {name: trained(runner, config) for name, config in kinds.items()}


@pytest.fixture(scope="module")
def subject(runner: LocalRunner, runs: dict[str, str]) -> Subject:
    return saved(runs["digits"])


def test_at_one_class_it_is_that_part_of_the_run(subject: Subject) -> None:
    assert subject.to_look_at == tuple(range(10))
    data = load_dataset("digits")
    digests = {subject.digest}
    for label in (0, 7):
        given = subject.given(label)
        digests.add(given.digest)
        assert (given.config.condition, given.config.model.num_conditions) == ("none", 0)
        assert given.class_names == ()
        for split, x, labels in (
            ("held_out", data.x_test, data.labels_test),
            ("training", data.x_train, data.labels_train),
        ):
            assert labels is not None
            found, without = given.examples(split)  # type: ignore[arg-type]
            assert without is None
            assert torch.equal(found[:], x[labels == label])
        expected = subject.model.given(condition_of(label, 10))
        noise = torch.Generator().manual_seed(given.config.seed)
        terms = terms_per_example(expected, given.data.x_test, generator=noise)
        np.testing.assert_allclose(encoded(given).elbo, terms.elbo, atol=1e-5)
    assert len(digests) == 3, "what is kept of one class is not shown of another"
    with pytest.raises(BadInput, match="10 classes to condition on"):
        subject.given(10)


def test_style_transfer_keeps_z_and_exchanges_the_class(subject: Subject) -> None:
    given = subject.given(3)
    found = latent.with_each_y(given, 5, tuple(range(10)))
    z = torch.from_numpy(encoded(given).means[5:6])
    for label in range(10):
        with torch.no_grad():
            expected = subject.model.given(condition_of(label, 10)).likelihood(z).mean[0]
        np.testing.assert_allclose(found[label], expected, atol=1e-6)
    assert np.abs(found[0] - found[1]).max() > 1e-3


@pytest.mark.usefixtures("short_computations")
@pytest.mark.parametrize(("page", "key", "view"), EVERY)
@pytest.mark.parametrize("kind", ["digits", "points", "convolutions", "number"])
def test_every_view_of_every_page_takes_it(
    runs: dict[str, str], home_tasks: Tasks, kind: str, page: str, key: str, view: str
) -> None:
    del home_tasks
    at = checked(open_page(page, run=runs[kind], given_class="1", given_number="0.11", **{key: view}))
    if page in ("latent_space", "elbo"):
        if kind == "number":
            assert at.select_slider(key="given_number").value == 0.125
        else:
            assert at.selectbox(key="given_class").value == 1
        assert [text.value for text in at.caption if "log p(x|y)" in text.value], "it is named so"
        assert not without_y(at)


def test_gradients_of_its_elbo_and_a_pass_through_its_network_are_those_given_y(runs: dict[str, str]) -> None:
    of_elbo = checked(
        open_page(
            "gradients",
            run=runs["digits"],
            given_class="2",
            gradients_view="estimators",
            estimators_of="elbo",
        )
    )
    assert of_elbo.selectbox(key="given_class").value == 2
    assert not without_y(of_elbo)
    through = open_page("gradients", run=runs["digits"], given_class="2", gradients_view="back_propagation")
    network = next(control for control in through.segmented_control if control.key == "bp_subject")
    at = checked(network.set_value("current").run())
    assert at.selectbox(key="given_class").value == 2
    assert [text for text in at.caption if "given class is in the first biases" in text.value]


@pytest.mark.parametrize("track", ["lagrange", "jensen"])
def test_derivation_is_written_given_y(runs: dict[str, str], track: str) -> None:
    at = open_page("free_energy", run=runs["digits"], free_energy_view="derivation", derivation_track=track)
    checked(at.toggle(key="derivation_all").set_value(True).run())
    assert not without_y(at)
    assert [text for text in at.markdown if r"\log p(x|y)" in text.value]


@pytest.mark.parametrize("page", ["start", "train", "runs", "data"])
def test_the_other_pages_take_it(runs: dict[str, str], page: str) -> None:
    at = checked(open_page(page, run=runs["digits"]))
    if page == "train":
        assert [text for text in at.caption if "decoded with its own y" in text.value]
        assert at.selectbox(key="condition").value == "class"


def test_a_page_shows_the_class_that_is_chosen(runs: dict[str, str]) -> None:
    at = open_page("elbo", run=runs["digits"])
    name = "ELBO of log p(x|y)"
    first = next(metric.value for metric in at.metric if metric.label == name)
    at.selectbox(key="given_class").set_value(4)
    checked(at.run())
    second = next(metric.value for metric in at.metric if metric.label == name)
    assert first != second
    given = saved(runs["digits"]).given(4)
    assert f"{encoded(given).elbo.astype(np.float64).mean():.1f}"[1:4] in second
    assert query(at)["given_class"] == "4"


def test_a_class_without_such_a_number_is_the_first(runs: dict[str, str]) -> None:
    at = checked(open_page("latent_space", run=runs["points"], given_class="7"))
    assert at.selectbox(key="given_class").value == 0


def test_gaps_of_a_class_are_those_of_the_model_given_it(runs: dict[str, str], home_tasks: Tasks) -> None:
    """The task in another process finds the same model: log p(x|y) is what the quadrature says here."""
    at = open_page("elbo", run=runs["points"], given_class="1")
    checked(at.button(key="gaps_start").click().run())
    until(
        lambda: any("log p(x|y)" in str(table.value) for table in checked(at.run()).table),
        "the table of gaps",
    )
    given = saved(runs["points"]).given(1)
    x = given.data.x_test[:]
    expected = float(exact_evidence(given.model, x[:50]).log_evidence.mean())
    (result,) = [task for task in home_tasks._tasks]
    found = home_tasks.result(result)
    assert found is not None
    assert str(found["digest"]) == given.run.digest
    assert float(found["log_evidence"][:50].mean()) == pytest.approx(expected, abs=1e-3)


def table_of(at: AppTest, column: str) -> dict[str, list[str]]:
    """The table of a page that has such a column: its columns."""
    (found,) = (table.value for table in at.table if column in table.value)
    return {name: list(found[name]) for name in found}


def test_codes_of_all_classes_are_those_given_each(subject: Subject) -> None:
    labels = subject.data.labels_test
    assert labels is not None
    for label in (0, 3, 9):
        rows = (labels == label).numpy()
        given = encoded(subject.given(label))
        np.testing.assert_allclose(encoded(subject).means[rows], given.means, atol=1e-5)
        np.testing.assert_allclose(encoded(subject).kl[rows], given.kl, atol=1e-4)
        decoded = decode(subject, given.means, np.full(len(given.means), label, np.int32))
        np.testing.assert_allclose(decoded, decode(subject.given(label), given.means), atol=1e-6)


def test_comparison_with_a_run_without_y_is_of_bounds_of_the_same(
    runner: LocalRunner, runs: dict[str, str], subject: Subject
) -> None:
    plain = trained(runner, TINY)
    at = checked(open_page("compare", compare_runs=f"{plain},{runs['digits']}"))
    assert not at.warning
    found = table_of(at, "bound of log p(x)")
    first, second = (text.split(" ")[0].replace("−", "-") for text in found["bound of log p(x)"])
    assert found["ELBO"][0].split(" ")[0] == found["bound of log p(x)"][0].split(" ")[0]
    (of_plain, of_given) = side_by_side((saved(plain), subject))
    assert not of_plain.log_class.any()
    training, held_out = subject.data.labels_train, subject.data.labels_test
    assert training is not None
    assert held_out is not None
    shares = [(int((training == label).sum()) + 1) / (len(training) + 10) for label in range(10)]
    assert sum(shares) == pytest.approx(1)
    expected = np.log([shares[label] for label in held_out[of_given.rows]])
    np.testing.assert_allclose(of_given.log_class, expected, rtol=1e-12)
    assert float(first) == pytest.approx(of_plain.elbo.mean(), abs=0.02)
    assert float(second) == pytest.approx((of_given.elbo + expected).mean(), abs=0.02)
    difference = next(column for column in found if column == "bound − first")
    said = found[difference][1].split(" ")[0].replace("−", "-")
    assert float(said) == pytest.approx(float(second) - float(first), abs=0.011)
    assert [text for text in at.caption if "log p(x|y) + log p(y)" in text.value]


def test_conditional_runs_beside_each_other_are_written_given_y(
    runner: LocalRunner, runs: dict[str, str]
) -> None:
    other = trained(runner, replace(RUN, model=replace(RUN.model, latent_dim=1)))
    at = checked(open_page("compare", compare_runs=f"{runs['digits']},{other}", given_class="7"))
    assert "bound of log p(x)" not in str(table_of(at, "ELBO of log p(x|y)"))
    assert at.selectbox(key="given_class").value == 7
    of_sweep = "maximises, $"  # what the runs of a new sweep will train on
    assert not [place for place in without_y(at) if of_sweep not in place]


def test_bound_of_x_is_below_the_sum_over_the_classes(
    runner: LocalRunner, runs: dict[str, str], home_tasks: Tasks
) -> None:
    """Oracle: log Σ_y p(y) p(x|y), with p(x|y) by quadrature for every class, of what the task measured."""
    plain = trained(runner, replace(POINTS, condition="none", model=replace(POINTS.model, num_conditions=0)))
    at = open_page("compare", compare_runs=f"{runs['points']},{plain}")
    checked(at.button(key="runs_gaps_start").click().run())
    until(
        lambda: any("gap" in table.value for table in checked(at.run()).table),
        "the table of gaps of both runs",
    )
    (name,) = home_tasks._tasks
    found = home_tasks.result(name)
    assert found is not None
    given, (one,) = saved(runs["points"]), side_by_side((saved(runs["points"]),))
    x, labels = given.data.x_test[:][one.rows[:40]], given.data.labels_test
    assert labels is not None
    each = torch.stack([exact_evidence(given.given(label).model, x).log_evidence for label in range(2)])
    own = each.gather(0, labels[one.rows[:40]][None])[0]
    np.testing.assert_allclose(found["log_evidence0"][:40], own, atol=1e-4)
    log_class = torch.from_numpy(one.log_class[:40])
    log_shares = torch.tensor([log_class[labels[one.rows[:40]] == label][0] for label in range(2)])
    of_x = torch.logsumexp(each + log_shares[:, None], 0)
    assert bool((torch.from_numpy(found["log_evidence0"][:40]) + log_class <= of_x + 1e-4).all())
    assert bool((torch.from_numpy(found["elbo0"] - found["log_evidence0"]) <= 1e-4).all())


def test_class_arithmetic_says_what_serves_in_its_place(runs: dict[str, str]) -> None:
    at = checked(open_page("latent_space", run=runs["digits"], latent_view="arithmetic"))
    assert [text for text in at.info if "**Style transfer** above" in text.value]


def test_board_says_with_which_class_its_grid_is_decoded(runner: LocalRunner, runs: dict[str, str]) -> None:
    told = json.loads(message_to(open_page("train", run=runs["digits"]), "training_board"))
    assert (told["given_y"], told["grid_y"]) == (True, "0")
    other = json.loads(message_to(open_page("train", run=trained(runner, TINY)), "training_board"))
    assert (other["given_y"], other["grid_y"]) == (False, "")


@pytest.mark.parametrize(
    ("kind", "key", "chosen", "said"), [("digits", "grid_y", 7, "7"), ("number", "grid_y", -0.25, "-0.25")]
)
def test_each_browser_chooses_the_y_of_its_grid(
    runner: LocalRunner, runs: dict[str, str], kind: str, key: str, chosen: float, said: str
) -> None:
    """What one chooses is decoded by the weights of that step; the run and the other browser keep theirs."""
    run_id = runs[kind]
    before = runner.store.snapshot(run_id)
    assert before is not None
    own, other = (open_page("train", run=run_id) for _ in range(2))
    first = json.loads(message_to(own, "training_board"))
    control = own.selectbox(key=key) if kind == "digits" else own.select_slider(key=key)
    control.set_value(chosen)
    told = json.loads(message_to(checked(own.run()), "training_board"))
    assert (told["grid_y"], told["step"]) == (said, first["step"])
    assert told["grid"] != first["grid"]
    assert {**told, "grid": "", "grid_y": ""} == {**first, "grid": "", "grid_y": ""}
    given = saved(run_id).given(chosen)
    pixels = np.frombuffer(base64.b64decode(told["grid"]), np.uint8).reshape(*before.grid.shape)
    z = np.array([[before.grid_axis[2], before.grid_axis[-1 - 4]]], np.float32)
    np.testing.assert_allclose(pixels[4, 2] / 255, decode(given, z)[0], atol=0.6 / 255)
    still = json.loads(message_to(checked(other.run()), "training_board"))
    assert (still["grid"], still["grid_y"]) == (first["grid"], first["grid_y"])
    after = runner.store.snapshot(run_id)
    assert after is not None
    assert (after.grid_y, after.grid.tolist()) == (before.grid_y, before.grid.tolist())


def test_the_y_of_the_grid_is_offered_again_when_the_data_are_back(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = trained(runner, replace(RUN, seed=11))
    with monkeypatch.context() as gone:

        def load(config: object) -> None:
            raise BadInput("dataset", "the folder is not there", "put it back")

        gone.setattr("dashboard.train.cached.data_of", load)
        at = open_page("train", run=run_id)
        assert not [one for one in at.selectbox if one.key == "grid_y"]
        assert json.loads(message_to(at, "training_board"))["grid_y"] == "0"
    assert checked(at.run()).selectbox(key="grid_y").options


def test_a_snapshot_without_its_decoder_says_so(runner: LocalRunner, runs: dict[str, str]) -> None:
    """Those that an older version wrote, and those of very large decoders."""
    run_id = trained(runner, replace(RUN, seed=9))
    folder = runner.store.folder(run_id)
    assert folder is not None
    path = folder / "snapshot.safetensors"
    snapshot = read_snapshot(path)
    write_snapshot(path, replace(snapshot, decoder={}, grid_y=""))
    at = open_page("train", run=run_id)
    assert json.loads(message_to(at, "training_board"))["grid_y"] == "0"
    at.selectbox(key="grid_y").set_value(3)
    told = json.loads(message_to(checked(at.run()), "training_board"))
    assert told["grid_y"] == "0 (no other is kept of this step)"


def test_a_number_is_looked_at_with_the_examples_nearest_to_it(runs: dict[str, str]) -> None:
    run = saved(runs["number"])
    assert run.to_look_at == (-0.25, -0.125, 0.0, 0.125, 0.25)
    assert (run.y_near(0.11), run.y_near(None), run.y_near("x")) == (0.125, 0.0, 0.0)
    given = run.given(0.125)
    bends = next(factor.values for factor in run.data.factors_test if factor.name == "bend")
    assert len(given.data.x_test) == (bends == 0.125).sum()
    assert given.y_of_examples == (0.125, 0.125)
    assert (given.name_of_y, given.is_given_number, given.class_names) == ("0.125", True, run.class_names)
    x = run.data.x_test[:][torch.from_numpy(bends == 0.125)]
    assert torch.equal(given.data.x_test[:], x)
    rows = torch.from_numpy(bends == 0.125).numpy()
    np.testing.assert_allclose(encoded(run).means[rows], encoded(given).means, atol=1e-5)
    np.testing.assert_allclose(encoded(run).kl[rows], encoded(given).kl, atol=1e-4)
    at = open_page("latent_space", run=runs["number"], latent_view="arithmetic")
    assert [text for text in at.info if "**Traverse y** above" in text.value]
    at.select_slider(key="given_number").set_value(-0.25)
    checked(at.run())
    assert query(at)["given_number"] == "-0.25"


def test_traversal_of_a_number_keeps_z(runs: dict[str, str]) -> None:
    run = saved(runs["number"])
    given = run.given(0.0)
    values = latent.quantiles_of_y(given, 9)
    assert (values[0], values[-1], len(values)) == (-0.25, 0.25, 9)
    found = latent.with_each_y(given, 2, values)
    z = encoded(given).means[2:3]
    for place in (0, 5):
        np.testing.assert_allclose(found[place], decode(run.given(values[place]), z)[0], atol=1e-6)
    assert np.abs(found[0] - found[-1]).max() > 1e-3


def test_comparison_says_that_a_number_has_no_density(
    runner: LocalRunner, runs: dict[str, str], home_tasks: Tasks
) -> None:
    plain = trained(
        runner,
        replace(NUMBER, condition="none", condition_on="", model=replace(NUMBER.model, num_conditions=0)),
    )
    twin = trained(runner, replace(NUMBER, train=replace(NUMBER.train, beta=2.0)))
    other = trained(runner, replace(NUMBER, condition_on="angle"))
    compared = {"compare_runs": f"{plain},{runs['number']},{twin},{other}"}
    at = checked(open_page("compare", **compared, given_number="0.11", given_number_1="40"))
    assert not at.warning
    (second,) = (slider for slider in at.select_slider if slider.key == "given_number_1")
    near = saved(other).y_near(40.0)
    assert (near != saved(other).y_near(None), second.value) == (True, near), (
        "the link says the second y, too"
    )
    assert query(checked(at.run()))["given_number_1"] == text_of(near)
    found = table_of(at, "bound of log p(x)")
    assert found["bound of log p(x)"][1:] == ["–", "–", "–"]
    difference = next(column for column in found if column == "bound − first")
    assert found[difference] == ["–"] * 4
    assert [text for text in at.caption if "would need a density of y" in text.value]
    of_two = checked(open_page("compare", compare_runs=f"{runs['number']},{twin}"))
    assert "ELBO of log p(x|y)" in table_of(of_two, "reconstruction")
    checked(of_two.button(key="runs_gaps_start").click().run())
    until(lambda: any("gap" in table.value for table in checked(of_two.run()).table), "the table of gaps")
    (name,) = home_tasks._tasks
    result = home_tasks.result(name)
    assert result is not None
    run = saved(runs["number"])
    (one,) = side_by_side((run,))
    for place in (0, 7):
        row = int(one.rows[place])
        bend = next(factor.values for factor in run.data.factors_test if factor.name == "bend")[row]
        given = run.given(float(bend))
        expected = exact_evidence(given.model, run.data.x_test[row : row + 1]).log_evidence[0]
        assert float(result["log_evidence0"][place]) == pytest.approx(float(expected), abs=1e-4)


def test_published_page_of_a_number(runner: LocalRunner, runs: dict[str, str]) -> None:
    snapshot = runner.store.snapshot(runs["number"])
    assert snapshot is not None
    page = page_of(saved(runs["number"]).given(0.25), snapshot)
    assert "given bend y = 0.25, with the examples whose y is nearest to it" in page
    assert "Condition on y" in page


def test_published_page_is_of_the_class(runner: LocalRunner, runs: dict[str, str], subject: Subject) -> None:
    snapshot = runner.store.snapshot(runs["digits"])
    assert snapshot is not None
    given = subject.given(6)
    page = page_of(given, snapshot)
    assert "given the class y = 6" in page
    assert "given y = 6" in page
    assert "Condition on y" in page


def test_the_control_stands_where_there_are_classes() -> None:
    at = open_page("train")
    box = at.selectbox(key="condition")
    assert (box.value, box.disabled) == ("none", False)
    assert box.options == ["nothing", "the class"]
    at = checked(open_page("train", dataset="sprites", condition="number", condition_on="angle"))
    assert at.selectbox(key="condition").options == ["nothing", "the class", "a number"]
    box = at.selectbox(key="condition_on")
    assert (box.value, box.options) == ("angle", ["size (pixels)", "angle (rad)", "x (pixels)", "y (pixels)"])
    of_number = {key: SETTINGS[key].default for key in SETTINGS}
    of_number |= {"dataset": "sprites", "condition": "number", "condition_on": "none of them"}
    config = settings.config_of(of_number)
    assert (config.condition_on, config.model.num_conditions) == ("size", 1)
    assert settings.values_of(config)["condition_on"] == "size"
    config = settings.config_of(of_number | {"dataset": "digits"})
    assert (config.condition, config.condition_on) == ("none", "")
    at = checked(open_page("train", condition="class", latent_dim="3"))
    values = {key: SETTINGS[key].default for key in SETTINGS} | {"condition": "class"}
    config = settings.config_of(values)
    assert (config.condition, config.model.num_conditions) == ("class", 10)
    assert settings.values_of(config)["condition"] == "class"
    assert at.selectbox(key="condition").value == "class"
    convolutions = settings.config_of(values | {"architecture": "conv", "channels": "4, 6"})
    assert (convolutions.model.architecture, convolutions.model.num_conditions) == ("conv", 10)
    with pytest.raises(BadInput, match="condition on nothing"):
        settings.config_of(values | {"prior": "vamp"})
    assert controls.NO_CLASSES.startswith("These data have no classes")


@pytest.mark.parametrize("name", [name for name in DATASET_INFO if name != "idx"])
def test_number_of_classes_is_that_of_the_data(name: str) -> None:
    assert num_classes(name) == len(load_dataset(name, num_examples=None).class_names)


def test_measured_bound_of_a_run_is_the_mean_of_its_classes(subject: Subject) -> None:
    """Weighed with their numbers: the held-out ELBO of log p(x|y), with much noise averaged out."""
    from vae_core.data import with_conditions

    rows = with_conditions(load_dataset("digits"), "class").x_test
    whole = evaluate(subject.model, rows, num_samples=50, generator=torch.Generator().manual_seed(0)).elbo
    sums = count = 0.0
    for label in range(10):
        given = subject.given(label)
        part = evaluate(
            given.model, given.data.x_test, num_samples=50, generator=torch.Generator().manual_seed(1)
        )
        sums, count = sums + part.elbo * part.num_examples, count + part.num_examples
    assert sums / count == pytest.approx(whole, abs=0.1)


@pytest.mark.parametrize("link", [{}, {"dataset": "sprites", "condition": "number"}])
def test_settings_of_a_conditional_run_and_of_its_sweep_are_written_given_y(link: dict[str, str]) -> None:
    """The condition's own help defines y, and says what it has in the place of q(z|u)."""
    said = {"condition": "class", **link}
    for at in (checked(open_page("train", **said)), checked(open_page("compare", **said))):
        assert not without_y(at)
        assert [
            place for place in without_y(checked(open_page(at.title[0].value.lower()))) if "p(x|z)" in place
        ]
