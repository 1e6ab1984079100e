"""Which data sets there are, known without loading any, and the one function that loads them by name.

PyTorch is imported by the functions that need it: a menu does not, and it takes seconds.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from vae_core.config import Likelihood
from vae_core.data.files import image_dims
from vae_core.data.own import NAME, OwnFacts, load_own, own_facts
from vae_core.data.validation import validation_size
from vae_core.errors import BadInput

if TYPE_CHECKING:
    import torch

    from vae_core.config import RunConfig
    from vae_core.data.dataset import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetInfo:
    """What a menu says about a data set before it is loaded.

    Arguments:
        name: The name that :func:`load_dataset` takes.
        title: The displayed name.
        kind: Images have pixels in [0, 1]; points are real vectors, for which only the Gaussian likelihood
            is a density.
        default_likelihood: The likelihood to begin with.
        sentence: What the data are.
        is_unit_interval: Whether all values lie in [0, 1], so that a likelihood of such values suits, too.
    """

    name: str
    title: str
    kind: Literal["images", "points"]
    default_likelihood: Likelihood
    sentence: str
    is_unit_interval: bool


def _images(name: str, title: str, sentence: str) -> DatasetInfo:
    return DatasetInfo(
        name=name,
        title=title,
        kind="images",
        default_likelihood="bernoulli",
        sentence=sentence,
        is_unit_interval=True,
    )


def _points(name: str, title: str, sentence: str) -> DatasetInfo:
    return DatasetInfo(
        name=name,
        title=title,
        kind="points",
        default_likelihood="gaussian",
        sentence=sentence,
        is_unit_interval=False,
    )


DATASET_INFO: Final[dict[str, DatasetInfo]] = {
    info.name: info
    for info in (
        _images("digits", "Handwritten digits", "1,797 images of 8 × 8 pixels; they come with scikit-learn."),
        _points("two_moons", "Two moons", "2,000 points in the plane on two interleaved half circles."),
        _points("pinwheel", "Pinwheel", "2,000 points in the plane on five curved arms."),
        _points("swiss_roll", "Swiss roll", "2,000 points in the plane along one spiral."),
        _points(
            "gaussian_ring",
            "Ring of Gaussians",
            "2,000 points in the plane from eight Gaussians on a circle.",
        ),
        _images(
            "idx", "MNIST and relatives", "Your own IDX files: MNIST, Fashion-MNIST, KMNIST and the like."
        ),
    )
}
"""What is known about each data set, by name, in the order of a menu."""

DATASETS: Final = tuple(DATASET_INFO)
"""The names that :func:`load_dataset` takes, beside those of data sets that somebody brought."""


def dataset_info(name: str) -> DatasetInfo:
    """What is known about a data set, also of one that somebody brought.

    Raises:
        BadInput: There is none of this name, or it is not kept any more.

    Example:
        >>> dataset_info("digits").kind
        'images'
    """
    if NAME.fullmatch(name) is not None:
        return _info_of(own_facts(name))
    if name not in DATASET_INFO:
        raise BadInput("dataset", f"there is no data set {name!r}", f"choose one of {', '.join(DATASETS)}")
    return DATASET_INFO[name]


def _info_of(facts: OwnFacts) -> DatasetInfo:
    kind = "points" if facts.image_shape is None else "images"
    size = " × ".join(map(str, facts.shape))
    values = f"of {size} pixels" if kind == "images" else f"of {size} value{'' if size == '1' else 's'}"
    classes = f", {len(facts.class_names)} classes" if facts.class_names else ""
    return DatasetInfo(
        name=facts.name,
        title=facts.title,
        kind=kind,
        default_likelihood=facts.likelihood,
        sentence=f"Your data: {facts.num_examples:,} {kind} {values}{classes}.",
        is_unit_interval=facts.is_unit_interval,
    )


def load_dataset(
    name: str = "digits",
    *,
    seed: int = 0,
    folder: Path | str | None = None,
    transpose: bool = False,
    validation: bool = False,
) -> "Dataset":
    """Loads a data set by name; the same name and seed give the same numbers, bit for bit.

    Arguments:
        name: One of ``DATASETS``, or that of a data set that somebody brought.
        seed: Seed of the split into training and held-out data and, for points, of the points themselves.
        folder: Where the IDX files are; used by ``"idx"`` only, as ``transpose`` is.
        transpose: Whether rows and columns of the images are exchanged.
        validation: Whether a tenth of the training part is set aside as a validation part, by the same seed.

    Raises:
        BadInput: ``name`` is unknown, ``seed`` is not a seed, the IDX files cannot be used, or there are too
            few examples for a validation part.

    Example:
        >>> load_dataset("digits").x_train.shape
        torch.Size([1437, 64])
    """
    from vae_core.data.dataset import with_validation

    dataset_info(name)

    data = _load(name, seed, folder, transpose)
    return with_validation(data, seed=seed) if validation else data


def _load(name: str, seed: int, folder: Path | str | None, transpose: bool) -> "Dataset":
    if name == "idx":
        from vae_core.data.folder import load_idx_folder

        return load_idx_folder("" if folder is None else folder, seed=seed, transpose=transpose)
    if NAME.fullmatch(name) is not None:
        return load_own(name, seed=seed)
    from vae_core.data.dataset import seeded_generator

    generator = seeded_generator(seed)
    return _load_digits(generator) if name == "digits" else _load_points(name, generator)


def load_data_of(config: "RunConfig", *, digest: str = "") -> "Dataset":
    """Loads the data of a run.

    Arguments:
        config: What the run is.
        digest: That of the data that the run was trained on, as its file states it; empty: not known.

    Raises:
        BadInput: The data cannot be loaded, or are not those of the run (code ``data``).
    """
    data = load_dataset(
        config.dataset,
        seed=config.seed,
        folder=config.data_folder,
        transpose=config.data_transposed,
        validation=config.train.has_validation,
    )
    data.check_digest(digest)
    return data


def data_shape(name: str, *, folder: Path | str | None = None, transpose: bool = False) -> tuple[int, ...]:
    """Shape of one example, known without loading the data: (height, width) of images, (2,) of points.

    Raises:
        BadInput: ``name`` is unknown, or the folder has no IDX images or may not be read.

    Example:
        >>> data_shape("digits")
        (8, 8)
    """
    dataset_info(name)
    if NAME.fullmatch(name) is not None:
        return own_facts(name).shape
    if name == "idx":
        _, height, width = image_dims(folder)
        return (width, height) if transpose else (height, width)
    return (8, 8) if name == "digits" else (2,)


def least_training_examples(name: str, *, folder: Path | str | None = None, validation: bool = False) -> int:
    """How many examples there are at least to train on, known without loading the data.

    Arguments:
        name: One of ``DATASETS``.
        folder: Where the IDX files are.
        validation: Whether a validation part is set aside.

    Raises:
        BadInput: ``name`` is unknown, the folder has no IDX images or may not be read, or there are too few
            examples for a validation part.

    Example:
        >>> least_training_examples("digits")
        1437
    """
    dataset_info(name)
    if NAME.fullmatch(name) is not None:
        count = own_facts(name).num_examples * 4 // 5
    elif name == "idx":  # a fifth is held out where there is one file alone
        count = image_dims(folder)[0] * 4 // 5
    else:
        count = {"digits": 1437}.get(name, 1600)
    return count - validation_size(count) if validation else count


def _load_digits(generator: "torch.Generator") -> "Dataset":
    from vae_core.data.dataset import from_arrays

    # The file of scikit-learn's load_digits: in each row 64 pixels of 0 to 16, and the class. To import
    # scikit-learn for it would double the time that a process needs before it trains.
    spec = find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise BadInput("dataset", "scikit-learn is not installed", "install what requirements.txt names")
    path = Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz"
    try:
        rows = np.loadtxt(path, delimiter=",")
    except OSError as err:
        message = f"the digits that come with scikit-learn cannot be read ({err.strerror})"
        raise BadInput("dataset", message, "try again later, or install scikit-learn anew") from err
    x = np.asarray(rows[:, :-1], np.float32) / 16
    return from_arrays("digits", x, rows[:, -1].astype(int), image_shape=(8, 8), generator=generator)


def _load_points(name: str, generator: "torch.Generator") -> "Dataset":
    from vae_core.data.dataset import from_arrays
    from vae_core.data.points import POINT_SETS

    sample, class_names = POINT_SETS[name]
    x, labels = sample(2000, generator=generator)
    return from_arrays(name, x, labels, generator=generator, class_names=class_names)
