"""A Gaussian over every weight of a network: q(theta) = prod_i N(w_i; m_i, s_i^2), and two samplers of it."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from vae_core.checks import check_number
from vae_core.networks import Network
from vae_core.posteriors import DiagonalNormal


class Layer(NamedTuple):
    """q of one layer.

    Arguments:
        weight: Means m of the matrix, shape (fan_out, fan_in).
        bias: Means of the biases, shape (fan_out,).
        log_std_weight: log s of the matrix, shape (fan_out, fan_in).
        log_std_bias: log s of the biases, shape (fan_out,).
    """

    weight: Tensor
    bias: Tensor
    log_std_weight: Tensor
    log_std_bias: Tensor


class WeightPosterior(nn.Module):
    """The approximate posterior of all weights and biases of an MLP, factorised ("mean field").

    Kingma and Welling 2014, appendix F; Blundell et al. 2015 (arXiv 1505.05424).

    Arguments:
        means: The network whose weights are the means m; trained with this module, not copied.
        initial_std: s of every weight at the start.

    Raises:
        BadInput: ``initial_std`` is not above 0.

    Example:
        >>> from vae_core.networks import MLP
        >>> network = MLP((2, 3), activation="tanh", generator=torch.Generator().manual_seed(0))
        >>> WeightPosterior(network, initial_std=0.1).kl_per_weight(1.0).shape
        torch.Size([9])
    """

    def __init__(self, means: Network, *, initial_std: float) -> None:
        super().__init__()
        start = math.log(check_number("initial_std", initial_std, 1e-9, 1e3, "0.05 is usual"))
        self.means = means
        self.log_std_weights = nn.ParameterList(torch.full_like(w, start) for w in means.weights)
        self.log_std_biases = nn.ParameterList(torch.full_like(b, start) for b in means.biases)

    def layers(self) -> list[Layer]:
        """q of each layer, from input to output."""
        parts = (self.means.weights, self.means.biases, self.log_std_weights, self.log_std_biases)
        return [Layer(*layer) for layer in zip(*parts, strict=True)]

    def kl_per_weight(self, prior_std: float) -> Tensor:
        """KL(N(m, s^2) || N(0, prior_std^2)) of every weight and bias, shape (P,), nats, >= 0.

        log(prior_std / s) + (s^2 + m^2) / (2 prior_std^2) - 1/2: that of the encoder's Gaussian
        (Kingma and Welling 2014, appendix B) in units of ``prior_std``.
        """
        mean, log_std = self._flat()
        prior = DiagonalNormal.from_std(torch.zeros_like(mean), torch.full_like(mean, prior_std))
        return prior.kl_per_dim_from(DiagonalNormal(mean, 2 * log_std))

    def signal_to_noise(self) -> Tensor:
        """|m| / s of every weight and bias, shape (P,)."""
        mean, log_std = self._flat()
        return mean.abs() / log_std.exp()

    def sampled(self, *, generator: torch.Generator) -> "SampledNetwork":
        """The network with weights w = m + s eps drawn from q once, the same for all examples."""
        parameters = {}
        for index, layer in enumerate(self.layers()):
            weight = _drawn(layer.weight, layer.log_std_weight.exp(), generator)
            bias = _drawn(layer.bias, layer.log_std_bias.exp(), generator)
            parameters |= {f"weights.{index}": weight, f"biases.{index}": bias}
        return SampledNetwork(self.means, parameters)

    def local(self, *, generator: torch.Generator) -> "LocalNetwork":
        """The network that draws its pre-activations anew for each example and call.

        The local reparameterisation (Kingma, Salimans and Welling 2015, arXiv 1506.02557):
        u = h m^T + m_b + sqrt(h^2 (s^2)^T + s_b^2) eps has the distribution that u has under w ~ q, but its
        noise is independent between examples, so that it averages out over a batch.
        """
        return LocalNetwork(self, generator)

    def _flat(self) -> tuple[Tensor, Tensor]:
        layers = self.layers()
        means = [part.flatten() for layer in layers for part in (layer.weight, layer.bias)]
        log_stds = [part.flatten() for layer in layers for part in (layer.log_std_weight, layer.log_std_bias)]
        return torch.cat(means), torch.cat(log_stds)


def pre_activation(layer: Layer, h: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of u = h w^T + b under w, b ~ q, for fixed h.

    Arguments:
        layer: q of the layer.
        h: Its input, shape (..., fan_in).

    Returns:
        Both of shape (..., fan_out); the units of one example are independent.
    """
    mean = functional.linear(h, layer.weight, layer.bias)
    variances = (2 * layer.log_std_weight).exp(), (2 * layer.log_std_bias).exp()
    return mean, functional.linear(h.square(), *variances).sqrt()


class SampledNetwork(nn.Module):
    """A network under given parameters in place of its own (``torch.func.functional_call``).

    Arguments:
        network: The network.
        parameters: A value for each of its parameters, by name.
    """

    def __init__(self, network: Network, parameters: dict[str, Tensor]) -> None:
        super().__init__()
        self.network = network
        self._sampled = parameters

    def forward(self, x: Tensor) -> Tensor:
        """Maps (..., dims[0]) to (..., dims[-1])."""
        return functional_call(self.network, self._sampled, (x,))


class LocalNetwork(nn.Module):
    """A network whose pre-activations are drawn at each call.

    Arguments:
        posterior: q of its weights.
        generator: Draws the noise.
    """

    def __init__(self, posterior: "WeightPosterior", generator: torch.Generator) -> None:
        super().__init__()
        self.posterior = posterior
        self._generator = generator

    def forward(self, x: Tensor) -> Tensor:
        """Maps (..., dims[0]) to (..., dims[-1])."""
        *hidden, last = self.posterior.layers()
        for layer in hidden:
            x = self.posterior.means.activation(_drawn(*pre_activation(layer, x), self._generator))
        return _drawn(*pre_activation(last, x), self._generator)


def _drawn(mean: Tensor, std: Tensor, generator: torch.Generator) -> Tensor:
    eps = torch.randn(mean.shape, generator=generator, dtype=mean.dtype, device=generator.device)
    return mean + std * eps.to(mean.device)
