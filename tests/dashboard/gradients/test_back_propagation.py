"""Back-propagation by hand: its drawing, formulas and table hold the core's numbers."""

import json
import re
from dataclasses import replace
from typing import Final, get_args

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from dashboard.figures.network.svg import number_text
from dashboard.gradients import cached
from dashboard.gradients.back_propagation import ACTIVATIONS, HEADS, MISTAKES, OUTPUTS
from dashboard.gradients.cached import SmallNetwork, small_pass
from dashboard.gradients.network_pass import TOLERANCE, steps_of
from dashboard.runs.runner import LocalRunner
from tests.page_scripts import (
    KINDS,
    TINY,
    checked,
    message_to,
    numbers,
    open_page,
    overflowing,
    query,
    runner,
    table,
    trained,
)
from vae_core.config import NOT_GAUSSIAN, Activation, EncoderHead, Likelihood
from vae_core.labs.gradients.backward import Slip, back_propagate

__all__ = ["runner"]  # a fixture

VIEW: Final = {"gradients_view": "back_propagation"}
DRAWN: Final = re.compile(r"<text[^>]*>([^<]*)</text>")


def lab(**query: str) -> AppTest:
    return open_page("gradients", **VIEW, **query)


def choose(at: AppTest, key: str, option: str) -> AppTest:
    control = next(control for control in at.get("button_group") if control.key == key)
    return checked(control.set_value(option).run())  # type: ignore[attr-defined]


def select(at: AppTest, key: str, option: str) -> AppTest:
    return checked(next(box for box in at.selectbox if box.key == key).set_value(option).run())


def press(at: AppTest, key: str) -> AppTest:
    return checked(next(button for button in at.button if button.key == key).click().run())


def drawing(at: AppTest, which: str = "wide") -> list[str]:
    """Words of the drawing, as the browser gets it."""
    return DRAWN.findall(json.loads(message_to(at, "drawn_network"))[which])


def formulas(at: AppTest) -> str:
    return "\n".join(text.value for text in at.markdown if text.value.startswith("$"))


def gradients(at: AppTest) -> list[list[str]]:
    return [[name, *cells] for name, cells in table(at, "∂L/∂").items()]


def last_step(at: AppTest) -> AppTest:
    return press(at, "bp_step11")


def test_it_opens_at_the_input_with_the_whole_pass_ahead() -> None:
    at = lab()
    x = small_pass(SmallNetwork(), 0, 0, None).x
    known = [word for word in drawing(at) if word in {number_text(value) for value in x.tolist()}]
    assert len(known) >= len(x)
    # Of each other layer a dot stands for each number that is still to come.
    assert drawing(at).count("·") == 50
    assert r"x = h^{(1)}" in formulas(at)
    assert at.button(key="bp_back").disabled


def test_after_the_last_step_every_number_is_there_and_by_hand_is_automatic() -> None:
    at = last_step(lab())
    words = drawing(at)
    assert "·" not in words
    assert sorted(words) == sorted(drawing(at, "tall"))
    (said,) = at.success
    assert numbers(said.value)[0] < TOLERANCE
    assert [row[0] for row in gradients(at)] == [
        f"**{part}{n}**" for n in ("⁽⁶⁾", "⁽⁵⁾", "⁽³⁾", "⁽²⁾") for part in "Wb"
    ]
    assert all(numbers(row[3])[0] < TOLERANCE and row[1] == row[2] for row in gradients(at))


def test_the_numbers_are_those_of_the_core() -> None:
    network = SmallNetwork()
    model = cached.small_model(network)
    x = torch.from_numpy(cached.four_pixels(0))[None]
    eps = torch.randn(1, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = back_propagate(model, x, eps)
    parts = [x, found.encoder[0].u, found.encoder[0].h, found.encoder[0].delta, found.mean, found.std]
    parts += [found.encoder[1].delta, eps, found.z, found.delta_z, found.decoder[0].u, found.decoder[0].h]
    parts += [found.decoder[0].delta, found.decoder[1].u, found.decoded, found.decoder[1].delta]
    expected = {number_text(value) for part in parts for value in part[0].tolist()}
    at = last_step(lab())
    assert expected <= set(drawing(at))
    assert f"KL = {number_text(float(found.kl))}" in drawing(at)
    largest = found.gradients["decoder.weights.1"].reshape(-1)
    assert gradients(at)[0][1] == number_text(float(largest[largest.abs().argmax()]))


def test_one_step_brings_one_layer() -> None:
    at = press(lab(), "bp_step0")
    missing = [drawing(at).count("·")]
    for _ in range(11):
        at = press(at, "bp_next")
        missing.append(drawing(at).count("·"))
    # Units times numbers of each layer: u h; μ | φ σ; ε z; u h; u y x; the loss; then δ of 6, 5, 4, 3, 2.
    assert -np.diff(missing) == pytest.approx([6, 6, 4, 6, 12, 0, 4, 3, 2, 4, 3])
    assert missing[-1] == 0
    assert next(button for button in at.button if button.key == "bp_next").disabled
    assert drawing(press(at, "bp_back")).count("·") == 3


def test_formula_holds_the_numbers_of_the_unit_in_view() -> None:
    at = press(lab(), "bp_step1")
    found = small_pass(SmallNetwork(), 0, 0, None)
    hidden = found.columns[1]
    assert f"u_{{1}} = {hidden.weights[0, 0]:.3f}" in formulas(at)  # type: ignore[index]
    at = press(at, "bp_next_unit")
    assert rf"h_{{2}} = \tanh({hidden.u[1]:.3f}) = {hidden.h[1]:.3f}" in formulas(at)
    at = press(at, "bp_step6")
    assert f"= {found.kl - found.reconstruction:.3f}" in formulas(at)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("output", OUTPUTS)
def test_every_small_network_has_every_step(head: str, output: str) -> None:
    activation = tuple(ACTIVATIONS)[(len(head) + len(output)) % 4]
    at = select(select(select(lab(), "bp_head", head), "bp_output", output), "bp_activation", activation)
    for number in range(12):
        at = press(at, f"bp_step{number}")
        assert at.success, number
        assert formulas(at), number


@pytest.mark.parametrize(
    ("slip", "wrong", "step"),
    [("f_for_slope", 6, "bp_step8"), ("kl_sign", 4, "bp_step10"), ("no_half", 8, "bp_step7")],
)
def test_error_turns_the_rows_red_that_it_reaches(slip: str, wrong: int, step: str) -> None:
    at = choose(select(lab(), "bp_output", "gaussian"), "bp_slip", slip)
    red = [row for row in gradients(at) if ":red[" in row[1]]
    assert len(red) == wrong
    assert all(float(row[3].strip(":red[]*% ").replace(",", "")) > 1 for row in red)
    assert f"{wrong} of 8" in at.error[0].value
    assert not at.success
    assert r"\textcolor" in formulas(press(at, step))


@pytest.mark.parametrize(
    ("slip", "key", "option"),
    [("kl_sign", "bp_head", "deterministic"), ("no_half", "bp_output", "bernoulli")],
)
def test_mistake_without_effect_is_said(slip: str, key: str, option: str) -> None:
    at = choose(select(lab(), key, option), "bp_slip", slip)
    assert "no effect" in at.info[0].value
    assert at.success


TRACED: Final = KINDS | {
    f"{head}, {prior}": replace(
        TINY, model=replace(TINY.model, encoder_head=head, prior=prior, num_components=3)
    )
    for head in NOT_GAUSSIAN
    for prior in ("standard_normal", "mixture")
}


@pytest.mark.parametrize("kind", TRACED)
def test_every_kind_of_run_is_traced(runner: LocalRunner, kind: str) -> None:
    at = choose(lab(run=trained(runner, TRACED[kind])), "bp_subject", "current")
    assert at.success
    assert not at.error
    assert not at.info
    for key in ("bp_step1", "bp_step2", "bp_step6", "bp_step9"):
        assert formulas(press(at, key))


@pytest.mark.parametrize("hidden_dims", [(), (8, 7)])
def test_any_number_of_hidden_layers_is_drawn(runner: LocalRunner, hidden_dims: tuple[int, ...]) -> None:
    config = replace(TINY, model=replace(TINY.model, hidden_dims=hidden_dims))
    at = choose(lab(run=trained(runner, config)), "bp_subject", "current")
    assert at.success
    assert f"{4 + 2 * len(hidden_dims)} · output" in drawing(at)
    assert len(gradients(at)) == 4 + 4 * len(hidden_dims)
    if not hidden_dims:
        assert "no hidden layer" in choose(at, "bp_slip", "f_for_slope").info[0].value


def test_diverged_run_is_said(runner: LocalRunner) -> None:
    at = choose(lab(run=overflowing(runner)), "bp_subject", "current")
    assert ["diverged" in said.value for said in at.error] == [True]


def test_steps_of_another_network_do_not_break_the_page(runner: LocalRunner) -> None:
    """The step stays where it was; where a network has fewer steps, the last one is shown."""
    config = replace(TINY, model=replace(TINY.model, hidden_dims=()))
    at = lab(run=trained(runner, config))
    at.session_state["bp_step"] = 11
    at.session_state["bp_unit"] = 4
    at = choose(at, "bp_subject", "current")
    assert at.success
    assert len(steps_of(small_pass(SmallNetwork(), 0, 0, None).columns)) == 12
    for nonsense in (-1, 10**9, "x", None, 1.5):
        at.session_state["bp_step"] = at.session_state["bp_unit"] = nonsense
        assert checked(at.run()).success


def test_a_link_opens_at_its_step_unit_and_sample_and_says_them_again() -> None:
    said = {"bp_step": "8", "bp_unit": "2", "bp_samples": "3", "bp_sample": "2"}
    at = lab(**said)
    assert at.button(key="bp_step8").proto.type == "primary"
    assert at.button(key="bp_next_unit").label.startswith("Unit 2 of")
    drawn = [one.proto for one in at.get("bidi_component") if "drawn_network" in one.proto.component_name]  # type: ignore[attr-defined]
    labels = [json.loads(proto.bytes)["label"] for proto in drawn]
    assert labels == ["3 samples of z, sample 3 in view", "Network with 6 layers, step 9 of 12: δ⁽⁵⁾"]
    assert query(at) == VIEW | said
    assert query(press(at, "bp_next_unit")) == VIEW | said | {"bp_unit": "3"}
    assert query(press(at, "bp_next")) == VIEW | said | {"bp_step": "9", "bp_unit": "3"}


def test_unit_of_a_wide_layer_is_that_of_the_link_of_its_field_and_of_a_click(runner: LocalRunner) -> None:
    said = {"bp_subject": "current", "bp_step": "1", "bp_unit": "7"}
    at = lab(run=trained(runner, TINY), **said)
    (field,) = (box for box in at.number_input if box.label == "Unit")
    assert field.value == 7
    checked(field.set_value(5).run())
    assert query(at)["bp_unit"] == "5"
    at.session_state["bp_unit"] = 3  # as a click on the drawing leaves it
    checked(at.run())
    assert [box.value for box in at.number_input if box.label == "Unit"] == [3]
    assert query(at)["bp_unit"] == "3"


def test_everything_that_the_core_has_can_be_chosen() -> None:
    assert set(MISTAKES) == {"none", *get_args(Slip)}
    assert set(HEADS) == set(get_args(EncoderHead))
    assert set(OUTPUTS) == set(get_args(Likelihood))
    assert set(ACTIVATIONS) == set(get_args(Activation))
