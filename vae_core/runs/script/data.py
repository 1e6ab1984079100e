"""The data of a run in its script: read or made, split, binarised, joined with y."""

import inspect
import re
import textwrap
from typing import Final

import numpy as np

from vae_core.data import DATASET_INFO
from vae_core.data.binarised import SEEDS
from vae_core.data.byte_images import ByteImages
from vae_core.data.files import find_idx_set
from vae_core.data.made import MADE_SETS
from vae_core.runs.observer import MAX_HELD_OUT
from vae_core.runs.script.facts import Facts
from vae_core.runs.script.layout import WIDTH

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

_OBSERVED: Final = """\
# Of many held-out examples the run reports on {count} that the seed chooses.
observed = x_test[torch.randperm(len(x_test), generator=torch.Generator().manual_seed(SEED))[:{count}]]"""


def data_of(facts: Facts) -> str:
    """The examples as they go into the training, and those that are held out."""
    text = _read_and_split(facts)
    if facts.config.binarised == "threshold":
        text += "\n\n" + _CUT
    elif facts.is_redrawn:
        text += "\n\n" + _DRAWN.format(**SEEDS)
    if facts.model.num_conditions:
        text += "\n\n" + _conditioned(facts)
    if facts.data.x_validation is not None:
        text += "\n\n" + _validation(facts)
        text += "\ngrey = grey[~is_validation]" if facts.is_redrawn else ""
    if facts.config.condition == "number":
        text += _standardised(facts)
    if facts.is_cuda:
        text += '\nx_train, x_test = x_train.to("cuda"), x_test.to("cuda")'
        text += '\nx_validation = x_validation.to("cuda")' if facts.has_patience else ""
        text += '\ngrey = grey.to("cuda")' if facts.is_redrawn else ""
    if facts.is_observed_in_part:
        text += "\n" + _OBSERVED.format(count=MAX_HELD_OUT)
    return text


def _read_and_split(facts: Facts) -> str:
    """The examples, in a training and a held-out part."""
    name = facts.config.dataset
    seeded = "data_generator = torch.Generator().manual_seed(SEED)"
    if name == "idx":
        return _idx(facts, seeded)
    if facts.is_own:
        return _own(facts, seeded)
    if name == "digits":
        return f"{_DIGITS}\n\n{seeded}\n{_SPLIT.format(singles='')}"
    split = _SPLIT.format(singles=_singles(facts))
    if name in _MADE_LABELS:
        return f"{_made(facts, seeded)}\n\n{split}"
    noise = DATASET_INFO[name].noise * facts.config.data_noise
    points = _POINTS[name].format(n=_num_made(facts), noise=noise)
    first, rest = f"{points}\nx, labels = x.numpy(), labels.numpy()\n\n{split}".split("\n", 1)
    return f"{first}\n{seeded}\n{rest}"


def _standardised(facts: Facts) -> str:
    """The rows [x, y] of a number y: its scale is that of the examples that are trained on."""
    if facts.data.x_validation is None:
        return "\n\n" + _STANDARDISED
    cut = "\ny_validation, y_train = y_train[is_validation], y_train[~is_validation]"
    return f"{cut}\n\n{_STANDARDISED}\nx_validation = with_y(x_validation, y_validation)"


def _known(facts: Facts) -> str:
    """The number y of each example, by its place among those that are known."""
    names = [factor.name for factor in facts.data.factors_train]
    place = names.index(facts.config.condition_on)
    return f"beside[:, {place}]" if facts.is_own else f"causes[:, {place}]"


def _conditioned(facts: Facts) -> str:
    """The rows [x, y], or the number y of each; of IDX files in two parts the labels are read here."""
    if facts.config.condition == "number":
        return _KNOWN.format(name=repr(facts.config.condition_on), values=_known(facts))
    training, held_out, read = _LABELS_OF_SPLIT, _HELD_OUT_LABELS, ""
    stems = _stems(facts) if facts.is_idx else {}
    if {("train", "images"), ("test", "images")} <= set(stems):
        training, held_out = "labels_train", "labels_test"
        for part, name, x in (("train", training, "x_train"), ("test", held_out, "x_test")):
            read += f"{name} = read_idx({stems[part, 'labels']!r}).reshape(len({x}), -1)[:, 0]\n"
        both = f"np.concatenate([{training}, {held_out}])"
        read += f"classes = np.unique({both})\n"
        for name in (training, held_out):
            read += f"{name} = np.searchsorted(classes, {name})  # classes from 0\n"
    count = facts.model.num_conditions
    return read + _CONDITIONED.format(count=count, training=training, held_out=held_out)


def _num_made(facts: Facts) -> int:
    """Examples of data that are made from the seed."""
    return facts.config.num_examples or DATASET_INFO[facts.config.dataset].num_examples or 0


def _singles(facts: Facts) -> str:
    """Where few images are drawn, a class may have one."""
    data = facts.data
    found = (data.labels_train, data.labels_validation, data.labels_test)
    counts = np.bincount(np.concatenate([labels.numpy() for labels in found if labels is not None]))
    return _SINGLES if (counts == 1).any() else ""


def _made(facts: Facts, seeded: str) -> str:
    name, made = facts.config.dataset, MADE_SETS[facts.config.dataset]
    causes = [(cause.values, cause.weights or (1,) * len(cause.values)) for cause in made.causes]
    lines = textwrap.fill(repr(causes), WIDTH - 4, initial_indent=" " * 4, subsequent_indent=" " * 4)
    return _MADE.format(
        n=_num_made(facts),
        draw=textwrap.dedent(inspect.getsource(made.draw))
        .strip()
        .replace(": Causes) -> NDArray[np.uint8]", ")"),
        causes=f"(\n{lines}\n)",
        name=made.draw.__name__,
        labels=_MADE_LABELS[name],
        seeded=seeded,
    )


def _own(facts: Facts, seeded: str) -> str:
    labels = facts.data.labels_train
    held_out = facts.data.labels_test
    # What was binarised is bytes, whatever the file holds.
    is_bytes = isinstance(facts.data.x_train, ByteImages) and facts.config.binarised == "no"
    pixels = ".astype(np.float32) / 255" if is_bytes else ""
    beside = '\n    beside = file["beside"]' if facts.config.condition == "number" else ""
    if labels is None or held_out is None:
        return f"{_OWN.format(pixels=pixels, labels=beside)}\n\n{seeded}\n{_SPLIT_UNLABELLED}"
    counts = np.bincount(np.concatenate((labels.numpy(), held_out.numpy())))
    read = _OWN.format(pixels=pixels, labels=f'\n    labels = file["labels"]{beside}')
    if counts.max() == 1:  # nothing to share out: each class has one member
        return f"{read}\n\n{seeded}\n{_SPLIT_UNLABELLED}"
    return f"{read}\n\n{seeded}\n{_SPLIT.format(singles=_SINGLES if counts.min() == 1 else '')}"


def _validation(facts: Facts) -> str:
    data, labels, by_class = facts.data, "", ""
    assert data.x_validation is not None
    size = len(data.x_validation)
    if data.labels_train is not None and data.labels_validation is not None:
        classes = np.concatenate((data.labels_train.numpy(), data.labels_validation.numpy()))
        num_single = int((np.bincount(classes) == 1).sum())
        if len(classes) - num_single >= 2 * size:
            labels = f"labels_train = {_labels_of_training(facts)}\n"
            by_class = _BY_CLASS + (_SINGLE_LABELS if num_single else "")
    return _VALIDATION.format(size=size, labels=labels, by_class=by_class)


def _labels_of_training(facts: Facts) -> str:
    stems = _stems(facts) if facts.is_idx else {}
    if ("test", "images") in stems and ("train", "images") in stems:
        read = f"read_idx({stems['train', 'labels']!r}).reshape(len(x_train), -1)[:, 0]"
        return f"np.unique({read}, return_inverse=True)[1]"
    return _LABELS_OF_SPLIT


def _stems(facts: Facts) -> dict[tuple[str, str], str]:
    """Names of the IDX files without what follows "images" or "labels": others may have them plain."""
    return {
        key: re.split("[-_.]idx[0-9]", path.name, flags=re.IGNORECASE)[0]
        for key, path in find_idx_set(facts.config.data_folder).files.items()
    }


def _idx(facts: Facts, seeded: str) -> str:
    stems = _stems(facts)
    reader = _IDX.format(transpose=".transpose(0, 2, 1)" if facts.config.data_transposed else "")
    if {("train", "images"), ("test", "images")} <= set(stems):
        return (
            f"{reader}\n\n"
            f"x_train = torch.from_numpy(read_images({stems['train', 'images']!r}))\n"
            f"x_test = torch.from_numpy(read_images({stems['test', 'images']!r}))"
        )
    part = "train" if ("train", "images") in stems else "test"
    if facts.data.labels_train is None:
        split, labels = _SPLIT_UNLABELLED, ""
    else:
        split = _SPLIT.format(singles=_SINGLES)
        labels = (
            f"labels = read_idx({stems[part, 'labels']!r}).reshape(len(x), -1)[:, 0]\n"
            "labels = np.unique(labels, return_inverse=True)[1]  # classes from 0\n"
        )
    return f"{reader}\n\nx = read_images({stems[part, 'images']!r})\n{labels}\n{seeded}\n{split}"
