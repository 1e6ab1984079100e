"""The whole script, part by part, in the order in which it is read."""

from typing import Final

from vae_core.data import DATASETS, Dataset
from vae_core.data.own import NAME
from vae_core.errors import BadInput
from vae_core.runs.by_step import ByStep
from vae_core.runs.runfile import Run
from vae_core.runs.script.bound import bound_of, held_out_of
from vae_core.runs.script.data import data_of
from vae_core.runs.script.facts import Facts
from vae_core.runs.script.layout import by_step
from vae_core.runs.script.network import network_of
from vae_core.runs.script.training import training_of
from vae_core.runs.snapshot import HISTORY_COLUMNS

WRITTEN_BY: Final = "VAE Dashboard 0.1.0"

_WEIGHS: Final = {
    "elbo": "weight of the KL; 1 is the ELBO",
    "importance_weighted": "power of p(z) / q(z|x) in each weight; 1 is the bound",
    "mmd": "weight of D MMD^2(q(z), p(z))",
    "total_correlation": "weight of the total correlation; 1 is the ELBO",
}

_HEAD: Final = '''"""A variational autoencoder (VAE) that is trained as a run of {written_by} was.

Prints the held-out ELBO of that run. Needs Python 3.11, torch, numpy and scikit-learn.
{usage}The model: Kingma and Welling 2014, Auto-Encoding Variational Bayes, arXiv 1312.6114.
"""'''


def script_of(run: Run, data: Dataset, *, title: str = "") -> str:
    """Python source of a script that trains the model of a run on its data, and prints its held-out ELBO.

    Live changes of beta and the learning rate are made at their steps; what is not replayed is said there.

    Arguments:
        run: The run as it was saved, with its history.
        data: What it was trained on.
        title: A name that somebody gave it: any text, which stays a comment.

    Raises:
        BadInput: The data have no name in ``DATASETS`` and nobody brought them, so no script can load them;
            or what the run says of its moves cannot be.
    """
    if run.config.dataset not in DATASETS and NAME.fullmatch(run.config.dataset) is None:
        message = "these data are in this run alone, so no script can load them"
        raise BadInput("dataset", message, "train on a data set of the menu")
    facts = Facts(run, data)
    bound = bound_of(facts)
    if facts.is_conv:
        bound = bound.replace("forward(encoder, x)", "encode(x)").replace("forward(decoder, z)", "decode(z)")
    parts = [
        _head(facts),
        _settings(facts, title),
        data_of(facts),
        network_of(facts),
        bound,
        held_out_of(facts),
        training_of(facts),
        _result(facts),
    ]
    return "\n\n\n".join(part.strip("\n") for part in parts) + "\n"


def _head(facts: Facts) -> str:
    usage = (
        "Call it with the folder of your IDX files, or name the folder when it asks.\n"
        if facts.is_idx
        else ""
    )
    if facts.is_own:
        usage = "Call it with the NPZ file of your data, or name the file when it asks.\n"
    head = _HEAD.format(written_by=WRITTEN_BY, usage=usage)
    standard = ["import math", "from itertools import pairwise"]
    if facts.is_idx:
        standard = ["import gzip", "import math", "import sys", *standard[1:], "from pathlib import Path"]
    if facts.is_own:
        standard = ["import math", "import sys", *standard[1:]]
    if not facts.model.hidden_dims or facts.is_conv:
        standard.remove("from itertools import pairwise")
    others = ["import numpy as np", "import torch"]
    if facts.config.dataset == "digits":
        others.append("from sklearn.datasets import load_digits")
    others.append("from torch.nn import functional as F")
    threads = "torch.set_num_threads(1)  # as in the app: more threads add in another order"
    return "\n".join([head, "", *standard, "", *others, "", threads])


def _settings(facts: Facts, title: str) -> str:
    train, model = facts.train, facts.model
    # A literal keeps whatever a name holds, quotes and line ends too, on one line of comment. Not in the
    # first two lines of the file: there a comment may choose the encoding of the rest.
    lines = [f"# Name of the run: {title!r}"] if title else []
    lines.append(f"SEED = {facts.config.seed}")
    if facts.has_beta:
        lines.append(_dial(facts, "BETA", train.beta, facts.live_beta, _WEIGHS[facts.objective]))
    lines.append(_dial(facts, "LEARNING_RATE", train.learning_rate, facts.rates, "step size"))
    lines.append(f"BATCH_SIZE = {train.batch_of(len(facts.data.x_train))}")
    if facts.objective != "elbo" or facts.has_samples:
        lines.append(f"NUM_SAMPLES = {train.num_samples}  # samples of z per example in training, M")
    if train.free_bits and not facts.is_deterministic:
        each = "latent dimension" if model.has_kl_parts else "example"
        lines.append(f"FREE_BITS = {train.free_bits!r}  # nats of KL per {each} that cost nothing")
    if facts.has_patience:
        lines.append(
            f"PATIENCE = {train.patience}  # epochs without a rise of the validation ELBO that end it"
        )
    lines.append(f"NUM_STEPS = {facts.num_steps}  # updates that the run made")
    if facts.seeds.values:
        lines.append(by_step("NEW_SEEDS", facts.seeds.values, "a fork had other draws"))
    if not facts.is_normal:
        lines.append(f"NUM_COMPONENTS = {model.num_components}  # of the learned prior, K")
    if facts.run.state_scalars.get("has_other_draws"):
        lines.append("# Not replayed: the run diverged or was forked, and has had other draws since.")
    return "\n".join(lines)


def _dial(facts: Facts, name: str, start: float, changes: ByStep, what: str) -> str:
    if facts.is_scheduled and name == "BETA":
        line = f"BETA = {start!r}  # to which its schedule leads: {what}"
        if changes.values:
            line += "\n" + by_step("LIVE_BETA", changes.values, "what it was moved to by hand")
    elif list(changes.values) == [0]:
        line = f"{name} = {changes.values[0]!r}  # {what}"
    else:
        line = by_step(name, changes.values, what)
    for first, last in changes.unsure:
        line += (
            f"\n# Not replayed exactly: {name} moved between steps {first} and {last}; "
            f"here the last value holds from {first} on."
        )
    return line


def _result(facts: Facts) -> str:
    observed = "observed" if facts.is_observed_in_part else "x_test"
    name, call = "ELBO", f"held_out_elbo({observed}, SEED)"
    if facts.is_deterministic:
        name, call = "reconstruction", f"held_out_reconstruction({observed})"
    lines = [f'print(f"\\nHeld-out {name}: {{{call}:.4f}} nats per example")']
    reported = reported_elbo(facts.run)
    if reported is not None:
        lines.append(f'print("In the app:{" " * (len(name) - 1)}{reported:.4f}")')
    return "\n".join(lines)


def reported_elbo(run: Run) -> float | None:
    """The held-out ELBO of the last row of the history, nats per example; None where there is none.

    Of a deterministic encoder the reconstruction, which is no bound.
    """
    column = HISTORY_COLUMNS.index("elbo_held_out")
    return float(run.history[-1, column]) if len(run.history) else None
