"""Which data sets there are, known without loading any, and the one function that loads them by name.

PyTorch is imported by the functions that need it: a menu does not, and it takes seconds.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from vae_core.config import Binarised, Likelihood
from vae_core.data.files import image_dims
from vae_core.data.own import NAME, load_own, own_facts
from vae_core.data.own_content import OwnFacts
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
        description: What the data are; of data made from a seed without how many there are.
        is_unit_interval: Whether all values lie in [0, 1], so that a likelihood of such values suits, too.
        num_examples: How many are made from a seed where nobody says; None: they are as many as there are.
        noise: Standard deviation of what is added to points made from a seed; 0: there is none.
    """

    name: str
    title: str
    kind: Literal["images", "points"]
    default_likelihood: Likelihood
    description: str
    is_unit_interval: bool
    num_examples: int | None = None
    noise: float = 0.0

    @property
    def has_causes(self) -> bool:
        """Whether they are images made from known causes."""
        return self.kind == "images" and self.num_examples is not None

    def sentence(self, num_examples: int | None = None) -> str:
        """What the data are, with how many examples there are.

        Arguments:
            num_examples: Of data that are made from a seed; None: as many as the data set usually has.

        Example:
            >>> DATASET_INFO["bars"].sentence(300)[:32]
            '300 images of 8 × 8 pixels with '
        """
        if self.num_examples is None:
            return self.description
        return f"{num_examples or self.num_examples:,} {self.description}"


def _images(name: str, title: str, description: str, num_examples: int | None = None) -> DatasetInfo:
    return DatasetInfo(
        name=name,
        title=title,
        kind="images",
        default_likelihood="bernoulli",
        description=description,
        is_unit_interval=True,
        num_examples=num_examples,
    )


def _points(name: str, title: str, description: str, noise: float) -> DatasetInfo:
    return DatasetInfo(
        name=name,
        title=title,
        kind="points",
        default_likelihood="gaussian",
        description=description,
        is_unit_interval=False,
        num_examples=2000,
        noise=noise,
    )


DATASET_INFO: Final[dict[str, DatasetInfo]] = {
    info.name: info
    for info in (
        _images("digits", "Handwritten digits", "1,797 images of 8 × 8 pixels; they come with scikit-learn."),
        _points("two_moons", "Two moons", "points in the plane on two interleaved half circles.", 0.1),
        _points("pinwheel", "Pinwheel", "points in the plane on five curved arms.", 0.1),
        _points("swiss_roll", "Swiss roll", "points in the plane along one spiral.", 0.05),
        _points(
            "gaussian_ring",
            "Ring of Gaussians",
            "points in the plane from eight Gaussians on a circle.",
            0.15,
        ),
        _points("circles", "Two circles", "points in the plane on two circles, one within the other.", 0.1),
        _points("two_spirals", "Two spirals", "points in the plane on two interleaved spirals.", 0.05),
        _points("checkerboard", "Checkerboard", "points in every second square of a board.", 0.03),
        _images(
            "sprites",
            "Sprites",
            "images of 32 × 32 pixels with known causes: shape, size, angle, x and y.",
            5000,
        ),
        _images(
            "strokes",
            "Strokes",
            "images of 16 × 16 pixels with known causes: width, bend, angle, x and y.",
            5000,
        ),
        _images(
            "bars",
            "Bars",
            "images of 8 × 8 pixels with known causes: four rows and four columns, each bright or not.",
            2000,
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
    in_colour = " in colour" if len(facts.shape) == 3 else ""
    pixels = f"of {' × '.join(map(str, facts.shape[:2]))} pixels{in_colour}"
    values = pixels if kind == "images" else f"of {size} value{'' if size == '1' else 's'}"
    classes = f", {len(facts.class_names)} classes" if facts.class_names else ""
    return DatasetInfo(
        name=facts.name,
        title=facts.title,
        kind=kind,
        default_likelihood=facts.likelihood,
        description=f"Your data: {facts.num_examples:,} {kind} {values}{classes}.",
        is_unit_interval=facts.is_unit_interval,
    )


def load_dataset(
    name: str = "digits",
    *,
    seed: int = 0,
    folder: Path | str | None = None,
    transpose: bool = False,
    validation: bool = False,
    num_examples: int | None = None,
    noise: float = 1.0,
    binarised: Binarised = "no",
) -> "Dataset":
    """Loads a data set by name; the same name and seed give the same numbers, bit for bit.

    Arguments:
        name: One of ``DATASETS``, or that of a data set that somebody brought.
        seed: Seed of the split into training and held-out data and, for points, of the points themselves.
        folder: Where the IDX files are; used by ``"idx"`` only, as ``transpose`` is.
        transpose: Whether rows and columns of the images are exchanged.
        validation: Whether a tenth of the training part is set aside as a validation part, by the same seed.
        num_examples: Of data that are made from the seed; None: as many as the data set usually has.
        noise: Of points that are made from the seed, in units of its usual standard deviation.
        binarised: Whether images become 0 and 1: see :func:`vae_core.data.binarised.binarised`.

    Raises:
        BadInput: ``name`` is unknown, ``seed`` is not a seed, the IDX files cannot be used, there are too
            few examples for a validation part, or the data have no such number, noise or pixels.

    Example:
        >>> load_dataset("digits").x_train.shape
        torch.Size([1437, 64])
    """
    from vae_core.data.dataset import with_validation

    info = dataset_info(name)
    if num_examples is not None and info.num_examples is None:
        message = f"{info.title} has as many examples as there are"
        raise BadInput("num_examples", message, "leave their number empty")
    if noise != 1 and not info.noise:
        raise BadInput("data_noise", f"{info.title} has no noise to change", "leave it at 1")
    data = _load(name, seed, folder, transpose, num_examples or info.num_examples or 0, noise)
    if binarised != "no":
        from vae_core.data.binarised import binarised as as_binarised

        data = as_binarised(data, binarised)
    return with_validation(data, seed=seed) if validation else data


def _load(
    name: str, seed: int, folder: Path | str | None, transpose: bool, num_examples: int, noise: float
) -> "Dataset":
    if name == "idx":
        from vae_core.data.folder import load_idx_folder

        return load_idx_folder("" if folder is None else folder, seed=seed, transpose=transpose)
    if NAME.fullmatch(name) is not None:
        return load_own(name, seed=seed)
    from vae_core.data.dataset import seeded_generator

    generator = seeded_generator(seed)
    if name == "digits":
        return _load_digits(generator)
    if dataset_info(name).kind == "images":
        return _load_made(name, num_examples, generator)
    return _load_points(name, num_examples, noise, generator)


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
        num_examples=config.num_examples,
        noise=config.data_noise,
        binarised=config.binarised,
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
    if DATASET_INFO[name].kind == "points":
        return (2,)
    return _SIDES[name], _SIDES[name]


def num_classes(name: str, *, folder: Path | str | None = None) -> int:
    """How many classes a data set has, known without loading its examples; 0: it has no labels.

    Raises:
        BadInput: ``name`` is unknown, or the folder has no IDX images or may not be read.

    Example:
        >>> num_classes("digits"), num_classes("two_moons")
        (10, 2)
    """
    dataset_info(name)
    if NAME.fullmatch(name) is not None:
        return len(own_facts(name).class_names)
    if name == "idx":
        from vae_core.data.folder import preview_idx_folder

        return len(preview_idx_folder(folder, count=1).class_names)
    return _CLASSES[name]


def numbers_known(name: str) -> dict[str, str]:
    """The numbers that are known of each example beside x, by name, with their units; without loading them.

    Raises:
        BadInput: ``name`` is unknown, or the data set is not kept any more.

    Example:
        >>> numbers_known("sprites"), numbers_known("digits")
        ({'size': 'pixels', 'angle': 'rad', 'x': 'pixels', 'y': 'pixels'}, {})
    """
    info = dataset_info(name)
    if NAME.fullmatch(name) is not None:
        return dict.fromkeys(own_facts(name).beside, "")
    if not info.has_causes:
        return {}
    from vae_core.data.made import MADE_SETS

    return {cause.name: cause.unit for cause in MADE_SETS[name].causes if not cause.names}


_CLASSES: Final = {
    **{"digits": 10, "sprites": 3, "strokes": 3, "bars": 5},
    **{"two_moons": 2, "pinwheel": 5, "swiss_roll": 4, "gaussian_ring": 8},
    **{"circles": 2, "two_spirals": 2, "checkerboard": 4},
}
_SIDES: Final = {"digits": 8, "sprites": 32, "strokes": 16, "bars": 8}
"""Pixels of a side; what draws them imports PyTorch."""


def least_training_examples(
    name: str,
    *,
    folder: Path | str | None = None,
    validation: bool = False,
    num_examples: int | None = None,
) -> int:
    """How many examples there are at least to train on, known without loading the data.

    Arguments:
        name: One of ``DATASETS``.
        folder: Where the IDX files are.
        validation: Whether a validation part is set aside.
        num_examples: How many are made from the seed; None: as many as the data set usually has.

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
        made = num_examples or DATASET_INFO[name].num_examples
        count = 1437 if made is None else made * 4 // 5
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


def _load_made(name: str, num_examples: int, generator: "torch.Generator") -> "Dataset":
    import torch

    from vae_core.data.byte_images import ByteImages
    from vae_core.data.dataset import Factor, from_arrays
    from vae_core.data.made import MADE_SETS, draw_causes, images_of

    made = MADE_SETS[name]
    causes = draw_causes(made, num_examples, generator=generator)
    factors = []
    for cause, values in zip(made.causes, causes.T, strict=True):
        found = np.searchsorted(cause.values, values) if cause.names else values
        factors.append(Factor(cause.name, found.astype(np.float64), cause.names, cause.unit))
    return from_arrays(
        name,
        ByteImages(torch.from_numpy(images_of(made, causes))),
        made.classes(causes),
        image_shape=made.shape,
        generator=generator,
        class_names=made.class_names,
        factors=factors,
    )


def _load_points(name: str, num_examples: int, noise: float, generator: "torch.Generator") -> "Dataset":
    from vae_core.data.dataset import from_arrays
    from vae_core.data.points import POINT_SETS

    sample, class_names = POINT_SETS[name]
    x, labels = sample(num_examples, generator=generator, noise=noise)
    return from_arrays(name, x, labels, generator=generator, class_names=class_names)
