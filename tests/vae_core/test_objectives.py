"""Objectives beside the ELBO: closed forms, loops in float64, gradients by finite differences."""

import itertools
import math
from dataclasses import replace
from typing import Any, Final, get_args

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.integrate import quad
from torch import Tensor

from vae_core.config import (
    NOT_GAUSSIAN,
    EncoderHead,
    ModelConfig,
    Objective,
    Prior,
    RunConfig,
    TrainConfig,
    refused_objectives,
)
from vae_core.data import Dataset, load_dataset
from vae_core.elbo import elbo_terms_given_eps, means_of, penalised_kl, terms_per_example
from vae_core.errors import BadInput
from vae_core.evidence import iw_bound
from vae_core.labs.gradients.importance_weighted import gradients
from vae_core.latent.aggregate import kl_surgery
from vae_core.model import VAE
from vae_core.objectives import (
    MAX_TOGETHER,
    kl_weight,
    objective_given_eps,
    of_many,
    squared_mmd,
    total_correlation,
)
from vae_core.posteriors import AnyNormal, DiagonalNormal, FullNormal
from vae_core.training import Training

STANDARD_ERRORS: Final = 5
"""By chance alone a mean is further away once in two million."""
EVERY: Final = [
    (head, prior, objective)
    for head, prior, objective in itertools.product(
        get_args(EncoderHead), get_args(Prior), get_args(Objective)
    )
    if not (head == "deterministic" and prior != "standard_normal")
    and not (head in NOT_GAUSSIAN and prior == "vamp")
    and objective not in refused_objectives(head, prior, 2)
]


def exact_kernel(mean: Tensor, variance: Tensor, other_mean: Tensor, other_variance: Tensor) -> float:
    """E C / (C + |a - b|^2), C = 2 J, for independent Gaussians a and b with diagonal covariances.

    C / (C + r^2) = int e^-t exp(-t r^2 / C) dt: for each t the closed form of a Gaussian kernel.
    """
    scale, spread = 2.0 * len(mean), (variance + other_variance).numpy()
    squares = (mean - other_mean).square().numpy()

    def of_width(t: float) -> float:
        width = 1 + 2 * t * spread / scale
        return math.exp(-t) * float(np.prod(np.exp(-t * squares / (scale * width)) / np.sqrt(width)))

    return quad(of_width, 0, np.inf, epsabs=1e-12)[0]


@pytest.mark.parametrize(
    ("mean", "std"), [([0.0, 0.0], [1.0, 1.0]), ([0.8, -0.3], [0.5, 1.4]), ([9.0, 0.0], [0.1, 1.0])]
)
def test_mmd_of_two_gaussians(mean: list[float], std: list[float], generator: torch.Generator) -> None:
    """Unbiased: 0 on average for equal distributions, and else the closed form."""
    m, s = torch.tensor(mean).double(), torch.tensor(std).double()
    zero, one = torch.zeros(2).double(), torch.ones(2).double()
    drawn = torch.randn(2, 400, 20, 2, generator=generator, dtype=torch.float64)
    estimates = torch.stack([squared_mmd(m + s * z[None], p[None]) for z, p in zip(*drawn, strict=True)])
    exact = (
        exact_kernel(m, s.square(), m, s.square())
        + exact_kernel(zero, one, zero, one)
        - 2 * exact_kernel(m, s.square(), zero, one)
    )
    assert (exact == pytest.approx(0, abs=1e-9)) == (mean == [0.0, 0.0])
    error = float(estimates.std()) / 400**0.5
    assert float(estimates.mean()) == pytest.approx(exact, abs=STANDARD_ERRORS * error)
    assert squared_mmd(m + s * drawn[0], drawn[1]) == pytest.approx(float(estimates.mean()), abs=1e-12)


def test_one_example_alone_has_no_distance() -> None:
    assert squared_mmd(torch.ones(3, 1, 2), torch.zeros(3, 1, 2)) == 0


CORRELATED: Final = torch.tensor([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [-0.3, 0.4, 0.5]], dtype=torch.float64)


def gaussians(count: int, kind: str, generator: torch.Generator) -> AnyNormal:
    mean = torch.randn(count, 3, generator=generator, dtype=torch.float64)
    if kind == "full":
        return FullNormal(mean, CORRELATED.expand(count, 3, 3))
    return DiagonalNormal(mean, torch.randn(count, 3, generator=generator, dtype=torch.float64) - 1)


@pytest.mark.parametrize("kind", ["diagonal", "full"])
def test_total_correlation_of_all_examples_is_that_of_the_surgery(
    kind: str, generator: torch.Generator
) -> None:
    q = gaussians(30, kind, generator)
    state = generator.get_state()
    expected = kl_surgery(q, num_samples=4, generator=generator).total_correlation.value
    z = q.sample(4, generator=generator.set_state(state))
    assert float(total_correlation(q, z, num_data=30)) == pytest.approx(expected, abs=1e-12)


def test_total_correlation_of_a_mini_batch_by_loops(generator: torch.Generator) -> None:
    """Each other example of the batch of 4 stands for 9 / 3 of the other 9."""
    q = gaussians(4, "diagonal", generator)
    z = q.sample(2, generator=generator)
    mean, std = q.mean.numpy(), q.std.numpy()
    weights = np.where(np.eye(4) == 1, 1 / 10, 9 / 10 / 3)
    found = []
    for m, i in itertools.product(range(2), range(4)):
        density = stats.norm.pdf(z[m, i].numpy(), mean, std)
        marginals = np.log(weights[i] @ density).sum()
        found.append(np.log(weights[i] @ density.prod(1)) - marginals)
    assert float(total_correlation(q, z, num_data=10)) == pytest.approx(np.mean(found), abs=1e-12)


def test_total_correlation_of_one_gaussian(generator: torch.Generator) -> None:
    """Where all q(z|x) are one: 0 for a factorised one, whatever the size of the batch, else its own."""
    same = gaussians(1, "diagonal", generator).take(torch.zeros(6, dtype=torch.int64))
    z = same.sample(5, generator=generator)
    for num_data in (6, 1000):
        assert float(total_correlation(same, z, num_data=num_data)) == pytest.approx(0, abs=1e-12)
    full = FullNormal(torch.zeros(6, 3).double(), CORRELATED.expand(6, 3, 3))
    draws = full.sample(4000, generator=generator)
    each = torch.stack([total_correlation(full, z[None], num_data=50) for z in draws])
    error = float(each.std()) / 4000**0.5
    exact = float(full.total_correlation()[0])
    assert exact == pytest.approx(0.5 * math.log(0.3**2 + 0.4**2 + 0.5**2) - math.log(0.8 * 0.5), abs=1e-12)
    assert float(each.mean()) == pytest.approx(exact, abs=STANDARD_ERRORS * error)
    one = total_correlation(same.take(slice(1)), z[:, :1], num_data=1000)
    assert float(one) == pytest.approx(0, abs=1e-12)


def model_of(head: EncoderHead, prior: Prior, generator: torch.Generator) -> VAE:
    config = ModelConfig(
        data_dim=3, hidden_dims=(2,), encoder_head=head, prior=prior, num_components=2, likelihood="gaussian"
    )
    return VAE(config, generator=generator).double()


def value_of(model: VAE, x: Tensor, eps: Tensor, train: TrainConfig, beta: float = 1.0) -> Tensor:
    return objective_given_eps(
        model,
        x,
        model.posterior(x),
        eps,
        train,
        beta=beta,
        num_data=40,
        generator=torch.Generator().manual_seed(7),
    ).value


@pytest.mark.parametrize(("head", "prior", "objective"), EVERY)
def test_gradients(head: EncoderHead, prior: Prior, objective: Objective, generator: torch.Generator) -> None:
    model = model_of(head, prior, generator)
    x = torch.rand(4, 3, generator=generator).double()
    eps = model.posterior(x).draw_eps(3, generator=generator)
    train = TrainConfig(objective=objective, num_samples=3)

    def value(*weights: Tensor) -> Tensor:
        del weights  # the model's own: gradcheck moves them in place
        return value_of(model, x, eps, train, beta=2.5)

    assert torch.autograd.gradcheck(value, tuple(model.parameters()))


def test_importance_weighted_is_the_bound_and_its_gradient_that_of_the_laboratory(
    generator: torch.Generator,
) -> None:
    model = model_of("full_covariance", "mixture", generator)
    x = torch.rand(6, 3, generator=generator).double()
    state = generator.get_state()
    expected = iw_bound(model, x, num_samples=7, generator=generator)
    found = gradients(model, x, num_samples=7, generator=generator.set_state(state))
    eps = model.posterior(x).draw_eps(7, generator=generator.set_state(state))
    value = value_of(model, x, eps, TrainConfig(objective="importance_weighted", num_samples=7))
    assert value.item() == pytest.approx(float(expected.mean()), abs=1e-12)
    for part in ("encoder", "decoder"):
        own = torch.autograd.grad(value, list(getattr(model, part).parameters()), retain_graph=True)
        assert torch.allclose(torch.cat([g.flatten() for g in own]), found[part], rtol=0, atol=1e-12), part


@pytest.mark.parametrize("num_samples", [1, 7])
@pytest.mark.parametrize("head", ["log_variance", "flow", "mixture"])
def test_laboratory_has_the_gradient_that_a_training_takes(
    head: EncoderHead, num_samples: int, generator: torch.Generator
) -> None:
    """Of each head, with one sample, too: there it is that of the ELBO."""
    model = model_of(head, "mixture", generator)
    x = torch.rand(6, 3, generator=generator).double()
    state = generator.get_state()
    found = gradients(model, x, num_samples=num_samples, generator=generator)
    eps = model.posterior(x).draw_eps(num_samples, generator=generator.set_state(state))
    value = value_of(model, x, eps, TrainConfig(objective="importance_weighted", num_samples=num_samples))
    for part in ("encoder", "decoder"):
        own = torch.autograd.grad(value, list(getattr(model, part).parameters()), retain_graph=True)
        assert torch.allclose(torch.cat([g.flatten() for g in own]), found[part], rtol=0, atol=1e-12), part


def test_with_weight_1_the_total_correlation_is_in_the_elbo_and_mmd_leaves_it(
    generator: torch.Generator,
) -> None:
    model = model_of("log_variance", "standard_normal", generator)
    x = torch.rand(5, 3, generator=generator).double()
    q = model.posterior(x)
    eps = q.draw_eps(2, generator=generator)
    terms = elbo_terms_given_eps(model, x, q, eps)
    train = TrainConfig(objective="total_correlation", num_samples=2)
    assert value_of(model, x, eps, train) == terms.elbo.mean()
    more = total_correlation(q.as_normal(), q.draw(eps).z, num_data=40).item()
    assert value_of(model, x, eps, train, beta=4.0).item() == pytest.approx(
        terms.elbo.mean().item() - 3 * more, abs=1e-12
    )
    mmd = TrainConfig(objective="mmd", num_samples=2)
    drawn = torch.randn(10, 2, generator=torch.Generator().manual_seed(7)).double().view(2, 5, 2)
    distance = squared_mmd(q.draw(eps).z, drawn).item()
    assert value_of(model, x, eps, mmd, beta=4.0).item() == pytest.approx(
        terms.reconstruction.mean().item() - 4 * 3 * distance, abs=1e-12
    )


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("digits")


def trained(
    data: Dataset, config: TrainConfig, *, steps: int = 6, written_out: bool = True, **model: Any
) -> Training:
    generator = torch.Generator().manual_seed(1)
    vae = VAE(ModelConfig(data_dim=64, hidden_dims=(8,), **model), generator=generator)
    training = Training(vae, data, config, generator=generator, written_out=written_out)
    for _ in itertools.islice(training.steps(), steps):
        pass
    return training


def weights_of(training: Training) -> Tensor:
    return torch.cat([p.detach().flatten() for p in training.model.parameters()])


def test_one_sample_under_the_logarithm_is_the_elbo_bit_for_bit(data: Dataset) -> None:
    elbo = trained(data, TrainConfig(beta=0.7))
    one = trained(data, TrainConfig(beta=0.7, objective="importance_weighted"))
    assert torch.equal(weights_of(elbo), weights_of(one))
    two = trained(data, TrainConfig(beta=0.7, objective="importance_weighted", num_samples=2))
    assert not torch.equal(weights_of(elbo), weights_of(two))


def test_weight_1_of_the_total_correlation_trains_the_elbo_bit_for_bit(data: Dataset) -> None:
    elbo = trained(data, TrainConfig(), written_out=False)
    assert torch.equal(
        weights_of(elbo), weights_of(trained(data, TrainConfig(objective="total_correlation")))
    )


@pytest.mark.parametrize("objective", ["importance_weighted", "mmd", "total_correlation"])
def test_a_resumed_training_is_the_one_that_went_on(data: Dataset, objective: Objective) -> None:
    config = TrainConfig(objective=objective, num_samples=2, beta=3.0, batch_size=100)
    whole = trained(data, config, steps=20)
    first = trained(data, config, steps=12)
    generator = torch.Generator().manual_seed(5)
    model = VAE(first.model.config, generator=generator)
    model.load_state_dict(first.model.state_dict())
    resumed = Training(model, data, config, generator=generator)
    resumed.load_state(*first.state())
    for _ in itertools.islice(resumed.steps(), 8):
        pass
    assert torch.equal(weights_of(resumed), weights_of(whole))


def test_steps_say_what_was_maximised(data: Dataset) -> None:
    for objective in get_args(Objective):
        config = TrainConfig(objective=objective, num_samples=3, beta=2.0)
        training = trained(data, config, steps=0)
        step = next(training.steps())
        weighed = step.reconstruction - 2.0 * step.kl
        assert step.elbo == step.reconstruction - step.kl
        assert (step.objective == pytest.approx(weighed, abs=1e-4)) == (objective == "elbo")


REFUSED: Final[dict[str, tuple[dict[str, Any], Objective, str]]] = {
    "no density to weigh with": (
        {"encoder_head": "deterministic"},
        "importance_weighted",
        "a deterministic encoder has no q(z|x) to weigh samples with; choose an encoder with a variance, or "
        "the objective mmd.",
    ),
    "no density": (
        {"encoder_head": "deterministic"},
        "total_correlation",
        "a deterministic encoder has no density q(z), so no total correlation; choose an encoder with a "
        "variance, or the objective mmd.",
    ),
    "one dimension": (
        {"latent_dim": 1},
        "total_correlation",
        "one latent dimension has no total correlation: there is nothing for it to depend on; use two or "
        "more latent dimensions.",
    ),
    "learned prior": (
        {"prior": "vamp"},
        "mmd",
        "from samples of a learned prior its weights get no gradient; choose the prior standard_normal.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_model_does_not_have_is_refused(data: Dataset, case: str) -> None:
    fields, objective, said = REFUSED[case]
    model, train = ModelConfig(data_dim=64, **fields), TrainConfig(objective=objective)
    for attempt in (
        lambda: RunConfig(model=model, train=train),
        lambda: Training(VAE(model, generator=torch.Generator()), data, train, generator=torch.Generator()),
    ):
        with pytest.raises(BadInput) as caught:
            attempt()
        assert caught.value.code == "objective"
        assert str(caught.value) == said


def test_what_an_objective_does_not_have_is_refused() -> None:
    for objective in get_args(Objective):
        if objective == "elbo":
            continue
        with pytest.raises(BadInput, match="no bits of it are free") as caught:
            TrainConfig(objective=objective, free_bits=0.5)
        assert caught.value.code == "free_bits"
    for objective in ("mmd", "total_correlation"):
        with pytest.raises(BadInput, match="here one") as caught:
            TrainConfig(objective=objective, batch_size=1)
        assert caught.value.code == "batch_size"
    with pytest.raises(BadInput, match="must be one of elbo, "):
        replace(TrainConfig(), objective="evidence")  # type: ignore[arg-type]


def many(generator: torch.Generator, count: int = 12, prior: Prior = "standard_normal") -> tuple[VAE, Tensor]:
    model = model_of("log_variance", prior, generator)
    return model, torch.randn(count, 3, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("prior", ["standard_normal", "mixture"])
@pytest.mark.parametrize("free_bits", [0.0, 0.3])
def test_the_sum_of_terms_of_many_is_that_of_one_batch_of_them(
    prior: Prior, free_bits: float, generator: torch.Generator
) -> None:
    model, x = many(generator, prior=prior)
    terms = terms_per_example(model, x, num_samples=3, generator=generator)
    train = TrainConfig(beta=1.7, free_bits=free_bits)
    found = of_many(model, x, means_of(terms), train, beta=1.7, num_data=9, generator=generator)
    expected = terms.reconstruction.mean() - 1.7 * penalised_kl(terms, free_bits)
    assert found == pytest.approx(float(expected), abs=1e-12)


def test_the_weighted_bound_of_many_is_that_of_the_evidence(generator: torch.Generator) -> None:
    """On average over the noise, though it is measured with 3 of 12 examples and they are alike by design."""
    model, x = many(generator, 3)
    x = x.repeat(4, 1)
    train = TrainConfig(objective="importance_weighted", num_samples=4)
    found, apart = [], []
    for _ in range(3000):
        measured = means_of(terms_per_example(model, x, generator=generator))
        found.append(of_many(model, x, measured, train, beta=1.0, num_data=9, generator=generator))
        apart.append(found[-1] - measured.elbo)
    expected = torch.stack([iw_bound(model, x, num_samples=4, generator=generator) for _ in range(3000)])
    error = math.hypot(np.std(found), float(expected.mean(1).std())) / 3000**0.5
    assert np.mean(found) == pytest.approx(float(expected.mean()), abs=STANDARD_ERRORS * error)
    assert min(apart) > 0, "log of a mean is above the mean of logs"
    assert np.mean(apart) > 50 * error, "so that a mean of logs would have failed"


@pytest.mark.parametrize("objective", ["mmd", "total_correlation"])
def test_what_compares_examples_is_of_a_mini_batch_and_the_rest_of_all(
    objective: Objective, generator: torch.Generator
) -> None:
    model, x = many(generator)
    train = TrainConfig(objective=objective, batch_size=5)
    measured = means_of(terms_per_example(model, x, generator=generator))
    state = generator.get_state()
    found = of_many(model, x, measured, train, beta=3.0, num_data=9, generator=generator)
    posterior = model.posterior(x[:5])
    eps = posterior.draw_eps(1, generator=generator.set_state(state))
    terms, value = objective_given_eps(
        model, x[:5], posterior, eps, train, beta=3.0, num_data=9, generator=generator
    )
    weight = kl_weight(train, 3.0)
    penalty = float((value - (terms.reconstruction - weight * terms.kl).mean()).detach())
    assert found == pytest.approx(measured.reconstruction - weight * measured.kl + penalty, abs=1e-12)
    assert abs(penalty) > 1e-3
    without = of_many(
        model, x, measured, train, beta={"mmd": 0.0}.get(objective, 1.0), num_data=9, generator=generator
    )
    expected = measured.reconstruction if objective == "mmd" else measured.elbo
    assert without == pytest.approx(expected, abs=1e-12), "nothing is left but the terms of all"


def test_no_more_than_some_are_compared_with_each_other(generator: torch.Generator) -> None:
    model, x = many(generator, MAX_TOGETHER + 50)
    train = TrainConfig(objective="mmd", batch_size=1000)
    measured = means_of(terms_per_example(model, x, generator=generator))
    state = generator.get_state()
    moved = x.clone()
    moved[MAX_TOGETHER:] += 1
    found = []
    for some in (x, moved):
        generator.set_state(state.clone())
        found.append(of_many(model, some, measured, train, beta=1.0, num_data=5000, generator=generator))
    assert found[0] == found[1]
