"""One HTML file of a run: it works from a disk or any web host, and sends no request.

The elements of the dashboard draw it, with this run's encoder, decoder, curves and held-out examples inside
the file. Its Content-Security-Policy lets the browser run the one script that the file itself holds, by its
digest, and forbids every request: no name or class of a run can become markup, a script or an address.
"""

import base64
import copy
import hashlib
import json
import re
import tomllib
import zlib
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from dashboard.components.board.payload import addressed, board_payload, coarser_grid
from dashboard.components.files import BOARD_CSS, EXPLORER_CSS, bundle, joined
from dashboard.components.latent.payload import (
    Shape,
    flat_weights,
    latent_message,
    pack_model,
    prior_components,
    shape_of,
)
from dashboard.formats import pixels_of
from dashboard.labels import MAX_NAMED, data_title
from dashboard.publish.words import config_words, count
from vae_core.runs.snapshot import HISTORY_COLUMNS

if TYPE_CHECKING:
    from torch import Tensor

    from dashboard.subject import Subject
    from vae_core.model import VAE
    from vae_core.runs.snapshot import Snapshot

MAX_EXAMPLES: Final = 2000
"""Held-out examples on the plane at most: a telephone draws them while a finger moves."""
MAX_POSTERIOR_BYTES: Final = 1_000_000
MAX_X_BYTES: Final = 600_000
"""Of the examples themselves: the first of them can be looked at and taken to the drawing sheet."""
MAX_EXACT_BYTES: Final = 4_000_000
"""Of weights in single precision; those of a larger model are rounded, which halves them."""
NAME: Final = "A variational autoencoder"
_SETTINGS: Final = Path(__file__).resolve().parents[1] / ".streamlit" / "config.toml"
_RUN: Final = "published"
"""Stands for the run's id, which is a key to the run on its server."""
_TOO_LARGE: Final = (
    "This decoder is too large for a page: an image takes too many products for a browser to follow the hand."
)
_DIVERGED: Final = (
    "The numbers of this model are not finite: the training has diverged. There is nothing to decode."
)


def page_of(subject: "Subject", snapshot: "Snapshot", *, name: str = "") -> str:
    """The page of a run.

    Arguments:
        subject: The run, its model and its data.
        snapshot: Its curves and pictures; those of another step are made anew, so that all is of one moment.
        name: Of the run, in its owner's words; shown as it is, and nothing in it is markup. Note and tags are
            not on the page: they may be meant for nobody else.

    Returns:
        HTML, to be written as UTF-8.
    """
    if snapshot.step != subject.step:
        snapshot = _of_now(subject, snapshot)
    if subject.y is not None:
        snapshot = _of_y(subject, snapshot)
    plane = _plane_of(subject, snapshot)
    script = bundle("published")
    title = " ".join(name.split()) or f"{NAME}: {data_title(subject.config.dataset)}"
    return Template(joined("published/page.html")).substitute(
        policy=_policy(script),
        title=escape(title),
        facts=escape(_facts(subject, snapshot)),
        style=_theme_css() + joined("published/page.css"),
        explorer=joined(*EXPLORER_CSS, "published/explorer.css"),
        explorer_html=joined("latent/explorer.html"),
        board=joined(*BOARD_CSS, "published/board.css"),
        board_html=joined("board/board.html"),
        missing=escape(plane.missing),
        configuration=_definitions(
            config_words(
                (subject.conditional or subject).config,
                num_data=len((subject.conditional or subject).data.x_train),
                beta=subject.beta_in_force,
                scale=subject.likelihood_scale,
            )
        ),
        about=_items(_about(subject, plane)),
        explorer_message=_base64(zlib.compress(by_planes(plane.message), 9)),
        board_message=_base64(zlib.compress(_board_message(subject, snapshot), 9)),
        script=script,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plane:
    """The latent plane as the page gets it.

    Arguments:
        message: Of :func:`dashboard.components.latent.payload.latent_message`; empty where there is no plane.
        missing: Why there is none; empty where there is one.
        num_examples: Held-out examples on it.
        num_images: How many of them with their values.
        error: The largest change of a decoded value by the rounding of the weights; None: not rounded.
    """

    message: bytes = b""
    missing: str = ""
    num_examples: int = 0
    num_images: int = 0
    error: float | None = None


def _plane_of(subject: "Subject", snapshot: "Snapshot") -> _Plane:
    import torch

    latent_dim = subject.config.model.latent_dim
    x, labels = subject.examples("held_out")
    num = min(len(x), MAX_EXAMPLES, max(1, MAX_POSTERIOR_BYTES // (8 * latent_dim)))
    width = x.shape[1] * (1 if subject.image_shape else 4)
    x = x[:num]
    model, error = _sized(subject.model, x)
    with torch.no_grad():
        q = model.posterior(x)
        means, stds = q.moments
        decoded = model.likelihood(means).mean
    if not all(bool(torch.isfinite(part).all()) for part in (means, stds, decoded)):
        return _Plane(missing=_DIVERGED)
    shape = Shape(None, None) if subject.is_deterministic else shape_of(q.as_density())
    packed = pack_model(
        model.config,
        decoder=_flat(model, "decoder"),
        encoder=_flat(model, "encoder"),
        scale=subject.likelihood_scale if model.config.has_scale else None,
        x=x[: max(1, MAX_X_BYTES // width)].numpy(),
        labels=np.full(num, -1, np.int32) if labels is None else labels[:num].numpy().astype(np.int32),
        means=means.numpy(),
        stds=stds.numpy(),
        factors=shape.factors,
        shapes=shape.parameters,
        about={
            "image_shape": subject.image_shape,
            "columns": subject.columns[:MAX_NAMED],
            "class_names": subject.class_names,
            "kl_per_dim": np.nan_to_num(snapshot.kl_per_dim.astype(float)).tolist(),
            "step": subject.step,
            "run": _RUN,
            "components": prior_components(model),
        },
    )
    if packed is None:
        return _Plane(missing=_TOO_LARGE)
    places = packed.meta["arrays"]
    assert isinstance(places, dict)
    return _Plane(
        message=latent_message(packed, plane=snapshot.plane),
        num_examples=num,
        num_images=places["x"]["length"] // x.shape[1],
        error=error,
    )


def _sized(model: "VAE", x: "Tensor") -> "tuple[VAE, float | None]":
    """The model, or where it is large the rounded one and the largest change of a decoded value of x."""
    import torch

    if 4 * model.config.num_parameters <= MAX_EXACT_BYTES:
        return model, None
    small = copy.deepcopy(model)
    with torch.no_grad():
        for weight in small.parameters():
            weight.copy_(torch.from_numpy(half_precision(weight.detach().numpy())))
        decoded = [each.likelihood(each.posterior(x).mean).mean for each in (model, small)]
    return small, float((decoded[0] - decoded[1]).abs().max())


def half_precision(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values with the 11 significant binary digits of half precision and the range of single precision.

    Ties go to the even neighbour; the lowest 13 bits of the result are 0, and take no room once packed.

    Example:
        >>> float(half_precision(np.array([1 / 3], np.float32))[0]) == float(np.float16(1 / 3))
        True
    """
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = (bits + 0xFFF + ((bits >> 13) & 1)) & np.uint32(0xFFFFE000)
    return rounded.view(np.float32)


def by_planes(content: bytes) -> bytes:
    """First every fourth byte, then every fourth one after it, ...: bytes beside their like pack better."""
    padded = content + b"\0" * (-len(content) % 4)
    return b"".join(padded[start::4] for start in range(4))


def _flat(model: "VAE", part: str) -> NDArray[np.float32]:
    mlp = getattr(model, part)
    weights, biases = ([each.detach().numpy() for each in of] for of in (mlp.weights, mlp.biases))
    return flat_weights(weights, biases)


def _of_now(subject: "Subject", snapshot: "Snapshot") -> "Snapshot":
    """The snapshot with the curves of the run's file, and with the pictures that its weights make.

    While a training goes on, its snapshot and its file are of two moments, a fraction of a second apart.
    """
    import torch

    from vae_core.elbo import evaluate
    from vae_core.latent.decode import decoded_grid
    from vae_core.runs.observer import held_out_rows

    model, seed, history = subject.model, subject.config.seed, subject.run.history
    x = subject.data.x_test[held_out_rows(subject.data, seed)]
    measured = evaluate(model, x, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        means, stds = model.posterior(x).moments
        reconstructions = model.likelihood(model.posterior(torch.from_numpy(snapshot.examples)).mean).mean
    grid = decoded_grid(model, torch.from_numpy(snapshot.grid_axis), snapshot.plane)
    return replace(
        snapshot,
        step=subject.step,
        epoch=int(history[-1, HISTORY_COLUMNS.index("epoch")]),
        history=history,
        later=subject.run.later,
        validation=subject.run.validation,
        means=means.numpy(),
        stds=stds.numpy(),
        kl_per_dim=measured.kl_per_dim.float().numpy(),
        reconstructions=reconstructions.numpy(),
        grid=grid.numpy(),
    )


def _of_y(subject: "Subject", snapshot: "Snapshot") -> "Snapshot":
    """The pictures of a conditional run given one y, as its weights make them; its curves are of all."""
    import torch

    from vae_core.latent.decode import decoded_grid
    from vae_core.runs.observer import held_out_rows

    model = subject.model
    rows = held_out_rows(subject.data, subject.config.seed)
    x, labels = subject.data.x_test[rows], subject.data.labels_test
    labels = None if labels is None else labels[rows]
    examples = x[: len(snapshot.examples)]
    with torch.no_grad():
        means, stds = model.posterior(x).moments
        reconstructions = model.likelihood(model.posterior(examples).mean).mean
    grid = decoded_grid(model, torch.from_numpy(snapshot.grid_axis), snapshot.plane)
    return replace(
        snapshot,
        means=means.numpy(),
        stds=stds.numpy(),
        labels=np.full(len(x), -1, np.int32) if labels is None else labels.numpy().astype(np.int32),
        class_names=subject.class_names,
        examples=examples.numpy(),
        reconstructions=reconstructions.numpy(),
        grid=grid.numpy(),
        flow=None,
    )


def _board_message(subject: "Subject", snapshot: "Snapshot") -> bytes:
    payload = board_payload(
        coarser_grid(snapshot),
        run_id=_RUN,
        image_shape=snapshot.image_shape,
        class_names=snapshot.class_names,
        deterministic=subject.is_deterministic,
        given_y=subject.y is not None,
        grid_y=subject.name_of_y,
        learned_prior=subject.config.model.prior != "standard_normal",
        not_gaussian=bool(subject.config.model.not_gaussian),
        is_scheduled=subject.config.train.beta_schedule != "constant",
        free_bits=subject.config.train.free_bits,
        objective=subject.config.train.maximised,
        batch_size=subject.config.train.batch_size,
        columns=subject.columns,
    )
    return addressed(json.dumps(payload).encode(), beta=None, owner="", present=False, ghosts=())


def _facts(subject: "Subject", snapshot: "Snapshot") -> str:
    """``Handwritten digits, 8 × 8 pixels · J = 2 · 6,900 updates (300 epochs)``."""
    shape = subject.image_shape
    data = data_title(subject.config.dataset) + (f", {pixels_of(shape)}" if shape else "")
    done = f"{count(subject.step, 'update')} ({count(snapshot.epoch, 'epoch')})"
    given = ""
    if subject.y is not None:
        given = f" · given y = {subject.name_of_y}"
    return f"{data} · J = {subject.config.model.latent_dim} · {done}{given}"


def _about(subject: "Subject", plane: _Plane) -> list[str]:
    what = "image" if subject.image_shape else "point"
    data = (subject.conditional or subject).data
    training, held_out = len(data.x_train), len(data.x_test)
    chosen = ""
    if data.x_validation is not None:
        further = count(len(data.x_validation), f"further {what}")
        chosen = f"; stopped, and its weights chosen, by {further}"
    lines = [
        f"Trained on {count(training, what)}{chosen}; measured on {held_out:,} others, which it never "
        "trained on. Numbers in nats are sums over the values of an example and over the latent dimensions, "
        "and means over the examples."
    ]
    if subject.conditional is not None:
        lines.append(_conditional_words(subject))
    if not plane.missing:
        lines.append(_shown_words(plane, len(subject.data.x_test), what))
    if plane.error is not None:
        lines.append(
            "So that the file stays small, the weights of this model are rounded to 11 binary digits (half "
            f"precision): no decoded value of the examples here changes by more than {plane.error:.2g}."
        )
    lines.append(
        "This one file holds the encoder, the decoder and these examples. It asks no server for anything: "
        "what you draw stays in your browser."
    )
    return lines


def _conditional_words(subject: "Subject") -> str:
    if subject.is_given_number:
        assert subject.conditional is not None
        given = f"{subject.conditional.config.condition_on} y = {subject.name_of_y}"
        examples = "the examples whose y is nearest to it"
    else:
        given, examples = f"the class y = {subject.name_of_y}", "the examples of that class"
    return (
        f"The model is conditional: this page shows p(x|z, y) and q(z|x, y) given {given}, with {examples}. "
        "Its curves are of all y: the ELBO is a bound of log p(x|y)."
    )


def _shown_words(plane: _Plane, held_out: int, what: str) -> str:
    if plane.num_examples < held_out:
        which = f"the first {plane.num_examples:,} of {count(held_out, f'held-out {what}')}"
    else:
        which = f"all {count(held_out, f'held-out {what}')}"
    some = (
        "" if plane.num_images >= plane.num_examples else f"; {plane.num_images:,} of them can be looked at"
    )
    return f"The plane shows {which}{some}."


def _definitions(pairs: list[tuple[str, str]]) -> str:
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs)


def _items(lines: list[str]) -> str:
    return "".join(f"<li>{escape(line)}</li>" for line in lines)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _policy(script: str) -> str:
    """Nothing may be asked for; styles may stand in the page, and one script, told by its digest."""
    digest = _base64(hashlib.sha256(script.encode()).digest())
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'"
    )


def _theme_css() -> str:
    """The dashboard's colours by the names that its elements read, for light and dark."""
    themes = tomllib.loads(_SETTINGS.read_text("utf-8"))["theme"]
    light, dark = (_rules(themes[name]) for name in ("light", "dark"))
    chosen = f':root[data-theme="dark"] {{ color-scheme: dark; {dark} }}'
    preferred = f':root:not([data-theme="light"]) {{ color-scheme: dark; {dark} }}'
    return (
        f":root {{ color-scheme: light; {light} }}\n{chosen}\n"
        f"@media (prefers-color-scheme: dark) {{ {preferred} }}\n"
    )


def _rules(theme: dict[str, object]) -> str:
    colours = {name: value for name, value in theme.items() if isinstance(value, str)}
    kebab = {re.sub("([A-Z])", r"-\1", name).lower(): value for name, value in colours.items()}
    return " ".join(f"--st-{name}: {value};" for name, value in kebab.items())
