"""The stop criterion: a training ends when the held-out bound has not risen for a while."""

import math
from typing import Any


class Patience:
    """Counts the epochs since the held-out ELBO was last better than ever (Prechelt 1998, early stopping).

    Arguments:
        epochs: How many without a rise end the training.
    """

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._best = -math.inf
        self._without_rise = 0

    def is_over(self, elbo: float) -> bool:
        """Takes the held-out ELBO of one more epoch and says whether it is time to stop.

        Arguments:
            elbo: Nats per datum; the same noise each time, so that weights are compared and not luck.
        """
        self._without_rise = 0 if elbo > self._best else self._without_rise + 1
        self._best = max(self._best, elbo)
        return self._without_rise >= self._epochs

    def state(self) -> dict[str, Any]:
        """Plain values from which :meth:`load_state` goes on."""
        best = self._best if math.isfinite(self._best) else None
        return {"best_held_out": best, "epochs_without_rise": self._without_rise}

    def load_state(self, values: dict[str, Any]) -> None:
        """Takes what :meth:`state` gave; raises KeyError, TypeError or ValueError for anything else."""
        best = values["best_held_out"]
        self._best = -math.inf if best is None else float(best)
        self._without_rise = int(values["epochs_without_rise"])
