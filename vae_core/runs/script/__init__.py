"""The code of a run: a stand-alone script that trains the same model and prints the same held-out ELBO.

It needs torch, numpy and scikit-learn, holds only what this run uses, and makes the same draws from the same
generators in the same order. Its gradients come from automatic differentiation: a run that was trained so has
its weights bit for bit, on the processor with one thread. Where the run's gradient was written out
(:mod:`vae_core.training.by_hand`) or its products are those of another library
(:mod:`vae_core.training.products`), the two round differently, by 1e-7 in an update.
"""

from vae_core.runs.script.whole import WRITTEN_BY, reported_elbo, script_of

__all__ = ["WRITTEN_BY", "reported_elbo", "script_of"]
