"""How counts, sizes and names stand in the sentences on a file."""

from collections.abc import Sequence


def count_of(count: int, noun: str) -> str:
    """``1 row``, ``1,234 rows``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def sentence_of(count: int, noun: str, what: str, done: str) -> str:
    """``3 rows without a number are left out.``"""
    return f"{count_of(count, noun)} {what}{' ' if what else ''}{'is' if count == 1 else 'are'} {done}."


def size_text(size: tuple[int, int]) -> str:
    """``28 x 28``."""
    return f"{size[0]} x {size[1]}"


def names_listed(names: Sequence[str]) -> str:
    """The first six of them, with commas."""
    return ", ".join(name[:60] for name in names[:6]) + (", …" if len(names) > 6 else "")
