"""Back-propagation through the VAE written out layer by layer, every intermediate number kept.

No automatic differentiation: the forward pass keeps u and h of each layer, the backward pass computes
delta = dL/du from the layer after it (source document 000, section 4.3; Rumelhart, Hinton and Williams 1986).
"""

import math
from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

import torch
from torch import Tensor

from vae_core.config import Activation, check_beta
from vae_core.distributions import softplus_slope
from vae_core.elbo import elbo_terms_given_eps
from vae_core.errors import BadInput
from vae_core.labs.gradients.maps import LinearMap, decoder_maps, encoder_maps
from vae_core.model import VAE, variance_slope
from vae_core.posteriors import Deterministic, DiagonalMixture, FullNormal, PlanarNormal, Posterior
from vae_core.priors import NormalMixture, StandardNormal
from vae_core.training.by_hand.draws import DrawGradient, MixtureDraws, gradient_of_draws
from vae_core.training.by_hand.prior import MixtureGradient

Slip = Literal["f_for_slope", "kl_sign", "no_half"]
"""Errors that document 000 prints: f(u) where f'(u) belongs (4.3.2, 4.3.3); KL = +1/2 sum(1 + log sigma^2 -
mu^2 - sigma^2) (equation 19); a Gaussian log-likelihood of -||x - y||^2 without its 1/2 (3.3.3)."""


class Layer(NamedTuple):
    """One linear map of a network, u = W inputs + b and h = f(u), with the derivative by u.

    Of a convolution rows hold maps, the channels of a place side by side, as images do.

    Arguments:
        name: Of the parameters, ``"encoder.{}.0"``: put ``weights`` or ``biases`` in.
        inputs: h of the layer before, shape (rows, fan_in): examples in the encoder, points z in the decoder.
        u: Shape (rows, fan_out).
        h: f(u); u itself in the last layer.
        delta: dL/du of each row's own loss, shape (rows, fan_out).
    """

    name: str
    inputs: Tensor
    u: Tensor
    h: Tensor
    delta: Tensor


class Backward(NamedTuple):
    """Everything that one pass forward and back computes; L = mean_b L_b, in nats per example.

    Each example has one point z; of a mixture one of each component, those of the first component of all
    examples before those of the second. L_b is the mean of the losses of its points by their shares.

    Arguments:
        encoder: Layers from x to the heads; the last u are the heads' outputs, means first.
        mean, log_var: Of q(z|x), shape (batch, J); of a flow those of what it warps, of a mixture those of
            all components side by side; log_var, 2 log L_jj for a full covariance matrix, is None for a
            deterministic encoder.
        std: sigma, zeros for a deterministic encoder.
        factor: L of a full covariance matrix L L^T, shape (batch, J, J); None for another head.
        drawn: Of a q that is no Gaussian, how its points were made, and the way back from them.
        shares: Of each point in the loss of its example, shape (points,): 1, or the weight of its component.
        eps: The noise of each point, shape (points, J); that of a second component has the other sign.
        z: mean + sigma eps, mean + L eps, or mean + sigma f(eps) with a flow f; shape (points, J).
        log_q, log_p: log q(z|x) and log p(z), shape (points,), nats.
        score_of_q, score_of_p: Their derivatives by z as far as they are part of ``delta_z``, shape
            (points, J); None where they are not.
        delta_z: Derivative of a point's own loss by z (delta of the layer of z), shape (points, J).
        decoder: Layers from z to the output.
        decoded: E[x|z], shape (points, D).
        reconstruction: log p(x_b|z), shape (points,), nats.
        kl: KL(q(z|x_b) || p(z)), or what is sampled of it, log_q - log_p: shape (points,), nats.
        loss: Of each point, -(reconstruction - beta kl), shape (points,).
        gradients: dL/d(parameter) by the model's parameter names.
    """

    encoder: tuple[Layer, ...]
    mean: Tensor
    log_var: Tensor | None
    std: Tensor
    factor: Tensor | None
    drawn: DrawGradient | None
    shares: Tensor
    eps: Tensor
    z: Tensor
    log_q: Tensor | None
    log_p: Tensor | None
    score_of_q: Tensor | None
    score_of_p: Tensor | None
    delta_z: Tensor
    decoder: tuple[Layer, ...]
    decoded: Tensor
    reconstruction: Tensor
    kl: Tensor
    loss: Tensor
    gradients: dict[str, Tensor]


SLOPES: Final[dict[Activation, Callable[[Tensor], Tensor]]] = {
    "tanh": lambda u: 1.0 - torch.tanh(u).square(),
    "relu": lambda u: (u > 0).to(u.dtype),
    "silu": lambda u: torch.sigmoid(u) * (1.0 + u * (1.0 - torch.sigmoid(u))),
    "softplus": softplus_slope,
}
"""f'(u) of each activation."""


@torch.no_grad()
def back_propagate(
    model: VAE, x: Tensor, eps: Tensor, *, beta: float = 1.0, slip: Slip | None = None
) -> Backward:
    """Forward and backward pass of L = -(1/B) sum_b [log p(x_b|z_b) - beta KL_b], z_b = mean + sigma eps_b.

    That is the negative objective of :class:`vae_core.training.loop.Training` with one sample (M = 1),
    without free bits: sums over data and latent dimensions, mean over the batch. The KL to a learned prior,
    or from a q that is no Gaussian, is the estimate log q(z_b|x_b) - log p(z_b) of the same points. With
    delta(l) = dL_b/du(l): dL/dW(l) = mean_b delta(l) h(l-1)^T; delta(l) = (W(l+1)^T delta(l+1)) * f'(u(l)).

    Arguments:
        model: Any model of the core.
        x: Examples of shape (batch, D). C samples of one example are that example C times: L and every
            gradient are then means over the samples, and dL/du of the encoder is the mean of its rows.
        eps: Noise of shape (batch, J); a deterministic encoder ignores it.
        beta: Weight of the KL.
        slip: Makes one of the documents' errors in the backward pass; the forward pass and loss stay right.

    Raises:
        BadInput: A shape that does not fit (codes ``data_dim``, ``eps``), or a beta below 0.
    """
    weight = check_beta(beta)
    _check(model, x, eps)
    encoder_chain, decoder_chain = _encoder_of(model), _decoder_of(model)
    into_encoder = encoder_chain.forward(x)
    q = model.posterior_of(into_encoder[-1].u)
    points = _points_of(q, eps)
    into_decoder = decoder_chain.forward(points.z)
    likelihood = model.likelihood_of(into_decoder[-1].u)
    of_prior = _of_prior(model, q, points)
    x = x.repeat(len(points.z) // len(x), 1)
    reconstruction, kl = likelihood.log_prob(x), _kl(model, q, points, of_prior)
    squares = 2.0 if slip == "no_half" and model.config.likelihood == "gaussian" else 1.0
    delta = -squares * likelihood.score(x)
    decoder = decoder_chain.backward(into_decoder, delta, slip)
    signed = -weight if slip == "kl_sign" else weight
    of_z = decoder_chain.to_inputs(decoder)
    if of_prior is not None:
        of_z = of_z - signed * of_prior.score
    delta_z = of_z if points.score is None else of_z + signed * points.score
    if points.drawn is None:
        delta = _heads_delta(model, q, into_encoder[-1].u, eps, of_z, signed)
    else:
        rows = (-1, *eps.shape)
        of_draws, losses = (points.shares[:, None] * of_z).view(rows), signed * kl - reconstruction
        delta = points.drawn.backward(of_draws, signed, losses.view(rows[:-1]))
    encoder = encoder_chain.backward(into_encoder, delta, slip)
    gradients = encoder_chain.gradients(encoder, torch.full_like(eps[:, 0], 1 / len(eps)))
    gradients |= decoder_chain.gradients(decoder, points.shares / len(eps))
    if model.config.learns_scale:
        gradients["log_scale"] = _log_scale_gradient(model, likelihood.mean, x, squares, points.shares)
    if isinstance(of_prior, _PriorBackward):
        for name, gradient in of_prior.gradients(signed / len(eps), slip).items():
            gradients[name] = gradient + gradients.get(name, 0.0)
    return Backward(
        encoder=encoder,
        **_parts_of(q),
        drawn=points.drawn,
        shares=points.shares,
        eps=points.eps,
        z=points.z,
        log_q=points.log_q,
        log_p=None if of_prior is None else of_prior.log_prob,
        score_of_q=points.score,
        score_of_p=None if of_prior is None else of_prior.score,
        delta_z=delta_z,
        decoder=decoder,
        decoded=likelihood.mean,
        reconstruction=reconstruction,
        kl=kl,
        loss=weight * kl - reconstruction,
        gradients=gradients,
    )


class _Points(NamedTuple):
    """The points z of all examples, rows as in :class:`Backward`."""

    z: Tensor
    eps: Tensor
    shares: Tensor
    log_q: Tensor | None = None
    score: Tensor | None = None
    drawn: DrawGradient | None = None


def _points_of(q: Posterior, eps: Tensor) -> _Points:
    if isinstance(q, PlanarNormal | DiagonalMixture):
        drawn = gradient_of_draws(q, eps[None])
        signs = torch.ones(len(drawn.z), 1, 1, dtype=eps.dtype)
        signs[1::2] = -1
        score = drawn.score.flatten(0, 1) if isinstance(drawn, MixtureDraws) else None
        return _Points(
            drawn.z.flatten(0, 1),
            (signs * eps).flatten(0, 1),
            drawn.shares.flatten(),
            drawn.log_prob.flatten(),
            score,
            drawn,
        )
    z = q.draw(eps[None]).z[0]
    log_q = None if isinstance(q, Deterministic) else q.log_prob(z)
    return _Points(z, eps, torch.ones_like(z[:, 0]), log_q)


def _kl(
    model: VAE, q: Posterior, points: _Points, of_prior: "_StandardPrior | _PriorBackward | None"
) -> Tensor:
    """KL(q || p(z)) of each example, or what a point says of it."""
    per_dim = q.kl_per_dim(model.prior)
    if per_dim is not None:
        return per_dim.sum(-1)
    assert of_prior is not None
    assert points.log_q is not None
    return points.log_q - of_prior.log_prob


def _parts_of(q: Posterior) -> dict[str, Any]:
    """The mean and what else :class:`Backward` has of q(z|x)."""
    factor = q.factor if isinstance(q, FullNormal) else None
    if isinstance(q, Deterministic):
        return {"mean": q.mean, "log_var": None, "std": q.std, "factor": factor}
    if isinstance(q, PlanarNormal):
        mean, log_var = q.centre, q.log_var
    elif isinstance(q, DiagonalMixture):
        mean, log_var = q.means.flatten(1), q.log_vars.flatten(1)
    else:
        normal = q.as_normal()
        log_var = normal.conditional_log_var
        return {"mean": normal.mean, "log_var": log_var, "std": normal.std, "factor": factor}
    return {"mean": mean, "log_var": log_var, "std": torch.exp(0.5 * log_var), "factor": factor}


class _Into(NamedTuple):
    """What the forward pass keeps of a layer."""

    inputs: Tensor
    u: Tensor
    h: Tensor


class _Chain(NamedTuple):
    """A network as linear maps with an activation between them.

    Arguments:
        name: Of its parameters, ``"encoder"`` or ``"decoder"``.
        maps: From its input to its output.
        value: f.
        slope: f'.
    """

    name: str
    maps: list[LinearMap]
    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]

    def forward(self, h: Tensor) -> list[_Into]:
        """What the way back needs of each layer."""
        layers, last = [], len(self.maps) - 1
        for index, one in enumerate(self.maps):
            u = one.forward(h)
            layers.append(_Into(h, u, u if index == last else self.value(u)))
            h = layers[-1].h
        return layers

    def backward(self, into: list[_Into], delta: Tensor, slip: Slip | None) -> tuple[Layer, ...]:
        """delta of the last layer is given; each one before: (W(l+1)^T delta(l+1)) * f'(u(l))."""
        layers = []
        for index in reversed(range(len(into))):
            if index < len(into) - 1:
                _, u, h = into[index]
                slope = h if slip == "f_for_slope" else self.slope(u)
                delta = self.maps[index + 1].back(delta) * slope
            layers.append(Layer(f"{self.name}.{{}}.{index}", *into[index], delta))
        return tuple(reversed(layers))

    def to_inputs(self, layers: tuple[Layer, ...]) -> Tensor:
        """The derivative by the input, shape (rows, fan_in)."""
        return self.maps[0].back(layers[0].delta)

    def gradients(self, layers: tuple[Layer, ...], counts: Tensor | None = None) -> dict[str, Tensor]:
        """dL/dW = sum delta h^T and dL/db = sum delta of a matrix, each row counting as ``counts`` says."""
        found = {}
        for layer, one in zip(layers, self.maps, strict=True):
            delta = layer.delta if counts is None else counts[:, None] * layer.delta
            weights, biases = (layer.name.format(part) for part in ("weights", "biases"))
            found[weights], found[biases] = one.gradient(delta, layer.inputs)
        return found


def _encoder_of(model: VAE) -> _Chain:
    maps, activation = encoder_maps(model.config, model.encoder), model.config.activation
    return _Chain("encoder", maps, model.encoder.activation, SLOPES[activation])


def _decoder_of(model: VAE) -> _Chain:
    maps, activation = decoder_maps(model.config, model.decoder), model.config.activation
    return _Chain("decoder", maps, model.decoder.activation, SLOPES[activation])


def _heads_delta(
    model: VAE, q: Posterior, heads: Tensor, eps: Tensor, delta_z: Tensor, kl_weight: float
) -> Tensor:
    """dL_b/du of the encoder's last layer, means first; phi = log sigma^2 (000, equations 26 and 29).

    delta_mean = delta_z + mean;  delta_phi = eps sigma delta_z / 2 + (sigma^2 - 1) / 2;  with a variance
    head times dphi/du = softplus'(u) / (softplus(u) + 1e-9). A limit of log sigma^2 changes no gradient.
    With a full covariance matrix sigma is L_jj there, and an entry below the diagonal, row by row, has
    delta_jk = eps_k delta_z_j + L_jk, as z_j = mean_j + sum_k L_jk eps_k. Under a learned prior log p(z) is
    in delta_z, and of log q(z|x) = -1/2 eps^2 - 1/2 phi there is -1/2 for each phi.
    """
    head = model.config.encoder_head
    if head == "deterministic":
        return delta_z
    is_learned = model.config.prior != "standard_normal"
    delta_mean = delta_z if is_learned else delta_z + kl_weight * q.mean
    if head == "unit_variance":
        return delta_mean
    log_var = q.as_normal().conditional_log_var
    of_kl = -torch.ones_like(log_var) if is_learned else torch.expm1(log_var)
    delta_phi = 0.5 * (eps * torch.exp(0.5 * log_var) * delta_z + kl_weight * of_kl)
    if isinstance(q, FullNormal):
        rows, columns = torch.tril_indices(eps.shape[1], eps.shape[1], -1)
        delta_below = eps[:, columns] * delta_z[:, rows]
        if not is_learned:
            delta_below = delta_below + kl_weight * q.factor[:, rows, columns]
        return torch.cat([delta_mean, delta_phi, delta_below], dim=-1)
    if head == "variance":
        delta_phi = delta_phi * variance_slope(heads)
    return torch.cat([delta_mean, delta_phi], dim=-1)


class _StandardPrior:
    """log p(z) of N(0, I), and its derivative by z."""

    def __init__(self, z: Tensor) -> None:
        self.log_prob, self.score = StandardNormal(z.shape[1]).log_prob(z), -z


class _PriorBackward:
    """log p(z) of a learned prior, and its derivatives by z and by the prior's parameters.

    The components of a VampPrior are q(z|u_k): from there it goes back through the encoder to the u_k.
    """

    def __init__(self, model: VAE, points: _Points) -> None:
        self._model = model
        prior = model.prior
        assert isinstance(prior, NormalMixture)
        self._found = found = MixtureGradient(prior, points.z, points.shares)
        self.log_prob, self.score = found.log_prob, found.score

    def gradients(self, weight: float, slip: Slip | None) -> dict[str, Tensor]:
        """Of -weight sum share log p(z), by the names of the model's parameters."""
        model, found, scale = self._model, self._found, -weight
        if model.config.prior == "mixture":
            by_name = {"logits": found.logits, "means": found.means, "log_vars": found.spreads}
            return {f"mixture.{name}": scale * value for name, value in by_name.items()}
        chain = _encoder_of(model)
        into = chain.forward(model.pseudo_inputs())
        head, spreads = model.config.encoder_head, found.spreads
        if head == "variance":
            spreads = spreads * variance_slope(into[-1].u)
        delta = found.means if head == "unit_variance" else torch.cat([found.means, spreads], -1)
        layers = chain.backward(into, scale * delta, slip)
        by_inputs = chain.to_inputs(layers) * model.pseudo_inputs.slope()
        return chain.gradients(layers) | {"pseudo_inputs.values": by_inputs}


def _of_prior(model: VAE, q: Posterior, points: _Points) -> _StandardPrior | _PriorBackward | None:
    """log p(z) at the points, where the KL is sampled there; None: it has a closed form, or there is none."""
    if model.config.prior != "standard_normal":
        return _PriorBackward(model, points)
    return _StandardPrior(points.z) if isinstance(q, PlanarNormal | DiagonalMixture) else None


def _log_scale_gradient(model: VAE, decoded: Tensor, x: Tensor, squares: float, shares: Tensor) -> Tensor:
    """dL/d(log s) = mean_b [D - ||x - y||^2 / s^2], the mean over points by their shares."""
    scaled = ((x - decoded) / model.likelihood_scale()).square().sum(-1)
    return (shares * (x.shape[-1] - squares * scaled)).sum() / shares.sum()


def _check(model: VAE, x: Tensor, eps: Tensor) -> None:
    config = model.config
    if x.ndim != 2 or x.shape[1] != config.data_dim or not len(x):
        message = f"x must have the shape (batch, {config.data_dim}), got {tuple(x.shape)}"
        raise BadInput("data_dim", message, "give at least one example, one in each row")
    if eps.shape != (len(x), config.latent_dim):
        message = f"eps must have the shape {(len(x), config.latent_dim)}, got {tuple(eps.shape)}"
        raise BadInput("eps", message, "draw one noise vector for each example")


def hand_gradients(model: VAE, x: Tensor, eps: Tensor, *, beta: float = 1.0) -> dict[str, Tensor]:
    """dL/d(parameter) by the chain rule written out, without automatic differentiation.

    L = -(1/B) sum_b [log p(x_b|z_b) - beta KL(q(z|x_b) || p(z))], z_b = mean_b + sigma_b eps_b, in nats per
    example: what a training step without free bits minimises with one sample (M = 1). Covers all activations,
    heads, priors and likelihoods of the core and any number of hidden layers (document 000, section 4.3).

    Arguments:
        model: The model; only read.
        x: Examples of shape (batch, D).
        eps: Noise of shape (batch, J).
        beta: Weight of the KL; 1 is the ELBO.

    Returns:
        Gradients by the names of ``model.named_parameters()``, each of its parameter's shape and type.

    Raises:
        BadInput: A shape that does not fit (codes ``data_dim``, ``eps``), or a beta below 0.

    Example:
        >>> from vae_core.config import ModelConfig
        >>> model = VAE(ModelConfig(data_dim=3, hidden_dims=(4,)), generator=torch.Generator().manual_seed(0))
        >>> hand_gradients(model, torch.ones(5, 3), torch.zeros(5, 2))["encoder.weights.0"].shape
        torch.Size([4, 3])
    """
    found = back_propagate(model, x, eps, beta=beta).gradients
    return {name: found[name] for name, _ in model.named_parameters()}


def automatic_gradients(model: VAE, x: Tensor, eps: Tensor, *, beta: float = 1.0) -> dict[str, Tensor]:
    """The same by automatic differentiation of the core's own bound; nothing is left in ``.grad``.

    ``eps`` may have the shape (M, batch, J) of M samples, too.
    """
    with torch.enable_grad():
        terms = elbo_terms_given_eps(model, x, model.posterior(x), eps if eps.ndim == 3 else eps[None])
        loss = -(terms.reconstruction - beta * terms.kl).mean()
        names, parameters = zip(*model.named_parameters(), strict=True)
        # A parameter on which the loss does not depend has the gradient 0, not none.
        found = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
    return dict(zip(names, found, strict=True))


def relative_difference(found: Tensor, reference: Tensor) -> float:
    """max |found - reference| / max |reference| over the entries of one parameter's gradient.

    The largest entry is the measure: single entries may be 0 by cancellation. 0 where both are 0; infinite
    where the reference alone is 0.
    """
    apart, size = float((found - reference).abs().max()), float(reference.abs().max())
    if apart == 0:
        return 0.0
    return apart / size if size else math.inf
