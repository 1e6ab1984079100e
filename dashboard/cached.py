"""The only user of Streamlit's caches: thin wrappers round one core call each.

Torch and scikit-learn are imported inside, so that a page draws before they are there. Everything that
depends on a run file is keyed by its path and its time of writing; a cached array is read only.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.components.board.payload import board_payload
from dashboard.components.latent.payload import LatentScene, flat_weights, latent_scene
from dashboard.runs.pretrained import SHIPPED_RUN, SHIPPED_SNAPSHOT
from dashboard.runs.runner import runner
from vae_core.runs.snapshot import Snapshot, read_snapshot

if TYPE_CHECKING:
    from vae_core.data import Dataset
    from vae_core.latent.projection import Pca
    from vae_core.model import VAE
    from vae_core.runs.runfile import Run

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKey:
    """Names the content of a run file: a file that is written anew has another key.

    Arguments:
        path: The file.
        written_ns: When it was written.
    """

    path: str
    written_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Held-out data and where they lie.

    Arguments:
        x: Data, shape (n, D).
        labels: Classes, shape (n,), -1 where a datum has none.
        means: Posterior means, shape (n, J).
        stds: Posterior standard deviations, shape (n, J).
        elbo, reconstruction, kl: Terms of the bound for each datum, shape (n,), nats.
        kl_per_dim: Parts of the KL by dimension for each datum, shape (n, J), nats.
    """

    x: Array
    labels: NDArray[np.int32]
    means: Array
    stds: Array
    elbo: Array
    reconstruction: Array
    kl: Array
    kl_per_dim: Array


def run_key(run_id: str) -> RunKey | None:
    """Key of a run's file as it is now; None when nothing was saved yet."""
    path = runner().store.run_file(run_id)
    return None if path is None else _key(path)


def shipped_key() -> RunKey:
    """Key of the model that ships."""
    return _key(SHIPPED_RUN)


def _key(path: Path) -> RunKey:
    return RunKey(path=str(path), written_ns=path.stat().st_mtime_ns)


@st.cache_resource(max_entries=32, show_spinner="Loading the model …")
def run(key: RunKey) -> "Run":
    """The run in a file."""
    from vae_core.runs.runfile import load_run

    return load_run(Path(key.path))


@st.cache_resource(max_entries=32, show_spinner=False)
def model(key: RunKey) -> "VAE":
    """Its model; only ever read."""
    return run(key).model()


@st.cache_resource(max_entries=4, show_spinner="Loading the data …")
def dataset(name: str, seed: int, folder: str | None) -> "Dataset":
    """A data set; only ever read."""
    from vae_core.data import load_dataset

    return load_dataset(name, seed=seed, folder=folder)


@st.cache_resource(max_entries=32, show_spinner="Encoding the data …")
def encoded(key: RunKey, num_samples: int, split: str) -> Encoded:
    """The data of ``split`` ("held-out" or "training") in the latent space, and the bound of each datum."""
    import torch

    from vae_core.elbo import terms_per_example

    config = run(key).config
    data = dataset(config.dataset, config.seed, config.data_folder)
    held_out = split == "held-out"
    x, labels = (data.x_test, data.labels_test) if held_out else (data.x_train, data.labels_train)
    noise = torch.Generator().manual_seed(config.seed)
    terms = terms_per_example(model(key), x, num_samples=num_samples, generator=noise)
    with torch.no_grad():
        q = model(key).posterior(x)
    per_dim = torch.empty(len(x), 0) if terms.kl_per_dim is None else terms.kl_per_dim
    return Encoded(
        x=x.numpy(),
        labels=np.full(len(x), -1, np.int32) if labels is None else labels.numpy().astype(np.int32),
        means=q.mean.numpy(),
        stds=q.std.numpy(),
        elbo=terms.elbo.numpy(),
        reconstruction=terms.reconstruction.numpy(),
        kl=terms.kl.numpy(),
        kl_per_dim=per_dim.numpy(),
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def grid(key: RunKey, axis: tuple[float, ...], plane: tuple[int, int], base: tuple[float, ...]) -> Array:
    """Decoded means over the plane, shape (rows, columns, D), at the values of ``axis`` on both sides."""
    import torch

    from vae_core.latent.decode import decoded_grid

    return decoded_grid(model(key), torch.tensor(axis), plane, base=torch.tensor(base)).numpy()


def quantiles(num_points: int) -> Array:
    """Gaussian quantiles, ascending, shape (num_points,)."""
    from vae_core.latent.decode import quantile_axis

    return quantile_axis(num_points).numpy()


def decode(key: RunKey, z: tuple[tuple[float, ...], ...]) -> Array:
    """E[x|z] at some points, shape (n, D): a tenth of a millisecond, so it is not kept."""
    import torch

    with torch.no_grad():
        return model(key).likelihood(torch.tensor(z)).mean.numpy()


def likelihood_scale(key: RunKey) -> float:
    """s of a Gaussian likelihood, set or learned."""
    return float(model(key).likelihood_scale().detach())


@st.cache_resource(max_entries=32, show_spinner=False)
def pca(key: RunKey) -> "Pca":
    """The two main components of the held-out posterior means."""
    from vae_core.latent.projection import pca_projection

    return pca_projection(encoded(key, 1, "held-out").means)


def sample(key: RunKey, z: tuple[tuple[float, ...], ...]) -> Array:
    """One draw from p(x|z) at each point, shape (n, D); the run's seed decides the noise."""
    import torch

    noise = torch.Generator().manual_seed(run(key).config.seed)
    with torch.no_grad():
        return model(key).likelihood(torch.tensor(z)).sample(1, generator=noise)[0].numpy()


def neighbours(
    points: Array, row: int, metric: Literal["euclidean", "cosine"]
) -> tuple[NDArray[np.int64], Array]:
    """The ten rows nearest to a row, itself left out, and their distances."""
    import torch

    from vae_core.latent.decode import nearest_neighbours

    found = torch.from_numpy(points)
    near = nearest_neighbours(found, found[row], num_neighbours=11, metric=metric)
    others = near.indices != row
    return near.indices[others][:10].numpy(), near.distances[others][:10].numpy()


@st.cache_resource(max_entries=8, show_spinner=False)
def scene(key: RunKey) -> LatentScene | None:
    """The model and its held-out data for the browser; None where the decoder is too large for it."""
    found, net = run(key), model(key)
    data = dataset(found.config.dataset, found.config.seed, found.config.data_folder)
    held_out = encoded(key, 1, "held-out")
    decoder, encoder = (
        flat_weights([w.detach().numpy() for w in mlp.weights], [b.detach().numpy() for b in mlp.biases])
        for mlp in (net.decoder, net.encoder)
    )
    return latent_scene(
        net.config,
        decoder=decoder,
        encoder=encoder,
        scale=likelihood_scale(key) if net.config.likelihood == "gaussian" else None,
        x=held_out.x,
        labels=held_out.labels,
        means=held_out.means,
        stds=held_out.stds,
        about={
            "image_shape": data.image_shape,
            "class_names": data.class_names,
            "kl_per_dim": held_out.kl_per_dim.mean(0).tolist(),
            "step": found.step,
            # One folder per run, and one for what ships: its name tells them apart and gives no path away.
            "run": Path(key.path).parent.name,
        },
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def shipped_snapshot() -> Snapshot:
    """The pictures of the model that ships, read without torch."""
    return read_snapshot(SHIPPED_SNAPSHOT)


@st.cache_resource(max_entries=64, show_spinner=False)
def board(run_id: str, version: int) -> bytes | None:
    """What the training board draws, as JSON made once for all watchers; None before the first snapshot."""
    del version  # tells one snapshot from the next; part of the key only
    snapshot, view = runner().store.snapshot(run_id), runner().view(run_id)
    if snapshot is None or view is None:
        return None
    deterministic = view.config.model.encoder_head == "deterministic"
    payload = board_payload(
        snapshot,
        run_id=run_id,
        image_shape=snapshot.image_shape,
        class_names=snapshot.class_names,
        deterministic=deterministic,
    )
    return json.dumps(payload).encode()
