"""The gradient of the objective by the chain rule written out, without automatic differentiation."""

from vae_core.training.by_hand.gradient import HandGradient, Means, is_written_out

__all__ = ["HandGradient", "Means", "is_written_out"]
