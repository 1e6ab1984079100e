"""Cached computations of the Latent space page, keyed by the model in view."""

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from dashboard import cached as cache
from dashboard.caching import cached
from dashboard.components.latent.payload import (
    MAX_EXAMPLES,
    PackedModel,
    flat_weights,
    pack_model,
    prior_components,
    shape_of,
)
from dashboard.labels import MAX_NAMED
from dashboard.subject import Subject

if TYPE_CHECKING:
    from vae_core.latent.projection import Pca

Array = NDArray[np.float32]


def packed_model(subject: Subject) -> PackedModel | None:
    """The model and its held-out examples for the browser; None where the decoder is too large for it."""
    found = _packed_model(subject)
    # Runs of the same content share the packed model, but each keeps its own name.
    return None if found is None else replace(found, meta=found.meta | {"run": subject.name})


# Each has 20 MB of weights and 8 MB of examples at most.
@cached()
def _packed_model(subject: Subject) -> PackedModel | None:
    model, held_out = subject.model, cache.encoded(subject)
    shape = shape_of(cache.posterior(subject))
    decoder, encoder = (
        flat_weights([w.detach().numpy() for w in mlp.weights], [b.detach().numpy() for b in mlp.biases])
        for mlp in (model.decoder, model.encoder)
    )
    return pack_model(
        model.config,
        decoder=decoder,
        encoder=encoder,
        scale=subject.likelihood_scale if model.config.has_scale else None,
        x=held_out.x[:MAX_EXAMPLES],
        labels=held_out.labels,
        means=held_out.means,
        stds=held_out.stds,
        factors=shape.factors,
        shapes=shape.parameters,
        about={
            "image_shape": subject.image_shape,
            "columns": subject.columns[:MAX_NAMED],
            "class_names": subject.class_names,
            "kl_per_dim": held_out.kl_per_dim.mean(0).tolist(),
            "step": subject.step,
            "given_y": subject.y is not None,
            "components": prior_components(model),
        },
    )


# 24 x 24 images of 28 x 28 pixels are 2 MB.
@cached()
def grid(subject: Subject, axis: tuple[float, ...], plane: tuple[int, int], base: tuple[float, ...]) -> Array:
    """Decoded means over the plane, shape (rows, columns, D), at the values of ``axis`` on both sides."""
    import torch

    from vae_core.latent.decode import decoded_grid

    return decoded_grid(subject.model, torch.tensor(axis), plane, base=torch.tensor(base)).numpy()


@cached()
def pca(subject: Subject) -> "Pca":
    """The two main components of the held-out posterior means."""
    from vae_core.latent.projection import pca_projection

    return pca_projection(cache.encoded(subject).means)


def quantiles(num_points: int) -> Array:
    """Gaussian quantiles, ascending, shape (num_points,)."""
    from vae_core.latent.decode import quantile_axis

    return quantile_axis(num_points).numpy()


def dims_by_kl(subject: Subject) -> list[int]:
    """The latent dimensions, the largest KL first; where the KL has no parts, the widest means first."""
    found = cache.encoded(subject)
    use = found.kl_per_dim.mean(0) if found.kl_per_dim.shape[1] else found.means.var(0)
    return np.argsort(-use, kind="stable").tolist()


def prior_density(subject: Subject, dim: int, axis: Array) -> Array:
    """p(z_dim) of the model's prior at values of shape (n,)."""
    import torch

    with torch.no_grad():
        return subject.model.prior.marginal(dim).log_prob(torch.from_numpy(axis)[:, None]).exp().numpy()


def decode_one(subject: Subject, z: Array, *, sample: bool = False) -> Array:
    """E[x|z], or a draw from p(x|z), at z of shape (J,), shape (D,)."""
    return (_sample if sample else cache.decode)(subject, z[None])[0]


def _sample(subject: Subject, z: Array) -> Array:
    """One draw from p(x|z) at each z of shape (n, J), shape (n, D); the run's seed decides the noise."""
    import torch

    noise = torch.Generator().manual_seed(subject.config.seed)
    with torch.no_grad():
        return subject.model.likelihood(torch.from_numpy(z)).sample(1, generator=noise)[0].numpy()


@cached()
def with_each_y(subject: Subject, row: int, values: tuple[float, ...]) -> Array:
    """E[x|z, y'] of some y' at the posterior mean z of one held-out example, shape (values, D).

    Arguments:
        subject: A conditional run given a y.
        row: The example, among those that are looked at with it.
        values: The classes, or the numbers, y'.
    """
    assert subject.conditional is not None
    z = np.repeat(cache.encoded(subject).means[row : row + 1], len(values), axis=0)
    return cache.decode(subject.conditional, z, np.array(values))


@cached()
def quantiles_of_y(subject: Subject, count: int) -> tuple[float, ...]:
    """Numbers y from the 5 % to the 95 % quantile of the training part, in equal steps.

    Arguments:
        subject: A conditional run given a number.
        count: How many.
    """
    assert subject.conditional is not None
    values = subject.conditional.values_of_y("training").numpy()
    low, high = np.quantile(values, (0.05, 0.95)).tolist()
    return tuple(np.linspace(low, high, count).tolist())


def neighbours(
    points: Array | cache.Rows, row: int, metric: Literal["euclidean", "cosine"]
) -> tuple[NDArray[np.int64], Array]:
    """The ten rows nearest to a row, itself left out, and their distances."""
    import torch

    from vae_core.latent.decode import nearest_neighbours

    found = points.examples if isinstance(points, cache.Rows) else torch.from_numpy(points)
    near = nearest_neighbours(found, found[row], num_neighbours=11, metric=metric)
    others = near.indices != row
    return near.indices[others][:10].numpy(), near.distances[others][:10].numpy()
