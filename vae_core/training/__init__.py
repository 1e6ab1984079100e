"""Stochastic gradient ascent on the objective: the loop, its optimisers, and a trace of single updates."""

from vae_core.training.loop import (
    Ended,
    Training,
    TrainStep,
    fit,
)
from vae_core.training.optimizer import descend, initial_moments, last_beta, scheduled_beta
from vae_core.training.trace import Forward, StepTrace, Tracer

__all__ = [
    "Ended",
    "Forward",
    "StepTrace",
    "Tracer",
    "TrainStep",
    "Training",
    "descend",
    "fit",
    "initial_moments",
    "last_beta",
    "scheduled_beta",
]
