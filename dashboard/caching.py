"""The one cache of all that pages compute and read: bounded in bytes, whatever its entries are.

Streamlit's caches count entries, of which one may have a kilobyte and the next 200 MB; any visitor may clear
them; and they tell large arrays apart by a sample of their values. Here:

    @cached("Encoding the examples …")
    def encoded(subject: Subject, split: Split) -> Encoded: ...

The key is all arguments but those whose names begin with an underscore: arrays by their content, whatever has
a ``digest`` by that, anything else by its own equality. Values are shared by all sessions: only read them.
"""

import contextlib
import ctypes
import functools
import gc
import hashlib
import inspect
import itertools
import sys
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any, Final, ParamSpec, TypeVar

import numpy as np
import streamlit as st

from dashboard.runs.scheduler import UNKNOWN_MEMORY, machine_memory

MAX_BYTES: Final = 2**30
MEMORY_SHARE: Final = 0.15
"""Of the machine's memory, where that is less; trainings and tasks have another share."""
LONG_S: Final = 0.2
"""A computation that takes longer leaves much behind."""
ENTRY_BYTES: Final = 4096
"""What an entry takes beside its value: key, place in the order, sizes."""
_SHARED_BY_ALL: Final = (type, ModuleType)

P = ParamSpec("P")
R = TypeVar("R")
_is_computing: ContextVar[bool] = ContextVar("is_computing", default=False)


@dataclass(slots=True)
class _Entry:
    """A value, the blocks of memory that it holds, and when it was used last."""

    value: Any
    blocks: dict[int, int]
    used: int


_Entries = OrderedDict[Hashable, _Entry]


class Cache:
    """Values by function and key; those that were not used for longest go first.

    The newest one stays, whatever its size: an example that needs all of the room is not computed again at
    every rerun.

    Arguments:
        limit: Bytes that all values together may hold; what several share counts once.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._functions: dict[str, _Entries] = {}
        self._turns: dict[Hashable, threading.RLock] = {}
        self._clock = itertools.count()
        self._holders: Counter[int] = Counter()
        self._num_bytes = 0

    @property
    def num_bytes(self) -> int:
        """Bytes that all values together hold."""
        return self._num_bytes

    def __len__(self) -> int:
        return sum(map(len, self._functions.values()))

    def find(self, function: str, key: Hashable) -> tuple[Any] | None:
        """The value as the only one of a tuple; None where there is none."""
        with self._lock:
            entry = self._functions.get(function, {}).get(key)
            if entry is None:
                return None
            entry.used = next(self._clock)
            self._functions[function].move_to_end(key)
            return (entry.value,)

    def compute(self, function: str, key: Hashable, work: Callable[[], Any], *, most: int | None) -> Any:
        """The result of ``work``, which is kept; who wants the same meanwhile waits for it.

        Arguments:
            function: Name of the function.
            key: Its arguments.
            work: Computes the value; where it raises, nothing is kept and the next one tries again.
            most: How many values of this function are kept; None: as many as have room.
        """
        with self._lock:
            turn = self._turns.setdefault((function, key), threading.RLock())
        try:
            with turn:
                found = self.find(function, key)
                if found is not None:
                    return found[0]
                began = time.monotonic()
                value = work()
                self._put(function, key, value, most)
                if time.monotonic() - began > LONG_S:
                    give_back()
                return value
        finally:
            with self._lock:
                self._turns.pop((function, key), None)

    def clear(self) -> None:
        """Forgets all values."""
        with self._lock:
            self._functions.clear()
            self._holders.clear()
            self._num_bytes = 0

    def _put(self, function: str, key: Hashable, value: Any, most: int | None) -> None:
        held = blocks(value)
        with self._lock:
            entries = self._functions.setdefault(function, OrderedDict())
            entries[key] = _Entry(value, held, next(self._clock))
            self._num_bytes += ENTRY_BYTES
            for address, size in held.items():
                if self._holders[address] == 0:
                    self._num_bytes += size
                self._holders[address] += 1
            while most is not None and len(entries) > most:
                self._drop(function)
            while self._num_bytes > self.limit and len(self) > 1:
                self._drop(min((one for one in self._functions if self._functions[one]), key=self._oldest))

    def _oldest(self, function: str) -> int:
        return next(iter(self._functions[function].values())).used

    def _drop(self, function: str) -> None:
        """Forgets the value of a function that was not used for longest."""
        _, entry = self._functions[function].popitem(last=False)
        self._num_bytes -= ENTRY_BYTES
        for address, size in entry.blocks.items():
            self._holders[address] -= 1
            if self._holders[address] == 0:
                del self._holders[address]
                self._num_bytes -= size


def give_back() -> None:
    """Returns freed memory to the system, where the C library can: it takes some hundredths of a second.

    Each thread has a heap of its own, and pieces of the tensors of a long computation stay there: ten
    thousand examples with a hundred samples leave 400 MB behind in each thread, of which nothing is in use.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def blocks(value: object) -> dict[int, int]:
    """Bytes of each piece of memory that a value keeps from being freed, by address.

    Views count as the whole array that they are of. Modules, classes and functions are everybody's.

    Example:
        >>> rows = np.zeros((1000, 10))
        >>> sum(size > 1000 for size in blocks([rows[:10], rows[10:], rows]).values())
        1
    """
    # Nothing here is a tensor while another thread still imports PyTorch.
    tensor: Any = getattr(sys.modules.get("torch"), "Tensor", None)
    found: dict[int, int] = {}
    seen: dict[int, object] = {}  # the objects, too: an address that is free again would be taken twice
    left: list[Any] = [value]
    while left:
        part = left.pop()
        if id(part) in seen or isinstance(part, _SHARED_BY_ALL):
            continue
        seen[id(part)] = part
        if isinstance(part, np.ndarray):
            if part.base is None:
                found[part.ctypes.data] = part.nbytes
            else:
                left.append(part.base)
        elif tensor is not None and isinstance(part, tensor):
            storage = part.untyped_storage()
            found[storage.data_ptr()] = storage.nbytes()
        elif isinstance(part, FunctionType):
            left.extend(part.__closure__ or ())
        else:
            found[id(part)] = sys.getsizeof(part, 0)
            left.extend(gc.get_referents(part))
    return found


def cached(spinner: str = "", *, most: int | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keeps what a function returns in the one cache.

    Arguments:
        spinner: What the page says while the value is computed; "": nothing.
        most: How many values are kept; None: as many as have room. For what nobody asks for a second time
            once there is a newer one, so that it does not drive out the rest.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        place_of = functools.partial(_place_of, function, inspect.signature(function))

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            name, key = place_of(args, kwargs)
            found = _cache.find(name, key)
            if found is not None:
                return found[0]
            # Of nested computations the outermost says what is waited for.
            says = spinner and not _is_computing.get()
            with st.spinner(spinner) if says else contextlib.nullcontext(), without_spinner():
                return _cache.compute(name, key, functools.partial(function, *args, **kwargs), most=most)

        return call

    return decorate


def kept(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | None:
    """What a cached function has computed of these arguments, and None where it has not yet."""
    own = inspect.unwrap(function)
    found = _cache.find(*_place_of(own, inspect.signature(own), args, kwargs))
    return None if found is None else found[0]


def _place_of(
    function: Callable[..., Any], signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[str, Hashable]:
    """The name of a function, and the key of its arguments."""
    given = signature.bind(*args, **kwargs)
    given.apply_defaults()
    key = tuple(_key(part) for part_name, part in given.arguments.items() if part_name[0] != "_")
    return f"{function.__module__}.{function.__qualname__}", key


@contextlib.contextmanager
def without_spinner() -> Iterator[None]:
    """What is computed here says nothing on the page."""
    token = _is_computing.set(True)
    try:
        yield
    finally:
        _is_computing.reset(token)


def _key(part: object) -> Hashable:
    if isinstance(part, np.ndarray):
        content = hashlib.sha256(np.ascontiguousarray(part).tobytes()).digest()
        return "array", part.dtype.str, part.shape, content
    if isinstance(part, tuple):
        return type(part), tuple(map(_key, part))
    digest = getattr(part, "digest", None)
    return type(part), part if digest is None else digest


def cache() -> Cache:
    """The cache of this server."""
    return _cache


def budget() -> int:
    """Bytes for the cache on this machine."""
    return min(MAX_BYTES, int(MEMORY_SHARE * (machine_memory() or UNKNOWN_MEMORY)))


_cache: Final = Cache(budget())
