"""A q that is dragged: its free energy, computed in the browser, beside the posterior and log p(x)."""

import json
from typing import TYPE_CHECKING, Any

from dashboard.components.files import joined
from dashboard.components.mounting import element
from dashboard.theme import PALETTES

if TYPE_CHECKING:
    from torch import Tensor

    from vae_core.labs.em.free_energy import NoisyMixture
    from vae_core.labs.em.mixture import Mixture

Payload = dict[str, Any]

_mount = element(
    "chosen_q",
    "chosen_q",
    html=joined("chosen_q/chosen_q.html"),
    css=joined("chosen_q/chosen_q.css"),
)


def components_payload(mixture: "Mixture", x: "Tensor") -> Payload:
    """The message where z is the component that generated x.

    Arguments:
        mixture: p(x, z).
        x: The example, shape (D,).
    """
    log_joint = mixture.log_joint(x[None])[0]
    return {
        "kind": "components",
        "weights": mixture.weights.tolist(),
        "fits": (log_joint - mixture.weights.log()).tolist(),
        "posterior": log_joint.softmax(0).tolist(),
        "log_evidence": float(log_joint.logsumexp(0)),
    }


def noisy_mixture_payload(model: "NoisyMixture", x: "Tensor") -> Payload:
    """The message where x is z plus Gaussian noise.

    Arguments:
        model: p(x, z) in one or two dimensions.
        x: The example, shape (D,).
    """
    return {
        "kind": "line" if len(x) == 1 else "plane",
        "prior": _mixture(model.prior),
        "posterior": _mixture(model.posterior(x)),
        "noise": model.noise,
        "x": x.tolist(),
        "log_evidence": model.log_evidence(x),
    }


def _mixture(mixture: "Mixture") -> Payload:
    """The log weight plus log normaliser of a component is its log joint density at its own mean."""
    return {
        "constants": mixture.log_joint(mixture.means).diagonal().tolist(),
        "means": mixture.means.tolist(),
        "precisions": mixture.covariances.inverse().tolist(),
    }


def chosen_q(payload: Payload, *, key: str) -> None:
    """Shows the element; dragging, its numbers and the ascent to the best q send nothing to the server.

    Arguments:
        payload: Of :func:`components_payload` or :func:`noisy_mixture_payload`.
        key: Identity on the page; the same key keeps the same element.
    """
    # As bytes: for a dictionary Streamlit imports pandas first.
    _mount(key=key, data=json.dumps(payload | {"palettes": PALETTES}).encode())
