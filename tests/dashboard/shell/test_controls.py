"""Controls become a configuration, or one sentence that says why not."""

from typing import Any, Final, get_args

import pytest

from dashboard.shell import controls
from dashboard.shell.controls import HELP, LABELS, parse_scale, parse_sizes, read_config
from dashboard.shell.state import LEARNING_RATES, PARAMETERS, SPEEDS
from vae_core import config
from vae_core.config import ModelConfig, RunConfig
from vae_core.errors import BadInput

CHOICES: Final = {
    "activation": config.Activation,
    "encoder_head": config.EncoderHead,
    "likelihood": config.Likelihood,
    "optimizer": config.Optimizer,
    "beta_schedule": config.BetaSchedule,
}


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What stands in the controls of the page; a control that is not in it has its default."""
    values: dict[str, Any] = {}
    monkeypatch.setattr("dashboard.shell.state.control", values.get)
    return values


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("128", (128,)),
        ("400, 200", (400, 200)),
        (" 400;200 100,", (400, 200, 100)),
        ("", ()),
        (" , ", ()),
        ("0", (0,)),
    ],
)
def test_sizes_from_text(text: str, sizes: tuple[int, ...]) -> None:
    assert parse_sizes(text) == sizes


@pytest.mark.parametrize("text", ["abc", "12.5", "1e3", "128 x", "nan", "9" * 5000, "(128,)", "²"])
def test_bad_sizes_say_what_to_write(text: str) -> None:
    with pytest.raises(BadInput, match="write sizes with commas") as refused:
        parse_sizes(text)
    assert refused.value.code == "hidden_dims"
    assert len(str(refused.value)) < 150


@pytest.mark.parametrize(
    ("text", "scale"), [("1", 1.0), (" 0.5 ", 0.5), ("learned", None), (" Learned", None)]
)
def test_scale_from_text(text: str, scale: float | None) -> None:
    assert parse_scale(text) == scale


@pytest.mark.parametrize("text", ["", "one", "1,5", "0x1"])
def test_bad_scale_says_what_to_write(text: str) -> None:
    with pytest.raises(BadInput, match="write a number such as 1, or learned"):
        parse_scale(text)


def test_every_control_has_a_default_and_a_tooltip() -> None:
    assert {key for key, parameter in PARAMETERS.items() if parameter.page == "train"} == set(HELP)
    assert all(text.strip() for text in HELP.values())


def test_defaults_are_the_default_run(page: dict[str, Any]) -> None:
    assert read_config() == RunConfig(model=ModelConfig(data_dim=64))
    assert read_config(hold=True) == read_config().held()


def test_every_choice_of_the_core_has_a_label() -> None:
    assert {name for choice in CHOICES.values() for name in get_args(choice)} == set(LABELS)


@pytest.mark.parametrize("key", CHOICES)
def test_menu_offers_what_the_core_knows(
    key: str, page: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: dict[str, tuple[str, ...]] = {}
    monkeypatch.setattr(controls, "_choose", lambda label, key, labels: offered.update({key: tuple(labels)}))
    for name in ("selectbox", "caption", "markdown", "text_input", "number_input"):
        monkeypatch.setattr(f"streamlit.{name}", lambda *args, **options: None)
    controls.data_and_model()
    controls.training()
    assert offered[key] == get_args(CHOICES[key])


def test_learning_rates_are_ones_that_the_core_takes() -> None:
    assert list(LEARNING_RATES) == sorted(LEARNING_RATES)
    for rate in LEARNING_RATES:
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
