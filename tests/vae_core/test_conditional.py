"""Conditional models p(x|z, y): at one y an ordinary model, whose evidence is log p(x|y)."""

import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tests.run_files import saved_run
from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.data import Dataset, condition_of, from_arrays, load_dataset, with_conditions
from vae_core.data.byte_images import ByteImages, RedrawnImages
from vae_core.elbo import elbo_terms, evaluate
from vae_core.errors import BadInput
from vae_core.evidence import evidence_and_bound, exact_evidence
from vae_core.model import VAE
from vae_core.objectives import of_many
from vae_core.runs.driver import open_training
from vae_core.runs.observer import Observer
from vae_core.training.loop import Training
from vae_core.training.trace import Tracer

DIGITS: Final = ModelConfig(data_dim=64, hidden_dims=(16,), num_conditions=10)
RUN: Final = RunConfig(model=DIGITS, condition="class", train=TrainConfig(num_epochs=2), seed=3)
CONV: Final[dict[str, Any]] = {"architecture": "conv", "image_shape": (8, 8), "hidden_dims": (3, 4)}
HEADS: Final = ("log_variance", "variance", "full_covariance", "unit_variance", "deterministic")


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def exact(**changes: Any) -> VAE:
    """A model in float64 whose biases are not zero either."""
    model = VAE(replace(DIGITS, **changes), generator=noise()).double()
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.1 * torch.randn(weight.shape, generator=noise(1), dtype=torch.float64)
    return model


def classes(count: int = 40) -> tuple[Tensor, Tensor, Tensor]:
    """Rows [x, y] of digits, x, and labels."""
    data = load_dataset("digits")
    rows = with_conditions(data, "class").x_train[:count].double()
    assert data.labels_train is not None
    return rows, data.x_train[:count].double(), data.labels_train[:count]


@pytest.mark.parametrize("networks", [{}, CONV, CONV | {"activation": "relu"}])
@pytest.mark.parametrize("prior", ["standard_normal", "mixture"])
@pytest.mark.parametrize("head", HEADS[:4])
def test_given_one_y_it_is_an_ordinary_model_of_the_same_numbers(
    head: str, prior: str, networks: dict[str, Any]
) -> None:
    model = exact(encoder_head=head, prior=prior, num_components=5, latent_dim=3, **networks)
    rows, x, labels = classes()
    drawn, values = model.of_rows(rows)
    assert torch.equal(values, x)
    q = drawn.posterior(x)
    z = q.draw(q.draw_eps(3, generator=noise())).z
    log_likelihood = drawn.likelihood(z).log_prob(x)
    for label in range(10):
        of_class = labels == label
        given = model.given(condition_of(label, 10).double())
        assert given.config == replace(model.config, num_conditions=0)
        found = given.posterior(x[of_class])
        torch.testing.assert_close(found.mean, q.mean[of_class], rtol=0, atol=1e-12)
        torch.testing.assert_close(found.std, q.std[of_class], rtol=0, atol=1e-12)
        at_z = given.likelihood(z[:, of_class]).log_prob(x[of_class])
        torch.testing.assert_close(at_z, log_likelihood[:, of_class], rtol=0, atol=1e-12)
        alone = elbo_terms(given, x[of_class], generator=noise(5)).elbo
        with_y = elbo_terms(model, rows[of_class], generator=noise(5)).elbo
        torch.testing.assert_close(alone, with_y, rtol=0, atol=1e-12)


def test_convolutions_take_y_as_maps_that_a_kernel_of_one_pixel_sees() -> None:
    """Oracle: the first convolution of [x, maps of y], y's kernels being 1 x 1, with all its maps."""
    model = exact(
        **CONV | {"image_shape": (7, 5), "data_dim": 35, "likelihood": "gaussian_diagonal"}, latent_dim=3
    )
    assert model.config.num_parameters == sum(weight.numel() for weight in model.parameters())
    x = torch.rand(6, 35, generator=noise(2), dtype=torch.float64)
    y = torch.eye(10, dtype=torch.float64)[torch.tensor([0, 3, 3, 9, 1, 2])]
    encoder, decoder = model.encoder, model.decoder
    images, maps = x.view(6, 1, 7, 5), y[:, :, None, None].expand(-1, -1, 3, 2)
    h = functional.conv2d(images, encoder.weights[0], encoder.biases[0], stride=2, padding=1)
    h = torch.tanh(h + functional.conv2d(maps, encoder.of_y[:, :, None, None]))  # type: ignore[index]
    h = torch.tanh(functional.conv2d(h, encoder.weights[1], encoder.biases[1], stride=2, padding=1))
    flat = h.permute(0, 2, 3, 1).flatten(1)
    outputs = flat @ encoder.weights[2].T + encoder.biases[2]
    given, _ = model.of_rows(torch.cat((x, y), 1))
    torch.testing.assert_close(given.encoder(x), outputs, rtol=0, atol=1e-12)
    z = torch.randn(2, 6, 3, generator=noise(3), dtype=torch.float64)
    both = torch.cat((z, y.expand(2, -1, -1)), -1)
    torch.testing.assert_close(given.decoder(z), decoder(both), rtol=0, atol=1e-12)
    assert (given.decoder(z)[:, 0] - given.decoder(z[:, :1])[:, 1]).abs().max() > 1e-3, "y tells"


def test_its_weights_are_its_own() -> None:
    model = exact()
    given = model.given(condition_of(0, 10))
    before = given.encoder.weights[0].clone()
    with torch.no_grad():
        model.encoder.weights[0].zero_()
    assert torch.equal(given.encoder.weights[0], before)
    ordinary = VAE(replace(DIGITS, num_conditions=0), generator=noise())
    assert ordinary.given(torch.empty(0)) is ordinary


@pytest.mark.parametrize("latent_dim", [1, 2])
def test_evidence_of_linear_maps_is_the_gaussian_given_y(latent_dim: int) -> None:
    """x|y ~ N(W_y y + b, W_z W_z^T + s^2 I), and its log density is what the quadrature finds."""
    config = ModelConfig(
        data_dim=4,
        latent_dim=latent_dim,
        hidden_dims=(),
        likelihood="gaussian",
        likelihood_scale=0.6,
        num_conditions=3,
    )
    model = VAE(config, generator=noise(2)).double()
    x = torch.randn(20, 4, generator=noise(3), dtype=torch.float64)
    of_both, bias = model.decoder.weights[0].detach(), model.decoder.biases[0].detach()
    of_z, of_y = of_both[:, :latent_dim], of_both[:, latent_dim:]
    covariance = of_z @ of_z.T + 0.36 * torch.eye(4, dtype=torch.float64)
    densities = []
    for label in range(3):
        mean = bias + of_y[:, label]
        expected = torch.distributions.MultivariateNormal(mean, covariance).log_prob(x)
        given = model.given(condition_of(label, 3))
        found = exact_evidence(given, x).log_evidence
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
        elbo = elbo_terms(given, x, num_samples=4000, generator=noise(4)).elbo
        assert (elbo < expected + 0.1).all(), "a bound of log p(x|y)"
        densities.append(expected)
    assert (densities[0] - densities[1]).abs().min() > 1e-3, "or y would be of no account"


def test_what_x_owes_to_y_is_their_mutual_information() -> None:
    """x = c_y + s eps: with z unused log p(x|y) - log p(x) is I(x; y) on average, 0 nats to log C."""
    centres = torch.tensor([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.5]], dtype=torch.float64)
    for scale, least, most in ((0.05, math.log(3) - 1e-6, math.log(3) + 1e-9), (0.8, 0.35, 0.95)):
        config = ModelConfig(
            data_dim=2, hidden_dims=(), likelihood="gaussian", likelihood_scale=scale, num_conditions=3
        )
        model = VAE(config, generator=noise()).double()
        with torch.no_grad():
            for weight in model.parameters():
                weight.zero_()
            model.decoder.weights[0][:, 2:] = centres.T
        labels = torch.arange(198) % 3
        eps = torch.randn(198, 2, generator=noise(1), dtype=torch.float64)
        x = centres[labels] + scale * eps
        of_classes = torch.stack(
            [exact_evidence(model.given(condition_of(label, 3)), x).log_evidence for label in range(3)]
        )
        given_y = of_classes.gather(0, labels[None])[0]
        expected = -0.5 * eps.square().sum(-1) - 2 * math.log(scale) - math.log(2 * math.pi)
        torch.testing.assert_close(given_y, expected, rtol=0, atol=1e-9)
        rows = torch.cat((x, torch.eye(3, dtype=torch.float64)[labels]), 1)
        terms = elbo_terms(model, rows, generator=noise(2))
        torch.testing.assert_close(terms.elbo, expected, rtol=0, atol=1e-9)  # q = p(z): the bound is tight
        information = float((given_y - (torch.logsumexp(of_classes, 0) - math.log(3))).mean())
        assert least < information < most, information
        # I(x; y) = H(y) - H(y|x), by the posterior of the classes.
        posterior = torch.softmax(of_classes, 0)
        left = -(posterior * posterior.clamp(min=1e-300).log()).sum(0)
        assert information == pytest.approx(math.log(3) - float(left.mean()), abs=0.08)


@pytest.mark.parametrize("prior", ["standard_normal", "mixture"])
@pytest.mark.parametrize("head", HEADS)
def test_gradient_written_out_is_that_of_automatic_differentiation(head: str, prior: str) -> None:
    if head == "deterministic" and prior == "mixture":
        with pytest.raises(BadInput, match="no KL from which a prior could learn"):
            replace(DIGITS, encoder_head="deterministic", prior="mixture")
        return
    data = with_conditions(load_dataset("digits"), "class")
    data = replace(data, x_train=data.x_train[:200].double(), x_test=data.x_test[:].double())
    config = TrainConfig(num_samples=3, batch_size=60, beta=2.0)
    found = []
    for written_out in (True, False):
        model = exact(encoder_head=head, prior=prior, num_components=4, latent_dim=3)
        training = Training(model, data, config, generator=noise(7), written_out=written_out)
        assert (training._by_hand is not None) == written_out
        *_, step = itertools.islice(training.steps(), 6)  # the last batch of an epoch is smaller
        found.append((training._gradient.clone(), step.elbo))
    torch.testing.assert_close(found[0][0], found[1][0], rtol=0, atol=1e-10)
    assert found[0][1] == pytest.approx(found[1][1], abs=1e-10)
    of_y = model.decoder.weights[0].grad
    assert of_y is not None
    assert float(of_y[:, 3:].abs().max()) > 1e-6, "y has a gradient"


def images(kind: type[ByteImages] | None = None) -> Dataset:
    pixels = torch.randint(256, (60, 12), generator=noise(), dtype=torch.uint8)
    labels = np.arange(60) % 3
    x = pixels.numpy() / np.float32(255) if kind is None else ByteImages(pixels)
    return from_arrays("own", x, labels, image_shape=(4, 3), generator=noise(1))


def test_images_that_stay_bytes_train_the_same() -> None:
    config = ModelConfig(data_dim=12, hidden_dims=(5,), num_conditions=3)
    weights = []
    for kind in (None, ByteImages):
        data = with_conditions(images(kind), "class")
        assert isinstance(data.x_train, Tensor) == (kind is None)
        assert data.x_train.shape == (48, 15)
        model = VAE(config, generator=noise())
        training = Training(model, data, TrainConfig(num_epochs=2, batch_size=20), generator=noise(2))
        assert len(list(training.steps())) == 6
        weights.append(training._weights.clone())
    assert torch.equal(*weights)


def test_images_that_are_drawn_anew_keep_their_classes() -> None:
    data = load_dataset("digits", binarised="stochastic")
    assert isinstance(data.x_train, RedrawnImages)
    rows = with_conditions(data, "class").x_train
    assert isinstance(rows, ByteImages)
    index = torch.arange(500)
    first, second = (rows.drawn(index, generator=noise(seed)) for seed in (0, 1))
    assert torch.equal(first[:, :64], data.x_train.drawn(index, generator=noise(0)))
    assert not torch.equal(first[:, :64], second[:, :64])
    assert data.labels_train is not None
    assert torch.equal(first[:, 64:].argmax(1), data.labels_train[:500])
    assert torch.equal(first[:, 64:], second[:, 64:])
    part = rows.part(torch.tensor([5, 2]))
    assert torch.equal(part[:], rows[:][[5, 2]])
    assert torch.equal(part.to(torch.device("cpu"))[1], rows[2])


def test_a_class_given_raises_the_bound_of_the_digits() -> None:
    """At equal settings: what the class tells need not be in z."""
    data, found = load_dataset("digits"), []
    for count in (0, 10):
        rows = with_conditions(data, "class" if count else "none")
        model = VAE(replace(DIGITS, hidden_dims=(64,), num_conditions=count), generator=noise())
        list(Training(model, rows, TrainConfig(num_epochs=15), generator=noise(1)).steps())
        found.append(evaluate(model, rows.x_test, num_samples=20, generator=noise(2)))
    without, with_y = found
    assert with_y.elbo > without.elbo + 0.5
    assert with_y.kl < without.kl


@pytest.mark.parametrize("networks", [{}, CONV])
def test_a_saved_run_goes_on_bit_for_bit(tmp_path: Path, networks: dict[str, Any]) -> None:
    config = replace(RUN, model=replace(DIGITS, **networks))
    whole = open_training(config, None)
    list(whole.steps())
    first = open_training(config, None)
    steps = first.steps()
    for _ in range(17):
        next(steps)
    again = open_training(config, saved_run(first, config, tmp_path / "run.safetensors"))
    list(again.steps())
    assert again.step == whole.step
    assert torch.equal(again._weights, whole._weights)


def test_what_is_observed_is_conditional() -> None:
    training = open_training(RUN, None)
    training.tracer = Tracer()
    list(training.steps())
    snapshot = Observer(training, seed=3).look()
    held_out = evaluate(training.model, training.dataset.x_test[:], generator=noise(3))
    assert snapshot.history[-1, 5] == pytest.approx(held_out.elbo, abs=1e-4)
    assert snapshot.examples.shape == snapshot.reconstructions.shape == (10, 64)
    first = training.model.given(condition_of(0, 10))
    for at in (0, 7):
        z = torch.tensor([[snapshot.grid_axis[0], snapshot.grid_axis[-1 - at]]])
        np.testing.assert_allclose(first.likelihood(z).mean[0].detach(), snapshot.grid[at, 0], atol=1e-5)
    assert snapshot.flow is not None
    assert snapshot.flow.x.shape == snapshot.flow.decoded.shape == snapshot.flow.generated.shape == (64,)


@pytest.mark.parametrize("objective", ["elbo", "importance_weighted", "mmd", "total_correlation"])
def test_held_out_objective_of_one_class_is_that_of_the_model_given_it(objective: Any) -> None:
    rows, x, labels = classes(400)
    model, of_class = exact(), labels == 3
    train, found = TrainConfig(objective=objective, num_samples=2, beta=2.0), []
    for one, examples in ((model, rows[of_class]), (model.given(condition_of(3, 10)), x[of_class])):
        measured = evaluate(one, examples, generator=noise(1))
        found.append(of_many(one, examples, measured, train, beta=2.0, num_data=400, generator=noise(2)))
    assert found[0] == pytest.approx(found[1], abs=1e-9)


def test_what_cannot_be_conditional_says_so() -> None:
    with pytest.raises(BadInput, match=r"on which p\(z\) would then depend; choose the learned mixture"):
        replace(DIGITS, prior="vamp")
    with pytest.raises(BadInput, match="does not suit the condition"):
        RunConfig(model=DIGITS)
    with pytest.raises(BadInput, match="does not suit the condition"):
        RunConfig(model=replace(DIGITS, num_conditions=0), condition="class")
    model = VAE(DIGITS, generator=noise())
    for ask in (lambda: model.posterior(torch.zeros(1, 64)), lambda: model.likelihood(torch.zeros(1, 2))):
        with pytest.raises(BadInput, match=r"ask model\.given\(y\)"):
            ask()
    with pytest.raises(BadInput, match="takes a y of 10 values"):
        model.given(torch.zeros(9))
    with pytest.raises(BadInput, match="64 values of x and 10 of y"):
        elbo_terms(model, torch.zeros(1, 64), generator=noise())
    unlabelled = replace(load_dataset("digits"), labels_train=None, labels_test=None, class_names=())
    with pytest.raises(BadInput, match="has no classes"):
        with_conditions(unlabelled, "class")
    with pytest.raises(BadInput, match="set num_conditions to 10"):
        Training(model, load_dataset("digits"), TrainConfig(), generator=noise())


@pytest.mark.parametrize("latent_dim", [1, 2, 3])
def test_evidence_of_rows_is_that_of_each_model_given_its_y(latent_dim: int) -> None:
    model = exact(latent_dim=latent_dim)
    rows, x, labels = classes(12)
    found = evidence_and_bound(model, rows, generator=noise())
    assert found.is_exact == (latent_dim <= 2)
    for label in labels.unique().tolist():
        places = labels == label
        given = model.given(condition_of(label, 10))
        if latent_dim <= 2:
            expected = exact_evidence(given, x[places])
            assert torch.allclose(found.log_evidence[places], expected.log_evidence, atol=1e-9)
            assert torch.allclose(found.elbo[places], expected.elbo, atol=1e-9)
        else:  # another 1000 samples
            other = evidence_and_bound(given, x[places], generator=noise(9))
            errors = 6 * (found.error[places] + other.error)
            assert ((found.log_evidence[places] - other.log_evidence).abs() <= errors).all()
