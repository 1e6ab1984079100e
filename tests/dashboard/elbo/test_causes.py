"""Known causes on the page: the matrix is the core's, and the traversals are of the chosen cause."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dashboard.cached import encoded
from dashboard.elbo.cached import causes, traversal
from dashboard.runs.runner import LocalRunner
from tests.page_scripts import TINY, charts, checked, choose, open_page, runner, saved, trained
from vae_core.config import Binarised
from vae_core.latent.factors import factor_information

__all__ = ["runner"]  # a fixture

STROKES = replace(
    TINY,
    dataset="strokes",
    num_examples=200,
    model=replace(TINY.model, data_dim=256, latent_dim=3, hidden_dims=(4,)),
)


@pytest.mark.parametrize("binarised", ["no", "stochastic"])
def test_the_matrix_is_that_of_the_core_and_each_cause_can_be_followed(
    runner: LocalRunner, binarised: Binarised
) -> None:
    run_id = trained(runner, replace(STROKES, binarised=binarised))
    shown = saved(run_id)
    examples, factors = encoded(shown), shown.data.factors_test
    expected = factor_information(
        examples.means,
        examples.stds,
        [factor.values for factor in factors],
        generator=torch.Generator(),
    )
    at = checked(open_page("elbo", run=run_id, elbo_view="causes"))
    assert "causes" in charts(at)
    found = causes(shown, "held_out")
    assert np.array_equal(found.information, expected.information)
    assert at.metric[0].value == f"{expected.gap:.3f}"
    assert at.selectbox(key="causes_cause").options == [factor.name for factor in factors]
    at = checked(choose(at, "elbo_split", "training"))
    at.selectbox(key="causes_cause").set_value("angle").run()
    assert any("While angle goes through its values" in one.value for one in checked(at).caption)
    assert not at.error


def test_a_traversal_changes_one_cause_alone(runner: LocalRunner) -> None:
    shown = saved(trained(runner, STROKES))
    x, codes = traversal(shown, "held_out", 5, "bend")
    assert x.shape == (5, 256)
    assert codes.shape == (5, 3)
    own = shown.data.factors_test[1].values[5]
    place = [-0.25, -0.125, 0.0, 0.125, 0.25].index(float(own))
    assert np.array_equal(x[place], shown.data.x_test[5].numpy())
    assert codes[place] == pytest.approx(encoded(shown).means[5], abs=1e-6)


def test_data_without_known_causes_say_which_have_them() -> None:
    at = checked(open_page("elbo", elbo_view="causes"))
    (said,) = at.info
    assert "Sprites, Strokes and Bars are made from known ones" in said.value
