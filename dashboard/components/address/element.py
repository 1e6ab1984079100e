"""Has the browser's address say what the page shows; draws nothing.

Streamlit's own ``st.query_params`` adds an entry to the browser's history with each change, and one more
where pages change: Back would pass through every position of a slider, and its first press would do nothing.
"""

import json
from collections.abc import Callable
from typing import Final

from dashboard.components.files import joined
from dashboard.components.mounting import element

NAME: Final = "address"

_mount = element(
    NAME,
    "address",
    html=joined("address/address.html"),
    css=joined("address/address.css"),
    # Its one rule hides the place on the page that holds the element.
    isolate_styles=False,
)


def show_address(
    page: str,
    query: str,
    *,
    where: str,
    is_new: bool,
    order: int,
    begins: bool = False,
    on_found: Callable[[], None] = lambda: None,
) -> None:
    """Changes the query of the address, and nothing where it says that already.

    Arguments:
        page: Path of the page that the query belongs to.
        query: As in a URL, without ``?``.
        where: Names the part of the page that says so: each has an element of its own.
        is_new: Whether Back leads to what the address said before; otherwise the entry is replaced.
        order: Rises with each change: what is drawn again, or is late, is not done again.
        begins: Whether it is the first word of a session.
        on_found: Called where the address knows better: a page that outlived its session keeps its address,
            and Streamlit begins the next one with an older query. What it says is then the ``found`` of the
            element's state, with the key ``address_WHERE``. It comes from the browser: check it.
    """
    message = {"page": page, "query": query, "isNew": is_new, "order": order, "begins": begins}
    _mount(key=f"address_{where}", data=json.dumps(message).encode(), on_found_change=on_found)
