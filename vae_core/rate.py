"""How fast something repeats."""


class Rate:
    """Counts per second over about the last two seconds."""

    def __init__(self) -> None:
        self._marks: list[tuple[float, int]] = []
        self._count = 0

    def count(self, now: float) -> None:
        """Counts one more, at the time ``now`` in seconds."""
        self._count += 1
        if not self._marks or now - self._marks[-1][0] >= 0.1:
            self._marks = [*self._marks[-20:], (now, self._count)]

    @property
    def per_second(self) -> float:
        """The rate, 0 until it is known.

        Example:
            >>> rate = Rate()
            >>> for tenth in range(10):
            ...     rate.count(tenth / 5)
            >>> rate.per_second
            5.0
        """
        if len(self._marks) < 2:
            return 0.0
        (began, first), (ended, last) = self._marks[0], self._marks[-1]
        return (last - first) / (ended - began)
