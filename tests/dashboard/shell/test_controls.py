"""Controls become a configuration, or one sentence that says why not."""

from typing import Any, Final, get_args

import pytest

from dashboard.shell import controls, settings
from dashboard.shell.controls import HELP, LABELS, NAMES, read_config
from dashboard.shell.links import SETTINGS, SPEEDS
from tests.page_scripts import open_page
from vae_core import config
from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.errors import BadInput

CHOICES: Final = {
    "binarised": config.Binarised,
    "condition": config.Condition,
    "activation": config.Activation,
    "architecture": config.Architecture,
    "initial_weights": config.InitialWeights,
    "prior": config.Prior,
    "encoder_head": config.EncoderHead,
    "likelihood": config.Likelihood,
    "objective": config.Objective,
    "optimizer": config.Optimizer,
    "beta_schedule": config.BetaSchedule,
}


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What stands in the controls of the page; a control that is not in it has its default."""
    values: dict[str, Any] = {}
    monkeypatch.setattr("dashboard.shell.state.control", values.get)
    return values


def test_every_control_has_a_default_and_a_tooltip() -> None:
    assert set(SETTINGS) == set(HELP) == set(NAMES)
    assert all(text.strip() for text in HELP.values())


def test_defaults_are_the_default_run(page: dict[str, Any]) -> None:
    endless = TrainConfig(num_epochs=None)
    assert read_config() == RunConfig(model=ModelConfig(data_dim=64), train=endless)
    assert read_config(hold=True) == read_config().held()


def test_convolutions_are_for_images_and_have_channels_of_their_own(page: dict[str, Any]) -> None:
    page |= {"architecture": "conv", "hidden": "7", "channels": "4, 6"}
    model = read_config().model
    assert (model.architecture, model.image_shape, model.hidden_dims) == ("conv", (8, 8), (4, 6))
    found = settings.values_of(read_config())
    assert (found["architecture"], found["channels"], found["hidden"]) == ("conv", "4, 6", "128")
    page["dataset"] = "two_moons"
    model = read_config().model
    assert (model.architecture, model.image_shape, model.hidden_dims) == ("mlp", None, (7,))
    page |= {"dataset": "digits", "channels": "1, 2, 3, 4"}
    with pytest.raises(BadInput, match="8 x 8 pixels can be halved 1 to 3 times, got 4 convolutions"):
        read_config()


def test_every_choice_of_the_core_has_a_label() -> None:
    assert {name for choice in CHOICES.values() for name in get_args(choice)} == set(LABELS)


@pytest.mark.parametrize("key", CHOICES)
def test_menu_offers_what_the_core_knows(
    key: str, page: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: dict[str, tuple[str, ...]] = {}
    monkeypatch.setattr(controls, "_choose", lambda key, labels, **_: offered.update({key: tuple(labels)}))
    monkeypatch.setattr("dashboard.shell.state.run_settings", dict)
    for name in ("selectbox", "caption", "markdown", "text_input", "number_input"):
        monkeypatch.setattr(f"streamlit.{name}", lambda *args, **options: None)
    # Strokes have numbers beside x, which may be the y of a model.
    page |= {"activation": "relu", "dataset": "strokes"}
    monkeypatch.setattr("streamlit.fragment", lambda draw: draw)
    monkeypatch.setattr("dashboard.shell.state.draw_address", lambda where: None)
    controls.next_run()
    assert offered[key] == get_args(CHOICES[key])


def test_what_the_dials_reach_the_core_takes() -> None:
    for value in (*controls.BETAS, *controls.BETA_SCALE.ticks, controls.BETA_SCALE.low, 1000.0):
        assert config.check_beta(value) == value
    for rate in (*controls.LEARNING_RATE_SCALE.ticks, 1e-8, 1000.0):
        assert config.check_learning_rate(rate) == rate


@pytest.mark.parametrize("speed", SPEEDS)
def test_speeds_are_numbers_but_for_the_last(page: dict[str, Any], speed: str) -> None:
    page["speed"] = speed
    limit = controls.live_speed()
    assert limit is None if speed == SPEEDS[-1] else limit == float(speed)


def test_points_have_the_gaussian_likelihood(page: dict[str, Any]) -> None:
    page.update(dataset="two_moons", likelihood="bernoulli", likelihood_scale="learned", patience=10)
    read = read_config()
    assert (read.model.data_dim, read.model.likelihood, read.model.likelihood_scale) == (2, "gaussian", None)
    assert read.train.patience == 10


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("hidden", "0", "hidden_dims"),
        ("hidden", "1000000", "hidden_dims"),
        ("hidden", "8192, 8192", "weights"),
        ("hidden", "1 " * 9, "9 layers"),
        ("likelihood_scale", "nan", "likelihood_scale"),
        ("likelihood_scale", "0", "likelihood_scale"),
        ("beta", float("nan"), "beta"),
        ("seed", -1, "seed"),
        ("latent_dim", 0, "latent_dim"),
        ("dataset", "mnist", "no data set 'mnist'"),
    ],
)
def test_unusable_value_is_one_sentence(page: dict[str, Any], key: str, value: object, says: str) -> None:
    page["likelihood"] = "gaussian"
    page[key] = value
    with pytest.raises(BadInput) as refused:
        read_config()
    assert says in str(refused.value)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize("folder", ["", "  ", "/nowhere", "no\0where"])
def test_idx_without_a_folder_says_so(page: dict[str, Any], folder: str) -> None:
    page.update(dataset="idx", data_folder=folder)
    with pytest.raises(BadInput, match="folder"):
        read_config()


@pytest.mark.parametrize(
    ("dataset", "offered"),
    [
        ("digits", {"binarised"}),
        ("two_moons", {"num_examples", "data_noise"}),
        ("sprites", {"num_examples", "binarised"}),
    ],
)
def test_what_can_be_made_otherwise_is_offered_with_the_data(dataset: str, offered: set[str]) -> None:
    at = open_page("train", dataset=dataset, num_examples="300", data_noise="2", binarised="threshold")
    drawn = {one.key for one in (*at.number_input, *at.slider, *at.selectbox)}
    assert drawn & {"num_examples", "data_noise", "binarised"} == offered
    said = [one.value.replace("\\", "") for one in at.caption]
    counts = {"digits": "1,797 images", "two_moons": "300 points in the plane", "sprites": "300 images"}
    assert any(text.startswith(counts[dataset]) for text in said), said
    if dataset == "two_moons":
        assert "Standard deviation 0.2" in said


@pytest.mark.parametrize(
    ("model", "refused"),
    [
        ({"encoder_head": "deterministic"}, {"importance_weighted", "total_correlation"}),
        ({"prior": "vamp"}, {"mmd"}),
        ({"latent_dim": "1"}, {"total_correlation"}),
        ({"encoder_head": "flow"}, {"total_correlation"}),
        ({"encoder_head": "mixture"}, set()),
    ],
)
def test_an_objective_that_the_model_does_not_have_is_not_offered(
    model: dict[str, str], refused: set[str]
) -> None:
    at = open_page("train", **model)
    labels = {LABELS[name] for name in get_args(config.Objective) if name not in refused}
    assert set(at.selectbox(key="objective").options) == labels
    asked = min(refused | {"total_correlation"})
    chosen = open_page("train", **model, objective=asked)
    assert LABELS[asked] in chosen.selectbox(key="objective").options, "it is said at Start"


def test_free_bits_are_those_of_the_elbo(page: dict[str, Any]) -> None:
    page |= {"free_bits": 0.5}
    assert read_config().train.free_bits == 0.5
    page |= {"objective": "mmd"}
    assert read_config().train == TrainConfig(objective="mmd", num_epochs=None)


def test_the_weighted_bound_has_a_warning_and_no_free_bits() -> None:
    at = open_page("train", objective="importance_weighted", free_bits="0.5", num_samples="5")
    assert "free_bits" not in {one.key for one in at.number_input}
    assert any("Rainforth" in one.value for one in at.caption)
