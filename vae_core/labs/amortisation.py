"""The argument for amortised inference, measured: a psi = (mu, sigma) for each example against one encoder.

With n examples the first needs 2 J n numbers, each pair found by an ascent of its own; the second needs the
encoder's weights, however many examples there are, and its training once (source document 001; Kingma and
Welling 2019, section 2.1; Cremer, Li and Duvenaud 2018 for what it costs in nats).
"""

import copy
import math
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.config import TrainConfig
from vae_core.elbo import elbo_terms, elbo_terms_given_eps
from vae_core.errors import BadInput
from vae_core.model import VAE
from vae_core.posteriors import DiagonalNormal
from vae_core.training.optimizer import descend, flatten, initial_moments

ASCENT_STEPS: Final = 150
ASCENT_SAMPLES: Final = 4
_LEARNING_RATE: Final = 0.1
_ADAM: Final = TrainConfig()
_EVALUATED: Final = 64
"""Samples of z for each bound that is compared."""
_TIMED_UPDATES: Final = 10
_REPEATS: Final = 3


class Cost(NamedTuple):
    """What n examples need.

    Arguments:
        num_examples: n.
        psi_parameters: Numbers of all psi, 2 J n.
        encoder_parameters: Numbers of the encoder.
        psi_seconds: To find all psi.
        encoder_seconds: To train the encoder once and to encode all n.
        is_measured: Whether the n examples were computed; else both times are extrapolated from the largest n
            that was, in proportion to n.
    """

    num_examples: int
    psi_parameters: int
    encoder_parameters: int
    psi_seconds: float
    encoder_seconds: float
    is_measured: bool


class Amortisation(NamedTuple):
    """Both ways on the same examples and the same decoder.

    Arguments:
        sizes: The n that were measured, rising.
        psi_seconds: Of the ascent for all n, shape as ``sizes``.
        encode_seconds: Of one pass of the encoder over all n.
        latent_dim: J.
        encoder_parameters: Numbers of the encoder.
        update_seconds: Of one update of the encoder.
        num_updates: Of its training.
        psi_elbo, encoder_elbo: Mean bound of the largest n, nats, with the same noise.
    """

    sizes: tuple[int, ...]
    psi_seconds: tuple[float, ...]
    encode_seconds: tuple[float, ...]
    latent_dim: int
    encoder_parameters: int
    update_seconds: float
    num_updates: int
    psi_elbo: float
    encoder_elbo: float

    @property
    def training_seconds(self) -> float:
        """Of the encoder, once: the time of an update times their number."""
        return self.update_seconds * self.num_updates

    def cost(self, num_examples: int) -> Cost:
        """What n examples need: measured, or extrapolated in proportion to n."""
        is_measured = num_examples in self.sizes
        place = self.sizes.index(num_examples) if is_measured else -1
        factor = num_examples / self.sizes[place]
        return Cost(
            num_examples=num_examples,
            psi_parameters=2 * self.latent_dim * num_examples,
            encoder_parameters=self.encoder_parameters,
            psi_seconds=factor * self.psi_seconds[place],
            encoder_seconds=self.training_seconds + factor * self.encode_seconds[place],
            is_measured=is_measured,
        )

    @property
    def break_even(self) -> float:
        """The n from which the encoder takes less time; infinite where it never does."""
        saved = (self.psi_seconds[-1] - self.encode_seconds[-1]) / self.sizes[-1]
        return self.training_seconds / saved if saved > 0 else float("inf")


def measure_amortisation(
    model: VAE,
    x: Tensor,
    *,
    num_updates: int,
    batch_size: int,
    sizes: Sequence[int] = (1, 10, 100, 300),
    seed: int = 0,
) -> Amortisation:
    """Times both ways; each time is the least of some repetitions, but for the ascents.

    Arguments:
        model: With a trained encoder of a diagonal q and a standard normal prior; it is only read.
        x: Examples, at least as many as the largest size, shape (n, D).
        num_updates: Of the encoder's training.
        batch_size: Examples in each update.
        sizes: The n to measure, rising.
        seed: Of all noise.

    Raises:
        BadInput: Fewer examples than the largest size (code ``num_examples``), or a deterministic encoder.
    """
    if len(x) < max(sizes):
        message = f"{len(x)} examples, {max(sizes)} are to be measured"
        raise BadInput("num_examples", message, "give more examples or measure fewer")
    with torch.no_grad():
        model.posterior(x[:1]).as_normal()
    psi_seconds, encode_seconds = [], []
    # The first ascent of a process imports and allocates: its time is no time of an example.
    psi = ascend(model, x[:1], generator=torch.Generator().manual_seed(seed))
    for size in sizes:
        began = perf_counter()
        psi = ascend(model, x[:size], generator=torch.Generator().manual_seed(seed))
        psi_seconds.append(perf_counter() - began)
        encode_seconds.append(_least(lambda size=size: _encode(model, x[:size])))
    largest = x[: sizes[-1]]
    eps = torch.randn(
        _EVALUATED, len(largest), model.config.latent_dim, generator=torch.Generator().manual_seed(seed + 1)
    )
    with torch.no_grad():
        both = [
            float(elbo_terms_given_eps(model, largest, q, eps).elbo.mean())
            for q in (psi, model.posterior(largest))
        ]
    return Amortisation(
        sizes=tuple(sizes),
        psi_seconds=tuple(psi_seconds),
        encode_seconds=tuple(encode_seconds),
        latent_dim=model.config.latent_dim,
        encoder_parameters=sum(part.numel() for part in model.encoder.parameters()),
        update_seconds=_update_seconds(model, x[:batch_size], seed),
        num_updates=num_updates,
        psi_elbo=both[0],
        encoder_elbo=both[1],
    )


def ascend(model: VAE, x: Tensor, *, generator: torch.Generator) -> DiagonalNormal:
    """A q of its own for each example: gradient ascent (Adam) of the bound from the prior, no encoder.

    Arguments:
        model: Its decoder and prior; only read.
        x: Shape (n, D).
        generator: Draws the noise, anew in each step.
    """
    shape = (len(x), model.config.latent_dim)
    both = torch.zeros(2, *shape, dtype=x.dtype, requires_grad=True)
    moments = initial_moments(both.detach(), _ADAM)
    for step in range(ASCENT_STEPS):
        eps = torch.randn(ASCENT_SAMPLES, *shape, dtype=x.dtype, generator=generator)
        loss = -elbo_terms_given_eps(model, x, DiagonalNormal(*both), eps).elbo.sum()
        (gradient,) = torch.autograd.grad(loss, both)
        # Half a cosine down to 0: the noise of the last steps averages out.
        rate = 0.5 * _LEARNING_RATE * (1 + math.cos(math.pi * step / ASCENT_STEPS))
        descend(both.detach(), gradient, moments, _ADAM, learning_rate=rate)
    return DiagonalNormal(*both.detach())


def _encode(model: VAE, x: Tensor) -> None:
    with torch.no_grad():
        model.posterior(x)


def _update_seconds(model: VAE, x: Tensor, seed: int) -> float:
    """Of one update of the encoder, the decoder held."""
    model, generator = copy.deepcopy(model), torch.Generator().manual_seed(seed)
    parameters = list(model.encoder.parameters())
    weights, gradient = flatten(model.encoder)
    moments = initial_moments(weights, _ADAM)

    def updates() -> None:
        for _ in range(_TIMED_UPDATES):
            gradient.zero_()
            (-elbo_terms(model, x, generator=generator).elbo.mean()).backward(inputs=parameters)
            descend(weights, gradient, moments, _ADAM, learning_rate=_ADAM.learning_rate)

    return _least(updates) / _TIMED_UPDATES


def _least(of: Callable[[], None]) -> float:
    seconds = []
    for _ in range(_REPEATS):
        began = perf_counter()
        of()
        seconds.append(perf_counter() - began)
    return min(seconds)
