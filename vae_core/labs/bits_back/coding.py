"""Bits-back coding: images in a file whose length is the negative ELBO, and out of it again."""

import copy
import gzip
import lzma
import math
import struct
from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.device import on_cpu
from vae_core.errors import BadInput
from vae_core.evidence.importance import stochastic_posterior
from vae_core.labs.bits_back.latents import LatentCode, PosteriorCode, most_words
from vae_core.labs.bits_back.limits import MAX_IMAGES, MAX_LATENT_DIM, MAX_LEVELS
from vae_core.labs.bits_back.rans import HEAD_BYTES, LOWEST, WORD_BITS, Rans, frequencies
from vae_core.model import VAE

Pixels = Literal["binary", "grey"]
_VALUES_PER_HEAD: Final = 20_000
_MAX_HEADS: Final = 64
_MAGIC: Final = b"VB1"
_HEADER: Final = struct.Struct("<3sHBB4s")
"""Mark, images, grey levels less one, heads, and the beginning of the run's digest."""
_DIGEST_BYTES: Final = 4
_MOST_SAMPLES, _LEAST_SAMPLES = 64, 4
_MASSES: Final = 200_000
"""Samples of z for each image, for the bound that the file is held against: as many as have these masses."""


class Compressed(NamedTuple):
    """A file, and what its length is made of; all lengths in bits.

    Arguments:
        content: The file.
        num_images: n.
        num_steps: Grey levels less one.
        initial_bits: Random bits that the stack began with; whoever decodes gets them back.
        lengths: log2 of what the stack can tell, before the first image and after each, shape (n + 1,).
        bound: Negative ELBO of each image, of the mass that is coded, shape (n,).
        bound_error: Standard error of its mean over the samples of z.
    """

    content: bytes
    num_images: int
    num_steps: int
    initial_bits: float
    lengths: NDArray[np.float64]
    bound: NDArray[np.float64]
    bound_error: float


def levels_of(x: NDArray[np.floating], pixels: Pixels) -> tuple[NDArray[np.int64], int]:
    """Whole numbers k of 0 to n for values k / n in [0, 1], and n.

    Arguments:
        x: Shape (images, D).
        pixels: ``grey`` takes the levels that there are, ``binary`` is 1 from one half on.

    Raises:
        BadInput: Values outside of [0, 1], or of more than ``MAX_LEVELS`` levels (code ``pixels``).
    """
    x = np.asarray(x, np.float64)
    if not (np.isfinite(x).all() and x.min() >= 0 and x.max() <= 1):
        raise BadInput("pixels", "bits-back coding here is of images in [0, 1]", "choose a run on images")
    if pixels == "binary":
        return (x >= 0.5).astype(np.int64), 1
    for num_steps in range(1, MAX_LEVELS):
        levels = np.rint(x * num_steps)
        if np.abs(levels / num_steps - x).max() < 1e-5:
            return levels.astype(np.int64), num_steps
    message = f"these images have more than {MAX_LEVELS} grey levels"
    raise BadInput("pixels", message, "code them as black and white")


class _Coder:
    """The distributions that both sides know: they compute them alike, one image at a time."""

    def __init__(self, model: VAE, num_steps: int) -> None:
        if model.config.latent_dim > MAX_LATENT_DIM:
            raise BadInput(
                "latent_dim",
                f"bits-back coding here takes at most {MAX_LATENT_DIM} latent dimensions, "
                f"this model has {model.config.latent_dim}",
                "choose a model with fewer",
            )
        self.model = copy.deepcopy(on_cpu(model)).double().requires_grad_(False)
        self.num_steps = num_steps
        self.latents = LatentCode(self.model)

    def posterior(self, image: NDArray[np.int64]) -> PosteriorCode:
        """The code of z under q(z|x) of one image, shape (D,)."""
        x = torch.from_numpy(image / self.num_steps)[None]
        return self.latents.posterior(stochastic_posterior(self.model, x))

    def pixel_ends(self, symbols: list[int]) -> NDArray[np.int64]:
        """Intervals of the levels of each of the D values given one z, shape (D, n + 2)."""
        z = torch.from_numpy(self.latents.lattice.point(symbols))
        likelihood = self.model.likelihood(z[None])
        return frequencies(_log_masses(self.model, likelihood, self.num_steps)[0].exp().cumsum(-1).numpy())


def _log_masses(model: VAE, likelihood: Any, num_steps: int) -> Tensor:
    """log p(k|z) of each level k = 0 to n of each value: (..., D, n + 1), nats, normalised.

    Values in [0, 1] with the decoder's logit l: p(k|z) = exp(l k / n) / sum_j exp(l j / n). For n = 1 that is
    the Bernoulli distribution; as n grows it is the continuous Bernoulli's density times the step. For grey
    levels between, no mass function has the Bernoulli score x l - softplus(l) up to a constant: it would
    have to sum to (1 + e^l) for all l, which only 0 and 1 do (a binomial of n draws has n times the score).
    So a model that was trained on that score is coded under the score, normalised, and has the bound of that.

    A Gaussian's level has the mass between the middles to its neighbours; the outermost have the tails.
    """
    levels = torch.arange(num_steps + 1, dtype=torch.float64) / num_steps
    if model.config.is_unit_interval:
        return torch.log_softmax(likelihood.logits[..., None] * levels, -1)
    scale = likelihood.variance.sqrt()[..., None]
    middles = (levels[:-1] + levels[1:]) / 2
    edges = (middles - likelihood.mean[..., None]) / scale
    ends = torch.full_like(edges[..., :1], math.inf)
    upper, lower = torch.cat([edges, ends], -1), torch.cat([-ends, edges], -1)
    # Of two tails the mass is taken on the side where it is no difference of two ones.
    flip = lower > 0
    high, low = torch.where(flip, -lower, upper), torch.where(flip, -upper, lower)
    return torch.log(torch.special.ndtr(high) - torch.special.ndtr(low) + 1e-300)


def compress(
    model: VAE,
    x: NDArray[np.floating],
    *,
    pixels: Pixels = "binary",
    digest: str,
    generator: torch.Generator,
    on_progress: Callable[[float], None],
) -> Compressed:
    """Writes images into a file of about -ELBO / log 2 bits each.

    For each image x, on a stack of bits (:class:`~vae_core.labs.bits_back.rans.Rans`):

    1. pop z from q(z|x): the bits on the stack choose it, which shortens the stack by -log2 q(z|x);
    2. push x under p(x|z): longer by -log2 p(x|z);
    3. push z under p(z): longer by -log2 p(z).

    On average log2 q(z|x) - log2 p(x|z) - log2 p(z) = -ELBO(x) / log 2: the bits that chose z come back when
    it is decoded (Hinton and van Camp 1993; Frey and Hinton 1996; as here, Townsend, Bird and Barber 2019,
    arXiv 1901.04866). The first image has none to draw from: the stack begins with random bits, no more words
    than it takes, which are counted. z lies in buckets of equal width, coded by its centre; all probabilities
    are rounded to 16 bits, those of p to at least 2^-16.

    Of a Gaussian q, and of a mixture, z is taken dimension by dimension under q(z_j|z_1, ..., z_(j-1), x); of
    a flow, which has no such densities, by local bits-back coding (Ho, Lohn and Abbeel 2019, arXiv
    1905.08500): see :mod:`~vae_core.labs.bits_back.latents`.

    Arguments:
        model: The model, J at most ``MAX_LATENT_DIM``.
        x: Images in [0, 1], shape (n, D).
        pixels: How grey levels are coded, see :func:`levels_of`.
        digest: Of the run, hexadecimal: a file is decoded only with the weights that wrote it.
        generator: Draws the random bits, and z for the bound.
        on_progress: Told the share that is done.

    Raises:
        BadInput: More latent dimensions, a deterministic encoder, non-finite weights, no images in [0, 1], or
            more than ``MAX_LEVELS`` levels.
    """
    levels, num_steps = levels_of(x[:MAX_IMAGES], pixels)
    coder = _Coder(model, num_steps)
    num_heads = max(1, min(_MAX_HEADS, levels.size // _VALUES_PER_HEAD))
    start = _random_stack(num_heads, most_words(model.config), generator)
    num_words, told = 0, 0.0
    while True:  # it ends: so many words are as much as the first image can ever take
        stack = _shortened(start, num_words)
        lengths = [stack.num_bits]
        try:
            for number, image in enumerate(levels):
                _encode(coder, stack, image)
                lengths.append(stack.num_bits)
                told = max(told, (number + 1) / len(levels) / 2)
                on_progress(told)
            break
        except BadInput as err:
            if err.code != "bits_back" or num_words == len(start.state()[1]):
                raise
            num_words += 1
    bounds, errors = [], []
    for number, image in enumerate(levels):
        bound, error = _bound(coder, image, generator)
        bounds.append(bound)
        errors.append(error)
        on_progress(0.5 + (number + 1) / len(levels) / 2)
    return Compressed(
        _written(stack, len(levels), num_steps, digest),
        len(levels),
        num_steps,
        lengths[0],
        np.array(lengths),
        np.array(bounds),
        float(np.sqrt(np.square(errors).sum()) / len(levels)),
    )


def decompress(
    model: VAE, content: bytes, *, digest: str, on_progress: Callable[[float], None]
) -> tuple[NDArray[np.int64], int, Rans]:
    """Reads what :func:`compress` wrote: the three steps backwards, the last image first.

    z is popped under p(z), x under p(x|z), and z is pushed under q(z|x), which gives the bits back. The
    distributions are computed anew: the same weights with the same libraries on the same kind of processor
    give the same numbers.

    Arguments:
        model: The model that wrote it.
        content: The file.
        digest: Of the run.
        on_progress: Told the share that is done.

    Returns:
        Levels (n, D), their number of steps, and the stack, which holds the first random bits again.

    Raises:
        BadInput: No such file, another model's, or damaged (code ``bits_back``).
    """
    stack, num_images, num_steps, written_by = _read(content)
    if written_by != bytes.fromhex(digest)[:_DIGEST_BYTES]:
        message = "the file was written with other weights than those of this run"
        raise BadInput("bits_back", message, "decode it with the run that wrote it")
    coder = _Coder(model, num_steps)
    levels = np.zeros((num_images, model.config.data_dim), np.int64)
    for number in range(num_images - 1, -1, -1):
        levels[number] = _decode(coder, stack)
        on_progress((num_images - number) / num_images)
    return levels, num_steps, stack


def _encode(coder: _Coder, stack: Rans, image: NDArray[np.int64]) -> None:
    z = coder.posterior(image).pop(stack)
    ends = coder.pixel_ends(z)
    starts, stops = (ends[np.arange(len(image)), image + step] for step in (0, 1))
    for first in range(0, len(image), stack.num_heads):
        here = slice(first, first + stack.num_heads)
        stack.push(starts[here], stops[here] - starts[here])
    coder.latents.prior.push(stack, z)


def _decode(coder: _Coder, stack: Rans) -> NDArray[np.int64]:
    z = coder.latents.prior.pop(stack)
    ends = coder.pixel_ends(z)
    image = np.zeros(len(ends), np.int64)
    for first in reversed(range(0, len(image), stack.num_heads)):
        here = ends[first : first + stack.num_heads]
        found = (here[:, 1:] <= stack.peek(len(here))[:, None]).sum(1)
        rows = np.arange(len(here))
        stack.pop(here[rows, found], here[rows, found + 1] - here[rows, found])
        image[first : first + len(here)] = found
    coder.posterior(image).push(stack, z)
    return image


def _bound(coder: _Coder, image: NDArray[np.int64], generator: torch.Generator) -> tuple[float, float]:
    """-ELBO in bits from samples of q itself, and its standard error: no buckets, no rounding."""
    model, x = coder.model, torch.from_numpy(image / coder.num_steps)[None]
    q = stochastic_posterior(model, x)
    num_masses = image.size * (coder.num_steps + 1)
    num_samples = max(_LEAST_SAMPLES, min(_MOST_SAMPLES, _MASSES // num_masses))
    z = q.sample(num_samples, generator=generator)[:, 0].double()
    masses = _log_masses(model, model.likelihood(z), coder.num_steps)
    which = torch.from_numpy(image)[:, None].expand(len(z), -1, 1)
    log_likelihood = masses.gather(-1, which)[..., 0].sum(-1)
    cost = q.log_prob(z[:, None])[:, 0] - model.prior.log_prob(z) - log_likelihood
    bits = cost.double() / math.log(2)
    return float(bits.mean()), float(bits.std() / math.sqrt(len(bits)))


def _random_stack(num_heads: int, num_words: int, generator: torch.Generator) -> Rans:
    """As many random bits as the first image may take: so many words, beside the heads."""
    heads = torch.randint(LOWEST, 2 * LOWEST, (num_heads,), generator=generator)
    tail = torch.randint(1 << WORD_BITS, (num_words,), generator=generator)
    return Rans(heads.numpy().astype(np.uint64), tail.numpy().astype(np.uint16))


def _shortened(stack: Rans, num_words: int) -> Rans:
    """The same heads, and so many words of the tail."""
    heads, tail = stack.state()
    return Rans(heads, tail[:num_words])


def _written(stack: Rans, num_images: int, num_steps: int, digest: str) -> bytes:
    heads, tail = stack.state()
    head = _HEADER.pack(_MAGIC, num_images, num_steps, len(heads), bytes.fromhex(digest)[:_DIGEST_BYTES])
    packed = b"".join(int(value).to_bytes(HEAD_BYTES, "little") for value in heads)
    return head + packed + tail.astype("<u2").tobytes()


def _read(content: bytes) -> tuple[Rans, int, int, bytes]:
    damaged = BadInput("bits_back", "this is no file of bits-back coding, or it is damaged", "write it again")
    if len(content) < _HEADER.size:
        raise damaged
    magic, num_images, num_steps, num_heads, written_by = _HEADER.unpack_from(content)
    start = _HEADER.size + HEAD_BYTES * num_heads
    is_whole = len(content) >= start and (len(content) - start) % 2 == 0
    if magic != _MAGIC or not (is_whole and 0 < num_images <= MAX_IMAGES and 0 < num_steps < MAX_LEVELS):
        raise damaged
    heads = [
        int.from_bytes(content[first : first + HEAD_BYTES], "little")
        for first in range(_HEADER.size, start, HEAD_BYTES)
    ]
    tail = np.frombuffer(content, "<u2", offset=start).astype(np.uint16)
    return Rans(np.array(heads, np.uint64), tail), num_images, num_steps, written_by


def other_sizes(levels: NDArray[np.int64], num_steps: int) -> dict[str, int]:
    """Bytes of the same images in general formats: ``raw``, ``gzip`` and ``xz``, one byte or one bit a value.

    Arguments:
        levels: Whole numbers of 0 to n, shape (images, D).
        num_steps: n.
    """
    plain = levels.astype(np.uint8).tobytes()
    forms = [plain, np.packbits(levels.astype(np.uint8)).tobytes()] if num_steps == 1 else [plain]
    return {
        "raw": math.ceil(levels.size * math.log2(num_steps + 1) / 8),
        "gzip": min(len(gzip.compress(form, 9, mtime=0)) for form in forms),
        "xz": min(len(lzma.compress(form, preset=9 | lzma.PRESET_EXTREME)) for form in forms),
    }


def compress_and_decode(
    model: VAE,
    x: NDArray[np.floating],
    *,
    pixels: Pixels,
    digest: str,
    generator: torch.Generator,
    on_progress: Callable[[float], None],
) -> dict[str, NDArray[Any]]:
    """Compresses, decodes the bytes again, and compares: what a page shows, as arrays.

    Arguments: Those of :func:`compress`.

    Returns:
        ``content`` (the file), ``lengths``, ``bound``, ``bound_error``, ``num_steps``; levels ``decoded``;
        ``is_identical``, whether they are those that were coded; ``came_back``, whether the first random bits
        are on the stack again; ``raw``, ``gzip`` and ``xz``, sizes in bytes.

    Raises:
        BadInput: As :func:`compress`.
    """
    levels, num_steps = levels_of(x[:MAX_IMAGES], pixels)
    # The random bits are drawn first: a copy of the generator draws the same ones.
    start = torch.Generator().set_state(generator.get_state())
    found = compress(
        model,
        x,
        pixels=pixels,
        digest=digest,
        generator=generator,
        on_progress=lambda share: on_progress(share / 2),
    )
    decoded, _, stack = decompress(
        model, found.content, digest=digest, on_progress=lambda share: on_progress(0.5 + share / 2)
    )
    first = _random_stack(stack.num_heads, most_words(model.config), start)
    first = _shortened(first, len(stack.state()[1]))
    came_back = all(np.array_equal(a, b) for a, b in zip(first.state(), stack.state(), strict=True))
    sizes = {name: np.array(size) for name, size in other_sizes(levels, num_steps).items()}
    return sizes | {
        "content": np.frombuffer(found.content, np.uint8),
        "lengths": found.lengths,
        "bound": found.bound,
        "bound_error": np.array(found.bound_error),
        "num_steps": np.array(num_steps),
        "decoded": decoded.astype(np.uint8),
        "is_identical": np.array(np.array_equal(decoded, levels)),
        "came_back": np.array(came_back),
    }
