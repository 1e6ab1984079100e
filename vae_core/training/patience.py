"""When a training ends by itself: after so many epochs without a new best of the validation ELBO."""

import math
from typing import Any


class Patience:
    """Counts the epochs since the last new best of the validation ELBO (Prechelt 1998, early stopping).

    Arguments:
        epochs: How many without a new best end the training.
    """

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._best = -math.inf
        self._without_rise = 0

    @property
    def is_spent(self) -> bool:
        """Whether the last epoch that was counted was one too many."""
        return self._without_rise >= self._epochs

    def is_best(self, elbo: float) -> bool:
        """Takes the validation ELBO of one more epoch; whether it is higher than all before.

        Arguments:
            elbo: Nats per example, with the same noise at each call, so that only the weights differ.
        """
        is_best = elbo > self._best
        self._without_rise = 0 if is_best else self._without_rise + 1
        self._best = max(self._best, elbo)
        return is_best

    def state(self) -> dict[str, Any]:
        """Plain values from which :meth:`load_state` goes on."""
        best = self._best if math.isfinite(self._best) else None
        return {"best_validation": best, "epochs_without_rise": self._without_rise}

    def load_state(self, values: dict[str, Any]) -> None:
        """Takes what :meth:`state` gave; raises KeyError, TypeError or ValueError for anything else."""
        best = values["best_validation"]
        self._best = -math.inf if best is None else float(best)
        self._without_rise = int(values["epochs_without_rise"])
