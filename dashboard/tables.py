"""Small tables. Cells are Markdown: the best value can be bold, a wrong one red."""

from collections.abc import Iterable, Sequence
from typing import Final

import streamlit as st

WHOLE: Final = 12
"""Letters of a name that is not broken."""
_JOINED: Final = "\u00a0"


def in_two_lines(name: str) -> str:
    """A name of a row that a narrow column breaks into two lines at most, at its middle dot or its middle.

    Example:
        >>> in_two_lines("β 1 · ELBO with β · Run ad9a").replace("\u00a0", "_")
        'β_1_·_ELBO_with_β_· Run_ad9a'
        >>> in_two_lines("β 0.5").replace("\u00a0", "_")
        'β_0.5'
    """
    spaces = [at for at, letter in enumerate(name) if letter == " "]
    if len(name) <= WHOLE or not spaces:
        return name.replace(" ", _JOINED)
    dots = [at for at in spaces if name[at - 1] == "·"]
    middle = min(dots or spaces, key=lambda at: abs(2 * at + 1 - len(name)))
    return f"{name[:middle].replace(' ', _JOINED)} {name[middle + 1 :].replace(' ', _JOINED)}"


def draw_table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str,
    help_text: str | None = None,
    shows_title: bool = True,
) -> None:
    """Draws a table under its title.

    Arguments:
        head: A name for each column; screen readers say it before each cell.
        rows: Cells of each row, the first of which says what the row is about.
        title: What the table shows; also its name for screen readers.
        help_text: The tooltip of the title.
        shows_title: Whether the title stands on the page; without it there is no tooltip.
    """
    if not all(head) or len(set(head)) < len(head):
        raise ValueError(f"each column of a table needs a name of its own, got {list(head)}")
    if shows_title:
        st.markdown(f"**{title}**", help=help_text)
    # Of another kind of table Streamlit makes one of pandas first, in three times the time.
    import pyarrow

    columns = pyarrow.table(dict(zip(head, map(list, zip(*rows, strict=True)), strict=True)))
    st.table(columns, border="horizontal", width="content", hide_index=True, hide_header=False, alt=title)
