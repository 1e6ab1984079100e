"""The flow charts of training and generation, as source document 001 draws them, with an update's numbers."""

import json
from typing import Any, Final

from dashboard.components.files import joined
from dashboard.components.mounting import element
from dashboard.runs.runner import JobView
from dashboard.theme import PALETTES
from vae_core.runs.snapshot import FLOW_NUMBERS, Flow, Snapshot

_SAMPLING: Final = {
    "full_covariance": "z = μ + L ε",
    "flow": "z = c + σ ⊙ f(ε)",
    "mixture": "z₁ = μ₁ + σ₁ ⊙ ε, z₂ = μ₂ − σ₂ ⊙ ε",
}
LONGEST_MS: Final = 4000
"""Duration of the stages of a single step: enough to explain each."""

_mount = element("training_flow", "flow", html=joined("flow/flow.html"), css=joined("flow/flow.css"))


def flow_payload(snapshot: Snapshot, flow: Flow, view: JobView) -> dict[str, Any]:
    """The message to the charts.

    Arguments:
        snapshot: Of a run in slow motion.
        flow: Its last update.
        view: How the run stands: in slow motion the stages take nine tenths of the time of a step.
    """
    config = view.config.model
    arrays = {name: value.tolist() for name, value in flow._asdict().items() if name != "numbers"}
    slow_ms = LONGEST_MS if view.status != "running" or not view.speed else 900 / view.speed
    return {
        **arrays,
        "numbers": dict(zip(FLOW_NUMBERS, flow.numbers.tolist(), strict=True)),
        "run": view.run_id,
        "step": snapshot.step,
        "epoch": snapshot.epoch,
        "num_steps": view.num_steps,
        "patience": view.patience,
        "learning_rate": view.learning_rate,
        "image_shape": snapshot.image_shape,
        "sampling": _SAMPLING.get(config.encoder_head, "z = μ + σ ⊙ ε"),
        "given_y": view.config.condition != "none",
        "objective": view.config.train.maximised,
        "is_deterministic": config.encoder_head == "deterministic",
        "layers": {"encoder": config.encoder_sizes, "decoder": config.decoder_sizes},
        "duration_ms": min(LONGEST_MS, slow_ms),
        "palettes": PALETTES,
    }


def training_flow(payload: bytes, *, key: str) -> None:
    """Shows the charts.

    Arguments:
        payload: JSON of :func:`flow_payload`.
        key: Identity on the page; the same key keeps the same element.
    """
    _mount(key=key, data=payload)


def packed(payload: dict[str, Any]) -> bytes:
    """The payload as the element takes it."""
    return json.dumps(payload).encode()
