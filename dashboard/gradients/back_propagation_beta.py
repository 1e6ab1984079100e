"""Which weight of the KL the loss of a trained model has, in words."""

from vae_core.config import TrainConfig


def said_of_beta(train: TrainConfig, beta: float) -> str:
    """One sentence on ``beta``, the weight of the run's last update, and one on what the loss leaves out."""
    course = {
        "constant": "",
        "linear": f" It rose from 0 to {train.beta:g} during the first {train.schedule_epochs} epochs.",
        "cyclical": f" It rises from 0 to {train.beta:g} in each cycle of {train.schedule_epochs} epochs.",
    }[train.beta_schedule]
    if train.beta_schedule == "constant" and beta != train.beta:
        course = f" The run began with {train.beta:g}; β was moved while it trained."
    said = f"L has β = {beta:.4g}, that of this run's last update.{course}"
    if train.free_bits:
        said += " The run's free bits are left out: they depend on the whole mini-batch, L on one datum."
    return said
