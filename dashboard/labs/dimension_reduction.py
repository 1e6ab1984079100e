"""Stands for the laboratory that is being built."""


def draw() -> None:
    """Nothing yet."""
