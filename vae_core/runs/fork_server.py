"""A process that has loaded PyTorch, and copies of it that go on as programs of the core.

    python -m vae_core copies FD

A program loads for a second or two of a processor before it does anything. A copy begins within some
hundredths of a second, and what is loaded lies in memory once for all of them. A copy is like a program that
was started: with its own input and output, session, environment and, once the process between has ended, who
asked for it as its parent.

A request is one packet on the socket FD: JSON with ``arguments`` and ``env``, and beside it the standard
input, output and error as files. The answer is the id of the process. Linux only.
"""

import contextlib
import gc
import json
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

MAX_REQUEST: Final = 2**20
_ANSWER: Final = 64
Program = Callable[[Sequence[str]], int]


def serve(theirs: socket.socket, program: Program) -> int:
    """Loads, then begins one copy for each request until who asks has closed the socket.

    Arguments:
        theirs: The socket, of whole packets.
        program: What a copy goes on as: arguments in, exit code out.
    """
    load()
    while True:
        request, files, _, _ = socket.recv_fds(theirs, MAX_REQUEST, 3)
        if not request:
            return 0
        read, write = os.pipe()
        between = os.fork()
        if between == 0:
            copy = os.fork()
            if copy == 0:
                for file in (theirs.fileno(), read, write):
                    os.close(file)
                _become(json.loads(request), files, program)
            os.write(write, str(copy).encode())
            os._exit(0)
        # Only now has the copy no other parent than who asks, and can be waited for there.
        os.waitpid(between, 0)
        os.close(write)  # nothing comes, and nobody waits for it, where the system had no room for the copy
        theirs.send(os.read(read, _ANSWER))
        for file in (read, *files):
            os.close(file)


def load() -> None:
    """Imports what the programs need, and pays for first uses.

    Raises:
        RuntimeError: Something began a thread: a copy would not have it, and might wait for it for ever.
    """
    # scikit-learn's are of the dimension reductions, and slower than the rest.
    import sklearn.manifold  # noqa: F401
    import torch

    import vae_core.evidence  # noqa: F401
    from vae_core.runs.worker import warm_up

    torch.set_num_threads(1)
    warm_up()
    if threading.active_count() > 1:
        raise RuntimeError("a process with several threads is not copied")
    # The collector writes to whatever it goes through, and would make each copy's memory its own.
    gc.collect()
    gc.freeze()


def _become(request: Mapping[str, Any], files: Sequence[int], program: Program) -> None:
    """Goes on as the program; does not return."""
    code = 1
    try:
        os.setsid()
        for own, file in enumerate(files):
            os.dup2(file, own)
        for file in files:
            os.close(file)
        os.environ.clear()
        os.environ.update(request["env"])
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(own, mode, encoding="utf-8", closefd=False) for own, mode in enumerate("rww")
        )
        code = program(request["arguments"])
    except BaseException:  # whatever ends a program says why
        traceback.print_exc()
    finally:
        for file in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                file.flush()
        os._exit(code)
