"""What a training maximises: the ELBO, or another objective of the same networks.

Of a mini-batch of B examples, with M samples z_m = z_m(x, eps) of each q(z|x), means over the B:

- ``elbo``: R - beta KL, with R = E_q[log p(x|z)] and KL = KL(q(z|x) || p(z)), less what free bits spare.
- ``importance_weighted``: L_K = log 1/K sum_k p(x|z_k) (p(z_k) / q(z_k|x))^beta, K = M (Burda, Grosse and
  Salakhutdinov 2016, arXiv 1509.00519). With beta = 1 it is a bound of log p(x), tighter than the ELBO; with
  K = 1 it is the ELBO, and trained as that. As K grows the gradient of the encoder drowns in its noise
  (Rainforth et al. 2018, arXiv 1802.04537).
- ``mmd``: R - beta D MMD^2(q(z), p(z)), which holds the aggregate posterior to the prior, not each q(z|x)
  (Zhao, Song and Ermon 2017, arXiv 1706.02262; Tolstikhin et al. 2018, arXiv 1711.01558). No bound.
- ``total_correlation``: R - I_q(x; z) - beta TC - sum_j KL(q(z_j) || p(z_j)), that is
  R - KL - (beta - 1) TC with TC = KL(q(z) || prod_j q(z_j)) (Chen et al. 2018, arXiv 1802.04942). With
  beta = 1 it is the ELBO.

Without any regulariser: ``elbo`` with beta = 0.

Whatever is maximised, R, KL and the ELBO are measured as they are.
"""

import math
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.config import TrainConfig
from vae_core.elbo import ElboTerms, Evaluation, elbo_terms_at, penalised_kl
from vae_core.model import VAE
from vae_core.posteriors import Draws, Posterior, Prior


class Objective(NamedTuple):
    """Of one mini-batch.

    Arguments:
        terms: The bound of each example, nats.
        value: What is maximised, a differentiable scalar; nats per example, of ``mmd`` in part.
    """

    terms: ElboTerms
    value: Tensor


def objective_given_eps(
    model: VAE,
    x: Tensor,
    posterior: Posterior,
    eps: Tensor,
    train: TrainConfig,
    *,
    beta: float,
    num_data: int,
    generator: torch.Generator,
) -> Objective:
    """The objective at given noise: a differentiable function of the weights.

    Arguments:
        model: The model.
        x: The mini-batch, shape (B, D).
        posterior: Its q(z|x).
        eps: Noise of shape (M, B, J).
        train: Says which objective, and how many free bits.
        beta: Its weight, as the module says.
        num_data: Examples that mini-batches are drawn from; the total correlation counts them.
        generator: Draws from the prior for ``mmd``; the others draw nothing.
    """
    draws = posterior.draw(eps)
    z, prior = draws.z, model.prior
    log_likelihood = model.likelihood(z).log_prob(x)
    terms = elbo_terms_at(draws, log_likelihood, prior)
    if train.is_elbo:
        value = terms.reconstruction.mean() - beta * penalised_kl(terms, train.free_bits)
    elif train.objective == "importance_weighted":
        value = draws.log_mean_exp(_log_weights(log_likelihood, draws, prior, beta)).mean()
    elif train.objective == "mmd":
        drawn = prior.sample(math.prod(eps.shape[:2]), generator=generator).to(z).view_as(eps)
        value = terms.reconstruction.mean() - beta * x.shape[-1] * squared_mmd(z, drawn, draws.log_shares)
    else:
        value = terms.elbo.mean()
        if beta != 1:
            value = value - (beta - 1) * total_correlation(draws, num_data=num_data)
    return Objective(terms, value)


MAX_TOGETHER: Final = 256
"""Examples that :func:`of_many` compares with each other at most."""


@torch.no_grad()
def of_many(
    model: VAE,
    x: Tensor,
    measured: Evaluation,
    train: TrainConfig,
    *,
    beta: float,
    num_data: int,
    generator: torch.Generator,
) -> float:
    """The objective of many examples, whose bound has been measured: nats per example.

    Of ``elbo`` it follows from the bound's terms. The others are measured with the first b of the examples:
    n / K for the importance-weighted bound, as many decoded z as the bound of all n needs; one mini-batch,
    but no more than ``MAX_TOGETHER``, for ``mmd`` and the total correlation. By how much the objective
    differs there from S = R - w KL, with the w of :func:`kl_weight`, is added to the S of all n,

        S(all) + [objective(b) - S(b)],

    so that its distance from the bound has no noise of the choice of b (a control variate). For the weighted
    bound the brackets hold log mean_k w_k - mean_k log w_k from the same samples, which is never below 0.

    Arguments:
        model: The model.
        x: The examples, shape (n, D), or rows [x, y] of a conditional model.
        measured: Their bound.
        train: Says which objective, K, the size of a mini-batch, and how many free bits.
        beta: Its weight.
        num_data: As for :func:`objective_given_eps`.
        generator: Draws all noise.
    """
    if train.is_elbo:
        return measured.reconstruction - beta * _penalised(measured, train.free_bits)
    weight = kl_weight(train, beta)
    of_all = measured.reconstruction - weight * measured.kl
    if train.objective == "importance_weighted":
        model, x = model.of_rows(x[: max(1, len(x) // train.num_samples)])
        posterior = model.posterior(x)
        draws = posterior.draw(posterior.draw_eps(train.num_samples, generator=generator))
        log_weights = _log_weights(model.likelihood(draws.z).log_prob(x), draws, model.prior, beta)
        return of_all + float((draws.log_mean_exp(log_weights) - draws.mean(log_weights)).mean())
    model, x = model.of_rows(x[: min(train.batch_of(num_data), MAX_TOGETHER)])
    posterior = model.posterior(x)
    terms, value = objective_given_eps(
        model,
        x,
        posterior,
        posterior.draw_eps(1, generator=generator),
        train,
        beta=beta,
        num_data=num_data,
        generator=generator,
    )
    return of_all + float(value - (terms.reconstruction - weight * terms.kl).mean())


def kl_weight(train: TrainConfig, beta: float) -> float:
    """The weight of the KL in the sum of the bound's two terms that an objective comes nearest to.

    That is beta; 0 for ``mmd``, which leaves the KL to rise; 1 for the total correlation, which begins with
    the ELBO.
    """
    return {"mmd": 0.0, "total_correlation": 1.0}.get(train.objective, beta)


def _penalised(measured: Evaluation, free_bits: float) -> float:
    """As :func:`~vae_core.elbo.penalised_kl`, of means over examples."""
    parts = measured.kl_per_dim.tolist() or [measured.kl]
    return sum(max(free_bits, part) for part in parts) if free_bits else measured.kl


def _log_weights(log_likelihood: Tensor, draws: Draws, prior: Prior, beta: float) -> Tensor:
    """log p(x|z_k) + beta (log p(z_k) - log q(z_k|x)), shape (K, B)."""
    return log_likelihood + beta * (prior.log_prob(draws.z) - draws.log_prob)


def squared_mmd(z: Tensor, drawn: Tensor, log_shares: Tensor | None = None) -> Tensor:
    """MMD^2 of two distributions from samples of each, a scalar without bias: it may be below 0.

    E k(z, z') + E k(p, p') - 2 E k(z, p), z and z' different samples of the one, p and p' of the other
    (Gretton et al. 2012, eq. 3), with the inverse multiquadric kernel k(a, b) = C / (C + |a - b|^2), C = 2 J
    (Tolstikhin et al. 2018, section 4). Its tails are heavy: what lies far from the prior still has a
    gradient, which the Gaussian kernel's has not.

    Arguments:
        z: Shape (M, B, J), those of one m independent: mean of the estimates for each m. One alone (B = 1)
            has no pair, and counts 0.
        drawn: The other samples, of the same shape.
        log_shares: log of the weights of the C components of each q, shape (C, B), whose draws z then are: of
            shape (C M, B, J). Those of one example are no pair, of whichever components.
    """
    count, scale = drawn.shape[1], 2.0 * drawn.shape[2]
    if count < 2:
        return z.new_zeros(())
    if log_shares is not None:
        return _mixtures_mmd(z.unflatten(0, (len(log_shares), -1)), drawn, log_shares.exp())
    within = _kernel(z, z, scale) + _kernel(drawn, drawn, scale)
    pairs = 1 - torch.eye(count, dtype=z.dtype, device=z.device)
    between = _kernel(z, drawn, scale).mean((1, 2))
    return ((within * pairs).sum((1, 2)) / (count * (count - 1)) - 2 * between).mean()


def _mixtures_mmd(z: Tensor, drawn: Tensor, shares: Tensor) -> Tensor:
    """The same of z of shape (C, M, B, J), each with the weight of its component."""
    (num_components, _, count, dim), scale = z.shape, 2.0 * drawn.shape[2]
    z, shares = z.transpose(0, 1).reshape(len(drawn), -1, dim), shares.flatten()
    others = 1 - torch.eye(count, dtype=z.dtype, device=z.device)
    pairs = others.repeat(num_components, num_components) * shares[:, None] * shares
    within = (_kernel(z, z, scale) * pairs).sum((1, 2))
    within = within + (_kernel(drawn, drawn, scale) * others).sum((1, 2))
    between = (shares[:, None] * _kernel(z, drawn, scale)).sum((1, 2)) / count**2
    return (within / (count * (count - 1)) - 2 * between).mean()


def _kernel(a: Tensor, b: Tensor, scale: float) -> Tensor:
    """C / (C + |a_i - b_j|^2) of all pairs: (M, A, J) and (M, B, J) give (M, A, B)."""
    squares = a.square().sum(-1)[:, :, None] + b.square().sum(-1)[:, None, :] - 2 * a @ b.mT
    return scale / (scale + squares.clamp(min=0))


def total_correlation(draws: Draws, *, num_data: int) -> Tensor:
    """TC = KL(q(z) || prod_j q(z_j)) = E[log q(z) - sum_j log q(z_j)], a scalar, nats.

    q(z) = 1/N sum_n q(z|x_n) at a z of q(z|x_i) is estimated from the mini-batch, in which every other
    example stands for (N - 1) / (B - 1) of the data (minibatch stratified sampling, Chen et al. 2018,
    appendix C): q(z|x_i) / N + (N - 1) / N mean_(j != i) q(z|x_j), and each q(z_j) in the same way. The
    densities are estimated without bias and their logarithms with one, which is gone where B = N.

    Arguments:
        draws: z of q(z|x) of the B examples, shape (S, B, J).
        num_data: N.

    Raises:
        BadInput: q is a flow (code ``objective``).
    """
    q, z, count = draws.q.as_density(), draws.z, draws.z.shape[1]
    weights = z.new_zeros(count, count)
    if count > 1:
        others = math.log((num_data - 1) / (num_data * (count - 1)))
        weights = weights.fill_(others).fill_diagonal_(-math.log(num_data))
    points = z[:, :, None, :]
    each = q.log_marginals(points)
    joint = each.sum(-1) if q.is_factorised else q.log_prob(points)
    log_q = torch.logsumexp(joint + weights, -1)
    log_marginals = torch.logsumexp(each + weights[..., None], -2).sum(-1)
    values = log_q - log_marginals
    return values.mean() if draws.log_weights is None else draws.mean(values).mean()
