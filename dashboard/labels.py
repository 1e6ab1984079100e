"""What settings and their options are called wherever they are read; ids stand in links and files."""

from typing import Final

from vae_core.config import ModelConfig
from vae_core.data import dataset_info
from vae_core.data.own import NAME, own_facts
from vae_core.errors import BadInput

MAX_NAMED: Final = 20
"""Values of a point whose names are sent, to the explorer, which shows as many, and to the board."""
NAMES: Final = {
    "dataset": "Data",
    "data_folder": "Folder of the IDX files",
    "data_set": "Data set in the folder",
    "data_orientation": "Orientation",
    "num_examples": "Examples n",
    "data_noise": "Noise",
    "binarised": "Binarised",
    "condition": "Condition on y",
    "condition_on": "Number y",
    "latent_dim": "Latent dimension J",
    "architecture": "Architecture",
    "hidden": "Hidden layers",
    "channels": "Channels",
    "likelihood": "Likelihood p(x|z)",
    "points_likelihood": "Likelihood of points p(x|z)",
    "likelihood_scale": "Scale s",
    "encoder_head": "Encoder head",
    "activation": "Activation",
    "initial_weights": "Initial weights",
    "prior": "Prior p(z)",
    "num_components": "Components K",
    "seed": "Seed",
    "objective": "Objective",
    "batch_size": "Batch size B",
    "num_samples": "Samples M",
    "optimizer": "Optimiser",
    "momentum": "Momentum",
    "beta_schedule": "Schedule of β",
    "schedule_epochs": "Epochs of the schedule",
    "free_bits": "Free bits λ",
    "num_epochs": "Stop after epochs",
    "patience": "Patience in epochs",
    "beta": "KL weight β",
    "learning_rate": "Learning rate η",
    "speed": "Steps per second",
}
"""Settings by their keys, in the order of the controls."""
ORIENTATIONS: Final = {"as_stored": "As stored", "transposed": "Transposed"}
"""How images stand, by id."""
LABELS: Final = {
    "none": "nothing",
    "class": "the class",
    "number": "a number",
    "no": "no",
    "threshold": "at the threshold 0.5",
    "stochastic": "stochastically",
    "log_variance": "log σ² (within ±20)",
    "variance": "σ² through softplus",
    "full_covariance": "full covariance L Lᵀ",
    "flow": "planar flow",
    "unit_variance": "σ² = 1, fixed",
    "deterministic": "none: z = μ (autoencoder)",
    "bernoulli": "Bernoulli",
    "continuous_bernoulli": "continuous Bernoulli",
    "gaussian": "Gaussian",
    "gaussian_diagonal": "Gaussian, σ(z) for each value",
    "mlp": "fully connected (MLP)",
    "conv": "convolutional",
    "tanh": "tanh",
    "relu": "ReLU",
    "silu": "SiLU",
    "softplus": "softplus",
    "elbo": "ELBO with β",
    "importance_weighted": "importance-weighted",
    "mmd": "MMD",
    "total_correlation": "total correlation",
    "small_outputs": "small in the last layers",
    "he": "He in all layers",
    "adam": "Adam",
    "sgd": "SGD with momentum",
    "constant": "constant",
    "linear": "linear warm-up",
    "cyclical": "cyclical",
    "standard_normal": "N(0, I)",
    "vamp": "VampPrior",
    "mixture": "mixture of Gaussians",
}
"""Options by their ids."""

STATUSES: Final = {
    "queued": "waiting",
    "running": "training",
    "paused": "paused",
    "finished": "finished",
    "stopped": "stopped",
    "stopped_early": "stopped early",
    "diverged": "diverged",
    "interrupted": "interrupted",
    "crashed": "crashed",
    "failed": "failed",
}
"""How a run stands, by the ids of its status."""


def layers_words(model: ModelConfig) -> str:
    """The hidden layers of a network in a few words.

    Example:
        >>> layers_words(ModelConfig(data_dim=64, hidden_dims=(128, 64)))
        'hidden layers 128, 64'
    """
    sizes = ", ".join(map(str, model.hidden_dims)) or "none"
    return f"convolutions of {sizes} channels" if model.architecture == "conv" else f"hidden layers {sizes}"


OF_CURVES: Final = (
    "The curves and the list of runs show the ELBO of at most 1,000 held-out examples, the pages ELBO and "
    "Compare that of all of them: with more examples, the two differ."
)
"""Where one quantity has two numbers, and why."""


GONE_DATA: Final = "data that are not kept any more"


def data_title(dataset: str) -> str:
    """What the reader calls a data set; one that somebody brought has the name of the file."""
    try:
        return dataset_info(dataset).title
    except BadInput:
        return GONE_DATA if NAME.fullmatch(dataset) else dataset


def columns_of(dataset: str) -> tuple[str, ...]:
    """Names of the values of a point that somebody brought; none of others, and of data that are gone.

    Known without loading the data.
    """
    if NAME.fullmatch(dataset) is None:
        return ()
    try:
        facts = own_facts(dataset)
    except BadInput:
        return ()
    return facts.value_names if facts.image_shape is None else ()


def has_many_held_out(dataset: str) -> bool:
    """Whether a data set may have more held-out examples than a curve measures."""
    return dataset == "idx" or NAME.fullmatch(dataset) is not None
