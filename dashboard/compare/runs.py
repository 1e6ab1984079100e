"""Any number of runs side by side: what they differ in, and how they do on the same held-out examples."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import cached as cache
from dashboard import differences as labels
from dashboard.compare import cached
from dashboard.compare.cached import MIN_COMMON, Measured
from dashboard.components.chart.element import draw_chart
from dashboard.figures.runs import RunLine, run_curves_figure, run_kl_figure
from dashboard.formats import margin, plain, rounded, shown_difference, signed, with_error
from dashboard.labels import NAMES, OF_CURVES, data_title
from dashboard.notation import given_y
from dashboard.runs.job import JobView
from dashboard.runs.runner import runner
from dashboard.runs.tasks import task_key, tasks
from dashboard.shell import browser, pages, state
from dashboard.shell.links import MAX_COMPARED
from dashboard.shell.task_line import task_line
from dashboard.subject import Subject, subject_of
from dashboard.tables import draw_table, in_two_lines
from vae_core.errors import BadInput
from vae_core.labs.scores import MIN_SEEDS, Score, mean_score
from vae_core.runs.snapshot import HISTORY_COLUMNS

Array = NDArray[np.float64]
MAX_OFFERED: Final = 200
"""Runs that the menu offers, the newest."""
MAX_SWEEPS: Final = 5
RUNS_HELP: Final = (
    "All numbers are of the same held-out examples, and differences are of pairs: the spread of the "
    "examples, which all runs share, cancels."
)
CHOOSE_HELP: Final = (
    f"Your runs, and those you opened by a link; at most {MAX_COMPARED}. The first is what the others are "
    "compared with. The address names them all: **Share** gives this page to others."
)
TABLE_HELP: Final = (
    r"Mean over the examples ± its standard error $\mathrm{sd}/\sqrt n$, in nats. "
    r"$\mathrm{ELBO} = \mathbb{E}_q[\log p(x|z)] - \mathrm{KL}(q(z|x)\,\|\,p(z))$, always with $\beta = 1$. "
    r"**ELBO − first**: $\overline{d}$ of $d_i = \mathrm{ELBO}_i - \mathrm{ELBO}_i^{\text{first}}$, ± "
    r"$\mathrm{sd}(d)/\sqrt n$: how far it would move on other examples, for these very runs. It is no "
    r"verdict on their settings: another seed gives another run. "
    r"Active: $\mathrm{Var}_x(\mu_j) > 0.01$ (Burda et al. 2016)."
)
SETTINGS_HELP: Final = "What is not named is the same in all of them. β and η are those in force now."
CURVES_HELP: Final = (
    "Measured on held-out examples while the runs trained: ELBO, reconstruction "
    r"$\mathbb{E}_q[\log p(x|z)]$ and $\mathrm{KL}(q(z|x)\,\|\,p(z))$. The vertical range is that of the "
    "last 90 % of the steps."
)
KL_HELP: Final = (
    r"$\mathrm{KL}_j$ averaged over the examples, largest first. Dimension 1 of one run is not dimension 1 "
    "of another: ranks are compared. A dimension with 0 nats carries no information."
)
GAP_HELP: Final = (
    r"$\log p(x) - \mathrm{ELBO}(x) = \mathrm{KL}(q(z|x)\,\|\,p(z|x)) \ge 0$. $J \le 2$: "
    r"$\log p(x) = \log\int p(x|z)\,p(z)\,dz$ by quadrature. Else "
    r"$\log\frac1K\sum_k p(x,z_k)/q(z_k|x)$ with $K = 1000$ samples from q (Burda et al. 2016), which is "
    r"below $\log p(x)$ in expectation: marked ≥."
)
MEASURE_HELP: Final = "log p(x) of each run on the same examples, in the background: a second or two a run."
OF_DIFFERENT_BOUNDS: Final = (
    " Of a conditional run the ELBO is a bound of log p(x|y), of another one of log p(x): only the one is "
    "told y. **Bound of log p(x)** makes them fair: log p(x) = log Σ p(y) p(x|y) ≥ log p(x|y) + log p(y), "
    "with p(y) the share of the class in the training part."
)
OF_NUMBER: Final = (
    " Where y is a number the column is empty: log p(x) = log ∫ p(y) p(x|y) dy would need a density of y, "
    "which these models do not have, and a single y gives no bound of it."
)
OF_DIFFERENT_EVIDENCE: Final = (
    "Of a conditional run log p(x) here is log p(x|y), and the gap that of its q(z|x, y). "
)
_DENSITY: Final = {
    "bernoulli": "of 0 and 1",
    "continuous_bernoulli": "density",
    "gaussian": "density",
    "gaussian_diagonal": "density",
}
"""What the nats of a likelihood are of: those of different kinds are not to be subtracted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the runs side by side.

    Arguments:
        view: How it stands.
        label: What no other is called.
        number: Its place among those that were chosen: it keeps its colour, whoever else has numbers yet.
        subject: The run as it was saved last.
        measured: Its numbers.
    """

    view: JobView
    label: str
    number: int
    subject: Subject
    measured: Measured

    @property
    def has_bound(self) -> bool:
        """Whether it has a KL, and so a bound."""
        return not self.subject.is_deterministic

    @property
    def takes_y(self) -> bool:
        """Whether the run is conditional: its ELBO is a bound of log p(x|y)."""
        return self.subject.config.condition != "none"

    @property
    def y_is(self) -> tuple[str, str]:
        """What it is conditional on: the kind of y, and the name of a number."""
        return self.subject.config.condition, self.subject.config.condition_on

    @property
    def bounds_x(self) -> bool:
        """Whether its ELBO makes a bound of log p(x): of a number y no density is known."""
        return self.has_bound and self.subject.config.condition != "number"

    @property
    def kind(self) -> str:
        """What its nats are of."""
        return _DENSITY[self.subject.config.model.likelihood]


def chosen() -> tuple[str, ...]:
    """Ids of the runs to compare, in the order of choosing."""
    found = state.control("compare_runs")
    return found if isinstance(found, tuple) else ()


def show(run_ids: Sequence[str]) -> None:
    """Puts runs side by side; of more than ``MAX_COMPARED`` the first ones; call it before drawing."""
    state.set_control("compare_runs", tuple(dict.fromkeys(run_ids))[:MAX_COMPARED])


def choose() -> tuple[str, ...]:
    """Draws the choice of runs and returns their ids."""
    there = tuple(run_id for run_id in chosen() if runner().view(run_id) is not None)
    if there != chosen():
        st.warning("Of the runs that this link names, some no longer exist.")
        show(there)
    known = runner().runs_of(browser.token())[:MAX_OFFERED]
    options = list(dict.fromkeys((*there, *(entry.run_id for entry in known))))
    state.set_control("compare_pick", list(there))

    def take() -> None:
        picked = state.control("compare_pick")
        show([one for one in picked if one in options] if isinstance(picked, list) else ())

    st.multiselect(
        "Runs",
        options,
        key="compare_pick",
        on_change=take,
        max_selections=MAX_COMPARED,
        format_func=_describe,
        placeholder="Choose runs" if options else "No runs yet",
        help=CHOOSE_HELP,
    )
    state.draw_address("compare_pick")
    return there


def _describe(run_id: str) -> str:
    """A run in the menu. The browser sends the text back: it is no other run's, and training leaves it."""
    config, name = runner().store.config(run_id), runner().store.about(run_id).name
    which = f"{labels.shortened(name)} ({run_id[:4]})" if name else f"Run {run_id[:4]}"
    if config is None:
        return which
    return (
        f"{which} · {data_title(config.dataset)} · J = {config.model.latent_dim} · β {config.train.beta:.4g}"
    )


def known_sweeps() -> dict[str, list[str]]:
    """The sweeps of this browser, the newest first: ids of their runs, in the order of starting, by tag."""
    found: dict[str, list[str]] = {}
    for entry in runner().runs_of(browser.token()):
        if entry.about.sweep is not None:
            found.setdefault(entry.about.sweep, []).insert(0, entry.run_id)
    return dict(itertools.islice(found.items(), MAX_SWEEPS))


def newest_pair() -> tuple[str, ...]:
    """The two newest runs of this browser of the same data, or else of any, in the order of starting."""
    found = [
        (entry.run_id, config.dataset, config.data_folder)
        for entry in runner().runs_of(browser.token())[:MAX_OFFERED]
        if (config := runner().store.config(entry.run_id)) is not None
    ]
    pairs = itertools.combinations(found, 2)
    alike = next((pair for pair in pairs if pair[0][1:] == pair[1][1:]), found[:2])
    return tuple(run_id for run_id, *_ in alike)[::-1]


def say_what_to_do() -> None:
    """What stands where no runs are chosen: how to choose, or how to get some."""
    of_sweep = (
        "press the button of the β sweep: it trains the same model with several β, and draws rate against "
        "distortion, a point for each run."
    )
    pair = newest_pair()
    if len(pair) == 2:
        st.info(f"No runs are chosen. Choose two or more above, or {of_sweep}", icon=":material/balance:")
        st.button(
            "Compare the two newest",
            key="compare_newest",
            on_click=lambda: show(pair),
            icon=":material/compare_arrows:",
            help="The two newest runs of the same data.",
        )
        return
    has_one = "You have one run; a comparison takes two." if pair else "Nothing to compare yet."
    st.info(f"{has_one} Train {'another' if pair else 'a few'}, or {of_sweep}", icon=":material/balance:")
    pages.link("train", "Train a run")


def load(run_ids: Sequence[str]) -> list[Side]:
    """The runs that can be put side by side; of the others it is said, in a sentence each, why not."""
    views = [view for run_id in run_ids if (view := runner().view(run_id)) is not None]
    names = labels_of(views)
    kept: list[tuple[int, JobView, Subject]] = []
    waiting: list[str] = []
    training: list[str] = []
    for number, view in enumerate(views):
        label = names[view.run_id]
        if view.is_under_way and is_of_sweep(view):
            training.append(label)  # its point moves meanwhile; a table of numbers that move compares nothing
            continue
        if view.is_under_way or view.status == "paused":
            runner().save(view.run_id)
        try:
            subject = subject_of(view.run_id)
        except BadInput as err:
            st.warning(f"{plain(label)}: {plain(str(err))}")
            continue
        if subject is None:
            waiting.append(label)
            continue
        why = _why_not(subject, [other for _, _, other in kept])
        if why:
            st.warning(f"**{plain(label)}** is left out: {why}.")
        else:
            kept.append((number, view, subject))
    parts = [
        f"{said}: {plain(', '.join(names_of_them))}."
        for said, names_of_them in (("Still training", training), ("Not trained yet", waiting))
        if names_of_them
    ]
    if parts:
        st.caption(f"{' '.join(parts)} The numbers follow by themselves.")
    measured = cached.side_by_side(tuple(subject for _, _, subject in kept)) if kept else ()
    return [
        Side(view=view, label=names[view.run_id], number=number, subject=subject, measured=one)
        for (number, view, subject), one in zip(kept, measured, strict=True)
    ]


def is_of_sweep(view: JobView) -> bool:
    """Whether the run was started by a sweep."""
    return runner().store.about(view.run_id).sweep is not None


def labels_of(views: Sequence[JobView]) -> dict[str, str]:
    """Labels of the runs by id, none twice."""
    given = [runner().store.about(view.run_id).name for view in views]
    texts = labels.labels([view.name for view in views], given, [view.in_force for view in views])
    return {view.run_id: text for view, text in zip(views, texts, strict=True)}


def _why_not(subject: Subject, others: Sequence[Subject]) -> str:
    """Why a run cannot stand beside others; empty where it can."""
    if cache.encoded(subject).has_diverged:
        return "it has diverged: its bound is not finite, or beyond 9 × 10¹⁵ nats"
    if not others:
        return ""
    first = others[0].config
    if (subject.config.dataset, subject.data.digest) != (first.dataset, others[0].data.digest):
        return "it was trained on other data, and ELBOs of different examples are not comparable"
    if cached.share_examples((*others, subject)) < MIN_COMMON:
        return "another seed held out other examples, too few are held out by all of these runs"
    return ""


def setting_keys(sides: Sequence[Side]) -> set[str]:
    """Names of the settings in which the runs differ."""
    return set(labels.differing([side.view.in_force for side in sides]))


def differences(sides: Sequence[Side]) -> None:
    """A table of the settings in which the runs differ, and of nothing else."""
    columns = labels.differing([side.view.in_force for side in sides])
    if len(sides) < 2:
        return
    if not columns:
        st.markdown("All settings of these runs are the same, the seed included.")
        return
    rows = [
        (
            in_two_lines(plain(side.label)),
            *(plain(labels.written(key, values[number])) for key, values in columns.items()),
        )
        for number, side in enumerate(sides)
    ]
    head = ("run", *(NAMES[key] for key in columns))
    draw_table(head, rows, title="What differs", help_text=SETTINGS_HELP)


def written(sides: Sequence[Side], text: str) -> str:
    """Words and formulas as they are said of these runs; with y where all of them are conditional."""
    return given_y(text) if sides and all(side.takes_y for side in sides) else text


def is_mixed(sides: Sequence[Side]) -> bool:
    """Whether bounds of log p(x) stand beside bounds of log p(x|y), or those of one y beside another y's."""
    return len({side.y_is for side in sides}) > 1


def numbers(sides: Sequence[Side]) -> None:
    """The terms of the bound of all runs on the same examples, and paired differences from the first."""
    first, mixed = sides[0], is_mixed(sides)
    head = ["run", "step", "ELBO of log p(x|y)" if first.takes_y and not mixed else "ELBO"]
    head += ["log p(y)", "bound of log p(x)"] if mixed else []
    head += [f"{'bound' if mixed else 'ELBO'} − first"] if len(sides) > 1 else []
    head += ["reconstruction", "KL", "active"]
    rows = []
    for side in sides:
        one = side.measured
        error = score_of(one.elbo).standard_error
        elbo = with_error(signed(_shown_elbo(one)), margin(error)) if side.has_bound else "–"
        row = [in_two_lines(plain(side.label)), f"{side.subject.step:,}", elbo]
        row += [_log_y(side), _of_x(side)] if mixed else []
        row += [_against(side, first, mixed=mixed)] if len(sides) > 1 else []
        kl = _mean(one.kl) if side.has_bound else "–"
        latent_dim = side.subject.config.model.latent_dim
        rows.append([*row, _mean(one.reconstruction), kl, f"{one.num_active} of {latent_dim}"])
    draw_table(
        head,
        rows,
        title="On the same held-out examples, nats per example",
        help_text=written(sides, TABLE_HELP),
    )
    st.caption(_about_numbers(sides))


def _about_numbers(sides: Sequence[Side]) -> str:
    count, own = len(sides[0].measured.rows), len(sides[0].subject.data.x_test)
    said = f"{count:,} held-out examples, M = 1 sample of z for each; ± is one standard error."
    if len(sides) > 1:
        said += (
            " It tells these runs apart, not their settings: each is one training, and another seed may "
            f"differ by more. A verdict takes {MIN_SEEDS} seeds, as Dimension reduction trains them."
        )
    if is_mixed(sides):
        said += OF_DIFFERENT_BOUNDS
        said += OF_NUMBER if any(side.y_is[0] == "number" for side in sides) else ""
    elif sides[0].takes_y:
        said += " Each example is encoded and decoded with its own y."
    if count < own:
        said += f" The splits differ: these {count:,} of {own:,} are held out by all of the runs."
    if len({side.kind for side in sides}) > 1:
        said += (
            " Bernoulli likelihoods are probabilities of 0 and 1, the others are densities of grey values: "
            "between the two kinds no difference of nats means anything."
        )
    if not all(side.has_bound for side in sides):
        said += " A deterministic encoder has no KL and no bound."
    return said


def score_of(values: Array) -> Score:
    """Mean and standard error of one value for each example."""
    score = mean_score(values)
    assert score is not None, "runs share examples, or are left out"
    return score


def _mean(values: Array) -> str:
    score = score_of(values)
    return with_error(signed(score.value), margin(score.standard_error))


def _against(side: Side, first: Side, *, mixed: bool) -> str:
    if side is first or side.kind != first.kind or not (side.has_bound and first.has_bound):
        return "–"
    one, other = side.measured, first.measured
    if not mixed or (side.y_is == first.y_is and not side.bounds_x):
        return _difference(one.elbo, other.elbo, _shown_elbo(one), _shown_elbo(other))
    if not (side.bounds_x and first.bounds_x):
        return "–"
    return _difference(one.bound_of_x, other.bound_of_x, _shown_of_x(one), _shown_of_x(other))


def _of_x(side: Side) -> str:
    """The run's bound of log p(x)."""
    if not side.bounds_x:
        return "–"
    one = side.measured
    return with_error(signed(_shown_of_x(one)), margin(score_of(one.bound_of_x).standard_error))


def _log_y(side: Side) -> str:
    """The mean log p(y) that is in a conditional run's bound of log p(x)."""
    if not (side.takes_y and side.bounds_x):
        return "–"
    return signed(score_of(side.measured.log_class).value)


def _shown_of_x(one: Measured) -> float:
    """The mean bound of log p(x) as the sum of what is shown of it."""
    return round(_shown_elbo(one) + round(score_of(one.log_class).value, 2), 2)


def _shown_elbo(one: Measured) -> float:
    """The mean ELBO in the digits in which it stands on all pages: the difference of its shown terms."""
    return shown_difference(score_of(one.reconstruction).value, score_of(one.kl).value)


def _difference(values: Array, others: Array, shown: float, other_shown: float) -> str:
    """A paired difference with its standard error: that of the two means as they are shown beside it."""
    error = score_of(values - others).standard_error
    return with_error(signed(shown_difference(shown, other_shown)), margin(error))


def curves(sides: Sequence[Side]) -> None:
    """Held-out ELBO, reconstruction and KL of all runs against the step."""
    st.markdown("**Curves, held-out**", help=written(sides, CURVES_HELP))
    shown = (
        ("elbo_held_out", "ELBO, nats"),
        ("reconstruction_held_out", "reconstruction, nats"),
        ("kl_held_out", "KL, nats"),
    )
    columns = st.columns(3, vertical_alignment="bottom")  # the first has the legend above it
    for number, (column, (name, title)) in enumerate(zip(columns, shown, strict=True)):
        lines = [_line(side, name) for side in sides if side.has_bound or name.startswith("recon")]
        figure = run_curves_figure(lines, title, theme=state.theme_name(), legend=number == 0)
        ends = "; ".join(f"{line.label} {signed(line.values[-1])}" for line in lines if len(line.values))
        with column:
            draw_chart(figure, key=f"runs_{name}", alt=f"Held-out {title}: {ends}.")
    if is_mixed(sides) and all(side.takes_y for side in sides):
        st.caption("Each curve is of the ELBO of log p(x|y) with the run's own y.")
    elif is_mixed(sides):
        given = ", ".join(f"**{plain(side.label)}**" for side in sides if side.takes_y)
        st.caption(f"The curves of {given} are of the ELBO of log p(x|y), the others of that of log p(x).")
    if any(side.subject.config.dataset == "idx" for side in sides):
        st.caption(OF_CURVES)


def _line(side: Side, name: str) -> RunLine:
    history = side.subject.run.history
    steps, values = (history[:, HISTORY_COLUMNS.index(column)] for column in ("step", name))
    return RunLine(side.label, side.number, steps, values)


def kl_by_dimension(sides: Sequence[Side]) -> None:
    """The KL of each latent dimension of all runs, by rank."""
    with_parts = [side for side in sides if side.has_bound and len(side.measured.kl_per_dim)]
    if not with_parts:
        return
    st.markdown("**KL of each latent dimension**", help=KL_HELP)
    figure = run_kl_figure(
        [(side.label, side.number, side.measured.kl_per_dim) for side in with_parts],
        theme=state.theme_name(),
    )
    parts = (f"{side.label}: {_listed(side.measured.kl_per_dim)}" for side in with_parts)
    draw_chart(
        figure,
        key="runs_kl",
        alt=f"KL by dimension, nats. {'; '.join(parts)}.",
    )


def _listed(values: Array) -> str:
    return ", ".join(f"{value:.2f}" for value in np.sort(values)[::-1][:8])


def _shown_gap(log_evidence: Array, elbo: Array) -> float:
    """The mean gap as the difference of the two means that stand before it."""
    return shown_difference(score_of(log_evidence).value, score_of(elbo).value)


def gaps(sides: Sequence[Side]) -> None:
    """log p(x) and the gap of each run; where nobody measured them yet, the button that does."""
    from vae_core.evidence.gaps import MAX_EXACT_EXAMPLES

    bounded = [side for side in sides if side.has_bound]
    if not bounded:
        return
    mixed = is_mixed(bounded)
    evidence = written(bounded, "log p(x)")
    st.markdown(f"**The gap between the ELBO and {evidence}**", help=written(bounded, GAP_HELP))
    first = bounded[0]
    seed, rows = first.subject.config.seed, first.measured.rows[:MAX_EXACT_EXAMPLES]
    inputs = {"x": cache.Rows(first.subject.data.x_test)[rows]}
    for number, side in enumerate(bounded):
        if side.takes_y:  # as its networks take it: the end of each row [x, y]
            own = cache.Rows(side.subject.rows("held_out"))[side.measured.rows[:MAX_EXACT_EXAMPLES]]
            inputs[f"y{number}"] = own[:, side.subject.config.model.data_dim :]
    key = task_key("evidence", seed, *(side.subject.digest for side in bounded), *inputs.values())
    found = tasks().result(key)
    if found is None:
        files = [str(side.subject.path) for side in bounded]
        task_line(
            key,
            key="runs_gaps",
            label="Measure the gaps",
            doing=f"Measuring {evidence} …",
            help_text=written(bounded, MEASURE_HELP),
            start=lambda: tasks().start(
                key, "evidence", str(seed), *files, owner=browser.token(), inputs=inputs
            ),
        )
        return
    cells_of_runs, errors = [], []
    for number, side in enumerate(bounded):
        log_evidence, error, elbo = (found[f"{name}{number}"] for name in ("log_evidence", "error", "elbo"))
        at_least = "" if found[f"is_exact{number}"] else "≥ "
        gap = log_evidence - elbo
        base = found["log_evidence0"] - found["elbo0"]
        base_shown = _shown_gap(found["log_evidence0"], found["elbo0"])
        own = min(len(gap), len(base))
        shown = _shown_gap(log_evidence, elbo)
        said = with_error(signed(shown), margin(score_of(gap).standard_error))
        cells = [at_least + _mean(log_evidence), _mean(elbo), at_least + said]
        if len(bounded) > 1:
            if len(gap) != len(base):
                shown, base_shown = score_of(gap[:own]).value, score_of(base[:own]).value
            cells.append("–" if number == 0 else _difference(gap[:own], base[:own], shown, base_shown))
        cells_of_runs.append([in_two_lines(plain(side.label)), f"{len(gap):,}", *cells])
        errors.append(float(error.max()))
    head = ["run", "examples", evidence, "ELBO", "gap"]
    head += ["gap − first"] if len(bounded) > 1 else []
    title = f"{evidence}, ELBO and gap, nats per example"
    draw_table(head, cells_of_runs, title=title, shows_title=False)
    st.caption(
        (OF_DIFFERENT_EVIDENCE if mixed else "")
        + "± is one standard error of the mean over the examples. Of a single one, the estimated error of "
        f"the quadrature (J ≤ 2) or the standard error of the samples is at most {rounded(max(errors), 2)} "
        f"nats. The ELBO here is by the same quadrature or from the same samples as {evidence}, so that it "
        "lacks the noise of the one sample above."
    )
