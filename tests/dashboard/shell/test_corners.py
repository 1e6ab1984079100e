"""The corners of the product of all controls: each is a run that fits into memory, or one sentence."""

from itertools import product
from typing import Any, Final

import pytest

from dashboard.runs.needs import check_needs, needed_memory
from dashboard.shell.links import PARAMETERS, SETTINGS, Choice, Number, Whole
from dashboard.shell.settings import config_of
from vae_core.config import MAX_PARAMETERS
from vae_core.errors import BadInput
from vae_core.memory import MAX_STEP_BYTES

HIDDEN: Final = ("", "1", "8192", "8192, 8192", "700, 700, 700, 700, 700, 700, 700", "1 " * 8, "9999", "x")
MULTIPLIES: Final = (
    "dataset",
    "latent_dim",
    "likelihood",
    "encoder_head",
    "prior",
    "num_components",
    "batch_size",
    "num_samples",
)
"""What an update's memory depends on, beside the hidden layers."""


def corners(key: str) -> tuple[Any, ...]:
    kind = PARAMETERS[key].kind
    if isinstance(kind, Choice):
        return kind.options
    assert isinstance(kind, Whole | Number), key
    return (kind.low, kind.high)


def memory_of(values: dict[str, Any]) -> int | str:
    """Bytes of the run's process beside what every one needs, or the sentence that refuses it."""
    try:
        config = config_of(values)
        check_needs(config)
    except BadInput as err:
        return str(err)
    assert config.model.num_parameters <= MAX_PARAMETERS
    return needed_memory(config)


def test_every_corner_fits_or_is_one_sentence() -> None:
    defaults = {key: one.default for key, one in SETTINGS.items()}
    accepted, said = 0, set()
    for hidden, *chosen in product(HIDDEN, *map(corners, MULTIPLIES)):
        values = defaults | dict(zip(MULTIPLIES, chosen, strict=True)) | {"hidden": hidden}
        found = memory_of(values)
        if isinstance(found, str):
            said.add(found)
            continue
        accepted += 1
        assert found <= MAX_STEP_BYTES + 16 * MAX_PARAMETERS, values
    assert accepted > 1000
    assert all(sentence.count("; ") == 1 and sentence.endswith(".") for sentence in said), said
    assert any("GiB of memory in this network, the limit is 2 GiB" in sentence for sentence in said)


@pytest.mark.parametrize(
    "key", [key for key, one in SETTINGS.items() if isinstance(one.kind, Whole | Number)]
)
def test_each_end_of_each_control_alone_is_a_run(key: str) -> None:
    defaults = {name: one.default for name, one in SETTINGS.items()}
    for value in corners(key):
        found = memory_of(defaults | {key: value})
        assert isinstance(found, int), found


def test_a_batch_is_no_larger_than_the_data() -> None:
    """A million was taken for a million examples of the digits: the run waited until it was alone."""
    defaults = {key: one.default for key, one in SETTINGS.items()}
    all_of_them = memory_of(defaults | {"batch_size": 1437})
    assert memory_of(defaults | {"batch_size": 1_000_000}) == all_of_them
    assert isinstance(all_of_them, int)
    assert all_of_them < 20 * 2**20
