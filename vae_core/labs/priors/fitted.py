"""Priors fitted to a trained model: encoder and decoder stay, so only the KL of the bound changes."""

import math
from itertools import islice
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.elbo import elbo_terms
from vae_core.labs.em.mixture import Mixture, check_num_components, em_steps, random_start
from vae_core.latent.aggregate import Estimate, PriorFit, prior_fit
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
        """ELBO here less there: mean over the examples and standard error, example by example."""
        return paired(self.elbo, other.elbo)


def paired(first: Tensor, second: Tensor) -> Estimate:
    """Mean of the differences and its standard error: what all examples share cancels."""
    change = first.double() - second.double()
    return Estimate(float(change.mean()), float(change.std()) / math.sqrt(len(change)))


@torch.no_grad()
def evaluate_prior(model: VAE, x: Tensor, prior: AnyPrior, *, num_samples: int, seed: int) -> PriorEvaluation:
    """The bound of examples x under a prior; the same seed draws the same z, whatever the prior."""
    q = model.posterior(x).as_density()
    noise = torch.Generator().manual_seed(seed)
    terms = elbo_terms(model, x, num_samples=num_samples, generator=noise, prior=prior)
    noise = torch.Generator().manual_seed(seed)
    fit = prior_fit(q, prior, num_samples=num_samples, generator=noise)
    return PriorEvaluation(terms.elbo.double(), float(terms.reconstruction.double().mean()), fit)
