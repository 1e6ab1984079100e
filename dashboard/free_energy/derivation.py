"""Two derivations of the bound as things to do: each next line is chosen, and its number decides."""

import functools
import math
from typing import TYPE_CHECKING, Final

import streamlit as st

from dashboard.components.chart.element import draw_chart
from dashboard.components.chosen_q.element import chosen_q
from dashboard.figures.jensen import jensen_figure
from dashboard.formats import rounded, signed, with_error
from dashboard.free_energy import cached
from dashboard.free_energy.derivation_lines import JENSEN, LAGRANGE, Line
from dashboard.shell import state
from dashboard.shell.choice import choose_example, one_of, switch
from dashboard.subject import Subject, pretrained
from vae_core.evidence.exact import MAX_EXACT_DIMS

if TYPE_CHECKING:
    from vae_core.labs.derivation import Terms

DERIVATION_HELP: Final = (
    "Every line has a value for the example and the encoder's q(z|x), by quadrature over z (J ≤ 2). ± is "
    "what changes when only every second point is used. Choose the next line: a wrong one is refuted by its "
    "number."
)
TRACKS: Final = {"lagrange": "Maximise F: Lagrange", "jensen": "Bound log p(x): Jensen"}
TRACK_HELP: Final = (
    "**Lagrange** (document 000, equations 1 to 16): the q that maximises the free energy is the posterior. "
    "**Jensen** (documents 001 and 004): the log of a mean is at least the mean of the logs."
)
LINES: Final = {"lagrange": LAGRANGE, "jensen": JENSEN}
EXAMPLE_HELP: Final = "A held-out example: every number is measured for it and the model in view."
SHOW_HELP: Final = "Shows every line with its value, as a reader who knows the derivation would write it."
STATIONARY_HELP: Final = (
    r"$\partial L/\partial q(z) = \log p(x,z) - \log q(z) - 1 + \gamma$ with $\gamma = 1 - \log p(x)$. At "
    "the posterior it is 0 for every component, at any other q it is not: where it is positive, more mass "
    "raises L. A mixture of three Gaussians, so that the integral is a sum."
)
JENSEN_HELP: Final = (
    r"u = p(x,z)/q(z). The logarithm lies below its tangent at E[u] = p(x); the tangent's mean is log p(x), "
    "the curve's mean is the ELBO. So the area between them is the gap, KL(q ‖ p(z|x))."
)
DIGITS: Final = 4
MANY_DIGITS: Final = 8
_INDISTINCT: Final = 1e-3
_LETTERS: Final = "ABC"
"""A formula alone is no name that a screen reader could say."""


def choose_subject(shown: Subject) -> Subject:
    """The run in view, or the example model where it has no q that a quadrature can integrate."""
    config = shown.config.model
    if config.latent_dim > MAX_EXACT_DIMS:
        why = f"The run in view has J = {config.latent_dim}, too many for a quadrature"
    elif config.encoder_head == "deterministic":
        why = "The run in view has a deterministic encoder, which has no q(z|x)"
    else:
        return shown
    st.info(f"{why}: these are the numbers of the example model.")
    return pretrained()


@st.fragment
def draw(shown: Subject) -> None:
    """The example, the lines, and the picture of each derivation."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        track = one_of(
            "Derivation",
            {key: shown.written(name) for key, name in TRACKS.items()},
            key="derivation_track",
            help_text=shown.written(TRACK_HELP),
        )
        index = _example(shown)
    found = cached.derivation(shown, index)
    lines = LINES[track]
    shows_all = switch("Show all lines", key="derivation_all", help_text=SHOW_HELP)
    state.draw_address("derivation")
    done = len(lines) if shows_all else _draw_lines(track, lines, found.terms, shown)
    if shows_all:
        for number, line in enumerate(lines, 1):
            _draw_done(number, line, found.terms, shown)
    if track == "lagrange":
        _draw_gamma(found.terms, shown, done)
        _draw_stationary()
    else:
        _draw_jensen(found, shown)


def _example(shown: Subject) -> int:
    return choose_example("derivation_example", len(shown.data.x_test), EXAMPLE_HELP)


def _draw_lines(track: str, lines: tuple[Line, ...], terms: "Terms", shown: Subject) -> int:
    """The lines found so far and the next one; returns how many are done."""
    for number, line in enumerate(lines):
        key = f"derivation_{track}_{number}"
        if state.control(key) == line.right:
            _draw_done(number + 1, line, terms, shown)
            continue
        _draw_question(key, number + 1, len(lines), line, terms, shown)
        return number
    st.success("Every line is found, and every number agrees.")
    st.button("Begin again", on_click=_forget, args=(track,), key=f"derivation_again_{track}")
    return len(lines)


def _forget(track: str) -> None:
    for number in range(len(LINES[track])):
        state.set_control(f"derivation_{track}_{number}_choice", None)
        state.set_control(f"derivation_{track}_{number}", None)


def _draw_done(number: int, line: Line, terms: "Terms", shown: Subject) -> None:
    candidate = line.candidates[line.right]
    formula, value = st.columns([3, 1], vertical_alignment="center")
    formula.markdown(
        shown.written(f"**{number}.**  ${line.left} {candidate.latex}$"),
        help=shown.written(f"{line.why} (Document {line.source}.)"),
    )
    value.markdown(f"**{_written(*candidate.value(terms), line)}**")


def _draw_question(key: str, number: int, count: int, line: Line, terms: "Terms", shown: Subject) -> None:
    with st.container(border=True):
        st.markdown(f"**Line {number} of {count}: what comes next?**")
        st.markdown(shown.written(f"${line.left}\\;?$"))
        chosen = st.radio(
            f"Line {number}",
            range(len(line.candidates)),
            index=None,
            format_func=lambda place: (
                f"**{_LETTERS[place]}**  ${shown.written(line.candidates[place].latex)}$"
            ),
            key=f"{key}_choice",
            label_visibility="collapsed",
            on_change=functools.partial(_take, key),
        )
        if chosen is None:
            return
        value, error = line.candidates[chosen].value(terms)
        should_be, should_error = line.target(terms)
        given, wanted = _written(value, error, line), _written(should_be, should_error, line)
        if abs(value - should_be) <= _INDISTINCT * max(1.0, abs(should_be)):
            st.warning(
                f"That is not the line, though for this example it has the same value, {given}: choose "
                "another example to tell them apart."
            )
        else:
            st.error(f"That evaluates to {given}; it should be {wanted}.")


def _take(key: str) -> None:
    state.set_control(key, state.control(f"{key}_choice"))


def _written(value: float, error: float, line: Line) -> str:
    unit = f" {line.unit}" if line.unit else ""
    if not math.isfinite(value):
        return "−∞" + unit
    if value and not 1e-4 <= abs(value) < 1e5 and abs(value) > 1e-9:
        sign = "−" if value < 0 else ""
        return f"{sign}{rounded(abs(value), 3)}{unit}"
    shown = signed(value, DIGITS)
    return (with_error(shown, rounded(error, 1)) if error else shown) + unit


def _draw_gamma(terms: "Terms", shown: Subject, done: int) -> None:
    """The multiplier as measured, once the line that names it is found."""
    if done < GAMMA_LINE:
        return
    st.header("The multiplier, measured")
    left, middle, right = st.columns(3)
    left.metric("γ by bisection", signed(terms.gamma.value, MANY_DIGITS), border=True)
    other = 1 - terms.log_evidence.value
    middle.metric(shown.written("1 − log p(x)"), signed(other, MANY_DIGITS), border=True)
    difference = abs(terms.gamma.value - other)
    right.metric("difference", f"{rounded(difference, 1)}", border=True)
    st.caption(
        shown.written("γ is the number for which ∫ e^(γ−1) p(x, z) dz = 1 on a lattice of z; log p(x) ")
        + "is the adaptive "
        f"quadrature of the ELBO page, whose own error here is {rounded(terms.log_evidence.error, 1)} nats."
    )


GAMMA_LINE: Final = 8


def _draw_stationary() -> None:
    st.header("Drag q until nothing pulls", help=STATIONARY_HELP)
    chosen_q(cached.components_payload(0.3, lagrange=True), key="derivation_q")


def _draw_jensen(found: "cached.Derivation", shown: Subject) -> None:
    terms = found.terms
    st.header("What Jensen's inequality loses, as an area", help=shown.written(JENSEN_HELP))
    figure = jensen_figure(
        found.share, found.log_ratio, found.tangent, terms.log_evidence.value, theme=state.theme_name()
    )
    area, gap = terms.jensen_area.value, terms.log_evidence.value - terms.free_energy.value
    alt = (
        f"The logarithm of u below its tangent over the mass of q; the area between them is {area:.4f} nats."
    )
    draw_chart(figure, key="jensen", alt=alt, words=shown.written)
    left, middle, right = st.columns(3)
    left.metric("Area", f"{signed(area, DIGITS)} nats", border=True)
    middle.metric("log E[u] − E[log u]", f"{signed(gap, DIGITS)} nats", border=True)
    right.metric(shown.written("KL(q ‖ p(z|x))"), f"{signed(terms.kl.value, DIGITS)} nats", border=True)
