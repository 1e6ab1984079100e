"""How the lines of a script are set."""

import textwrap
from collections.abc import Mapping
from typing import Final

WIDTH: Final = 100


def by_step(name: str, values: Mapping[int, float], what: str) -> str:
    """A dictionary from step to value, on as many lines as it needs, below a comment."""
    items = ", ".join(f"{step}: {value!r}" for step, value in values.items())
    line = f"{name} = {{{items}}}"
    if len(line) > WIDTH:
        inner = textwrap.fill(items, WIDTH, initial_indent="    ", subsequent_indent="    ")
        line = f"{name} = {{\n{inner},\n}}"
    return f"# From which step on: {what}.\n{line}"


def moved_to(device: str) -> str:
    """The call that moves a tensor to where ``device``, an argument of what makes one, would have made it."""
    return '.to("cuda")' if device else ""
