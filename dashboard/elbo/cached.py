"""Cached measurements of the bound, keyed by the model in view: thin wrappers round one core call each."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from dashboard.cached import Encoded, decode, encoded, posterior
from dashboard.caching import cached, kept
from dashboard.figures.posterior import Ellipse, rings_of
from dashboard.subject import Split, Subject
from vae_core.errors import BadInput

if TYPE_CHECKING:
    from torch import Tensor

    from vae_core.data.dataset import Factor
    from vae_core.evidence.exact import Evidence
    from vae_core.evidence.importance import ImportanceCurve
    from vae_core.evidence.lattice import Lattice
    from vae_core.evidence.local_posterior import LocalStep
    from vae_core.evidence.posterior_density import MeasuredExample, PosteriorGrid
    from vae_core.latent.aggregate import PriorFit, Surgery
    from vae_core.latent.collapse import PredictedCollapse
    from vae_core.posteriors import AnyPosterior, Draws

Array = NDArray[np.float32]
MAX_SURGERY_EXAMPLES: Final = 1000
MAX_SURGERY_SAMPLES: Final = 10
MAX_CAUSES_EXAMPLES: Final = 2000
MAX_COLLAPSE_EXAMPLES: Final = 10_000
"""Whose covariance is taken: a second for 784 pixels."""
TOGETHER: Final = 8
"""Examples beside each other that are measured at once, before anybody looks at them: each takes a quarter of
the time of one alone."""
_SURGERY_DIMS: Final = 20
"""Samples * J, so that comparing each sample with each example in each dimension stays below a second."""
MAX_SAMPLED_DIMS: Final = 100
"""The same, with the components of a mixture, where the samples are those of the bound: some seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One example, what the model makes of it, and what is measured of its bound.

    Arguments:
        x_and_decoded: The example, and E[x|z] at its posterior mean, shape (2, D).
        class_name: Empty where it has no class.
        mean, std: Of q(z|x), shape (J,).
        q: The same as it is drawn.
        kl: KL(q || prior), nats.
        elbo: Its bound: by quadrature for J <= 2, else by the points that measure the best q and the ladder.
        evidence: log p(x) and the gap, each of shape (1,); None for J > 2.
        posterior: The true posterior on a grid; None for J > 2.
        curve: The importance-weighted bound, and log p(x|z) of its samples.
    """

    x_and_decoded: Array
    class_name: str
    mean: Array
    std: Array
    q: Ellipse
    kl: float
    elbo: float
    evidence: "Evidence | None"
    posterior: "PosteriorGrid | None"
    curve: "ImportanceCurve"


# What all examples of a model share: 13 MB for 784 pixels.
@cached()
def _lattice(subject: Subject) -> "Lattice | None":
    from vae_core.evidence.lattice import decoded_lattice

    return decoded_lattice(subject.model)


@cached()
def measured_together(subject: Subject, split: Split, first: int) -> "list[MeasuredExample] | None":
    """The example ``first`` and the next ones; None where one of them cannot be measured so."""
    import torch

    from vae_core.evidence.posterior_density import measured_examples

    decoded = _lattice(subject)
    if decoded is None:
        return None
    x = torch.from_numpy(encoded(subject, split).x[first : first + TOGETHER])
    try:
        return measured_examples(subject.model, x, decoded=decoded)
    except BadInput:
        return None


def _measured(subject: Subject, split: Split, index: int) -> "MeasuredExample":
    """One example by itself, unless it was measured with those beside it before anybody looked at it."""
    import torch

    from vae_core.evidence.posterior_density import measured_examples

    place = index % TOGETHER
    found = kept(measured_together, subject, split, index - place)
    if found is not None:
        return found[place]
    x = torch.from_numpy(encoded(subject, split).x[index : index + 1])
    return measured_examples(subject.model, x, decoded=_lattice(subject))[0]


@cached()
def example(subject: Subject, split: Split, index: int) -> Example:
    """log p(x) of one example, its true posterior, and its bounds."""
    import torch

    from vae_core.evidence.exact import MAX_EXACT_DIMS
    from vae_core.evidence.importance import importance_curve
    from vae_core.evidence.local_posterior import posterior_elbo
    from vae_core.evidence.posterior_density import posterior_picture

    model, terms = subject.model, encoded(subject, split)
    label = int(terms.labels[index])
    x = torch.from_numpy(terms.x[index])
    # Noise of its own for each example: a rare draw that all shared would lift the curves of all of them.
    noise = torch.Generator().manual_seed(subject.config.seed + 1 + index)
    evidence, posterior = None, None
    if model.config.latent_dim <= MAX_EXACT_DIMS:
        measured = _measured(subject, split, index)
        evidence, posterior = measured.evidence, posterior_picture(model, x, measured)
    log_evidence = None if evidence is None else float(evidence.log_evidence)
    return Example(
        x_and_decoded=np.stack([terms.x[index], decode(subject, terms.means[index : index + 1])[0]]),
        class_name=subject.class_names[label] if label >= 0 else "",
        mean=terms.means[index],
        std=terms.stds[index],
        q=_drawn_of(subject, x, posterior),
        # Where it has no closed form the samples estimate it, and the quadrature does not.
        kl=float(terms.kl[index] if evidence is None or terms.kl_per_dim.shape[1] else evidence.kl),
        elbo=float(posterior_elbo(model, x[None]) if evidence is None else evidence.elbo),
        evidence=evidence,
        posterior=posterior,
        curve=importance_curve(model, x, log_evidence=log_evidence, generator=noise),
    )


def _drawn_of(subject: Subject, x: "Tensor", grid: "PosteriorGrid | None") -> Ellipse:
    import torch

    with torch.no_grad():
        return drawn(subject.model.posterior(x[None]).as_density(), grid)


def drawn(q: "AnyPosterior", grid: "PosteriorGrid | None") -> Ellipse:
    """q of one example as it is drawn over a grid of its true posterior, if there is one."""
    import torch

    from vae_core.posteriors import DiagonalMixture, FullNormal, PlanarNormal

    mean, std = (part[0].numpy() for part in q.moments)
    if isinstance(q, FullNormal):
        return Ellipse(mean, std, q.factor[0].numpy())
    if grid is None or not isinstance(q, PlanarNormal | DiagonalMixture):
        return Ellipse(mean, std)
    if len(grid.axes) == 1:
        at = grid.axes[0].to(q.parameters[0])
        return Ellipse(mean, std, line=q.log_prob(at[:, None, None])[:, 0].numpy())
    if isinstance(q, PlanarNormal):
        return Ellipse(mean, std, rings=[ring.numpy() for ring in q.outlines()])
    axes = q.axes()
    log_density = q.take(slice(0, 1)).log_prob(torch.cartesian_prod(*axes)[:, None])[:, 0]
    log_density = log_density.reshape(*map(len, axes)).double().numpy()
    return Ellipse(mean, std, rings=rings_of([axis.double().numpy() for axis in axes], log_density))


@cached("Optimising q for this example …")
def local_posterior(subject: Subject, split: Split, index: int) -> "list[LocalStep]":
    """Each step of q from the encoder's output to the best Gaussian of its family for one example."""
    from vae_core.evidence.local_posterior import optimise_posterior

    x, _ = subject.examples(split)
    return optimise_posterior(subject.model, x[index : index + 1])


@cached("Finding the best q of each family …")
def ladder(subject: Subject, split: Split, index: int, num_components: int) -> dict[str, NDArray[Any]]:
    """The bound of richer and richer q for one example; log q of each on the grid of its true posterior."""
    import torch

    from vae_core.evidence.ladder import measure_ladder

    x, grid = subject.examples(split)[0], example(subject, split, index).posterior
    return measure_ladder(
        subject.model,
        x[index : index + 1],
        num_components=num_components,
        axes=() if grid is None else grid.axes,
        generator=torch.Generator().manual_seed(subject.config.seed),
        on_progress=lambda share: None,
    )


@cached("Decomposing the KL …")
def surgery(subject: Subject, split: Split, num_samples: int) -> "Surgery":
    """Mutual information, total correlation and dimension-wise KL of the first examples.

    At the z of the bound: where the KL is sampled, of that with M = ``num_samples``, so that both are one
    number; else of the one with as many as can be had, as in the laboratory of priors.
    """
    from vae_core.latent.aggregate import kl_surgery_at

    model = subject.config.model
    most = max(1, min(MAX_SURGERY_SAMPLES, _SURGERY_DIMS // model.latent_dim))
    samples = num_samples if model.not_gaussian else most
    return kl_surgery_at(_draws_of_bound(subject, split, samples))


@cached("Decomposing the KL …")
def prior_surgery(subject: Subject, split: Split, num_samples: int) -> "PriorFit":
    """Mean KL, mutual information, and KL(q(z) || p(z)) of the first examples, whatever q and the prior.

    At the z of the bound with M = ``num_samples``, from which its KL is estimated, too.
    """
    import torch

    from vae_core.latent.aggregate import prior_fit_at

    with torch.no_grad():
        prior = subject.model.prior
    return prior_fit_at(_draws_of_bound(subject, split, num_samples), prior)


def samples_of_surgery(subject: Subject, num_samples: int) -> int:
    """M of the samples that a sampled KL is decomposed with: each is compared with each example."""
    model = subject.config.model
    most = MAX_SAMPLED_DIMS // (model.latent_dim * model.draws_of_each)
    return max(1, min(num_samples, most))


def _draws_of_bound(subject: Subject, split: Split, num_samples: int) -> "Draws":
    """The z of the bound of the first examples; of many samples the first of each example."""
    import torch

    from vae_core.elbo import first_draws

    rows = subject.rows(split)
    noise = torch.Generator().manual_seed(subject.config.seed)
    draws = first_draws(
        subject.model,
        rows,
        num_examples=MAX_SURGERY_EXAMPLES,
        num_samples=num_samples,
        generator=noise,
    )
    return draws.first(samples_of_surgery(subject, num_samples))


@cached()
def predicted_collapse(subject: Subject) -> "PredictedCollapse":
    """The dimensions that a linear VAE of the run's settings would keep of the data that it is trained on."""
    from vae_core.latent.collapse import predicted_collapse as predicted

    model, x = subject.config.model, subject.examples("training")[0]
    return predicted(
        x[:MAX_COLLAPSE_EXAMPLES],
        model.latent_dim,
        beta=subject.beta_in_force,
        scale=subject.likelihood_scale,
        unit_variance=model.encoder_head == "unit_variance",
    )


@cached()
def kl_of_dimensions(subject: Subject, split: Split) -> NDArray[np.float64]:
    """Mean KL of each dimension, the largest first; in principal axes where a rotation of q is free."""
    from vae_core.latent.collapse import kl_by_principal_axis

    if is_free_to_turn(subject):
        found = kl_by_principal_axis(posterior(subject, split).as_normal()).numpy()
    else:
        found = encoded(subject, split).kl_per_dim.astype(np.float64).mean(0)
    return np.sort(found)[::-1]


def is_free_to_turn(subject: Subject) -> bool:
    """Whether q and the weights may be rotated together and no objective changes."""
    return subject.config.model.encoder_head in ("full_covariance", "unit_variance")


@cached()
def correlation(subject: Subject, split: Split) -> float:
    """Mean of KL(q(z|x) || product of its marginals), nats: 0 for a diagonal covariance matrix."""
    q = posterior(subject, split).as_normal().double()
    return float(q.total_correlation().mean())


def active_units(terms: Encoded) -> NDArray[np.bool_]:
    """Which latent dimensions are active, shape (J,)."""
    import torch

    from vae_core.latent.aggregate import active_units as active

    return active(torch.from_numpy(terms.means)).numpy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Causes:
    """What latent dimensions say about known causes.

    Arguments:
        names: Of the K causes.
        information: Nats, shape (K, J).
        entropy: Of each cause, nats, shape (K,).
        gap: The mutual information gap.
        by_chance: The largest entry of causes that were shuffled.
        num_examples: n.
    """

    names: list[str]
    information: NDArray[np.float64]
    entropy: NDArray[np.float64]
    gap: float
    by_chance: float
    num_examples: int


@cached("Measuring what each dimension says about each cause …")
def causes(subject: Subject, split: Split) -> Causes:
    """Of the first examples of a part of the data."""
    import torch

    from vae_core.latent.factors import factor_information

    examples = encoded(subject, split)
    count = min(len(examples.means), MAX_CAUSES_EXAMPLES)
    factors = [one for one in _factors(subject, split) if len(np.unique(one.values[:count])) > 1]
    values = [factor.values[:count] for factor in factors]
    generator = torch.Generator().manual_seed(0)
    found = factor_information(examples.means[:count], examples.stds[:count], values, generator=generator)
    return Causes(
        names=[factor.name for factor in factors],
        information=found.information,
        entropy=found.entropy,
        gap=found.gap,
        by_chance=found.by_chance,
        num_examples=count,
    )


def _factors(subject: Subject, split: Split) -> "tuple[Factor, ...]":
    data = subject.data
    of = {
        "held_out": data.factors_test,
        "training": data.factors_train,
        "validation": data.factors_validation,
    }
    return of[split]


@cached()
def traversal(subject: Subject, split: Split, row: int, name: str) -> tuple[Array, Array]:
    """An example with each value of a cause, shape (values, D), and their means of q, shape (values, J)."""
    import torch

    from vae_core.data.made import MADE_SETS, images_of

    made = MADE_SETS[subject.config.dataset]
    place = [cause.name for cause in made.causes].index(name)
    own = [
        cause.values[int(factor.values[row])] if cause.names else factor.values[row]
        for cause, factor in zip(made.causes, _factors(subject, split), strict=True)
    ]
    values = np.repeat(np.array([own]), len(made.causes[place].values), axis=0)
    values[:, place] = made.causes[place].values
    x = torch.from_numpy(images_of(made, values).astype(np.float32) / np.float32(255))
    if subject.config.binarised != "no":
        x = (x > 0.5).float()
    with torch.no_grad():
        return x.numpy(), subject.model.posterior(x).mean.numpy()
