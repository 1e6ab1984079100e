"""What a link says: the table of its parameters in both directions, links of before, and garbage."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from dashboard.runs.runner import LocalRunner
from dashboard.shell import state
from dashboard.shell.links import (
    EVERY_PAGE,
    MAX_KEPT,
    PARAMETERS,
    Choice,
    Number,
    OneOf,
    Parameter,
    Points,
    RunId,
    Several,
    Switch,
    Text,
    Whole,
    read_link,
    text_of,
    write_link,
)
from dashboard.shell.pages import PAGES
from tests.page_scripts import (
    TINY,
    addresses,
    choose,
    dial_of,
    open_page,
    query,
    runner,
    trained,
    turn_dial,
    turn_to,
)
from tests.polling import until
from vae_core.config import RECTIFIED
from vae_core.runs import load_run

__all__ = ["runner"]  # a fixture

OLD_LINKS: Final = {
    ("dataset", "Handwritten digits"): "digits",
    ("dataset", "Two moons"): "two_moons",
    ("dataset", "Pinwheel"): "pinwheel",
    ("dataset", "Swiss roll"): "swiss_roll",
    ("dataset", "Ring of Gaussians"): "gaussian_ring",
    ("dataset", "MNIST and relatives"): "idx",
    ("elbo_view", "All data"): "all_examples",
    ("elbo_view", "One datum"): "one_example",
    ("elbo_view", "Watch q move"): "watch_q",
    ("elbo_view", "Units and pitfalls"): "units",
    ("free_energy_view", "Which component?"): "component",
    ("free_energy_view", "A Gaussian q"): "gaussian",
    ("free_energy_view", "EM"): "em",
    ("free_energy_view", "Spot the error"): "errors",
    ("gradients_view", "Estimators"): "estimators",
    ("gradients_view", "Back-propagation by hand"): "back_propagation",
    ("estimators_of", "a one-line function"): "function",
    ("estimators_of", "this model's datum"): "elbo",
    ("priors_view", "Priors"): "priors",
    ("priors_view", "Weights"): "weights",
    ("compare_view", "Dimension reduction"): "reduction",
    ("compare_view", "Optimisers"): "optimisers",
    ("optimiser_view", "A race"): "race",
    ("optimiser_view", "On a surface"): "surface",
}
"""What links held while they held labels. Such links are about: this list only ever grows."""
GARBAGE: Final = ("", " ", "nan", "inf", "-1", "1e999", "1_0", "٣", "0x1", "<b>", "\0", "\u202e", "9" * 5000)


def values_of(key: str) -> list[Any]:
    """Values that a parameter may have, its extremes among them."""
    return _values(PARAMETERS[key])


def _values(parameter: Parameter) -> list[Any]:
    kind, default = parameter.kind, parameter.default
    if isinstance(kind, Several):
        each = [value for value in _values(Parameter("", None, kind.of)) if value is not None]
        return [(), (each[0],), tuple(each[: kind.most])]
    if isinstance(kind, Points):
        return [(), ((0.5, -1.25),), ((1.0,), (-0.1,)), ((0.1 + 0.2, 0.0, -3.0),) * kind.most]
    if isinstance(kind, OneOf):
        return list(kind.options)
    if isinstance(kind, Switch):
        return [True, False]
    if isinstance(kind, RunId):
        return [f"{number:016x}" for number in range(MAX_KEPT)]
    if isinstance(kind, Choice):
        return list(kind.options)
    if isinstance(kind, Whole):
        return [kind.low, kind.high, default]
    if isinstance(kind, Number):
        between = (kind.high / 3, kind.high / 80_000, 0.1 + 0.2)
        return [default, kind.low, kind.high, *(one for one in between if kind.low <= one <= kind.high)]
    assert isinstance(kind, Text)
    return [default, "", "none", "400, 200", "a b&c=d#e+%", "Ω/μ", "x" * kind.longest]


@pytest.mark.parametrize("key", PARAMETERS)
def test_every_value_survives_a_link(key: str) -> None:
    page, default = PARAMETERS[key].page, PARAMETERS[key].default
    beside = {"initial_weights": "small_outputs"} if key == "activation" else {}
    for value in values_of(key):
        text = write_link({key: value} | beside, page)
        told = beside if value in RECTIFIED else {}
        assert read_link(text) == ({} if value == default else {key: value} | told)
        assert all(type(found) is type(value) for found in read_link(text).values())
        for base in values_of(key):
            text = write_link({key: value} | beside, page, instead={key: base})
            assert {key: base} | beside | read_link(text) == {key: value} | beside or value == ()


@pytest.mark.parametrize("activation", ["relu", "silu"])
@pytest.mark.parametrize("rule", ["small_outputs", "he"])
def test_link_of_before_initial_weights_were_a_choice_means_those_it_had(activation: str, rule: str) -> None:
    assert read_link({"activation": activation})["initial_weights"] == "he"
    values = {"activation": activation, "initial_weights": rule}
    assert read_link(write_link(values, "train")) == values
    assert "initial_weights" not in read_link({"activation": "tanh"})


@pytest.mark.parametrize("key", [key for key, one in PARAMETERS.items() if one.default not in ((), None)])
def test_default_is_a_value_that_a_link_could_say(key: str) -> None:
    default = PARAMETERS[key].default
    assert PARAMETERS[key].kind.read(text_of(default)) == default


@pytest.mark.parametrize(("key", "label"), OLD_LINKS)
def test_link_of_before_opens(key: str, label: str) -> None:
    assert read_link({key: label}) == {key: OLD_LINKS[key, label]}


def test_every_choice_that_links_have_is_an_identifier() -> None:
    for key, parameter in PARAMETERS.items():
        if isinstance(parameter.kind, Choice) and key != "speed":
            assert all(option.isidentifier() for option in parameter.kind.options), key


@pytest.mark.parametrize("key", [key for key, one in PARAMETERS.items() if not isinstance(one.kind, Text)])
def test_garbage_says_nothing(key: str) -> None:
    kind = PARAMETERS[key].kind
    taken = {text for text in GARBAGE if kind.read(text) is not None}
    takes_negative = key in ("z", "pins") or (isinstance(kind, Number) and kind.low <= -1)
    assert taken == ({"-1"} if takes_negative else set())


def test_text_that_cannot_be_typed_says_nothing() -> None:
    assert read_link({"hidden": "1\0", "likelihood_scale": "\u202e1", "data_folder": "x" * 5000}) == {}


def test_a_link_says_what_differs_and_belongs_to_its_page() -> None:
    values = {"beta": 0.00025, "seed": 0, "latent_dim": 3, "elbo_view": "units"}
    assert write_link(values, "train") == {"beta": "0.00025", "latent_dim": "3"}
    assert write_link(values, "elbo") == {"elbo_view": "units"}
    assert write_link(values, "") == {}


def test_every_parameter_belongs_to_a_page_of_the_app() -> None:
    assert {parameter.page for parameter in PARAMETERS.values()} <= {
        EVERY_PAGE,
        *(page.name for page in PAGES),
    }


def test_several_values_leave_out_what_is_malformed_or_too_many() -> None:
    runs = [f"{number:016x}" for number in range(MAX_KEPT + 1)]
    assert read_link({"keep": ",".join(["<b>", *runs])}) == {"keep": tuple(runs[: MAX_KEPT - 1])}
    assert read_link({"hide": "seed,nothing,,hidden", "fix": "nothing"}) == {"hide": ("seed", "hidden")}
    assert read_link({"keep": "," * 100_000}) == {}


def test_kept_runs_are_in_the_link_of_every_page_in_the_order_of_keeping() -> None:
    runs = [f"{number:016x}" for number in range(MAX_KEPT + 1)]
    at = open_page("latent_space", keep=f"{runs[1]},{runs[0]}", present="1", hide="seed", fix="beta")
    said = {"keep": f"{runs[1]},{runs[0]}", "present": "1", "hide": "seed", "fix": "beta"}
    assert query(at) == said
    assert query(turn_to(at, "elbo")) == said


def test_the_latest_six_runs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [f"{number:016x}" for number in range(MAX_KEPT + 1)]
    monkeypatch.setattr("streamlit.session_state", {})
    for run_id in (*runs, runs[2]):
        state.keep_run(run_id)
    assert state.kept_runs() == (runs[1], *runs[3:], runs[2])
    state.drop_run(runs[1])
    state.drop_run("never kept")
    assert state.kept_runs() == (*runs[3:], runs[2])


def test_old_link_opens_and_becomes_a_new_one() -> None:
    at = open_page("train", dataset="Two moons", beta="0.00025", latent_dim="999", from_mail="yes")
    assert at.selectbox(key="dataset").value == "two_moons"
    assert dial_of(at, "beta")["value"] == 0.00025
    assert at.number_input(key="latent_dim").value == 2
    assert query(at) == {"dataset": "two_moons", "beta": "0.00025", "from_mail": "yes"}


LABORATORIES: Final[dict[str, dict[str, str]]] = {
    "data": {"data_chosen": "two_moons"},
    "latent_space": {
        "grid_density": "1",
        "grid_spacing": "linear",
        "grid_size": "7",
        "grid_range": "2.5",
        "neighbour_kind": "sample",
        "neighbour_metric": "cosine",
    },
    "latent_space arithmetic": {
        "latent_view": "arithmetic",
        "arithmetic_example": "4",
        "arithmetic_plus": "3",
        "arithmetic_minus": "8",
        "arithmetic_share": "1.5",
    },
    "elbo": {"elbo_view": "units", "reduce_pixels": "mean", "reduce_kl_batch": "sum"},
    "free_energy": {"fe_x": "-1.2"},
    "free_energy q": {"free_energy_view": "gaussian", "fe_place": "1.4"},
    "free_energy derivation": {
        "free_energy_view": "derivation",
        "derivation_track": "jensen",
        "derivation_all": "1",
    },
    "free_energy errors": {"free_energy_view": "errors", "misprint_example": "5"},
    "free_energy em": {
        "free_energy_view": "em",
        "em_family": "poisson",
        "em_data_poisson": "upload",
    },
    "free_energy em of a Gaussian": {
        "free_energy_view": "em",
        "em_covariance": "tied",
        "em_data": "wine",
        "em_components": "4",
        "em_epsilon": "1e-4",
        "em_start": "3",
    },
    "gradients": {"estimators_f": "sin z", "estimators_mean": "-0.5", "estimators_std": "1.25"},
    "gradients elbo": {
        "estimators_of": "elbo",
        "estimators_samples": "32",
        "estimators_error": "1",
        "estimators_dim": "1",
    },
    "gradients back-propagation": {
        "gradients_view": "back_propagation",
        "bp_slip": "kl_sign",
        "bp_head": "flow",
        "bp_output": "gaussian",
        "bp_activation": "relu",
        "bp_seed": "7",
        "bp_example": "11",
        "bp_noise": "5",
        "bp_samples": "3",
    },
    "priors": {"prior_k": "5", "priors_k": "10", "priors_epochs": "20", "priors_seed": "3"},
    "priors weights": {
        "priors_view": "weights",
        "w_line_data": "40",
        "w_line_prior": "1.1",
        "w_over": "decoder and encoder",
        "w_prior": "3",
    },
    "compare": {"compare_view": "reduction", "dr_data": "two_moons", "dr_seed": "4"},
    "compare race": {
        "compare_view": "optimisers",
        "race_batch": "128",
        "race_epochs_small": "3",
        "race_stop": "change",
        "race_tolerance": "0.1",
        "race_against": "seconds",
        "race_rate1": "0.01",
    },
    "compare surface": {
        "compare_view": "optimisers",
        "optimiser_view": "surface",
        "surface_example": "9",
        "surface_z1": "-1.5",
        "surface_rate2": "0.02",
    },
}
"""By page, and what of it is meant: settings of laboratories, as a link says them."""


@pytest.mark.parametrize("where", LABORATORIES)
def test_a_laboratory_opens_as_its_link_says_and_says_it_again(where: str) -> None:
    said = LABORATORIES[where]
    at = open_page(where.split()[0], **said)
    assert query(at) == said
    kinds = ("slider", "select_slider", "selectbox", "number_input", "toggle", "button_group")
    drawn = {str(element.key) for kind in kinds for element in at.get(kind) if hasattr(element, "key")}
    assert set(said) <= drawn | {key for key in said if key.endswith("_view")}


def test_a_laboratory_that_no_link_set_says_nothing_of_it() -> None:
    for page in ("data", "latent_space", "elbo", "free_energy", "gradients", "priors", "compare"):
        assert query(open_page(page)) == {}, page


def test_a_link_beyond_what_a_laboratory_has_opens_it_all_the_same() -> None:
    said = {"compare_view": "optimisers", "optimiser_view": "surface", "surface_example": "999999"}
    at = open_page("compare", **said, surface_z1="9.5")
    assert at.slider(key="surface_example").value == 359
    assert at.slider(key="surface_z1").value == 3.0
    at = open_page("free_energy", free_energy_view="derivation", derivation_track="backwards")
    assert query(at) == {"free_energy_view": "derivation"}


def test_whole_configuration_is_in_the_link(runner: LocalRunner) -> None:
    said = {
        "likelihood": "gaussian",
        "likelihood_scale": "learned",
        "encoder_head": "variance",
        "activation": "relu",
        "initial_weights": "small_outputs",
        "optimizer": "sgd",
        "momentum": "0.5",
        "batch_size": "7",
        "num_epochs": "3",
        "beta_schedule": "linear",
        "schedule_epochs": "2",
        "free_bits": "0.125",
        "patience": "4",
        "num_samples": "2",
        "learning_rate": "0.01",
        "speed": "30",
        "hidden": "16, 8",
    }
    at = open_page("train", **said)
    assert query(at) == said
    at.button(key="train_start").click().run()
    assert not at.error
    view = runner.view(query(at)["run"])
    assert view is not None
    runner.send(view.run_id, "stop", owner=at.session_state["browser"])
    model, train = view.config.model, view.config.train
    assert (model.likelihood, model.likelihood_scale, model.hidden_dims) == ("gaussian", None, (16, 8))
    assert (model.encoder_head, model.activation) == ("variance", "relu")
    assert (train.optimizer, train.momentum, train.learning_rate) == ("sgd", 0.5, 0.01)
    assert (train.batch_size, train.num_epochs, train.num_samples) == (7, 3, 2)
    assert (train.beta_schedule, train.schedule_epochs) == ("linear", 2)
    assert (train.free_bits, train.patience) == (0.125, 4)


def test_link_of_a_run_shows_its_settings_and_start_trains_the_same_model(runner: LocalRunner) -> None:
    model = replace(TINY.model, likelihood="gaussian", likelihood_scale=None, activation="relu")
    train = replace(TINY.train, beta=4.0, learning_rate=0.0007, optimizer="sgd", patience=3)
    config = replace(TINY, model=model, train=train, seed=11)
    run_id = trained(runner, config)
    at = open_page("train", run=run_id)
    assert query(at) == {"run": run_id}
    assert dial_of(at, "beta")["value"] == 4.0
    assert at.number_input(key="patience").value == 3
    assert at.text_input(key="likelihood_scale").value == "learned"
    at.button(key="train_start").click().run()
    assert not at.error
    again = query(at)["run"]
    assert query(at) == {"run": again}
    assert again != run_id
    until(lambda: runner.view(again).status == "finished", "the end")  # type: ignore[union-attr]
    first, second = (load_run(runner.store.run_file(one)) for one in (run_id, again))  # type: ignore[arg-type]
    assert second.config == config
    assert all(torch.equal(first.weights[name], second.weights[name]) for name in first.weights)
    # Rows in between are taken by the clock: the first and the last are those of both.
    held_out = (first.history[[0, -1], 5:8], second.history[[0, -1], 5:8])
    np.testing.assert_array_equal(*held_out)


def test_changed_setting_waits_for_start_and_stays_in_the_link_of_the_run(runner: LocalRunner) -> None:
    run_id = trained(runner, replace(TINY, seed=11))

    def waiting(at: AppTest) -> list[str]:
        return [caption.value for caption in at.caption if "next **Start**" in caption.value]

    at = open_page("train", run=run_id)
    assert waiting(at) == []
    at.number_input(key="seed").set_value(0).run()
    at.number_input(key="num_epochs").set_value(None).run()
    turn_dial(at, "beta", 2.0)
    assert len(waiting(at)) == 1
    assert waiting(at)[0].endswith("the next **Start**: Seed, Stop after epochs.")
    said = {"run": run_id, "seed": "0", "num_epochs": "none", "beta": "2"}
    assert query(at) == said
    again = open_page("train", **said)
    assert (again.number_input(key="seed").value, again.number_input(key="num_epochs").value) == (0, None)
    assert dial_of(again, "beta")["value"] == 2.0
    assert query(again) == said


def test_link_of_a_run_says_what_was_changed_while_it_trained(runner: LocalRunner) -> None:
    commands = [{"command": "set", "beta": 4.0}]
    run_id = trained(runner, replace(TINY, seed=12), *commands)

    def said(run_id: str) -> list[str]:
        return [text.value for text in open_page("train", run=run_id).caption if "differs" in text.value]

    assert len(said(run_id)) == 1
    assert "differs from its settings: β was changed to 4 at step 0." in said(run_id)[0]
    assert said(trained(runner, TINY)) == []


def test_no_number_of_epochs_means_until_stopped(runner: LocalRunner) -> None:
    at = open_page("train", hidden="8")
    assert at.number_input(key="num_epochs").value is None
    at.button(key="train_start").click().run()
    view = runner.view(query(at)["run"])
    assert view is not None
    assert view.config.train.num_epochs is None
    runner.send(view.run_id, "stop", owner=at.session_state["browser"])


def test_hidden_and_fixed_controls_keep_what_the_link_says() -> None:
    hidden = "dataset,data_folder,latent_dim,likelihood,likelihood_scale,encoder_head,activation,prior"
    at = open_page("train", latent_dim="3", hidden="16", seed="5", hide=hidden, fix="hidden,num_epochs")
    assert [box.key for box in at.selectbox] == ["objective", "optimizer", "beta_schedule"]
    assert at.text_input(key="hidden").disabled
    assert "Fixed by the link" in at.text_input(key="hidden").help
    assert at.number_input(key="num_epochs").disabled
    assert not at.number_input(key="seed").disabled
    assert query(at)["latent_dim"] == "3"
    both = f"{hidden},num_components,hidden,seed,num_epochs,patience"
    assert not any("Data and model" in text.value for text in open_page("train", hide=both).markdown)
    assert [box.label for box in open_page("train", hide=both).expander] == ["Training"]


def test_learned_prior_of_a_link_is_shown() -> None:
    assert open_page("train", prior="vamp", num_components="7").number_input(key="num_components").value == 7
    at = open_page("train")
    assert "num_components" not in [box.key for box in at.number_input]
    assert at.selectbox(key="prior").set_value("mixture").run().number_input(key="num_components").value == 50


def test_settings_come_back_with_their_page() -> None:
    at = open_page("train", seed="7", elbo_view="units")
    assert query(at) == {"seed": "7"}
    turn_to(at, "elbo")
    assert query(at) == {"elbo_view": "units"}
    choose(at, "elbo_view", "all_examples")
    assert query(at) == {}
    turn_to(at, "train")
    assert query(at) == {"seed": "7"}


def test_first_word_of_a_session_is_its_first_whichever_part_says_it(runner: LocalRunner) -> None:
    """A page that outlived its session would lose its address where it hears another word before that."""
    run_id = trained(runner, TINY)
    at = open_page("train", run=run_id)
    for _ in range(2):
        told = addresses(at)
        assert len(told) > 1, "the page's, and those of its parts"
        assert all(one["begins"] for one in told)
        assert len({one["order"] for one in told}) == 1
        at.run()
    at.number_input(key="latent_dim").set_value(3).run()
    assert not any(one["begins"] for one in addresses(at))


def test_run_in_view_is_in_the_link_of_every_page(runner: LocalRunner) -> None:
    run_id = trained(runner, TINY)
    at = open_page("train", run=run_id, seed="7")
    for page, others in (("elbo", {}), ("compare", {}), ("train", {"seed": "7"})):
        turn_to(at, page)
        assert query(at) == {"run": run_id, **others}
