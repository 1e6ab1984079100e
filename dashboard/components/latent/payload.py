"""The message to the latent explorer, as bytes: the whole model and where its held-out examples lie."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from dashboard.figures.classes import number_palettes
from dashboard.theme import PALETTES
from vae_core.config import ModelConfig

if TYPE_CHECKING:
    from vae_core.model import VAE
    from vae_core.posteriors import AnyPosterior

FloatArray = NDArray[np.float32]

MAX_DECODER_BYTES: Final = 20_000_000
"""A larger decoder stays on the server."""
MAX_DECODER_PRODUCTS: Final = 8_000_000
"""Of a weight and a value, for one image: about 10 ms in a browser. Convolutions take many."""
MAX_EXAMPLES: Final = 60_000
MAX_POSTERIOR_BYTES: Final = 4_000_000
"""Of all means and standard deviations: with many latent dimensions fewer examples are sent."""
MAX_BYTES: Final = 8_000_000
"""Of everything but a larger model; images are left out first."""
MIN_X_BYTES: Final = 200_000
"""Of images that even the largest model leaves room for: there is always one to take to the drawing sheet."""

MAX_COMPONENTS_DRAWN: Final = 100
MAX_COMPONENT_VALUES: Final = 40_000

_TYPES: Final = {"f4": np.dtype("<f4"), "i4": np.dtype("<i4"), "u1": np.dtype("u1")}


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedModel:
    """A model and its held-out examples as the browser gets them; made once for all sessions.

    Arguments:
        meta: Plain values; ``arrays`` gives type, offset (bytes, from the first array on) and length of each.
        body: The arrays one after the other, each at a multiple of four bytes.
    """

    meta: dict[str, object]
    body: bytes = field(repr=False)


def flat_weights(weights: list[NDArray[np.float32]], biases: list[NDArray[np.float32]]) -> FloatArray:
    """The parameters of a network in one row: each matrix or kernel row by row, then its bias.

    Arguments:
        weights: W_l of shape (outputs, inputs), or the kernels of a convolution, first layer first.
        biases: b_l of shape (outputs,).
    """
    layers = zip(weights, biases, strict=True)
    return np.concatenate([part.ravel() for layer in layers for part in layer])


def pack_model(
    config: ModelConfig,
    *,
    decoder: FloatArray,
    encoder: FloatArray,
    scale: float | None,
    x: FloatArray,
    labels: NDArray[np.int32],
    means: FloatArray,
    stds: FloatArray,
    factors: FloatArray | None = None,
    shapes: FloatArray | None = None,
    about: dict[str, object],
) -> PackedModel | None:
    """Packs a model for the browser.

    Arguments:
        config: What the model is.
        decoder, encoder: Its parameters, see :func:`flat_weights`.
        scale: s of a Gaussian likelihood with one scale; None for the others.
        x: Held-out examples, the first m of n, shape (m, D); images from 0 to 1.
        labels: Classes, shape (n,), -1 where an example has none.
        means, stds: Of q(z|x), shape (n, J).
        factors: L of a full covariance matrix, shape (m, J, J), of the first m examples; None: diagonal.
        shapes: What says which q it is of these that is no Gaussian, shape (m, P); else None.
        about: More plain values: ``image_shape``, ``columns``, ``class_names``, ``given_y``, ``kl_per_dim``,
            ``step``, ``run``, and ``components`` of a learned prior.

    Returns:
        The packed model, with as many examples as ``MAX_EXAMPLES`` and ``MAX_POSTERIOR_BYTES`` allow and as
        many of their x as ``MAX_BYTES`` allow; None where the decoder is larger than ``MAX_DECODER_BYTES`` or
        takes more than ``MAX_DECODER_PRODUCTS``.
    """
    if decoder.nbytes > MAX_DECODER_BYTES or sum(config.decoder_products) > MAX_DECODER_PRODUCTS:
        return None
    lower = np.empty((len(means), 0), np.float32) if factors is None else _lower_triangles(factors)
    more = np.empty((len(lower), 0), np.float32) if shapes is None else shapes
    num_values = 2 * config.latent_dim + lower.shape[1] + more.shape[1]
    count = min(len(lower), MAX_EXAMPLES, MAX_POSTERIOR_BYTES // (4 * num_values))
    arrays = {
        "decoder": _typed(decoder, "f4"),
        "encoder": _typed(encoder, "f4"),
        "means": _typed(means[:count], "f4"),
        "stds": _typed(stds[:count], "f4"),
        "factors": _typed(lower[:count], "f4"),
        "shapes": _typed(more[:count], "f4"),
        "labels": _typed(labels[:count], "i4"),
    }
    left = max(MIN_X_BYTES, MAX_BYTES - sum(array.nbytes for array in arrays.values()))
    arrays["x"] = _values(x[:count], left, images=about["image_shape"] is not None)
    meta = {
        "config": config.to_dict() | {"scale": scale},
        "hash": _digest(decoder, encoder),
        "palettes": PALETTES,
        "arrays": _places(arrays),
        "num_examples": count,
    }
    return PackedModel(meta=about | meta, body=b"".join(map(_padded, arrays.values())))


def recoloured(
    packed: PackedModel,
    labels: NDArray[np.int32],
    *,
    names: tuple[str, ...],
    title: str,
    ends: tuple[str, str] | None = None,
) -> PackedModel:
    """The same with other labels in the place of the classes.

    Arguments:
        packed: The model.
        labels: Of the examples, shape (n,).
        names: Of the labels 0, 1, ...
        title: What they are.
        ends: The least and the largest number, of which they are steps, drawn in a ramp of colours.
    """
    places = packed.meta["arrays"]
    assert isinstance(places, dict)
    start, count = places["labels"]["offset"], places["labels"]["length"]
    content = _typed(labels[:count], "i4").tobytes()
    digest = hashlib.sha256(content + title.encode()).hexdigest()[:8]
    changed = {
        "class_names": list(names),
        "colour": {"title": title, "ends": ends},
        "palettes": PALETTES if ends is None else number_palettes(len(names)),
        "hash": f"{packed.meta['hash']}-{digest}",
    }
    body = packed.body[:start] + content + packed.body[start + len(content) :]
    return PackedModel(meta=packed.meta | changed, body=body)


def prior_components(model: "VAE") -> list[dict[str, list[float]]]:
    """The components of a learned prior as the plane draws them, the heaviest first; none for N(0, I)."""
    import torch

    from vae_core.priors import StandardNormal

    with torch.no_grad():
        prior = model.prior
        if isinstance(prior, StandardNormal):
            return []
        parts, dim = prior.components, model.config.latent_dim
        values = 2 * dim if parts.is_factorised else dim * (dim + 5) // 2
        order = prior.log_weights.argsort(descending=True)
        order = order[: max(1, min(MAX_COMPONENTS_DRAWN, MAX_COMPONENT_VALUES // values))]
        columns = {"mean": parts.mean[order], "std": parts.std[order]}
        if not parts.is_factorised:
            columns["factor"] = torch.from_numpy(_lower_triangles(parts.parameters[1][order].numpy()))
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


@dataclass(frozen=True, slots=True)
class Shape:
    """What q(z|x) of some examples is beside mean and deviations.

    Arguments:
        factors: L of the covariance matrices, shape (n, J, J); None where they are diagonal.
        parameters: Of what is no Gaussian, side by side: centre, sigma, and a, v and b of each planar layer
            of a flow, or means, sigmas and weights of a mixture; else None.
    """

    factors: FloatArray | None
    parameters: FloatArray | None


def shape_of(q: "AnyPosterior") -> Shape:
    """That of q, of n examples."""
    import torch

    from vae_core.posteriors import DiagonalNormal, FullNormal, PlanarNormal

    if isinstance(q, DiagonalNormal):
        return Shape(None, None)
    if isinstance(q, FullNormal):
        return Shape(q.factor.numpy(), None)
    if isinstance(q, PlanarNormal):
        parts = (q.centre, torch.exp(0.5 * q.log_var), q.layers.flatten(1))
    else:
        parts = (q.means.flatten(1), torch.exp(0.5 * q.log_vars).flatten(1), q.log_weights.exp())
    return Shape(q.matched.factor.numpy(), torch.cat(parts, 1).numpy())


Point = tuple[float, ...]


def latent_message(
    packed: PackedModel, *, plane: tuple[int, int], z: Point = (), pins: tuple[Point, ...] = ()
) -> bytes:
    """The packed model with the plane to show as bytes.

    Arguments:
        packed: The model.
        plane: The two latent dimensions to show.
        z: Where z is at first, shape (J,); of any other length: 0.
        pins: Pinned points at first; those of another number of dimensions are left out.

    Returns:
        The length of the JSON (uint32, little-endian), the JSON, padded to a multiple of four bytes with
        spaces, and the arrays.
    """
    head = json.dumps(packed.meta | {"plane": plane, "start": {"z": z, "pins": pins}}).encode()
    head += b" " * (-len(head) % 4)
    return len(head).to_bytes(4, "little") + head + packed.body


def _lower_triangles(factors: FloatArray) -> FloatArray:
    """Entries of L row by row, shape (n, J (J + 1) / 2)."""
    rows, columns = np.tril_indices(factors.shape[-1])
    return factors[:, rows, columns]


def _typed(array: NDArray[np.generic], kind: str) -> NDArray[np.generic]:
    return np.ascontiguousarray(array, dtype=_TYPES[kind])


def _values(x: FloatArray, num_bytes: int, *, images: bool) -> NDArray[np.generic]:
    kind = "u1" if images else "f4"
    first = x[: max(1, num_bytes // (_TYPES[kind].itemsize * x.shape[1]))]
    return _typed(np.clip(np.nan_to_num(first) * 255 + 0.5, 0, 255) if images else first, kind)


def _padded(array: NDArray[np.generic]) -> bytes:
    return array.tobytes() + b"\0" * (-array.nbytes % 4)


def _places(arrays: dict[str, NDArray[np.generic]]) -> dict[str, dict[str, object]]:
    layout: dict[str, dict[str, object]] = {}
    offset = 0
    for name, array in arrays.items():
        kind = f"{array.dtype.kind}{array.dtype.itemsize}"
        layout[name] = {"type": kind, "offset": offset, "length": array.size}
        offset += array.nbytes + -array.nbytes % 4
    return layout


def _digest(*weights: FloatArray) -> str:
    digest = hashlib.sha256()
    for array in weights:
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]
