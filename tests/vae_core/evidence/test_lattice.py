"""The first points of the quadrature: in any pieces, and decoded once for many calls."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.linear_gaussian import exact_vae, fit_ppca
from tests.vae_core.evidence.test_quadrature import digits, nonlinear
from vae_core.config import ModelConfig
from vae_core.evidence import posterior_density
from vae_core.evidence.exact import Evidence, exact_evidence
from vae_core.evidence.lattice import decoded_lattice
from vae_core.evidence.posterior_density import measured_examples, posterior_on_grid, posterior_picture
from vae_core.evidence.quadrature import Points, integrand_of
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
    (measured,) = measured_examples(model, x[None])
    evidence, picture = measured.evidence, posterior_picture(model, x, measured)
    for name, one, other in zip(evidence._fields, evidence, exact_evidence(model, x[None]), strict=True):
        assert torch.equal(one, other), name
    assert picture.log_evidence == float(evidence.log_evidence)
    assert torch.equal(picture.log_density, posterior_on_grid(model, x).log_density)


@pytest.mark.parametrize("settings", [{}, {"latent_dim": 1}, {"prior": "mixture"}, NARROW], ids=str)
def test_a_few_examples_at_once_are_what_each_is_alone(
    settings: dict[str, Any], generator: torch.Generator
) -> None:
    """Of different widths, so that some are halved further; the q of one lies beyond the lattice."""
    model = nonlinear(generator, **settings)
    x = torch.rand(6, 9, generator=generator).double() * torch.tensor([0, 0.3, 1, 1, 3, 1e3])[:, None]
    decoded = decoded_lattice(model)
    assert decoded is not None
    reach = integrand_of(model, x).bell
    assert not decoded.holds(*((reach.mean + sign * 6.5 * reach.std)[-1] for sign in (-1, 1))), "the last one"
    for given in (decoded, None):
        for one, measured in zip(x, measured_examples(model, x, decoded=given), strict=True):
            (alone,) = measured_examples(model, one[None], decoded=given)
            for name, value, expected in zip(
                Evidence._fields, measured.evidence, alone.evidence, strict=True
            ):
                assert torch.allclose(value, expected, rtol=1e-10, atol=1e-10), name
            picture, expected = (posterior_picture(model, one, some) for some in (measured, alone))
            assert torch.allclose(picture.log_density, expected.log_density, atol=1e-8)


@pytest.mark.parametrize("settings", [{}, {"latent_dim": 1}, NARROW], ids=str)
def test_the_points_of_a_few_examples_are_those_of_each_alone(
    settings: dict[str, Any], generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae_core.evidence.posterior_density._MAX_POINTS", 0)
    model = nonlinear(generator, **settings)
    x = torch.rand(5, 9, generator=generator).double() * torch.tensor([0, 0.3, 1, 1, 3])[:, None]
    for one, measured in zip(x, measured_examples(model, x), strict=True):
        (alone,) = measured_examples(model, one[None])
        points, expected = measured.frame.points, alone.frame.points
        assert points is not None
        assert expected is not None
        assert _sorted(points).shape == _sorted(expected).shape, "the same points"
        assert torch.allclose(_sorted(points), _sorted(expected), rtol=1e-9, atol=1e-9)
        total = float((points.log_joint + points.volumes.log()).logsumexp(0))
        log_evidence = float(measured.evidence.log_evidence)
        assert total == pytest.approx(log_evidence, rel=1e-12, abs=1e-9), "they sum to p(x)"
        assert points.z.untyped_storage().nbytes() == points.z.nbytes, "no other example's are kept with them"


@pytest.mark.parametrize("settings", [{}, {"latent_dim": 1}], ids=str)
def test_a_decoded_picture_that_misses_mass_is_made_of_the_cells(
    settings: dict[str, Any], generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, x = nonlinear(generator, **settings), torch.rand(9, generator=generator).double()
    decoded = posterior_on_grid(model, x)
    with monkeypatch.context() as patch:
        patch.setattr("vae_core.evidence.posterior_density._MAX_POINTS", 0)
        of_cells = posterior_on_grid(model, x)
    assert not torch.equal(of_cells.log_density, decoded.log_density)
    original = posterior_density._decoded
    monkeypatch.setattr(posterior_density, "_decoded", lambda *a: original(*a) - 0.01)
    found = posterior_on_grid(model, x)
    assert torch.equal(found.log_density, of_cells.log_density)
    assert found.mass == pytest.approx(1, abs=0.004)


def _sorted(points: Points) -> Tensor:
    """As rows in one order: z, log p(x, z), volume."""
    rows = torch.cat([points.z, points.log_joint[:, None], points.volumes[:, None]], 1)
    for column in range(points.z.shape[1]):
        rows = rows[rows[:, column].mul(1e6).round().argsort(stable=True)]
    return rows


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
