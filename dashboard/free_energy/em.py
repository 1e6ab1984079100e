"""EM on a table of numbers from several starts, and what an exact E-step of a VAE would cost."""

import hashlib
import zlib
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.figures.base import CHART_CONFIG
from dashboard.figures.mixtures import EmPath, em_figure
from dashboard.formats import plain, rounded, signed
from dashboard.free_energy import cached
from dashboard.free_energy.cached import EM_STEPS, NUM_STARTS, EmRun
from dashboard.runs.data_sets import data_sets
from dashboard.shell import browser, state
from dashboard.shell.choice import one_of
from dashboard.subject import dataset
from dashboard.tables import draw_table
from vae_core.data.own import own_facts
from vae_core.data.table import TABLES, Table, load_table, read_table, standardized
from vae_core.errors import BadInput

EM_HELP: Final = (
    r"E-step: $r_{dk} = \pi_k \mathcal{N}(x_d;\mu_k,\Sigma_k) / \sum_l \pi_l "
    r"\mathcal{N}(x_d;\mu_l,\Sigma_l)$ closes the gap $\mathrm{KL}(q\,\|\,p(z|x))$. M-step: $\pi_k$, "
    r"$\mu_k$, $\Sigma_k$ from rows weighted with $r_{dk}$; F rises and log p with it. The other form "
    r"maximises $Q = \mathbb{E}_{p(z|x;\theta_{old})}[\log p(x,z;\theta)]$: F without the entropy of q."
)
GAP_HELP: Final = (
    r"$\log p(x) - F = \mathrm{KL}(q\,\|\,p(z|x;\theta))$, mean over the rows: the M-step moved θ away from "
    "the θ of which q is the posterior. The next E-step closes it."
)
FORMS_HELP: Final = (
    r"F is computed as $Q + H[q]$, log p(x) as $\log\sum_k \pi_k \mathcal{N}(x;\mu_k,\Sigma_k)$, the gap as "
    r"$\mathrm{KL}(q\,\|\,p(z|x;\theta))$: three numbers that must add up at every iteration."
)
DATA_HELP: Final = "Measurements of irises or wines, points on two half circles, or a CSV file of your own."
UPLOAD_HELP: Final = (
    "Commas, semicolons, tabs or spaces between the values; decimal points or decimal commas; at most 5000 "
    "rows and 64 columns. Columns of text are set aside. It stays on this server."
)
HEADER_HELP: Final = (
    "Set by the content: a first row with a number in it is data, unless words stand above numbers."
)
SOURCES: Final = {**{name: name for name in TABLES}, "two_moons": "two moons", "upload": "your table"}
OWN_HELP: Final = "Points that you brought on the page **Data**, or a file that is read here."
NUM_MOONS: Final = 300
MAX_ROWS: Final = 5000
MAX_COLUMNS: Final = 64
MAX_COMPONENTS: Final = 8


@st.fragment
def draw_em() -> None:
    """The controls, the picture, and what the numbers say."""
    try:
        chosen = _data()
        if chosen is None:
            return
        columns, x = chosen
        num_components = _components(len(x))
        runs = cached.em(x, num_components)
    except BadInput as err:
        st.error(plain(str(err)))
        return
    start = _start(runs)
    _picture(x, columns, runs, start)
    _draw_numbers(x, num_components, runs[start], start)


def _data() -> tuple[list[str], NDArray[np.float64]] | None:
    left, right = st.columns(2, gap="medium")
    with left:
        source = one_of("Data", SOURCES, key="em_data", default="iris", help_text=DATA_HELP)
        table = _table(source)
    if table is None:
        return None
    columns = right.pills(
        "Columns",
        table.columns,
        selection_mode="multi",
        wrap=True,
        default=_default(source, table),
        # Names that are chosen in one table mean nothing in another one.
        key=f"em_columns_{zlib.crc32(repr(table.columns).encode()):08x}",
        help="EM uses all of them, the picture the first two. They are scaled to mean 0 and standard "
        "deviation 1.",
    )
    if len(columns) < 2:
        right.info("Choose two columns or more.")
        return None
    return columns, standardized(table, columns)


def _table(source: str) -> Table | None:
    if source != "upload":
        return _moons() if source == "two_moons" else load_table(source)
    brought = _brought()
    if brought is not None:
        return brought
    upload = st.file_uploader(
        "A table as text, such as CSV", type=["csv", "tsv", "txt"], key="em_upload", help=UPLOAD_HELP
    )
    if upload is None:
        st.info("Upload a table of numbers: one row for each example.")
        return None
    return _read(upload.getvalue())


def _brought() -> Table | None:
    """Points that this browser brought, of which one set is chosen; None where a file is to be read."""
    titles = {
        one.facts.name: one.facts.title
        for one in data_sets().of_browser(browser.token())
        if one.facts.columns and len(one.facts.columns) <= MAX_COLUMNS and one.facts.num_examples <= MAX_ROWS
    }
    if not titles:
        return None
    titles = {**titles, "file": "a file …"}
    chosen = st.selectbox(
        "Your data",
        tuple(titles),
        key="em_own",
        format_func=lambda name: titles.get(str(name), str(name)),
        help=OWN_HELP,
        persist_state="session",
    )
    if chosen == "file":
        return None
    data, facts = dataset(chosen, 0, None), own_facts(chosen)
    rows = np.concatenate([part[:].double().numpy() for part in (data.x_train, data.x_test)])
    return Table(facts.columns, rows)


def _read(content: bytes) -> Table:
    """The table in a file, with a switch for what its first row is, and what there is to say of it."""
    table = read_table(content)
    check_size(table)
    key = f"em_header_{hashlib.sha256(content).hexdigest()[:16]}"
    has_header = st.toggle(
        "The first row holds names", table.has_header, key=key, help=HEADER_HELP, persist_state="session"
    )
    if has_header != table.has_header:
        table = read_table(content, header=has_header)
    if table.notes:
        st.caption(f":material/info: {plain(' '.join(table.notes))}")
    return table


def check_size(table: Table) -> None:
    """Raises ``BadInput`` (code ``table``) where EM on the table would keep the page waiting."""
    rows, columns = table.values.shape
    if not 2 <= rows <= MAX_ROWS or columns > MAX_COLUMNS:
        message = f"the table has {rows:,} rows and {columns} columns of numbers"
        hint = f"give it 2 to {MAX_ROWS:,} rows of at most {MAX_COLUMNS} numbers"
        raise BadInput("table", message, hint)


def _default(source: str, table: Table) -> list[str]:
    wanted = {"iris": (0, 2), "wine": (0, 9)}.get(source, (0, 1))
    return [table.columns[place] for place in wanted if place < len(table.columns)]


def _moons() -> Table:
    from vae_core.data import load_dataset

    points = load_dataset("two_moons", seed=0).x_train[:NUM_MOONS].double().numpy()
    return Table(("x", "y"), points)


def _components(num_rows: int) -> int:
    return st.slider(
        "Components K",
        1,
        MAX_COMPONENTS,
        3,
        key="em_components",
        help=f"At most as many as there are rows, here {num_rows}.",
        persist_state="session",
    )


def _start(runs: list[EmRun]) -> int:
    best = int(np.argmax([run.last for run in runs]))
    return (
        st.segmented_control(
            "Start",
            tuple(range(1, NUM_STARTS + 1)),
            default=1,
            required=True,
            format_func=lambda number: (
                f"{number}: {signed(runs[number - 1].last, 3)}" + (" (best)" if number - 1 == best else "")
            ),
            key="em_start",
            help=f"log p(x) in nats per example after {EM_STEPS} iterations, from means at different rows. "
            "EM converges to a local maximum.",
        )
        - 1
    )


def _picture(x: NDArray[np.float64], columns: list[str], runs: list[EmRun], start: int) -> None:
    run = runs[start]
    mixtures = [run.initial, *(step.mixture for step in run.steps)]
    shown = _shown(run)
    mixtures = mixtures[: shown + 1]
    path = EmPath(
        points=x[:, :2],
        means=np.stack([mixture.means.numpy()[:, :2] for mixture in mixtures]),
        covariances=np.stack([mixture.covariances.numpy()[:, :2, :2] for mixture in mixtures]),
        owners=np.stack([step.responsibilities.argmax(1).numpy() for step in run.steps[:shown]]),
        log_likelihood=_climb(run)[: shown + 1],
        bounds=np.array([step.bound for step in run.steps[:shown]]),
    )
    others = [_climb(other)[: shown + 1] for number, other in enumerate(runs) if number != start]
    titles = [f"{name}, standard deviations" for name in columns[:2]]
    alt = f"EM in {EM_STEPS} iterations: log p(x) from {run.first:.3f} to {run.last:.3f} nats per example."
    figure = em_figure(path, others, titles=titles, theme=state.theme_name())
    st.plotly_chart(figure, key="em", alt=alt, config=CHART_CONFIG)
    st.caption("▶ plays E-steps (points take the colour of their component) and M-steps (ellipses move).")


def _shown(run: EmRun) -> int:
    """Iterations in the picture: the rest of them gain less than a hundredth of a nat."""
    climb = _climb(run)
    return min(EM_STEPS, int(np.argmax(climb[-1] - climb < 1e-2)) + 2)


def _climb(run: EmRun) -> NDArray[np.float64]:
    """log p(x) at the start and after each M-step."""
    return np.array([run.first, *(step.log_likelihood for step in run.steps)])


def _draw_numbers(x: NDArray[np.float64], num_components: int, run: EmRun, start: int) -> None:
    left, middle, right = st.columns(3)
    gain = f"{run.last - run.first:.3f} nats gained by EM"
    left.metric("log p(x) per example", f"{signed(run.last, 4)} nats", gain, border=True)
    gap = f"{run.gaps[0]:.4f} nats"
    middle.metric("Gap after the first M-step", gap, border=True, help=GAP_HELP)
    right.metric(
        "log p − F − gap, largest", f"{rounded(_residual(run), 1)} nats", border=True, help=FORMS_HELP
    )
    _iterations(run)
    floored = sorted({number + 1 for step in run.steps for number in step.floored})
    if floored:
        names = ", ".join(map(str, floored))
        st.warning(
            f"Singular covariance: component {names} is held at a variance of 1e-6 in a direction in which "
            "its examples do not vary. Use fewer components."
        )
        return
    theirs = cached.library_means(x, num_components, start)
    distance = float(np.abs(theirs - run.steps[-1].means.numpy()).max())
    st.caption(
        f"scikit-learn's GaussianMixture from the same start, {EM_STEPS} iterations: means differ by at most "
        f"{rounded(distance, 1)}."
    )


def _residual(run: EmRun) -> float:
    """The largest |log p(x) − F − gap| of all iterations, each number computed by itself."""
    return max(
        abs(step.log_likelihood - step.q_function - step.entropy - gap)
        for step, gap in zip(run.steps, run.gaps, strict=True)
    )


def _iterations(run: EmRun) -> None:
    with st.expander("The numbers of each iteration: both forms"):
        st.markdown(
            "After each M-step, nats per example. F = Q + H[q]; the next E-step sets q to the posterior, and "
            "F becomes log p(x).",
            help=EM_HELP,
        )
        rows = []
        for number, (step, gap) in enumerate(zip(run.steps, run.gaps, strict=True), 1):
            values = (step.log_likelihood, step.bound, step.q_function, step.entropy, gap)
            rows.append((str(number), *(signed(value, 6) for value in values)))
        head = ("iteration", "log p(x)", "F[q, θ]", "Q(θ old, θ)", "H[q]", "KL(q ‖ posterior)")
        draw_table(head, rows, title="The numbers of each iteration", shows_title=False)


def draw_cost_of_e_step() -> None:
    """Decodes and time that an exact E-step of the example model would need, by the latent dimension."""
    seconds = cached.seconds_per_decode()
    rows = [(str(dims), rounded(20.0**dims), _span(seconds * 20.0**dims)) for dims in (1, 2, 4, 8, 16)]
    head = ("J", "decodes for one E-step", "time")
    draw_table(head, rows, title="Cost of an exact E-step", shows_title=False)


def _span(seconds: float) -> str:
    for unit, size in (("years", 31_557_600.0), ("days", 86_400.0), ("hours", 3600.0), ("s", 1.0)):
        if seconds >= size:
            return f"{rounded(seconds / size)} {unit}"
    return f"{rounded(seconds * 1000)} ms"
