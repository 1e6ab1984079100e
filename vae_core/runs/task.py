"""One computation in a process of its own: it reports progress, and exits when its parent closes stdin.

Progress and errors go to standard output as JSON lines, ``{"done": 0.5}`` and ``{"error": "..."}``;
beside an error that the same inputs would bring again stands ``"is_lasting": true``.
"""

import io
import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae_core.errors import BadInput
from vae_core.memory import is_out_of_memory
from vae_core.runs.atomic import write_atomically

GIVEN_Y: Final = "#y="
"""Between the path of a run file and a number: the model of a conditional run given that y."""
Arrays = Mapping[str, NDArray[Any]]
Work = Callable[[Arrays, Callable[[float], None]], Arrays]


def run_task(source: Path, target: Path, work: Work) -> int:
    """Computes arrays from arrays: ``work(inputs, on_progress)``.

    Arguments:
        source: The inputs, an ``.npz`` file.
        target: Where the result goes, whole or not at all.
        work: The computation; ``on_progress`` is told the share that is done;
            a ``BadInput`` that it raises is passed on as one sentence.

    Returns:
        The exit code: 0 when the result is there.
    """
    threading.Thread(target=_end_with_input, name="input", daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(5)
    output = sys.stdout  # as it is now: work may redirect it

    def say(**message: float | str | bool) -> None:
        output.write(json.dumps(message) + "\n")
        output.flush()

    try:
        with np.load(source, allow_pickle=False) as inputs:
            result = work(dict(inputs), lambda share: say(done=share))
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, **result)
        write_atomically(target, content.getvalue(), durable=False)
    except BadInput as err:
        # Time depends on what else the machine does.
        say(error=str(err), is_lasting=err.code != "time")
    except OSError as err:
        say(error=f"The result cannot be kept ({err.strerror}): free some disk space.")
    except (MemoryError, RuntimeError) as err:
        if not is_out_of_memory(err):
            raise
        say(error="The computation ran out of memory: choose smaller data or a smaller network.")
    else:
        return 0
    return 1


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(3)
