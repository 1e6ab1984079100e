"""Why one encoder: parameters and time of one ψ per example, as the data grow."""

from typing import Final

import numpy as np
import streamlit as st

from dashboard.components.chart.element import draw_chart
from dashboard.figures.amortisation import amortisation_figure
from dashboard.formats import rounded, shown_difference, signed
from dashboard.free_energy import cached
from dashboard.free_energy.em import span
from dashboard.shell import state
from dashboard.tables import draw_table

HELP: Final = (
    r"**One ψ per example**: $\psi_d = (\mu_d, \sigma_d)$ by gradient ascent of its own ELBO, from the prior "
    "(150 steps, 4 samples). **One encoder**: its training once, the time of an update times the number of "
    "updates that the example model had, and a pass over all examples. The same decoder, held."
)
SIZES: Final = (1, 10, 100, 300, 10_000, 1_000_000, 100_000_000)


def draw() -> None:
    """The curve, the table, and where the two meet."""
    found = cached.amortisation()
    costs = [found.cost(size) for size in SIZES]
    figure = amortisation_figure(
        np.array([float(cost.num_examples) for cost in costs]),
        np.array([cost.psi_seconds for cost in costs]),
        np.array([cost.encoder_seconds for cost in costs]),
        np.array([cost.is_measured for cost in costs]),
        theme=state.theme_name(),
    )
    alt = (
        f"Time over the number of examples: for 10⁸ examples one ψ each takes {span(costs[-1].psi_seconds)}, "
        f"one encoder {span(costs[-1].encoder_seconds)}."
    )
    draw_chart(figure, key="amortisation", alt=alt)
    head = ("examples", "numbers of all ψ", "time, one ψ each", "time, one encoder")
    rows = [
        (
            _count(cost.num_examples),
            _count(cost.psi_parameters),
            *(_time(seconds, cost.is_measured) for seconds in (cost.psi_seconds, cost.encoder_seconds)),
        )
        for cost in costs
    ]
    draw_table(head, rows, title="One ψ per example against one encoder", help_text=HELP)
    even = found.break_even
    when = f"From about {rounded(even, 2)} examples on" if np.isfinite(even) else "With these times never"
    gap = shown_difference(found.psi_elbo, found.encoder_elbo)
    st.caption(
        f"≈: extrapolated from {found.sizes[-1]} examples, in proportion. The encoder has "
        f"{found.encoder_parameters:,} numbers, for any number of examples. {when} it takes less time. It "
        f"was not trained here: {found.num_updates:,} updates of {rounded(1000 * found.update_seconds, 2)} "
        f"ms each are {span(found.training_seconds)}. What it gives up on {found.sizes[-1]} held-out "
        f"examples: ELBO {signed(found.encoder_elbo, 2)} nats in place of {signed(found.psi_elbo, 2)}, an "
        f"amortisation gap of {signed(gap, 2)}."
    )


def _count(number: int) -> str:
    return rounded(float(number), 1) if number >= 10**6 else f"{number:,}"


def _time(seconds: float, is_measured: bool) -> str:
    return span(seconds) if is_measured else f"≈ {span(seconds)}"
