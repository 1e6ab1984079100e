"""The code of a run: a stand-alone script that trains the same model and prints the same held-out ELBO.

It needs torch, numpy and scikit-learn, holds only what this run uses, and makes the same draws from the same
generators in the same order. Its gradients come from automatic differentiation: a run that was trained so has
its weights bit for bit, on the processor with one thread. Where the run's gradient was written out
(:mod:`vae_core.training.by_hand`) or its products are those of another library
(:mod:`vae_core.training.products`), the two round differently, by 1e-7 in an update.
"""

import inspect
import math
import re
import textwrap
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from vae_core.config import (
    FLOW_LAYERS,
    MIXTURE_COMPONENTS,
    OF_BATCH,
    RECTIFIED,
    EncoderHead,
    ModelConfig,
    RunConfig,
)
from vae_core.data import DATASET_INFO, DATASETS, Dataset
from vae_core.data.binarised import SEEDS
from vae_core.data.byte_images import ByteImages
from vae_core.data.files import find_idx_set
from vae_core.data.made import MADE_SETS
from vae_core.data.own import NAME
from vae_core.errors import BadInput
from vae_core.memory import chunk_rows, widest_layer
from vae_core.networks import SMALL, conv_decoder_layers, conv_encoder_layers
from vae_core.planar import frame_of
from vae_core.runs.by_step import ByStep, settings_by_step
from vae_core.runs.observer import MAX_HELD_OUT
from vae_core.runs.runfile import Run
from vae_core.runs.snapshot import HISTORY_COLUMNS

WRITTEN_BY: Final = "VAE Dashboard 0.1.0"
_WIDTH: Final = 100

_WEIGHS: Final = {
    "elbo": "weight of the KL; 1 is the ELBO",
    "importance_weighted": "power of p(z) / q(z|x) in each weight; 1 is the bound",
    "mmd": "weight of D MMD^2(q(z), p(z))",
    "total_correlation": "weight of the total correlation; 1 is the ELBO",
}

_HEAD: Final = '''"""A variational autoencoder (VAE) that is trained as a run of {written_by} was.

Prints the held-out ELBO of that run. Needs Python 3.11, torch, numpy and scikit-learn.
{usage}The model: Kingma and Welling 2014, Auto-Encoding Variational Bayes, arXiv 1312.6114.
"""'''

_DIGITS: Final = """\
# Data: 1,797 images of 8 x 8 pixels of handwritten digits.
pixels, labels = load_digits(return_X_y=True)
x = (pixels / 16).astype(np.float32)  # grey values from 0 to 1"""

_POINTS: Final = {
    "two_moons": """\
# Data: {n:,} points on two interleaved half circles, sqrt 2 (m(t) - (1/2, 1/4)) + {noise} eps.
labels = torch.arange({n}) % 2
t = math.pi * torch.rand({n}, generator=data_generator)
upper = torch.stack([t.cos(), t.sin()], dim=1)
moons = torch.where(labels[:, None] == 0, upper, torch.tensor([1.0, 0.5]) - upper)
noise = {noise} * torch.randn({n}, 2, generator=data_generator)
x = math.sqrt(2) * (moons - torch.tensor([0.5, 0.25])) + noise""",
    "pinwheel": """\
# Data: {n:,} points on five arms: Gaussians (r, s), turned by the angle 2 pi c / 5 + exp(r) / 4.
labels = torch.arange({n}) % 5
r, s = (torch.tensor([0.3, {noise}]) * torch.randn({n}, 2, generator=data_generator)).T
r = r + 1
angle = 2 * math.pi * labels / 5 + r.exp() / 4
cos, sin = angle.cos(), angle.sin()
x = math.sqrt(2) * torch.stack([cos * r - sin * s, sin * r + cos * s], dim=1)""",
    "swiss_roll": """\
# Data: {n:,} points along one spiral, t / 7 (cos t, sin t) + {noise} eps.
labels = torch.arange({n}) % 4  # the quarter of the spiral
t = 1.5 * math.pi + 0.75 * math.pi * (labels + torch.rand({n}, generator=data_generator))
spiral = t[:, None] / 7 * torch.stack([t.cos(), t.sin()], dim=1)
x = spiral + {noise} * torch.randn({n}, 2, generator=data_generator)""",
    "gaussian_ring": """\
# Data: {n:,} points from eight Gaussians on a circle of radius sqrt 2.
labels = torch.arange({n}) % 8
angle = math.pi / 4 * labels
centre = math.sqrt(2) * torch.stack([angle.cos(), angle.sin()], dim=1)
x = centre + {noise} * torch.randn({n}, 2, generator=data_generator)""",
    "circles": """\
# Data: {n:,} points on two circles, sqrt 3.2 r (cos t, sin t) + {noise} eps.
labels = torch.arange({n}) % 2
t = 2 * math.pi * torch.rand({n}, generator=data_generator)
radius = math.sqrt(3.2) * (1 - 0.5 * labels)
circle = radius[:, None] * torch.stack([t.cos(), t.sin()], dim=1)
x = circle + {noise} * torch.randn({n}, 2, generator=data_generator)""",
    "two_spirals": """\
# Data: {n:,} points on two spirals, +-2 sqrt u (cos 3 pi sqrt u, sin 3 pi sqrt u) + {noise} eps.
labels = torch.arange({n}) % 2
root = torch.rand({n}, generator=data_generator).sqrt()
t, radius = 3 * math.pi * root, 2 * root * (1 - 2 * labels)
spiral = radius[:, None] * torch.stack([t.cos(), t.sin()], dim=1)
x = spiral + {noise} * torch.randn({n}, 2, generator=data_generator)""",
    "checkerboard": """\
# Data: {n:,} points in every second square of a board of 4 x 4.
labels = torch.arange({n}) % 4  # the row
column = 2 * torch.randint(2, ({n},), generator=data_generator) + labels % 2
place = torch.stack([column, labels], dim=1) + torch.rand({n}, 2, generator=data_generator)
board = math.sqrt(3) / 2 * place - math.sqrt(3)
x = board + {noise} * torch.randn({n}, 2, generator=data_generator)""",
}

_MADE: Final = """\
# Data: {n:,} images that are a function of their causes; each cause is drawn by itself.
{draw}


CAUSES = {causes}
{seeded}
drawn = [
    np.repeat(values, weights)[torch.randint(sum(weights), ({n},), generator=data_generator).numpy()]
    for values, weights in CAUSES
]
causes = np.column_stack(drawn)
images = [{name}(causes[first : first + 100]) for first in range(0, {n}, 100)]
x = np.concatenate(images).astype(np.float32) / 255
labels = {labels}"""
_MADE_LABELS: Final = {
    "sprites": "causes[:, 0].astype(np.int64)",
    "strokes": "np.unique(causes[:, 0], return_inverse=True)[1]",
    "bars": "np.minimum(causes.sum(axis=1), 4).astype(np.int64)",
}

_CUT: Final = """\
# Binarised: 1 above 0.5.
x_train, x_test = (x_train > 0.5).float(), (x_test > 0.5).float()"""

_DRAWN: Final = '''\
# Binarised: 1 with the grey value as its probability; here once, in training anew for each update.
grey = x_train


def drawn_from(values, generator):
    """0 and 1, the latter with the probability that a grey value is."""
    uniform = torch.rand(values.shape, generator=generator, device=generator.device)
    return (uniform.to(values.device) < values).float()


x_train = drawn_from(grey, torch.Generator().manual_seed({training}))
x_test = drawn_from(x_test, torch.Generator().manual_seed({held_out}))'''

_IDX: Final = '''\
# Data: the IDX files of MNIST or a relative of it, plain or compressed, in a folder or below it.
folder = Path(sys.argv[1] if len(sys.argv) > 1 else input("Folder of the IDX files: "))


def read_idx(name):
    """An array: after 4 bytes of type and rank its sizes, each in 4 bytes, then its values."""
    path = next(p for p in sorted(folder.rglob("*")) if p.name.startswith(name) and p.is_file())
    content = path.read_bytes()
    content = gzip.decompress(content) if content[:2] == b"\\x1f\\x8b" else content
    kind, rank = {{8: "u1", 9: "i1", 11: ">i2", 12: ">i4"}}[content[2]], content[3]
    sizes = np.frombuffer(content, ">i4", count=rank, offset=4)
    return np.frombuffer(content, kind, offset=4 + 4 * rank).reshape(sizes)


def read_images(name):
    """Grey values from 0 to 1, one image a row."""
    images = read_idx(name){transpose}
    return images.reshape(len(images), -1).astype(np.float32) / 255
'''

_OWN: Final = """\
# Data: the file that the page Data downloads; its name may be given to this script.
path = sys.argv[1] if len(sys.argv) > 1 else input("NPZ file of the data: ")
with np.load(path) as file:
    x = file["x"]{pixels}{labels}"""

_SPLIT: Final = """\
# A fifth is held out, of each class its share; both parts stay in shuffled order.
shuffled = torch.randperm(len(x), generator=data_generator).numpy()
by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
{singles}every_fifth = np.diff(np.ceil((0.2 * np.arange(len(by_class) + 1)).round(9))) > 0
is_held_out = np.zeros(len(x), dtype=bool)
is_held_out[by_class[every_fifth]] = True
x_train = torch.from_numpy(x[shuffled[~is_held_out[shuffled]]])
x_test = torch.from_numpy(x[shuffled[is_held_out[shuffled]]])"""

_SINGLES: Final = """\
by_class = by_class[np.bincount(labels)[labels[by_class]] > 1]  # a class of one is trained on
"""

_SPLIT_UNLABELLED: Final = """\
# A fifth is held out; both parts stay in shuffled order.
shuffled = torch.randperm(len(x), generator=data_generator).numpy()
every_fifth = np.diff(np.ceil((0.2 * np.arange(len(x) + 1)).round(9))) > 0
is_held_out = np.zeros(len(x), dtype=bool)
is_held_out[shuffled[every_fifth]] = True
x_train = torch.from_numpy(x[shuffled[~is_held_out[shuffled]]])
x_test = torch.from_numpy(x[shuffled[is_held_out[shuffled]]])"""

_VALIDATION: Final = """\
# {size:,} training examples are set aside to choose by: when to stop, and which weights.
{labels}shuffled = torch.randperm(len(x_train), generator=torch.Generator().manual_seed(SEED)).numpy()
{by_class}chosen = np.diff(np.ceil(({size} / len(shuffled) * np.arange(len(shuffled) + 1)).round(9))) > 0
is_validation = np.zeros(len(x_train), dtype=bool)
is_validation[shuffled[chosen]] = True
x_validation, x_train = x_train[is_validation], x_train[~is_validation]"""

_LABELS_OF_SPLIT: Final = "labels[shuffled[~is_held_out[shuffled]]]"
_HELD_OUT_LABELS: Final = "labels[shuffled[is_held_out[shuffled]]]"
_BY_CLASS: Final = (
    'shuffled = shuffled[np.argsort(labels_train[shuffled], kind="stable")]  # of each class its share\n'
)
_SINGLE_LABELS: Final = "shuffled = shuffled[np.bincount(labels_train)[labels_train[shuffled]] > 1]\n"

_CONDITIONED: Final = """\
# Conditional: each example is a row [x, y], y being 1 at the place of its class and 0 at the others.
x_train = torch.cat([x_train, torch.eye({count})[torch.from_numpy({training})]], 1)
x_test = torch.cat([x_test, torch.eye({count})[torch.from_numpy({held_out})]], 1)"""

_KNOWN: Final = """\
# What is known of each example: {name}.
known = {values}
y_train, y_test = known[shuffled[~is_held_out[shuffled]]], known[shuffled[is_held_out[shuffled]]]"""

_STANDARDISED: Final = '''\
# Conditional: each example is a row [x, y], y being that number, standardised by the training part.
y_mean, y_std = y_train.mean(), y_train.std()


def with_y(x, y):
    """Rows [x, y]."""
    y = ((torch.from_numpy(y) - y_mean) / y_std).float()
    return torch.cat([x, y[:, None]], 1)


x_train, x_test = with_y(x_train, y_train), with_y(x_test, y_test)'''

_GIVEN_Y: Final = '''\
def log_likelihood(x, z):
    """log p(x|z, y) for rows [x, y]: the decoder takes [z, y]."""
    x, y = x.split(({dim}, {count}), -1)
    return log_density(x, torch.cat([z, y.expand(*z.shape[:-1], -1)], -1))
'''

_OBSERVED: Final = """\
# Of many held-out examples the run reports on {count} that the seed chooses.
observed = x_test[torch.randperm(len(x_test), generator=torch.Generator().manual_seed(SEED))[:{count}]]"""

_NETWORK: Final = '''\
def network(*sizes):
    """Parameters of linear layers: weights ~ N(0, {variance}){last}, biases 0."""
    pairs = list(pairwise(sizes))
    weights = [
        torch.randn(fan_out, fan_in, generator=generator) * ({gain} / math.sqrt(fan_in))
        for fan_in, fan_out in pairs
    ]
{small}    return [*weights, *(torch.zeros(fan_out) for _, fan_out in pairs)]


def forward(parameters, h):
    """h = f(W h + b) in each layer, f = {word}; no f after the last."""
    weights, biases = parameters[: len(parameters) // 2], parameters[len(parameters) // 2 :]
    for weight, bias in zip(weights[:-1], biases[:-1]):
        h = {activation}(F.linear(h, weight, bias))
    return F.linear(h, weights[-1], biases[-1])
'''

_LINEAR: Final = '''\
def network(*sizes):
    """Parameters of a linear map: weights ~ N(0, {variance}){last}, biases 0."""
    fan_in, fan_out = sizes
    weight = torch.randn(fan_out, fan_in, generator=generator) * ({gain} / math.sqrt(fan_in))
{small}    return [weight, torch.zeros(fan_out)]


def forward(parameters, h):
    """u = W h + b."""
    return F.linear(h, *parameters)
'''

_CONVOLUTIONS: Final = '''\
def network(*layers):
    """Parameters of layers, each a shape, fan_in and fan_out.

    Weights ~ N(0, {variance}){last}, biases 0.
    """
    weights = [
        torch.randn(shape, generator=generator) * ({gain} / math.sqrt(fan_in))
        for shape, fan_in, _ in layers
    ]
{small}    return [*weights, *(torch.zeros(fan_out) for _, _, fan_out in layers)]


def encode(x):
    """Convolutions of 4 x 4 pixels at every second pixel, f = {word} after each, and a linear layer."""
    weights, biases = encoder[: len(encoder) // 2], encoder[len(encoder) // 2 :]
{split}    h = x.reshape(-1, {height}, {width}, {channels}).permute(0, 3, 1, 2)
{convolutions}    h = h.permute(0, 2, 3, 1).reshape(*x.shape[:-1], {hidden})
    return F.linear(h, weights[-1], biases[-1])


def decode(z):
    """The mirror: a linear layer, and transposed convolutions with f = {word} before each."""
    weights, biases = decoder[: len(decoder) // 2], decoder[len(decoder) // 2 :]
    h = F.linear(z.reshape(-1, {dim}), weights[0], biases[0])
    h = h.view(-1, {first}).permute(0, 3, 1, 2)
    for weight, bias, odd in zip(weights[1:], biases[1:], {odd}):
        h = {activation}(h)
        h = F.conv_transpose2d(h, weight, bias, stride=2, padding=1, output_padding=odd)
    h = h.unflatten(1, ({per_value}, -1)).permute(0, 1, 3, 4, 2)
    return h.reshape(*z.shape[:-1], {outputs})
'''

_CONVOLVED: Final = """\
    for weight, bias in zip(weights[:-1], biases[:-1]):
        h = {activation}(F.conv2d(h, weight, bias, stride=2, padding=1))
"""
_CONVOLVED_WITH_Y: Final = """\
    for layer, (weight, bias) in enumerate(zip(weights[:-1], biases[:-1])):
        h = F.conv2d(h, weight, bias, stride=2, padding=1)
        if layer == 0:  # y is another bias
            h = h + F.linear(y.reshape(-1, {count}), of_y)[..., None, None]
        h = {activation}(h)
"""

_ACTIVATIONS: Final = {"tanh": "torch.tanh", "relu": "torch.relu", "silu": "F.silu", "softplus": "F.softplus"}

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

_BOUNDED: Final = '''\
def bounded(value, low, high):
    """min(max(value, low), high) with the gradient of the value, which a clamp has not beyond its limits."""
    held = value.detach()
    return value - held + held.clamp(low, high)  # the first difference is 0
'''

_GREY: Final = '''\
def grey(values):
    """Pseudo-inputs in [0, 1], a sigmoid; beyond 7 with the slope that it has there, to lead back."""
    far, near = torch.sigmoid(values), torch.sigmoid(bounded(values, -7.0, 7.0))
    return torch.where(values.abs() > 7.0, far.detach() + (near - near.detach()), far)
'''

_LOG_NORMAL: Final = '''\
def log_normal(z, mean, log_var):
    """log N(z; mean, diag exp(log_var)) = -1/2 sum_j [(z - mean)^2 / sigma^2 + log sigma^2 + log 2 pi]."""
    squares = (z - mean).square() * torch.exp(-log_var)
    return -(0.5 * squares + 0.5 * log_var + 0.5 * math.log(2 * math.pi)).sum(-1)
'''

_FULL_NORMAL: Final = '''\
def times(matrix, vectors, mean):
    """A matrix for each mean, shape (n, J, J), times vectors of shape (m, n, J)."""
    shape = (*vectors.shape[: vectors.ndim - mean.ndim], *mean.shape)
    rows = vectors.expand(shape).reshape(-1, *mean.shape).movedim(0, -2)
    return (rows @ matrix.mT).movedim(-2, 0).reshape(shape)
'''

_LOG_STANDARD_NORMAL: Final = '''\
def log_prior(z):
    """log N(z; 0, I) = -1/2 sum_j [z^2 + log 2 pi]."""
    return -(0.5 * z.square() + 0.5 * math.log(2 * math.pi)).sum(-1)
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


class _Posterior(NamedTuple):
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


_DIAGONAL: Final = _Posterior(
    "mean, log_var", "z = mean + torch.exp(0.5 * log_var) * eps", "log_normal(z, mean, log_var)"
)
_WRITTEN: Final[dict[EncoderHead, _Posterior]] = {
    "full_covariance": _Posterior(
        "mean, factor", "z = mean + times(factor, eps, mean)", "log_full_normal(z, mean, factor)"
    ),
    "flow": _Posterior("mean, flow", "z, log_q = drawn_from_flow(eps, mean, flow)", "log_q"),
    "mixture": _Posterior(
        "log_w, parts",
        "z, log_q = drawn_from_mixture(eps, log_w, parts)",
        "log_q",
        noise="len(x), {dim}",
        mean="mixed({values}, log_w)",
        log_sum="each = log_weights.unflatten(0, (log_w.shape[1], -1)) + log_w.T[:, None]\n"
        "    return torch.logsumexp(each, (0, 1))",
    ),
}

_LOG_FULL_NORMAL: Final = '''\
def log_full_normal(z, mean, factor):
    """log N(z; mean, L L^T) = -1/2 |L^-1 (z - mean)|^2 - log det L - J/2 log 2 pi."""
    eye = torch.eye(factor.shape[-1]).to(factor).expand_as(factor)
    whitened = times(torch.linalg.solve_triangular(factor, eye, upper=False), z - mean, mean)
    log_diagonal = factor.diagonal(dim1=-2, dim2=-1).log()
    return -(0.5 * whitened.square() + log_diagonal + 0.5 * math.log(2 * math.pi)).sum(-1)
'''

_VAMP_DENSITY: Final = "log_full_normal(z[..., None, :], mean, factor)"

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


def script_of(run: Run, data: Dataset, *, title: str = "") -> str:
    """Python source of a script that trains the model of a run on its data, and prints its held-out ELBO.

    Live changes of beta and the learning rate are made at their steps; what is not replayed is said there.

    Arguments:
        run: The run as it was saved, with its history.
        data: What it was trained on.
        title: A name that somebody gave it: any text, which stays a comment.

    Raises:
        BadInput: The data have no name in ``DATASETS`` and nobody brought them, so no script can load them;
            or what the run says of its moves cannot be.
    """
    if run.config.dataset not in DATASETS and NAME.fullmatch(run.config.dataset) is None:
        message = "these data are in this run alone, so no script can load them"
        raise BadInput("dataset", message, "train on a data set of the menu")
    return _Script(run, data, title).text()


class _Script:
    """Puts the script together, part by part, in the order in which it is read."""

    def __init__(self, run: Run, data: Dataset, title: str) -> None:
        self.run, self.data, self.title = run, data, title
        self.config: RunConfig = run.config
        self.model: ModelConfig = run.config.model
        self.train = run.config.train
        self.is_cuda = run.config.device == "cuda"
        self.is_deterministic = self.model.encoder_head == "deterministic"
        self.is_normal = self.model.prior == "standard_normal"
        self.is_conv = self.model.architecture == "conv"
        self.is_full = self.model.encoder_head == "full_covariance"
        self.is_mixture = self.model.encoder_head == "mixture"
        self.q = _WRITTEN.get(self.model.encoder_head, _DIAGONAL)
        self.objective = self.train.maximised
        # What compares the z of a mini-batch keeps the dimension of the samples, also for one.
        self.compares = self.objective in OF_BATCH
        self.has_samples = self.compares or (self.train.num_samples > 1 and self.objective == "elbo")
        self.has_beta = not self.is_deterministic or self.objective != "elbo"
        self.is_scheduled = self.train.beta_schedule != "constant" and self.has_beta
        # It ended by itself, and no fork goes on from there: its script ends like it.
        self.has_patience = run.ended_at is not None and run.status in ("finished", "stopped_early")
        ended_at = run.ended_at if self.has_patience else None
        self.num_steps = run.step if ended_at is None else ended_at
        found = settings_by_step(run, len(data.x_train), num_steps=ended_at)
        self.live_beta, self.rates, self.seeds = found
        self.is_redrawn = run.config.binarised == "stochastic"
        self.is_idx = run.config.dataset == "idx"
        self.is_own = NAME.fullmatch(run.config.dataset) is not None
        self.is_observed_in_part = len(data.x_test) > MAX_HELD_OUT

    def text(self) -> str:
        """The whole script."""
        bound = self._bound()
        if self.is_conv:
            bound = bound.replace("forward(encoder, x)", "encode(x)").replace(
                "forward(decoder, z)", "decode(z)"
            )
        parts = [
            self._head(),
            self._settings(),
            self._data(),
            self._model(),
            bound,
            self._held_out(),
            self._training(),
            self._result(),
        ]
        return "\n\n\n".join(part.strip("\n") for part in parts) + "\n"

    def _head(self) -> str:
        usage = (
            "Call it with the folder of your IDX files, or name the folder when it asks.\n"
            if self.is_idx
            else ""
        )
        if self.is_own:
            usage = "Call it with the NPZ file of your data, or name the file when it asks.\n"
        head = _HEAD.format(written_by=WRITTEN_BY, usage=usage)
        standard = ["import math", "from itertools import pairwise"]
        if self.is_idx:
            standard = ["import gzip", "import math", "import sys", *standard[1:], "from pathlib import Path"]
        if self.is_own:
            standard = ["import math", "import sys", *standard[1:]]
        if not self.model.hidden_dims or self.is_conv:
            standard.remove("from itertools import pairwise")
        others = ["import numpy as np", "import torch"]
        if self.config.dataset == "digits":
            others.append("from sklearn.datasets import load_digits")
        others.append("from torch.nn import functional as F")
        threads = "torch.set_num_threads(1)  # as in the app: more threads add in another order"
        return "\n".join([head, "", *standard, "", *others, "", threads])

    def _settings(self) -> str:
        train, model = self.train, self.model
        # A literal keeps whatever a name holds, quotes and line ends too, on one line of comment. Not in the
        # first two lines of the file: there a comment may choose the encoding of the rest.
        lines = [f"# Name of the run: {self.title!r}"] if self.title else []
        lines.append(f"SEED = {self.config.seed}")
        if self.has_beta:
            lines.append(self._dial("BETA", train.beta, self.live_beta, _WEIGHS[self.objective]))
        lines.append(self._dial("LEARNING_RATE", train.learning_rate, self.rates, "step size"))
        lines.append(f"BATCH_SIZE = {train.batch_of(len(self.data.x_train))}")
        if self.objective != "elbo" or self.has_samples:
            lines.append(f"NUM_SAMPLES = {train.num_samples}  # samples of z per example in training, M")
        if train.free_bits and not self.is_deterministic:
            of = "latent dimension" if self.model.has_kl_parts else "example"
            lines.append(f"FREE_BITS = {train.free_bits!r}  # nats of KL per {of} that cost nothing")
        if self.has_patience:
            lines.append(
                f"PATIENCE = {train.patience}  # epochs without a rise of the validation ELBO that end it"
            )
        lines.append(f"NUM_STEPS = {self.num_steps}  # updates that the run made")
        if self.seeds.values:
            lines.append(_by_step("NEW_SEEDS", self.seeds.values, "a fork had other draws"))
        if not self.is_normal:
            lines.append(f"NUM_COMPONENTS = {model.num_components}  # of the learned prior, K")
        if self.run.state_scalars.get("has_other_draws"):
            lines.append("# Not replayed: the run diverged or was forked, and has had other draws since.")
        return "\n".join(lines)

    def _dial(self, name: str, start: float, changes: ByStep, what: str) -> str:
        if self.is_scheduled and name == "BETA":
            line = f"BETA = {start!r}  # to which its schedule leads: {what}"
            if changes.values:
                line += "\n" + _by_step("LIVE_BETA", changes.values, "what it was moved to by hand")
        elif list(changes.values) == [0]:
            line = f"{name} = {changes.values[0]!r}  # {what}"
        else:
            line = _by_step(name, changes.values, what)
        for first, last in changes.unsure:
            line += (
                f"\n# Not replayed exactly: {name} moved between steps {first} and {last}; "
                f"here the last value holds from {first} on."
            )
        return line

    def _data(self) -> str:
        text = self._read_and_split()
        if self.config.binarised == "threshold":
            text += "\n\n" + _CUT
        elif self.is_redrawn:
            text += "\n\n" + _DRAWN.format(**SEEDS)
        if self.model.num_conditions:
            text += "\n\n" + self._conditioned()
        if self.data.x_validation is not None:
            text += "\n\n" + self._validation()
            text += "\ngrey = grey[~is_validation]" if self.is_redrawn else ""
        if self.config.condition == "number":
            text += self._standardised()
        if self.is_cuda:
            text += '\nx_train, x_test = x_train.to("cuda"), x_test.to("cuda")'
            text += '\nx_validation = x_validation.to("cuda")' if self.has_patience else ""
            text += '\ngrey = grey.to("cuda")' if self.is_redrawn else ""
        if self.is_observed_in_part:
            text += "\n" + _OBSERVED.format(count=MAX_HELD_OUT)
        return text

    def _read_and_split(self) -> str:
        """The examples, in a training and a held-out part."""
        name = self.config.dataset
        seeded = "data_generator = torch.Generator().manual_seed(SEED)"
        if name == "idx":
            return self._idx(seeded)
        if self.is_own:
            return self._own(seeded)
        if name == "digits":
            return f"{_DIGITS}\n\n{seeded}\n{_SPLIT.format(singles='')}"
        split = _SPLIT.format(singles=self._singles)
        if name in _MADE_LABELS:
            return f"{self._made(seeded)}\n\n{split}"
        noise = DATASET_INFO[name].noise * self.config.data_noise
        points = _POINTS[name].format(n=self._num_made, noise=noise)
        first, rest = f"{points}\nx, labels = x.numpy(), labels.numpy()\n\n{split}".split("\n", 1)
        return f"{first}\n{seeded}\n{rest}"

    def _standardised(self) -> str:
        """The rows [x, y] of a number y: its scale is that of the examples that are trained on."""
        if self.data.x_validation is None:
            return "\n\n" + _STANDARDISED
        cut = "\ny_validation, y_train = y_train[is_validation], y_train[~is_validation]"
        return f"{cut}\n\n{_STANDARDISED}\nx_validation = with_y(x_validation, y_validation)"

    @property
    def _known(self) -> str:
        """The number y of each example, by its place among those that are known."""
        names = [factor.name for factor in self.data.factors_train]
        place = names.index(self.config.condition_on)
        return f"beside[:, {place}]" if self.is_own else f"causes[:, {place}]"

    def _conditioned(self) -> str:
        """The rows [x, y], or the number y of each; of IDX files in two parts the labels are read here."""
        if self.config.condition == "number":
            return _KNOWN.format(name=repr(self.config.condition_on), values=self._known)
        training, held_out, read = _LABELS_OF_SPLIT, _HELD_OUT_LABELS, ""
        stems = self._stems if self.is_idx else {}
        if {("train", "images"), ("test", "images")} <= set(stems):
            training, held_out = "labels_train", "labels_test"
            for part, name, x in (("train", training, "x_train"), ("test", held_out, "x_test")):
                read += f"{name} = read_idx({stems[part, 'labels']!r}).reshape(len({x}), -1)[:, 0]\n"
            both = f"np.concatenate([{training}, {held_out}])"
            read += f"classes = np.unique({both})\n"
            for name in (training, held_out):
                read += f"{name} = np.searchsorted(classes, {name})  # classes from 0\n"
        count = self.model.num_conditions
        return read + _CONDITIONED.format(count=count, training=training, held_out=held_out)

    @property
    def _num_made(self) -> int:
        """Examples of data that are made from the seed."""
        return self.config.num_examples or DATASET_INFO[self.config.dataset].num_examples or 0

    @property
    def _singles(self) -> str:
        """Where few images are drawn, a class may have one."""
        data = self.data
        found = (data.labels_train, data.labels_validation, data.labels_test)
        counts = np.bincount(np.concatenate([labels.numpy() for labels in found if labels is not None]))
        return _SINGLES if (counts == 1).any() else ""

    def _made(self, seeded: str) -> str:
        name, made = self.config.dataset, MADE_SETS[self.config.dataset]
        causes = [(cause.values, cause.weights or (1,) * len(cause.values)) for cause in made.causes]
        lines = textwrap.fill(repr(causes), _WIDTH - 4, initial_indent=" " * 4, subsequent_indent=" " * 4)
        return _MADE.format(
            n=self._num_made,
            draw=textwrap.dedent(inspect.getsource(made.draw))
            .strip()
            .replace(": Causes) -> NDArray[np.uint8]", ")"),
            causes=f"(\n{lines}\n)",
            name=made.draw.__name__,
            labels=_MADE_LABELS[name],
            seeded=seeded,
        )

    def _own(self, seeded: str) -> str:
        labels = self.data.labels_train
        held_out = self.data.labels_test
        # What was binarised is bytes, whatever the file holds.
        is_bytes = isinstance(self.data.x_train, ByteImages) and self.config.binarised == "no"
        pixels = ".astype(np.float32) / 255" if is_bytes else ""
        beside = '\n    beside = file["beside"]' if self.config.condition == "number" else ""
        if labels is None or held_out is None:
            return f"{_OWN.format(pixels=pixels, labels=beside)}\n\n{seeded}\n{_SPLIT_UNLABELLED}"
        counts = np.bincount(np.concatenate((labels.numpy(), held_out.numpy())))
        read = _OWN.format(pixels=pixels, labels=f'\n    labels = file["labels"]{beside}')
        if counts.max() == 1:  # nothing to share out: each class has one member
            return f"{read}\n\n{seeded}\n{_SPLIT_UNLABELLED}"
        return f"{read}\n\n{seeded}\n{_SPLIT.format(singles=_SINGLES if counts.min() == 1 else '')}"

    def _validation(self) -> str:
        data, labels, by_class = self.data, "", ""
        assert data.x_validation is not None
        size = len(data.x_validation)
        if data.labels_train is not None and data.labels_validation is not None:
            classes = np.concatenate((data.labels_train.numpy(), data.labels_validation.numpy()))
            num_single = int((np.bincount(classes) == 1).sum())
            if len(classes) - num_single >= 2 * size:
                labels = f"labels_train = {self._labels_of_training}\n"
                by_class = _BY_CLASS + (_SINGLE_LABELS if num_single else "")
        return _VALIDATION.format(size=size, labels=labels, by_class=by_class)

    @property
    def _labels_of_training(self) -> str:
        stems = self._stems if self.is_idx else {}
        if ("test", "images") in stems and ("train", "images") in stems:
            read = f"read_idx({stems['train', 'labels']!r}).reshape(len(x_train), -1)[:, 0]"
            return f"np.unique({read}, return_inverse=True)[1]"
        return _LABELS_OF_SPLIT

    @property
    def _stems(self) -> dict[tuple[str, str], str]:
        """Names of the IDX files without what follows "images" or "labels": others may have them plain."""
        return {
            key: re.split("[-_.]idx[0-9]", path.name, flags=re.IGNORECASE)[0]
            for key, path in find_idx_set(self.config.data_folder).files.items()
        }

    def _idx(self, seeded: str) -> str:
        stems = self._stems
        reader = _IDX.format(transpose=".transpose(0, 2, 1)" if self.config.data_transposed else "")
        if {("train", "images"), ("test", "images")} <= set(stems):
            return (
                f"{reader}\n\n"
                f"x_train = torch.from_numpy(read_images({stems['train', 'images']!r}))\n"
                f"x_test = torch.from_numpy(read_images({stems['test', 'images']!r}))"
            )
        part = "train" if ("train", "images") in stems else "test"
        if self.data.labels_train is None:
            split, labels = _SPLIT_UNLABELLED, ""
        else:
            split = _SPLIT.format(singles=_SINGLES)
            labels = (
                f"labels = read_idx({stems[part, 'labels']!r}).reshape(len(x), -1)[:, 0]\n"
                "labels = np.unique(labels, return_inverse=True)[1]  # classes from 0\n"
            )
        return f"{reader}\n\nx = read_images({stems[part, 'images']!r})\n{labels}\n{seeded}\n{split}"

    def _model(self) -> str:
        model = self.model
        is_rectified = model.activation in RECTIFIED
        is_small = is_rectified and model.initial_weights == "small_outputs"
        last = "weights[-1]" if model.hidden_dims else "weight"
        words = {
            "gain": "math.sqrt(2.0)" if is_rectified else "1.0",
            "variance": f"{2 if is_rectified else 1} / fan_in",
            "last": f", in the last layer times {SMALL}" if is_small else "",
            "small": f"    {last} *= {SMALL}\n" if is_small else "",
            "activation": _ACTIVATIONS[model.activation],
            "word": model.activation,
        }
        if self.is_conv:
            networks = _CONVOLUTIONS.format(**words, **self._of_convolutions(words["activation"]))
            layers = (conv_encoder_layers(model), conv_decoder_layers(model))
            encoder, decoder = (", ".join(str(tuple(layer)) for layer in of) for of in layers)
        else:
            networks = (_NETWORK if model.hidden_dims else _LINEAR).format(**words)
            encoder, decoder = (str(sizes)[1:-1] for sizes in (model.encoder_sizes, model.decoder_sizes))
        lines = [
            "generator = torch.Generator().manual_seed(SEED)  # "
            + ("initial weights" if self.is_cuda else "initial weights, order of the data, noise"),
            f"encoder = network({encoder})",
            f"decoder = network({decoder})",
        ]
        if model.not_gaussian:
            rows, what = f"{2 * model.latent_dim} :", "the flow begins near the identity"
            if self.is_mixture:
                rows, what = f"-{MIXTURE_COMPONENTS} :", "the weights of the mixture begin nearly equal"
            lines.append(f"encoder[{len(model.hidden_dims)}][{rows}] *= {SMALL}  # {what}")
        order = ["*encoder", "*decoder"]
        if self.is_conv and model.num_conditions:
            first = conv_encoder_layers(model)[0]
            drawn = f"torch.randn({first.num_biases}, {model.num_conditions}, generator=generator)"
            of_y = f"of_y = {drawn} * ({words['gain']} / math.sqrt({first.fan_in}))"
            lines[2:2] = ["# What y adds to the first convolution.", of_y]
            order.insert(0, "of_y")
        if model.learns_scale:
            lines.append("log_scale = torch.zeros(())  # log s, learned")
            order.insert(0, "log_scale")
        shape = f"NUM_COMPONENTS, {model.latent_dim if model.prior == 'mixture' else model.data_dim}"
        if model.prior == "mixture":
            lines += [
                f"means = math.sqrt(0.75) * torch.randn({shape}, generator=generator)",
                f"log_vars = torch.full(({shape}), math.log(0.25))",
                "mixture = [torch.zeros(NUM_COMPONENTS), means, log_vars]  # begins with the logits of pi",
            ]
            order.append("*mixture")
        elif model.prior == "vamp":
            lines.append(f"pseudo_inputs = torch.randn({shape}, generator=generator)")
            order.append("pseudo_inputs")
        if self.is_cuda:
            lines.append('generator = torch.Generator("cuda").manual_seed(SEED)  # order of the data, noise')
        lines += [f"parameters = [{', '.join(order)}]", self._optimizer()]
        if model.likelihood == "gaussian" and not model.learns_scale:
            lines.append(f"scale = torch.tensor({model.likelihood_scale!r}{self._device})  # s")
        return f"{networks}\n\n" + "\n".join(lines)

    def _of_convolutions(self, activation: str) -> dict[str, object]:
        """The sizes that stand in the functions of convolutions."""
        model = self.model
        maps = model.feature_maps
        channels, height, width = maps[0]
        count = model.num_conditions
        convolutions = (_CONVOLVED_WITH_Y if count else _CONVOLVED).format(activation=activation, count=count)
        return {
            "split": f"    x, y = x.split(({model.data_dim}, {count}), -1)\n" if count else "",
            "convolutions": convolutions,
            **{"channels": channels, "height": height, "width": width, "dim": model.decoder_sizes[0]},
            **{"hidden": math.prod(maps[-1]), "outputs": model.decoder_sizes[-1]},
            "first": str((*maps[-1][1:], maps[-1][0]))[1:-1],
            "odd": [(rows % 2, columns % 2) for _, rows, columns in maps[-2::-1]],
            "per_value": model.outputs_per_value,
        }

    @property
    def _device(self) -> str:
        return ', device="cuda"' if self.is_cuda else ""

    def _optimizer(self) -> str:
        rate = "LEARNING_RATE" if list(self.rates.values) == [0] else "LEARNING_RATE[0]"
        to_cuda = '.to("cuda")' if self.is_cuda else ""
        if self.train.optimizer == "sgd":
            moved = f"    parameter.data = parameter.data{to_cuda}\n" if self.is_cuda else ""
            made = f"optimizer = torch.optim.SGD(parameters, lr={rate}, momentum={self.train.momentum!r})"
            return f"for parameter in parameters:\n{moved}    parameter.requires_grad_()\n{made}"
        # Adam's kernel rounds the last few numbers of a tensor in another way than the rest: one vector, in
        # the order of the app, is what makes the weights equal.
        return f"""\
# The parameters become views of one long vector, as in the app: one step of Adam for all of them.
vector = torch.cat([parameter.flatten() for parameter in parameters]){to_cuda}
vector.grad = torch.zeros_like(vector)
sizes = [parameter.numel() for parameter in parameters]
for parameter, values, slopes in zip(parameters, vector.split(sizes), vector.grad.split(sizes)):
    parameter.data = values.view_as(parameter)
    parameter.requires_grad_().grad = slopes.view_as(parameter)
optimizer = torch.optim.Adam([vector], lr={rate}, fused=True)"""

    def _bound(self) -> str:
        model = self.model
        scale = ""
        if model.learns_scale:
            scale = "scale = torch.exp(log_scale)  # s, learned\n    "
        parts = [_LOG_LIKELIHOOD[model.likelihood].replace("{scale}", scale)]
        if model.num_conditions:
            parts = [
                parts[0].replace("def log_likelihood(", "def log_density("),
                _GIVEN_Y.format(dim=model.data_dim, count=model.num_conditions),
            ]
        more = self._more_of_objective()
        if self.is_deterministic:
            return _with_bounded([*parts, *more, self._autoencoder()])
        words = self._of_posterior()
        posterior = _POSTERIOR[model.encoder_head]
        for name, value in words.items():
            posterior = posterior.replace(name, value)
        parts.insert(0, posterior)
        parts += [_FULL_NORMAL] if self.is_full else []
        if not self.is_normal:
            is_grey = model.prior == "vamp" and model.is_unit_interval
            pseudo = "grey(pseudo_inputs)" if is_grey else "pseudo_inputs"
            parts += [_GREY] if is_grey else []
            device = '.to("cuda")' if self.is_cuda else ""
            prior = _PRIOR[model.prior].replace("{pseudo_inputs}", pseudo).replace("{to_device}", device)
            if self.is_full and model.prior == "vamp":
                prior = prior.replace("mean, log_var = ", "mean, factor = ")
                prior = prior.replace("log_normal(z[..., None, :], mean, log_var)", _VAMP_DENSITY)
            parts += [_LOG_FULL_NORMAL] if self.is_full else []
            parts += [] if self.is_full and model.prior == "vamp" else [_LOG_NORMAL]
            parts += [prior]
        if self.is_normal and (self.objective == "importance_weighted" or model.not_gaussian):
            parts += [_LOG_STANDARD_NORMAL]
        needs_density = self.objective in ("importance_weighted", "total_correlation")
        needs_density = needs_density and not self.q.has_known_density
        density = _LOG_FULL_NORMAL if self.is_full else _LOG_NORMAL
        is_used = self.objective == "importance_weighted" or self.is_full
        if needs_density and is_used and density not in parts:
            parts += [density]
        return _with_bounded([*parts, *more, self._elbo_terms()])

    def _more_of_objective(self) -> list[str]:
        """The functions of an objective that is not the ELBO."""
        if self.objective == "elbo":
            return []
        words = {
            "{spread}": self.q.parts.split(", ")[1],
            "{parts}": self.q.parts,
            "{noise}": self._noise,
            "{log_sum}": self.q.log_sum,
            "{components}": str(MIXTURE_COMPONENTS),
            "{dim}": str(self.model.latent_dim),
            "{marginals}": "log_var = factor.square().sum(-1).log()\n    " if self.is_full else "",
            "{joint}": "log_full_normal(points, mean, factor)" if self.is_full else "each.sum(-1)",
            "{density}": self.q.density,
            "{drawn}": self.q.drawn,
            "{to_device}": ", device=noise.device).to(x.device)" if self.is_cuda else ")",
            "{device}": self._device,
        }
        of_mixtures = {"mmd": _MIXTURES_MMD, "total_correlation": _MIXTURES_TC} if self.is_mixture else {}
        text = of_mixtures.get(self.objective, _OBJECTIVE[self.objective])
        for name, value in words.items():
            text = text.replace(name, value)
        return [text]

    @property
    def _noise(self) -> str:
        """The shape of eps but for the samples."""
        return self.q.noise.format(dim=self.model.latent_dim)

    def _of_flow(self) -> dict[str, str]:
        """The sizes and the numbers that stand in the functions of a flow."""
        dim = self.model.latent_dim
        rows = (f"[{', '.join(map(repr, row))}]," for row in frame_of(dim, FLOW_LAYERS).tolist())
        lines = (
            textwrap.fill(row, _WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 5) for row in rows
        )
        return {
            "{frame}": "\n".join(lines),
            "{dim}": str(dim),
            "{layers}": str(FLOW_LAYERS * (2 * dim + 1)),
            "{count}": str(FLOW_LAYERS),
            "{to_device}": '.to("cuda")' if self.is_cuda else "",
        }

    def _of_posterior(self) -> dict[str, str]:
        """The sizes that stand in the functions of q(z|x)."""
        dim = self.model.latent_dim
        if self.is_full:
            return {"{dim}": str(dim), "{below}": str(dim * (dim - 1) // 2)}
        if self.is_mixture:
            count = MIXTURE_COMPONENTS
            return {"{values}": str(count * dim), "{count}": str(count), "{on_device}": self._device}
        return self._of_flow() if self.model.encoder_head == "flow" else {}

    def _autoencoder(self) -> str:
        if not self.has_samples:
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
            f"    return log_likelihood(x, z).mean(0){', z' if self.objective == 'mmd' else ''}\n"
        )

    def _elbo_terms(self) -> str:
        samples = ", num_samples=1" if self.has_samples else ""
        count = "num_samples samples" if self.has_samples else "one sample"
        shape = f"num_samples, {self._noise}" if self.has_samples else self._noise.removeprefix("*")
        if self.is_mixture and not self.has_samples:
            shape = f"1, {self._noise}"
        takes_mean = self.has_samples or self.is_mixture
        device = ", device=noise.device).to(x.device)" if self.is_cuda else ")"
        if not self.model.has_kl_parts:
            kl_is = "KL(q(z|x) || p(z)) = E_q[log q(z|x) - log p(z)], from the same of z."
            kl = f"kl = {self.q.density} - log_prior(z)"
            if takes_mean:
                values = f"{self.q.density} - log_prior(z)"
                kl = f"kl = {self.q.mean.format(values=values if self.is_mixture else f'({values})')}"
        else:
            kl_is = "KL(q(z|x) || N(0, I)) = 1/2 sum_j (mean_j^2 + sigma_j^2 - 1 - log sigma_j^2)."
            parts = "0.5 * (mean.square() + torch.expm1(log_var) - log_var)"
            if self.is_full:
                kl_is = "KL(q(z|x) || N(0, I)) = 1/2 sum_j (mean_j^2 + sum_k L_jk^2 - 1 - log L_jj^2)."
                parts = "0.5 * (mean.square() + among + torch.expm1(log_var) - log_var)"
            kl = f"kl = ({parts}).sum(-1)"
            if self._keeps_dimensions:
                kl_is = kl_is.replace(").", "), each j by itself.")
                kl = f"kl = {parts}"
            if self.is_full:
                kl = (
                    "log_var = 2 * factor.diagonal(dim1=-2, dim2=-1).log()\n"
                    "    among = factor.tril(-1).square().sum(-1)  # below the diagonal\n"
                    f"    {kl}"
                )
        reconstruction = "log_likelihood(x, z)"
        if takes_mean:
            reconstruction = self.q.mean.format(values=reconstruction)
        return (
            f"def elbo_terms(x, noise{samples}):\n"
            '    """The two terms of the bound for each x, in nats.\n\n'
            f"    E_q[log p(x|z)], estimated from {count} of z, and\n"
            f"    {kl_is}\n"
            '    """\n'
            f"    {self.q.parts} = posterior(x)\n"
            f"    eps = torch.randn({shape}, generator=noise{device}\n"
            f"    {self.q.drawn}  # reparameterised: gradients pass through z\n"
            f"    reconstruction = {reconstruction}\n"
            f"    {kl}\n"
            f"    return reconstruction, kl{f', z, ({self.q.parts})' if self.compares else ''}\n"
        )

    @property
    def _keeps_dimensions(self) -> bool:
        return self.model.has_kl_parts and self.train.free_bits > 0

    def _held_out(self) -> str:
        rows = chunk_rows(widest_layer(self.model))
        count = min(len(self.data.x_test), MAX_HELD_OUT)
        if self.has_patience and self.data.x_validation is not None:
            count = max(count, len(self.data.x_validation))
        in_pieces = count > rows
        summed = ".sum(-1)" if self._keeps_dimensions else ""
        if self.is_deterministic:
            first = "[0]" if self.compares else ""
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
        first = "[:2]" if self.compares else ""
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

    def _schedule(self) -> str:
        epochs = self.train.schedule_epochs
        if self.train.beta_schedule == "linear":
            says = f"Rises from 0 to BETA during {epochs} epochs, then stays."
            value = f"BETA * min(1.0, epochs / {epochs})"
        else:
            says = f"Rises from 0 to BETA in the first half of every {epochs} epochs (Fu et al. 2019)."
            value = f"BETA * min(1.0, 2.0 * (math.fmod(epochs, {epochs}) / {epochs}))"
        return f'def scheduled_beta(epochs):\n    """{says}"""\n    return {value}\n\n\n'

    def _training(self) -> str:
        lines = ["step = epoch = 0"]
        if self.is_scheduled and self.live_beta.values:
            lines.append("live_beta = None")
        if self.has_patience:
            lines.append("best, epochs_without_rise = -math.inf, 0")
        device = ", device=generator.device" if self.is_cuda else ""
        lines += [
            "while step < NUM_STEPS:",
            *self._new_seed(),
            "    # Each epoch takes the examples in a new order.",
            f"    order = torch.randperm(len(x_train), generator=generator{device})",
            "    for first in range(0, len(x_train), BATCH_SIZE):",
            *self._new_order(device),
            *self._batch(),
            *(f"        {line}" for line in self._update()),
            "        step += 1",
            "        if step == NUM_STEPS:",
            "            break",
            "    epoch += 1",
            *self._watch(),
            '    print(f"\\rstep {step} of {NUM_STEPS}, epoch {epoch}", end="", flush=True)',
        ]
        if self.has_patience:
            lines += self._take_best()
        return (self._schedule() if self.is_scheduled else "") + "\n".join(lines)

    def _batch(self) -> list[str]:
        if self.is_redrawn and self.model.num_conditions:
            return [
                "        rows = order[first : first + BATCH_SIZE]",
                "        x = drawn_from(grey[rows], generator)",
                f"        x = torch.cat([x, x_train[rows, {self.model.data_dim} :]], 1)",
            ]
        if self.is_redrawn:
            return ["        x = drawn_from(grey[order[first : first + BATCH_SIZE]], generator)"]
        return ["        x = x_train[order[first : first + BATCH_SIZE]]"]

    @property
    def _copied(self) -> str:
        if self.train.optimizer == "sgd":
            return "[parameter.detach().clone() for parameter in parameters]"
        return "vector.clone()"

    def _take_best(self) -> list[str]:
        said = "# The weights are those of the epoch with the best validation ELBO."
        if self.train.optimizer == "sgd":
            return [
                said,
                "for parameter, value in zip(parameters, best_weights):",
                "    parameter.data.copy_(value)",
            ]
        return [said, "vector.copy_(best_weights)"]

    def _new_seed(self) -> list[str]:
        if not self.seeds.values:
            return []
        return ["    if step in NEW_SEEDS:", "        generator.manual_seed(NEW_SEEDS[step])"]

    def _new_order(self, device: str) -> list[str]:
        if not self.seeds.values:
            return []
        return [
            "        if first and step in NEW_SEEDS:  # what is left of this epoch comes in another order",
            "            generator.manual_seed(NEW_SEEDS[step])",
            "            rest = order[first:]",
            f"            rest = rest[torch.randperm(len(rest), generator=generator{device})]",
            "            order = torch.cat([order[:first], rest])",
        ]

    def _update(self) -> list[str]:
        lines = []
        samples = ", NUM_SAMPLES" if self.has_samples else ""
        if list(self.rates.values) != [0]:
            lines += [
                'learning_rate = LEARNING_RATE.get(step, optimizer.param_groups[0]["lr"])',
                'optimizer.param_groups[0]["lr"] = learning_rate',
            ]
        if self.objective != "elbo":
            lines += self._other_objective()
        elif self.is_deterministic:
            lines.append(f"objective = reconstruction_of(x{samples}).mean()")
        else:
            beta, more = self._beta()
            lines += [*more, f"reconstruction, kl = elbo_terms(x, generator{samples})"]
            penalised = "kl.mean()"
            if self.train.free_bits:
                by_dimension = self._keeps_dimensions
                penalised = "penalty"
                lines.append(
                    "penalty = kl.mean(0).clamp(min=FREE_BITS).sum()"
                    if by_dimension
                    else "penalty = kl.mean().clamp(min=FREE_BITS)"
                )
            lines.append(f"objective = reconstruction.mean() - {beta} * {penalised}")
        return [
            *lines,
            "optimizer.zero_grad()" if self.train.optimizer == "sgd" else "vector.grad.zero_()",
            "(-objective).backward()",
            "optimizer.step()",
            *self._limits(),
        ]

    def _other_objective(self) -> list[str]:
        """The lines that compute an objective that is not the ELBO."""
        beta, more = self._beta()
        if self.objective == "importance_weighted":
            return [*more, f"objective = weighted_bound(x, generator, {beta}).mean()"]
        call = "elbo_terms(x, generator, NUM_SAMPLES)"
        if self.objective == "total_correlation":
            return [
                *more,
                f"reconstruction, kl, z, q = {call}",
                "objective = (reconstruction - kl).mean()",
                f"objective = objective - ({beta} - 1) * total_correlation(*q, z)",
            ]
        names = "reconstruction, kl, z, q"
        if self.is_deterministic:
            names, call = "reconstruction, z", "reconstruction_of(x, NUM_SAMPLES)"
        dims = self.model.data_dim if self.model.num_conditions else "x.shape[-1]"
        shape, weights = "z.shape", ""
        if self.is_mixture:
            shape, weights = f"NUM_SAMPLES, {self._noise}", ", q[0]"
        return [
            *more,
            f"{names} = {call}",
            f"drawn = torch.randn({shape}, generator=generator{self._device})  # from the prior",
            f"objective = reconstruction.mean() - {beta} * {dims} * squared_mmd(z, drawn{weights})",
        ]

    def _limits(self) -> list[str]:
        """What has limits of its own is moved back to them after each update."""
        lines = []
        if self.model.learns_scale:
            lines.append("log_scale.data.clamp_(min=math.log(1e-3))  # an exact decoder has s = 0")
        if self.model.prior == "mixture":
            lines.append("log_vars.data.clamp_(-20.0, 20.0)")
        elif self.model.prior == "vamp" and self.model.is_unit_interval:
            lines.append("pseudo_inputs.data.clamp_(-16.0, 16.0)")
        return lines

    def _beta(self) -> tuple[str, list[str]]:
        """The name of beta in the objective, and the lines that set it."""
        if self.is_scheduled:
            scheduled = "scheduled_beta(epoch + first / len(x_train))"
            if not self.live_beta.values:
                return "beta", [f"beta = {scheduled}"]
            return "beta", [
                "live_beta = LIVE_BETA.get(step, live_beta)",
                f"beta = {scheduled} if live_beta is None else live_beta",
            ]
        if list(self.live_beta.values) == [0]:
            return "BETA", []
        return "beta", ["beta = BETA.get(step, beta) if step else BETA[0]"]

    def _watch(self) -> list[str]:
        if not self.has_patience:
            return []
        is_bound = not self.is_deterministic
        part = "x_validation"
        watched = f"held_out_elbo({part}, seed=0)" if is_bound else f"held_out_reconstruction({part})"
        return [
            f"    watched = {watched}",
            "    epochs_without_rise += 1",
            "    if watched > best:",
            "        best, epochs_without_rise = watched, 0",
            f"        best_weights = {self._copied}",
            "    if epochs_without_rise >= PATIENCE:",
            "        break",
        ]

    def _result(self) -> str:
        observed = "observed" if self.is_observed_in_part else "x_test"
        name, call = "ELBO", f"held_out_elbo({observed}, SEED)"
        if self.is_deterministic:
            name, call = "reconstruction", f"held_out_reconstruction({observed})"
        lines = [f'print(f"\\nHeld-out {name}: {{{call}:.4f}} nats per example")']
        reported = reported_elbo(self.run)
        if reported is not None:
            lines.append(f'print("In the app:{" " * (len(name) - 1)}{reported:.4f}")')
        return "\n".join(lines)


def _with_bounded(parts: list[str]) -> str:
    """The functions one after the other, after the clamp that some of them use."""
    text = "\n\n".join(parts)
    return f"{_BOUNDED}\n\n{text}" if "bounded(" in text else text


def _by_step(name: str, values: Mapping[int, float], what: str) -> str:
    """A dictionary from step to value, on as many lines as it needs, below a comment."""
    items = ", ".join(f"{step}: {value!r}" for step, value in values.items())
    line = f"{name} = {{{items}}}"
    if len(line) > _WIDTH:
        inner = textwrap.fill(items, _WIDTH, initial_indent="    ", subsequent_indent="    ")
        line = f"{name} = {{\n{inner},\n}}"
    return f"# From which step on: {what}.\n{line}"


def reported_elbo(run: Run) -> float | None:
    """The held-out ELBO of the last row of the history, nats per example; None where there is none.

    Of a deterministic encoder the reconstruction, which is no bound.
    """
    column = HISTORY_COLUMNS.index("elbo_held_out")
    return float(run.history[-1, column]) if len(run.history) else None
