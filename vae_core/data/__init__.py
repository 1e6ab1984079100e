"""Data sets: those of scikit-learn, points drawn from a seed, IDX files, tables, and a user's own arrays."""

from typing import TYPE_CHECKING

from vae_core.exports import lazy_exports

if TYPE_CHECKING:
    from vae_core.data.brought import Brought, Choices, Problem, bring
    from vae_core.data.catalogue import (
        DATASET_INFO,
        DATASETS,
        DatasetInfo,
        data_shape,
        dataset_info,
        least_training_examples,
        load_data_of,
        load_dataset,
        num_classes,
        numbers_known,
    )
    from vae_core.data.conditions import condition_of, known_of, with_conditions
    from vae_core.data.dataset import Dataset, from_arrays, with_validation
    from vae_core.data.folder import load_idx_folder
    from vae_core.data.idx import read_idx
    from vae_core.data.images import Images, read_images_zip
    from vae_core.data.known import Classes, Known, Number
    from vae_core.data.npy import read_npy, read_npz
    from vae_core.data.table import TABLES, Table, load_table, read_table, standardized
    from vae_core.data.workbook import Workbook, read_workbook
    from vae_core.errors import BadInput

__all__ = [
    "DATASETS",
    "DATASET_INFO",
    "TABLES",
    "BadInput",
    "Brought",
    "Choices",
    "Classes",
    "Dataset",
    "DatasetInfo",
    "Images",
    "Known",
    "Number",
    "Problem",
    "Table",
    "Workbook",
    "bring",
    "condition_of",
    "data_shape",
    "dataset_info",
    "from_arrays",
    "known_of",
    "least_training_examples",
    "load_data_of",
    "load_dataset",
    "load_idx_folder",
    "load_table",
    "num_classes",
    "numbers_known",
    "read_idx",
    "read_images_zip",
    "read_npy",
    "read_npz",
    "read_table",
    "read_workbook",
    "standardized",
    "with_conditions",
    "with_validation",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "vae_core.data.brought": ("Brought", "Choices", "Problem", "bring"),
        "vae_core.data.catalogue": (
            "DATASET_INFO",
            "DATASETS",
            "DatasetInfo",
            "data_shape",
            "dataset_info",
            "least_training_examples",
            "load_data_of",
            "load_dataset",
            "num_classes",
            "numbers_known",
        ),
        "vae_core.data.known": ("Classes", "Known", "Number"),
        "vae_core.data.conditions": (
            "condition_of",
            "known_of",
            "with_conditions",
        ),
        "vae_core.data.dataset": ("Dataset", "from_arrays", "with_validation"),
        "vae_core.data.folder": ("load_idx_folder",),
        "vae_core.data.idx": ("read_idx",),
        "vae_core.data.images": ("Images", "read_images_zip"),
        "vae_core.data.npy": ("read_npy", "read_npz"),
        "vae_core.data.table": ("TABLES", "Table", "load_table", "read_table", "standardized"),
        "vae_core.data.workbook": ("Workbook", "read_workbook"),
        "vae_core.errors": ("BadInput",),
    },
)
