"""What is maximised in a script, and the held-out bound that it prints."""

from typing import Final

from vae_core.config import MIXTURE_COMPONENTS
from vae_core.memory import chunk_rows, widest_layer
from vae_core.runs.observer import MAX_HELD_OUT
from vae_core.runs.script.densities import (
    FULL_NORMAL,
    LOG_FULL_NORMAL,
    LOG_NORMAL,
    likelihood,
    prior,
)
from vae_core.runs.script.facts import Facts
from vae_core.runs.script.posterior import posterior

_BOUNDED: Final = '''\
def bounded(value, low, high):
    """min(max(value, low), high) with the gradient of the value, which a clamp has not beyond its limits."""
    held = value.detach()
    return value - held + held.clamp(low, high)  # the first difference is 0
'''

_OBJECTIVE: Final = {
    "importance_weighted": '''\
def weighted_bound(x, noise, beta):
    """log 1/K sum_k p(x|z_k) (p(z_k) / q(z_k|x))^beta of each x, z_k from q (Burda et al. 2016)."""
    {parts} = posterior(x)
    eps = torch.randn(NUM_SAMPLES, {noise}, generator=noise{to_device}
    {drawn}
    log_weights = log_likelihood(x, z) + beta * (log_prior(z) - {density})
    {log_sum} - math.log(NUM_SAMPLES)
''',
    "mmd": '''\
def squared_mmd(z, drawn):
    """MMD^2 of q(z) and p(z) from samples (Gretton et al. 2012), k(a, b) = C / (C + |a - b|^2), C = 2 J."""
    count, scale = z.shape[1], 2.0 * z.shape[2]
    if count < 2:
        return z.new_zeros(())  # one alone has no pair

    def kernel(a, b):
        squares = a.square().sum(-1)[:, :, None] + b.square().sum(-1)[:, None, :] - 2 * a @ b.mT
        return scale / (scale + squares.clamp(min=0))

    within = kernel(z, z) + kernel(drawn, drawn)
    between = kernel(z, drawn).mean((1, 2))
    pairs = 1 - torch.eye(count{device})
    return ((within * pairs).sum((1, 2)) / (count * (count - 1)) - 2 * between).mean()
''',
    "total_correlation": '''\
def total_correlation(mean, {spread}, z):
    """KL(q(z) || prod_j q(z_j)), nats: E[log q(z) - sum_j log q(z_j)], q(z) from the mini-batch.

    Each other example of it stands for (N - 1) / (B - 1) of the data (Chen et al. 2018, appendix C).
    """
    count, num_data = len(mean), len(x_train)
    weights = z.new_zeros(count, count)
    if count > 1:
        others = math.log((num_data - 1) / (num_data * (count - 1)))
        weights = weights.fill_(others).fill_diagonal_(-math.log(num_data))
    points = z[:, :, None, :]
    {marginals}squares = (points - mean).square() * torch.exp(-log_var)
    each = -(0.5 * squares + 0.5 * log_var + 0.5 * math.log(2 * math.pi))
    joint = {joint}
    log_q = torch.logsumexp(joint + weights, -1)
    log_marginals = torch.logsumexp(each + weights[..., None], -2).sum(-1)
    return (log_q - log_marginals).mean()
''',
}

_MIXTURES_TC: Final = '''\
def total_correlation(log_w, parts, z):
    """KL(q(z) || prod_j q(z_j)), nats: E[log q(z) - sum_j log q(z_j)], q(z) from the mini-batch.

    Each other example of it stands for (N - 1) / (B - 1) of the data (Chen et al. 2018, appendix C).
    """
    (means, log_vars), count, num_data = parts, len(log_w), len(x_train)
    weights = z.new_zeros(count, count)
    if count > 1:
        others = math.log((num_data - 1) / (num_data * (count - 1)))
        weights = weights.fill_(others).fill_diagonal_(-math.log(num_data))

    points = z[:, :, None, :]

    def negative_log_densities():
        squares = (points[..., None, :] - means).square() * torch.exp(-log_vars)
        return 0.5 * squares + 0.5 * log_vars + 0.5 * math.log(2 * math.pi)

    marginals = torch.logsumexp(log_w[..., None] - negative_log_densities(), -2)
    joint = torch.logsumexp(-negative_log_densities().sum(-1) + log_w, -1)
    log_q = torch.logsumexp(joint + weights, -1)
    log_marginals = torch.logsumexp(marginals + weights[..., None], -2).sum(-1)
    return mixed(log_q - log_marginals, log_w).mean()
'''

_MIXTURES_MMD: Final = '''\
def squared_mmd(z, drawn, log_w):
    """MMD^2 of q(z) and p(z) from samples (Gretton et al. 2012), k(a, b) = C / (C + |a - b|^2), C = 2 J.

    Each z has the weight of its component; those of one example are no pair.
    """
    count, scale = drawn.shape[1], 2.0 * drawn.shape[2]
    if count < 2:
        return z.new_zeros(())  # one alone has no pair

    def kernel(a, b):
        squares = a.square().sum(-1)[:, :, None] + b.square().sum(-1)[:, None, :] - 2 * a @ b.mT
        return scale / (scale + squares.clamp(min=0))

    shares = log_w.T.exp().flatten()
    z = z.unflatten(0, ({components}, -1)).transpose(0, 1).reshape(len(drawn), -1, {dim})
    others = 1 - torch.eye(count{device})
    pairs = others.repeat({components}, {components}) * shares[:, None] * shares
    within = (kernel(z, z) * pairs).sum((1, 2)) + (kernel(drawn, drawn) * others).sum((1, 2))
    between = (shares[:, None] * kernel(z, drawn)).sum((1, 2)) / count**2
    return (within / (count * (count - 1)) - 2 * between).mean()
'''


def bound_of(facts: Facts) -> str:
    """log p(x|z), q(z|x), the prior, and what is maximised, as functions in the order of their use."""
    parts = likelihood(facts)
    more = _more_of_objective(facts)
    if facts.is_deterministic:
        return _with_bounded([*parts, *more, _autoencoder(facts)])
    parts.insert(0, posterior(facts.model, facts.device))
    parts += [FULL_NORMAL] if facts.is_full else []
    parts += prior(facts)
    needs_density = facts.objective in ("importance_weighted", "total_correlation")
    needs_density = needs_density and not facts.q.has_known_density
    density = LOG_FULL_NORMAL if facts.is_full else LOG_NORMAL
    is_used = facts.objective == "importance_weighted" or facts.is_full
    if needs_density and is_used and density not in parts:
        parts += [density]
    return _with_bounded([*parts, *more, _elbo_terms(facts)])


def _more_of_objective(facts: Facts) -> list[str]:
    """The functions of an objective that is not the ELBO."""
    if facts.objective == "elbo":
        return []
    words = {
        "{spread}": facts.q.parts.split(", ")[1],
        "{parts}": facts.q.parts,
        "{noise}": facts.noise,
        "{log_sum}": facts.q.log_sum,
        "{components}": str(MIXTURE_COMPONENTS),
        "{dim}": str(facts.model.latent_dim),
        "{marginals}": "log_var = factor.square().sum(-1).log()\n    " if facts.is_full else "",
        "{joint}": "log_full_normal(points, mean, factor)" if facts.is_full else "each.sum(-1)",
        "{density}": facts.q.density,
        "{drawn}": facts.q.drawn,
        "{to_device}": ", device=noise.device).to(x.device)" if facts.is_cuda else ")",
        "{device}": facts.device,
    }
    of_mixtures = {"mmd": _MIXTURES_MMD, "total_correlation": _MIXTURES_TC} if facts.is_mixture else {}
    text = of_mixtures.get(facts.objective, _OBJECTIVE[facts.objective])
    for name, value in words.items():
        text = text.replace(name, value)
    return [text]


def _autoencoder(facts: Facts) -> str:
    if not facts.has_samples:
        return (
            "def reconstruction_of(x):\n"
            '    """log p(x|z) at z = encoder(x), nats: no q(z|x), hence no KL and no bound."""\n'
            "    return log_likelihood(x, forward(encoder, x))\n"
        )
    return (
        "def reconstruction_of(x, num_samples=1):\n"
        '    """log p(x|z) at z = encoder(x), nats: no q(z|x), no KL and no bound; all z are equal."""\n'
        "    z = forward(encoder, x)\n"
        "    z = z.expand(num_samples, *z.shape)\n"
        f"    return log_likelihood(x, z).mean(0){', z' if facts.objective == 'mmd' else ''}\n"
    )


def _elbo_terms(facts: Facts) -> str:
    samples = ", num_samples=1" if facts.has_samples else ""
    count = "num_samples samples" if facts.has_samples else "one sample"
    shape = f"num_samples, {facts.noise}" if facts.has_samples else facts.noise.removeprefix("*")
    if facts.is_mixture and not facts.has_samples:
        shape = f"1, {facts.noise}"
    takes_mean = facts.has_samples or facts.is_mixture
    device = ", device=noise.device).to(x.device)" if facts.is_cuda else ")"
    if not facts.model.has_kl_parts:
        kl_is = "KL(q(z|x) || p(z)) = E_q[log q(z|x) - log p(z)], from the same of z."
        kl = f"kl = {facts.q.density} - log_prior(z)"
        if takes_mean:
            values = f"{facts.q.density} - log_prior(z)"
            kl = f"kl = {facts.q.mean.format(values=values if facts.is_mixture else f'({values})')}"
    else:
        kl_is = "KL(q(z|x) || N(0, I)) = 1/2 sum_j (mean_j^2 + sigma_j^2 - 1 - log sigma_j^2)."
        parts = "0.5 * (mean.square() + torch.expm1(log_var) - log_var)"
        if facts.is_full:
            kl_is = "KL(q(z|x) || N(0, I)) = 1/2 sum_j (mean_j^2 + sum_k L_jk^2 - 1 - log L_jj^2)."
            parts = "0.5 * (mean.square() + among + torch.expm1(log_var) - log_var)"
        kl = f"kl = ({parts}).sum(-1)"
        if facts.keeps_dimensions:
            kl_is = kl_is.replace(").", "), each j by itself.")
            kl = f"kl = {parts}"
        if facts.is_full:
            kl = (
                "log_var = 2 * factor.diagonal(dim1=-2, dim2=-1).log()\n"
                "    among = factor.tril(-1).square().sum(-1)  # below the diagonal\n"
                f"    {kl}"
            )
    reconstruction = "log_likelihood(x, z)"
    if takes_mean:
        reconstruction = facts.q.mean.format(values=reconstruction)
    return (
        f"def elbo_terms(x, noise{samples}):\n"
        '    """The two terms of the bound for each x, in nats.\n\n'
        f"    E_q[log p(x|z)], estimated from {count} of z, and\n"
        f"    {kl_is}\n"
        '    """\n'
        f"    {facts.q.parts} = posterior(x)\n"
        f"    eps = torch.randn({shape}, generator=noise{device}\n"
        f"    {facts.q.drawn}  # reparameterised: gradients pass through z\n"
        f"    reconstruction = {reconstruction}\n"
        f"    {kl}\n"
        f"    return reconstruction, kl{f', z, ({facts.q.parts})' if facts.compares else ''}\n"
    )


def held_out_of(facts: Facts) -> str:
    """The function of the held-out bound, in pieces where the examples are many."""
    rows = chunk_rows(widest_layer(facts.model))
    count = min(len(facts.data.x_test), MAX_HELD_OUT)
    if facts.has_patience and facts.data.x_validation is not None:
        count = max(count, len(facts.data.x_validation))
    in_pieces = count > rows
    summed = ".sum(-1)" if facts.keeps_dimensions else ""
    if facts.is_deterministic:
        first = "[0]" if facts.compares else ""
        means = f"reconstruction_of(x){first}.double().mean().item()"
        if in_pieces:
            pieces = f"[reconstruction_of(piece){first} for piece in x.split({rows})]"
            means = f"torch.cat({pieces}).double().mean().item()"
        return (
            "@torch.no_grad()\n"
            "def held_out_reconstruction(x):\n"
            '    """Mean over the examples, nats."""\n'
            f"    return {means}\n"
        )
    first = "[:2]" if facts.compares else ""
    if in_pieces:
        terms = (
            "    # In pieces of bounded memory.\n"
            f"    parts = [elbo_terms(piece, noise){first} for piece in x.split({rows})]\n"
            "    reconstruction, kl = (torch.cat(part) for part in zip(*parts))\n"
        )
    else:
        terms = f"    reconstruction, kl = elbo_terms(x, noise){first}\n"
    return (
        "@torch.no_grad()\n"
        "def held_out_elbo(x, seed):\n"
        '    """reconstruction - KL (beta = 1), mean over the examples, nats; z is a sample of q."""\n'
        "    noise = torch.Generator().manual_seed(seed)  # the same noise at each call\n"
        f"{terms}"
        f"    return (reconstruction.double().mean() - kl{summed}.double().mean()).item()\n"
    )


def _with_bounded(parts: list[str]) -> str:
    """The functions one after the other, after the clamp that some of them use."""
    text = "\n\n".join(parts)
    return f"{_BOUNDED}\n\n{text}" if "bounded(" in text else text
