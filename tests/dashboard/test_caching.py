"""The cache of the pages: its bytes are counted and bounded, and what two values share counts once."""

import ctypes
import subprocess
import sys
import textwrap
import threading
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

import numpy as np
import pytest
import torch

from dashboard import caching
from dashboard.caching import ENTRY_BYTES, Cache, blocks, cached
from dashboard.free_energy import cached as free_energy
from dashboard.free_energy.cached import Components
from dashboard.subject import Subject, pretrained
from tests.worker_process import ROOT
from vae_core.config import ModelConfig
from vae_core.model import VAE

KB: Final = 1000


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclass(frozen=True, slots=True)
class Slotted:
    inside: Any


def size(value: object) -> int:
    return sum(blocks(value).values())


def in_cache(cache: Cache, key: str, value: object, *, most: int | None = None, function: str = "f") -> None:
    cache.compute(function, key, lambda: value, most=most)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda x: x,
        lambda x: [x, x],
        lambda x: {"a": x},
        lambda x: Pair(x, None),
        lambda x: Slotted([Pair(1, x)]),
        lambda x: torch.from_numpy(x),
        lambda x: torch.from_numpy(x)[::2],
        lambda x: torch.from_numpy(x).reshape(100, -1).numpy()[3],
        lambda x: (x[:10], x[10:], x.reshape(2, -1), x.view(np.int64)),
        lambda x: lambda: x.sum(),
    ],
)
def test_an_array_counts_whole_and_once_wherever_it_is(wrap: Any) -> None:
    x = np.random.default_rng(0).normal(size=50 * KB)
    assert x.nbytes <= size(wrap(x)) < x.nbytes + 5 * KB


def test_bytes_text_and_networks_count() -> None:
    assert size(b"x" * KB) == sys.getsizeof(b"x" * KB)
    config = ModelConfig(data_dim=64, hidden_dims=(100,))
    model = VAE(config, generator=torch.Generator().manual_seed(0))
    assert 4 * config.num_parameters <= size(model) < 4 * config.num_parameters + 30 * KB
    assert size(torch.nn.Linear) == size(np) == size(size) == 0, "everybody's"


def test_sum_of_bytes_is_bounded_and_the_longest_unused_go() -> None:
    cache = Cache(limit=100 * KB)
    for number in range(50):
        in_cache(cache, str(number), np.zeros(2500))  # 20 kB
        assert cache.num_bytes <= cache.limit
        assert number == 0 or cache.find("f", "0"), "what is used stays"
    assert [key for key in map(str, range(50)) if cache.find("f", key)] == ["0", "47", "48", "49"]
    assert cache.num_bytes == pytest.approx(4 * (20 * KB + ENTRY_BYTES), rel=0.01)
    cache.clear()
    assert (len(cache), cache.num_bytes) == (0, 0)


def test_memory_that_two_entries_hold_is_counted_until_both_are_gone() -> None:
    cache, x = Cache(limit=75 * KB), np.zeros(5 * KB)
    in_cache(cache, "whole", x)
    in_cache(cache, "view", x[:10])
    assert 40 * KB < cache.num_bytes < 50 * KB
    in_cache(cache, "other", np.zeros(2 * KB))
    assert cache.find("f", "whole") is not None
    in_cache(cache, "more", np.zeros(3 * KB))
    assert (cache.find("f", "view"), cache.find("f", "other")) == (None, None)
    assert cache.find("f", "whole") is not None


def test_the_newest_stays_whatever_its_size() -> None:
    cache = Cache(limit=10 * KB)
    in_cache(cache, "small", b"")
    in_cache(cache, "large", np.zeros(10 * KB))
    assert cache.find("f", "large") is not None
    assert len(cache) == 1
    in_cache(cache, "small", b"")
    assert cache.num_bytes < 10 * KB


def test_a_function_may_have_few_entries_and_drives_out_none_of_others() -> None:
    cache = Cache(limit=10**9)
    in_cache(cache, "data", b"", function="g")
    for number in range(10):
        in_cache(cache, str(number), b"", most=3)
    assert [key for key in map(str, range(10)) if cache.find("f", key)] == ["7", "8", "9"]
    assert cache.find("g", "data") is not None


def test_em_with_the_largest_table_stays_within_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of 5000 rows and K = 8 have 58 MB an entry: their responsibilities for each start and step."""
    cache = Cache(limit=10**6)
    monkeypatch.setattr(caching, "_cache", cache)
    monkeypatch.setattr(free_energy, "NUM_STARTS", 2)
    monkeypatch.setattr(free_energy, "EM_STEPS", 4)
    rows = np.random.default_rng(0).normal(size=(5000, 2))
    for shift in range(3):
        free_energy.em(rows + shift, Components(8, "gaussian"))
        assert 2 * 4 * 5000 * 8 * 8 < cache.num_bytes < 4e6
        assert len(cache) == 1


def test_subjects_are_told_apart_by_digest_and_not_kept_alive() -> None:
    calls: list[str] = []

    @cached()
    def step_of(subject: Subject, more: int = 0, *, _aside: object = None) -> int:
        calls.append(subject.digest)
        return subject.step + more

    subject = pretrained()
    before = caching.cache().num_bytes
    assert step_of(subject) == step_of(subject, 0) == step_of(subject, more=0) == subject.step
    assert step_of(subject, 1, _aside=object()) == step_of(subject, 1, _aside=object())
    assert len(calls) == 2
    assert caching.cache().num_bytes - before < 3 * ENTRY_BYTES, "the model is no part of a key"


def test_large_arrays_are_told_apart_by_every_value() -> None:
    @cached()
    def total(x: np.ndarray) -> float:
        return float(x.sum())

    x = np.zeros(600_000)
    assert total(x) == 0
    x[123_457] = 1
    assert total(x) == 1, "a sample of the values was the same"


def test_of_equal_numbers_the_type_counts() -> None:
    @cached()
    def name(value: object) -> str:
        return repr(value)

    assert [name(value) for value in (1, 1.0, True, (1,))] == ["1", "1.0", "True", "(1,)"]


def test_those_who_want_the_same_wait_for_one_computation() -> None:
    cache, begun, go_on, calls = Cache(10**6), threading.Event(), threading.Event(), []

    def work() -> str:
        calls.append(1)
        begun.set()
        go_on.wait(60)
        return "done"

    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(cache.compute("f", "k", work, most=None)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    assert begun.wait(60)
    go_on.set()
    for thread in threads:
        thread.join(60)
    assert (found, len(calls)) == (["done"] * 3, 1)


def test_what_failed_is_tried_again() -> None:
    cache = Cache(10**6)

    def fail() -> None:
        raise OSError("no")

    for _ in range(2):
        with pytest.raises(OSError, match="no"):
            cache.compute("f", "k", fail, most=None)
    in_cache(cache, "k", 3)
    assert cache.find("f", "k") == (3,)


THREADS: Final = textwrap.dedent("""
    import os, threading, torch
    from dashboard import caching
    from dashboard.caching import cache
    from vae_core.config import ModelConfig
    from vae_core.elbo import terms_per_example
    from vae_core.model import VAE

    caching.LONG_S = 0.0  # a fast machine is through before the computation counts as long
    torch.set_num_threads(1)
    noise = torch.Generator().manual_seed(0)
    model = VAE(ModelConfig(data_dim=784, hidden_dims=(32,)), generator=noise)
    x = torch.rand(300, 784, generator=noise)

    def megabytes():
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    terms_per_example(model, x[:2], num_samples=1, generator=noise)  # loads what PyTorch needs
    before = megabytes()
    for number in range(3):
        def work():
            return terms_per_example(model, x, num_samples=100, generator=noise)

        thread = threading.Thread(target=lambda: cache().compute("f", number, work, most=None))
        thread.start()
        thread.join()
    print(megabytes() - before)
""")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems say otherwise what a process holds")
def test_what_a_long_computation_leaves_behind_goes_back_to_the_system() -> None:
    """Nothing stays in use; the heaps of the threads held 200 MB, and 1 GB after 1000 examples each."""
    if not hasattr(ctypes.CDLL(None), "malloc_trim"):
        pytest.skip("the C library of this machine has no such call")
    done = subprocess.run(
        [sys.executable, "-c", THREADS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 100


def test_a_value_is_kept_while_another_thread_imports_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Start, at the first visit of a busy server."""
    monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))
    caching.cache().compute("f", "key", lambda: [np.zeros(10)], most=None)
    assert caching.cache().find("f", "key") is not None
    assert sum(caching.blocks([np.zeros(1000)]).values()) > 8000


def test_budget_is_a_share_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert caching.budget() <= 2**30
    for memory, budget in ((2**40, 2**30), (2 * 10**9, 3 * 10**8), (None, int(0.15 * 4 * 2**30))):
        monkeypatch.setattr(caching, "machine_memory", lambda memory=memory: memory)
        assert caching.budget() == budget


def test_what_is_kept_is_found_and_nothing_is_computed() -> None:
    calls: list[tuple[int, str]] = []

    @caching.cached("Computing …")
    def of(number: int, name: str = "a", *, _only_how: int = 0) -> str:
        calls.append((number, name))
        return f"{name}{number}"

    assert caching.kept(of, 1) is None
    assert calls == []
    assert of(1) == "a1"
    for found in (caching.kept(of, 1), caching.kept(of, 1, "a"), caching.kept(of, number=1, _only_how=3)):
        assert found == "a1"
    assert caching.kept(of, 1, "b") is None
    assert calls == [(1, "a")]
