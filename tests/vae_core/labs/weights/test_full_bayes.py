"""The bound of full variational Bayes: its limits, gradients by two estimators, and what training does."""

import math
from dataclasses import replace
from itertools import islice
from typing import Final

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import Dataset, load_dataset
from vae_core.elbo import elbo_terms, elbo_terms_given_eps, evaluate
from vae_core.errors import BadInput
from vae_core.labs.weights.comparison import bounds, gradient_variance
from vae_core.labs.weights.full_bayes import (
    OVERS,
    BayesianVAE,
    Estimator,
    FullBayesTraining,
    Over,
    decoded_moments,
    full_bayes_terms,
)
from vae_core.model import VAE

TINY: Final = ModelConfig(data_dim=4, hidden_dims=(5,))
ESTIMATORS: Final[tuple[Estimator, ...]] = ("local", "weights")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def model(over: Over = "decoder", *, config: ModelConfig = TINY, initial_std: float = 0.3) -> BayesianVAE:
    return BayesianVAE(config, over=over, initial_std=initial_std, generator=seeded()).double()


def batch(num_data: int = 6) -> Tensor:
    return torch.rand(num_data, 4, generator=seeded(1), dtype=torch.float64)


def expected_gradient(bayesian: BayesianVAE, x: Tensor, estimator: Estimator, draws: int) -> Tensor:
    """Gradients of the examples' part with respect to all m and log s, shape (draws, P)."""
    noise, rows = seeded(2), []
    leaves = [leaf for q in bayesian.weight_posteriors() for leaf in q.parameters()]
    for _ in range(draws):
        terms = full_bayes_terms(bayesian, x, num_data=10, estimator=estimator, generator=noise)
        parts = torch.autograd.grad(terms.data.elbo.mean(), leaves)
        rows.append(torch.cat([part.flatten() for part in parts]))
    return torch.stack(rows)


@pytest.mark.parametrize("over", OVERS)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_without_width_the_bound_is_the_ordinary_one(over: Over, estimator: Estimator) -> None:
    bayesian, x = model(over), batch()
    with torch.no_grad():
        for q in bayesian.weight_posteriors():
            for part in (*q.log_std_weights, *q.log_std_biases):
                part.fill_(math.log(1e-14))
    plain = VAE(TINY, generator=seeded()).double()
    drawn = (bayesian.local if estimator == "local" else bayesian.sampled)(generator=seeded(3))
    eps = torch.randn(1, 6, 2, generator=seeded(4), dtype=torch.float64)
    mine, theirs = (elbo_terms_given_eps(net, x, net.posterior(x), eps).elbo for net in (drawn, plain))
    torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-10)


def test_objective_without_width_equals_that_of_the_plain_model() -> None:
    """With the decoder alone, z's noise is drawn first: the whole objective is the same to 1e-10."""
    bayesian, x = model(), batch()
    with torch.no_grad():
        for part in (*bayesian.decoder_weights.log_std_weights, *bayesian.decoder_weights.log_std_biases):
            part.fill_(math.log(1e-14))
    plain = elbo_terms(VAE(TINY, generator=seeded()).double(), x, generator=seeded(3)).elbo
    terms = full_bayes_terms(bayesian, x, num_data=10**6, generator=seeded(3))
    torch.testing.assert_close(terms.data.elbo, plain, rtol=0, atol=1e-10)
    torch.testing.assert_close(terms.bound, plain - bayesian.weight_kl() / 10**6, rtol=0, atol=1e-10)


@pytest.mark.parametrize("over", OVERS)
def test_weights_cost_less_the_more_data_share_them(over: Over) -> None:
    bayesian, x = model(over), batch()
    bounds = [full_bayes_terms(bayesian, x, num_data=n, generator=seeded(4)).bound for n in (1, 100, 10**12)]
    data = full_bayes_terms(bayesian, x, num_data=1, generator=seeded(4)).data.elbo
    kl = bayesian.weight_kl()
    torch.testing.assert_close(bounds[0], data - kl, rtol=1e-12, atol=0)
    torch.testing.assert_close(bounds[1], data - kl / 100, rtol=1e-12, atol=0)
    torch.testing.assert_close(bounds[2], data, rtol=0, atol=1e-9)
    assert float(kl.detach()) > 1


def test_bounds_of_batches_average_to_the_bound_of_all_data() -> None:
    """Uneven batches, weighted by their sizes, 1000 draws: within 5 standard errors, falsely once in 10^6.

    The divergence is PyTorch's, counted once: a KL / N for each batch, or a whole one, would be off by more.
    """
    bayesian, x, noise = model(), batch(6), seeded(4)
    mean, log_std = bayesian.decoder_weights._flat()
    divergence = float(kl_divergence(Normal(mean, log_std.exp()), Normal(0.0, 1.0)).sum().detach())

    def drawn(sizes: tuple[int, ...], *, weigh: bool) -> Tensor:
        draws = []
        for _ in range(1000):
            batches = [
                full_bayes_terms(bayesian, part, num_data=6, generator=noise) for part in x.split(list(sizes))
            ]
            sums = [(terms.bound if weigh else terms.data.elbo).sum() for terms in batches]
            draws.append(torch.stack(sums).sum())
        return torch.stack(draws)

    with torch.no_grad():
        by_batches, whole = drawn((1, 2, 3), weigh=True), drawn((6,), weigh=False) - divergence
    error = float(((by_batches.var() + whole.var()) / 1000).sqrt())
    assert abs(float(by_batches.mean() - whole.mean())) < 5 * error
    assert 10 * error < divergence / 6, "one KL / N more or less is seen"


def test_both_estimators_have_one_expectation_and_two_variances() -> None:
    """1000 gradients each, 78 entries: means within 5.5 joint standard errors, 1 false failure in 340 000.

    The summed variance of one theta for a batch of 32 is ten times that of local draws; the bound is 4.
    """
    bayesian, x = model(initial_std=0.5), batch(32)
    local, weights = (expected_gradient(bayesian, x, estimator, 1000) for estimator in ESTIMATORS)
    error = ((local.var(0) + weights.var(0)) / 1000).sqrt()
    apart = (local.mean(0) - weights.mean(0)).abs()
    assert (apart < 5.5 * error + 1e-12).all()
    assert float(local.mean(0).norm()) > 5 * float(error.norm()), "the gradient is not all noise"
    assert float(weights.var(0).sum()) > 4 * float(local.var(0).sum())


def test_gradient_variance_is_that_of_the_gradients() -> None:
    bayesian, x = model(), batch()
    for estimator in ESTIMATORS:
        rows = expected_gradient(bayesian, x, estimator, 20)
        found = gradient_variance(bayesian, x, estimator=estimator, num_draws=20, generator=seeded(2))
        assert found == pytest.approx(float(rows.var(0).sum()), rel=1e-9)


@pytest.mark.parametrize("over", OVERS)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_gradients_of_the_bound_are_exact(over: Over, estimator: Estimator) -> None:
    bayesian, x = model(over, config=replace(TINY, data_dim=4, hidden_dims=(3,))), batch(2)
    leaves = tuple(bayesian.parameters())

    def bound(*_: Tensor) -> Tensor:
        return full_bayes_terms(
            bayesian, x, num_data=7, estimator=estimator, generator=seeded(5)
        ).bound.mean()

    assert torch.autograd.gradcheck(bound, leaves)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_variance_of_a_decoded_example_falls_into_two_parts(likelihood: str) -> None:
    """Total variance of x|z from draws of theta, then of x, against the sum of the parts.

    2000 draws of theta; the sample's variance within 6 standard errors (at most sqrt(3 / n) of a value of 1).
    """
    config = ModelConfig(data_dim=4, hidden_dims=(5,), likelihood=likelihood, likelihood_scale=0.5)  # type: ignore[arg-type]
    bayesian, z = model(config=config), torch.tensor([[0.5, -1.0], [3.0, 3.0]], dtype=torch.float64)
    found = decoded_moments(bayesian, z, num_weights=2000, generator=seeded(6))
    noise = seeded(7)
    with torch.no_grad():
        x = torch.stack(
            [
                bayesian.sampled(generator=noise).likelihood(z).sample(1, generator=noise)[0].double()
                for _ in range(2000)
            ]
        )
    total = found.weight_variance + found.own_variance
    assert float((x.mean(0) - found.mean).abs().max()) < 6 * float(total.max().sqrt()) * math.sqrt(2 / 2000)
    torch.testing.assert_close(x.var(0), total, rtol=6 * math.sqrt(3 / 2000), atol=0)
    assert float(found.weight_variance.min()) > 0.01
    if likelihood == "bernoulli":
        in_draws = found.weight_variance * 1999 / 2000 + found.own_variance
        torch.testing.assert_close(in_draws, found.mean * (1 - found.mean), rtol=1e-12, atol=1e-12)
    else:
        torch.testing.assert_close(found.own_variance, torch.full_like(total, 0.25), rtol=1e-12, atol=0)


def test_the_spread_of_few_draws_is_unbiased() -> None:
    """S = 2, 4000 times, against 4000 draws: within 6 standard errors; over S it would be half of it."""
    bayesian, z = model(), torch.tensor([[0.5, -1.0]], dtype=torch.float64)
    noise = seeded(8)
    each = [decoded_moments(bayesian, z, num_weights=2, generator=noise).weight_variance for _ in range(4000)]
    pairs = torch.stack(each)[:, 0]
    many = decoded_moments(bayesian, z, num_weights=4000, generator=noise).weight_variance[0]
    error = pairs.std(0) / math.sqrt(4000) + many * math.sqrt(3 / 4000)
    assert ((pairs.mean(0) - many).abs() < 6 * error).all()
    assert (many > 20 * error / 6).all(), "half of it would be seen"


def few(dataset: Dataset, num_data: int) -> Dataset:
    return replace(dataset, x_train=dataset.x_train[:num_data].contiguous(), labels_train=None)


def trained(num_data: int, steps: int, *, counted: int | None = None) -> BayesianVAE:
    dataset = few(load_dataset("digits", seed=0), num_data)
    bayesian = BayesianVAE(ModelConfig(data_dim=64, hidden_dims=(16,)), generator=seeded())
    config = TrainConfig(learning_rate=0.02, batch_size=32, num_epochs=steps)
    training = FullBayesTraining(bayesian, dataset, config, num_data=counted, generator=seeded(1))
    for _ in islice(training.steps(), steps):
        pass
    return bayesian


def test_few_data_leave_a_larger_spread_than_many() -> None:
    z = torch.cartesian_prod(*[torch.linspace(-2, 2, 5)] * 2)
    spread = [
        float(decoded_moments(trained(n, 500), z, num_weights=30, generator=seeded(3)).weight_variance.mean())
        for n in (16, 1400)
    ]
    assert spread[0] > 1.5 * spread[1], spread


def test_counting_the_divergence_once_per_example_leaves_the_weights_at_the_prior() -> None:
    right, wrong = trained(400, 300), trained(400, 300, counted=1)
    assert float(wrong.weight_kl().detach()) < 0.5 * float(right.weight_kl().detach())
    x = load_dataset("digits", seed=0).x_train[:400]
    with torch.no_grad():
        bounds = [
            float(full_bayes_terms(net, x, num_data=400, generator=seeded(3)).bound.mean())
            for net in (right, wrong)
        ]
    assert bounds[0] > bounds[1] + 5, "the error costs what the objective was meant to gain"


def test_a_pass_is_over_all_examples_whatever_the_divergence_is_divided_by() -> None:
    dataset, config = few(load_dataset("digits", seed=0), 50), TrainConfig(batch_size=32, num_epochs=9)
    found = []
    for counted in (None, 1):
        bayesian = BayesianVAE(ModelConfig(data_dim=64, hidden_dims=(16,)), generator=seeded())
        training = FullBayesTraining(bayesian, dataset, config, num_data=counted, generator=seeded(1))
        found.append(list(islice(training.steps(), 4)))
        assert [step.epoch for step in found[-1]] == [0, 1, 1, 2], counted
    right, wrong = (steps[0] for steps in found)
    assert wrong.reconstruction == right.reconstruction, "the same mini-batch, before any update"
    assert wrong.kl > 20 * right.kl


def test_training_raises_the_bound_and_repeats_bit_for_bit() -> None:
    x = load_dataset("digits", seed=0).x_train[:100]
    untrained = BayesianVAE(ModelConfig(data_dim=64, hidden_dims=(16,)), generator=seeded())
    first, again = trained(100, 150), trained(100, 150)
    for mine, theirs in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    before, after = (
        float(full_bayes_terms(net, x, num_data=100, generator=seeded(3)).bound.detach().mean())
        for net in (untrained, first)
    )
    assert after > before + 20


@pytest.mark.parametrize("over", OVERS)
def test_what_a_step_calls_its_elbo_is_the_bound(over: Over) -> None:
    """One step from the same state of the generator: the terms of the whole batch and KL(q(theta)) / N."""
    dataset = few(load_dataset("digits", seed=0), 50)
    bayesian = BayesianVAE(ModelConfig(data_dim=64, hidden_dims=(16,)), over=over, generator=seeded())
    config = TrainConfig(learning_rate=1e-8, batch_size=50)
    noise = seeded(1)
    order = torch.randperm(50, generator=noise)
    drawn = full_bayes_terms(bayesian, dataset.x_train[order], num_data=50, generator=noise)
    expected = float(drawn.bound.mean().detach())
    step = next(FullBayesTraining(bayesian, dataset, config, generator=seeded(1)).steps())
    assert step.elbo == pytest.approx(expected, abs=1e-3)
    assert step.kl > float(bayesian.weight_kl().detach()) / 50 > 1
    assert step.elbo == pytest.approx(step.reconstruction - step.kl, abs=1e-4)


def test_the_held_out_bound_is_below_the_predictive_density() -> None:
    """By draws of one theta for all examples, within 5 standard errors of 40 evaluations and of 200 draws."""
    bayesian = BayesianVAE(ModelConfig(data_dim=64, hidden_dims=(16,)), initial_std=0.5, generator=seeded())
    dataset = few(load_dataset("digits", seed=0), 50)
    training = FullBayesTraining(bayesian, dataset, TrainConfig(), generator=seeded(1))
    x, noise = dataset.x_test[:50], seeded(2)
    found = torch.tensor([training.evaluate(x, generator=noise).elbo for _ in range(40)])
    drawn = bounds(bayesian, x, num_weights=200, generator=noise)
    # Draws of one theta are shared by all examples: their mean is as sure as 200 of them.
    error = float(found.std()) / math.sqrt(40) + 3.0 / math.sqrt(200)
    assert abs(float(found.mean()) - float(drawn.elbo.mean())) < 5 * error
    at_means = evaluate(bayesian, x, num_samples=40, generator=noise).elbo
    assert at_means - float(found.mean()) > 10 * error, "weights at their means would be another number"
    assert float(found.mean()) < float(drawn.weighted.mean())


def test_views_that_draw_share_the_weights_and_leave_the_model_alone() -> None:
    bayesian = model("decoder and encoder")
    decoder = bayesian.decoder
    local = bayesian.local(generator=seeded())
    assert bayesian.decoder is decoder
    assert {id(p) for p in local.parameters()} == {id(p) for p in bayesian.parameters()}


@pytest.mark.parametrize(
    ("settings", "over", "prior_std", "code"),
    [
        ({"encoder_head": "deterministic"}, "decoder", 1.0, "encoder_head"),
        ({"likelihood": "continuous_bernoulli"}, "decoder", 1.0, "likelihood"),
        ({}, "encoder", 1.0, "over"),
        ({}, "decoder", 0.0, "prior_std"),
    ],
)
def test_what_it_cannot_have_is_refused(
    settings: dict[str, str], over: Over, prior_std: float, code: str
) -> None:
    config = replace(TINY, **settings)  # type: ignore[arg-type]
    with pytest.raises(BadInput) as caught:
        BayesianVAE(config, over=over, prior_std=prior_std, generator=seeded())
    assert caught.value.code == code


def test_numbers_of_draws_and_data_are_checked() -> None:
    with pytest.raises(BadInput, match="num_data"):
        full_bayes_terms(model(), batch(), num_data=0, generator=seeded())
    with pytest.raises(BadInput, match="2 draws"):
        decoded_moments(model(), torch.zeros(1, 2).double(), num_weights=1, generator=seeded())
