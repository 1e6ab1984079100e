"""How numbers are written on the page."""


def signed(value: float, digits: int = 2) -> str:
    """A number with a real minus sign, as printed formulas have it: ``-1.5`` becomes ``−1.50``."""
    return f"{value:.{digits}f}".replace("-", "−")
