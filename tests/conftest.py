"""What every test gets: a store of its own for runs, empty caches, one torch thread, a seeded generator."""

import gc
import os
import sys
from collections.abc import Generator, Iterator

import pytest
import torch
from hypothesis import settings

# Derandomised: a suite that is red for one and green for the next teaches nobody anything.
settings.register_profile("suite", derandomize=True, database=None, deadline=None, print_blob=True)
settings.load_profile("suite")


def pytest_configure() -> None:
    """One thread: small networks are 10 to 100 times slower with two threads on a busy machine."""
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"  # for the processes that tests start


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collects no garbage while modules and tests are made, nor among them later: they stay to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files run side by side, one on each processor; each process has one browser and one server."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(str(item.path)))


@pytest.fixture(scope="session", autouse=True)
def dashboard_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps the tests out of the user's own run store."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_DASHBOARD_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module", autouse=True)
def _empty_cache_of_file() -> Iterator[None]:
    """Empties the cache of the pages after each file."""
    yield
    _empty()


@pytest.fixture(autouse=True)
def _empty_cache(request: pytest.FixtureRequest) -> Iterator[None]:
    """Empties it after each test, too: a test that replaces what computes leaves nothing to the next one.

    Not in a file with the mark ``one_cache``, whose tests replace nothing: its pages compute a thing once.
    """
    yield
    if request.node.get_closest_marker("one_cache") is None:
        _empty()


def _empty() -> None:
    caching = sys.modules.get("dashboard.caching")
    if caching is not None:
        caching.cache().clear()


@pytest.fixture
def generator() -> torch.Generator:
    """A generator on the CPU, seeded with 0."""
    return torch.Generator().manual_seed(0)
