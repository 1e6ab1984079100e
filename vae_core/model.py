"""The variational autoencoder: networks in, distributions out."""

import copy
import math
from dataclasses import replace
from typing import Final, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae_core.config import FLOW_LAYERS, MIXTURE_COMPONENTS, ModelConfig
from vae_core.distributions import LOG_VAR_RANGE, bounded, softplus_slope
from vae_core.errors import BadInput
from vae_core.likelihoods import (
    REAL_LIKELIHOODS,
    SCALED_LIKELIHOODS,
    UNIT_INTERVAL_LIKELIHOODS,
    LikelihoodModel,
)
from vae_core.networks import AtConditions, networks_of
from vae_core.planar import frame_of
from vae_core.posteriors import (
    Deterministic,
    DiagonalMixture,
    DiagonalNormal,
    FullNormal,
    PlanarNormal,
    Posterior,
)
from vae_core.priors import MixtureParameters, NormalMixture, PseudoInputs, StandardNormal, vamp_prior

MIN_LIKELIHOOD_SCALE = 1e-3
"""Lower limit of a learned s: where the decoder reproduces x exactly, s -> 0 makes the density infinite."""
SMALLEST_VARIANCE: Final = 1e-9
"""Of a variance head: added to its softplus, whose logarithm is taken."""
SPREAD_RANGE: Final = (-20.7, 5e8)
"""Of the output u of a variance head: just beyond both ends log(softplus(u) + 1e-9) is outside of
``LOG_VAR_RANGE``, and far below the lower one softplus has no slope."""


class VAE(nn.Module):
    """p(x, z) = p(x|z) p(z) with the amortised approximate posterior q(z|x) (Kingma and Welling 2014).

    One encoder matrix serves both heads; the decoder mirrors the encoder's hidden sizes.

    Arguments:
        config: Sizes, heads and likelihood.
        generator: Draws the initial weights: the same seed gives the same weights.

    Example:
        >>> model = VAE(ModelConfig(data_dim=64), generator=torch.Generator().manual_seed(0))
        >>> model.posterior(torch.zeros(5, 64)).mean.shape
        torch.Size([5, 2])
    """

    def __init__(self, config: ModelConfig, *, generator: torch.Generator) -> None:
        super().__init__()
        self.config = config
        self._config_given_y = replace(config, num_conditions=0)
        self.encoder, self.decoder = networks_of(config, generator=generator)
        if config.encoder_head == "flow":
            self.flow_frame: Tensor
            frame = frame_of(config.latent_dim, FLOW_LAYERS).to(generator.device)
            self.register_buffer("flow_frame", frame, persistent=False)
        if config.learns_scale:
            self.log_scale = nn.Parameter(torch.zeros((), device=generator.device))
        # Drawn last: models that differ in the prior alone begin with the same encoder and decoder.
        if config.prior == "mixture":
            self.mixture = MixtureParameters(config, generator=generator)
        elif config.prior == "vamp":
            self.pseudo_inputs = PseudoInputs(config, generator=generator)

    @property
    def prior(self) -> StandardNormal | NormalMixture:
        """p(z); where it is learned, a differentiable function of the weights."""
        if self.config.prior == "mixture":
            return self.mixture()
        if self.config.prior == "vamp":
            return vamp_prior(self.posterior(self.pseudo_inputs()).as_normal())
        return StandardNormal(self.config.latent_dim)

    def posterior(self, x: Tensor) -> Posterior:
        """The approximate posterior q(z|x) of examples x of shape (batch, D).

        Raises:
            BadInput: The examples have another number of values than the model (code ``data_dim``).
        """
        self._require_no_condition()
        if x.shape[-1] != self.config.data_dim:
            raise BadInput(
                "data_dim",
                f"this model takes {self.config.data_dim} values per example, the data have {x.shape[-1]}",
                "choose the data set that the model was trained on",
            )
        return self.posterior_of(self.encoder(x))

    def posterior_of(self, outputs: Tensor) -> Posterior:
        """q(z|x) from the encoder's outputs u."""
        head = self.config.encoder_head
        if head == "deterministic":
            return Deterministic(outputs)
        if head == "unit_variance":
            return DiagonalNormal(outputs, torch.zeros_like(outputs))
        if head == "full_covariance":
            dim = self.config.latent_dim
            mean, spread, below = outputs.split((dim, dim, outputs.shape[-1] - 2 * dim), dim=-1)
            return FullNormal.from_entries(mean, bounded(spread, *LOG_VAR_RANGE), below)
        if head == "flow":
            dim = self.config.latent_dim
            centre, spread, layers = outputs.split((dim, dim, outputs.shape[-1] - 2 * dim), dim=-1)
            layers = layers.unflatten(-1, (FLOW_LAYERS, -1)) + self.flow_frame
            return PlanarNormal(centre, bounded(spread, *LOG_VAR_RANGE), layers)
        if head == "mixture":
            values = MIXTURE_COMPONENTS * self.config.latent_dim
            means, spread, logits = outputs.split((values, values, MIXTURE_COMPONENTS), dim=-1)
            means, spread = (part.unflatten(-1, (MIXTURE_COMPONENTS, -1)) for part in (means, spread))
            return DiagonalMixture(torch.log_softmax(logits, -1), means, bounded(spread, *LOG_VAR_RANGE))
        mean, spread = outputs.chunk(2, dim=-1)
        if head == "variance":
            spread = torch.log(functional.softplus(bounded(spread, *SPREAD_RANGE)) + SMALLEST_VARIANCE)
        return DiagonalNormal(mean, bounded(spread, *LOG_VAR_RANGE))

    def likelihood(self, z: Tensor) -> LikelihoodModel:
        """p(x|z) at z of shape (..., J)."""
        self._require_no_condition()
        return self.likelihood_of(self.decoder(z))

    def likelihood_of(self, outputs: Tensor) -> LikelihoodModel:
        """p(x|z) from the decoder's outputs u of shape (..., D), or (..., 2 D) with variances, too."""
        name = self.config.likelihood
        if self.config.is_unit_interval:
            return UNIT_INTERVAL_LIKELIHOODS[name](outputs)
        if not self.config.has_scale:
            return REAL_LIKELIHOODS[name](outputs)
        return SCALED_LIKELIHOODS[name](outputs, self._scale(outputs))

    def given(self, y: Tensor) -> "VAE":
        """The ordinary model p(x, z|y) = p(x|z, y) p(z) and q(z|x, y) of a conditional one at one y.

        A given y shifts the first biases, W_x x + (W_y y + b): the result has these and W_x, and its weights
        are its own. What it says of x, log p(x) or a bound of it, is that of log p(x|y).

        Arguments:
            y: Shape (C,); of a model without conditions an empty one, which gives the model itself.

        Raises:
            BadInput: ``y`` has another number of values than the model takes (code ``condition``).

        Example:
            >>> config = ModelConfig(data_dim=3, num_conditions=2)
            >>> model = VAE(config, generator=torch.Generator().manual_seed(0))
            >>> model.given(torch.tensor([0.0, 1.0])).posterior(torch.zeros(5, 3)).mean.shape
            torch.Size([5, 2])
        """
        if y.shape != (self.config.num_conditions,):
            message = f"this model takes a y of {self.config.num_conditions} values, got {tuple(y.shape)}"
            raise BadInput("condition", message, "give one value for each class, or a number as one")
        if not self.config.num_conditions:
            return self
        weights = self.state_dict()
        for part in ("encoder", "decoder"):
            of_x, biases = f"{part}.weights.0", f"{part}.biases.0"
            of_y = weights.pop(f"{part}.of_y", None)
            if of_y is None:  # the first weights take both
                both = weights[of_x]
                weights[of_x], of_y = both.split((both.shape[1] - len(y), len(y)), 1)
            weights[biases] = weights[biases] + of_y @ y.to(of_y)
        other = VAE(self._config_given_y, generator=torch.Generator())
        like = next(self.parameters())
        other.to(like.device, like.dtype).load_state_dict(weights)
        return other

    def of_rows(self, rows: Tensor) -> tuple["VAE", Tensor]:
        """The model given the y of each row [x, y], and x: those of a mini-batch, shape (batch, D + C).

        The model takes these examples alone, in their order, and z of shape (..., batch, J); it is a
        differentiable function of the weights. Without conditions it is this one, and x the rows.

        Raises:
            BadInput: The rows have another number of values (code ``data_dim``).
        """
        config = self.config
        if not config.num_conditions:
            return self, rows
        if rows.shape[-1] != config.num_inputs:
            message = f"this model takes {config.data_dim} values of x and {config.num_conditions} of y per "
            message += f"example, got {rows.shape[-1]}"
            raise BadInput("data_dim", message, "give rows [x, y], or ask model.given(y) about x")
        x, y = rows.split((config.data_dim, config.num_conditions), -1)
        other = self.with_networks(AtConditions(self.decoder, y), AtConditions(self.encoder, y))
        other.config = self._config_given_y
        return other, x

    def _require_no_condition(self) -> None:
        if self.config.num_conditions:
            message = "this model is conditional: encoder and decoder need a y"
            raise BadInput("condition", message, "ask model.given(y)")

    def with_networks(self, decoder: nn.Module, encoder: nn.Module | None = None) -> Self:
        """This model with other networks in the place of its own; everything else is shared with it."""
        other = copy.copy(self)
        other._modules = self._modules | {"decoder": decoder}
        if encoder is not None:
            other._modules["encoder"] = encoder
        return other

    def hold_parameters(self) -> None:
        """Moves the parameters that have limits of their own back to them, after an update.

        Where the best value lies beyond its limit, as that of s for a decoder that reproduces x exactly, it
        would drift further away with every update, and need as many to return (projected gradient, Goldstein
        1964).
        """
        config = self.config
        if not config.learns_scale and config.prior == "standard_normal":
            return  # it is asked in every update
        with torch.no_grad():
            if config.learns_scale:
                self.log_scale.clamp_(min=math.log(MIN_LIKELIHOOD_SCALE))
            if config.prior == "mixture":
                self.mixture.hold_parameters()
            elif config.prior == "vamp":
                self.pseudo_inputs.hold_parameters()

    def likelihood_scale(self) -> Tensor:
        """s of a Gaussian likelihood with one scale, set or learned, as a scalar tensor; 1 for the others."""
        return self._scale(next(self.parameters()))

    def _scale(self, like: Tensor) -> Tensor:
        if self.config.learns_scale:
            return torch.exp(bounded(self.log_scale, math.log(MIN_LIKELIHOOD_SCALE), math.inf))
        scale = self.config.likelihood_scale if self.config.has_scale else 1.0
        return torch.tensor(scale, dtype=like.dtype, device=like.device)


def variance_slope(outputs: Tensor) -> Tensor:
    """dphi/du of a variance head, phi = log sigma^2 = log(softplus(u) + 1e-9), shape (batch, J).

    Arguments:
        outputs: Of the encoder, the means first and then u, shape (batch, 2 J).
    """
    spread = outputs.chunk(2, dim=-1)[1].clamp(*SPREAD_RANGE)
    return softplus_slope(spread) / (functional.softplus(spread) + SMALLEST_VARIANCE)
