"""q(z|x) in a script: its functions, and how the others draw from it."""

import textwrap
from typing import Final, NamedTuple

from vae_core.config import FLOW_LAYERS, MIXTURE_COMPONENTS, EncoderHead, ModelConfig
from vae_core.planar import frame_of
from vae_core.runs.script.layout import WIDTH, moved_to

_POSTERIOR: Final = {
    "log_variance": '''\
def posterior(x):
    """q(z|x) = N(mean, diag exp(log_var)): one encoder gives both."""
    mean, log_var = forward(encoder, x).chunk(2, dim=-1)
    return mean, bounded(log_var, -20.0, 20.0)
''',
    "variance": '''\
def posterior(x):
    """q(z|x) = N(mean, diag exp(log_var)): the encoder gives the mean and, through softplus, sigma^2."""
    mean, spread = forward(encoder, x).chunk(2, dim=-1)
    log_var = torch.log(F.softplus(bounded(spread, -20.7, 5e8)) + 1e-9)
    return mean, bounded(log_var, -20.0, 20.0)
''',
    "full_covariance": '''\
def posterior(x):
    """q(z|x) = N(mean, L L^T): one encoder gives the mean, 2 log L_jj, and L below its diagonal."""
    mean, log_var, below = forward(encoder, x).split(({dim}, {dim}, {below}), dim=-1)
    log_var = bounded(log_var, -20.0, 20.0)
    factor = torch.diag_embed(torch.exp(0.5 * log_var))
    rows, columns = torch.tril_indices({dim}, {dim}, -1)
    factor[..., rows, columns] = below
    return mean, factor
''',
    "flow": '''\
FRAME = torch.tensor([
{frame}
])  # a, v and b of each planar layer where the encoder gives 0


def posterior(x):
    """Centre, log sigma^2 and planar layers t + v tanh(a t + b) of q(z|x) (Rezende and Mohamed 2015)."""
    centre, log_var, layers = forward(encoder, x).split(({dim}, {dim}, {layers}), dim=-1)
    layers = layers.unflatten(-1, ({count}, -1)) + FRAME{to_device}
    a, v, b = layers.split(({dim}, {dim}, 1), dim=-1)
    a = a * (1.5 / (1.5**2 + a.square().sum(-1, keepdim=True)).sqrt())
    along = (a * v).sum(-1, keepdim=True)  # above -0.9, so that each layer can be undone
    allowed = 0.9 * (F.softplus(along / 0.9 + math.log(math.e - 1)) - 1)
    size = a.square().sum(-1, keepdim=True).clamp(min=torch.finfo(a.dtype).tiny)
    return centre, (bounded(log_var, -20.0, 20.0), a, v + (allowed - along) * a / size, b[..., 0])


def drawn_from_flow(eps, centre, flow):
    """z = centre + sigma f(eps), and log q(z|x) = log N(eps; 0, I) - log |det f'| - sum_j log sigma_j."""
    log_var, a, v, b = flow
    t, log_det = eps, None
    for a, v, b in zip(a.unbind(-2), v.unbind(-2), b.unbind(-1)):
        bent = torch.tanh(torch.einsum("...j,...j->...", t, a) + b)
        t = t + bent[..., None] * v
        grown = torch.log1p((a * v).sum(-1) * (1 - bent.square()))
        log_det = grown if log_det is None else log_det + grown
    half = 0.5 * log_var
    log_q = -(0.5 * eps.square() + half + 0.5 * math.log(2 * math.pi)).sum(-1) - log_det
    return centre + torch.exp(half) * t, log_q
''',
    "mixture": '''\
def posterior(x):
    """log w, and means and log sigma^2 of {count} Gaussians: q(z|x) = sum_c w_c N(mean_c, diag sigma_c^2)."""
    means, log_vars, logits = forward(encoder, x).split(({values}, {values}, {count}), dim=-1)
    means, log_vars = (part.unflatten(-1, ({count}, -1)) for part in (means, log_vars))
    return torch.log_softmax(logits, -1), (means, bounded(log_vars, -20.0, 20.0))


def drawn_from_mixture(eps, log_w, parts):
    """z = mean_c + sigma_c eps and mean_c - sigma_c eps of one component after the other, and log q(z|x)."""
    means, log_vars = parts
    signs = torch.ones({count}{on_device})
    signs[1::2] = -1
    centres, stds = (part.transpose(0, 1)[:, None] for part in (means, torch.exp(0.5 * log_vars)))
    z = (centres + stds * (signs.view(-1, 1, 1, 1) * eps)).flatten(0, 1)
    squares = (z[..., None, :] - means).square() * torch.exp(-log_vars)
    each = -(0.5 * squares + 0.5 * log_vars + 0.5 * math.log(2 * math.pi)).sum(-1)
    return z, torch.logsumexp(each + log_w, -1)


def mixed(values, log_w):
    """sum_c w_c of the mean over the z of component c: those of the first come before those of the second."""
    return (log_w.T.exp() * values.unflatten(0, ({count}, -1)).mean(1)).sum(0)
''',
    "unit_variance": '''\
def posterior(x):
    """q(z|x) = N(mean, I): the encoder gives the mean alone, sigma is 1."""
    mean = forward(encoder, x)
    return mean, torch.zeros_like(mean)
''',
}


class WrittenPosterior(NamedTuple):
    """How q(z|x) stands in a script.

    Arguments:
        parts: The names of what ``posterior(x)`` gives.
        drawn: The line that makes z of eps.
        density: log q(z|x) at that z.
        noise: The shape of eps but for the samples; {dim} is J.
        mean: A mean over q of {values} at z, where there are samples.
        log_sum: The lines that return log of the sum of exp(log_weights) over the samples, of a mixture the
            mean over its components of those.
    """

    parts: str
    drawn: str
    density: str
    noise: str = "*mean.shape"
    mean: str = "{values}.mean(0)"
    log_sum: str = "return torch.logsumexp(log_weights, 0)"

    @property
    def has_known_density(self) -> bool:
        """Whether log q comes with z."""
        return self.density == "log_q"


_DIAGONAL: Final = WrittenPosterior(
    "mean, log_var", "z = mean + torch.exp(0.5 * log_var) * eps", "log_normal(z, mean, log_var)"
)

_WRITTEN: Final[dict[EncoderHead, WrittenPosterior]] = {
    "full_covariance": WrittenPosterior(
        "mean, factor", "z = mean + times(factor, eps, mean)", "log_full_normal(z, mean, factor)"
    ),
    "flow": WrittenPosterior("mean, flow", "z, log_q = drawn_from_flow(eps, mean, flow)", "log_q"),
    "mixture": WrittenPosterior(
        "log_w, parts",
        "z, log_q = drawn_from_mixture(eps, log_w, parts)",
        "log_q",
        noise="len(x), {dim}",
        mean="mixed({values}, log_w)",
        log_sum="each = log_weights.unflatten(0, (log_w.shape[1], -1)) + log_w.T[:, None]\n"
        "    return torch.logsumexp(each, (0, 1))",
    ),
}


def written(head: EncoderHead) -> WrittenPosterior:
    """How q(z|x) of an encoder head stands in a script."""
    return _WRITTEN.get(head, _DIAGONAL)


def posterior(model: ModelConfig, device: str) -> str:
    """The functions of q(z|x), and of drawing from it where it is no Gaussian.

    Arguments:
        model: The network; with a deterministic encoder there is no q.
        device: The argument that makes a tensor where the run was, empty on the processor.
    """
    text = _POSTERIOR[model.encoder_head]
    for name, value in _sizes(model, device).items():
        text = text.replace(name, value)
    return text


def _sizes(model: ModelConfig, device: str) -> dict[str, str]:
    """The sizes that stand in the functions of q(z|x)."""
    dim = model.latent_dim
    if model.encoder_head == "full_covariance":
        return {"{dim}": str(dim), "{below}": str(dim * (dim - 1) // 2)}
    if model.encoder_head == "mixture":
        count = MIXTURE_COMPONENTS
        return {"{values}": str(count * dim), "{count}": str(count), "{on_device}": device}
    return _of_flow(dim, device) if model.encoder_head == "flow" else {}


def _of_flow(dim: int, device: str) -> dict[str, str]:
    """The sizes and the numbers that stand in the functions of a flow."""
    rows = (f"[{', '.join(map(repr, row))}]," for row in frame_of(dim, FLOW_LAYERS).tolist())
    lines = (textwrap.fill(row, WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 5) for row in rows)
    return {
        "{frame}": "\n".join(lines),
        "{dim}": str(dim),
        "{layers}": str(FLOW_LAYERS * (2 * dim + 1)),
        "{count}": str(FLOW_LAYERS),
        "{to_device}": moved_to(device),
    }
