"""The names that packages offer: there, documented, loaded on first use, and those of the design."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = sorted(
    ".".join(path.parent.relative_to(ROOT).parts)
    for path in (ROOT / "vae_core").rglob("__init__.py")
    if "lazy_exports" in path.read_text("utf-8")
)
TOP: Final = {
    *("VAE", "ModelConfig", "TrainConfig", "RunConfig", "Dataset", "load_dataset", "from_arrays"),
    *("elbo_terms", "ElboTerms", "fit", "Training", "TrainStep", "exact_evidence", "iw_bound"),
    *("save_run", "load_run", "BadInput", "TrainingDiverged"),
}
IMPORTS: Final = (
    "from vae_core.runs import save_run, load_run, Run",
    "from vae_core.labs.em import Mixture, em_steps, EmStep",
    "from vae_core.labs.gradients import hand_gradients",
    "from vae_core.data import load_dataset, from_arrays, read_idx, read_table, Dataset, BadInput",
)
LIGHT: Final = (
    "import vae_core, vae_core.__main__",
    "import vae_core.runs; vae_core.runs.read_snapshot; vae_core.runs.run_task",
    "from vae_core import ModelConfig, BadInput, load_dataset",
    "from vae_core.data import DATASETS, read_table",
    "import vae_core.labs.reduction, vae_core.labs.em, vae_core.labs.gradients",
)


def in_a_process(script: str) -> None:
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def checked_imports(package: str) -> set[str]:
    """What a type checker sees of the package: the imports under ``if TYPE_CHECKING``."""
    tree = ast.parse((ROOT / package.replace(".", "/") / "__init__.py").read_text("utf-8"))
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in imports for alias in node.names}


def test_there_are_packages() -> None:
    assert {"vae_core", "vae_core.data", "vae_core.runs", "vae_core.labs.em"} <= set(PACKAGES)


def test_top_offers_the_names_of_the_design() -> None:
    assert set(importlib.import_module("vae_core").__all__) == TOP


@pytest.mark.parametrize("package", PACKAGES)
def test_exports_are_importable_and_documented(package: str) -> None:
    """``__all__``, what ``dir`` shows, what loads, and what type checkers see are the same names."""
    module = importlib.import_module(package)
    assert sorted(module.__all__) == dir(module) == sorted(checked_imports(package))
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isroutine(value):
            assert value.__doc__, f"{package}.{name}"
            assert value.__module__.startswith("vae_core"), f"{package}.{name}"


@pytest.mark.parametrize("package", PACKAGES)
def test_other_names_are_refused(package: str) -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = importlib.import_module(package).no_such_name


@pytest.mark.parametrize("statement", IMPORTS)
def test_imports_that_others_rely_on(statement: str) -> None:
    in_a_process(statement)


@pytest.mark.parametrize("statement", LIGHT)
def test_what_needs_no_torch_loads_none(statement: str) -> None:
    in_a_process(f"import sys\n{statement}\nassert not {{'torch', 'sklearn'}} & set(sys.modules)")


def test_top_loads_torch_on_first_use() -> None:
    in_a_process("import vae_core, sys; assert 'torch' not in sys.modules; vae_core.VAE")
