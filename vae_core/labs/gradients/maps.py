"""The linear maps of a network, their derivatives written out: matrices and convolutions.

A convolution takes 4 x 4 pixels at every second place, K[o, i, a, b] being the weight of pixel (a, b) of map
i in map o; a transposed one gives them back (:mod:`vae_core.networks`). Each is the adjoint of the other:

    u_o[r, s]            = sum_iab K[o, i, a, b] h_i[2r + a - 1, 2s + b - 1]
    dL/dh_i[p, q]        = sum K[o, i, a, b] delta_o[r, s]  over all with p = 2r + a - 1, q = 2s + b - 1
    dL/dK[o, i, a, b]    = sum_rs delta_o[r, s] h_i[2r + a - 1, 2s + b - 1]

so that dL/dh of a convolution is a transposed convolution of delta with the same kernel, and dL/dK a
correlation of delta with the input.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from vae_core.config import KERNEL, ModelConfig
from vae_core.networks import Network

Maps = tuple[int, int, int]
"""Channels, height and width."""


class Matrix(NamedTuple):
    """u = W h + b."""

    weight: Tensor
    bias: Tensor

    def forward(self, h: Tensor) -> Tensor:
        """u, shape (rows, fan_out)."""
        return functional.linear(h, self.weight, self.bias)

    def back(self, delta: Tensor) -> Tensor:
        """dL/dh = W^T delta, shape (rows, fan_in)."""
        return delta @ self.weight

    def gradient(self, delta: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """dL/dW = sum delta h^T and dL/db = sum delta, over the rows."""
        return delta.T @ h, delta.sum(0)


class Convolution(NamedTuple):
    """A convolution, or its adjoint with weights of its own, of maps whose channels lie last in a row.

    Arguments:
        weight: K, of coarse map, fine map and pixel: shape (coarse, fine, 4, 4).
        bias: Of the maps that come out.
        fine, coarse: Maps at twice the resolution, and at the single one.
        is_transposed: From coarse to fine.
        per_value: Groups of fine maps that lie one after the other in a row: means, and then variances.
    """

    weight: Tensor
    bias: Tensor
    fine: Maps
    coarse: Maps
    is_transposed: bool
    per_value: int = 1

    def forward(self, h: Tensor) -> Tensor:
        """u, shape (rows, fan_out)."""
        u = self._to_fine(h) if self.is_transposed else self._to_coarse(h)
        return self._rows(u + self.bias[:, None, None], is_fine=self.is_transposed)

    def back(self, delta: Tensor) -> Tensor:
        """dL/dh, shape (rows, fan_in): the adjoint map of delta, without a bias."""
        of_h = self._to_coarse(delta) if self.is_transposed else self._to_fine(delta)
        return self._rows(of_h, is_fine=not self.is_transposed)

    def gradient(self, delta: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """dL/dK, the correlation of what is coarse with what is fine, and dL/db: sums over the rows."""
        fine, coarse = (delta, h) if self.is_transposed else (h, delta)
        fine, coarse = self._images(fine, is_fine=True), self._images(coarse, is_fine=False)
        patches = functional.unfold(fine, KERNEL, padding=1, stride=2)
        of_weight = torch.einsum("ncl,npl->cp", coarse.flatten(2), patches)
        return of_weight.view(self.weight.shape), (fine if self.is_transposed else coarse).sum((0, 2, 3))

    def _to_coarse(self, rows: Tensor) -> Tensor:
        return functional.conv2d(self._images(rows, is_fine=True), self.weight, stride=2, padding=1)

    def _to_fine(self, rows: Tensor) -> Tensor:
        images, odd = self._images(rows, is_fine=False), (self.fine[1] % 2, self.fine[2] % 2)
        return functional.conv_transpose2d(images, self.weight, stride=2, padding=1, output_padding=odd)

    def _images(self, rows: Tensor, *, is_fine: bool) -> Tensor:
        """Rows as images of shape (rows, channels, height, width)."""
        channels, height, width = self.fine if is_fine else self.coarse
        groups = self.per_value if is_fine else 1
        parts = rows.reshape(-1, groups, height, width, channels // groups)
        return parts.permute(0, 1, 4, 2, 3).flatten(1, 2)

    def _rows(self, images: Tensor, *, is_fine: bool) -> Tensor:
        """The reverse of :meth:`_images`."""
        groups = self.per_value if is_fine else 1
        return images.unflatten(1, (groups, -1)).permute(0, 1, 3, 4, 2).flatten(1)


LinearMap = Matrix | Convolution


def encoder_maps(config: ModelConfig, encoder: Network) -> list[LinearMap]:
    """Those of an encoder, from x to the heads."""
    pairs = list(zip(encoder.weights, encoder.biases, strict=True))
    if config.architecture == "mlp":
        return [Matrix(*pair) for pair in pairs]
    sizes = pairwise(config.feature_maps)
    convolutions = [
        Convolution(*pair, fine=fine, coarse=coarse, is_transposed=False)
        for pair, (fine, coarse) in zip(pairs, sizes, strict=False)
    ]
    return [*convolutions, Matrix(*pairs[-1])]


def decoder_maps(config: ModelConfig, decoder: Network) -> list[LinearMap]:
    """Those of a decoder, from z to its outputs."""
    pairs = list(zip(decoder.weights, decoder.biases, strict=True))
    if config.architecture == "mlp":
        return [Matrix(*pair) for pair in pairs]
    (channels, *sides), *smaller = config.feature_maps
    per_value = config.outputs_per_value
    maps = [*reversed(smaller), (per_value * channels, *sides)]
    found: list[LinearMap] = [Matrix(*pairs[0])]
    for number, (pair, (coarse, fine)) in enumerate(zip(pairs[1:], pairwise(maps), strict=True), 2):
        groups = per_value if number == len(pairs) else 1
        found.append(Convolution(*pair, fine=fine, coarse=coarse, is_transposed=True, per_value=groups))
    return found
