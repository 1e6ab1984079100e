"""Images of 0 and 1: grey values cut at 1/2, or drawn with them as probabilities.

With a Bernoulli likelihood the bound of such images is a bound of the log-probability of what is there, and
compares with the literature; of grey values it is none.
"""

from dataclasses import replace
from typing import Final

import torch

from vae_core.config import Binarised
from vae_core.data.byte_images import ByteImages, Examples, RedrawnImages, drawn_from, pieces_of
from vae_core.data.dataset import Dataset, seeded_generator
from vae_core.errors import BadInput

SEEDS: Final = {"held_out": 0, "training": 1}
"""Of the draw of each part that is looked at: one and the same for all runs."""
_NOTES: Final[dict[Binarised, str]] = {
    "threshold": "Binarised at a threshold: a pixel is 1 where its grey value is above 0.5.",
    "stochastic": "Binarised stochastically: training draws each pixel anew for each update, 1 with its grey "
    "value as the probability (Burda et al. 2016); what is measured and shown was drawn once, by a fixed "
    "seed.",
}


def binarised(dataset: Dataset, kind: Binarised) -> Dataset:
    """The same data set with pixels 0 and 1; one note says how.

    Arguments:
        dataset: Images in [0, 1], without a validation part.
        kind: ``no``: as it is; ``threshold``: 1 above 0.5; ``stochastic``: 1 with the grey value as its
            probability, the held-out part once, the training part anew for each update.

    Raises:
        BadInput: The data are no images (code ``binarised``).

    Example:
        >>> from vae_core.data import load_dataset
        >>> binarised(load_dataset("digits"), "threshold").x_test[:].unique()
        tensor([0., 1.])
    """
    if kind == "no":
        return dataset
    if dataset.image_shape is None:
        raise BadInput("binarised", "points cannot be binarised", "choose images, or leave them as they are")
    x_train, x_test = dataset.x_train, dataset.x_test
    if kind == "threshold":
        x_train, x_test = _cut(x_train), _cut(x_test)
    else:
        x_train = RedrawnImages(_drawn(x_train, SEEDS["training"]), x_train)
        x_test = ByteImages(_drawn(x_test, SEEDS["held_out"]))
    return replace(dataset, x_train=x_train, x_test=x_test, notes=(*dataset.notes, _NOTES[kind]))


def _cut(x: Examples) -> ByteImages:
    return ByteImages(torch.cat([(piece > 0.5).byte() * 255 for piece in pieces_of(x)]))


def _drawn(x: Examples, seed: int) -> torch.Tensor:
    generator = seeded_generator(seed)
    return torch.cat([drawn_from(piece, generator=generator).byte() * 255 for piece in pieces_of(x)])
