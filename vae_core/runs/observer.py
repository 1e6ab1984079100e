"""Observes a training without changing it: held-out bound, pictures, curves of bounded length."""

import math
from collections.abc import Collection
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vae_core.data import Dataset
from vae_core.distributions import LOG_VAR_RANGE
from vae_core.elbo import Evaluation, elbo_terms_at, means_of
from vae_core.latent.decode import choose_plane, decoded_grid, quantile_axis
from vae_core.memory import chunk_rows, widest_layer
from vae_core.model import MIN_LIKELIHOOD_SCALE, VAE
from vae_core.objectives import kl_weight, of_many
from vae_core.posteriors import AnyPosterior, FullNormal, Posterior
from vae_core.runs.snapshot import (
    FLOW_NUMBERS,
    HISTORY_COLUMNS,
    MAX_DECODER,
    VALIDATION_COLUMNS,
    AtLimits,
    Flow,
    Parts,
    Snapshot,
    best_step,
    change_rows,
)
from vae_core.training.loop import Training, TrainStep

MAX_HELD_OUT = 1000
"""Held-out examples evaluated while training: all of 10 000 images would double the cost of a step."""
MAX_ROWS = 2000
_MEANS = tuple(at for at, name in enumerate(HISTORY_COLUMNS) if name.endswith("_train"))
_ZEROS = (0.0, 0.0, 0.0, 0.0)
_CACHED = 200_000
"""Values of a layer that are computed at once: those of a thousand images leave the processor's cache."""
_HELD_OUT, _SETTINGS, _SECONDS = slice(5, 8), slice(8, 10), HISTORY_COLUMNS.index("seconds")
IMAGE_EXAMPLES, POINT_EXAMPLES = 10, 200
IMAGE_GRID, IMAGE_LINE, POINT_GRID = 12, 7, 16
"""Points along each side of the decoded grid: of images, of the one row of them when J = 1, of points."""


def held_out_rows(dataset: Dataset, seed: int) -> torch.Tensor:
    """Indices of the held-out examples that a run observes: all, or a seeded choice of ``MAX_HELD_OUT``."""
    num = len(dataset.x_test)
    if num <= MAX_HELD_OUT:
        return torch.arange(num)
    return torch.randperm(num, generator=torch.Generator().manual_seed(seed))[:MAX_HELD_OUT]


class Observer:
    """Collects the history of a training and takes its snapshots; draws nothing from its generator.

    Arguments:
        training: What to look at.
        seed: Chooses the observed rows and the noise of the held-out estimates, the same noise each time,
            so that the held-out curve moves because the weights do.
        history, later, validation: Rows of an earlier part of the run, as :class:`Snapshot` has them. Those
            after the training's step stay until its next update, which goes another way.
        grid_points: Points along each side of the decoded grid; None: as many as fit a screen.
    """

    def __init__(
        self,
        training: Training,
        *,
        seed: int,
        history: NDArray[np.float64] | None = None,
        later: NDArray[np.float64] | None = None,
        validation: NDArray[np.float64] | None = None,
        grid_points: int | None = None,
    ) -> None:
        dataset = training.dataset
        rows = held_out_rows(dataset, seed)
        self._training = training
        self._dataset = dataset
        self._seed = seed
        self._x = dataset.x_test[rows]
        labels = dataset.labels_test
        self._labels = torch.full((len(rows),), -1) if labels is None else labels[rows]
        points = dataset.image_shape is None
        num_examples = POINT_EXAMPLES if points else IMAGE_EXAMPLES
        self._examples = self._x[_spread_over_classes(self._labels)[:num_examples]]
        images_along = IMAGE_LINE if training.model.config.latent_dim == 1 else IMAGE_GRID
        axis = quantile_axis(grid_points or (POINT_GRID if points else images_along))
        self._axis = axis.to(self._x.device)
        self._y, self._grid_y = torch.empty(0), ""
        """Of the decoded grid, and in words: the first class, or the median; empty without a condition."""
        if dataset.known is not None:
            y = dataset.known.default
            self._y = dataset.known.encode(torch.tensor([y], dtype=torch.float64))[0]
            self._grid_y = dataset.known.written(y)
        self._plane: tuple[int, int] | None = None
        self._rows = [] if history is None else history.tolist()
        self._later = [] if later is None else later.tolist()
        self._validation = [] if validation is None else validation.tolist()
        count = 0 if dataset.x_validation is None else len(dataset.x_validation)
        self._parts = Parts(len(dataset.x_train), count, len(rows))
        self._since = _ZEROS
        self._num_since = 0
        self._seconds = self._rows[-1][_SECONDS] if self._rows else 0.0

    @property
    def history(self) -> NDArray[np.float64]:
        """Rows of ``HISTORY_COLUMNS`` so far."""
        return np.asarray(self._rows, dtype=np.float64).reshape(-1, len(HISTORY_COLUMNS))

    @property
    def later(self) -> NDArray[np.float64]:
        """Rows after the step at which the training stands."""
        return np.asarray(self._later, dtype=np.float64).reshape(-1, len(HISTORY_COLUMNS))

    @property
    def validation(self) -> NDArray[np.float64]:
        """Rows of ``VALIDATION_COLUMNS`` so far."""
        return np.asarray(self._validation, dtype=np.float64).reshape(-1, len(VALIDATION_COLUMNS))

    @property
    def num_rows(self) -> int:
        """Rows so far."""
        return len(self._rows)

    @property
    def is_good(self) -> bool:
        """Whether the held-out objective, at the beta of now, is at least what it was in the first row.

        A training that is about to diverge falls below its untrained model first; NaN is not good. Of an
        objective that is no sum of the two terms, those of them that it does maximise: the reconstruction for
        ``mmd``, which leaves the KL to rise, and the ELBO for the total correlation.
        """
        beta = kl_weight(self._training.config, self._training.beta)
        (_, first, first_kl), (_, last, last_kl) = self._rows[0][_HELD_OUT], self._rows[-1][_HELD_OUT]
        return last - beta * last_kl >= first - beta * first_kl

    @property
    def has_other_settings(self) -> bool:
        """Whether beta or the learning rate is another one now than the last row says."""
        now = (self._training.beta, self._training.learning_rate)
        return bool(self._rows) and tuple(self._rows[-1][_SETTINGS]) != now

    def add(self, step: TrainStep, *, seconds: float = 0.0) -> None:
        """Counts one update towards the training means of the next row.

        At a new best of the validation ELBO there is a row: the training may come back to that step.

        Arguments:
            step: The update.
            seconds: How long it took.
        """
        if self._later:
            self._later = []
            self._validation = [row for row in self._validation if row[0] < step.step]
        # Plain numbers: an array of four takes ten times as long, in every update.
        elbo, reconstruction, kl, objective = self._since
        self._since = (
            elbo + step.elbo,
            reconstruction + step.reconstruction,
            kl + step.kl,
            objective + step.objective,
        )
        self._num_since += 1
        self._seconds += seconds
        if step.validation is not None:
            self._add_validation(step.step, step.validation)

    def _add_validation(self, step: int, found: Evaluation) -> None:
        is_best = all(found.elbo > row[1] for row in self._validation)
        self._validation.append([step, found.elbo, found.reconstruction, found.kl])
        if is_best:
            self.measure()
        if len(self._validation) > MAX_ROWS:
            rows = self.validation
            stays = (rows[:, 0] == best_step(rows)) | (rows[:, 0] == step)
            stays[::2] = True
            self._validation = rows[stays].tolist()

    def go_back(self) -> None:
        """After the training went back to its best step: the rows since are later ones now."""
        step = self._training.step
        self._later = [row for row in self._rows if row[0] > step]
        self._rows = [row for row in self._rows if row[0] <= step]
        self._since = _ZEROS
        self._num_since = 0
        self._seconds = self._rows[-1][_SECONDS] if self._rows else 0.0

    def measure(self) -> None:
        """Adds a row to the history, unless there is one of this step."""
        if not self._has_row:
            self._add_row(self._evaluate())

    def look(self, *, adds_row: bool = True) -> Snapshot:
        """Returns the snapshot of this moment; its history ends with a row of this step.

        Arguments:
            adds_row: Whether the history gets that row, too.
        """
        with self._training.products:
            return self._look(adds_row=adds_row)

    @torch.no_grad()
    def _look(self, *, adds_row: bool) -> Snapshot:
        training, model = self._training, self._training.model
        held_out, posterior = self._held_out()
        if adds_row and not self._has_row:
            self._add_row(held_out)
        history = self.history
        if not self._has_row:
            history = np.vstack((history, self._row(held_out)))
        given_y, examples = model.of_rows(self._examples)
        reconstructions = given_y.likelihood(given_y.posterior(examples).mean).mean
        means, stds = posterior.moments
        self._plane = choose_plane(_use(held_out, means), self._plane)
        return Snapshot(
            step=training.step,
            epoch=training.epoch,
            history=history,
            means=_array(means),
            stds=_array(stds),
            labels=_array(self._labels).astype(np.int32),
            kl_per_dim=_array(held_out.kl_per_dim.float()),
            plane=self._plane,
            examples=_array(examples),
            reconstructions=_array(reconstructions),
            grid=_array(decoded_grid(model.given(self._y), self._axis, self._plane)),
            grid_axis=_array(self._axis),
            image_shape=self._dataset.image_shape,
            class_names=self._dataset.class_names,
            flow=self._flow(),
            later=self.later,
            validation=self.validation,
            parts=self._parts,
            beta_moves=training.beta_moves,
            at_limits=_at_limits(model, posterior),
            grid_y=self._grid_y,
            decoder=_decoder_of(model),
        )

    @property
    def _has_row(self) -> bool:
        return bool(self._rows) and self._rows[-1][0] == self._training.step

    def _evaluate(self) -> Evaluation:
        noise = torch.Generator().manual_seed(self._seed)
        return self._training.evaluate(self._x, generator=noise)

    def _held_out(self) -> tuple[Evaluation, Posterior]:
        """The bound of the observed examples and their q, from one pass of the encoder where they fit."""
        model = self._training.model
        given_y, x = model.of_rows(self._x)
        posterior = given_y.posterior(x)
        if len(self._x) > chunk_rows(widest_layer(model.config)):
            return self._evaluate(), posterior
        eps = posterior.draw_eps(1, generator=torch.Generator().manual_seed(self._seed))
        draws = posterior.draw(eps)
        rows = max(1, _CACHED // widest_layer(model.config))
        pieces = [
            (some, *model.of_rows(piece))
            for some, piece in zip(draws.z.split(rows, 1), self._x.split(rows), strict=True)
        ]
        log_likelihood = torch.cat([part.likelihood(some).log_prob(x) for some, part, x in pieces], 1)
        return means_of(elbo_terms_at(draws, log_likelihood, model.prior)), posterior

    def _flow(self) -> Flow | None:
        """The last update, where it was traced; the generated image is another draw at each step."""
        training, tracer = self._training, self._training.tracer
        trace = None if tracer is None else tracer.trace
        if trace is None or trace.step != training.step:
            return None
        forward = trace.forward
        with torch.no_grad():
            z = training.model.prior.sample(1, generator=torch.Generator().manual_seed(trace.step))[0]
            z = z.to(forward.z.device)
            generated = training.model.given(forward.y).likelihood(z).mean
        names = ("x", "decoded", "mean", "std", "eps", "z")
        arrays = {name: _array(getattr(forward, name)) for name in names}
        values = {**trace._asdict(), "reconstruction": forward.reconstruction, "kl": forward.kl}
        numbers = np.array([values[name] for name in FLOW_NUMBERS], dtype=np.float64)
        return Flow(**arrays, prior_z=_array(z), generated=_array(generated), numbers=numbers)

    def _row(self, held_out: Evaluation) -> list[float]:
        training = self._training
        count = self._num_since
        *means, objective = (value / count if count else math.nan for value in self._since)
        terms = (held_out.elbo, held_out.reconstruction, held_out.kl)
        settings = (training.beta, training.learning_rate)
        step = (training.step, training.epoch)
        return [*step, *means, *terms, *settings, self._seconds, objective, self._objective(held_out)]

    def _objective(self, held_out: Evaluation) -> float:
        """What is maximised, of the observed examples, by the same noise each time."""
        training = self._training
        return of_many(
            training.model,
            self._x,
            held_out,
            training.config,
            beta=training.beta,
            num_data=len(self._dataset.x_train),
            generator=torch.Generator().manual_seed(self._seed),
        )

    def _add_row(self, held_out: Evaluation) -> None:
        self._rows.append(self._row(held_out))
        self._since = _ZEROS
        self._num_since = 0
        if len(self._rows) > MAX_ROWS:
            is_scheduled = self._training.config.beta_schedule != "constant"
            best, moved = best_step(self.validation), self._training.beta_moves
            rows = thinned(self.history, is_scheduled=is_scheduled, moved=moved, best=best)
            self._rows = rows.tolist()


def thinned(
    history: NDArray[np.float64],
    *,
    is_scheduled: bool,
    moved: Collection[int] | None = None,
    best: int | None = None,
) -> NDArray[np.float64]:
    """About every second row: a long run keeps its whole course.

    The first, the newest and the best row stay, and the two rows around each live change; where those alone
    would be too many, every second of the changes loses its rows. Training columns become means over the
    steps since the row that is now before.

    Arguments:
        history: Rows of ``HISTORY_COLUMNS``, at least two.
        is_scheduled: Whether beta follows a schedule.
        moved: As :func:`change_rows` wants it.
        best: The step to which the training may go back; None: none.
    """
    is_kept = np.zeros(len(history), dtype=bool)
    if best is not None:
        is_kept[history[:, 0] == best] = True
    is_kept[::2] = is_kept[-1] = True
    changes = change_rows(history, is_scheduled=is_scheduled, moved=moved)
    while True:
        stays = is_kept.copy()
        stays[changes] = stays[changes + 1] = True
        if stays.sum() <= MAX_ROWS * 3 // 4:
            return _merged(history, np.flatnonzero(stays))
        changes = changes[::2]


def _merged(history: NDArray[np.float64], kept: NDArray[np.intp]) -> NDArray[np.float64]:
    """The rows ``kept``, the first among them, with means over all steps since the one before."""
    num_steps = np.diff(history[:, 0], prepend=history[0, 0])[:, None]
    means = history[:, list(_MEANS)]
    weight = np.where(np.isnan(means), 0.0, num_steps)
    starts = np.append(0, kept[:-1] + 1)
    sums = np.add.reduceat(weight * np.nan_to_num(means), starts)
    with np.errstate(invalid="ignore"):
        merged = sums / np.add.reduceat(weight, starts)
    rows = history[kept]
    rows[1:, list(_MEANS)] = merged[1:]
    return rows


def _decoder_of(model: VAE) -> dict[str, NDArray[np.float32]]:
    """Of a conditional model the weights that make a grid of another y; empty where they are too many."""
    if not model.config.num_conditions:
        return {}
    weights = model.decoder.state_dict()
    if sum(value.numel() for value in weights.values()) > MAX_DECODER:
        return {}
    return {name: _array(value).copy() for name, value in weights.items()}


def _array(values: torch.Tensor) -> NDArray[Any]:
    """On the CPU, wherever the training computes."""
    return values.cpu().numpy()


@torch.no_grad()
def _at_limits(model: VAE, posterior: Posterior) -> AtLimits:
    if model.config.encoder_head == "deterministic":
        low = high = components = 0
    else:
        low, high = (int(at.any(-1).sum()) for at in _ends(posterior.as_density()))
        prior = model.prior.components
        components = 0 if prior is None else int(torch.stack(_ends(prior)).any(0).any(-1).sum())
    scale = model.config.learns_scale and float(model.likelihood_scale()) <= MIN_LIKELIHOOD_SCALE
    return AtLimits(low, high, components, int(scale))


def _ends(normal: AnyPosterior) -> tuple[torch.Tensor, torch.Tensor]:
    """Where log sigma^2, or 2 log L_jj, is at its lower, and at its upper limit."""
    log_var = normal.conditional_log_var
    slack = 1e-5 * isinstance(normal, FullNormal)  # L_jj is kept, and its logarithm rounded
    return log_var <= LOG_VAR_RANGE[0] + slack, log_var >= LOG_VAR_RANGE[1] - slack


def _use(held_out: Evaluation, means: torch.Tensor) -> torch.Tensor:
    """How much each dimension is used, shape (J,): the KL; without parts of it the variance of the means."""
    return held_out.kl_per_dim if len(held_out.kl_per_dim) else means.var(0, correction=0)


def _spread_over_classes(labels: torch.Tensor) -> torch.Tensor:
    # The first example of each class, class by class, then the second: ten digits show ten classes.
    seen: dict[int, int] = {}
    ranks = []
    for row, label in enumerate(labels.tolist()):
        seen[label] = seen.get(label, -1) + 1
        ranks.append((seen[label], label if label >= 0 else row, row))
    return torch.tensor([row for _, _, row in sorted(ranks)])
