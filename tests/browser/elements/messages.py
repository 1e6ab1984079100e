"""A message for each element, as Python sends it."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

import numpy as np
import torch

from dashboard.components.chart import element as chart
from dashboard.components.chosen_q.element import components_payload, noisy_mixture_payload
from dashboard.components.walk.element import walk_payload
from dashboard.figures.base import finish
from dashboard.figures.objects import Figure, Scatter
from dashboard.figures.player import add_player
from dashboard.runs.pretrained import PRETRAINED_SNAPSHOT
from dashboard.shell.controls import BETA_SCALE, BETAS
from dashboard.theme import PALETTES
from tests.browser.elements.board.trainings import packed_board
from tests.browser.elements.latent.models import make_message
from tests.dashboard.components.test_chosen_q import MODELS, THREE
from vae_core.runs.snapshot import FLOW_NUMBERS, read_snapshot

BOARDS: Final = ("images", "points", "lines")
EXPLORERS: Final = ("images", "deep", "line", "points")


def messages() -> dict[str, tuple[str, bytes]]:
    """The element and its message, by a name for the case."""
    x = torch.tensor([0.3], dtype=torch.float64)
    svg = '<svg><g data-place="0" data-unit="1" tabindex="0"><rect width="20" height="20"/></g></svg>'
    drawing = {"wide": svg, "tall": svg, "label": "a network"}
    chosen_q = {
        "components": components_payload(THREE, x),
        "line": noisy_mixture_payload(MODELS["line"], x),
        "plane": noisy_mixture_payload(MODELS["plane"], torch.tensor([0.3, -0.2], dtype=torch.float64)),
    }
    return {
        **{f"board_{kind}": ("board", packed_board(kind, 20, run="a" * 16)) for kind in BOARDS},
        "board_ghosts": ("board", packed_board("wide", 20, run="a" * 16, ghosts=["β 0.1", "β 4"])),
        **{f"latent_{kind}": ("latent", make_message(kind, 1)) for kind in EXPLORERS},
        **{f"chosen_q_{kind}": ("chosen_q", _packed(payload)) for kind, payload in chosen_q.items()},
        "chart": ("chart", chart_message(Figure(Scatter(x=[0.0, 1.0], y=[1.0, 0.0])))),
        "chart_film": ("chart", chart_message(film())),
        "walk": ("walk", _packed(walk_payload(read_snapshot(PRETRAINED_SNAPSHOT)))),
        "network": ("network", _packed(drawing)),
        "flow": ("flow", _packed(_flow())),
        "dial": ("dial", dial_message()),
        "dial_frozen": ("dial", dial_message(frozen="Someone else's run.")),
        "sketch": ("sketch", json.dumps({"label": "Sheet", "drawn": ""}).encode()),
        "look_back": ("look_back", look_back_message()),
        "keys": ("keys", json.dumps({" ": "hold", "Ctrl+Enter": "go"}).encode()),
        "address": (
            "address",
            json.dumps(
                {"page": "train", "query": "seed=1", "isNew": False, "order": 1, "begins": True}
            ).encode(),
        ),
        "page_theme": ("page_theme", b"dark"),
        "dialogue": ("dialogue", b""),
        "browser_token": (
            "browser_token",
            json.dumps({"name": "browser", "token": "a" * 32, "maxAge": 60}).encode(),
        ),
    }


def look_back_message(**changes: object) -> bytes:
    """What the slider over a run's kept steps is told."""
    said = {
        "run": "a" * 16,
        "steps": [0, 1, 2, 4, 8, 16],
        "at": None,
        "now": 20,
        "sequence": 0,
        "large": False,
    }
    return json.dumps({**said, **changes}).encode()


def film(*heights: float, ms: int = 30) -> Figure:
    """A figure of two traces whose frames move the first one up, and the second one in every other frame."""
    heights = heights or (1.0, 2.0, 3.0, 4.0)
    figure = Figure([Scatter(x=[0.0, 1.0], y=[heights[0], 0.0]), Scatter(x=[0.0, 1.0], y=[0.0, heights[0]])])
    frames = []
    for number, height in enumerate(heights):
        data = [Scatter(x=[0.0, 1.0], y=[height, 0.0]), Scatter(x=[0.0, 1.0], y=[0.0, height])]
        name, is_whole = f"{number}", number % 2 == 0
        if is_whole:
            frames.append({"data": data, "traces": [0, 1], "name": name})
        else:
            before = f"{number - 1}"
            frames.append({"data": data[:1], "traces": [0], "name": name, "baseframe": before})
    add_player(figure, frames, frame_ms=ms)
    return figure


def chart_message(figure: Figure, *, alt: str = "A chart.", selects: bool = False) -> bytes:
    """A figure, of a page that serves Plotly beside the element."""
    message, _ = chart._message(finish(figure, height=300, theme="light"), alt, {}, selects=selects)
    return json.dumps(json.loads(message) | {"plotly": "./plotly.min.js"}).encode()


def dial_message(**changes: object) -> bytes:
    """What the dial of β is told."""
    payload = {
        "label": "KL weight β",
        "symbol": "β",
        "help": "The weight of the KL.",
        "value": 1.0,
        "sequence": 0,
        "scale": asdict(BETA_SCALE),
        "range": (0.0, 1000.0),
        "presets": BETAS,
        "frozen": "",
        "note": "",
        "large": False,
    }
    return json.dumps(payload | changes).encode()


def _flow() -> dict[str, object]:
    x = np.linspace(0, 1, 64).tolist()
    latent = {name: [0.5, -0.5] for name in ("mean", "std", "eps", "z", "prior_z")}
    return {
        **latent,
        **dict.fromkeys(("x", "decoded", "generated"), x),
        "numbers": dict.fromkeys(FLOW_NUMBERS, 1.0),
        "run": "a" * 16,
        "step": 1,
        "epoch": 0,
        "num_steps": 10,
        "patience": None,
        "learning_rate": 1e-3,
        "image_shape": (8, 8),
        "is_deterministic": False,
        "layers": {"encoder": [64, 9, 4], "decoder": [2, 9, 64]},
        "duration_ms": 4000,
    }


def _packed(payload: Mapping[str, object]) -> bytes:
    return json.dumps({"palettes": PALETTES, **payload}).encode()
