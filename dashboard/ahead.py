"""Computes what the next move of a slider asks for while nobody waits, so that it is there at once.

A thread of the server works for what was looked at last, and rests most of the time, so that whoever waits
for a page has the processor. What it computes, the cache keeps.
"""

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Final

from dashboard.caching import without_spinner
from vae_core.errors import BadInput

REST: Final = 3.0
"""The thread rests so many times as long as it worked: it works for a quarter of the time at most."""
HEAD_START_S: Final = 0.3
"""Of the page that somebody waits for just now, and how long nobody moves anything where nobody waits."""
MOST_VIEWS: Final = 64

Work = Callable[[], object]


class Ahead:
    """What is in view, and the thread, which ends when nothing is left.

    Arguments:
        for_class: Whether it works while others move something, too: where what it computes costs less than
            what they would compute themselves. Else a class would lose a quarter of the processor to it.
    """

    def __init__(self, *, for_class: bool = False) -> None:
        self._for_class = for_class
        self._looked = time.monotonic()
        self._lock = threading.Lock()
        self._views: OrderedDict[Hashable, Iterator[Work]] = OrderedDict()
        self._thread: threading.Thread | None = None

    def look(self, view: Hashable, works: Iterator[Work]) -> None:
        """Somebody looks at something: what is near it is computed, before what is near others.

        Arguments:
            view: What is looked at.
            works: What is to be computed, the nearest first; the next one is asked for when there is time.
        """
        with self._lock:
            self._looked = time.monotonic()
            self._views[view] = works
            self._views.move_to_end(view)
            if len(self._views) > MOST_VIEWS:
                self._views.popitem(last=False)
            if self._thread is None:
                # No daemon, which may be cut short in the middle of a product: it ends with the main thread.
                self._thread = threading.Thread(target=self._work, name="computes ahead")
                self._thread.start()

    def wait(self) -> None:
        """Returns when nothing is left."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        try:
            time.sleep(HEAD_START_S)
            while self._may_work() and (work := self._next()) is not None:
                began = time.monotonic()
                # Whoever looks at it is told.
                with contextlib.suppress(BadInput, RuntimeError, MemoryError), without_spinner():
                    work()
                time.sleep(REST * (time.monotonic() - began))
        finally:
            with self._lock:
                if self._thread is threading.current_thread():
                    self._thread = None

    def _may_work(self) -> bool:
        """Waits until nobody moves anything; False where the server ends."""
        while not self._for_class and (left := self._looked + HEAD_START_S - time.monotonic()) > 0:
            time.sleep(left)
            if not threading.main_thread().is_alive():
                return False
        return threading.main_thread().is_alive()

    def _next(self) -> Work | None:
        """What is to be computed next; None ends the thread."""
        with self._lock:
            for view in reversed(list(self._views)):
                work = next(self._views[view], None)
                if work is not None:
                    return work
                del self._views[view]
            self._thread = None
            return None


_ahead: Final = Ahead()


def ahead() -> Ahead:
    """That of this process."""
    return _ahead
