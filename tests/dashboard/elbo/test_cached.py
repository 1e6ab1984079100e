"""What is measured of one example of ELBO, and how many are measured at once."""

from typing import Any

import pytest
import torch
from torch import Tensor

from dashboard.caching import cache
from dashboard.elbo.cached import TOGETHER, example, measured_together
from dashboard.subject import pretrained
from vae_core.errors import BadInput
from vae_core.evidence import posterior_density
from vae_core.evidence.exact import exact_evidence

ORIGINAL = posterior_density.measured_examples


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many examples each call of the core measured."""
    found: list[int] = []

    def measured(model: Any, x: Tensor, **how: Any) -> Any:
        found.append(len(x))
        return ORIGINAL(model, x, **how)

    monkeypatch.setattr(posterior_density, "measured_examples", measured)
    cache().clear()
    return found


def test_what_was_measured_together_is_not_measured_again(sizes: list[int]) -> None:
    subject = pretrained()
    x = subject.examples("held_out")[0]
    last = len(x) - 1
    for first in (8, last // TOGETHER * TOGETHER):
        measured_together(subject, "held_out", first)
    for index in (13, 8, 15, last, 100):
        found = example(subject, "held_out", index)
        expected = exact_evidence(subject.model, x[index : index + 1])
        assert found.evidence is not None
        # Of float32: a product of eight rows adds in another order than one of a single row.
        assert abs(float(found.evidence.log_evidence - expected.log_evidence)) < 2e-3, index
        assert found.posterior is not None
        assert found.posterior.log_evidence == float(found.evidence.log_evidence), index
    assert sizes == [TOGETHER, len(x) - last // TOGETHER * TOGETHER, 1], "100 is measured alone"


def test_an_example_that_cannot_be_measured_takes_none_of_the_others_with_it(
    monkeypatch: pytest.MonkeyPatch, sizes: list[int]
) -> None:
    counted = posterior_density.measured_examples

    def measured(model: Any, x: Tensor, **how: Any) -> Any:
        found = counted(model, x, **how)
        if bool((x == bad).all(1).any()):
            raise BadInput("diverged", "the model's weights are not finite", "train it again")
        return found

    subject = pretrained()
    bad = subject.examples("held_out")[0][3]
    monkeypatch.setattr(posterior_density, "measured_examples", measured)
    assert measured_together(subject, "held_out", 0) is None
    found = example(subject, "held_out", 2).evidence
    assert found is not None
    assert torch.isfinite(found.log_evidence).all()
    with pytest.raises(BadInput):
        example(subject, "held_out", 3)
    assert sizes == [TOGETHER, 1, 1]


def test_without_a_lattice_each_is_measured_alone(monkeypatch: pytest.MonkeyPatch, sizes: list[int]) -> None:
    """What so large a decoder says at some points is not kept, and other examples need other points."""
    monkeypatch.setattr("vae_core.evidence.lattice._MAX_KEPT_VALUES", 0)
    assert measured_together(pretrained(), "held_out", 0) is None
    example(pretrained(), "held_out", 2)
    assert sizes == [1]
