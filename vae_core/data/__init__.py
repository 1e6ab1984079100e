"""Data sets: the ones that ship, the ones made from a seed, IDX files, and a user's own arrays."""

from importlib import import_module
from typing import TYPE_CHECKING

from vae_core.data.catalogue import DATASET_INFO, DATASETS, DatasetInfo, data_shape, load_dataset
from vae_core.data.idx import read_idx
from vae_core.errors import BadInput

if TYPE_CHECKING:
    from vae_core.data.dataset import Dataset, from_arrays
    from vae_core.data.folder import load_idx_folder

__all__ = [
    "DATASETS",
    "DATASET_INFO",
    "BadInput",
    "Dataset",
    "DatasetInfo",
    "data_shape",
    "from_arrays",
    "load_dataset",
    "load_idx_folder",
    "read_idx",
]

# PyTorch takes seconds to import and a menu of data sets needs none of it: these come when first asked for.
_NEED_TORCH = {
    "Dataset": "vae_core.data.dataset",
    "from_arrays": "vae_core.data.dataset",
    "load_idx_folder": "vae_core.data.folder",
}


def __getattr__(name: str) -> object:
    if name not in _NEED_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_NEED_TORCH[name]), name)
