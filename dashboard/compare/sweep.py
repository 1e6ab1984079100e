"""A sweep of β: the same model trained with several, and rate against distortion point by point."""

import math
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import streamlit as st

from dashboard.compare import runs
from dashboard.compare.runs import Side
from dashboard.components.chart.element import draw_chart
from dashboard.figures.rates import RatePoint, rate_points_figure
from dashboard.figures.runs import run_colour
from dashboard.formats import plain, signed
from dashboard.labels import LABELS, data_title, layers_words
from dashboard.notation import given_y
from dashboard.runs.about import SWEEP
from dashboard.runs.job import JobView
from dashboard.runs.runner import runner
from dashboard.shell import browser, controls, elsewhere, pages, state
from dashboard.shell.task_line import duration
from vae_core.config import RunConfig, check_beta
from vae_core.errors import BadInput

MAX_SWEEP: Final = 12
"""Runs of one sweep: more would fill the queue of a browser."""
TICK_S: Final = 1.0
BETAS_HELP: Final = (
    "β of each run, with commas between them: the weight of the KL in what training maximises, "
    r"$\mathbb{E}_q[\log p(x|z)] - \beta\,\mathrm{KL}(q(z|x)\,\|\,p(z))$."
)
EPOCHS_HELP: Final = "Passes over the training data of each run, the same for all."
START_HELP: Final = (
    "Trains one run for each β: small networks all at once, in a fraction of the time that they take one "
    "after the other, large ones as many at a time as this server has cores for. They wait behind whatever "
    "else you start, and take turns with everybody else's."
)
RATE_HELP: Final = (
    r"Rate $R = \mathbb{E}\,\mathrm{KL}(q(z|x)\,\|\,p(z))$, distortion "
    r"$D = -\mathbb{E}\,\mathbb{E}_q[\log p(x|z)]$, means over the same held-out examples with M = 1 sample, "
    r"bars of one standard error. $\mathrm{ELBO} = -(D + R)$ is constant on the dotted lines. With β a run "
    r"minimises $D + \beta R$: at its optimum the curve has the slope $-\beta$ (Alemi et al. 2018). A hollow "
    "point is still being trained."
)


def draw(run_ids: Sequence[str]) -> None:
    """Draws what starts a sweep, open where there is nothing to compare yet."""
    with st.expander("β sweep", expanded=not run_ids, icon=":material/stacked_line_chart:"):
        left, middle, right = st.columns([3, 1, 1], gap="medium", vertical_alignment="bottom")
        left.text_input(
            "β of each run",
            key="sweep_betas",
            max_chars=200,
            help=_written(BETAS_HELP),
            persist_state="session",
        )
        middle.number_input(
            "Epochs", 1, 100_000, key="sweep_epochs", help=EPOCHS_HELP, persist_state="session"
        )
        try:
            configs = _configs()
        except BadInput as err:
            st.error(plain(str(err)))
            return
        right.button(
            f"Train {len(configs)} runs",
            key="sweep_start",
            on_click=_start,
            type="primary",
            icon=":material/play_arrow:",
            help=START_HELP,
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"All else as on Train: {_about(configs[0])}.", width="content")
            pages.link("train", "Change it there")


def _written(text: str) -> str:
    """A formula as it is said of what the sweep would train: with y where Train has a condition."""
    try:
        is_conditional = controls.read_config().condition != "none"
    except BadInput:  # it is said where the sweep would start
        return text
    return given_y(text) if is_conditional else text


def parse_betas(text: str) -> tuple[float, ...]:
    """β of each run from text such as ``"0.1, 1, 4"``; each once, in the order of writing.

    Raises:
        BadInput: A part is no number that β may be, or there are none or too many.

    Example:
        >>> parse_betas("0.1, 1; 4 1")
        (0.1, 1.0, 4.0)
    """
    hint = "write numbers with commas, such as 0.1, 0.5, 1, 2, 4"
    found: list[float] = []
    for part in text.replace(",", " ").replace(";", " ").split():
        try:
            found.append(check_beta(float(part)))
        except BadInput:
            raise
        except ValueError as err:
            raise BadInput("beta", f"{part[:20]!r} is no value of β", hint) from err
    betas = tuple(dict.fromkeys(found))
    if not 1 <= len(betas) <= MAX_SWEEP:
        raise BadInput("beta", f"a sweep has 1 to {MAX_SWEEP} different β, got {len(betas)}", hint)
    return betas


def sweep_configs(base: RunConfig, betas: Sequence[float], num_epochs: int) -> list[RunConfig]:
    """The runs of a sweep: they differ in β alone, which no schedule moves, and end after the same epochs."""
    train = replace(base.train, num_epochs=num_epochs, patience=None, beta_schedule="constant")
    return [replace(base, train=replace(train, beta=beta), hold=False) for beta in betas]


def _configs() -> list[RunConfig]:
    betas, epochs = state.control("sweep_betas"), state.control("sweep_epochs")
    assert isinstance(betas, str)
    assert isinstance(epochs, int)
    return sweep_configs(controls.read_config(), parse_betas(betas), epochs)


def _about(config: RunConfig) -> str:
    model = config.model
    title = data_title(config.dataset)
    likelihood = LABELS[model.likelihood]
    given = config.condition_on or (LABELS[config.condition] if config.condition != "none" else "")
    given = f" · given {given}" if given else ""
    sizes = f"J = {model.latent_dim} · {layers_words(model)}"
    return f"{title}{given} · {sizes} · {likelihood} · seed {config.seed}"


def _start() -> None:
    try:
        configs = _configs()
    except BadInput as err:
        state.say_next(plain(str(err)))
        return
    tag = f"{SWEEP}{secrets.token_hex(2)}"
    begun: list[str] = []
    try:
        for group in runner().in_groups(configs):
            begun.extend(runner().submit_together(group, owner=browser.token(), tags=(tag,)))
    except BadInput as err:
        state.say_next(f"{len(begun)} of {len(configs)} runs were started: {plain(str(err))}")
    if begun:
        runs.show(begun)


def earlier() -> None:
    """Draws the sweeps of this browser that are not the one in view, to open one again."""
    found = runs.known_sweeps()
    shown = set(runs.chosen())
    offered = {tag: ids for tag, ids in found.items() if not shown.issuperset(ids)}
    if not offered:
        return

    def open_one() -> None:
        tag = state.control("sweep_earlier")
        if isinstance(tag, str) and tag in offered:
            runs.show(offered[tag])

    state.set_control("sweep_earlier", None)
    st.pills(
        "Earlier sweeps",
        list(offered),
        key="sweep_earlier",
        on_change=open_one,
        format_func=lambda tag: f"{plain(tag)} · {len(offered[tag])} runs",
        help="Puts the runs of that sweep side by side.",
    )


def rates(run_ids: Sequence[str], sides: Sequence[Side]) -> None:
    """The progress of a sweep, and rate against distortion; both go on by themselves while a run trains.

    Arguments:
        run_ids: All runs that were chosen, those that wait included.
        sides: Those with numbers, as the page found them.
    """
    views = _views(run_ids)
    busy = _stands(views)
    is_live = any(view.status in ("running", "queued") for view in views)

    def tick() -> None:
        now = _views(run_ids)
        if _stands(now) != busy:
            st.rerun()
        _progress([view for view in now if runs.is_of_sweep(view)])
        _draw_points(now, sides)

    st.fragment(tick, run_every=TICK_S if is_live else None)()
    if run_ids and not is_live:
        elsewhere.watch_runs(run_ids)


def _views(run_ids: Sequence[str]) -> list[JobView]:
    return [view for run_id in run_ids if (view := runner().view(run_id)) is not None]


def _stands(views: Sequence[JobView]) -> list[tuple[str, bool]]:
    """What changes when a run ends: then the whole page is drawn again, once."""
    return [(view.run_id, view.status in ("running", "queued")) for view in views]


def share_done(views: Sequence[JobView]) -> float:
    """The share of all steps of a sweep that is made; runs that ended count as whole."""
    total = max((view.num_steps or 0 for view in views), default=0)
    if total == 0:
        return 0.0
    return sum(1.0 if _has_ended(view) else min(1.0, view.step / total) for view in views) / len(views)


def seconds_left(views: Sequence[JobView]) -> float | None:
    """Seconds to the end of a sweep at the present rate of those that train; None while there is no rate."""
    total = max((view.num_steps or 0 for view in views), default=0)
    rate = sum(view.steps_per_second for view in views if view.status == "running")
    left = sum(max(0, total - view.step) for view in views if not _has_ended(view))
    return left / rate if rate > 0 and total > 0 else None


def _has_ended(view: JobView) -> bool:
    return view.status not in ("queued", "running", "paused", "interrupted")


def _progress(views: Sequence[JobView]) -> None:
    """How far the sweep is, with a way out of it, and a way on where it was interrupted."""
    left = [view for view in views if not _has_ended(view)]
    if not left:
        return
    stopped = [view for view in left if view.status in ("interrupted", "paused")]
    seconds = seconds_left(views)
    ended = len(views) - len(left)
    said = f"Sweep: {ended} of {len(views)} runs ended"
    if len(stopped) == len(left):
        said += " · interrupted"
    elif seconds is not None:
        said += f" · about {duration(seconds)} left"
    else:
        position = min((view.queue_position for view in left if view.queue_position), default=0)
        running = any(view.status == "running" for view in left)
        said += " · starting …" if running or not position else f" · number {position} in the queue"
    mine = [view for view in left if view.is_owned_by(browser.token())]
    with st.container(horizontal=True, vertical_alignment="center", key="sweep_line"):
        st.progress(min(1.0, share_done(views)), text=said)
        if any(view in stopped for view in mine):
            st.button(
                "Resume",
                key="sweep_resume",
                icon=":material/resume:",
                on_click=lambda: _resume([view for view in mine if view in stopped]),
                help="The runs that were interrupted go on from their last save, together as they began.",
            )
        if any(view not in stopped for view in mine):
            st.button(
                "Cancel",
                key="sweep_cancel",
                on_click=lambda: _stop([view for view in mine if view not in stopped]),
                help="Stops the runs of the sweep that have not ended; what they learned stays.",
            )


def _stop(views: Sequence[JobView]) -> None:
    try:
        # The last ones first: none of those that wait begins while the others end.
        for view in reversed(views):
            runner().send(view.run_id, "stop", owner=browser.token())
    except BadInput as err:
        state.say_next(plain(str(err)))


def _resume(views: Sequence[JobView]) -> None:
    try:
        runner().resume_together([view.run_id for view in views], owner=browser.token())
    except BadInput as err:
        state.say_next(plain(str(err)))


def _draw_points(views: Sequence[JobView], sides: Sequence[Side]) -> None:
    theme = state.theme_name()
    labels = runs.labels_of(views)
    by_id = {side.view.run_id: side for side in sides}
    joins = _differ_in_beta_alone(sides)
    points: list[RatePoint] = []
    for number, view in enumerate(views):
        side = by_id.get(view.run_id)
        if view.is_under_way:
            at = _newest(view)
            if at is not None:
                colour = run_colour(number, theme)
                points.append(RatePoint(labels[view.run_id], colour, *at, is_final=False))
        elif side is not None and side.has_bound and side.kind == sides[0].kind:
            rate, distortion = runs.score_of(side.measured.kl), runs.score_of(-side.measured.reconstruction)
            points.append(
                RatePoint(
                    side.label,
                    run_colour(side.number, theme),
                    rate.value,
                    distortion.value,
                    rate.standard_error,
                    distortion.standard_error,
                    order=side.subject.beta_in_force if joins else None,
                )
            )
    if not points:
        return
    st.markdown("**Rate and distortion, held-out**", help=runs.written(sides, RATE_HELP))
    figure = rate_points_figure(points, theme=theme)
    draw_chart(figure, key="runs_rates", alt=rates_alt(points))
    if sides:
        st.caption(
            f"A point for each run, {len(sides[0].measured.rows):,} held-out examples; bars are one standard "
            "error. The lower and the further to the left, the better the bound."
        )


def rates_alt(points: Sequence[RatePoint]) -> str:
    """The points in words.

    Example:
        >>> rates_alt([RatePoint("β 1", "#000000", 3.0, 20.0)])
        'Rate and distortion of 1 run, nats: β 1 R 3.00, D 20.00.'
    """
    count = "1 run" if len(points) == 1 else f"{len(points)} runs"
    listed = "; ".join(
        f"{point.label} R {point.rate:.2f}, D {signed(point.distortion)}"
        + ("" if point.is_final else ", training")
        for point in points
    )
    return f"Rate and distortion of {count}, nats: {listed}."


def _newest(view: JobView) -> tuple[float, float] | None:
    """Rate and distortion of a run that trains, as it measured them last."""
    row = runner().store.last_row(view.run_id)
    rate, reconstruction = (row.get(name, math.nan) for name in ("kl_held_out", "reconstruction_held_out"))
    return (rate, -reconstruction) if math.isfinite(rate) and math.isfinite(reconstruction) else None


def _differ_in_beta_alone(sides: Sequence[Side]) -> bool:
    """Whether a line may join the runs."""
    return len(sides) > 1 and runs.setting_keys(sides) == {"beta"}
