"""The gradients of all parameters beside automatic differentiation, and the terms of the loss, as text."""

from typing import TYPE_CHECKING, Final

from dashboard.figures.network.svg import number_text
from dashboard.formats import rounded, superscript
from dashboard.gradients.back_propagation_pass import TOLERANCE, Parameter, Pass

if TYPE_CHECKING:
    from vae_core.labs.gradients.backward import Slip

TABLE_HELP: Final = (
    r"Relative difference: $\max|g_{hand} - g_{auto}| / \max|g_{auto}|$ over the entries of a parameter, in "
    "float64. Of each gradient the entry with the largest size is shown."
)
NO_PLACE: Final[dict["Slip", str]] = {
    "f_for_slope": "This error has no place here: the network has no hidden layer.",
    "kl_sign": "This error has no place here: L has no KL (a deterministic encoder, or β = 0).",
    "no_half": "This error has no place here: the output is not Gaussian.",
}


def applies(found: Pass) -> bool:
    """Whether the chosen error has a place in this network."""
    return {
        None: False,
        "f_for_slope": bool(found.config.hidden_dims),
        "kl_sign": found.log_var is not None and found.beta > 0,
        "no_half": found.config.likelihood == "gaussian",
    }[found.slip]


def loss_terms(found: Pass) -> dict[int, str]:
    """The terms of the loss by the column below which they stand."""
    heads = next(place for place, column in enumerate(found.columns) if column.kind == "heads")
    loss = f"−log p(x|z) = {number_text(-found.reconstruction)},  L = {number_text(found.loss)}"
    terms = {len(found.columns) - 1: loss}
    if found.log_var is None:
        return terms
    weight = "" if found.beta == 1 else f",  β = {found.beta:.4g}"
    return {heads: f"KL = {number_text(found.kl)}{weight}"} | terms


def gradient_table(found: Pass) -> str:
    """A Markdown table with a row for each parameter; what is wrong is red."""
    head = ["| ∂L/∂ | by hand | automatic | relative difference |", "| :-- | --: | --: | --: |"]
    return "\n".join([*head, *map(_row, found.parameters)])


def _row(parameter: Parameter) -> str:
    name = parameter.symbol + (superscript(parameter.number) if parameter.number else "")
    cells = [
        number_text(parameter.by_hand),
        number_text(parameter.automatic),
        rounded(parameter.difference, 1),
    ]
    if parameter.difference >= TOLERANCE:
        cells[0], cells[2] = f":red[**{cells[0]}**]", f":red[**{100 * parameter.difference:,.0f} %**]"
    return f"| **{name}** | {' | '.join(cells)} |"
