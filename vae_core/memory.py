"""How much an operation needs: the sizes of chunks, and the guard against a step that does not fit.

Evaluations go through their examples in chunks, so their memory does not grow with the counts that they
multiply. A training step needs all of its mini-batch for the gradient: it fits or is refused.
"""

import math
from itertools import pairwise
from typing import Final

from vae_core.config import FLOW_LAYERS, KERNEL, Likelihood, ModelConfig, Objective
from vae_core.errors import BadInput

CHUNK_VALUES: Final = 2_000_000
"""Values of the widest tensor of a chunk: 8 MB in float32."""
MAX_STEP_BYTES: Final = 2 * 2**30
"""Of one training step."""
LARGE_PRODUCT: Final = 4_000_000
"""Multiplications of one matrix product from which another library, or another device, is worth its call."""
MAX_PRODUCTS: Final = 10**12
"""Products of an activation and a weight in one evaluation: about a minute on one core."""


_PER_VALUE: Final[dict[Likelihood, int]] = {
    "bernoulli": 5,
    "continuous_bernoulli": 11,
    "gaussian": 5,
    "gaussian_diagonal": 17,
}
"""Numbers that a training step holds for each value of x."""


_MOMENT_POINTS: Final = 1024
"""Of the rule for the mean and the deviations of a flow, at most (:func:`vae_core.planar.normal_points`)."""


def is_out_of_memory(err: BaseException) -> bool:
    """Whether an error says that an allocation failed: on the CPU torch raises none of its own for that.

    Example:
        >>> is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ..."))
        True
    """
    return isinstance(err, MemoryError) or any(
        said in str(err) for said in ("allocate memory", "out of memory")
    )


def largest_product(config: ModelConfig, rows: int) -> tuple[int, int, int]:
    """Rows, columns in and columns out of the largest matrix product of a network.

    Example:
        >>> largest_product(ModelConfig(data_dim=10, hidden_dims=(7, 9)), 5)
        (5, 10, 7)
    """
    layers = [*pairwise(config.encoder_sizes), *pairwise(config.decoder_sizes)]
    if config.architecture == "conv":  # a product of what each place takes in with all kernels
        maps = config.feature_maps
        places = [(before, after, math.prod(after[1:])) for before, after in pairwise(maps)]
        taken, given, count = max(places, key=lambda one: one[0][0] * one[1][0] * one[2])
        return rows * count, KERNEL**2 * taken[0], given[0]
    fan_in, fan_out = max(layers, key=math.prod)
    return rows, fan_in, fan_out


def widest_layer(config: ModelConfig) -> int:
    """The most values that networks, q or prior hold for a sample of z, on which memory depends."""
    moments = FLOW_LAYERS * _MOMENT_POINTS if config.encoder_head == "flow" else 0
    return max(width_of_draws(config), config.draws_of_each * max(_factor(config), moments))


def width_of_draws(config: ModelConfig) -> int:
    """The most values that decoder or prior hold for a sample of z, where no moments of q are computed."""
    return config.draws_of_each * max(config.data_dim, *config.decoder_sizes, config.prior_width)


def chunk_rows(values_per_row: int) -> int:
    """How many rows of ``values_per_row`` values make a chunk, at least 1.

    Example:
        >>> chunk_rows(1000)
        2000
    """
    return max(1, CHUNK_VALUES // values_per_row)


def check_evaluation(config: ModelConfig, *, num_examples: int, num_samples: int) -> None:
    """Raises :class:`BadInput` (code ``num_samples``) where a page would wait for minutes."""
    encoder, decoder = sum(config.encoder_products), sum(config.decoder_products)
    products = num_examples * (encoder + num_samples * config.draws_of_each * (decoder + config.prior_width))
    if products > MAX_PRODUCTS:
        raise BadInput(
            "num_samples",
            f"{num_samples} samples for each of {num_examples:,} examples take minutes in this network",
            "use fewer samples, or a smaller network",
        )


def step_bytes(
    config: ModelConfig, *, num_samples: int, batch_size: int, objective: Objective = "elbo"
) -> int:
    """Bytes of one training step beyond weights and data: what is kept for the gradient, and the gradient.

    Measured by the peak of the process, within a tenth, where it is differentiated automatically; a gradient
    that is written out (:mod:`vae_core.training.by_hand`) needs no more. 3 numbers for each value of a hidden
    layer, 5 for one of the prior's density, 6 for one of a full L, and 5 for one of the output (11 for the
    continuous Bernoulli's normaliser, 17 for a Gaussian with a variance of its own). Convolutions
    need up to two fifths less. An objective that compares the z of a mini-batch has numbers of each pair.
    """
    hidden = 3 * _hidden_values(config)
    output = _PER_VALUE[config.likelihood] * config.data_dim
    encoder = hidden + config.num_inputs + 3 * config.latent_dim + 6 * _factor(config)
    decoder = hidden + output + config.num_conditions + 5 * config.prior_width + _values_of_q(config)
    # A VampPrior encodes its pseudo-inputs in each step, too.
    encoded = batch_size + (config.num_components if config.prior == "vamp" else 0)
    num_draws = num_samples * config.draws_of_each
    pairs = batch_size**2 * num_draws * config.draws_of_each * _pair_values(config, objective)
    return 4 * (encoded * encoder + batch_size * num_draws * decoder + pairs)


def _pair_values(config: ModelConfig, objective: Objective) -> int:
    """Numbers of each pair of examples of a mini-batch, for each sample."""
    if objective == "mmd":
        return 15
    if objective == "total_correlation":
        return 8 + {"full_covariance": 9, "mixture": 6}.get(config.encoder_head, 5) * config.latent_dim
    return 0


def _hidden_values(config: ModelConfig) -> int:
    """Of all hidden layers of a network; convolutions are computed in blocks of eight channels."""
    if config.architecture == "mlp":
        return sum(config.hidden_dims)
    return sum(max(8, channels) * height * width for channels, height, width in config.feature_maps[1:])


def _factor(config: ModelConfig) -> int:
    """Entries of a full L of one example."""
    return config.latent_dim**2 if config.encoder_head == "full_covariance" else 0


def _values_of_q(config: ModelConfig) -> int:
    """Numbers that the gradient of log q needs at one z: of all layers of a flow, or all components."""
    if config.encoder_head == "mixture":
        return 6 * config.draws_of_each * config.latent_dim
    return FLOW_LAYERS * (3 * config.latent_dim + 8) if config.encoder_head == "flow" else 0


def check_step(
    config: ModelConfig, *, num_samples: int, batch_size: int, objective: Objective = "elbo"
) -> None:
    """Raises :class:`BadInput` (code ``num_samples``) where one training step needs too much memory."""
    needed = step_bytes(config, num_samples=num_samples, batch_size=batch_size, objective=objective)
    if needed > MAX_STEP_BYTES:
        raise BadInput(
            "num_samples",
            f"one step with {num_samples:,} samples of z and a batch size of {batch_size:,} needs "
            f"{needed / 2**30:.1f} GiB of memory in this network, the limit is {MAX_STEP_BYTES // 2**30} GiB",
            "use fewer samples, a smaller batch or narrower layers",
        )
