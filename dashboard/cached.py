"""Cached computations on a trained model that several pages share: thin wrappers round one core call each.

Torch and scikit-learn are imported inside, so that a page draws before they are there. Whatever depends on
a model takes the :class:`Subject` itself and is keyed by its digest; a cached array is read only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from dashboard.caching import cached
from dashboard.components.walk.element import walk_message
from dashboard.runs.pretrained import PRETRAINED_SNAPSHOT
from dashboard.subject import Split, Subject
from vae_core.runs.snapshot import Snapshot, read_snapshot

if TYPE_CHECKING:
    from vae_core.data.byte_images import Examples
    from vae_core.posteriors import AnyPosterior

Array = NDArray[np.float32]
HELD_OUT: Final[Split] = "held_out"
MAX_FACTOR_VALUES: Final = 20_000_000
"""Entries of all L, or parameters of all q, that are kept together."""
FACTORS_AT_ONCE: Final = 1000


class Rows:
    """Examples as arrays, x[rows] and x[:]: of images that are kept as bytes only those asked for are made.

    Arguments:
        examples: Shape (n, D); only ever read.
    """

    def __init__(self, examples: "Examples") -> None:
        self.examples = examples

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, rows: int | slice | NDArray[Any]) -> Array:
        import torch

        return self.examples[rows if isinstance(rows, int | slice) else torch.tensor(rows)].numpy()

    def pieces(self) -> Iterator[Array]:
        """All of them, some at a time."""
        from vae_core.data.byte_images import pieces_of

        return (piece.numpy() for piece in pieces_of(self.examples))


MOST_NATS: Final = 2.0**53
"""Beyond it a float64 steps over single nats: no bound is measured there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Examples and their approximate posteriors.

    Arguments:
        x: Examples, shape (n, D): ``x[rows]`` are arrays.
        labels: Classes, shape (n,), -1 where an example has none.
        means: Posterior means, shape (n, J).
        stds: Posterior standard deviations, shape (n, J).
        elbo, reconstruction, kl: Terms of the bound for each example, shape (n,), nats.
        kl_per_dim: Parts of the KL by dimension for each example, shape (n, J), nats; (n, 0) without a KL in
            closed form.
    """

    x: Rows
    labels: NDArray[np.int32]
    means: Array
    stds: Array
    elbo: Array
    reconstruction: Array
    kl: Array
    kl_per_dim: Array

    @property
    def has_diverged(self) -> bool:
        """Whether a bound is no finite number, or so large that a float64 has no single nats there."""
        return not bool((np.abs(self.elbo) < MOST_NATS).all())  # NaN is not below it


# 60 000 examples and J = 32 are 25 MB; x is the data set's own memory.
@cached("Encoding the examples …")
def encoded(subject: Subject, split: Split = HELD_OUT, *, num_samples: int = 1) -> Encoded:
    """The examples of one part of the data in the latent space, and the bound of each of them."""
    return encode(subject, split, num_samples=num_samples)


def encode(
    subject: Subject, split: Split, *, num_samples: int = 1, max_examples: int | None = None
) -> Encoded:
    """What :func:`encoded` keeps, computed anew: for where no page is drawn.

    Arguments:
        subject: The model and its data.
        split: Which part of the data.
        num_samples: M of the bound.
        max_examples: Only so many of the examples, the first; None: all.

    Raises:
        BadInput: So many samples of so many examples take too long in this network.
    """
    import torch

    from vae_core.elbo import terms_per_example
    from vae_core.memory import check_evaluation, chunk_rows, widest_layer

    x, labels = subject.examples(split)
    rows = subject.rows(split)
    x, rows = (x, rows) if max_examples is None else (x[:max_examples], rows[:max_examples])
    labels = None if labels is None else labels[:max_examples]
    check_evaluation(subject.config.model, num_examples=len(x), num_samples=num_samples)
    noise = torch.Generator().manual_seed(subject.config.seed)
    terms = terms_per_example(subject.model, rows, num_samples=num_samples, generator=noise)
    with torch.no_grad():
        pieces = rows.split(chunk_rows(widest_layer(subject.config.model)))
        # Not the posteriors themselves: full covariance matrices of all examples may be too many to keep.
        posteriors = (model.posterior(piece) for model, piece in map(subject.model.of_rows, pieces))
        codes = [q.moments for q in posteriors]
    means, stds = (torch.cat(part).numpy() for part in zip(*codes, strict=True))
    per_dim = torch.empty(len(x), 0) if terms.kl_per_dim is None else terms.kl_per_dim
    return Encoded(
        x=Rows(x),
        labels=np.full(len(x), -1, np.int32) if labels is None else labels.numpy().astype(np.int32),
        means=means,
        stds=stds,
        elbo=terms.elbo.numpy(),
        reconstruction=terms.reconstruction.numpy(),
        kl=terms.kl.numpy(),
        kl_per_dim=per_dim.numpy(),
    )


# Of no more examples than 80 MB hold L of.
@cached()
def posterior(
    subject: Subject, split: Split = HELD_OUT, *, max_examples: int | None = None
) -> "AnyPosterior":
    """q(z|x) of the first examples; without a density its deviations are 0."""
    import torch

    from vae_core.posteriors import DiagonalNormal, concatenated

    model = subject.config.model
    terms = encoded(subject, split)
    if model.encoder_head != "full_covariance" and not model.not_gaussian:
        means, stds = (torch.from_numpy(part[:max_examples]) for part in (terms.means, terms.stds))
        return DiagonalNormal.from_std(means, stds)
    most = MAX_FACTOR_VALUES // max(model.latent_dim**2, model.encoder_sizes[-1])
    count = min(len(terms.means), max_examples or len(terms.means), most)
    x = subject.examples(split)[0][:count]
    with torch.no_grad():
        pieces = [subject.model.posterior(piece).as_density() for piece in x.split(FACTORS_AT_ONCE)]
    return concatenated(pieces)


def mean(values: Array) -> float:
    """Mean over the examples, in float64."""
    return float(values.astype(np.float64).mean())


def decode(subject: Subject, z: Array, y: NDArray[Any] | None = None) -> Array:
    """E[x|z] at z of shape (n, J), shape (n, D): a tenth of a millisecond, so it is not kept.

    Arguments:
        subject: The model.
        z: Where.
        y: Of a conditional run that is given none the class, or the number, of each z, shape (n,).
    """
    import torch

    model, known = subject.model, subject.known
    if known is not None:
        from vae_core.data.conditions import rows_of

        assert y is not None, "each z is decoded with its own y"
        nothing = torch.zeros(len(z), subject.config.model.data_dim)
        model, _ = model.of_rows(rows_of(nothing, torch.from_numpy(y), known)[:])
    with torch.no_grad():
        return model.likelihood(torch.from_numpy(z)).mean.numpy()


@cached()
def pretrained_walk() -> bytes:
    """What the moving picture of Start is told."""
    return walk_message(pretrained_snapshot())


@cached()
def pretrained_snapshot() -> Snapshot:
    """The pictures of the pretrained model, read without torch."""
    return read_snapshot(PRETRAINED_SNAPSHOT)
