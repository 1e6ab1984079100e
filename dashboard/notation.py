"""The formulas of a conditional model: what is written of p(x|z) is, given y, said of p(x|z, y).

The browser's elements have the same in ``components/shared/notation.js``; one table of examples tests both.
"""

import re
from typing import Final

_DENSITY: Final = re.compile(r"((?<![A-Za-z])[pqI](?:_\\?\w+)?\(|E\}?\[)([^()\[\]]*)([)\]])")
"""p(...), q(...), a mutual information I(...), or a mean E[...], with no bracket within."""
_X: Final = re.compile(r"(?<![A-Za-z\\])x(?![A-Za-z])")
_Y: Final = re.compile(r"(?<![A-Za-z\\])y(?![A-Za-z])")


def given_y(text: str) -> str:
    r"""The same words and formulas of the model given y: y stands behind the bar of whatever is of x.

    That is p(x|y), p(x, z|y), p(x|z, y), q(z|x, y), p(z|x, y), E[x|z, y] and I(x; z|y). The prior p(z) does
    not depend on y, and the aggregate posterior q(z) is the mean of the q(z|x, y) that it is said to be of.
    What has its y stays as it is.

    Arguments:
        text: Plain, Markdown, LaTeX, HTML or JSON.

    Example:
        >>> given_y("log p(x) = ELBO + KL(q(z|x) ‖ p(z|x)), of p(x,z) = p(x|z) p(z)")
        'log p(x|y) = ELBO + KL(q(z|x, y) ‖ p(z|x, y)), of p(x,z|y) = p(x|z, y) p(z)'
    """
    return _DENSITY.sub(_with_y, text)


def _with_y(found: re.Match[str]) -> str:
    name, arguments, closing = found.groups()
    has_bar = "|" in arguments or r"\mid" in arguments
    is_of_x = _X.search(arguments) is not None and (has_bar or not name.startswith("E"))
    if not is_of_x or _Y.search(arguments):
        return found.group()
    return f"{name}{arguments}{', y' if has_bar else '|y'}{closing}"
