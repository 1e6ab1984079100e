"""The networks in JavaScript give torch's numbers, for every model that the core can build."""

import itertools
import math
from collections.abc import Iterator
from typing import Any, Final, get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from dashboard.components.latent.payload import flat_weights
from tests.js.node import call
from vae_core.config import Activation, EncoderHead, Likelihood, ModelConfig
from vae_core.likelihoods import ContinuousBernoulli
from vae_core.model import VAE
from vae_core.networks import Network
from vae_core.posteriors import DiagonalMixture

MODULE: Final = "shared/network.js"
HIDDEN: Final = ((), (5,), (7, 6))
IMAGES: Final = ((7, 10), (4, 5, 3))
"""Shapes of images, with sides that are no multiple of 2; (height, width) or with three colours."""
DATA_DIM, LATENT_DIM, SCALE = 9, 3, 0.7
TOLERANCE: Final = 1e-5
STEP: Final = 1e-5
"""Of the central difference, whose error in float64 is about 1e-10."""

RUN_MODELS: Final = """cases => cases.map(({ config, decoder, encoder, z, direction, x }) => {
    const model = new m.Model(config, Float32Array.from(decoder), Float32Array.from(encoder));
    const q = model.encode(x);
    const decoded = Array.from(model.decode(z));
    const pushed = Array.from(model.push(z, direction));
    const jacobian = Array.from(model.jacobian(z));
    return { decoded, pushed, ...q, fit: model.logLikelihood(x, z), kl: model.kl(q), jacobian };
})"""
RUN_CONTINUOUS_BERNOULLI: Final = """logits => {
    const names = ["Mean", "Slope", "LogNormalizer"];
    return names.map((name) => logits.map(m[`continuousBernoulli${name}`]));
}"""


def models(activation: Activation, likelihood: Likelihood) -> Iterator[VAE]:
    """One for each encoder head and depth, and convolutions; float32 weights in float64: both start equal."""
    shared: dict[str, Any] = {
        "latent_dim": LATENT_DIM,
        "activation": activation,
        "likelihood": likelihood,
        "likelihood_scale": SCALE,
    }
    configs = [
        ModelConfig(data_dim=DATA_DIM, hidden_dims=hidden, encoder_head=head, **shared)
        for head, hidden in itertools.product(get_args(EncoderHead), HIDDEN)
    ]
    configs += [
        ModelConfig(
            data_dim=math.prod(shape),
            architecture="conv",
            image_shape=shape,
            hidden_dims=channels,
            **shared,
        )
        for shape, channels in itertools.product(IMAGES, ((2,), (3, 2)))
    ]
    for config in configs:
        noise = torch.Generator().manual_seed(len(config.hidden_dims))
        model = VAE(config, generator=noise)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=noise))
        yield model.double()


def flat(mlp: Network) -> list[float]:
    weights, biases = ([p.detach().float().numpy() for p in part] for part in (mlp.weights, mlp.biases))
    return flat_weights(weights, biases).tolist()


def case(model: VAE, z: Tensor, direction: Tensor, x: Tensor) -> dict[str, Any]:
    """What JavaScript is told."""
    points = {"z": z.tolist(), "direction": direction.tolist(), "x": x.tolist()}
    networks = {"decoder": flat(model.decoder), "encoder": flat(model.encoder)}
    return {"config": model.config.to_dict() | {"scale": SCALE}, **networks, **points}


def expected(model: VAE, z: Tensor, direction: Tensor, x: Tensor) -> dict[str, Tensor]:
    """The same by torch."""
    ahead, decoded, behind = (model.likelihood(z + step * direction).mean for step in (STEP, 0.0, -STEP))
    pushed = (ahead - behind) / (2 * STEP)
    q = model.posterior(x[None])
    kl = q.kl_per_dim(model.prior)
    fit = model.likelihood(z).log_prob(x)
    jacobian = torch.autograd.functional.jacobian(lambda at: model.likelihood(at).mean, z).flatten()
    found = {
        "jacobian": jacobian,
        "decoded": decoded,
        "pushed": pushed,
        "mean": q.mean[0],
        "std": q.std[0],
        "fit": fit,
    }
    return found if kl is None else found | {"kl": kl.sum()}


@pytest.mark.parametrize("likelihood", get_args(Likelihood))
@pytest.mark.parametrize("activation", get_args(Activation))
def test_model_equals_torchs(activation: Activation, likelihood: Likelihood) -> None:
    noise = torch.Generator().manual_seed(1)
    z, direction = torch.randn(2, LATENT_DIM, generator=noise, dtype=torch.float64)
    values = torch.rand(100, generator=noise, dtype=torch.float64)
    tried = [(model, values[: model.config.data_dim]) for model in models(activation, likelihood)]
    answers = call(MODULE, RUN_MODELS, [case(model, z, direction, x) for model, x in tried])
    for (model, x), answer in zip(tried, answers, strict=True):
        for name, value in expected(model, z, direction, x).items():
            wanted = value.detach().numpy()
            error = np.abs(np.array(answer[name]) - wanted).max() / max(1e-2, np.abs(wanted).max())
            assert error < TOLERANCE, (name, error, model.config)


RUN_FLOW: Final = """({ config, decoder, encoder, x }) => {
    const model = new m.Model(config, Float32Array.from(decoder), Float32Array.from(encoder));
    const { mean, std, factor, shape } = model.encode(x);
    return { mean, std, factor: Array.from(factor), flow: shape.flow };
}"""


@pytest.mark.parametrize("latent_dim", [1, 2, 4, 5, 8])
def test_a_flow_equals_torchs(latent_dim: int) -> None:
    """Its moments, its covariance and what it makes of noise, for layers that bend much."""
    noise = torch.Generator().manual_seed(2)
    config = ModelConfig(data_dim=DATA_DIM, latent_dim=latent_dim, hidden_dims=(5,), encoder_head="flow")
    model = VAE(config, generator=noise)
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter.add_(0.7 * torch.randn(parameter.shape, generator=noise))
    model = model.double()
    x, eps = torch.rand(DATA_DIM, generator=noise).double(), torch.randn(latent_dim, generator=noise).double()
    answer = call(MODULE, RUN_FLOW, case(model, torch.zeros(latent_dim), torch.zeros(latent_dim), x))
    pushed = "(flow, eps) => m.pushed(flow, eps)"
    answer["z"] = call("shared/planar.js", pushed, answer.pop("flow"), eps.tolist())
    with torch.no_grad():
        q = model.posterior(x[None]).as_density()
        matched = q.matched
        assert float(matched.mean[0].sub(q.centre[0]).abs().max()) > 0.1, "it is bent"  # pyright: ignore[reportAttributeAccessIssue]
        rows, columns = torch.tril_indices(latent_dim, latent_dim)
        wanted = {
            "mean": q.mean[0],
            "std": q.std[0],
            "factor": matched.factor[0, rows, columns],  # pyright: ignore[reportAttributeAccessIssue]
            "z": q.draw(eps[None, None]).z[0, 0],
        }
    for name, value in wanted.items():
        np.testing.assert_allclose(answer[name], value.numpy(), rtol=TOLERANCE, atol=TOLERANCE, err_msg=name)


RUN_MIXTURE: Final = """({ config, decoder, encoder, x }, z) => {
    const model = new m.Model(config, Float32Array.from(decoder), Float32Array.from(encoder));
    const { mean, std, factor, shape } = model.encode(x);
    return { mean, std, factor: Array.from(factor), density: Math.log(shape.density(z)) };
}"""


@pytest.mark.parametrize("latent_dim", [1, 2, 5])
def test_a_mixture_equals_torchs(latent_dim: int) -> None:
    """Its moments, its covariance and its density, for components that are apart."""
    noise = torch.Generator().manual_seed(4)
    config = ModelConfig(data_dim=DATA_DIM, latent_dim=latent_dim, hidden_dims=(5,), encoder_head="mixture")
    model = VAE(config, generator=noise)
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter.add_(0.7 * torch.randn(parameter.shape, generator=noise))
        model.encoder.biases[-1][:latent_dim].add_(2)
    model = model.double()
    x, z = torch.rand(DATA_DIM, generator=noise).double(), torch.randn(latent_dim, generator=noise).double()
    answer = call(
        MODULE, RUN_MIXTURE, case(model, torch.zeros(latent_dim), torch.zeros(latent_dim), x), z.tolist()
    )
    with torch.no_grad():
        q = model.posterior(x[None]).as_density()
        assert isinstance(q, DiagonalMixture)
        assert float((q.means[0, 0] - q.means[0, 1]).abs().max()) > 0.5, "they are apart"
        rows, columns = torch.tril_indices(latent_dim, latent_dim)
        wanted = {
            "mean": q.mean[0],
            "std": q.std[0],
            "factor": q.matched.factor[0, rows, columns],
            "density": q.log_prob(z[None])[0],
        }
    for name, value in wanted.items():
        np.testing.assert_allclose(answer[name], value.numpy(), rtol=TOLERANCE, atol=TOLERANCE, err_msg=name)


def test_continuous_bernoulli_holds_near_zero_and_far_from_it() -> None:
    sizes = [0.0, 1e-9, 1e-4, 0.0299, 0.0301, 0.5, 3.0, 30.0, 200.0, 600.0]
    logits = torch.tensor([*sizes, *(-size for size in sizes)], dtype=torch.float64, requires_grad=True)
    likelihood = ContinuousBernoulli(logits)
    (slope,) = torch.autograd.grad(likelihood.mean.sum(), logits)
    answers = call(MODULE, RUN_CONTINUOUS_BERNOULLI, logits.tolist())
    for answer, wanted in zip(answers, (likelihood.mean, slope, likelihood.log_normalizer()), strict=True):
        np.testing.assert_allclose(answer, wanted.detach().numpy(), rtol=TOLERANCE, atol=1e-9)


@pytest.mark.parametrize("head", get_args(EncoderHead))
def test_widths_stay_within_the_cores_limits(head: EncoderHead) -> None:
    config = ModelConfig(data_dim=1, latent_dim=9, hidden_dims=(), encoder_head=head)
    model = VAE(config, generator=torch.Generator().manual_seed(0)).double()
    outputs = torch.tensor([-800.0, -60.0, -25.0, -19.0, 0.0, 19.0, 25.0, 60.0, 800.0])
    with torch.no_grad():
        for parameter in (*model.encoder.weights, *model.encoder.biases):
            parameter.zero_()
        model.encoder.biases[0][-len(outputs) :] = outputs
    z, x = torch.zeros(9, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    (answer,) = call(MODULE, RUN_MODELS, [case(model, z, z, x)])
    np.testing.assert_allclose(answer["std"], model.posterior(x[None]).std[0].detach(), rtol=TOLERANCE)


def test_weights_of_another_size_are_refused() -> None:
    script = """() => {
        const config = { data_dim: 3, latent_dim: 2, hidden_dims: [], activation: "tanh", image_shape: null };
        const named = { likelihood: "bernoulli", encoder_head: "deterministic", architecture: "mlp" };
        try { return new m.Model({ ...config, ...named }, new Float32Array(8), new Float32Array(8)) && ""; }
        catch (error) { return error.message; }
    }"""
    assert "8 weights" in call(MODULE, script)
