"""Maximising the objective by stochastic gradient ascent on mini-batches."""

import math
from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

import torch
from torch import Tensor

from vae_core.checks import check_integer
from vae_core.config import TrainConfig, check_objective
from vae_core.data import Dataset, with_validation
from vae_core.data.byte_images import Examples
from vae_core.data.conditions import Y_SCALE, Number
from vae_core.elbo import Evaluation, evaluate
from vae_core.errors import BadInput, TrainingDiverged
from vae_core.memory import check_step, largest_product
from vae_core.model import VAE
from vae_core.objectives import objective_given_eps
from vae_core.training.batches import Batches, checked_order
from vae_core.training.by_hand import HandGradient, Means, is_written_out
from vae_core.training.data_check import check_data
from vae_core.training.moves import LiveSettings
from vae_core.training.optimizer import (
    OPTIMIZER,
    descend,
    flatten,
    initial_moments,
    optimizer_state,
    scheduled_beta,
)
from vae_core.training.patience import Patience
from vae_core.training.products import Products, chosen_products, is_exact
from vae_core.training.trace import Tracer

SMALL_NETWORK: Final = 100_000
"""Weights up to which every state with a finite objective is kept: a copy within the processor's cache."""
KEPT_APART: Final = 16
"""Updates between two kept states of a larger network. A copy before each update is a twentieth of one: both
move the weights through memory."""


Ended = Literal["finished", "stopped_early"]


class _Place(NamedTuple):
    """Where a training stands in its data, between two updates."""

    step: int
    epoch: int
    position: int
    order: Tensor


class _Best(NamedTuple):
    """The state after the epoch with the highest validation ELBO so far."""

    step: int
    epoch: int
    weights: Tensor
    moments: dict[str, Tensor]
    generator: Tensor


class TrainStep(NamedTuple):
    """One update.

    Arguments:
        step: Updates made, this one included.
        epoch: Whole passes over the training data made.
        elbo: Mini-batch mean of the bound before the update, beta = 1, nats per example.
        reconstruction: Mini-batch mean of E_q[log p(x|z)], nats per example.
        kl: Mini-batch mean of KL(q || p), nats per example.
        objective: Mini-batch mean of what is maximised, before the update (:mod:`vae_core.objectives`).
        beta: Its weight of the KL, or of what stands in its place, in this update.
        learning_rate: Step size of this update.
        validation: The bound of the validation part, at the end of each epoch where there is one, else None.
        ended: Why this was the last update, or None.
    """

    step: int
    epoch: int
    elbo: float
    reconstruction: float
    kl: float
    objective: float
    beta: float
    learning_rate: float
    validation: Evaluation | None
    ended: Ended | None


def fit(
    model: VAE, dataset: Dataset, train_config: TrainConfig, *, generator: torch.Generator
) -> Iterator[TrainStep]:
    """Trains ``model`` in place, one update for each value taken; the last has ``ended`` set.

    Without a number of epochs (``num_epochs`` None) and without patience there is no last. With patience the
    model has the weights of the best epoch by the validation ELBO once there is no further value.
    For a live change of beta or for saving and resuming use :class:`Training`, of which this is the loop.

    Raises:
        BadInput: The data do not fit the model.
        TrainingDiverged: The objective was not finite; the model holds its last finite state.
    """
    return Training(model, dataset, train_config, generator=generator).steps()


class Training:
    """A training that can be watched, changed, saved and resumed between any two updates.

    After :class:`TrainingDiverged` it stands at its last good state, with a new optimiser, and may go on from
    there; the noise is another one than before.

    Randomness (order of the data, noise) comes from ``generator`` alone, so that the same model, data,
    configuration and generator state give bit-identical weights; observing draws nothing from it.

    Arguments:
        model: Trained in place. Its parameters become views of one flat tensor; several trainings may take
            turns with one model, each going on from its present weights with an optimiser of its own.
        dataset: Training and held-out data. Where ``config`` has patience and there is no validation part,
            one is set aside, always the same: a resumed training has the one that it had.
        config: How to train.
        generator: Source of all randomness.
        written_out: Uses the gradient that is written out (:mod:`vae_core.training.by_hand`) for the models
            of which it is, in about half of the time; the others, and all models where False, are
            differentiated automatically. The two agree but for rounding, and a training that is resumed goes
            on as it began.

    A ``tracer`` that is set follows each update.

    Raises:
        BadInput: The data do not fit the model.
    """

    def __init__(
        self,
        model: VAE,
        dataset: Dataset,
        config: TrainConfig,
        *,
        generator: torch.Generator,
        written_out: bool = True,
    ) -> None:
        if config.has_validation and dataset.x_validation is None:
            dataset = with_validation(dataset, seed=0)
        check_data(model.config, dataset)
        check_objective(model.config, config.objective)
        self.model = model
        self.dataset = dataset
        self.config = config
        self.generator = generator
        self.batch_size = config.batch_of(len(dataset.x_train))
        self._batches = Batches(dataset.x_train, self.batch_size, generator=generator)
        check_step(
            model.config,
            num_samples=config.num_samples,
            batch_size=self.batch_size,
            objective=config.objective,
        )
        self.step = 0
        self.epoch = 0
        self.tracer: Tracer | None = None
        self._live = LiveSettings(config.learning_rate)
        self._has_end = True
        self._patience = None if config.patience is None else Patience(config.patience)
        self._best: _Best | None = None
        self.products: Products
        """With which it multiplies, and what observes it does so, too."""
        self.ended_at: int | None = None
        """The update after which it ended by itself and went back to its best step; None: it did not."""
        self._weights, self._gradient = flatten(model)
        self._written_out = written_out
        on_cpu = self._weights.device.type == "cpu"
        self.products = chosen_products(model.config, self.batch_size) if on_cpu else Products()
        self._by_hand = self._hand_gradient()
        self._first = next(model.parameters())
        self._kept_weights = self._weights.clone()
        """Weights that gave a finite objective: what a divergence falls back on."""
        self._kept_apart = 1 if self._weights.numel() <= SMALL_NETWORK else KEPT_APART
        self._here = self._kept_place = self._place()
        self._moments = initial_moments(self._weights, config)

    @property
    def is_written_out(self) -> bool:
        """Whether its gradient is written out, not differentiated automatically."""
        return self._by_hand is not None

    @property
    def steps_per_epoch(self) -> int:
        """Updates in one pass over the training data; the last batch may be smaller."""
        return math.ceil(self._batches.num_examples / self.batch_size)

    @property
    def num_left(self) -> int:
        """Examples of this pass over the training data that are still to come."""
        return self._batches.num_left

    @property
    def num_epochs(self) -> int | None:
        """Epochs of the whole training; None: it goes on until it is stopped."""
        return self.config.num_epochs if self._has_end else None

    @property
    def num_steps(self) -> int | None:
        """Updates of the whole training; None: it goes on until it is stopped."""
        return None if self.num_epochs is None else self.num_epochs * self.steps_per_epoch

    @property
    def patience(self) -> int | None:
        """Epochs without a rise of the validation ELBO that end the training; None: they do not."""
        return None if self._patience is None else self.config.patience

    @property
    def beta(self) -> float:
        """beta of the next update: the schedule's, or the one that was set live."""
        if self._live.beta is not None:
            return self._live.beta
        return scheduled_beta(self.config, self.epoch + self._batches.share)

    @property
    def beta_moves(self) -> tuple[int, ...] | None:
        """After which updates beta was set by hand, ascending; None: that was too often to be kept."""
        moves = self._live.moves
        return None if moves is None else tuple(move.step for move in moves if move.name == "beta")

    @property
    def learning_rate(self) -> float:
        """Step size of the next update."""
        return self._live.learning_rate

    @property
    def is_at_end(self) -> bool:
        """Whether all epochs are done, or patience has ended the training."""
        is_done = self.num_epochs is not None and self.epoch >= self.num_epochs
        is_spent = self._patience is not None and self._patience.is_spent
        return is_done or is_spent or self.ended_at is not None

    def forget_end(self) -> None:
        """Goes on from now on without a number of epochs and without patience, until it is stopped.

        The validation part stays set aside, and its ELBO is measured on. A training that went back to its
        best step goes on from there, with the beta and the learning rate of now.
        """
        self._has_end = False
        self._patience = self._best = None
        if self.ended_at is not None:
            self.ended_at = None
            self._live.go_back(self.step)

    def take_best(self) -> bool:
        """Goes back to the best step by the validation ELBO, where the training has ended by itself.

        Weights, optimiser and generator are those of that step, bit for bit; beta and learning rate stay what
        they are now. Returns whether it stands at its best step.
        """
        best = self._best
        if best is not None and self.is_at_end:
            self._take_parameters()
            self._weights.copy_(best.weights)
            self._moments = _copy(best.moments)
            self.generator.set_state(best.generator)
            self.ended_at = self.step
            self.step, self.epoch, self._best = best.step, best.epoch, None
            self._batches.begin(self._batches.order[:0], 0)
            self._kept_weights.copy_(self._weights)
            self._here = self._kept_place = self._place()
        return self.ended_at is not None

    def set_beta(self, beta: float) -> None:
        """Uses ``beta`` from the next update on, in place of the schedule."""
        self._live.set_beta(self.step, beta)

    def set_learning_rate(self, learning_rate: float) -> None:
        """Uses ``learning_rate`` from the next update on."""
        self._live.set_learning_rate(self.step, learning_rate)

    def draw_anew(self, seed: int) -> None:
        """Draws from another seed from the next update on: the noise, and the order of the examples.

        What is left of this epoch comes in another order, too; nothing of it comes twice. Between two epochs
        the next one draws its order from the seed.

        Arguments:
            seed: Of all that is drawn from here on.
        """
        self._live.set_seed(self.step, seed)
        self.generator.manual_seed(seed)
        if self._best is not None and self._best.step == self.step:
            self._keep_best()
        if self._batches.position:
            self._batches.shuffle_rest()
            self._here = self._place()

    def steps(self) -> Iterator[TrainStep]:
        """One update for each value taken, from where the training stands to its end."""
        ended: Ended | None = None
        while ended is None and not self.is_at_end:
            result = self._next()
            ended = result.ended
            yield result
        if ended is not None:
            self.take_best()

    def _next(self) -> TrainStep:
        beta, learning_rate = self.beta, self.learning_rate
        reconstruction, kl, objective = self._update(self._next_batch(), beta)
        self.step += 1
        validation, ended = None, None
        if not self._batches.num_left:
            self._batches.position = 0
            self.epoch += 1
            validation, ended = self._end_epoch()
        if ended is not None:
            self.require_finite_weights()
        self._here = self._place()
        terms = (reconstruction - kl, reconstruction, kl, objective)
        return TrainStep(self.step, self.epoch, *terms, beta, learning_rate, validation, ended)

    def _place(self) -> _Place:
        return _Place(self.step, self.epoch, self._batches.position, self._batches.order)

    def _next_batch(self) -> Tensor:
        return self._batches.next()

    def _update(self, x: Tensor, beta: float) -> Means:
        self._take_parameters()
        # Nothing that an untraced update by hand makes outlives it: without autograd's bookkeeping an
        # operation costs a sixth less.
        with torch.inference_mode() if self._by_hand and self.tracer is None else torch.no_grad():
            return self._updated(x, beta)

    def _updated(self, x: Tensor, beta: float) -> Means:
        with self.products:
            means = self._differentiate(x, beta)
        if not math.isfinite(sum(means)):
            self._diverged()
        if self.step % self._kept_apart == 0 or self.tracer is not None:
            self._kept_weights.copy_(self._weights)
            self._kept_place = self._here
        descend(self._weights, self._gradient, self._moments, self.config, learning_rate=self.learning_rate)
        self.model.hold_parameters()
        if self.tracer is not None:
            change = self._weights - self._kept_weights
            self.tracer.finish(
                self.step + 1, self._model_of_update(), change, objective=means.objective, beta=beta
            )
        return means

    def _differentiate(self, x: Tensor, beta: float) -> Means:
        """Writes the gradient of -objective where the optimiser reads it."""
        if self._by_hand is not None:
            eps = self._draw_eps(self._by_hand.eps_of_size(len(x)))
            means = self._by_hand(x, eps, beta=beta, free_bits=self.config.free_bits)
            if self.tracer is not None:
                self.tracer.forward(self.model, x, self._by_hand.posterior(), eps, self._by_hand.terms())
            return means
        with torch.enable_grad():
            drawn, values = self._model_of_update().of_rows(x)
            posterior = drawn.posterior(values)
            eps = posterior.draw_eps(self.config.num_samples, generator=self.generator)
            terms, objective = objective_given_eps(
                drawn,
                values,
                posterior,
                eps,
                self.config,
                beta=beta,
                num_data=self._batches.num_examples,
                generator=self.generator,
            )
            kl, shared = terms.kl.mean(), self._shared_kl()
            if shared is not None:
                kl, objective = kl + shared, objective - beta * shared
            self._gradient.zero_()
            (-objective).backward()
        if self.tracer is not None:
            self.tracer.forward(self.model, x, posterior, eps, terms)
        return Means(*torch.stack((terms.reconstruction.mean(), kl, objective)).tolist())

    def _model_of_update(self) -> VAE:
        """What an update differentiates: the model, or a view of it that draws its weights."""
        return self.model

    def _shared_kl(self) -> Tensor | None:
        """A KL of what all examples share, divided by their number; None: there is none."""
        return None

    def _draw_eps(self, eps: Tensor) -> Tensor:
        """Draws into a place of shape (M, B, J) what the posterior's ``draw_eps`` would draw."""
        generator = self.generator
        if self.model.config.encoder_head == "deterministic":
            return eps
        if generator.device == eps.device:
            return eps.normal_(generator=generator)
        noise = torch.randn(eps.shape, generator=generator, device=generator.device, dtype=eps.dtype)
        return eps.copy_(noise)

    def _take_parameters(self) -> None:
        """Makes the model's parameters views of this training's tensor again, if another one took them."""
        if self._first.data_ptr() != self._weights.data_ptr():
            self._weights, self._gradient = flatten(self.model)
            self._kept_weights.copy_(self._weights)
            self._kept_place = self._here
            self._by_hand = self._hand_gradient()

    def _hand_gradient(self) -> HandGradient | None:
        """The gradient written out, for models of which it is; None: automatic differentiation."""
        if not self._written_out or not self.config.is_elbo or not is_written_out(self.model.config):
            return None
        return HandGradient(self.model, num_samples=self.config.num_samples, batch_size=self.batch_size)

    def evaluate(self, x: Examples, *, generator: torch.Generator) -> Evaluation:
        """The bound of examples x as the model stands, with one sample of z each; changes nothing.

        Arguments:
            x: Shape (n, D).
            generator: Draws all noise: another one than the training's.
        """
        with self.products:
            return evaluate(self.model, x, generator=generator)

    def _end_epoch(self) -> tuple[Evaluation | None, Ended | None]:
        validation, x = None, self.dataset.x_validation
        if self.config.has_validation and x is not None:
            noise = torch.Generator().manual_seed(0)
            validation = self.evaluate(x, generator=noise)
            if self._patience is not None:
                if self._patience.is_best(validation.elbo):
                    self._keep_best()
                if self._patience.is_spent:
                    return validation, "stopped_early"
        return validation, "finished" if self.is_at_end else None

    def _keep_best(self) -> None:
        state = self.generator.get_state()
        self._best = _Best(self.step, self.epoch, self._weights.clone(), _copy(self._moments), state)

    def require_finite_weights(self) -> None:
        """Raises :class:`TrainingDiverged` after a last update that made a weight NaN or infinite."""
        self._take_parameters()
        if not bool(torch.isfinite(self._weights).all()):
            self._diverged()

    def _diverged(self) -> None:
        self._weights.copy_(self._kept_weights)
        self._moments = initial_moments(self._weights, self.config)
        self._live.has_other_draws = True
        diverged_at = self.step + 1
        # The place of those weights too, so that what is saved now is a state to go on from.
        self._here = self._kept_place
        self.step, self.epoch, position, order = self._here
        self._batches.begin(order, position)
        self._live.go_back(self.step)
        raise TrainingDiverged(diverged_at, self.step)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """What a resumed training needs besides the weights: tensors, and plain values for JSON."""
        self.require_finite_weights()
        tensors = {f"{OPTIMIZER}{name}": value for name, value in self._moments.items()}
        tensors["generator"] = self.generator.get_state()
        tensors["order"] = self._batches.order.to("cpu", torch.int32)
        scalars = {
            "step": self.step,
            "epoch": self.epoch,
            "live_beta": self._live.beta,
            "learning_rate": self.learning_rate,
            "has_end": self._has_end,
            "has_other_draws": self._live.has_other_draws,
            "one_dnn": self.products.one_dnn,
            "written_out": self._by_hand is not None,
            "moves": None if self._live.moves is None else [list(move) for move in self._live.moves],
        }
        if self._patience is not None:
            scalars |= self._patience.state() | {"ended_at": self.ended_at}
        if isinstance(self.dataset.known, Number):
            scalars[Y_SCALE] = self.dataset.known.scale
        if self._best is not None:
            tensors |= {f"{_BEST}{OPTIMIZER}{name}": value for name, value in self._best.moments.items()}
            tensors |= {f"{_BEST}weights": self._best.weights, f"{_BEST}generator": self._best.generator}
            scalars["best_step"] = self._best.step
        return tensors, scalars

    def load_state(self, tensors: dict[str, Tensor], scalars: dict[str, Any]) -> None:
        """Goes on from what :meth:`state` gave; the model's weights must be loaded already.

        Raises:
            BadInput: The state is not one of this training.
        """
        try:
            self.step, self.epoch = int(scalars["step"]), int(scalars["epoch"])
            self._live.load(scalars, step=self.step)
            if not scalars["has_end"]:
                self.forget_end()
            self.products = self._saved_products(bool(scalars.get("one_dnn", False)))
            self._written_out = self._written_out and bool(scalars["written_out"])
            self._by_hand = self._hand_gradient()
            if self._patience is not None:
                self._patience.load_state(scalars)
                self.ended_at = _count_or_none(scalars["ended_at"])
                self._best = self._saved_best(tensors, scalars)
            self.generator.set_state(tensors["generator"])
            position = self.step % self.steps_per_epoch * self.batch_size
            self._batches.begin(
                checked_order(tensors["order"], position, self._batches.num_examples), position
            )
            saved = optimizer_state(tensors, self._weights, self.config)
        except (KeyError, TypeError, ValueError, OverflowError, RuntimeError) as err:
            raise BadInput("run", "the run's training state is damaged", "start the run again") from err
        self._take_parameters()
        self._kept_weights.copy_(self._weights)
        self._here = self._kept_place = self._place()
        self._moments = saved or initial_moments(self._weights, self.config)

    def _saved_best(self, tensors: dict[str, Tensor], scalars: dict[str, Any]) -> _Best | None:
        step = _count_or_none(scalars.get("best_step"))
        if step is None:
            return None
        found = {name.removeprefix(_BEST): value for name, value in tensors.items() if name.startswith(_BEST)}
        weights, generator = found["weights"].to(self._weights.device, copy=True), found["generator"]
        if (weights.shape, weights.dtype) != (self._weights.shape, self._weights.dtype):
            raise ValueError(f"the best weights have the shape {tuple(weights.shape)}")
        if not bool(torch.isfinite(weights).all()) or step % self.steps_per_epoch:
            raise ValueError("the best weights are not those of the end of an epoch")
        torch.Generator(self.generator.device).set_state(generator)  # raises where it is none
        moments = optimizer_state(found, self._weights, self.config) or initial_moments(weights, self.config)
        return _Best(step, step // self.steps_per_epoch, weights, moments, generator)

    def _saved_products(self, one_dnn: bool) -> Products:
        """Those of before, so that the sums are the same bit for bit, where this machine has them."""
        sizes = largest_product(self.model.config, self.batch_size)
        on_cpu = self._weights.device.type == "cpu"
        return Products(one_dnn=one_dnn and on_cpu and is_exact(*sizes))


_BEST: Final = "best."
"""Prefix of the tensors of the best step in a saved training state."""


def _copy(moments: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in moments.items()}


def _count_or_none(said: object) -> int | None:
    """Raises BadInput unless it is a number of updates, or None."""
    if said is None:
        return None
    check_integer("step", said, 0, 10**12, "start the run again")
    assert isinstance(said, int)
    return said
