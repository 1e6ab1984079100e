"""The two exceptions of the core: input that cannot be used, and training that diverged."""


class BadInput(ValueError):
    """Input that cannot be used, explained in one sentence with its remedy.

    Arguments:
        code: What is wrong, for programs: a field name (``"latent_dim"``) or a short word (``"idx_magic"``).
        message: What is wrong, for people: names the field and the value found.
        hint: What to do about it.

    Example:
        >>> str(BadInput("beta", "beta must be at least 0, got -1", "use 1 for the ELBO"))
        'beta must be at least 0, got -1; use 1 for the ELBO.'
    """

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(f"{message}; {hint}.")
        self.code = code
        self.message = message
        self.hint = hint


class TrainingDiverged(RuntimeError):
    """Training diverged (non-finite objective); the model holds its last state with a finite objective.

    Arguments:
        step: The step whose objective was NaN or infinite.
        kept_step: The number of updates in the state that is kept.
    """

    hint = "lower the learning rate and go on; the last good state is kept"

    def __init__(self, step: int, kept_step: int) -> None:
        super().__init__(f"diverged at step {step}: {self.hint} (step {kept_step}).")
        self.step = step
        self.kept_step = kept_step
