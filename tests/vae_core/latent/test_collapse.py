"""Predicted collapse against the closed form of probabilistic PCA."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from tests.linear_gaussian import exact_vae, fit_ppca
from vae_core.errors import BadInput
from vae_core.latent.collapse import predicted_collapse


@pytest.fixture(scope="module")
def digits() -> Tensor:
    return torch.from_numpy(np.asarray(load_digits(return_X_y=True)[0]) / 16)


def test_kl_of_each_dimension_is_that_of_the_exact_model(digits: Tensor) -> None:
    ppca = fit_ppca(digits, 6)
    found = predicted_collapse(digits, 6, beta=1.0, scale=ppca.variance**0.5)
    measured = exact_vae(ppca).posterior(digits).kl_to_standard_normal().mean(0)  # type: ignore[union-attr]
    assert torch.allclose(found.kl_per_dim, measured.detach(), atol=1e-9)
    assert torch.allclose(found.eigenvalues, ppca.eigenvalues[:6], atol=1e-10)
    assert found.is_active.all()


def test_beta_moves_the_threshold(digits: Tensor) -> None:
    eigenvalues = fit_ppca(digits, 10).eigenvalues
    beta = float((eigenvalues[3] + eigenvalues[4]) / 2) / 0.04
    found = predicted_collapse(digits, 10, beta=beta, scale=0.2)
    assert found.is_active.tolist() == [True] * 4 + [False] * 6
    assert found.kl_per_dim[4:].eq(0).all()
    assert found.kl_per_dim[:4].gt(0).all()
    assert found.threshold == pytest.approx(beta * 0.04)


def test_more_dimensions_than_the_data_have() -> None:
    found = predicted_collapse(torch.randn(5, 2, generator=torch.Generator()), 4, beta=1.0, scale=0.1)
    assert found.eigenvalues[2:].eq(0).all()
    assert not found.is_active[2:].any()


@pytest.mark.parametrize(
    ("rows", "beta", "match"), [(1, 1.0, "at least 2"), (3, 0.0, "no dimension collapses")]
)
def test_refusals(rows: int, beta: float, match: str) -> None:
    with pytest.raises(BadInput, match=match):
        predicted_collapse(torch.zeros(rows, 2), 1, beta=beta, scale=1.0)
