"""Names that a package offers and loads on first use: importing it costs nothing that is not asked for."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def lazy_exports(
    package: str, names_by_module: Mapping[str, tuple[str, ...]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package (PEP 562) whose names live in its modules.

    PyTorch takes a second to import, scikit-learn another: a menu of data sets or a picture needs neither.
    Type checkers do not see through this; packages name the same imports once more for them.

    Arguments:
        package: The package's ``__name__``.
        names_by_module: Full names of modules, and the names to take from each.
    """
    homes = {name: module for module, names in names_by_module.items() for name in names}

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)  # found at once from now on
        return value

    return load, lambda: sorted(homes)
