"""How numbers are written on the page."""

import math
import re
from collections.abc import Sequence


def signed(value: float, digits: int = 2) -> str:
    """A number with a real minus sign, as printed formulas have it: ``-1.5`` becomes ``−1.50``.

    What rounds to 0 has none.

    Example:
        >>> signed(-1.5), signed(-0.004)
        ('−1.50', '0.00')
    """
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def shown_difference(first: float, second: float, digits: int = 2) -> float:
    """``first`` − ``second``, of the digits that are shown of both, so that the reader's own sum comes out.

    Example:
        >>> signed(shown_difference(-20.834, 3.344)), signed(-20.834 - 3.344)
        ('−24.17', '−24.18')
    """
    return round(first, digits) - round(second, digits)


def shown_objective(reconstruction: float, kl: float, beta: float) -> tuple[float, int]:
    """Reconstruction − β · KL of the digits that are shown, and the digits of the KL: more with a large β.

    Example:
        >>> objective, digits = shown_objective(-20.834, 3.3444, 4.0)
        >>> signed(objective), digits
        ('−34.21', 3)
    """
    digits = min(4, 2 + math.ceil(math.log10(max(1.0, beta))))
    return round(reconstruction, 2) - beta * round(kl, digits), digits


def shown_sum(measured: float, *terms: float, digits: int = 2) -> float:
    """A total that was measured by itself, as the sum of its shown terms: the reader's own sum comes out.

    Where the terms miss the total by more than the last digit that is shown, it is the total as measured.

    Example:
        >>> shown_sum(-21.3002, -24.3004, 3.0003, digits=3), shown_sum(-21.0, -24.3004, 3.0003, digits=3)
        (-21.3, -21.0)
    """
    if abs(sum(terms) - measured) > 10**-digits:
        return measured
    return round(sum(round(term, digits) for term in terms), digits)


def added(*terms: float, digits: int = 2) -> str:
    """A sum as it is written, before its sign of equality.

    Example:
        >>> added(2.205, 0.894), added(0.0244, 0.001, -0.0021, digits=3)
        ('2.21 + 0.89', '0.024 + 0.001 − 0.002')
    """
    first, *others = (signed(term, digits) for term in terms)
    return "".join((first, *(f" − {one[1:]}" if one.startswith("−") else f" + {one}" for one in others)))


def with_error(value: str, error: str) -> str:
    """``1.5 ± 0.2``; where room is scarce a line breaks before the sign, never after it."""
    return f"{value} ±\N{NO-BREAK SPACE}{error}"


def with_deviation(value: float, deviation: float, digits: int = 3) -> str:
    """A mean and a standard deviation, both to the last digit of the deviation, which has ``digits`` of them.

    A deviation of 0 says nothing of digits: then the mean has as many. Beyond a million, powers of ten.

    Example:
        >>> with_deviation(2.4, 0.3589), with_deviation(-1.0, 0.9951), with_deviation(0.0, 0.0)
        ('2.400 ±\xa00.359', '−1.000 ±\xa00.995', '0.00 ±\xa00')
    """
    if deviation == 0:
        return with_error(signed(value, digits - 1), "0")
    if not math.isfinite(value + deviation) or max(abs(value), deviation) >= 1e6:
        sign = "−" if value < 0 else ""
        return with_error(sign + rounded(abs(value), digits), rounded(deviation, digits))
    decimals = min(6, max(0, digits - 1 - math.floor(math.log10(deviation))))
    return with_error(signed(value, decimals), margin(deviation, decimals))


def margin(error: float, digits: int = 2) -> str:
    """What stands behind ±, to some digits: a margin that is there is never written as none.

    Example:
        >>> margin(0.0042), margin(0.0), margin(0.123), margin(math.nan)
        ('<0.01', '0.00', '0.12', '–')
    """
    if not math.isfinite(error):
        return "–"
    text = f"{error:.{digits}f}"
    return f"<{10**-digits:.{digits}f}" if error > 0 and float(text) == 0 else text


def rounded(value: float, digits: int = 3) -> str:
    """A number to some digits: ``0.0134``, ``160,000``, ``−2.5``.

    From a million on, and below a ten thousandth, with a power of ten: ``2.56 × 10¹⁰``, ``3 × 10⁻⁹``.
    """
    if not math.isfinite(value):
        return "–"
    if value < 0:
        return f"−{rounded(-value, digits)}"
    if value == 0 or 1e-4 <= value < 1e6:
        return f"{float(f'{value:.{digits}g}'):,.12g}"
    factor, power = f"{value:.{digits - 1}e}".split("e")
    return f"{factor} × 10{superscript(int(power)).strip('⁽⁾')}"


def superscript(number: int) -> str:
    """The number of a layer as formulas have it: ``12`` becomes ``⁽¹²⁾``."""
    return "⁽" + str(number).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")) + "⁾"


def subscript(number: int) -> str:
    """The index of a unit: ``12`` becomes ``₁₂``."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def names_of_values(columns: Sequence[str], count: int) -> tuple[str, ...]:
    """What the first values of a point are called, in axes and lists alike.

    Arguments:
        columns: Names of the columns, of the first ones at least; empty: they have none.
        count: How many names.

    Example:
        >>> names_of_values(("height", "weight"), 2), names_of_values((), 2)
        (('height', 'weight'), ('x₁', 'x₂'))
    """
    return tuple(columns[:count]) or tuple(f"x{subscript(place)}" for place in range(1, count + 1))


def pixels_of(image_shape: tuple[int, ...]) -> str:
    """The size of images in words.

    Example:
        >>> pixels_of((8, 8)), pixels_of((32, 24, 3))
        ('8 × 8 pixels', '32 × 24 pixels in colour')
    """
    return f"{image_shape[0]} × {image_shape[1]} pixels" + (" in colour" if len(image_shape) > 2 else "")


def plain(text: str) -> str:
    r"""Text as Markdown that shows it letter for letter.

    For what somebody typed, and for sentences on refused input: they quote what was typed or what a file
    holds, and an image in it would be fetched by whoever reads the sentence.

    Example:
        >>> print(plain("**x** costs $2"))
        \*\*x\*\* costs \$2
    """
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)
