"""The configuration of a run in words, for a reader who has nothing but the page."""

from dashboard.labels import LABELS, NAMES
from vae_core.config import ModelConfig, RunConfig


def number(value: float) -> str:
    """A setting with five significant digits at most, as β stands on the board: ``1``, ``0.002``."""
    return f"{value:.5g}"


def count(value: int, what: str) -> str:
    """``1 update``, ``6,900 updates``."""
    return f"{value:,} {what}{'' if value == 1 else 's'}"


def config_words(config: RunConfig, *, num_data: int, beta: float, scale: float) -> list[tuple[str, str]]:
    """What decided the run, as pairs of a setting's name and its value in words.

    The names are those of the controls. A setting that has no effect in this run is left out, and so is the
    folder of the data, a path of the machine.

    Arguments:
        config: The run.
        num_data: Training examples.
        beta: β of the last update, where it is a constant.
        scale: s of a Gaussian likelihood, as it is now.

    Example:
        >>> run = RunConfig(model=ModelConfig(data_dim=64))
        >>> words = dict(config_words(run, num_data=1437, beta=4.0, scale=1.0))
        >>> words["Hidden layers"], words["KL weight β"]
        ('128, in the decoder in reverse', '1, moved to 4 while it trained')
    """
    found = {
        **_model_words(config.model, scale),
        **_training_words(config, num_data, beta),
        **_data_words(config),
        "seed": str(config.seed),
    }
    return [(NAMES[key], found[key]) for key in NAMES if key in found]


def _data_words(config: RunConfig) -> dict[str, str]:
    words = {}
    if config.data_noise != 1:
        words["data_noise"] = f"{number(config.data_noise)} times the usual"
    if config.binarised != "no":
        words["binarised"] = LABELS[config.binarised]
    if config.condition != "none":
        words["condition"] = config.condition_on or LABELS[config.condition]
    return words


def _model_words(model: ModelConfig, scale: float) -> dict[str, str]:
    hidden, is_conv = ", ".join(map(str, model.hidden_dims)), model.architecture == "conv"
    words = {
        "architecture": LABELS[model.architecture],
        "latent_dim": str(model.latent_dim),
        "hidden": f"{hidden}, in the decoder in reverse" if hidden else "none: linear maps",
        "activation": LABELS[model.activation],
        "encoder_head": LABELS[model.encoder_head],
        "likelihood": LABELS[model.likelihood],
        "prior": LABELS[model.prior],
    }
    if is_conv:
        del words["hidden"]
        words["channels"] = f"{hidden}, in the decoder in reverse"
    if not hidden:
        del words["activation"]
    if model.has_scale:
        words["likelihood_scale"] = f"{number(scale)}, learned" if model.learns_scale else number(scale)
    if model.prior != "standard_normal":
        words["num_components"] = str(model.num_components)
    return words


def _training_words(config: RunConfig, num_data: int, beta: float) -> dict[str, str]:
    train = config.train
    batch = f"{train.batch_of(num_data):,}"
    words = {
        "batch_size": batch if train.batch_size < num_data else f"{batch}, all training examples",
        "num_samples": str(train.num_samples),
        "optimizer": LABELS[train.optimizer],
        "learning_rate": number(train.learning_rate),
        "num_epochs": "none: until stopped" if train.num_epochs is None else f"{train.num_epochs:,}",
    }
    if train.objective != "elbo":
        words["objective"] = LABELS[train.objective]
    if train.optimizer == "sgd":
        words["momentum"] = number(train.momentum)
    if train.patience is not None:
        words["patience"] = f"{train.patience:,}"
    if config.model.encoder_head == "deterministic" and train.is_elbo:  # there is no KL to weigh
        return words
    is_moved = train.beta_schedule == "constant" and number(beta) != number(train.beta)
    words["beta"] = number(train.beta) + (f", moved to {number(beta)} while it trained" if is_moved else "")
    if train.beta_schedule != "constant":
        words |= {
            "beta_schedule": LABELS[train.beta_schedule],
            "schedule_epochs": f"{train.schedule_epochs:,}",
        }
    if train.free_bits:
        words["free_bits"] = number(train.free_bits)
    return words
