"""The trained model that a page looks at: its run, its network and its data, handed down whole.

A page loads the subject once a rerun. Whatever it shows is computed from this one value, so that one page
never mixes the weights of two moments; cached functions take the subject itself, whose digest is their key:

    @cached()
    def encoded(subject: Subject, ...): ...
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Literal

from dashboard.caching import cached
from dashboard.notation import given_y
from dashboard.runs.pretrained import PRETRAINED_RUN
from dashboard.runs.runner import runner
from vae_core.config import Binarised, RunConfig
from vae_core.data.files import find_idx_set
from vae_core.data.own import NAME, own_file
from vae_core.errors import BadInput
from vae_core.runs.task import GIVEN_Y

if TYPE_CHECKING:
    from torch import Tensor

    from vae_core.data import Dataset, Known
    from vae_core.data.byte_images import Examples
    from vae_core.data.conditions import Part
    from vae_core.data.folder import Preview
    from vae_core.model import VAE
    from vae_core.runs.runfile import Run

Made = tuple[int | None, float, Binarised]
"""How many examples, how much noise, and whether 0 and 1: as :class:`vae_core.config.RunConfig` says it."""
Split = Literal["held_out", "training", "validation"]
SPLITS: Final[dict[Split, str]] = {"held_out": "held-out", "training": "training"}
"""The parts of a data set that can be looked at, as the reader names them."""
PREVIEWED: Final = 10
"""Images of a folder that are shown before a training."""
MIN_OF_CLASS: Final = 4
"""Examples that a class has at least in each part of the data, so that a page can look at it alone: as many
as the smallest data set holds out."""
SHARE_OF_Y: Final = 20
"""A page looks at the model given a number with one example in so many, those nearest to it in y."""
MOST_NUMBERS: Final = 41
"""Numbers y that can be chosen: of more the quantiles, 2.5 % apart."""
PARTS: Final[Mapping[Split, "Part"]] = {"held_out": "test", "training": "train", "validation": "validation"}
"""What the data set calls the parts."""
SETTLED_NS: Final = 2 * 10**9
"""A file that changed less than this ago may change again and keep its time: clocks of file systems tick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A run as its file held it at one moment; equal to another one when both hold the same content.

    Arguments:
        path: The run file.
        digest: SHA-256 of the run's content: the key of whatever is computed from it. Weights, history,
            status and settings decide it, neither the time of writing nor the place of the file.
        run: Configuration, history and plain values of the training; without the optimiser's state.
        model: The network with the run's weights; only ever read.
        data: What the run was trained on; only ever read.
        y: The class or the number that a conditional run is looked at given; None: it is not conditional, or
            not yet given one.
        conditional: The run with all of its y, where this is it given one of them.
    """

    path: Path = field(compare=False)
    digest: str
    run: "Run" = field(compare=False, repr=False)
    model: "VAE" = field(compare=False, repr=False)
    data: "Dataset" = field(compare=False, repr=False)
    y: float | None = field(default=None, compare=False)
    conditional: "Subject | None" = field(default=None, compare=False, repr=False)

    @property
    def source(self) -> str:
        """What a task in another process finds this model by: the run file, and the y it is given."""
        return str(self.path) if self.y is None else f"{self.path}{GIVEN_Y}{self.y!r}"

    @property
    def bound_name(self) -> str:
        """The bound by its name, which says of what it is one where that is not log p(x)."""
        return "ELBO" if self.y is None else "ELBO of log p(x|y)"

    def written(self, text: str) -> str:
        """Words and formulas as they are said of this model: given y, p(x|z) is p(x|z, y), and so on."""
        return text if self.y is None else given_y(text)

    @property
    def name(self) -> str:
        """Tells one run from another and gives no path away: the name of the folder of its file."""
        return self.path.parent.name

    @property
    def config(self) -> RunConfig:
        """What decided the run."""
        return self.run.config

    @property
    def step(self) -> int:
        """Updates made."""
        return self.run.step

    @property
    def image_shape(self) -> tuple[int, ...] | None:
        """(height, width) of the images, or (height, width, 3) in colour; None for points."""
        return self.data.image_shape

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the values of a point; empty where they have none."""
        return self.data.columns

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the labels 0, 1, ..."""
        return self.data.class_names

    @property
    def is_deterministic(self) -> bool:
        """Whether the encoder gives a point z = μ(x), so that there is no q(z|x), no KL and no bound."""
        return self.config.model.encoder_head == "deterministic"

    @property
    def beta_in_force(self) -> float:
        """β of the last update: the schedule's, or where it was moved to while the run trained."""
        from vae_core.training.optimizer import last_beta

        live = self.run.state_scalars.get("live_beta")
        if live is not None:
            return float(live)
        num_data = len((self.conditional or self).data.x_train)
        return last_beta(self.config.train, step=self.step, num_data=num_data)

    @property
    def likelihood_scale(self) -> float:
        """s of a Gaussian likelihood with one scale, set or learned; 1 where there is none."""
        return float(self.model.likelihood_scale().detach())

    def examples(self, split: Split) -> "tuple[Examples, Tensor | None]":
        """x of shape (n, D) and labels of shape (n,), None where the examples have none."""
        data = self.data
        if split == "validation":
            assert data.x_validation is not None, "it is one of the splits of the run"
            return data.x_validation, data.labels_validation
        return (data.x_test, data.labels_test) if split == "held_out" else (data.x_train, data.labels_train)

    def rows(self, split: Split) -> "Examples":
        """The examples as the model takes them: rows [x, y] of a conditional run that is given no y."""
        x, known = self.examples(split)[0], self.known
        if known is None:
            return x
        from vae_core.data.conditions import rows_of

        return rows_of(x, self.values_of_y(split), known)

    def values_of_y(self, split: Split) -> "Tensor":
        """The class, or the number, of the examples of a conditional run, given a y or not: shape (n,)."""
        from vae_core.data.conditions import values_of

        known = (self.conditional or self).known
        assert known is not None, "a conditional run has a y"
        return values_of(self.data, known, PARTS[split])

    @property
    def known(self) -> "Known | None":
        """What y is of a conditional run that is given none; None of others.

        Raises:
            BadInput: Its data have no such y any more.
        """
        if self.config.condition == "none":
            return None
        from vae_core.data.conditions import Number, known_of

        config, kept = self.config, self.run.known
        found = known_of(self.data, config.condition, config.condition_on)
        return (
            kept._replace(unit=found.unit)
            if isinstance(kept, Number) and isinstance(found, Number)
            else found
        )

    @property
    def name_of_y(self) -> str:
        """The y that a conditional run is given, in words; empty of others."""
        known = None if self.conditional is None else self.conditional.known
        return "" if known is None or self.y is None else known.written(self.y)

    @property
    def is_given_number(self) -> bool:
        """Whether it is a conditional run given a number."""
        return self.conditional is not None and self.conditional.config.condition == "number"

    @property
    def to_look_at(self) -> tuple[float, ...]:
        """Of a conditional run the y that can be chosen: classes with examples enough in each part.

        Numbers are those that occur in the training part, or, of many, its quantiles.
        """
        known = self.known
        assert known is not None, "a conditional run has a y"
        if self.config.condition == "number":
            return some_numbers(self.values_of_y("training"))
        parts = [self.values_of_y(split) for split in self.splits]
        counts = [part.bincount(minlength=known.num_values) for part in parts]
        labels = range(known.num_values)
        return tuple(label for label in labels if all(count[label] >= MIN_OF_CLASS for count in counts))

    def y_near(self, wanted: object) -> float:
        """The y that is wanted, where it can be looked at; else the first class, or the number nearest to it.

        Raises:
            BadInput: No class has examples enough.
        """
        options = self.to_look_at
        if not options:
            message = "no class of this conditional run has enough examples to look at it alone"
            raise BadInput("condition", message, "train on more examples")
        if self.config.condition == "class":
            return next((label for label in options if label == wanted), options[0])
        known = self.known
        assert known is not None, "a conditional run has a y"
        near = float(wanted) if isinstance(wanted, int | float) else known.default
        return min(options, key=lambda one: abs(one - near))

    def given(self, y: float) -> "Subject":
        """A conditional run at one y: the ordinary model p(x, z|y), with the examples of that y.

        Those of a class have no labels any more: all would be the same. Those of a number are the ones
        nearest to it, a twentieth of each part of the data and whoever is as near.

        Raises:
            BadInput: The run is not conditional, or has no such class.
        """
        run, model, data = _given(self, y)
        return replace(self, digest=run.digest, run=run, model=model, data=data, y=y, conditional=self)

    @property
    def y_of_examples(self) -> tuple[float, float]:
        """The least and the largest number y of the held-out examples of a run that is given one."""
        values = self.values_of_y("held_out")
        return float(values.min()), float(values.max())

    @property
    def splits(self) -> tuple[Split, ...]:
        """The parts of its data: a validation part only where something was chosen by it."""
        return (*SPLITS, "validation") if self.data.x_validation is not None else tuple(SPLITS)


@cached()
def _given(subject: Subject, y: float) -> "tuple[Run, VAE, Dataset]":
    # The digest of a run that does not note that of its data has it, too; see ``load_subject``.
    run = replace(subject.run, digest=subject.digest).given(y)
    return run, run.model(), _of_y(subject, y)


def _of_y(subject: Subject, y: float) -> "Dataset":
    from vae_core.data.byte_images import part_of

    data, known = subject.data, subject.known
    assert known is not None, "or no model could have been given one"
    is_class = subject.config.condition == "class"
    found: dict[str, object] = {"class_names": ()} if is_class else {}
    for split in subject.splits:
        part = PARTS[split]
        x, labels = subject.examples(split)
        away = (subject.values_of_y(split) - y).abs()
        rows = away <= (0 if is_class else away.sort().values[max(MIN_OF_CLASS, len(away) // SHARE_OF_Y) - 1])
        factors = getattr(data, f"factors_{part}")
        found[f"x_{part}"] = part_of(x, rows)
        found[f"labels_{part}"] = None if is_class or labels is None else labels[rows]
        found[f"factors_{part}"] = tuple(factor.part(rows.numpy()) for factor in factors)
    return replace(data, **found)  # type: ignore[arg-type]


def some_numbers(values: "Tensor") -> tuple[float, ...]:
    """The numbers that occur, or of many their quantiles, ascending."""
    different = values.unique()
    if len(different) > MOST_NUMBERS:
        different = values.quantile(values.new_tensor(range(MOST_NUMBERS)) / (MOST_NUMBERS - 1)).unique()
    return tuple(different.tolist())


def load_subject(path: Path) -> Subject:
    """The run in a file, with its data.

    Raises:
        BadInput: The run or its data cannot be read or used, or no longer fit together.
    """
    from vae_core.runs.runfile import stated_digest

    try:
        # A run file is replaced as a whole: what was opened stays one and the same content.
        with path.open("rb") as file:
            digest = stated_digest(file)
            run, model = _run_and_model(digest, file)
    except OSError as err:
        message = f"the run {path.name} cannot be read ({err.strerror})"
        raise BadInput("run", message, "choose another") from err
    config = run.config
    data = data_of(config)
    takes, has = config.model.data_dim, data.x_test.shape[1]
    if takes != has:
        message = f"the data in this run's folder have {has} values each now, its model takes {takes}"
        raise BadInput("data_dim", message, "put the images back, or train a new run on Train")
    data.check_digest(run.data_digest)
    if (
        not run.data_digest
    ):  # of a version that did not note it: the run's own digest says nothing of its data
        digest += data.digest
    return Subject(path=path, digest=digest, run=run, model=model, data=data)


def subject_of(run_id: str) -> Subject | None:
    """A run as it was saved last; None when nothing was saved yet. Raises as :func:`load_subject` does."""
    path = runner().store.run_file(run_id)
    return None if path is None else load_subject(path)


def pretrained() -> Subject:
    """The pretrained model of the digits, which comes with the project."""
    return load_subject(PRETRAINED_RUN)


# The digest names the content of ``_file``. A file has 64 MB at most and the optimiser's part is dropped.
@cached("Loading the model …")
def _run_and_model(digest: str, _file: BinaryIO) -> "tuple[Run, VAE]":
    from vae_core.runs.runfile import MAX_FILE_BYTES, parse_run

    _file.seek(0)
    run = parse_run(_file.read(MAX_FILE_BYTES + 1))
    model = run.model()
    return replace(run, weights=model.state_dict(), state_tensors={}), model


def data_of(config: RunConfig) -> "Dataset":
    """The data that a configuration names, as they are now; only ever read."""
    return dataset(
        config.dataset,
        config.seed,
        config.data_folder,
        transposed=config.data_transposed,
        validation=config.train.has_validation,
        made=made_of(config),
    )


def made_of(config: RunConfig) -> Made:
    """How the data of a run are made or changed."""
    return config.num_examples, config.data_noise, config.binarised


def dataset(
    name: str,
    seed: int,
    folder: str | None,
    *,
    transposed: bool = False,
    validation: bool = False,
    made: Made = (None, 1.0, "no"),
) -> "Dataset":
    """A data set, with a validation part or without one; only ever read."""
    return _dataset(name, seed, folder, transposed, validation, made, _state_of(name, folder))


@cached("Loading the data …")
def _dataset(
    name: str,
    seed: int,
    folder: str | None,
    transposed: bool,
    validation: bool,
    made: Made,
    state: tuple[object, ...],
) -> "Dataset":
    from vae_core.data import load_dataset

    del state  # tells the files of a folder from those that were there before; part of the key only
    num_examples, noise, binarised = made
    return load_dataset(
        name,
        seed=seed,
        folder=folder,
        transpose=transposed,
        validation=validation,
        num_examples=num_examples,
        noise=noise,
        binarised=binarised,
    )


def preview_of(folder: str, *, transposed: bool) -> "Preview":
    """What a folder of images holds; see :func:`vae_core.data.folder.preview_idx_folder`."""
    return _preview(folder, transposed, _state_of("idx", folder))


@cached()
def _preview(folder: str, transposed: bool, state: tuple[object, ...]) -> "Preview":
    from vae_core.data.folder import preview_idx_folder

    del state
    return preview_idx_folder(folder, count=PREVIEWED, transpose=transposed)


def _state_of(name: str, folder: str | None) -> tuple[object, ...]:
    """Changes whenever a file of the folder's data set does; empty for data that come from no files.

    Of each file where it lies on the disk, its size, and when it was changed last: a time that a copy does
    not bring along, as it may the time of writing. The content itself, 55 MB of MNIST, is too much to read at
    each rerun: it is read again, and has a digest, when one of these differs.
    """
    if NAME.fullmatch(name):  # its content never changes, but it may be gone
        return (own_file(name).exists(),)
    if name != "idx":
        return ()
    try:
        files = find_idx_set(folder).files
        found = [(str(path), path.stat()) for path in files.values()]
    except (BadInput, OSError):  # whoever loads them says what is wrong
        return ()
    now = time.time_ns()
    unsettled = now if any(now - stat.st_ctime_ns < SETTLED_NS for _, stat in found) else 0
    facts = [(path, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns) for path, stat in found]
    return (*facts, unsettled)
