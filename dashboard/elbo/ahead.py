"""Measures the examples round the one in view while nobody waits for them, so that the next is there at once.

In a class thirty students look at thirty examples of one model in the same seconds. A thread of the server
measures them, nearest first, and rests most of the time, so that whoever waits for a page has the processor.
"""

import contextlib
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from dashboard.elbo.cached import TOGETHER, measured_together
from dashboard.subject import Split, Subject
from vae_core.errors import BadInput

FARTHEST: Final = 256
"""Examples before and after the one in view that are measured."""
REST: Final = 3.0
"""The thread rests so many times as long as it worked: it works for a quarter of the time at most."""
HEAD_START_S: Final = 0.3
"""Of the page that somebody waits for just now."""
MOST_MODELS: Final = 64


@dataclass(slots=True)
class _Model:
    """A model, the example of it that was looked at last, and what was measured: the first one of each few.

    Arguments:
        digest: Of the model; a run that goes on has another one at every look.
        subject: None once nothing is left near that example, so that the model is not kept for this.
        index: The example.
        measured: So that what the cache has forgotten is not measured again and again.
    """

    digest: str
    subject: Subject | None = None
    index: int = 0
    measured: set[int] = field(default_factory=set)

    def next(self, num_examples: int) -> int | None:
        """The first one of the few nearest to the example in view; None where all of them are measured."""
        first = max(0, self.index - FARTHEST) // TOGETHER * TOGETHER
        near = range(first, min(num_examples, self.index + FARTHEST + 1), TOGETHER)
        left = (number for number in near if number not in self.measured)
        return min(left, key=lambda number: abs(number - self.index), default=None)


class Ahead:
    """The models in view, and the thread, which ends when nothing is left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._models: OrderedDict[tuple[str, Split], _Model] = OrderedDict()
        self._thread: threading.Thread | None = None

    def look(self, subject: Subject, split: Split, index: int) -> None:
        """Somebody looks at an example: those round it are measured, before those of other models.

        Arguments:
            subject: The model.
            split: Which part of the data.
            index: The example.
        """
        from vae_core.evidence import MAX_EXACT_DIMS

        if subject.config.model.latent_dim > MAX_EXACT_DIMS:
            return
        with self._lock:
            key = subject.source, split
            model = self._models.get(key)
            if model is None or model.digest != subject.digest:
                model = self._models[key] = _Model(subject.digest)
            self._models.move_to_end(key)
            if len(self._models) > MOST_MODELS:
                self._models.popitem(last=False)
            model.subject, model.index = subject, index
            if self._thread is None:
                # No daemon, which may be cut short in the middle of a product: it ends with the main thread.
                self._thread = threading.Thread(target=self._work, name="measures ahead")
                self._thread.start()

    def wait(self) -> None:
        """Returns when nothing is left."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        try:
            time.sleep(HEAD_START_S)
            while threading.main_thread().is_alive() and (found := self._next()) is not None:
                began = time.monotonic()
                # Whoever looks at one of these examples is told.
                with contextlib.suppress(BadInput, RuntimeError, MemoryError):
                    measured_together(*found)
                time.sleep(REST * (time.monotonic() - began))
        finally:
            with self._lock:
                if self._thread is threading.current_thread():
                    self._thread = None

    def _next(self) -> tuple[Subject, Split, int] | None:
        """What is to be measured next; None ends the thread."""
        with self._lock:
            for (_, split), model in reversed(self._models.items()):
                subject = model.subject
                first = None if subject is None else model.next(len(subject.examples(split)[0]))
                if subject is not None and first is not None:
                    model.measured.add(first)
                    return subject, split, first
                model.subject = None
            self._thread = None
            return None


_ahead: Final = Ahead()


def ahead() -> Ahead:
    """That of this process."""
    return _ahead
