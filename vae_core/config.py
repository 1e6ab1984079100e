"""The configuration of a run: frozen, each field checked, the same after a round trip through JSON."""

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from types import NoneType
from typing import Any, Final, Literal, Self, get_args

from vae_core.checks import check_choice, check_integer, check_number, check_type, shown
from vae_core.errors import BadInput
from vae_core.formats import FORMAT, check_format, upgraded

Activation = Literal["tanh", "relu", "silu", "softplus"]
RECTIFIED: Final[tuple[Activation, ...]] = ("relu", "silu")
"""Activations that halve the mean square of what goes through them."""
InitialWeights = Literal["small_outputs", "he"]
EncoderHead = Literal[
    "log_variance", "variance", "full_covariance", "flow", "mixture", "unit_variance", "deterministic"
]
FLOW_WITHOUT_MARGINALS: Final = (
    "a flow has no total correlation here: its densities q(z_j|x) have no closed form",
    "choose another encoder head, or the objective elbo",
)
"""What is wrong, and what to do."""
NOT_GAUSSIAN: Final[dict[EncoderHead, str]] = {"flow": "a flow", "mixture": "a mixture"}
"""Heads whose q(z|x) has a density, but is no Gaussian: what it is in a sentence. Its KL is sampled."""
Likelihood = Literal["bernoulli", "continuous_bernoulli", "gaussian", "gaussian_diagonal"]
UNIT_INTERVAL: Final[tuple[Likelihood, ...]] = ("bernoulli", "continuous_bernoulli")
"""Likelihoods of values in [0, 1]; the others are those of real numbers."""
REAL_VALUED: Final[tuple[Likelihood, ...]] = ("gaussian", "gaussian_diagonal")
"""Likelihoods of real numbers."""
Prior = Literal["standard_normal", "vamp", "mixture"]
Architecture = Literal["mlp", "conv"]
Optimizer = Literal["adam", "sgd"]
Objective = Literal["elbo", "importance_weighted", "mmd", "total_correlation"]
OF_BATCH: Final[tuple[Objective, ...]] = ("mmd", "total_correlation")
"""Objectives of a mini-batch as a whole, not of each example: they compare its z with each other."""
BetaSchedule = Literal["constant", "linear", "cyclical"]
Device = Literal["cpu", "cuda"]
Binarised = Literal["no", "threshold", "stochastic"]
Condition = Literal["none", "class", "number"]
MAX_CONDITIONS: Final = 1000
"""Values of y that encoder and decoder take beside x and z."""
MAX_NAME: Final = 200
"""Letters of the name of a number that is known of examples."""

MAX_HIDDEN_DIM = 8192
MAX_HIDDEN_LAYERS = 8
MAX_LATENT_DIM = 512
MAX_FULL_DIM = 64
"""Latent dimensions of a full covariance matrix: it has 2080 entries then, of each example."""
FLOW_LAYERS: Final = 4
"""Planar layers of a flow."""
MIXTURE_COMPONENTS: Final = 2
"""Gaussians of an encoder's mixture."""
MAX_PARAMETERS = 5_000_000
MAX_DATA_DIM = 65_536
MAX_COMPONENTS = 1000
MIN_MADE: Final = 20
MAX_MADE: Final = 50_000
"""Examples of a data set that is made from a seed."""
MAX_NOISE: Final = 5.0
KERNEL: Final = 4
"""Pixels of a side of a convolution's kernel. Twice the stride: overlaps are even (Odena et al. 2016)."""
MAX_CONV_SIDE: Final = 64
"""Pixels of a side of images that a convolutional network takes."""
ACTIVE_VARIANCE: Final = 0.01
"""An active unit's posterior mean varies by more than this over the data (Burda et al. 2016)."""


class _Config:
    """JSON round trip of a frozen dataclass."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values by field name."""
        return dataclasses.asdict(self)  # type: ignore[call-overload]

    @classmethod
    def from_dict(cls, values: object) -> Self:
        """Builds the configuration from plain values; leaves aside what :func:`unknown_settings` finds.

        Raises:
            BadInput: ``values`` is no dictionary, or a field is missing or is of the wrong type or size.
        """
        if not isinstance(values, dict):
            raise BadInput("config", f"{cls.__name__} must be a JSON object", "export the run again")
        try:
            return cls(**{name: values[name] for name in _field_names(cls) if name in values})
        except TypeError as err:
            raise BadInput("config", f"{cls.__name__} lacks a field ({err})", "export the run again") from err


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig(_Config):
    """The network of the six-layer VAE (Kingma and Welling 2014, arXiv 1312.6114; source document 000).

    Arguments:
        data_dim: D, the number of values of one example.
        latent_dim: J, the number of latent dimensions.
        hidden_dims: Sizes of the encoder's hidden layers; the decoder mirrors them. Empty: linear maps. Of
            ``conv`` the channels of each convolution, at least one.
        activation: The hidden layers' non-linearity (tanh in the source documents).
        encoder_head: What the encoder outputs beside the mean: ``log_variance`` (unit outputs log sigma^2),
            ``variance`` (sigma^2 through softplus), ``full_covariance`` (a lower triangular L, the
            covariance being L L^T), ``flow`` (log sigma^2, and the planar layers that warp that Gaussian,
            :mod:`vae_core.planar`), ``mixture`` (weight, mean and log sigma^2 of ``MIXTURE_COMPONENTS``
            Gaussians), ``unit_variance`` (sigma = 1), ``deterministic`` (z = mean).
        likelihood: p(x|z): ``bernoulli``, ``continuous_bernoulli``, ``gaussian`` with one scale s, or
            ``gaussian_diagonal`` with a sigma(z) of each value from the decoder.
        likelihood_scale: s, the standard deviation of ``gaussian``; None: learned with the weights.
        prior: p(z): ``standard_normal``, or learned: ``vamp`` and ``mixture`` (:mod:`vae_core.priors`).
        num_components: K of a learned prior: pseudo-inputs of the one, components of the other.
        architecture: ``mlp``, or ``conv``: convolutions that halve the sides of an image, and a linear layer
            (:mod:`vae_core.networks`).
        image_shape: (height, width) or, in colour, (height, width, 3) of the examples of ``conv``; else None.
        initial_weights: How wide the weights of ReLU and SiLU networks are drawn
            (:class:`vae_core.networks.MLP`): ``small_outputs``, so that q(z|x) begins near N(0, I), or ``he``
            in all layers. Those of the others are the same either way, and ``small_outputs`` stands for it.
        num_conditions: C, the values of y in p(x|z, y) and q(z|x, y): encoder and decoder take [x, y] and
            [z, y] (Sohn, Lee and Yan 2015, NIPS); p(z) does not depend on y. 0: there is no y. The encoder of
            ``conv`` adds W y to the biases of its first convolution.

    Raises:
        BadInput: A field is out of its range; ``code`` is the field's name.

    Example:
        >>> ModelConfig(data_dim=64, hidden_dims=(128,)).latent_dim
        2
        >>> shape = (8, 8)
        >>> config = ModelConfig(data_dim=64, architecture="conv", image_shape=shape, hidden_dims=(16, 32))
        >>> config.feature_maps
        ((1, 8, 8), (16, 4, 4), (32, 2, 2))
    """

    data_dim: int
    latent_dim: int = 2
    hidden_dims: tuple[int, ...] = (128,)
    activation: Activation = "tanh"
    encoder_head: EncoderHead = "log_variance"
    likelihood: Likelihood = "bernoulli"
    likelihood_scale: float | None = 1.0
    prior: Prior = "standard_normal"
    num_components: int = 50
    architecture: Architecture = "mlp"
    image_shape: tuple[int, ...] | None = None
    initial_weights: InitialWeights = "small_outputs"
    num_conditions: int = 0

    def __post_init__(self) -> None:
        check_integer("data_dim", self.data_dim, 1, MAX_DATA_DIM, "choose data with fewer values per example")
        check_integer("latent_dim", self.latent_dim, 1, MAX_LATENT_DIM, "2 can be drawn as a plane")
        sizes = check_hidden_dims(self.hidden_dims)
        object.__setattr__(self, "hidden_dims", sizes)  # JSON has lists only
        check_choice("activation", self.activation, get_args(Activation))
        check_choice("initial_weights", self.initial_weights, get_args(InitialWeights))
        if self.activation not in RECTIFIED:
            object.__setattr__(self, "initial_weights", "small_outputs")  # equal runs have equal settings
        check_choice("encoder_head", self.encoder_head, get_args(EncoderHead))
        check_choice("likelihood", self.likelihood, get_args(Likelihood))
        check_choice("prior", self.prior, get_args(Prior))
        check_choice("architecture", self.architecture, get_args(Architecture))
        object.__setattr__(self, "image_shape", self._checked_image_shape())
        check_integer("num_components", self.num_components, 1, MAX_COMPONENTS, "50 is usual")
        if self.prior != "standard_normal" and self.encoder_head == "deterministic":
            message = "a deterministic encoder has no KL from which a prior could learn"
            raise BadInput("prior", message, "choose an encoder with a variance")
        if self.prior == "vamp" and self.not_gaussian:
            message = f"a VampPrior is a mixture of Gaussians q(z|u), and q is {self.not_gaussian} here"
            raise BadInput("prior", message, "choose another prior, or another encoder head")
        if self.encoder_head == "full_covariance" and self.latent_dim > MAX_FULL_DIM:
            message = f"a full covariance matrix has at most {MAX_FULL_DIM} dimensions, got {self.latent_dim}"
            raise BadInput("encoder_head", message, "use fewer latent dimensions, or log_variance")
        if self.likelihood_scale is not None:
            check_number("likelihood_scale", self.likelihood_scale, 1e-3, 1e3, "use 1, or None to learn it")
        self._check_conditions()
        if self.num_parameters > MAX_PARAMETERS:
            message = f"this network would have {self.num_parameters:,} weights of at most {MAX_PARAMETERS:,}"
            raise BadInput("hidden_dims", message, "use smaller hidden layers")

    @property
    def num_inputs(self) -> int:
        """D + C: the values that the encoder takes for each example, x and then y."""
        return self.data_dim + self.num_conditions

    @property
    def is_unit_interval(self) -> bool:
        """Whether the likelihood is one of values in [0, 1], else of real numbers."""
        return self.likelihood in UNIT_INTERVAL

    @property
    def has_scale(self) -> bool:
        """Whether the likelihood has one scale s for all values, set or learned."""
        return self.likelihood == "gaussian"

    @property
    def learns_scale(self) -> bool:
        """Whether the likelihood's scale s is learned with the weights."""
        return self.has_scale and self.likelihood_scale is None

    @property
    def feature_maps(self) -> tuple[tuple[int, int, int], ...]:
        """(channels, height, width) of the image and after each convolution of ``conv``.

        A kernel of 4 x 4 at every second pixel, with one pixel of zeros around, halves a side, rounded down.
        """
        assert self.image_shape is not None
        height, width, *channels = self.image_shape
        maps = [(channels[0] if channels else 1, height, width)]
        for count in self.hidden_dims:
            height, width = height // 2, width // 2
            maps.append((count, height, width))
        return tuple(maps)

    @property
    def hidden_sizes(self) -> tuple[int, ...]:
        """Values of each of the encoder's hidden layers."""
        if self.architecture == "mlp":
            return self.hidden_dims
        return tuple(map(math.prod, self.feature_maps[1:]))

    @property
    def encoder_sizes(self) -> tuple[int, ...]:
        """Values of the encoder's layers, from D, or D + C, to J means and what else the head needs.

        That is J variances, the J (J + 1) / 2 entries of L, J variances and a, v and b of planar layers, or
        the means and variances of the other components and the weights of all.
        """
        dim = self.latent_dim
        more: dict[EncoderHead, int] = {
            "log_variance": dim,
            "variance": dim,
            "full_covariance": dim * (dim + 1) // 2,
            "flow": dim + FLOW_LAYERS * (2 * dim + 1),
            "mixture": MIXTURE_COMPONENTS * (2 * dim + 1) - dim,
        }
        return (self.num_inputs, *self.hidden_sizes, dim + more.get(self.encoder_head, 0))

    @property
    def not_gaussian(self) -> str:
        """What q(z|x) is in a sentence where it has a density but is no Gaussian, else ""."""
        return NOT_GAUSSIAN.get(self.encoder_head, "")

    @property
    def draws_of_each(self) -> int:
        """z that are decoded for one sample of noise: one of each component of q."""
        return MIXTURE_COMPONENTS if self.encoder_head == "mixture" else 1

    @property
    def has_kl_parts(self) -> bool:
        """Whether KL(q || p(z)) has a closed form, and with it parts by dimension; else it is sampled."""
        return self.prior == "standard_normal" and not self.not_gaussian

    @property
    def outputs_per_value(self) -> int:
        """What the decoder gives for each value of x: 2 where it gives variances, too."""
        return 2 if self.likelihood == "gaussian_diagonal" else 1

    @property
    def decoder_sizes(self) -> tuple[int, ...]:
        """Values of the decoder's layers, from J, or J + C, to D outputs, or 2 D with variances, too."""
        inputs = self.latent_dim + self.num_conditions
        return (inputs, *reversed(self.hidden_sizes), self.outputs_per_value * self.data_dim)

    @property
    def encoder_products(self) -> tuple[int, ...]:
        """Products of a weight and a value in each layer of the encoder, for one example."""
        if self.architecture == "mlp":
            return tuple(rows * columns for rows, columns in pairwise(self.encoder_sizes))
        of_maps = [KERNEL**2 * before[0] * math.prod(after) for before, after in pairwise(self.feature_maps)]
        return (*of_maps, math.prod(self.encoder_sizes[-2:]))

    @property
    def decoder_products(self) -> tuple[int, ...]:
        """Products of a weight and a value in each layer of the decoder, for one z."""
        if self.architecture == "mlp":
            return tuple(rows * columns for rows, columns in pairwise(self.decoder_sizes))
        first, *others = reversed(self.feature_maps)
        factors = [1] * (len(others) - 1) + [self.outputs_per_value]
        return (
            self.decoder_sizes[0] * math.prod(first),
            *(
                KERNEL**2 * math.prod(before) * after[0] * factor
                for before, after, factor in zip((first, *others), others, factors, strict=False)
            ),
        )

    @property
    def num_parameters(self) -> int:
        """Number of weights and biases of encoder, decoder, and prior together."""
        return self._network_parameters + int(self.learns_scale) + self._prior_parameters

    @property
    def _network_parameters(self) -> int:
        layers = [*pairwise(self.encoder_sizes), *pairwise(self.decoder_sizes)]
        if self.architecture == "mlp":
            return sum((rows + 1) * columns for rows, columns in layers)
        channels = [count for count, _, _ in self.feature_maps]
        down = sum((KERNEL**2 * before + 1) * after for before, after in pairwise(channels))
        outputs = [channels[0] * self.outputs_per_value, *channels[1:]]
        up = sum((KERNEL**2 * before + 1) * after for after, before in pairwise(outputs))
        dense = (layers[len(self.hidden_dims)], layers[len(self.hidden_dims) + 1])
        of_y = self.num_conditions * channels[1]
        return of_y + down + up + sum((rows + 1) * columns for rows, columns in dense)

    @property
    def prior_width(self) -> int:
        """Values computed for the prior density at one z: J, or K J where it is learned."""
        return self.latent_dim * (1 if self.prior == "standard_normal" else self.num_components)

    def _check_conditions(self) -> None:
        """Raises where there cannot be a y."""
        hint = "it is the number of classes, 1 of a number, or 0"
        check_integer("num_conditions", self.num_conditions, 0, MAX_CONDITIONS, hint)
        if not self.num_conditions:
            return
        if self.prior == "vamp":
            message = "a VampPrior is a mean of q(z|u), and q takes a y here, on which p(z) would then depend"
            raise BadInput("condition", message, "choose the learned mixture, or condition on nothing")

    def _checked_image_shape(self) -> tuple[int, ...] | None:
        """The shape of the images as a tuple; raises where it does not suit the architecture."""
        shape: Any = self.image_shape
        if self.architecture == "mlp":
            if shape is not None:
                message = f"an mlp sees no shape of images, got {shown(shape)}"
                raise BadInput("image_shape", message, "leave it None, or use architecture='conv'")
            return None
        hint = "train on images, or use architecture='mlp'"
        is_shape = isinstance(shape, (tuple, list)) and all(type(side) is int for side in shape)
        if not is_shape or len(shape) not in (2, 3) or (*shape, 3)[2] != 3 or min(shape) < 2:
            message = f"conv needs images of (height, width) or (height, width, 3), got {shown(shape)}"
            raise BadInput("architecture", message, hint)
        if max(shape) > MAX_CONV_SIDE:
            message = (
                f"conv takes images of {MAX_CONV_SIDE} x {MAX_CONV_SIDE} pixels at most, got {shown(shape)}"
            )
            raise BadInput("architecture", message, "make the images smaller, or use architecture='mlp'")
        if math.prod(shape) != self.data_dim:
            message = f"images of shape {shown(shape)} have {math.prod(shape)} values, not {self.data_dim}"
            raise BadInput("image_shape", message, hint)
        most, smaller = int(math.log2(min(shape[:2]))), " x ".join(map(str, shape[:2]))
        if not 1 <= len(self.hidden_dims) <= most:
            message = (
                f"an image of {smaller} pixels can be halved 1 to {most} times, got {len(self.hidden_dims)}"
            )
            message += " convolutions"
            raise BadInput("hidden_dims", message, "write the channels of each, such as 16, 32")
        return tuple(shape)

    @property
    def _prior_parameters(self) -> int:
        sizes = {"standard_normal": 0, "vamp": self.data_dim, "mixture": 2 * self.latent_dim + 1}
        return self.num_components * sizes[self.prior]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig(_Config):
    """What is maximised, and how: reconstruction - beta * KL, if nothing else is chosen.

    Arguments:
        beta: Weight of the KL term, >= 0; 1 is the ELBO, 0 an autoencoder (Higgins et al. 2017).
        num_samples: M, samples of z per example in each step's estimate; K of ``importance_weighted``.
        objective: ``elbo``; ``importance_weighted``, with K = M samples under one logarithm; ``mmd``, with a
            distance of q(z) from p(z) in the place of the KL; ``total_correlation``, with beta on that part
            of the KL alone (:mod:`vae_core.objectives`).
        optimizer: ``adam`` (Kingma and Ba 2015) or ``sgd`` with momentum.
        learning_rate: Step size.
        momentum: Of ``sgd`` only.
        batch_size: Examples per step; clamped to the number of training examples.
        num_epochs: Passes over the training data; 0 shows the untrained model, None trains until stopped.
        beta_schedule: ``constant``; ``linear``: rises from 0 to beta during ``schedule_epochs``, then stays;
            ``cyclical``: rises during the first half of every ``schedule_epochs``, then stays for the other
            half (Fu et al. 2019, arXiv 1903.10145).
        schedule_epochs: Length of the warm-up or of one cycle, in epochs.
        free_bits: Nats of KL per latent dimension (batch mean; where it is sampled, in all) not penalised
            (Kingma et al. 2016, arXiv 1606.04934); 0: off. Of the objective ``elbo`` only.
        patience: Stop when the ELBO of a validation part, a tenth of the training part that is set aside for
            it, has not risen for this many epochs, and take the weights of the best one; None: never, and
            all of the training part is trained on. It is the ELBO whatever is maximised: the objective falls
            by itself while beta rises, and two runs with different ones could not be compared. It may fall
            while another objective rises, as with ``mmd``, which does not hold the KL.

    Raises:
        BadInput: A field is out of its range; ``code`` is the field's name.
    """

    beta: float = 1.0
    num_samples: int = 1
    optimizer: Optimizer = "adam"
    learning_rate: float = 2e-3
    momentum: float = 0.9
    batch_size: int = 64
    num_epochs: int | None = 300
    beta_schedule: BetaSchedule = "constant"
    schedule_epochs: int = 20
    free_bits: float = 0.0
    patience: int | None = None
    objective: Objective = "elbo"

    def __post_init__(self) -> None:
        check_beta(self.beta)
        check_learning_rate(self.learning_rate)
        check_integer("num_samples", self.num_samples, 1, 1000, "1 is usual")
        check_choice("optimizer", self.optimizer, get_args(Optimizer))
        check_number("momentum", self.momentum, 0.0, 0.999, "0.9 is usual")
        check_integer("batch_size", self.batch_size, 1, 1_000_000, "64 is usual")
        if self.num_epochs is not None:
            check_integer("num_epochs", self.num_epochs, 0, 1_000_000, "300 trains the digits")
        check_choice("beta_schedule", self.beta_schedule, get_args(BetaSchedule))
        check_integer("schedule_epochs", self.schedule_epochs, 1, 1_000_000, "20 is usual")
        check_number("free_bits", self.free_bits, 0.0, 100.0, "0 switches free bits off")
        if self.patience is not None:
            check_integer("patience", self.patience, 1, 1_000_000, "10 epochs are usual")
        check_choice("objective", self.objective, get_args(Objective))
        if self.free_bits and self.objective != "elbo":
            message = f"the objective {self.objective} has no KL term of its own, so no bits of it are free"
            raise BadInput("free_bits", message, "set them to 0, or choose the objective elbo")
        if self.batch_size < 2 and self.objective in OF_BATCH:
            message = f"the objective {self.objective} compares the examples of a mini-batch, here one"
            raise BadInput("batch_size", message, "use 2 or more; 64 is usual")

    @property
    def is_elbo(self) -> bool:
        """Whether the ELBO is maximised, its KL weighed with beta: with K = 1 the weighted bound is that."""
        return self.objective == "elbo" or (self.objective == "importance_weighted" and self.num_samples == 1)

    @property
    def maximised(self) -> Objective:
        """The objective, ``elbo`` also where it goes by another name."""
        return "elbo" if self.is_elbo else self.objective

    @property
    def has_validation(self) -> bool:
        """Whether something is chosen by a validation part, so that there is one."""
        return self.patience is not None

    def batch_of(self, num_data: int) -> int:
        """Examples of an update (the last one of an epoch may have fewer): no more than there are.

        Arguments:
            num_data: Training examples.

        Example:
            >>> TrainConfig(batch_size=5000).batch_of(1437)
            1437
        """
        return min(self.batch_size, num_data)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig(_Config):
    """Everything that decides a run: same configuration, same numbers, bit for bit.

    Arguments:
        dataset: A name of ``vae_core.data.DATASETS``.
        data_folder: Where the IDX files are, for ``dataset="idx"`` only.
        data_transposed: Whether rows and columns of their images are exchanged.
        num_examples: n, of data that are made from the seed; None: as many as the data set usually has.
        data_noise: Of points made from the seed: their noise, in units of its usual standard deviation.
        binarised: Whether images become 0 and 1: ``no``; ``threshold``: 1 above 0.5; ``stochastic``: 1 with
            the pixel's value as its probability, drawn anew for each update, and once for the examples
            that are held out or looked at (Burda et al. 2016, arXiv 1509.00519).
        model: The network.
        train: The training.
        seed: Starts the split of the data, the initial weights, the order of the data and the noise.
        condition: What y is, which encoder and decoder take beside x and z: ``none``; ``class``: the class of
            an example, 1 at its place and 0 at the others; ``number``: one that is known of an example,
            standardised by the training part. Then all that is measured is of p(x|y).
        condition_on: The name of that number; empty where y is none.
        device: Where it computes; ``cuda`` needs a machine that has one, and has random numbers of its own.
        hold: Whether the run waits, paused, before its first step.

    Raises:
        BadInput: A field is out of its range; ``code`` is the field's name.
    """

    model: ModelConfig
    dataset: str = "digits"
    data_folder: str | None = None
    data_transposed: bool = False
    num_examples: int | None = None
    data_noise: float = 1.0
    binarised: Binarised = "no"
    condition: Condition = "none"
    condition_on: str = ""
    train: TrainConfig = field(default_factory=TrainConfig)
    seed: int = 0
    device: Device = "cpu"
    hold: bool = False

    def __post_init__(self) -> None:
        check_seed(self.seed)
        check_type("model", self.model, ModelConfig)
        check_type("train", self.train, TrainConfig)
        check_choice("device", self.device, get_args(Device))
        check_type("hold", self.hold, bool)
        check_type("data_folder", self.data_folder, (str, NoneType))
        check_type("data_transposed", self.data_transposed, bool)
        check_objective(self.model, self.train.objective)
        if self.num_examples is not None:
            check_integer("num_examples", self.num_examples, MIN_MADE, MAX_MADE, "leave it empty")
        check_number("data_noise", self.data_noise, 0.0, MAX_NOISE, "1 is usual")
        check_choice("binarised", self.binarised, get_args(Binarised))
        check_choice("condition", self.condition, get_args(Condition))
        if (self.condition == "none") != (self.model.num_conditions == 0):
            message = f"a model with {self.model.num_conditions} values of y does not suit the condition "
            hint = (
                "set num_conditions to the number of classes, to 1 of a number, or to 0 without a condition"
            )
            raise BadInput("condition", message + self.condition, hint)
        self._check_number()
        if self.train.has_validation and self.model.num_parameters > MAX_PARAMETERS // 2:
            message = (
                f"patience keeps the best weights, too, of at most {MAX_PARAMETERS // 2:,}: this network "
            )
            message += f"has {self.model.num_parameters:,}"
            raise BadInput("patience", message, "use smaller hidden layers, or leave patience empty")
        if not isinstance(self.dataset, str) or not self.dataset:
            raise BadInput("dataset", f"dataset must be a name, got {shown(self.dataset)}", "use 'digits'")

    def _check_number(self) -> None:
        """Raises where a number y has no name, or a name belongs to none."""
        check_type("condition_on", self.condition_on, str)
        if len(self.condition_on) > MAX_NAME:
            message = f"the name of a number has at most {MAX_NAME} letters"
            raise BadInput("condition_on", message, "choose another")
        if (self.condition == "number") != bool(self.condition_on):
            message = f"the condition {self.condition} does not suit the name {shown(self.condition_on)}"
            raise BadInput("condition_on", message, "name the number where y is one, and only there")
        if self.condition == "number" and self.model.num_conditions != 1:
            message = f"a number is one value of y, and the model takes {self.model.num_conditions}"
            raise BadInput("condition", message, "set num_conditions to 1")

    def held(self) -> "RunConfig":
        """The same run, waiting before its first step."""
        return dataclasses.replace(self, hold=True)

    def to_json(self) -> str:
        """The configuration as JSON text with a format number."""
        return json.dumps({"format": FORMAT, **self.to_dict()})

    @classmethod
    def from_json(cls, text: str) -> "RunConfig":
        """Reads what :meth:`to_json` wrote.

        Raises:
            BadInput: No JSON, a newer format, or a field out of its range.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as err:
            raise BadInput("config", "the configuration is not JSON", "export the run again") from err
        found = check_format(values.get("format") if isinstance(values, dict) else None)
        return cls.from_dict(upgraded(values, found))

    @classmethod
    def from_dict(cls, values: object) -> "RunConfig":
        """Builds the run from plain values, its model and training as dictionaries within."""
        if isinstance(values, dict):
            model, train = values.get("model"), values.get("train", {})
            values = {**values, "model": ModelConfig.from_dict(model), "train": TrainConfig.from_dict(train)}
        return super(RunConfig, cls).from_dict(values)


def unknown_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a run's plain values that this version does not know: what has no meaning in its format.

    Example:
        >>> unknown_settings({"seed": 0, "model": {"data_dim": 64, "later": 1}})
        {'model': {'later': 1}}
    """
    unknown = {name: value for name, value in values.items() if name not in _field_names(RunConfig)}
    for part, kind in (("model", ModelConfig), ("train", TrainConfig)):
        found = values.get(part, {})
        rest = {name: value for name, value in found.items() if name not in _field_names(kind)}
        unknown |= {part: rest} if rest else {}
    return unknown


def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(kind))


def check_objective(model: ModelConfig, objective: Objective) -> None:
    """Raises :class:`BadInput` (code ``objective``) where a model has nothing that an objective could weigh.

    Example:
        >>> check_objective(ModelConfig(data_dim=64, encoder_head="deterministic"), "mmd")
    """
    why = refused_objectives(model.encoder_head, model.prior, model.latent_dim).get(objective)
    if why is not None:
        raise BadInput("objective", *why)


def refused_objectives(
    encoder_head: EncoderHead, prior: Prior, latent_dim: int
) -> dict[Objective, tuple[str, str]]:
    """The objectives that such a model does not have: what is wrong with each, and what to do.

    Example:
        >>> list(refused_objectives("log_variance", "vamp", 1))
        ['mmd', 'total_correlation']
    """
    found: dict[Objective, tuple[str, str]] = {}
    if encoder_head == "deterministic":
        message = "a deterministic encoder has no q(z|x) to weigh samples with"
        found["importance_weighted"] = (message, "choose an encoder with a variance, or the objective mmd")
    if prior != "standard_normal":
        message = "from samples of a learned prior its weights get no gradient"
        found["mmd"] = (message, "choose the prior standard_normal")
    if encoder_head == "deterministic":
        message = "a deterministic encoder has no density q(z), so no total correlation"
        found["total_correlation"] = (message, "choose an encoder with a variance, or the objective mmd")
    elif encoder_head == "flow":
        found["total_correlation"] = FLOW_WITHOUT_MARGINALS
    elif latent_dim == 1:
        message = "one latent dimension has no total correlation: there is nothing for it to depend on"
        found["total_correlation"] = (message, "use two or more latent dimensions")
    return found


def check_hidden_dims(sizes: object) -> tuple[int, ...]:
    """Returns the sizes of hidden layers as a tuple, or raises :class:`BadInput` (code ``hidden_dims``)."""
    if not isinstance(sizes, (tuple, list)):
        raise BadInput("hidden_dims", f"hidden_dims must be a list, got {shown(sizes)}", "use (128,)")
    if len(sizes) > MAX_HIDDEN_LAYERS:
        message = f"hidden_dims has {len(sizes)} layers, the limit is {MAX_HIDDEN_LAYERS}"
        raise BadInput("hidden_dims", message, "use one or two")
    for size in sizes:
        check_integer("hidden_dims", size, 1, MAX_HIDDEN_DIM, "leave the list empty for a linear model")
    return tuple(sizes)


def check_beta(beta: float) -> float:
    """Returns ``beta`` if the objective may use it, else raises :class:`BadInput` (code ``beta``)."""
    return check_number("beta", beta, 0.0, 1e6, "use 1 for the ELBO, 0 for an autoencoder")


def check_learning_rate(learning_rate: float) -> float:
    """Returns ``learning_rate`` if it may be used, else raises :class:`BadInput` (code ``learning_rate``)."""
    return check_number("learning_rate", learning_rate, 1e-8, 1e3, "0.001 is usual for Adam")


def check_seed(seed: int) -> int:
    """Returns ``seed`` if a generator may begin with it, else raises :class:`BadInput` (code ``seed``)."""
    check_integer("seed", seed, 0, 2**31 - 1, "0 is the default")
    return seed
