"""No page refuses a run that Train can make: every encoder head with every likelihood and every prior."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Final, get_args

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.publish.page import page_of
from dashboard.runs.data_sets import DataSets
from dashboard.runs.runner import LocalRunner
from dashboard.subject import subject_of
from tests.brought_files import npz
from tests.page_scripts import TINY, checked, message_to, open_page, runner, trained
from vae_core.config import (
    Architecture,
    EncoderHead,
    Likelihood,
    ModelConfig,
    Objective,
    Prior,
    RunConfig,
)
from vae_core.data import Choices, bring, dataset_info
from vae_core.data.own import arrays_of

__all__ = ["runner"]  # a fixture
pytestmark = pytest.mark.usefixtures("short_computations")
REFUSED: Final = {
    ("deterministic", "vamp"),
    ("deterministic", "mixture"),
    ("flow", "vamp"),
    ("mixture", "vamp"),
}
"""An encoder head and a prior that do not go together."""
EVERY: Final = [
    pytest.param(head, likelihood, prior, id=f"{head}-{likelihood}-{prior}")
    for head, likelihood, prior in itertools.product(
        get_args(EncoderHead), get_args(Likelihood), get_args(Prior)
    )
    if (head, prior) not in REFUSED
]
CONVOLUTIONS: Final = [
    ("log_variance", "bernoulli", "standard_normal"),
    ("variance", "gaussian", "vamp"),
    ("full_covariance", "gaussian_diagonal", "mixture"),
    ("unit_variance", "continuous_bernoulli", "vamp"),
    ("deterministic", "gaussian", "standard_normal"),
    ("flow", "bernoulli", "mixture"),
    ("mixture", "gaussian", "standard_normal"),
]
"""Each head, likelihood and prior with an encoder and a decoder of convolutions."""
MORE_VIEWS: Final = (
    ("elbo", {"elbo_view": "one_example"}),
    ("elbo", {"elbo_view": "watch_q"}),
    ("elbo", {"elbo_view": "units"}),
    ("gradients", {"estimators_of": "elbo"}),
    ("gradients", {"gradients_view": "back_propagation"}),
    ("latent_space", {"latent_view": "selection"}),
    ("latent_space", {"latent_view": "arithmetic"}),
    ("elbo", {"elbo_view": "ladder"}),
    ("elbo", {"elbo_view": "bits_back"}),
    ("elbo", {"elbo_view": "causes"}),
    ("latent_space", {"latent_view": "projection"}),
    ("compare", {}),
)
"""Every fifth of them for each configuration: all heads, likelihoods and priors meet each of them."""
EXPLAINED: Final = (
    "a Gaussian likelihood with one s",
    "deterministic encoder",
    "fixes σ = 1",
    "Select some examples",
    "need J > 2",
    "Nobody knows the causes",
)
"""What is said where there is nothing to measure: without q(z|x), of another model's theory; what to do."""


def tiny(head: EncoderHead, likelihood: Likelihood, prior: Prior) -> RunConfig:
    model = replace(TINY.model, encoder_head=head, likelihood=likelihood, prior=prior, num_components=3)
    return replace(TINY, model=replace(model, hidden_dims=(4,)))


OTHER_OBJECTIVES: Final = (
    ("log_variance", "bernoulli", "standard_normal", "mmd"),
    ("deterministic", "gaussian", "standard_normal", "mmd"),
    ("log_variance", "gaussian", "vamp", "importance_weighted"),
    ("full_covariance", "bernoulli", "mixture", "total_correlation"),
    ("flow", "bernoulli", "standard_normal", "importance_weighted"),
    ("mixture", "bernoulli", "standard_normal", "mmd"),
    ("mixture", "gaussian", "mixture", "importance_weighted"),
)


@pytest.mark.parametrize(("head", "likelihood", "prior", "objective"), OTHER_OBJECTIVES)
def test_every_page_takes_what_was_trained_on_another_objective(
    runner: LocalRunner, head: EncoderHead, likelihood: Likelihood, prior: Prior, objective: Objective
) -> None:
    config = tiny(head, likelihood, prior)
    train = replace(config.train, objective=objective, num_samples=2, beta=2.0)
    run_id = trained(runner, replace(config, train=train))
    for page in ("train", "latent_space", "elbo"):
        at = open_page(page, run=run_id)
        assert refusals(at) == [], page
    said = [one.value for one in at.caption]
    is_bound = head != "deterministic"
    assert any(text.startswith("Trained on ") and "β = 2" in text for text in said) == is_bound, said
    for page, query in MORE_VIEWS:
        named = {"compare_runs": run_id} if page == "compare" else {"run": run_id}
        assert refusals(checked(open_page(page, **named, **query))) == [], (page, query)


def refusals(at: AppTest) -> list[str]:
    said = [one.value for one in (*at.error, *at.warning, *at.info)]
    return [text for text in said if not any(known in text for known in EXPLAINED)]


@pytest.mark.parametrize(("head", "likelihood", "prior"), EVERY)
def test_every_page_takes_it(
    runner: LocalRunner, head: EncoderHead, likelihood: Likelihood, prior: Prior
) -> None:
    number = [one.values for one in EVERY].index((head, likelihood, prior))
    check_pages(runner, tiny(head, likelihood, prior), number)


@pytest.mark.parametrize(("head", "likelihood", "prior"), CONVOLUTIONS)
def test_every_page_takes_convolutions(
    runner: LocalRunner, head: EncoderHead, likelihood: Likelihood, prior: Prior
) -> None:
    config = tiny(head, likelihood, prior)
    model = replace(config.model, architecture="conv", image_shape=(8, 8), hidden_dims=(2, 3))
    check_pages(runner, replace(config, model=model), CONVOLUTIONS.index((head, likelihood, prior)))


@pytest.mark.parametrize("architecture", get_args(Architecture))
def test_every_page_takes_images_in_colour(
    runner: LocalRunner, architecture: Architecture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_DASHBOARD_HOME", str(tmp_path))
    images = np.random.RandomState(0).randint(0, 256, (40, 6, 8, 3)).astype(np.uint8)
    labels = np.arange(40) % 2
    brought = bring(npz(x=images, labels=labels), Choices(colours="kept"))
    name = DataSets().keep(arrays_of(brought, "photographs"), owner="a" * 32).name
    shape = (6, 8, 3) if architecture == "conv" else None
    model = ModelConfig(data_dim=144, architecture=architecture, image_shape=shape, hidden_dims=(4,))
    number = get_args(Architecture).index(architecture)
    run_id = check_pages(runner, replace(TINY, dataset=name, model=model), number)
    subject, snapshot = subject_of(run_id), runner.store.snapshot(run_id)
    assert subject is not None
    assert snapshot is not None
    assert subject.image_shape == snapshot.image_shape == (6, 8, 3)
    assert "6 × 8 pixels in colour" in page_of(subject, snapshot)
    assert dataset_info(name).sentence() == "Your data: 40 images of 6 × 8 pixels in colour, 2 classes."


def check_pages(runner: LocalRunner, config: RunConfig, number: int) -> str:
    run_id = trained(runner, config)
    subject = subject_of(run_id)
    assert subject is not None
    assert subject.config.model == config.model
    for page in ("train", "latent_space", "elbo"):
        at = open_page(page, run=run_id)
        assert refusals(at) == [], page
        if page == "latent_space":
            assert message_to(at, "latent_explorer")
    for page, query in MORE_VIEWS[number % 5 :: 5]:
        named = {"compare_runs": run_id} if page == "compare" else {"run": run_id}
        assert refusals(checked(open_page(page, **named, **query))) == [], (page, query)
    return run_id
