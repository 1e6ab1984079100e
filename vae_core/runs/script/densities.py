"""log p(x|z), log p(z) and log q(z|x) in a script."""

from typing import Final

from vae_core.runs.script.facts import Facts
from vae_core.runs.script.layout import moved_to

_LOG_LIKELIHOOD: Final = {
    "bernoulli": '''\
def log_likelihood(x, z):
    """log p(x|z) = sum_i x_i log y_i + (1 - x_i) log (1 - y_i) with y = sigmoid(u), u from the decoder."""
    u = forward(decoder, z)
    return (x * u - F.softplus(u)).sum(-1)
''',
    "continuous_bernoulli": '''\
def log_likelihood(x, z):
    """log p(x|z) = sum_i log C(u_i) + x_i u_i - softplus(u_i) (Loaiza-Ganem and Cunningham 2019).

    log C(u) = log (u / tanh(u / 2)) makes it a density on [0, 1]; near u = 0, where that is 0/0, a series.
    """
    u = forward(decoder, z)
    score = x * u - F.softplus(u)
    near_zero = u.abs() < 0.03
    safe = torch.where(near_zero, torch.ones_like(u), u)
    exact = torch.log(safe / torch.tanh(0.5 * safe))
    squared = torch.where(near_zero, u, torch.zeros_like(u)).square()
    series = math.log(2.0) + squared / 12.0 - squared.square() * (7.0 / 1440.0)
    log_normalizer = torch.where(near_zero, series, exact)
    return (score + log_normalizer).sum(-1)
''',
    "gaussian_diagonal": '''\
def log_likelihood(x, z):
    """log p(x|z) = -sum_i 1/2 (x_i - y_i)^2 / sigma_i^2 + log sigma_i + 1/2 log 2 pi.

    y and u are the decoder's; sigma^2 = 0.01^2 + e^u has a floor where the gradient is not 0.
    """
    y, u = forward(decoder, z).chunk(2, dim=-1)
    u = bounded(u, -math.inf, 20.0)
    log_var = torch.logaddexp(u, torch.full_like(u, 2 * math.log(0.01)))
    squares = (x - y).square() * torch.exp(-log_var)
    return -(0.5 * squares + 0.5 * log_var + 0.5 * math.log(2 * math.pi)).sum(-1)
''',
    "gaussian": '''\
def log_likelihood(x, z):
    """log p(x|z) = -1/2 ||x - y||^2 / s^2 - D log s - D/2 log 2 pi, y from the decoder."""
    {scale}squares = ((x - forward(decoder, z)) / scale).square()
    return -(0.5 * squares + torch.log(scale) + 0.5 * math.log(2 * math.pi)).sum(-1)
''',
}

_GIVEN_Y: Final = '''\
def log_likelihood(x, z):
    """log p(x|z, y) for rows [x, y]: the decoder takes [z, y]."""
    x, y = x.split(({dim}, {count}), -1)
    return log_density(x, torch.cat([z, y.expand(*z.shape[:-1], -1)], -1))
'''

_PRIOR: Final = {
    "mixture": '''\
def log_prior(z):
    """log p(z) = log sum_k pi_k N(z; mean_k, diag exp(log_var_k)), pi by a softmax: a learned mixture."""
    logits, means, log_vars = mixture
    log_weights = torch.log_softmax(logits, 0)
    return torch.logsumexp(log_weights + log_normal(z[..., None, :], means, log_vars), -1)
''',
    "vamp": '''\
def log_prior(z):
    """log p(z) = log 1/K sum_k q(z|u_k), the VampPrior (Tomczak and Welling 2018); the u_k are learned."""
    mean, log_var = posterior({pseudo_inputs})
    log_weights = torch.full((len(mean),), -math.log(len(mean))){to_device}
    return torch.logsumexp(log_weights + log_normal(z[..., None, :], mean, log_var), -1)
''',
}

_GREY: Final = '''\
def grey(values):
    """Pseudo-inputs in [0, 1], a sigmoid; beyond 7 with the slope that it has there, to lead back."""
    far, near = torch.sigmoid(values), torch.sigmoid(bounded(values, -7.0, 7.0))
    return torch.where(values.abs() > 7.0, far.detach() + (near - near.detach()), far)
'''

_LOG_STANDARD_NORMAL: Final = '''\
def log_prior(z):
    """log N(z; 0, I) = -1/2 sum_j [z^2 + log 2 pi]."""
    return -(0.5 * z.square() + 0.5 * math.log(2 * math.pi)).sum(-1)
'''

LOG_NORMAL: Final = '''\
def log_normal(z, mean, log_var):
    """log N(z; mean, diag exp(log_var)) = -1/2 sum_j [(z - mean)^2 / sigma^2 + log sigma^2 + log 2 pi]."""
    squares = (z - mean).square() * torch.exp(-log_var)
    return -(0.5 * squares + 0.5 * log_var + 0.5 * math.log(2 * math.pi)).sum(-1)
'''

LOG_FULL_NORMAL: Final = '''\
def log_full_normal(z, mean, factor):
    """log N(z; mean, L L^T) = -1/2 |L^-1 (z - mean)|^2 - log det L - J/2 log 2 pi."""
    eye = torch.eye(factor.shape[-1]).to(factor).expand_as(factor)
    whitened = times(torch.linalg.solve_triangular(factor, eye, upper=False), z - mean, mean)
    log_diagonal = factor.diagonal(dim1=-2, dim2=-1).log()
    return -(0.5 * whitened.square() + log_diagonal + 0.5 * math.log(2 * math.pi)).sum(-1)
'''

FULL_NORMAL: Final = '''\
def times(matrix, vectors, mean):
    """A matrix for each mean, shape (n, J, J), times vectors of shape (m, n, J)."""
    shape = (*vectors.shape[: vectors.ndim - mean.ndim], *mean.shape)
    rows = vectors.expand(shape).reshape(-1, *mean.shape).movedim(0, -2)
    return (rows @ matrix.mT).movedim(-2, 0).reshape(shape)
'''

_VAMP_DENSITY: Final = "log_full_normal(z[..., None, :], mean, factor)"


def likelihood(facts: Facts) -> list[str]:
    """log p(x|z); of a conditional run log p(x|z, y) of rows [x, y]."""
    model = facts.model
    scale = "scale = torch.exp(log_scale)  # s, learned\n    " if model.learns_scale else ""
    text = _LOG_LIKELIHOOD[model.likelihood].replace("{scale}", scale)
    if not model.num_conditions:
        return [text]
    given_y = _GIVEN_Y.format(dim=model.data_dim, count=model.num_conditions)
    return [text.replace("def log_likelihood(", "def log_density("), given_y]


def prior(facts: Facts) -> list[str]:
    """log p(z) and what it uses, where the script needs it at all."""
    model = facts.model
    if facts.is_normal:
        is_used = facts.objective == "importance_weighted" or model.not_gaussian
        return [_LOG_STANDARD_NORMAL] if is_used else []
    is_vamp = model.prior == "vamp"
    is_grey = is_vamp and model.is_unit_interval
    pseudo = "grey(pseudo_inputs)" if is_grey else "pseudo_inputs"
    text = (
        _PRIOR[model.prior].replace("{pseudo_inputs}", pseudo).replace("{to_device}", moved_to(facts.device))
    )
    if facts.is_full and is_vamp:
        text = text.replace("mean, log_var = ", "mean, factor = ")
        text = text.replace("log_normal(z[..., None, :], mean, log_var)", _VAMP_DENSITY)
    parts = [_GREY] if is_grey else []
    parts += [LOG_FULL_NORMAL] if facts.is_full else []
    parts += [] if facts.is_full and is_vamp else [LOG_NORMAL]
    return [*parts, text]
