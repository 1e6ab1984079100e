"""The first points of the quadrature: in any pieces, and decoded once for many calls."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.linear_gaussian import exact_vae, fit_ppca
from tests.vae_core.evidence.test_quadrature import digits, nonlinear
from vae_core.config import ModelConfig
from vae_core.evidence.exact import exact_evidence
from vae_core.evidence.lattice import decoded_lattice
from vae_core.evidence.posterior_density import evidence_and_posterior, posterior_on_grid
from vae_core.model import VAE

__all__ = ["digits"]  # a fixture


def test_pieces_do_not_change_the_result(
    digits: Tensor, generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = exact_vae(fit_ppca(digits, 2))
    whole = exact_evidence(model, digits)
    monkeypatch.setattr("vae_core.memory.CHUNK_VALUES", 100_000)
    monkeypatch.setattr("vae_core.evidence.exact._MAX_PAIRS", 1000)
    monkeypatch.setattr("vae_core.evidence.quadrature._CELLS_AT_ONCE", 33)
    monkeypatch.setattr("vae_core.evidence.quadrature._PAIRS_AT_ONCE", 70)
    monkeypatch.setattr("vae_core.evidence.lattice._EXAMPLES_AT_ONCE", 7)
    monkeypatch.setattr("vae_core.memory.CHUNK_VALUES", 64 * 70)
    pieces = exact_evidence(model, digits)
    assert (whole.log_evidence - pieces.log_evidence).abs().max() < 1e-9
    assert (whole.kl_to_posterior - pieces.kl_to_posterior).abs().max() < 1e-9


NARROW: dict[str, Any] = {"likelihood": "gaussian", "likelihood_scale": 0.1}
"""Posteriors for which cells are halved more often than the children of cells are kept."""


@pytest.mark.parametrize("settings", [{}, {"latent_dim": 1}, {"prior": "mixture"}, NARROW], ids=str)
def test_decoded_lattice_changes_nothing(settings: dict[str, Any], generator: torch.Generator) -> None:
    """Also where q lies beyond it: there other cells are needed."""
    model, x = nonlinear(generator, **settings), torch.rand(3, 9, generator=generator).double()
    decoded = decoded_lattice(model)
    assert decoded is not None
    assert len(decoded.children) == 2 * model.config.latent_dim, len(decoded.children)
    found, expected = exact_evidence(model, x, decoded=decoded), exact_evidence(model, x)
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, rtol=0, atol=1e-9)
    with torch.no_grad():
        model.encoder.biases[-1][: model.config.latent_dim] = 7.0
    far = exact_evidence(model, x, decoded=decoded)
    assert torch.equal(far.kl_to_posterior, exact_evidence(model, x).kl_to_posterior)
    assert (far.log_evidence - expected.log_evidence).abs().max() < 1e-4


@pytest.mark.parametrize("settings", [{}, {"latent_dim": 1}, {"prior": "mixture"}], ids=str)
def test_evidence_and_picture_come_from_one_quadrature(
    settings: dict[str, Any], generator: torch.Generator
) -> None:
    model, x = nonlinear(generator, **settings), torch.rand(9, generator=generator).double()
    evidence, picture = evidence_and_posterior(model, x)
    for name, one, other in zip(evidence._fields, evidence, exact_evidence(model, x[None]), strict=True):
        assert torch.equal(one, other), name
    assert picture.log_evidence == float(evidence.log_evidence)
    assert torch.equal(picture.log_density, posterior_on_grid(model, x).log_density)


def test_only_as_much_is_decoded_in_advance_as_has_room(
    generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of what is kept the quadrature goes on with the decoder itself."""
    model, x = nonlinear(generator), torch.rand(3, 9, generator=generator).double()
    whole = decoded_lattice(model)
    assert whole is not None
    width = max(model.config.data_dim, *model.config.hidden_dims)
    monkeypatch.setattr("vae_core.evidence.lattice._MAX_KEPT_VALUES", 5 * width * len(whole.centres))
    some = decoded_lattice(model)
    assert some is not None
    assert [len(part) for part in some.children] == [1, 2]
    for one, other in zip(
        exact_evidence(model, x, decoded=some), exact_evidence(model, x, decoded=whole), strict=True
    ):
        assert torch.allclose(one, other, rtol=0, atol=1e-9)


def test_a_large_decoder_is_not_kept(generator: torch.Generator) -> None:
    """Neither where the pictures are large nor where a hidden layer is."""
    assert decoded_lattice(VAE(ModelConfig(data_dim=3000), generator=generator)) is None
    assert decoded_lattice(VAE(ModelConfig(data_dim=9, hidden_dims=(3000,)), generator=generator)) is None
