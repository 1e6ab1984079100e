"""What was set by hand while a model trained: with the configuration it says what was computed."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, get_args

from vae_core.checks import check_choice, check_integer
from vae_core.config import check_beta, check_learning_rate, check_seed
from vae_core.errors import BadInput

Moved = Literal["beta", "learning_rate", "seed"]
MAX_MOVES: Final = 2000
"""Moves of a training that are kept: those of three minutes in which a slider is dragged all the time."""


class Move(NamedTuple):
    """Something that was set between two updates.

    Arguments:
        step: Updates made before.
        name: What: beta, the learning rate, or the seed of what is drawn from then on.
        value: To what.
    """

    step: int
    name: Moved
    value: float


def checked_moves(said: object) -> tuple[Move, ...] | None:
    """The moves that a saved state tells, in their order; None where it does not know all of them.

    Arguments:
        said: A list of [step, name, value], as JSON has it.

    Raises:
        BadInput: It is none, or a value is out of its range.

    Example:
        >>> checked_moves([[100, "beta", 4.0]])
        (Move(step=100, name='beta', value=4.0),)
    """
    if said is None:
        return None
    if not isinstance(said, list) or len(said) > MAX_MOVES:
        raise BadInput("run", f"the moves of a run are a list of at most {MAX_MOVES}", "start the run again")
    return tuple(map(_checked_move, said))


def _checked_move(said: object) -> Move:
    if not isinstance(said, list) or len(said) != 3:
        raise BadInput("run", "a move is a step, a name and a value", "start the run again")
    step, name, value = said
    check_integer("step", step, 0, 10**12, "start the run again")
    check_choice("move", name, get_args(Moved))
    if name == "seed":
        check_seed(value)
    else:
        value = check_beta(value) if name == "beta" else check_learning_rate(value)
    return Move(step, name, value)


class LiveSettings:
    """beta, the learning rate and the seed of a training as they are set by hand, and what was set when.

    Arguments:
        learning_rate: That of the configuration.
    """

    def __init__(self, learning_rate: float) -> None:
        self._configured = learning_rate
        self.learning_rate = learning_rate
        self.beta: float | None = None
        """None: the schedule's."""
        self.moves: list[Move] | None = []
        """In their order; None: there were more than ``MAX_MOVES``, and none is kept."""
        self.has_other_draws = False
        """Whether noise and order are others than configuration and moves say: it diverged, or went on from
        another seed and that move is not kept."""

    def set_beta(self, step: int, beta: float) -> None:
        """Takes ``beta`` in place of the schedule, after ``step`` updates."""
        beta = check_beta(beta)
        if beta != self.beta:
            self._note(Move(step, "beta", beta))
        self.beta = beta

    def set_learning_rate(self, step: int, learning_rate: float) -> None:
        """Takes ``learning_rate``, after ``step`` updates."""
        learning_rate = check_learning_rate(learning_rate)
        if learning_rate != self.learning_rate:
            self._note(Move(step, "learning_rate", learning_rate))
        self.learning_rate = learning_rate

    def set_seed(self, step: int, seed: int) -> None:
        """Notes that what is drawn after ``step`` updates comes from another seed."""
        self._note(Move(step, "seed", seed))

    def go_back(self, step: int) -> None:
        """Of what was moved after ``step``, only what holds now has an effect: from there on."""
        if self.moves is None:
            return
        self.moves = [move for move in self.moves if move.step <= step]
        held = {move.name: move.value for move in self.moves}
        if self.beta is not None and held.get("beta") != self.beta:
            self._note(Move(step, "beta", self.beta))
        if held.get("learning_rate", self._configured) != self.learning_rate:
            self._note(Move(step, "learning_rate", self.learning_rate))

    def load(self, scalars: Mapping[str, Any], *, step: int) -> None:
        """Takes what a saved state holds; a fork may have been given something else than was moved."""
        moves = checked_moves(scalars.get("moves"))
        self.moves = None if moves is None else list(moves)
        held = {move.name: move.value for move in moves or ()}
        self.beta = held.get("beta")
        self.learning_rate = held.get("learning_rate", self._configured)
        if scalars["live_beta"] is None:
            self.beta = None
        else:
            self.set_beta(step, scalars["live_beta"])
        self.set_learning_rate(step, scalars["learning_rate"])
        self.has_other_draws = bool(scalars.get("has_other_draws", False))

    def _note(self, move: Move) -> None:
        """Keeps a move; of several of one dial between two updates the last alone says what was trained."""
        is_seed = move.name == "seed"
        if self.moves is None:
            self.has_other_draws |= is_seed
            return
        if not is_seed:
            self.moves = [one for one in self.moves if (one.step, one.name) != (move.step, move.name)]
        self.moves.append(move)
        if len(self.moves) > MAX_MOVES:
            self.has_other_draws |= any(one.name == "seed" for one in self.moves)
            self.moves = None
