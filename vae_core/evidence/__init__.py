"""log p(x) and the gap of the bound: quadrature, importance sampling, annealing, the best q of a family.

Quadrature is done on the CPU, wherever the model is; the other estimates on the device of the model and x.
"""

from vae_core.evidence.annealing import AisEvidence, ais_evidence
from vae_core.evidence.exact import MAX_EXACT_DIMS, Evidence, check_exact_dims, exact_evidence
from vae_core.evidence.gaps import EvidenceAndBound, Gaps, evidence_and_bound, measure_gaps
from vae_core.evidence.importance import (
    ImportanceCurve,
    WeightedEvidence,
    importance_curve,
    iw_bound,
    iw_bound_given_eps,
    iw_evidence,
    stochastic_posterior,
)
from vae_core.evidence.ladder import Ladder, Rung, climb
from vae_core.evidence.lattice import Lattice, decoded_lattice
from vae_core.evidence.local_posterior import (
    BestPosterior,
    LocalStep,
    best_posterior,
    optimise_posterior,
    posterior_elbo,
)
from vae_core.evidence.posterior_density import PosteriorGrid, posterior_on_grid
from vae_core.evidence.rich_posterior import RichPosterior

__all__ = [
    "MAX_EXACT_DIMS",
    "AisEvidence",
    "BestPosterior",
    "Evidence",
    "EvidenceAndBound",
    "Gaps",
    "ImportanceCurve",
    "Ladder",
    "Lattice",
    "LocalStep",
    "PosteriorGrid",
    "RichPosterior",
    "Rung",
    "WeightedEvidence",
    "ais_evidence",
    "best_posterior",
    "check_exact_dims",
    "climb",
    "decoded_lattice",
    "evidence_and_bound",
    "exact_evidence",
    "importance_curve",
    "iw_bound",
    "iw_bound_given_eps",
    "iw_evidence",
    "measure_gaps",
    "optimise_posterior",
    "posterior_elbo",
    "posterior_on_grid",
    "stochastic_posterior",
]
