"""The networks of ``architecture="conv"``: convolutions by their definition, and all that a VAE needs."""

import dataclasses
import math
from typing import Any, Final, get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.config import Activation, EncoderHead, Likelihood, ModelConfig, Prior
from vae_core.elbo import elbo_terms, elbo_terms_given_eps
from vae_core.errors import BadInput
from vae_core.memory import largest_product
from vae_core.model import VAE
from vae_core.networks import ConvDecoder, ConvEncoder

SHAPES: Final = ((8, 8), (28, 28), (17, 23), (5, 2), (9, 7, 3))


def config_of(shape: tuple[int, ...], channels: tuple[int, ...] = (2, 3), **more: Any) -> ModelConfig:
    channels = channels[: int(math.log2(min(shape[:2])))]
    return ModelConfig(
        data_dim=math.prod(shape), architecture="conv", image_shape=shape, hidden_dims=channels, **more
    )


def model_of(config: ModelConfig, seed: int = 0) -> VAE:
    """In float64, with biases that are not 0."""
    model = VAE(config, generator=torch.Generator().manual_seed(seed)).double()
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "biases" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return model


def examples(config: ModelConfig, count: int = 2, seed: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, config.data_dim, generator=generator, dtype=torch.float64)


Array = NDArray[np.float64]


def convolved(image: Array, kernel: Array, bias: Array) -> Array:
    """Cross-correlation by its definition: image (height, width, in), kernel (out, in, 4, 4)."""
    height, width, _ = image.shape
    out = np.empty((height // 2, width // 2, len(kernel)))
    for row, column, to in np.ndindex(out.shape):
        total = bias[to]
        for down, right in np.ndindex(4, 4):
            y, x = 2 * row + down - 1, 2 * column + right - 1
            if 0 <= y < height and 0 <= x < width:
                total += kernel[to, :, down, right] @ image[y, x]
        out[row, column, to] = total
    return out


def spread(image: Array, kernel: Array, bias: Array, size: tuple[int, int]) -> Array:
    """The transposed one: each value adds a kernel (in, out, 4, 4) times itself to the larger image."""
    out = np.tile(bias, (*size, 1))
    for row, column, of in np.ndindex(image.shape):
        for down, right in np.ndindex(4, 4):
            y, x = 2 * row + down - 1, 2 * column + right - 1
            if 0 <= y < size[0] and 0 <= x < size[1]:
                out[y, x] += image[row, column, of] * kernel[of, :, down, right]
    return out


def arrays(network: ConvEncoder | ConvDecoder) -> list[tuple[Array, Array]]:
    pairs = zip(network.weights, network.biases, strict=True)
    return [(weight.detach().numpy(), bias.detach().numpy()) for weight, bias in pairs]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_networks_are_convolutions_and_transposed_ones_by_their_definition(
    shape: tuple[int, ...],
) -> None:
    config = config_of(shape, likelihood="gaussian_diagonal")
    model, x = model_of(config), examples(config)
    assert isinstance(model.encoder, ConvEncoder)
    assert isinstance(model.decoder, ConvDecoder)
    *kernels, (matrix, bias) = arrays(model.encoder)
    for image, found in zip(x.numpy(), model.encoder(x).detach().numpy(), strict=True):
        h = image.reshape(*shape[:2], -1)
        for kernel, shift in kernels:
            h = np.tanh(convolved(h, kernel, shift))
        np.testing.assert_allclose(found, matrix @ h.ravel() + bias, rtol=0, atol=1e-12)
    (matrix, bias), *kernels = arrays(model.decoder)
    maps = config.feature_maps[::-1]
    z = torch.tensor([[0.3, -1.2], [2.0, 0.1]], dtype=torch.float64)
    for place, found in zip(z.numpy(), model.decoder(z).detach().numpy(), strict=True):
        h = (matrix @ place + bias).reshape(*maps[0][1:], maps[0][0])
        for (kernel, shift), (_, height, width) in zip(kernels, maps[1:], strict=True):
            h = spread(np.tanh(h), kernel, shift, (height, width))
        # The means of all values, row by row with the colours of a pixel together, then u of all variances.
        parts = np.split(h, 2, axis=-1)
        np.testing.assert_allclose(
            found, np.concatenate([part.ravel() for part in parts]), rtol=0, atol=1e-12
        )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_layer_of_the_decoder_is_the_adjoint_of_one_of_the_encoder(shape: tuple[int, ...]) -> None:
    """<conv(x), y> = <x, transposed(y)> with one kernel, for sides that are no multiple of 2 too."""
    config = config_of(shape, (3,))
    channels, height, width = config.feature_maps[0]
    noise = torch.Generator().manual_seed(3)
    kernel = torch.randn(3, channels, 4, 4, generator=noise, dtype=torch.float64)
    x = torch.randn(1, channels, height, width, generator=noise, dtype=torch.float64)
    y = torch.randn(1, *config.feature_maps[1], generator=noise, dtype=torch.float64)
    down = torch.nn.functional.conv2d(x, kernel, stride=2, padding=1)
    odd = (height % 2, width % 2)
    up = torch.nn.functional.conv_transpose2d(y, kernel, stride=2, padding=1, output_padding=odd)
    assert (down.shape, up.shape) == (y.shape, x.shape)
    assert float((down * y).sum()) == pytest.approx(float((x * up).sum()), rel=1e-12)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_pixel_reaches_the_encoder(shape: tuple[int, ...]) -> None:
    config = config_of(shape)
    x = examples(config, 1).requires_grad_()
    model_of(config).encoder(x).sum().backward()
    assert x.grad is not None
    assert bool((x.grad != 0).all())


COMBINATIONS: Final = [
    *({"encoder_head": head} for head in get_args(EncoderHead)),
    *({"likelihood": likelihood} for likelihood in get_args(Likelihood)),
    *({"activation": activation} for activation in get_args(Activation)),
    *({"prior": prior, "num_components": 3} for prior in get_args(Prior)),
    {"likelihood": "gaussian", "likelihood_scale": None, "latent_dim": 3},
]


@pytest.mark.parametrize("more", COMBINATIONS, ids=str)
def test_its_gradient_is_that_of_its_bound(more: dict[str, Any]) -> None:
    """Against differences of the bound in float64, along a direction in all parameters."""
    config = config_of((5, 6), **more)
    model, x = model_of(config), examples(config)
    noise = torch.Generator().manual_seed(7)
    eps = model.posterior(x).draw_eps(2, generator=noise)
    parameters = list(model.parameters())
    along = [torch.randn(one.shape, generator=noise, dtype=torch.float64) for one in parameters]

    def bound() -> Tensor:
        return elbo_terms_given_eps(model, x, model.posterior(x), eps).elbo.mean()

    slopes = torch.autograd.grad(bound(), parameters, allow_unused=True, materialize_grads=True)
    slope = sum(float((one * way).sum()) for one, way in zip(slopes, along, strict=True))
    step, values = 1e-6, []
    with torch.no_grad():
        for sign in (1, -2):
            for parameter, way in zip(parameters, along, strict=True):
                parameter.add_(way, alpha=sign * step)
            values.append(float(bound()))
    assert slope == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("more", COMBINATIONS[::3], ids=str)
def test_its_numbers_of_parameters_and_products_are_exact(
    shape: tuple[int, ...], more: dict[str, Any]
) -> None:
    config = config_of(shape, **more)
    model = model_of(config)
    assert config.num_parameters == sum(parameter.numel() for parameter in model.parameters())
    layers = zip(model.decoder.weights, config.feature_maps[::-1], strict=True)  # type: ignore[arg-type]
    taken = [(weight.numel(), math.prod(sizes[1:])) for weight, sizes in layers]
    products = [
        taken[0][0],
        *(count * places for (count, _), (_, places) in zip(taken[1:], taken, strict=False)),
    ]
    assert list(config.decoder_products) == products
    places = [math.prod(sizes[1:]) for sizes in config.feature_maps[1:]] + [1]
    encoder = [weight.numel() * count for weight, count in zip(model.encoder.weights, places, strict=True)]  # type: ignore[arg-type]
    assert list(config.encoder_products) == encoder


def test_it_takes_batches_of_any_shape_and_none() -> None:
    config = config_of((5, 6))
    model = model_of(config)
    z = torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    many = model.decoder(z)
    assert many.shape == (3, 4, 30)
    torch.testing.assert_close(many[1, 2], model.decoder(z[1, 2]), rtol=0, atol=1e-12)
    assert model.decoder(z[:0]).shape == (0, 4, 30)
    assert model.encoder(examples(config, 2)[:0]).shape == (0, 4)
    terms = elbo_terms(model, examples(config, 4), num_samples=3, generator=torch.Generator().manual_seed(0))
    assert terms.elbo.shape == (4,)


def test_its_weights_keep_the_size_of_values_from_layer_to_layer() -> None:
    """Of the first values of standard deviation 1, those of each layer before f have about that too."""
    config = config_of((16, 16), (64, 64), activation="relu", latent_dim=64, initial_weights="he")
    model = VAE(config, generator=torch.Generator().manual_seed(0))
    z = torch.randn(50, 64, generator=torch.Generator().manual_seed(1))
    x = torch.randn(50, 256, generator=torch.Generator().manual_seed(2))
    # Within a third: zeros around the image count less, and sums over few channels vary.
    with torch.no_grad():
        assert float(model.encoder(x).std()) == pytest.approx(math.sqrt(2), rel=1 / 3)
        assert float(model.decoder(z).std()) == pytest.approx(math.sqrt(2), rel=1 / 3)


def test_models_that_differ_in_what_is_drawn_later_begin_alike() -> None:
    plain, learned = (
        VAE(config_of((8, 8), prior=prior), generator=torch.Generator().manual_seed(4))
        for prior in ("standard_normal", "vamp")
    )
    for name, weight in plain.state_dict().items():
        assert torch.equal(weight, learned.state_dict()[name]), name


WRONG: Final = {
    "no shape": ({"image_shape": None}, "architecture", r"conv needs images of \(height, width\)"),
    "points": ({"image_shape": (64,)}, "architecture", "conv needs images"),
    "two colours": ({"image_shape": (8, 4, 2)}, "architecture", "conv needs images"),
    "a word": ({"image_shape": ("8", 8)}, "architecture", "conv needs images"),
    "one row": ({"image_shape": (1, 64)}, "architecture", "conv needs images"),
    "another size": ({"image_shape": (8, 9)}, "image_shape", "have 72 values, not 64"),
    "too large": ({"image_shape": (8, 65), "data_dim": 520}, "architecture", "64 x 64 pixels at most"),
    "no convolution": ({"hidden_dims": ()}, "hidden_dims", "can be halved 1 to 3 times, got 0"),
    "too many": ({"hidden_dims": (2, 2, 2, 2)}, "hidden_dims", "can be halved 1 to 3 times, got 4"),
    "shape of an mlp": ({"architecture": "mlp"}, "image_shape", "an mlp sees no shape"),
    "no architecture": ({"architecture": "rnn"}, "architecture", "must be one of mlp, conv"),
}


@pytest.mark.parametrize(("change", "code", "said"), WRONG.values(), ids=WRONG)
def test_what_it_cannot_be_is_said(change: dict[str, Any], code: str, said: str) -> None:
    right = config_of((8, 8))
    with pytest.raises(BadInput, match=said) as caught:
        dataclasses.replace(right, **change)
    assert caught.value.code == code
    assert caught.value.hint


def test_the_configuration_is_the_same_after_a_round_trip() -> None:
    config = config_of((8, 6, 3))
    assert ModelConfig.from_dict({**config.to_dict(), "image_shape": [8, 6, 3]}) == config


def test_its_largest_product_is_that_of_a_convolution() -> None:
    assert largest_product(config_of((8, 8), (4, 8)), 10) == (10 * 4, 64, 8)
