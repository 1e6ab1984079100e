"""Which runs are listed, and in which order. No Streamlit here."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from dashboard.labels import STATUSES, data_title
from dashboard.runs.catalog import Entry

ORDERS: Final = {
    "newest": "Newest first",
    "name": "Name",
    "data": "Data, then J",
    "elbo": "ELBO, best first",
    "beta": "β",
    "step": "Most steps first",
}
_KEYS: Final[dict[str, Callable[[Entry], Any]]] = {
    "newest": lambda entry: -entry.about.created,
    # Runs that nobody has named come after those that have a name.
    "name": lambda entry: (not entry.about.name, entry.name.casefold()),
    "data": lambda entry: (data_title(entry.dataset).casefold(), entry.latent_dim),
    "elbo": lambda entry: (entry.elbo is None, -(entry.elbo or 0.0)),
    "beta": lambda entry: entry.beta,
    "step": lambda entry: -entry.step,
}


def matching(entries: Sequence[Entry], words: str) -> list[Entry]:
    """The runs that have all of some words: in name, id, note, tags, data or status.

    Example:
        >>> from dashboard.runs.about import About
        >>> run = Entry(run_id="a3f1" * 4, about=About(name="Tuesday"), dataset="digits", latent_dim=2,
        ...     beta=4.0, elbo=None, step=0, status="paused", owner=None, changed=0.0, num_bytes=0)
        >>> [len(matching([run], words)) for words in ("tues digits", "A3F1", "wednesday")]
        [1, 1, 0]
    """
    wanted = words.casefold().split()
    return (
        [entry for entry in entries if all(word in _text(entry) for word in wanted)]
        if wanted
        else list(entries)
    )


def _text(entry: Entry) -> str:
    about = entry.about
    facts = f"j={entry.latent_dim} β={entry.beta:g} {STATUSES[entry.status]}"
    said = (entry.name, entry.run_id, about.note, *about.tags, data_title(entry.dataset), facts)
    return "\n".join(said).casefold()


def ordered(entries: Sequence[Entry], order: str) -> list[Entry]:
    """The runs in one of ``ORDERS``; of equal ones the newest first."""
    newest = sorted(entries, key=_KEYS["newest"])
    return sorted(newest, key=_KEYS.get(order, _KEYS["newest"]))
