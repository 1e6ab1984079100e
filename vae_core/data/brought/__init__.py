"""A file that somebody brings, as a data set: recognised, with what is wrong and what is done about it.

Content decides what a file is, not its name. Nothing is changed silently: whatever is dropped, filled, scaled
or resized is a :class:`Problem` in the list, and names the choice that decides it.
"""

from vae_core.data.brought.choices import Brought, Choices, Problem, preview_of
from vae_core.data.brought.recognised import bring

__all__ = ["Brought", "Choices", "Problem", "bring", "preview_of"]
