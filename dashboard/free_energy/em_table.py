"""What EM works on: the family of the components, and a table that it can be fitted to."""

import hashlib
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.formats import plain
from dashboard.free_energy.cached import Components
from dashboard.runs.data_sets import data_sets
from dashboard.shell import browser, state
from dashboard.shell.choice import one_of
from dashboard.subject import dataset
from vae_core.data.own import own_facts
from vae_core.data.table import TABLES, Table, load_table, read_table, standardized
from vae_core.data.workbook import is_workbook
from vae_core.errors import BadInput

if TYPE_CHECKING:
    from vae_core.labs.em.mixture import Covariance
    from vae_core.labs.em.products import Family

Array = NDArray[np.float64]
FAMILIES: Final = {
    "gaussian": "Gaussian",
    "bernoulli": "Bernoulli",
    "poisson": "Poisson",
    "categorical": "categorical",
}
FAMILY_HELP: Final = (
    r"The distribution $p_k(x;\theta_k)$ of a component. **Gaussian**: measurements. **Bernoulli**: columns "
    "of zeros and ones. **Poisson**: counts. **Categorical**: a few values in each column, in no order. The "
    "M-step of each is a weighted maximum likelihood, here a weighted mean."
)
COVARIANCES: Final[dict["Covariance", str]] = {
    "full": "full",
    "diagonal": "diagonal",
    "spherical": "spherical",
    "tied": "tied",
}
COVARIANCE_HELP: Final = (
    r"**Full**: any $\Sigma_k$. **Diagonal**: no correlation within a component. **Spherical**: "
    r"$\Sigma_k = \sigma_k^2 I$, circles. **Tied**: one $\Sigma$ for all components. Fewer parameters fit "
    "less and need fewer rows."
)
SOURCES: Final[dict[str, dict[str, str]]] = {
    "gaussian": {**{name: name for name in TABLES}, "two_moons": "two moons", "upload": "your table"},
    "bernoulli": {"digits": "digits: ink or none", "upload": "your table"},
    "poisson": {"digits": "digits: dots of ink", "upload": "your table"},
    "categorical": {"iris_thirds": "iris in thirds", "upload": "your table"},
}
DATA_HELP: Final[dict[str, str]] = {
    "gaussian": "Measurements of irises or wines, points on two half circles, or a CSV file of your own.",
    "bernoulli": "400 digits of 8 × 8 pixels, each with ink (1) or without (0), or a CSV file of zeros and "
    "ones.",
    "poisson": "400 digits of 8 × 8 pixels: each counts the inked dots, 0 to 16, of a square of 4 × 4. Or a "
    "CSV file of counts.",
    "categorical": "Four measurements of irises, each cut into its lower, middle and upper third (1, 2, 3), "
    "or a CSV file of your own with at most 20 values in a column.",
}
UPLOAD_HELP: Final = (
    "Commas, semicolons, tabs or spaces between the values; decimal points or decimal commas; at most 5000 "
    "rows and 64 columns. Columns of text are set aside. It stays on this server. Spreadsheets are read on "
    "the page **Data**, and can then be chosen here."
)
HEADER_HELP: Final = (
    "Set by the content: a first row with a number in it is data, unless words stand above numbers."
)
OWN_HELP: Final = (
    "Points that you brought on the page **Data**, as they are kept, or a file that is read here."
)
COLUMNS: Final = "em_columns"
"""How a link names the columns that are used: by their numbers, none where they are the table's default."""
_COLUMNS_DRAWN: Final = "em_columns_drawn"
"""The same as the page had it last: where a link says another thing, the link holds."""
NUM_MOONS: Final = 300
MAX_ROWS: Final = 5000
MAX_COLUMNS: Final = 64
MAX_VALUES: Final = 2_000_000
"""Of a table of categories as zeros and ones."""
NUM_DIGITS: Final = 400
PIXELS: Final = (8, 8)
INK: Final = 8


class Chosen(NamedTuple):
    """A table, as EM needs it.

    Arguments:
        x: Shape (n, D).
        names: Of the D columns.
        components: What is fitted, with one component.
        shape: (height, width) where the columns are pixels.
    """

    x: Array
    names: Sequence[str]
    components: Components
    shape: tuple[int, int] | None = None


def choose() -> Chosen | None:
    """Draws the controls; None where something has to be chosen first.

    Raises:
        BadInput: The table cannot be used with these components.
    """
    with st.container(horizontal=True, gap="medium"):
        family = one_of("Components", FAMILIES, key="em_family", help_text=FAMILY_HELP)
        covariance: Covariance = "full"
        if family == "gaussian":
            covariance = one_of("Covariance", COVARIANCES, key="em_covariance", help_text=COVARIANCE_HELP)
    left, right = st.columns(2, gap="medium")
    with left:
        key = "em_data" if family == "gaussian" else f"em_data_{family}"
        source = one_of("Data", SOURCES[family], key=key, help_text=DATA_HELP[family])
        table = _table(source, family)
    if table is None:
        return None
    if source == "digits":
        right.caption(f"{len(table.values)} rows of {len(table.columns)} pixels.")
        columns = list(table.columns)
    else:
        with right:
            columns = _columns(source, family, table)
    if not columns:
        right.info("Choose a column or more.")
        return None
    shape = PIXELS if source == "digits" else None
    if family == "gaussian":
        x = standardized(table, columns)
        return Chosen(x, columns, Components(1, "gaussian", covariance))
    from vae_core.labs.em.products import encoded

    values = table.values[:, [table.columns.index(name) for name in columns]]
    found = encoded(values, columns, cast("Family", family))
    if found.x.size > MAX_VALUES:
        message = f"the categories of these columns are {len(found.names)} columns of zeros and ones"
        raise BadInput("column", message, "choose fewer columns")
    return Chosen(found.x, found.names, Components(1, cast("Family", family), groups=found.groups), shape)


def _columns(source: str, family: str, table: Table) -> list[str]:
    # Names that are chosen in one table mean nothing in another one, and a family has its own default.
    digest = zlib.crc32(repr((table.columns, family == "gaussian")).encode())
    key, is_gaussian = f"em_columns_{digest:08x}", family == "gaussian"
    default = _default(source, table) if is_gaussian else list(table.columns)
    said = state.control(COLUMNS)
    numbers = said if isinstance(said, tuple) else ()
    if numbers != (state.control(_COLUMNS_DRAWN) or ()):  # news of a link
        named = [table.columns[number - 1] for number in numbers if number <= len(table.columns)]
        state.set_control(key, named or default)
    scaled = (
        "EM uses all of them, the picture the first two. They are scaled to mean 0 and standard deviation 1."
    )
    if state.control(key) is None:
        state.set_control(key, default)
    chosen = st.pills(
        "Columns",
        table.columns,
        selection_mode="multi",
        wrap=True,
        key=key,
        help=scaled if is_gaussian else "EM uses all of them, as they are.",
        persist_state="session",
    )
    numbers = tuple(table.columns.index(name) + 1 for name in chosen) if chosen != default else ()
    for place in (COLUMNS, _COLUMNS_DRAWN):
        state.set_control(place, numbers)
    return chosen


def _default(source: str, table: Table) -> list[str]:
    wanted = {"iris": (0, 2), "wine": (0, 9)}.get(source, (0, 1))
    return [table.columns[place] for place in wanted if place < len(table.columns)]


def _table(source: str, family: str) -> Table | None:
    match source:
        case "two_moons":
            return _moons()
        case "digits":
            return _digits(family)
        case "iris_thirds":
            return _thirds(load_table("iris"))
        case "upload":
            return _upload()
    return load_table(source)


def _upload() -> Table | None:
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
    if is_workbook(content):
        hint = "bring it on the page Data, then choose it here; or save the sheet as CSV (UTF-8)"
        raise BadInput("table", "this is a spreadsheet", hint)
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


def _moons() -> Table:
    from vae_core.data import load_dataset

    points = load_dataset("two_moons", seed=0).x_train[:NUM_MOONS].double().numpy()
    return Table(("x", "y"), points)


def _digits(family: str) -> Table:
    """Pixels of digits: counts of inked dots, 0 to 16, or whether there is ink."""
    from vae_core.data import load_dataset

    counts = np.rint(16 * load_dataset("digits", seed=0).x_train[:NUM_DIGITS].double().numpy())
    values = (counts >= INK).astype(np.float64) if family == "bernoulli" else counts
    return Table(tuple(f"pixel {number}" for number in range(1, values.shape[1] + 1)), values)


def _thirds(table: Table) -> Table:
    """Every column cut into its lower, middle and upper third: 1, 2, 3."""
    cuts = np.quantile(table.values, [1 / 3, 2 / 3], axis=0)
    return Table(table.columns, 1.0 + (table.values[None] > cuts[:, None]).sum(0))
