"""log p(x) itself, for one or two latent dimensions, and how far the bound is from it."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.errors import BadInput
from vae_core.evidence.lattice import First, Lattice, first_cells, lattice
from vae_core.evidence.quadrature import Integrals, Integrand, integrand_of
from vae_core.memory import chunk_rows
from vae_core.model import VAE

MAX_EXACT_DIMS: Final = 2
_MAX_PAIRS: Final = 1_000_000  # of an example and a first cell: 130 MB once they are halved


class Evidence(NamedTuple):
    """log p(x) = ELBO + KL(q(z|x) || p(z|x)) for each example, all three measured; nats, float64, shape (n,).

    Each error is an estimate, no bound, of what the quadrature of one integral is off by: twice its last
    change when the points were doubled, and for ReLU decoders some of the change before (no doubling foresees
    their kinks; 2 of 315 examples were off by up to 1.1 times the error). One alone would be that of the
    hardest: under a q much wider than the posterior log p(x) is right to 1e-10, and the others are not.

    Arguments:
        log_evidence: log p(x) = log integral of p(x|z) p(z) dz.
        error: Of log p(x), with the mass at the edge of the region and that of all cells left out.
        reconstruction: E_q[log p(x|z)].
        kl: KL(q(z|x) || p(z)) in closed form; for a learned prior or a flow the integral of q log(q / p(z)).
        elbo_error: Of reconstruction - kl. Where the KL is in closed form, it is that of the reconstruction.
        kl_to_posterior: KL(q(z|x) || p(z|x)), the integral of q log(q / p(z|x)) with the posterior
            normalised on the same points.
        kl_to_posterior_error: Of that, the error of log p(x) included.
    """

    log_evidence: Tensor
    error: Tensor
    reconstruction: Tensor
    kl: Tensor
    elbo_error: Tensor
    kl_to_posterior: Tensor
    kl_to_posterior_error: Tensor

    @property
    def elbo(self) -> Tensor:
        """reconstruction - kl."""
        return self.reconstruction - self.kl


@torch.no_grad()
def exact_evidence(model: VAE, x: Tensor, *, decoded: Lattice | None = None) -> Evidence:
    """log p(x) and KL(q || posterior) by quadrature over the latent space (J = 1 or 2).

    The identity log p(x) = ELBO + KL(q || p(z|x)) is that of Jordan et al. (1999), "An introduction to
    variational methods for graphical models"; Kingma and Welling 2019, section 2.2. Computed on the CPU in
    float64, wherever the model is.

    Arguments:
        model: The model; its posterior's mean and width choose the points, and change nothing else.
        x: Shape (n, D).
        decoded: :func:`~vae_core.evidence.lattice.decoded_lattice` of the model, which spares two thirds of
            the time of a single example.

    Raises:
        BadInput: J > 2 (code ``latent_dim``), a deterministic encoder, non-finite weights (code
            ``diverged``), or examples of another size than the model's.
    """
    check_exact_dims(model)
    integrand = integrand_of(model, x)
    grid = lattice(integrand, decoded)
    at_once = chunk_rows(len(grid.centres))
    chunks = torch.arange(len(x)).split(at_once)
    parts = [part for rows in chunks for part in _evidence(integrand.take(rows), grid)]
    return Evidence(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


def _evidence(integrand: Integrand, grid: Lattice) -> Iterator[Evidence]:
    """Of a subset of the examples, split further while their cells would take too much memory."""
    first = first_cells(integrand, grid)
    if len(first.cells.pairs.cell) > _MAX_PAIRS and len(integrand.x) > 1:
        for rows in torch.arange(len(integrand.x)).chunk(2):
            yield from _evidence(integrand.take(rows), grid)
    else:
        yield _measured(integrand, grid, first)


def _measured(integrand: Integrand, grid: Lattice, first: First) -> Evidence:
    found = integrals(integrand, grid, first)
    return evidence_of(integrand, first, found)


def integrals(integrand: Integrand, grid: Lattice, first: First, *, keeps_points: bool = False) -> Integrals:
    """The integrals over the first cells and all that they are halved into.

    Raises:
        BadInput: Non-finite weights (code ``diverged``).
    """
    if not bool(first.largest.isfinite().all()):
        raise BadInput("diverged", "the model's weights are not finite", "train it again")
    found = Integrals(integrand, first.largest, keeps_points=keeps_points)
    found.measure(first.cells, grid.size, grid.children)
    return found


def evidence_of(integrand: Integrand, first: First, found: Integrals) -> Evidence:
    """What the measured integrals say, with the mass that the first cells left out."""
    log_evidence, reconstruction, cross = found.values
    error, reconstruction_error, cross_error = found.errors
    error = error + first.edge_share + first.left_out * (first.largest - log_evidence).exp()
    # q log(q / p(x, z)) + q log p(x|z) is q log(q / p(z)): the same cells integrate it.
    per_dim = integrand.q.kl_per_dim(integrand.prior)
    kl = cross + reconstruction if per_dim is None else per_dim.sum(-1)
    elbo_error = cross_error if per_dim is None else reconstruction_error
    return Evidence(
        log_evidence, error, reconstruction, kl, elbo_error, cross + log_evidence, cross_error + error
    )


def check_exact_dims(model: VAE) -> None:
    """Raises :class:`BadInput` for a model of more than two latent dimensions."""
    if model.config.latent_dim > MAX_EXACT_DIMS:
        raise BadInput(
            "latent_dim",
            f"a grid over {model.config.latent_dim} latent dimensions is too large for an exact log p(x)",
            "use J = 1 or 2, or the importance-weighted bound",
        )
