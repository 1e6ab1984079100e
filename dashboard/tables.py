"""Small tables. Cells are Markdown: the best value can be bold, a wrong one red."""

from collections.abc import Iterable, Sequence

import streamlit as st


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
