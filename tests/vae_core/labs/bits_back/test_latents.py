"""The codes of z: under each distribution the intervals have its masses, and popped z are drawn from it."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import multivariate_normal, norm
from torch import Tensor

from tests.vae_core.test_flow import some_flow
from vae_core.config import EncoderHead, ModelConfig
from vae_core.labs.bits_back.latents import Chain, LatentCode, Lattice
from vae_core.labs.bits_back.rans import LOWEST, PRECISION, Rans
from vae_core.model import VAE
from vae_core.posteriors import AnyPosterior, DiagonalMixture, PlanarNormal


def bits_of(chain: Chain, symbols: list[int]) -> float:
    """What the symbols cost."""
    lengths = [np.diff(chain.ends(symbols[:place]))[symbol] for place, symbol in enumerate(symbols)]
    return -sum(math.log2(length / (1 << PRECISION)) for length in lengths)


def random_stack(seed: int, num_words: int = 60) -> Rans:
    rng = np.random.default_rng(seed)
    return Rans(
        rng.integers(LOWEST, 2 * LOWEST, 1, dtype=np.uint64),
        rng.integers(0, 1 << 16, num_words).astype(np.uint16),
    )


def test_a_mixture_has_the_masses_of_boxes() -> None:
    """Products of the conditionals, against sums of the components' masses by scipy."""
    rng = np.random.default_rng(0)
    lattice = Lattice(np.stack([np.linspace(-4, 4, 9), np.linspace(-3, 5, 9)]), 1)
    weights, means, stds = np.array([0.2, 0.5, 0.3]), rng.normal(size=(3, 2)), 0.5 + rng.random((3, 2))
    chain = lattice.mixture(weights, means, stds, least=1)
    total = 0.0
    for row in range(8):
        for column in range(8):
            low = np.array([lattice.edges[0, row], lattice.edges[1, column]])
            high = np.array([lattice.edges[0, row + 1], lattice.edges[1, column + 1]])
            low[[row == 0, column == 0]], high[[row == 7, column == 7]] = -np.inf, np.inf
            each = (norm.cdf(high, means, stds) - norm.cdf(low, means, stds)).prod(1)
            found = 2.0 ** -bits_of(chain, [row, 0, column, 0])
            assert found == pytest.approx(weights @ each, abs=3e-4)
            total += found
    assert total == pytest.approx(1, abs=1e-12)


def test_a_gaussian_has_the_density_of_its_cells() -> None:
    """Cells of a hundredth of a deviation: -log2 of the density times their area."""
    lattice = Lattice(np.tile(np.linspace(-5, 5, 257), (2, 1)), 16)
    mean, factor = np.array([0.3, -0.4]), np.array([[0.5, 0.0], [-0.3, 0.4]])
    chain, exact = lattice.gaussian(mean, factor, least=0), multivariate_normal(mean, factor @ factor.T)
    area = (10 / 256 / 16) ** 2
    worst = 0.0
    for seed in range(200):
        symbols = chain.pop(random_stack(seed))
        expected = -(exact.logpdf(lattice.point(symbols)) / math.log(2) + math.log2(area))
        worst = max(worst, abs(bits_of(chain, symbols) - expected))
    assert worst < 0.1, "a mass of a few thousandths is rounded to 16 bits"


@pytest.mark.parametrize("cells", [1, 7])
def test_points_lie_in_the_middle_of_their_cells(cells: int) -> None:
    lattice = Lattice(np.array([[-1.0, 0.0, 1.0]]), cells)
    points = [lattice.point([bucket, cell])[0] for bucket in range(2) for cell in range(cells)]
    assert np.allclose(points, (np.arange(2 * cells) + 0.5) / cells - 1, atol=1e-15)


@pytest.mark.parametrize("far", [-9.0, 9.0, 40.0])
def test_a_gaussian_beyond_the_buckets_lies_in_the_last_ones(far: float) -> None:
    """Nothing is divided by the mass of a bucket that has none."""
    lattice = Lattice(np.linspace(-5, 5, 33)[None], 8)
    for least in (0, 1):
        chain = lattice.gaussian(np.array([far]), np.array([[0.01]]), least=least)
        symbols = chain.pop(random_stack(1))
        if least == 0:
            assert symbols[0] == (0 if far < 0 else 31)
        assert chain.ends(symbols[:1])[-1] == 1 << PRECISION


def posterior_of(head: EncoderHead, generator: torch.Generator) -> AnyPosterior:
    if head == "flow":
        wide = some_flow(generator, batch=1)
        return PlanarNormal(0.5 * wide.centre, wide.log_var - 2, wide.layers)
    means = torch.tensor([[[-1.0, 0.5], [1.2, -0.3]]]).double()
    log_vars = torch.tensor([[[-2.0, -1.0], [-1.5, -3.0]]]).double()
    return DiagonalMixture(torch.tensor([[0.3, 0.7]]).double().log(), means, log_vars)


@pytest.mark.parametrize("head", ["flow", "mixture"])
def test_z_of_random_bits_is_drawn_from_q_and_comes_back(
    head: EncoderHead, generator: torch.Generator
) -> None:
    """Means of z, of its square, of sin and of log q, in 600 stacks; the bits taken are given back."""
    code = LatentCode(VAE(ModelConfig(data_dim=3, encoder_head=head), generator=generator).double())
    q = posterior_of(head, generator)
    posterior = code.posterior(q)
    points: list[NDArray[np.float64]] = []
    for seed in range(600):
        stack = random_stack(seed)
        before = stack.state()
        symbols = posterior.pop(stack)
        points.append(code.lattice.point(symbols))
        if seed < 50:
            posterior.push(stack, symbols)
            assert all(np.array_equal(a, b) for a, b in zip(before, stack.state(), strict=True))

    def said(z: Tensor) -> Tensor:
        return torch.cat((z, z.square(), torch.sin(3 * z), q.log_prob(z[:, None])), 1)

    found = said(torch.from_numpy(np.stack(points)))
    expected = said(q.sample(200_000, generator=generator)[:, 0].double()).mean(0)
    errors = found.std(0) / math.sqrt(len(found))
    assert float(((found.mean(0) - expected) / errors).abs().max()) < 4


def test_jacobian_of_a_flow_is_its_derivative(generator: torch.Generator) -> None:
    flow = some_flow(generator, batch=5, dim=3).flow
    t = torch.randn(5, 3, generator=generator).double()
    slope = flow.jacobian(t)
    expected = torch.autograd.functional.jacobian(lambda t: flow.push(t)[0].sum(0), t).transpose(0, 1)
    torch.testing.assert_close(slope, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(torch.linalg.slogdet(slope)[1], flow.push(t)[1], rtol=1e-10, atol=1e-12)
