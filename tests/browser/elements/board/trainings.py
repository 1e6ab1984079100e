"""What the training board is told in its tests: snapshots of a made-up training, by their number of rows."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.components.board.payload import addressed, board_payload, ghost_payload
from vae_core.runs.snapshot import HISTORY_COLUMNS, Snapshot

GRID_AXIS: Final = np.linspace(-2, 2, 12, dtype=np.float32)


def make_history(rows: int) -> NDArray[np.float64]:
    """Curves that rise and settle; beta changes from 1 to 4 after step 1500."""
    step = np.arange(rows) * 100.0
    held_out = {"reconstruction": -20 - 400 * np.exp(-step / 500), "kl": 5 - 5 * np.exp(-step / 900)}
    columns = {"step": step, "epoch": step // 300, "beta": np.where(step > 1500, 4.0, 1.0)}
    for name, values in held_out.items():
        columns[f"{name}_held_out"] = values
        columns[f"{name}_train"] = np.r_[np.nan, values[1:] + 0.2]
    for part in ("held_out", "train"):
        columns[f"elbo_{part}"] = columns[f"reconstruction_{part}"] - columns[f"kl_{part}"]
    return np.stack([columns.get(name, np.zeros(rows)) for name in HISTORY_COLUMNS], axis=1)


def make_snapshot(rows: int, *, latent_dim: int, data_dim: int) -> Snapshot:
    """Ten classes on a circle of radius 2, with a little noise of its own for each number of rows."""
    fixed, moving = np.random.default_rng(0), np.random.default_rng(rows)
    labels = np.arange(300) % 10
    circle = 2 * np.c_[np.cos(labels * 0.628), np.sin(labels * 0.628)]
    means = circle + fixed.normal(size=(300, 2)) * 0.2 + moving.normal(size=(300, 2)) * 0.05
    means = np.pad(means, ((0, 0), (0, max(0, latent_dim - 2))))
    examples = fixed.uniform(size=(10, data_dim))
    return Snapshot(
        step=100 * (rows - 1),
        epoch=(rows - 1) // 3,
        history=make_history(rows),
        means=means[:, :latent_dim].astype(np.float32),
        stds=np.full((300, latent_dim), 0.2, np.float32),
        labels=labels.astype(np.int32),
        kl_per_dim=np.ones(latent_dim, np.float32),
        plane=(0, min(1, latent_dim - 1)),
        examples=examples.astype(np.float32),
        reconstructions=(examples * 0.8).astype(np.float32),
        grid=fixed.uniform(size=(1 if latent_dim == 1 else 12, 12, data_dim)).astype(np.float32),
        grid_axis=GRID_AXIS,
    )


def broken(whole: Snapshot) -> Snapshot:
    """The same with every other row NaN and all curves infinite."""
    arrays = {name: getattr(whole, name).copy() for name in ("history", "means", "stds", "grid", "examples")}
    for array in arrays.values():
        array[1::2] = np.nan
    arrays["history"][:, 2:8] = np.inf
    return replace(whole, **arrays)


def collapsed(whole: Snapshot) -> Snapshot:
    """The same with a q that is the prior for every x, but for noise."""
    noise = np.random.default_rng(1)
    history = whole.history.copy()
    for part in ("kl_held_out", "kl_train"):
        history[:, HISTORY_COLUMNS.index(part)] = 4e-4 + 1e-5 * noise.normal(size=len(history))
    means = noise.normal(size=whole.means.shape) * 0.01
    kl = np.full(whole.means.shape[1], 2e-4, np.float32)
    return replace(
        whole, history=history, means=means.astype(np.float32), stds=np.ones_like(whole.stds), kl_per_dim=kl
    )


def learned(whole: Snapshot) -> Snapshot:
    """The same of a run with a learned prior, whose KL has no parts."""
    return replace(whole, kl_per_dim=np.zeros(0, np.float32))


def packed_board(
    kind: str,
    rows: int,
    *,
    run: str,
    ghosts: Sequence[str] = (),
    beta: float | None = None,
    owner: str = "you",
    present: bool = False,
    kept_alone: bool = False,
) -> bytes:
    """The message for images, points or lines, for broken or collapsed ones, other encoders and priors.

    ``ghosts`` are the labels of kept runs, the k-th with the id "kkkk..." and curves k nats below.
    """
    latent_dim, data_dim = {"points": (2, 2), "lines": (1, 5), "wide": (8, 64)}.get(kind, (2, 64))
    snapshot = make_snapshot(rows, latent_dim=latent_dim, data_dim=data_dim)
    payload = board_payload(
        {"broken": broken, "collapsed": collapsed, "learned": learned}.get(kind, lambda whole: whole)(
            snapshot
        ),
        run_id=run,
        image_shape=(8, 8) if data_dim == 64 else None,
        class_names=tuple("abcdefghij"),
        deterministic=kind == "deterministic",
        learned_prior=kind == "learned",
    )
    kept = []
    for k, label in enumerate(ghosts, 1):
        history = make_history(80)
        history[:, HISTORY_COLUMNS.index("elbo_held_out")] -= k
        kept.append((str(k) * 16, label, json.dumps(ghost_payload(history)).encode()))
    packed = json.dumps(payload).encode()
    return addressed(
        packed, beta=beta, owner=owner, present=present, ghosts=tuple(kept), kept_alone=kept_alone
    )
