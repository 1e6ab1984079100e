"""The networks, with weights drawn from a given generator: multi-layer perceptrons, and convolutions.

Both have ``weights`` and ``biases``, a matrix or a kernel and a bias for each layer.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae_core.config import (
    KERNEL,
    MIXTURE_COMPONENTS,
    RECTIFIED,
    Activation,
    InitialWeights,
    ModelConfig,
)

ACTIVATIONS = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "silu": functional.silu,
    "softplus": functional.softplus,
}


SMALL: Final = 0.1
"""How wide small outputs are drawn, beside the others."""


class Layer(NamedTuple):
    """Of a layer: the shape of its weights, how many products one output sums, and its number of biases."""

    shape: tuple[int, ...]
    fan_in: int
    num_biases: int


class Network(nn.Module):
    """Layers with an activation between them.

    Weights are N(0, g^2 / fan_in) (g = sqrt 2 for ReLU and SiLU, else 1; LeCun 1998, He 2015), biases 0. The
    gain keeps the mean square of what goes through a layer and its activation; no activation follows the
    last layer. With ``small_outputs`` the last weights of ReLU and SiLU networks are a tenth of that: an
    encoder begins near the prior, a decoder near the same output everywhere, and neither has to unlearn
    chance differences first (Zhang et al. 2019, arXiv 1901.09321, begin with last layers of 0). On MNIST with
    ReLU that is 1.7 nats of ELBO after five epochs, on the digits none after a hundred.

    Arguments:
        layers: Their sizes, from input to output.
        activation: f, between them.
        initial_weights: How the last weights are drawn.
        generator: Draws the weights.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        activation: Activation,
        initial_weights: InitialWeights,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[activation]
        is_rectified = activation in RECTIFIED
        self.gain = gain = math.sqrt(2.0) if is_rectified else 1.0
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for shape, fan_in, num_biases in layers:
            weight = torch.randn(*shape, generator=generator, device=generator.device)
            self.weights.append(nn.Parameter(weight * (gain / math.sqrt(fan_in))))
            self.biases.append(nn.Parameter(torch.zeros(num_biases, device=generator.device)))
        if is_rectified and initial_weights == "small_outputs":
            self.weights[-1].data.mul_(SMALL)

    def _parts(self) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """Weights and biases of all layers.

        Read at each call from the dictionaries in which torch.func.functional_call puts other parameters;
        indexing a ParameterList looks entries up by name, 5 % of a step on small networks.
        """
        weights, biases = self.weights._parameters.values(), self.biases._parameters.values()
        return tuple(weights), tuple(biases)  # type: ignore[return-value]


class MLP(Network):
    """Linear layers with one activation between them, none after the last.

    h_0 = x;  u_l = h_(l-1) W_l^T + b_l;  h_l = f(u_l);  output u_L.

    Arguments:
        dims: Sizes from input to output, at least two.
        activation: f.
        initial_weights: How the last weights are drawn.
        generator: Draws the weights.
    """

    def __init__(
        self,
        dims: Sequence[int],
        *,
        activation: Activation,
        initial_weights: InitialWeights = "small_outputs",
        generator: torch.Generator,
    ) -> None:
        layers = [Layer((fan_out, fan_in), fan_in, fan_out) for fan_in, fan_out in pairwise(dims)]
        super().__init__(layers, activation=activation, initial_weights=initial_weights, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (..., dims[0]) to (..., dims[-1])."""
        weights, biases = self._parts()
        last = len(weights) - 1
        for index, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            x = functional.linear(x, weight, bias)
            if index < last:
                x = self.activation(x)
        return x


class ConvEncoder(Network):
    """Convolutions that halve the sides of an image, with the activation after each, and a linear layer.

    A kernel of 4 x 4 at every second pixel, one pixel of zeros around the image: n pixels become n // 2, and
    every pixel counts, of odd sides too. That is the encoder of Higgins et al. (2017) and Burgess et al.
    (2018, arXiv 1804.03599), with channels of choice.

    A given y adds W y to the first convolution, the same at every pixel: what a 1 x 1 kernel makes of maps
    that hold y everywhere. A kernel of 4 x 4 would see the zeros around such maps, and a y would be more than
    another bias.

    Arguments:
        config: Of ``architecture="conv"``: ``hidden_dims`` are the channels of each convolution.
        generator: Draws the weights, as those of :class:`MLP`; W as wide as the first kernel.
    """

    def __init__(self, config: ModelConfig, *, generator: torch.Generator) -> None:
        layers = conv_encoder_layers(config)
        super().__init__(layers, **_drawn_as(config), generator=generator)
        self._image, self._num_inputs = config.feature_maps[0], (config.data_dim, config.num_conditions)
        if config.num_conditions:
            shape = (layers[0].num_biases, config.num_conditions)
            weight = torch.randn(*shape, generator=generator, device=generator.device)
            self.of_y = nn.Parameter(weight * (self.gain / math.sqrt(layers[0].fan_in)))

    def forward(self, x: Tensor) -> Tensor:
        """Maps images of shape (..., D), the colours of a pixel side by side, to (..., outputs).

        With a y it maps [x, y] of shape (..., D + C).
        """
        weights, biases = self._parts()
        channels, height, width = self._image
        x, y = x.split(self._num_inputs, -1)
        # Channels are last in memory: no copy on the way in, and a third of the time on a processor.
        h = x.reshape(-1, height, width, channels).permute(0, 3, 1, 2)
        for layer, (weight, bias) in enumerate(zip(weights[:-1], biases[:-1], strict=True)):
            h = functional.conv2d(h, weight, bias, stride=2, padding=1)
            if layer == 0 and y.shape[-1]:
                h = h + functional.linear(y.reshape(-1, y.shape[-1]), self.of_y)[..., None, None]
            h = self.activation(h)
        h = h.permute(0, 2, 3, 1).reshape(*x.shape[:-1], weights[-1].shape[-1])
        return functional.linear(h, weights[-1], biases[-1])


class ConvDecoder(Network):
    """The mirror of :class:`ConvEncoder`: a linear layer, then transposed convolutions that double the sides.

    Each is the adjoint of a convolution of the encoder, with weights of its own: n // 2 pixels become n, of
    odd sides too. The kernel is twice the stride, so each pixel is a sum of as many products as any other,
    which leaves no checkerboard (Odena, Dumoulin and Olah 2016, https://distill.pub/2016/deconv-checkerboard).

    Arguments:
        config: Of ``architecture="conv"``.
        generator: Draws the weights.
    """

    def __init__(self, config: ModelConfig, *, generator: torch.Generator) -> None:
        super().__init__(conv_decoder_layers(config), **_drawn_as(config), generator=generator)
        maps = config.feature_maps[::-1]
        self._first, self._per_value = maps[0], config.outputs_per_value
        self._num_outputs = config.decoder_sizes[-1]
        self._odd = [(height % 2, width % 2) for _, height, width in maps[1:]]

    def forward(self, z: Tensor) -> Tensor:
        """Maps z of shape (..., J), or [z, y], to (..., D), or to (..., 2 D): variances come last."""
        weights, biases = self._parts()
        channels, height, width = self._first
        h = functional.linear(z.reshape(-1, z.shape[-1]), weights[0], biases[0])
        h = h.view(-1, height, width, channels).permute(0, 3, 1, 2)
        for weight, bias, odd in zip(weights[1:], biases[1:], self._odd, strict=True):
            h = functional.conv_transpose2d(
                self.activation(h),
                weight,
                bias,
                stride=2,
                padding=1,
                output_padding=odd,
            )
        h = h.unflatten(1, (self._per_value, -1)).permute(0, 1, 3, 4, 2)
        return h.reshape(*z.shape[:-1], self._num_outputs)


class AtConditions(nn.Module):
    """A network of [x, y] as one of x, at the y of each example.

    Arguments:
        network: Takes inputs of shape (..., fan_in).
        y: Their last C values, shape (batch, C).
    """

    def __init__(self, network: nn.Module, y: Tensor) -> None:
        super().__init__()
        self.network, self._y = network, y

    def forward(self, x: Tensor) -> Tensor:
        """Maps x of shape (..., batch, fan_in - C), or one that all y share, as the network maps [x, y]."""
        shape = torch.broadcast_shapes(x.shape[:-1], self._y.shape[:-1])
        return self.network(torch.cat((x.expand(*shape, -1), self._y.expand(*shape, -1)), -1))


def conv_encoder_layers(config: ModelConfig) -> list[Layer]:
    """The layers of a :class:`ConvEncoder`."""
    channels = [count for count, _, _ in config.feature_maps]
    fan_in, fan_out = config.encoder_sizes[-2:]
    kernels = [
        Layer((after, before, KERNEL, KERNEL), KERNEL**2 * before, after)
        for before, after in pairwise(channels)
    ]
    return [*kernels, Layer((fan_out, fan_in), fan_in, fan_out)]


def conv_decoder_layers(config: ModelConfig) -> list[Layer]:
    """The layers of a :class:`ConvDecoder`; of a kernel's 16 pixels each pixel of the output meets 4."""
    channels = [count for count, _, _ in config.feature_maps[::-1]]
    channels[-1] *= config.outputs_per_value
    dim, fan_out = config.decoder_sizes[:2]
    kernels = [
        Layer((before, after, KERNEL, KERNEL), KERNEL**2 // 4 * before, after)
        for before, after in pairwise(channels)
    ]
    return [Layer((fan_out, dim), dim, fan_out), *kernels]


def networks_of(config: ModelConfig, *, generator: torch.Generator) -> tuple[Network, Network]:
    """The encoder and the decoder of a model, drawn in this order.

    The outputs that bend a flow, and those of a mixture's weights, begin small.
    """
    if config.architecture == "conv":
        encoder, decoder = ConvEncoder(config, generator=generator), ConvDecoder(config, generator=generator)
    else:
        sizes = (config.encoder_sizes, config.decoder_sizes)
        encoder, decoder = (MLP(one, **_drawn_as(config), generator=generator) for one in sizes)
    if config.encoder_head == "flow":
        encoder.weights[-1].data[2 * config.latent_dim :].mul_(SMALL)
    elif config.encoder_head == "mixture":
        encoder.weights[-1].data[-MIXTURE_COMPONENTS:].mul_(SMALL)
    return encoder, decoder


def _drawn_as(config: ModelConfig) -> dict[str, Any]:
    return {"activation": config.activation, "initial_weights": config.initial_weights}
