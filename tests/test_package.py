"""The installed dashboard: everything it needs is in the wheel, and the command passes its options on."""

import ast
import os
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest

from dashboard import command
from tests import architecture

ROOT: Final = Path(__file__).resolve().parents[1]
SHOW: Final = """
import sys
from streamlit.testing.v1 import AppTest
page = AppTest.from_file(sys.argv[1], default_timeout=100).run()
page.switch_page(sys.argv[2]).run()
assert not page.exception, page.exception
print([title.value for title in page.title])
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the content of the wheel, as pip would unpack it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", os.fspath(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            target = folder / "site" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(name))
    return folder / "site"


def test_every_file_of_the_app_is_in_the_wheel(installed: Path) -> None:
    def files(folder: Path) -> set[str]:
        return {
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }

    for package in ("dashboard", "vae_core"):
        missing = files(ROOT / package) - files(installed / package)
        assert missing == set(), missing
    assert files(ROOT / "pages") == files(installed / "dashboard" / "page_scripts")


def test_installed_pages_open(installed: Path, tmp_path: Path) -> None:
    entry = installed / "dashboard" / "app.py"
    env = os.environ | {"PYTHONPATH": os.fspath(installed), "VAE_DASHBOARD_HOME": os.fspath(tmp_path)}
    page = "page_scripts/latent_space.py"
    done = subprocess.run(
        [sys.executable, "-c", SHOW, os.fspath(entry), page],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_dependencies_are_the_requirements() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = (ROOT / "requirements.txt").read_text("utf-8").split()
    assert project["dependencies"] == lines


def test_what_is_imported_is_pinned() -> None:
    """Also by tests and benchmarks: what comes with another package today may not tomorrow."""
    of_app, of_all = (
        {name_of(line) for name in names for line in (ROOT / name).read_text("utf-8").split()}
        for names in (["requirements.txt"], ["requirements.txt", "requirements-dev.txt"])
    )
    packages = packages_distributions()
    for path in (path for folder in architecture.FIRST_PARTY for path in (ROOT / folder).rglob("*.py")):
        pinned = of_app if path.relative_to(ROOT).parts[0] in ("vae_core", "dashboard", "pages") else of_all
        code = ast.parse(path.read_text("utf-8"))
        roots = {name.split(".")[0] for name in architecture.imports(ast.walk(code))}
        for name in roots - sys.stdlib_module_names - architecture.FIRST_PARTY:
            assert {one.lower() for one in packages[name]} & pinned, f"{path.relative_to(ROOT)}: {name}"


def name_of(requirement: str) -> str:
    return requirement.split("==")[0].split("[")[0].lower()


def test_command_passes_options_on(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[list[str]] = []
    monkeypatch.setattr("streamlit.web.cli.main", given.append)
    monkeypatch.setattr(sys, "argv", ["vae-dashboard", "--server.port", "8600"])
    command.main()
    assert given == [["run", os.fspath(ROOT / "dashboard" / "app.py"), "--server.port", "8600"]]
