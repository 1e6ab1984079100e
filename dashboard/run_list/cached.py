"""Pictures of the runs, made once for all who list them."""

from dashboard.caching import cached
from dashboard.runs.runner import runner


# 5 kB each.
@cached(most=1000)
def thumbnail(run_id: str, version: int) -> bytes | None:
    """The decoded grid of a run as a small PNG; None where there is nothing to draw."""
    del version  # tells one snapshot from the next; part of the key only
    return runner().catalog.thumbnail(run_id)
