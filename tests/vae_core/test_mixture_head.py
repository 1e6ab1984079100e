"""An encoder that gives a mixture of Gaussians: density, estimator, evidence, training, refusals."""

import copy
import math
from typing import Final

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.elbo import elbo_terms, elbo_terms_given_eps
from vae_core.errors import BadInput
from vae_core.evidence import best_posterior, exact_evidence, iw_bound, iw_evidence, optimise_posterior
from vae_core.evidence.importance import iw_bound_given_eps
from vae_core.evidence.ladder import climb
from vae_core.latent.aggregate import aggregate_samples, log_aggregate, prior_fit
from vae_core.model import VAE
from vae_core.objectives import squared_mmd
from vae_core.posteriors import DiagonalMixture, DiagonalNormal, Draws
from vae_core.training.loop import Training

STANDARD_ERRORS: Final = 5
"""By chance alone a mean is further away once in two million."""


def some_mixture(
    generator: torch.Generator, *, batch: int = 4, dim: int = 2, num: int = 2
) -> DiagonalMixture:
    means, log_vars = (torch.randn(batch, num, dim, generator=generator).double() for _ in range(2))
    logits = torch.randn(batch, num, generator=generator).double()
    return DiagonalMixture(torch.log_softmax(logits, 1), 2 * means, log_vars)


def two_humped(generator: torch.Generator, latent_dim: int = 2) -> VAE:
    """Its components are apart, and differ from example to example."""
    config = ModelConfig(data_dim=7, latent_dim=latent_dim, hidden_dims=(12,), encoder_head="mixture")
    model = VAE(config, generator=generator).double()
    values = 2 * latent_dim
    with torch.no_grad():
        model.encoder.weights[1][2 * values :].mul_(10)
        model.encoder.biases[1][:latent_dim].fill_(1.5)
        model.encoder.biases[1][latent_dim:values].fill_(-1.5)
        model.encoder.biases[1][values : 2 * values].fill_(-1.5)
        for weight in model.decoder.weights:
            weight.mul_(2)
    return model


class Squares(nn.Module):
    """A decoder that knows z^2 alone: z and -z explain x equally well."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, z: Tensor) -> Tensor:
        return self.network(z.square())


def test_equal_components_are_the_diagonal_gaussian(generator: torch.Generator) -> None:
    mean, log_var = (torch.randn(4, 3, generator=generator).double() for _ in range(2))
    plain = DiagonalNormal(mean, log_var)
    shares = torch.log_softmax(torch.randn(4, 3, generator=generator).double(), 1)
    same = DiagonalMixture(shares, *(part[:, None].expand(-1, 3, -1) for part in (mean, log_var)))
    z = plain.sample(50, generator=generator)
    assert float((same.log_prob(z) - plain.log_prob(z)).abs().max()) < 1e-12
    torch.testing.assert_close(same.mean, plain.mean, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(same.std, plain.std, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(
        same.matched.covariance, torch.diag_embed(plain.variance), rtol=1e-12, atol=1e-12
    )
    # The second component of two sees the noise with the other sign.
    eps = plain.draw_eps(6, generator=generator)
    two = DiagonalMixture(
        shares[:, :1].repeat(1, 2).log_softmax(1), *(part[:, :2] for part in same.parameters[1:])
    )
    draws, both = two.draw(eps), plain.draw(torch.cat((eps, -eps)))
    square = (draws.z.square().sum(-1), both.z.square().sum(-1))
    assert float((draws.mean(square[0]) - both.mean(square[1])).abs().max()) < 1e-12
    assert float((draws.log_mean_exp(square[0]) - both.log_mean_exp(square[1])).abs().max()) < 1e-12


def test_its_density_is_that_of_torch(generator: torch.Generator) -> None:
    q = some_mixture(generator, dim=3, num=4)
    components = Independent(Normal(q.means, torch.exp(0.5 * q.log_vars)), 1)
    theirs = MixtureSameFamily(Categorical(logits=q.log_weights), components)
    z = q.sample(300, generator=generator)
    assert z.shape == (300, 4, 3)
    assert float((q.log_prob(z) - theirs.log_prob(z)).abs().max()) < 1e-12
    torch.testing.assert_close(q.mean, theirs.mean, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(q.variance, theirs.variance, rtol=1e-12, atol=1e-12)
    every = q.log_prob(z[:, :, None])
    assert float((every.diagonal(dim1=1, dim2=2) - q.log_prob(z)).abs().max()) < 1e-12
    draws = q.draw(q.draw_eps(5, generator=generator))
    assert float((draws.log_prob - q.log_prob(draws.z)).abs().max()) == 0


@pytest.mark.parametrize("dim", [1, 2])
def test_its_density_integrates_to_one(generator: torch.Generator, dim: int) -> None:
    q = some_mixture(generator, dim=dim)
    axis = torch.linspace(-25, 25, 4001 if dim == 1 else 801, dtype=torch.float64)
    z = torch.cartesian_prod(*(axis,) * dim).reshape(-1, 1, dim)
    mass = q.log_prob(z).exp().sum(0) * float(axis[1] - axis[0]) ** dim
    assert float((mass - 1).abs().max()) < 1e-6


def test_samples_and_the_matched_gaussian_have_its_moments(generator: torch.Generator) -> None:
    q = some_mixture(generator, dim=3)
    z = q.sample(200_000, generator=generator)
    away = z - z.mean(0)
    sampled = torch.einsum("mbi,mbj->bij", away, away) / len(z)
    assert float((sampled - q.matched.covariance).abs().max() / sampled.abs().max()) < 0.02
    assert float((z.mean(0) - q.matched.mean).abs().max()) < 0.03
    torch.testing.assert_close(q.matched.std, q.std)
    with pytest.raises(BadInput, match="a Gaussian is needed"):
        q.as_normal()


def test_the_mean_over_components_is_that_of_drawn_ones_and_of_a_quadrature(
    generator: torch.Generator,
) -> None:
    model = two_humped(generator)
    x = torch.rand(3, 7, generator=generator).double()
    q = model.posterior(x).as_density()
    assert isinstance(q, DiagonalMixture)

    def values(draws: Draws) -> Tensor:
        return model.likelihood(draws.z).log_prob(x) + model.prior.log_prob(draws.z) - draws.log_prob

    with torch.no_grad():
        count = 20_000
        draws = q.draw(q.draw_eps(count, generator=generator))
        each = values(draws).unflatten(0, (2, count))
        # One estimate for each noise, of both components; and one for each drawn component.
        summed = (q.log_weights.T.exp()[:, None] * each).sum(0)
        drawn = values(q.independent(count, generator=generator))
        exact = exact_evidence(model, x).elbo
        assert float((draws.mean(values(draws)) - summed.mean(0)).abs().max()) < 1e-10
    for estimates in (summed, drawn):
        error = estimates.std(0) / math.sqrt(count)
        assert bool(((estimates.mean(0) - exact).abs() < STANDARD_ERRORS * error + 1e-3).all())
    assert bool((summed.var(0) < 0.9 * drawn.var(0)).all()), "what is summed over has no variance"


def test_the_weighted_bound_is_below_the_evidence_and_near_it(generator: torch.Generator) -> None:
    """exp of the bound is unbiased for p(x), of one sample of each component as of independent draws."""
    model = two_humped(generator)
    x = torch.rand(3, 7, generator=generator).double()
    log_evidence = exact_evidence(model, x).log_evidence
    with torch.no_grad():
        q = model.posterior(x).as_density()
        repeated = torch.stack(
            [
                iw_bound_given_eps(model, x, q, q.draw_eps(5, generator=generator)) - log_evidence
                for _ in range(4000)
            ]
        )
    ratio = repeated.exp()
    error = ratio.std(0) / math.sqrt(len(ratio))
    assert bool(((ratio.mean(0) - 1).abs() < STANDARD_ERRORS * error).all())
    assert bool((repeated.mean(0) < 0).all())
    weighted = iw_evidence(model, x, num_samples=20_000, generator=generator)
    assert bool(((weighted.bound - log_evidence).abs() < 6 * weighted.standard_error + 1e-3).all())


def test_gradients_are_those_of_finite_differences(generator: torch.Generator) -> None:
    model = two_humped(generator)
    x = torch.rand(3, 7, generator=generator).double()
    eps = torch.randn(2, 3, 2, generator=generator).double()
    names = [name for name, _ in model.named_parameters()]
    for value in (
        lambda x: elbo_terms_given_eps(model, x, model.posterior(x), eps).elbo,
        lambda x: iw_bound_given_eps(model, x, model.posterior(x).as_density(), eps),
    ):
        model.forward = value

        def bound(*parameters: Tensor) -> Tensor:
            return torch.func.functional_call(model, dict(zip(names, parameters, strict=True)), (x,))

        parameters = tuple(part.detach().clone().requires_grad_() for part in model.parameters())
        assert torch.autograd.gradcheck(bound, parameters, eps=1e-6, atol=1e-6)


@pytest.mark.parametrize("latent_dim", [1, 2])
@pytest.mark.parametrize("apart", [0.0, 4.0])
def test_the_evidence_and_the_bound_are_those_of_a_plain_grid(
    generator: torch.Generator, latent_dim: int, apart: float
) -> None:
    """The nodes of the quadrature hold every component, however far from the mean of all."""
    model = two_humped(generator, latent_dim)
    with torch.no_grad():
        model.encoder.biases[1][:latent_dim].add_(apart)
        model.encoder.biases[1][latent_dim : 2 * latent_dim].sub_(apart)
        model.encoder.biases[1][2 * latent_dim : 3 * latent_dim].sub_(1.5)  # one narrow, one wide
    x = torch.rand(3, 7, generator=generator).double()
    count = 1201 if latent_dim == 2 else 20_001
    axis = torch.linspace(-13, 13, count, dtype=torch.float64)
    cell = float(axis[1] - axis[0]) ** latent_dim
    z = torch.cartesian_prod(*(axis,) * latent_dim).reshape(-1, 1, latent_dim)
    with torch.no_grad():
        log_likelihood, q = model.likelihood(z).log_prob(x), model.posterior(x).as_density()
        log_joint, log_q = log_likelihood + model.prior.log_prob(z), q.log_prob(z)
    log_evidence = torch.logsumexp(log_joint, 0) + math.log(cell)
    found = exact_evidence(model, x)
    assert float((found.log_evidence - log_evidence).abs().max()) < 1e-5
    reconstruction = (log_q.exp() * log_likelihood).sum(0) * cell
    assert float((found.reconstruction - reconstruction).abs().max()) < 5e-4
    elbo = (log_q.exp() * (log_joint - log_q)).sum(0) * cell
    assert float((found.elbo - elbo).abs().max()) < 5e-4
    assert bool(((found.elbo - elbo).abs() < found.elbo_error + 1e-4).all()), "it says its error"
    sampled = elbo_terms(model, x, num_samples=20_000, generator=generator)
    assert float((sampled.elbo.detach() - elbo).abs().max()) < 0.2
    assert sampled.kl_per_dim is None, "its KL has no closed form"


def test_of_a_posterior_with_two_modes_its_gap_is_far_smaller(generator: torch.Generator) -> None:
    """p(x|z) depends on z^2: the best mixture holds both modes, the best Gaussian one of them."""
    gaps = {}
    for head in ("log_variance", "mixture"):
        noise = torch.Generator().manual_seed(3)
        config = ModelConfig(data_dim=40, latent_dim=1, hidden_dims=(12,), encoder_head=head)
        model = VAE(config, generator=noise).double()
        with torch.no_grad():
            for weight in model.decoder.weights:
                weight.mul_(4)
            if head == "mixture":
                model.encoder.biases[1][:2] = torch.tensor([1.0, -1.0])
            else:
                model.encoder.biases[1][0] = 1.0
        model = model.with_networks(Squares(model.decoder))
        with torch.no_grad():
            x = torch.bernoulli(model.likelihood(torch.full((4, 1), 1.4).double()).mean, generator=noise)
        exact = exact_evidence(model, x)
        best = best_posterior(model, x, on_progress=lambda _: None)
        gaps[head] = exact.log_evidence - best.elbo
        assert bool((gaps[head] > -1e-4).all()), head
    assert bool((gaps["log_variance"] > 0.5).all())
    assert bool((gaps["mixture"] < 0.1 * gaps["log_variance"]).all())


def test_the_best_mixture_of_each_example_is_nearer_to_the_evidence(generator: torch.Generator) -> None:
    model = two_humped(generator)
    x = torch.rand(4, 7, generator=generator).double()
    exact = exact_evidence(model, x)
    best = best_posterior(model, x, on_progress=lambda _: None)
    assert isinstance(best.q, DiagonalMixture)
    assert float((best.encoder_elbo - exact.elbo).abs().max()) < 2e-3
    assert bool((best.elbo > best.encoder_elbo + 0.01).all())
    assert bool((best.elbo <= exact.log_evidence + 1e-3).all())
    steps = optimise_posterior(model, x[:1])
    assert float(steps[-1].elbo) == pytest.approx(float(best.elbo[0]), abs=5e-3)


@pytest.mark.parametrize("num_components", [1, 3])
def test_the_ladder_begins_with_it(generator: torch.Generator, num_components: int) -> None:
    model = two_humped(generator)
    x = torch.rand(2, 7, generator=generator).double()
    found = climb(model, x, num_components=num_components, generator=generator, on_progress=lambda _: None)
    assert [rung.family for rung in found.rungs] == ["encoder", "diagonals", "mixture", "flow"]
    assert [rung.q.num_components for rung in found.rungs] == [2, 2, *[max(2, num_components)] * 2]
    exact = exact_evidence(model, x)
    assert float((found.rungs[0].elbo - exact.elbo).abs().max()) < 2e-3
    own = found.rungs[1].q.factors
    assert bool((own == torch.diag_embed(own.diagonal(dim1=-2, dim2=-1))).all()), (
        "it is of the encoder's family"
    )
    for before, after in zip(found.rungs, found.rungs[1:], strict=False):
        assert bool((after.elbo >= before.elbo - before.error - after.error).all())
        assert bool((after.elbo <= found.log_evidence + after.error + 1e-3).all())


def test_the_aggregate_posterior_integrates_to_one_and_its_parts_add_up(generator: torch.Generator) -> None:
    q = some_mixture(generator, batch=10)
    axis = torch.linspace(-20, 20, 401, dtype=torch.float64)
    z = torch.cartesian_prod(axis, axis)
    assert float(log_aggregate(z, q).exp().sum()) * 0.1**2 == pytest.approx(1, abs=1e-3)
    model = VAE(ModelConfig(data_dim=3, encoder_head="mixture"), generator=generator)
    fit = prior_fit(q, model.prior, num_samples=20, generator=generator)
    parts = fit.mutual_information.value + fit.marginal_kl.value
    assert parts == pytest.approx(fit.kl.value, abs=1e-10)
    assert aggregate_samples(q, 30, generator=generator).shape == (30, 2)


def test_the_weighted_distance_is_that_of_samples(generator: torch.Generator) -> None:
    """MMD^2 of weighted draws of the components: unbiased, as from one draw of each example."""
    q = some_mixture(generator, batch=20)
    values = []
    for _ in range(600):
        drawn = torch.randn(2, 20, 2, generator=generator).double()
        draws = q.draw(q.draw_eps(2, generator=generator))
        plain = q.sample(2, generator=generator)
        pair = squared_mmd(draws.z, drawn, draws.log_shares), squared_mmd(plain, drawn)
        values.append(torch.stack(pair))
    weighted, sampled = torch.stack(values).T
    error = math.sqrt(float(weighted.var() + sampled.var()) / len(weighted))
    assert abs(float(weighted.mean() - sampled.mean())) < STANDARD_ERRORS * error
    assert float(weighted.var()) < float(sampled.var())
    # Of one component of all the weight it is the plain estimate.
    alone = DiagonalMixture(torch.tensor([[0.0, -math.inf]]).double().expand(20, 2), q.means, q.log_vars)
    drawn, draws = (
        torch.randn(2, 20, 2, generator=generator).double(),
        alone.draw(q.draw_eps(2, generator=generator)),
    )
    plain = squared_mmd(draws.z[:2], drawn)
    assert float(squared_mmd(draws.z, drawn, draws.log_shares) - plain) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("latent_dim", "train"),
    [
        (2, {}),
        (8, {"num_samples": 2, "free_bits": 0.5}),
        (1, {"beta": 2.0}),
        (2, {"objective": "importance_weighted", "num_samples": 5}),
        (2, {"objective": "mmd"}),
    ],
)
def test_training_raises_the_bound(
    generator: torch.Generator, latent_dim: int, train: dict[str, object]
) -> None:
    data = load_dataset("digits", seed=0)
    config = ModelConfig(data_dim=64, latent_dim=latent_dim, hidden_dims=(32,), encoder_head="mixture")
    model = VAE(config, generator=generator)
    options = {"num_epochs": 4, "learning_rate": 5e-3} | train
    training = Training(model, data, TrainConfig(**options), generator=generator)  # pyright: ignore[reportArgumentType]
    noise = torch.Generator().manual_seed(1)
    before = training.evaluate(data.x_test, generator=noise).reconstruction
    begun = copy.deepcopy(model)
    for _ in training.steps():
        pass
    assert training.evaluate(data.x_test, generator=noise).reconstruction > before + 4
    with torch.no_grad():
        bound = iw_bound(model, data.x_test[:50], num_samples=50, generator=generator)
        q, first = (one.posterior(data.x_test[:50]).as_density() for one in (model, begun))
    assert bool(bound.isfinite().all())
    assert isinstance(q, DiagonalMixture)
    assert isinstance(first, DiagonalMixture)
    assert float(first.log_weights.exp().sub(0.5).abs().mean()) < 0.1, "it begins with nearly equal weights"
    assert float(q.log_weights.exp().sub(0.5).abs().mean()) > 0.02, "its weights learn"


def test_a_conditional_one_trains(generator: torch.Generator) -> None:
    config = ModelConfig(data_dim=3, encoder_head="mixture", num_conditions=2, hidden_dims=(5,))
    model, y = VAE(config, generator=generator), torch.eye(2)
    rows = torch.cat((torch.rand(2, 3, generator=generator), y), 1)
    given, x = model.of_rows(rows)
    terms = elbo_terms(model, rows, num_samples=3, generator=torch.Generator().manual_seed(4))
    assert terms.elbo.shape == (2,)
    together = given.posterior(x)
    for index in range(2):
        alone = model.given(y[index]).posterior(x[index : index + 1])
        torch.testing.assert_close(alone.mean[0], together.mean[index])


def test_what_needs_a_gaussian_is_refused_in_one_sentence() -> None:
    with pytest.raises(BadInput, match="q is a mixture here") as caught:
        ModelConfig(data_dim=3, encoder_head="mixture", prior="vamp")
    assert caught.value.code == "prior"
    model, train = ModelConfig(data_dim=3, encoder_head="mixture"), TrainConfig(objective="total_correlation")
    with pytest.raises(BadInput, match="no total correlation") as caught:
        RunConfig(model=model, train=train)
    assert caught.value.code == "objective"
