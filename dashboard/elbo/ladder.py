"""A ladder of approximate posteriors: the richer the family of q, the nearer its bound to log p(x)."""

from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.components.chart.element import draw_chart
from dashboard.elbo import cached as cache
from dashboard.elbo.cached import Example
from dashboard.elbo.one_example import DIGITS, choose, reconstruction, shown_bound, shown_evidence
from dashboard.figures.ladder import family_figure, stair_figure
from dashboard.figures.posterior import shown_ranges
from dashboard.formats import margin, rounded, signed
from dashboard.runs.tasks import task_key, tasks
from dashboard.shell import browser, state
from dashboard.shell.task_line import task_line
from dashboard.subject import Split, Subject
from dashboard.tables import draw_table

Arrays = dict[str, NDArray[Any]]
MAX_INLINE: Final = 40_000
"""Products of a weight for one decoded z, up to which a page waits for the ladder of one example."""
MAX_MANY, MIN_MANY = 100, 4
_PRODUCTS_OF_ALL: Final = 1_000_000
HELP: Final = (
    r"$\mathcal L(q) = \mathbb{E}_q[\log p(x,z) - \log q(z)] = \log p(x) - \mathrm{KL}(q\,\|\,p(z|x))$ for "
    "this example, maximised over each family of q in turn. Each family holds the one before and starts from "
    "it: no step can fall. What is left below log p(x) is the approximation gap of that family (Cremer et "
    "al. 2018). Of an encoder that gives a flow the families are flows, of one Gaussian and of a mixture; of "
    "one that gives a mixture none has fewer components."
)
COMPONENTS_HELP: Final = (
    r"$K$ Gaussians with full covariances, $q(z) = \sum_k w_k\,\mathcal N(z;\,m_k, C_k)$. With K = 1 the "
    "mixture is the Gaussian itself, and the flow warps that alone."
)
ALL_HELP: Final = (
    "The mean of each rung over many examples: what a richer family would gain on average, with the same "
    "decoder."
)
MANY_HELP: Final = (
    "Finds the best q of each family for each of the examples. It takes minutes, in the background."
)
ONE_HELP: Final = "Finds the best q of each family for this example, in the background: the decoder is large."
FAMILY_HELP: Final = {
    "encoder": r"$q(z|x)$ as the encoder gives it.",
    "diagonal": r"$\mathcal N(m, \mathrm{diag}\,s^2)$, optimised for this example alone.",
    "full": r"$\mathcal N(m, LL^\top)$: the axes may turn.",
    "warped": r"$z = m + s \odot f_4\circ\dots\circ f_1(\varepsilon)$: the encoder's family, a planar flow, "
    "optimised for this example alone.",
    "diagonals": r"$\sum_c w_c\,\mathcal N(m_c, \mathrm{diag}\,s_c^2)$: the encoder's family, a mixture, "
    "optimised for this example alone.",
    "mixture": r"$\sum_k w_k\,\mathcal N(m_k, L_kL_k^\top)$: several modes, bends, tails.",
    "flow": (
        r"$z = f_4\circ\dots\circ f_1(u)$, $u$ from that mixture, with planar layers "
        r"$f(t) = t + v\tanh(a^\top t + b)$ (Rezende and Mohamed 2015)."
    ),
    "posterior": r"$p(z|x) = p(x|z)\,p(z)/p(x)$: its bound is $\log p(x)$ itself.",
}


@st.fragment
def draw(shown: Subject, split: Split, num_components: int) -> None:
    """The choice of the example, its stair, and each q over its true posterior.

    Arguments:
        shown: The model.
        split: Which examples.
        num_components: K of the mixture.
    """
    index = choose(shown, split)
    example = cache.example(shown, split, index)
    found = _of_example(shown, split, index, num_components, example)
    if found is None:
        return
    names = _names(found)
    # A point may have a table of its values.
    widths = [1, 4] if shown.image_shape else [2, 3]
    left, right = st.columns(widths, gap="medium", vertical_alignment="center")
    with left:
        reconstruction(example.x_and_decoded, example.class_name, shown)
    with right:
        values, goal = _shown_values(found, example)
        is_exact = bool(found["is_exact"])
        figure = stair_figure(
            names,
            values,
            None if is_exact else found["error"][:, 0].tolist(),
            goal,
            evidence_name="log p(x)" if is_exact else "importance-weighted bound",
            theme=state.theme_name(),
        )
        steps = ", ".join(
            f"{name} {signed(value, DIGITS)}" for name, value in zip(names, values, strict=True)
        )
        alt = f"A stair of bounds: {steps}; log p(x) {signed(goal, DIGITS)} nats."
        draw_chart(figure, key="stair", alt=alt.replace("<br>", " "), words=shown.written)
        st.caption(_how(found))
    if example.posterior is None:
        st.info("Pictures of q over the true posterior need J = 1 or 2.")
        return
    _panels(found, example, shown, names, [goal - value for value in values])


def draw_many(shown: Subject, split: Split, num_components: int) -> None:
    """The mean stair over many examples; where it is not measured, the button that does."""
    # Not of the weights: the newest result stays on the page while the run goes on.
    name = task_key("ladder_of_many", shown.source, split, shown.data.digest, num_components)
    result = tasks().result(name)
    is_old = result is not None and str(result["digest"]) != shown.run.digest
    if result is None or is_old:
        x = shown.examples(split)[0][: _num_many(shown)].numpy()
        task_line(
            name,
            key="ladder_many",
            label="Climb again" if is_old else f"Climb the ladder for {len(x)} examples",
            doing="Climbing …",
            help_text=MANY_HELP,
            start=lambda: _start(shown, name, num_components, {"x": x}),
        )
    if result is None:
        return
    if is_old:
        st.caption(f"Measured at step {int(result['step']):,}; the weights have changed since.")
    _table(result, shown, _names(result))


def _products(shown: Subject) -> int:
    """Of a weight and a value, for one decoded z."""
    return sum(shown.config.model.decoder_products)


def _num_many(shown: Subject) -> int:
    return max(MIN_MANY, min(MAX_MANY, _PRODUCTS_OF_ALL // _products(shown)))


def _of_example(
    shown: Subject, split: Split, index: int, num_components: int, example: Example
) -> Arrays | None:
    """The ladder of one example: at once for a small decoder, else as a task that somebody starts."""
    if _products(shown) <= MAX_INLINE:
        return cache.ladder(shown, split, index, num_components)
    name = task_key("ladder_of_one", shown.run.digest, split, shown.data.digest, index, num_components)
    result = tasks().result(name)
    if result is None:
        x = shown.examples(split)[0][index : index + 1].numpy()
        axes = () if example.posterior is None else example.posterior.axes
        inputs = {"x": x} | {f"axis{dim}": axis.numpy() for dim, axis in enumerate(axes)}
        task_line(
            name,
            key="ladder_one",
            label="Climb the ladder for this example",
            doing="Climbing …",
            help_text=ONE_HELP,
            start=lambda: _start(shown, name, num_components, inputs),
        )
    return result


def _start(shown: Subject, name: str, num_components: int, inputs: Arrays) -> None:
    arguments = (shown.source, str(shown.config.seed), str(num_components))
    tasks().start(name, "ladder", *arguments, owner=browser.token(), inputs=inputs)


def _names(found: Arrays) -> list[str]:
    count = int(found["num_components"][-1])
    has_full = "full" in found["family"]
    labels = {
        "encoder": "encoder’s q",
        "diagonal": "best<br>diagonal" if has_full else "best<br>Gaussian",
        "full": "full<br>covariance",
        "diagonals": "best mixture<br>of diagonals",
        "mixture": "mixture<br>of one" if count == 1 else f"mixture<br>of {count}",
        "warped": "best<br>planar flow",
        "flow": f"mixture of<br>{count}, warped" if "warped" in found["family"] else "flow",
    }
    return [labels[str(family)] for family in found["family"]]


def _shown_values(found: Arrays, example: Example) -> tuple[list[float], float]:
    """The bounds and log p(x) in the digits of every view, so that the reader's own differences come out."""
    elbo = found["elbo"][:, 0]
    values = [shown_bound(example) + float(value - elbo[0]) for value in elbo]
    if example.evidence is None:
        return [round(value, DIGITS) for value in values], round(float(found["log_evidence"][0]), DIGITS)
    goal = shown_evidence(example)
    return [round(min(value, goal), DIGITS) for value in values], goal


def _how(found: Arrays) -> str:
    if bool(found["is_exact"]):
        return (
            "Each bound by quadrature, estimated errors up to "
            f"{rounded(float(found['error'].max()), 1)} nats; each family is searched from the one before."
        )
    return (
        "J > 2: each bound by quasi-random points of its q, bars are two standard errors (up to "
        f"± {margin(2 * float(found['error'].max()), DIGITS)}); no exact log p(x) stands above them, but the "
        "importance-weighted bound with the last q, itself a lower bound in expectation "
        f"(± {margin(2 * float(found['evidence_error'][0]), DIGITS)})."
    )


def _panels(found: Arrays, example: Example, shown: Subject, names: list[str], gaps: list[float]) -> None:
    grid = example.posterior
    assert grid is not None
    axes, log_density = [axis.numpy() for axis in grid.axes], grid.log_density.numpy()
    evidence = shown.written("log p(x)")
    ranges = shown_ranges(axes, log_density, [example.q])
    panels = [
        (str(family), name.replace("<br>", " "), log_q, f"{gap:.{DIGITS}f} nats below {evidence}")
        for family, name, log_q, gap in zip(found["family"], names, found["log_q"], gaps, strict=True)
    ]
    panels.append(("posterior", "true posterior", None, f"{evidence} itself"))
    for row in (panels[:3], panels[3:]):
        for column, (family, name, log_q, where) in zip(st.columns(3, gap="medium"), row, strict=False):
            with column:
                st.markdown(f"**{name}**: {where}", help=shown.written(FAMILY_HELP[family]))
                figure = family_figure(axes, log_density, log_q, ranges, theme=state.theme_name())
                alt = f"{name} over the true posterior; {where}."
                draw_chart(figure, key=f"ladder_{family}", alt=alt, words=shown.written)


def _table(found: Arrays, shown: Subject, names: list[str]) -> None:
    elbo, goal = found["elbo"], found["log_evidence"]
    is_exact = bool(found["is_exact"])
    means = [round(float(values.mean()), DIGITS) for values in elbo]
    last = round(float(goal.mean()), DIGITS)
    evidence_name = shown.written("log p(x)") if is_exact else "importance-weighted bound"
    figure = stair_figure(names, means, None, last, evidence_name=evidence_name, theme=state.theme_name())
    alt = (
        f"The mean stair of {len(goal)} examples, from {signed(means[0], 3)} to {signed(means[-1], 3)} nats."
    )
    draw_chart(figure, key="mean_stair", alt=alt, words=shown.written)
    rows = []
    for index, (name, mean) in enumerate(zip(names, means, strict=True)):
        step = (
            f"+{mean - means[index - 1]:.{DIGITS}f} ± {_error(elbo[index] - elbo[index - 1])}"
            if index
            else "–"
        )
        gap = f"{last - mean:.{DIGITS}f} ± {_error(goal - elbo[index])}"
        rows.append((name.replace("<br>", " "), signed(mean, DIGITS), step, gap))
    rows.append((f"**{evidence_name}**", signed(last, DIGITS), "–", "–"))
    head = ("nats per example", "mean", "step", shown.written("below log p(x)"))
    draw_table(head, rows, title="The mean of each rung", shows_title=False)
    error = rounded(float(found["error"].max()), 1)
    how = (
        f"by quadrature, estimated errors up to {error} nats"
        if is_exact
        else f"by quasi-random points, standard errors up to {error} nats"
    )
    st.caption(
        f"The first {len(goal):,} examples; ± is the standard error of a mean over them. Each bound {how}."
    )


def _error(values: NDArray[np.float64]) -> str:
    return margin(float(values.std(ddof=1) / len(values) ** 0.5), DIGITS) if len(values) > 1 else "–"
