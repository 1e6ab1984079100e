"""Priors fitted to a trained model: encoder and decoder stay, so only the KL of the bound changes."""

import math
from itertools import islice
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.elbo import first_draws, monte_carlo_kl, terms_per_example
from vae_core.labs.em.mixture import Mixture, check_num_components, em_steps, random_start
from vae_core.latent.aggregate import Estimate, PriorFit, prior_fit_at
from vae_core.model import VAE
from vae_core.posteriors import AnyPosterior
from vae_core.priors import NormalMixture, StandardNormal, vamp_prior

EM_STEPS: Final = 30
VARIANCE_FLOOR: Final = 1e-3
AnyPrior = StandardNormal | Mixture | NormalMixture


def fitted_priors(q: AnyPosterior, num_components: int, *, generator: torch.Generator) -> dict[str, AnyPrior]:
    """Priors for a trained encoder: N(0, I), a mixture by EM, and a VampPrior at some training examples.

    The mixture is fitted to one sample of each q(z|x): what maximises E_q(z)[log p(z)], the only term of the
    ELBO that holds the prior. Pseudo-inputs are training examples drawn without repetition (the
    initial values of Tomczak and Welling 2018); with all of them the prior is the aggregate posterior.
    Of a flow its components are the Gaussians with the means and covariances of q(z|u).

    Arguments:
        q: q(z|x) of the training examples.
        num_components: K of both.
        generator: Draws samples, start and pseudo-inputs.

    Raises:
        BadInput: More components than examples.
    """
    check_num_components(num_components, len(q.parameters[0]))
    z = q.sample(1, generator=generator)[0].double()
    start = random_start(z, num_components, generator=generator)
    fitted = list(islice(em_steps(z, start, floor=VARIANCE_FLOOR), EM_STEPS))[-1].mixture
    rows = torch.randperm(len(z), generator=generator)[:num_components]
    return {
        "standard_normal": StandardNormal(z.shape[1]),
        "mixture": fitted,
        "vamp": vamp_prior(q.take(rows).matched),
    }


class PriorEvaluation(NamedTuple):
    """A trained model under some prior; nats per example.

    Arguments:
        elbo: For each example, shape (n,).
        reconstruction: Mean; no prior changes it.
        fit: The KL and its two parts.
    """

    elbo: Tensor
    reconstruction: float
    fit: PriorFit

    def gain(self, other: "PriorEvaluation") -> Estimate:
        """ELBO here less there: mean over the examples and standard error, example by example.

        The mutual information is the same for both, so it is the KL(q(z) || p(z)) there less that here.
        """
        return paired(self.elbo, other.elbo)


def paired(first: Tensor, second: Tensor) -> Estimate:
    """Mean of the differences and its standard error: what all examples share cancels."""
    change = first.double() - second.double()
    return Estimate(float(change.mean()), float(change.std()) / math.sqrt(len(change)))


@torch.no_grad()
def evaluate_prior(model: VAE, x: Tensor, prior: AnyPrior, *, num_samples: int, seed: int) -> PriorEvaluation:
    """The bound of examples x under a prior; the same seed draws the same z, whatever the prior.

    KL(q || p) = KL(q || N(0, I)) + E_q[log N(z; 0, I) - log p(z)]: the first term in closed form, where q is
    a Gaussian, the second at the z of the reconstruction. What q alone adds to the noise of a sampled KL is
    not in it, and the difference of two priors is the same number by the bound and by KL(q(z) || p(z)).

    Arguments:
        model: The model.
        x: Examples, shape (n, D).
        prior: p(z).
        num_samples: M.
        seed: Of the noise.
    """
    reconstruction = terms_per_example(
        model, x, num_samples=num_samples, generator=torch.Generator().manual_seed(seed)
    ).reconstruction.double()
    draws = first_draws(
        model,
        x,
        num_examples=len(x),
        num_samples=num_samples,
        generator=torch.Generator().manual_seed(seed),
    )
    normal = StandardNormal(draws.z.shape[-1])
    per_dim = draws.q.kl_per_dim(normal)
    kl = monte_carlo_kl(draws, normal) if per_dim is None else per_dim.sum(-1)
    kl = kl + draws.mean(normal.log_prob(draws.z) - prior.log_prob(draws.z))
    return PriorEvaluation(reconstruction - kl, float(reconstruction.mean()), prior_fit_at(draws, prior))
