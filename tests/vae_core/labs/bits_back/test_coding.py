"""Images in a file: decoded exactly, and as long as the bound says."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import norm
from torch.distributions import ContinuousBernoulli as TorchContinuousBernoulli

from dashboard.runs.pretrained import PRETRAINED_RUN
from tests.prior_models import LEARNED
from vae_core.config import NOT_GAUSSIAN, EncoderHead, ModelConfig
from vae_core.data import load_dataset
from vae_core.elbo import elbo_terms
from vae_core.errors import BadInput
from vae_core.evidence.importance import stochastic_posterior
from vae_core.labs.bits_back import coding
from vae_core.labs.bits_back.coding import (
    Compressed,
    compress,
    compress_and_decode,
    decompress,
    levels_of,
    other_sizes,
)
from vae_core.labs.bits_back.rans import PRECISION, Rans
from vae_core.likelihoods import Bernoulli
from vae_core.model import VAE
from vae_core.runs.runfile import load_run

DIGEST = "0123456789abcdef" * 4


def ignore(share: float) -> None:
    """Progress that nobody watches."""


def written(model: VAE, x: NDArray[Any], pixels: coding.Pixels = "binary") -> Compressed:
    noise = torch.Generator().manual_seed(0)
    return compress(model, x, pixels=pixels, digest=DIGEST, generator=noise, on_progress=ignore)


def read(model: VAE, content: bytes) -> NDArray[np.int64]:
    return decompress(model, content, digest=DIGEST, on_progress=ignore)[0]


@pytest.fixture(scope="module")
def digits() -> NDArray[np.float32]:
    return load_dataset("digits", seed=0).x_test[:].numpy()


@pytest.fixture(scope="module")
def trained() -> VAE:
    return load_run(PRETRAINED_RUN).model()


def small(**settings: Any) -> VAE:
    config = ModelConfig(data_dim=64, hidden_dims=(8,), **settings)
    model = VAE(config, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for weight in model.decoder.weights:
            weight.mul_(2)
    return model


def test_all_held_out_digits_take_two_percent_more_than_the_bound_at_most(
    digits: NDArray[np.float32], trained: VAE
) -> None:
    """All is counted: the random bits of the beginning, the header, and what the heads have to spare."""
    found = compress_and_decode(
        trained,
        digits,
        pixels="binary",
        digest=DIGEST,
        generator=torch.Generator().manual_seed(0),
        on_progress=ignore,
    )
    assert bool(found["is_identical"])
    assert bool(found["came_back"])
    assert np.array_equal(found["decoded"], digits >= 0.5)
    size, bound = 8 * len(found["content"]), found["bound"].sum()
    assert len(found["bound"]) == 360
    assert 1.0 < size / bound < 1.02
    assert found["lengths"][-1] - found["lengths"][0] == pytest.approx(bound, rel=0.015)
    assert len(found["content"]) < found["gzip"] < found["raw"]


@pytest.fixture(scope="module")
def of_head(digits: NDArray[np.float32]) -> Callable[[EncoderHead, int], VAE]:
    """Models of black and white digits, trained once."""
    x = torch.from_numpy((load_dataset("digits", seed=0).x_train[:].numpy() >= 0.5).astype(np.float32))

    @functools.cache
    def train(head: EncoderHead, latent_dim: int) -> VAE:
        noise = torch.Generator().manual_seed(2)
        config = ModelConfig(data_dim=64, latent_dim=latent_dim, hidden_dims=(64,), encoder_head=head)
        model = VAE(config, generator=noise)
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        for _ in range(20):
            for rows in torch.randperm(len(x), generator=noise).split(64):
                optimizer.zero_grad()
                (-elbo_terms(model, x[rows], generator=noise).elbo.mean()).backward()
                optimizer.step()
        return model

    return train


@pytest.mark.parametrize("latent_dim", [2, 8])
@pytest.mark.parametrize("head", list(NOT_GAUSSIAN))
def test_file_is_as_short_where_q_is_no_gaussian(
    head: EncoderHead,
    latent_dim: int,
    digits: NDArray[np.float32],
    of_head: Callable[[EncoderHead, int], VAE],
) -> None:
    """Within 3 % of the bound, of which the random bits of the beginning are up to 2 for a flow of J = 8."""
    found = compress_and_decode(
        of_head(head, latent_dim),
        digits,
        pixels="binary",
        digest=DIGEST,
        generator=torch.Generator().manual_seed(0),
        on_progress=ignore,
    )
    assert bool(found["is_identical"])
    assert bool(found["came_back"])
    assert len(found["bound"]) == 360
    assert 0.99 < 8 * len(found["content"]) / found["bound"].sum() < 1.03
    assert found["lengths"][0] < (250 if head == "flow" else 150)


@pytest.mark.parametrize("head", ["log_variance", "flow", "mixture"])
@pytest.mark.parametrize("latent_dim", [2, 8])
def test_each_image_costs_what_its_z_does(
    head: EncoderHead,
    latent_dim: int,
    digits: NDArray[np.float32],
    of_head: Callable[[EncoderHead, int], VAE],
) -> None:
    """log q(z|x) - log p(x|z) - log p(z) at the z that was drawn: without the scatter of these.

    The roundings cost 0.01 bits a dimension, of whichever q.
    """
    coder = coding._Coder(of_head(head, latent_dim), 1)
    stack, coded = coding._random_stack(1, 40, torch.Generator().manual_seed(0)), []
    more = []
    for image in (digits[:200] >= 0.5).astype(np.int64):
        before = stack.num_bits
        coding._encode(coder, stack, image)
        again = Rans(*stack.state())
        z = torch.from_numpy(coder.latents.lattice.point(coder.latents.prior.pop(again)))[None]
        x = torch.from_numpy(image).double()[None]
        q = stochastic_posterior(coder.model, x)
        cost = q.log_prob(z) - coder.model.likelihood(z).log_prob(x) - coder.model.prior.log_prob(z)
        more.append(stack.num_bits - before - cost.item() / np.log(2))
        coded.append(image)
    error = np.std(more) / np.sqrt(len(more))
    assert error < 0.03
    assert abs(np.mean(more)) < 0.015 * latent_dim + 3 * error
    for image in reversed(coded):
        assert np.array_equal(coding._decode(coder, stack), image)


@pytest.mark.parametrize("head", list(NOT_GAUSSIAN))
def test_a_file_with_other_bits_is_refused_or_says_other_images(
    head: EncoderHead, digits: NDArray[np.float32], of_head: Callable[[EncoderHead, int], VAE]
) -> None:
    """Nothing but a refusal ends the decoding, whatever stands in the file."""
    model = of_head(head, 2)
    content = written(model, digits[:6]).content
    right, rng = read(model, content), np.random.default_rng(0)
    codes: list[str] = []
    for _ in range(20):
        other = bytearray(content)
        place = int(rng.integers(11, len(content)))
        other[place] ^= int(rng.integers(1, 256))
        try:
            found = read(model, bytes(other))
        except BadInput as err:
            codes.append(err.code)
        else:
            assert not np.array_equal(found, right)
    assert set(codes) == {"bits_back"}
    for damaged in (content[:-1], content[:-30], b"XYZ" + content[3:]):
        with pytest.raises(BadInput, match="damaged"):
            read(model, damaged)


def test_bound_is_the_negative_elbo_of_the_images_as_they_are_coded(
    digits: NDArray[np.float32], trained: VAE, generator: torch.Generator
) -> None:
    """By the terms of the core, in other samples of z; five standard errors."""
    x = digits[:40]
    found = written(trained, x)
    binary = torch.from_numpy((x >= 0.5).astype(np.float32))
    elbo = elbo_terms(trained, binary, num_samples=400, generator=generator).elbo.double().mean()
    expected = -elbo.item() / np.log(2)
    assert found.bound.mean() == pytest.approx(expected, abs=5 * found.bound_error + 0.05)


class Counting(Rans):
    """Adds up what each operation costs by its probability."""

    total = 0.0

    def __init__(self, heads: NDArray[np.uint64], tail: NDArray[np.uint16]) -> None:
        Counting.total = 0.0  # of the last stack: the ones before began with too few bits
        super().__init__(heads, tail)

    def push(self, start: NDArray[np.integer], frequency: NDArray[np.integer]) -> None:
        Counting.total -= float(np.log2(frequency / (1 << PRECISION)).sum())
        super().push(start, frequency)

    def pop(self, start: NDArray[np.integer], frequency: NDArray[np.integer]) -> None:
        Counting.total += float(np.log2(frequency / (1 << PRECISION)).sum())
        super().pop(start, frequency)


def test_length_is_the_sum_of_what_each_symbol_costs(
    digits: NDArray[np.float32], trained: VAE, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The coder adds less than 5e-5 bits a symbol; the file, header and spare bits of its heads."""
    monkeypatch.setattr(coding, "Rans", Counting)
    found = written(trained, digits[:60], "grey")
    assert found.lengths[-1] - found.lengths[0] == pytest.approx(Counting.total, abs=5e-5 * 60 * 68)
    assert 0 <= 8 * len(found.content) - found.lengths[-1] <= 8 * 11 + 17


def test_no_more_random_bits_than_it_takes(digits: NDArray[np.float32]) -> None:
    """Eight dimensions draw less than eight words; a word less, and the first z cannot be drawn."""
    model = small(latent_dim=8)
    found = written(model, digits[:5])
    num_words = int((found.initial_bits - 31) // 16)
    assert 0 < num_words < 8
    start = coding._random_stack(1, 8, torch.Generator().manual_seed(0))
    coder, levels = coding._Coder(model, 1), levels_of(digits[:5], "binary")[0]
    short = coding._shortened(start, num_words - 1)

    def code_all() -> None:
        for image in levels:
            coding._encode(coder, short, image)

    with pytest.raises(BadInput, match="ends too early"):
        code_all()


def models() -> Iterator[Any]:
    for head in ("log_variance", "variance", "full_covariance", "flow", "mixture", "unit_variance"):
        yield pytest.param(small(encoder_head=head), id=head)
    for likelihood in ("continuous_bernoulli", "gaussian", "gaussian_diagonal"):
        yield pytest.param(small(likelihood=likelihood, likelihood_scale=1.0), id=likelihood)
    for latent_dim in (1, 8):
        yield pytest.param(small(latent_dim=latent_dim), id=f"J={latent_dim}")
    for prior in LEARNED:
        yield pytest.param(small(prior=prior, num_components=3), id=prior)
    for head in NOT_GAUSSIAN:
        yield pytest.param(small(encoder_head=head, latent_dim=8), id=f"{head}-J=8")
        yield pytest.param(small(encoder_head=head, prior="mixture", num_components=3), id=f"{head}-mixture")


@pytest.mark.parametrize("model", list(models()))
@pytest.mark.parametrize("pixels", ["binary", "grey"])
def test_each_kind_of_model_decodes_what_it_wrote(
    model: VAE, pixels: coding.Pixels, digits: NDArray[np.float32]
) -> None:
    x = digits[:12]
    found = written(model, x, pixels)
    levels, num_steps = levels_of(x, pixels)
    assert found.num_steps == num_steps == (1 if pixels == "binary" else 16)
    assert np.array_equal(read(model, found.content), levels)
    # Each z is one draw, so that a dozen images scatter round their bound.
    grown, bound = found.lengths[-1] - found.lengths[0], found.bound.sum()
    assert grown < 1.15 * bound + 30
    # An untrained variance of each value may make one cost more than the 16 bits that it takes at most.
    assert grown > 0.85 * bound - 30 or model.config.likelihood == "gaussian_diagonal"


@pytest.mark.parametrize("num_steps", [1, 2, 16, 255])
def test_masses_of_a_unit_interval_add_up_and_are_the_bernoulli_of_two_levels(num_steps: int) -> None:
    model = small()
    z = torch.randn(5, 2, generator=torch.Generator().manual_seed(0)).double()
    likelihood = model.double().likelihood(z)
    assert isinstance(likelihood, Bernoulli)
    masses = coding._log_masses(model, likelihood, num_steps).detach()
    assert (masses.exp().sum(-1) - 1).abs().max() < 1e-12
    if num_steps == 1:
        assert (masses[..., 1].exp() - likelihood.mean).abs().max() < 1e-12
    if num_steps == 255:
        x = torch.arange(256).double() / 255
        density = TorchContinuousBernoulli(logits=likelihood.logits.detach()[..., None]).log_prob(x)
        assert (masses - density + np.log(256)).abs().max() < 0.03


def test_masses_of_a_gaussian_are_those_between_the_middles() -> None:
    model = small(likelihood="gaussian", likelihood_scale=0.2).double()
    likelihood = model.likelihood(torch.zeros(1, 2).double())
    masses = coding._log_masses(model, likelihood, 4).detach().exp().numpy()
    middles = np.array([-np.inf, 0.125, 0.375, 0.625, 0.875, np.inf])
    location = likelihood.mean.detach().numpy()[..., None]
    assert np.abs(masses - np.diff(norm.cdf(middles, location, 0.2))).max() < 1e-12


def test_levels_are_the_fewest_that_the_values_have() -> None:
    assert levels_of(np.array([[0.0, 1.0]]), "grey")[1] == 1
    assert levels_of(np.array([[0.0, 0.25, 1.0]], np.float32), "grey")[0].tolist() == [[0, 1, 4]]
    pixels = np.arange(256, dtype=np.float32)[None] / 255
    assert levels_of(pixels, "grey")[1] == 255
    assert levels_of(pixels, "binary")[0].sum() == 128
    for x, said in ((np.array([[0.0, 1.5]]), "images"), (np.array([[np.nan]]), "images")):
        with pytest.raises(BadInput, match=said):
            levels_of(x, "grey")
    with pytest.raises(BadInput, match="256 grey levels"):
        levels_of(np.random.default_rng(0).random((3, 50)), "grey")


def test_other_formats_hold_the_same_images() -> None:
    sizes = other_sizes(np.zeros((100, 64), np.int64), 1)
    assert sizes["raw"] == 800
    assert max(sizes["gzip"], sizes["xz"]) < 120
    assert other_sizes(np.zeros((10, 64), np.int64), 16)["raw"] == 327


def test_damage_and_other_weights_are_refused(digits: NDArray[np.float32], trained: VAE) -> None:
    content = written(trained, digits[:3]).content
    for damaged in (
        b"",
        content[:9],
        b"XYZ" + content[3:],
        content[:-1],
        content[:3] + b"\xff\xff" + content[5:],
    ):
        with pytest.raises(BadInput, match="damaged"):
            read(trained, damaged)
    with pytest.raises(BadInput, match="other weights"):
        decompress(trained, content, digest="f" * 64, on_progress=ignore)
    with pytest.raises(BadInput, match="damaged"):
        read(trained, content[:-40])


def test_refusals(digits: NDArray[np.float32]) -> None:
    for model, said in (
        (small(latent_dim=9), "at most 8"),
        (small(encoder_head="deterministic"), "determin"),
    ):
        with pytest.raises(BadInput, match=said):
            written(model, digits[:2])


def test_another_seed_writes_other_bits_of_about_the_same_length(
    digits: NDArray[np.float32], trained: VAE
) -> None:
    first = written(trained, digits[:30])
    noise = torch.Generator().manual_seed(5)
    second = compress(
        trained, digits[:30], pixels="binary", digest=DIGEST, generator=noise, on_progress=ignore
    )
    assert first.content != second.content
    assert written(trained, digits[:30]).content == first.content
    assert len(first.content) == pytest.approx(len(second.content), rel=0.05)
