"""The metrics: those of a lossless method, of PCA by hand, and data sets that cannot be evaluated."""

import numpy as np
import pytest
import torch
from scipy.linalg import subspace_angles
from torch import Tensor

from vae_core.data import Dataset, from_arrays, load_dataset
from vae_core.errors import BadInput
from vae_core.labs.reduction.baselines import fit_pca, fit_ppca
from vae_core.labs.reduction.evaluation import (
    OUT_OF_DISTRIBUTION,
    common_planes,
    compare,
    data_arrays,
    dataset_of,
    evaluate_method,
    evaluation_set,
    reference,
    resampled,
)
from vae_core.labs.reduction.networks import NETWORKS, train_network
from vae_core.labs.reduction.results import Metrics, to_arrays
from vae_core.labs.reduction.results import from_arrays as results_of


class Identity:
    """Keeps everything: z = x. Its samples are the examples that it was given."""

    def __init__(self, x: Tensor) -> None:
        self._x = x

    def encode(self, x: Tensor) -> Tensor:
        return x

    def decode(self, z: Tensor) -> Tensor:
        return z

    def sample(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        return self._x[:num_samples]

    def log_prob(self, x: Tensor, *, generator: torch.Generator) -> None:
        return None

    def inpaint(self, x: Tensor, hidden: Tensor) -> Tensor:
        return torch.where(hidden, torch.zeros_like(x), x)


@pytest.fixture(scope="module")
def moons() -> Dataset:
    return load_dataset("two_moons", seed=0)


def random_data(count: int, dims: int, labels: Tensor | None = None) -> Dataset:
    noise = torch.Generator().manual_seed(0)
    return from_arrays("noise", torch.randn(count, dims, generator=noise), labels, generator=noise)


def test_a_lossless_method_has_the_metrics_of_the_data_themselves() -> None:
    examples = evaluation_set(load_dataset("digits", seed=0), seed=0)
    found, own = evaluate_method(Identity(examples.x_train), examples, seed=0), reference(examples)
    assert np.all(found.trust == 1)
    assert np.all(found.reconstruction_error == 0)
    assert np.array_equal(found.class_hit, own.class_hit)
    assert np.array_equal(found.midpoint_distance, own.midpoint_distance)
    assert found.sample_distance.max() < 1e-6
    hidden = examples.x[:, examples.hidden].square().sum(1).numpy()
    assert np.allclose(found.inpainting_error, hidden, atol=1e-12)
    assert np.allclose(found.area_by_error, [[0.5, found.area_by_error[0, 1]]] * len(OUT_OF_DISTRIBUTION))
    assert len(found.log_prob) == len(found.area_by_density) == 0


def test_out_of_distribution_examples_keep_what_they_should() -> None:
    examples = evaluation_set(load_dataset("digits", seed=0), seed=0)
    shuffled, inverted, noise = examples.out_of_distribution
    assert torch.equal(shuffled.sort(0).values, examples.x.sort(0).values)
    assert not torch.equal(shuffled, examples.x)
    assert torch.allclose(inverted + examples.x, torch.ones_like(examples.x))
    assert float(noise.min()) >= 0
    assert float(noise.max()) <= 1
    assert bool((examples.pairs[:, 0] != examples.pairs[:, 1]).all())
    assert int(examples.hidden.sum()) == 32
    assert examples.labels is not None
    assert examples.labels[examples.shown].tolist() == list(range(10))


def test_same_seed_same_evaluation_set(moons: Dataset) -> None:
    one, same, other = (evaluation_set(moons, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.pairs, same.pairs)
    assert torch.equal(one.out_of_distribution, same.out_of_distribution)
    assert not torch.equal(one.pairs, other.pairs)


def test_numbers_of_pca_are_its_own(moons: Dataset) -> None:
    examples = evaluation_set(moons, seed=0)
    pca = fit_pca(examples.x_train, 1)
    found = evaluate_method(pca, examples, seed=0)
    away = (examples.x - pca.mean) - (examples.x - pca.mean) @ pca.directions @ pca.directions.T
    assert np.allclose(found.reconstruction_error, away.square().sum(1).numpy(), atol=1e-12)
    assert found.line.shape == (200, 2)
    assert found.codes.shape == (400, 1)
    density = evaluate_method(fit_ppca(examples.x_train, 1), examples, seed=0)
    assert density.log_prob.shape == (400,)
    assert density.area_by_density.shape == (3, 2)


@pytest.mark.parametrize("labels", [None, torch.zeros(60, dtype=torch.int64)])
def test_without_two_classes_there_is_no_accuracy(labels: Tensor | None) -> None:
    examples = evaluation_set(random_data(60, 4, labels), seed=0)
    found = evaluate_method(fit_ppca(examples.x_train, 2), examples, seed=0)
    assert len(found.class_hit) == len(reference(examples).class_hit) == 0
    assert len(found.trust) == 12


@pytest.mark.parametrize(("count", "dims"), [(60, 1), (6, 3)])
def test_too_little_data_is_refused(count: int, dims: int) -> None:
    with pytest.raises(BadInput, match="evaluation"):
        evaluation_set(random_data(count, dims), seed=0)


def test_other_samples_change_what_is_sampled_and_nothing_else(moons: Dataset) -> None:
    examples = evaluation_set(moons, seed=0)
    method = fit_ppca(examples.x_train, 1)
    first, other = (evaluate_method(method, examples, seed=seed) for seed in (0, 1))
    found = resampled(first, method, examples, seed=1)
    for name in Metrics._fields:
        from_other = name in ("sample_distance", "coverage_distance")
        assert np.array_equal(getattr(found, name), getattr(other if from_other else first, name)), name
    assert not np.array_equal(first.sample_distance, other.sample_distance)


def test_planes_differ_by_what_no_turn_undoes() -> None:
    """A turned, mirrored and enlarged plane becomes the first one; a stretched one does not."""
    z = torch.randn(50, 2, generator=torch.Generator().manual_seed(0)).double().numpy()
    mirrored = 4 * z @ np.array([[0.0, 1.0], [1.0, 0.0]]) + 7
    planes = common_planes({"one": z, "mirrored": mirrored, "stretched": z * [1, 3]})
    assert np.abs(planes["one"] - planes["mirrored"]).max() < 1e-10
    assert np.abs(planes["one"] - planes["stretched"]).max() > 0.1
    assert np.sqrt((planes["stretched"] ** 2).mean()) == pytest.approx(1)


def test_more_dimensions_are_seen_along_their_main_directions() -> None:
    z = torch.randn(50, 5, generator=torch.Generator().manual_seed(0)).double().numpy()
    z[:, :2] *= 100
    planes = common_planes({"one": z, "other": z[:, [4, 3, 1, 0, 2]]})
    assert np.abs(planes["one"] - planes["other"]).max() < 1e-3


def test_the_task_trains_three_networks_and_its_findings_survive_a_file(moons: Dataset) -> None:
    shares: list[float] = []
    data = dataset_of(data_arrays(moons))
    arrays = compare(data, 1, seed=0, training_seed=0, on_progress=shares.append, num_updates=30)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    for name in NETWORKS:
        found = results_of(name, arrays)
        assert found.codes.shape == (400, 1)
        assert all(np.isfinite(value).all() for value in found)
    has_density = {name: len(results_of(name, arrays).log_prob) > 0 for name in NETWORKS}
    assert has_density == {"linear VAE": True, "autoencoder": False, "VAE": True}
    assert set(to_arrays("VAE", results_of("VAE", arrays))) == {f"VAE.{field}" for field in Metrics._fields}


def test_angle_is_between_the_trained_decoder_and_the_principal_component(moons: Dataset) -> None:
    """Of the linear VAE: trained here once more, its angle to PCA by scipy."""
    arrays = compare(moons, 1, seed=0, training_seed=4, on_progress=lambda share: None, num_updates=30)
    model = train_network("linear VAE", moons, 1, seed=4, on_progress=lambda share: None, num_updates=30)
    column, component = model.decoder.weights[0].detach().numpy(), fit_pca(moons.x_train[:], 1).directions
    expected = np.rad2deg(subspace_angles(column.astype(np.float64), component.numpy()).max())
    assert expected > 1, "an angle of 0 would test nothing"
    assert float(arrays["angle"]) == pytest.approx(expected, abs=1e-4)


def test_what_cannot_be_reduced_is_refused(moons: Dataset) -> None:
    with pytest.raises(BadInput, match="dimensions"):
        compare(moons, 3, seed=0, training_seed=0, on_progress=lambda share: None, num_updates=1)
