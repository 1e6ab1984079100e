"""What was set by hand while a model trained: with the configuration it says what was computed."""

from typing import Final, Literal, NamedTuple, get_args

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
