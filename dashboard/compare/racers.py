"""The three optimisers that race, and the controls of their step sizes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import streamlit as st

from vae_core.config import Optimizer, TrainConfig

RATES: Final = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class Racer(NamedTuple):
    """An optimiser.

    Arguments:
        name: What it is called.
        optimizer: Of ``TrainConfig``.
        momentum: Likewise.
        rule: Its update.
    """

    name: str
    optimizer: Optimizer
    momentum: float
    rule: str

    def config(self, learning_rate: float, shared: TrainConfig) -> TrainConfig:
        """Its settings, in all else those that are shared."""
        return replace(shared, optimizer=self.optimizer, momentum=self.momentum, learning_rate=learning_rate)


RACERS: Final = (
    Racer("SGD", "sgd", 0.0, r"$w \leftarrow w - \eta\, g$ with $g$ the gradient of −ELBO on a mini-batch."),
    Racer(
        "SGD + momentum",
        "sgd",
        0.9,
        r"$v \leftarrow 0.9\, v + g$, $w \leftarrow w - \eta\, v$: along a steady slope ten times the step.",
    ),
    Racer(
        "Adam",
        "adam",
        0.9,
        r"$w \leftarrow w - \eta\, \hat m / (\sqrt{\hat v} + \epsilon)$ with running means $\hat m$ of $g$ "
        r"and $\hat v$ of $g^2$: every weight moves by about $\eta$ (Kingma and Ba 2015).",
    ),
)


def rates(key: str, defaults: Sequence[float]) -> tuple[float, ...]:
    """Draws a slider for each step size.

    Arguments:
        key: Of the widgets, before the number.
        defaults: What they start with.
    """
    chosen = []
    for number, (racer, column) in enumerate(zip(RACERS, st.columns(len(RACERS), gap="medium"), strict=True)):
        rate = column.select_slider(
            f"η of {racer.name}",
            RATES,
            defaults[number],
            key=f"{key}{number}",
            format_func=lambda value: f"{value:g}",
            help=racer.rule,
            persist_state="session",
        )
        chosen.append(rate)
    return tuple(chosen)
