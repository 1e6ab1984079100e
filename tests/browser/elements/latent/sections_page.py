"""A page with the latent explorer's sections for sliders and drawing, and a host that stands in for it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page
from torch import Tensor

from dashboard.components.files import EXPLORER_CSS, joined
from dashboard.theme import CLASSES, CONCEPTS
from tests.browser.elements.mounting import ORIGIN, serve_files
from vae_core.config import ModelConfig
from vae_core.model import VAE
from vae_core.networks import Network

NUM_DATA: Final = 40
IMAGE: Final = (8, 8)
KL: Final = [0.5, 0.001, 2.0]

STUB_HOST: Final = """
import { readTheme } from "/components/shared/theme.js";
import { Model } from "/components/shared/network.js";
import { HeldOut } from "/components/latent/message.js";
import { Traversal } from "/components/latent/traversal.js";
import { DrawingPad } from "/components/latent/drawing.js";

class StubHost {
  constructor(meta, arrays) {
    this.config = meta;
    this.theme = readTheme(document.body, meta.palettes);
    this.data = new HeldOut(meta, arrays);
    this.listeners = [];
    this.offers = [];
    this.changes = new Set();
    this.z = new Array(meta.config.latent_dim).fill(0);
    this.frames = 0;
    this.load(arrays.decoder, arrays.encoder);
  }
  load(decoder, encoder) {
    this.model = new Model(this.config.config, decoder, encoder);
    this.decoded = this.model.decode(this.z).slice();
    this.note("weights");
  }
  get isImage() {
    return this.config.image_shape !== null;
  }
  get isDeterministic() {
    return this.config.config.encoder_head === "deterministic";
  }
  get hasLearnedPrior() {
    return Boolean(this.config.components?.length);
  }
  get hasKl() {
    const isGaussian = !["flow", "mixture"].includes(this.config.config.encoder_head);
    return !this.isDeterministic && !this.hasLearnedPrior && isGaussian;
  }
  written(text) {
    return text;
  }
  labelTitle = "class";
  className(label) {
    return this.config.class_names[label];
  }
  watchSight(element, told) {
    new IntersectionObserver((entries) => told(entries.at(-1).isIntersecting)).observe(element);
  }
  onChange(fn) {
    this.listeners.push(fn);
  }
  settle() {}
  setZ(z, source) {
    this.z = Array.from(z);
    this.note(source);
  }
  showPosterior(posterior) {
    this.posterior = posterior;
  }
  note(change) {
    this.changes.add(change);
    this.invalidate();
  }
  invalidate() {
    this.frame ||= requestAnimationFrame((now) => this.tick(now));
  }
  tick(now) {
    this.frame = 0;
    this.now = now;
    this.frames++;
    const changes = this.changes.size ? this.changes : new Set(["frame"]);
    this.changes = new Set();
    this.decoded = this.model.decode(this.z).slice();
    for (const change of changes) for (const tell of this.listeners) tell(this.z, change);
  }
}
const host = new StubHost(STUB_META, STUB_ARRAYS);
const sections = {
  traversal: new Traversal(document.querySelector(".traversal"), host),
  drawing: new DrawingPad(document.querySelector(".drawing"), host).sheet,
};
host.note("theme");
Object.assign(window, { host, sections });
"""


def small_model(*, image_shape: tuple[int, int] | None, latent_dim: int = 3, **more: Any) -> VAE:
    """An untrained model; its biases are not 0, so that they count."""
    settings: dict[str, Any] = {"likelihood": "bernoulli"} if image_shape else {"likelihood": "gaussian"}
    data_dim = image_shape[0] * image_shape[1] if image_shape else 2
    config = ModelConfig(data_dim=data_dim, latent_dim=latent_dim, hidden_dims=(7,), **(settings | more))
    generator = torch.Generator().manual_seed(1)
    model = VAE(config, generator=generator)
    with torch.no_grad():
        for network in (model.encoder, model.decoder):
            for bias in network.biases:
                bias.copy_(0.3 * torch.randn(bias.shape, generator=generator))
    return model


def held_out(model: VAE) -> Tensor:
    """Held-out data, shape (n, D): images of 256 grey levels, or points."""
    generator = torch.Generator().manual_seed(2)
    shape = (NUM_DATA, model.config.data_dim)
    if model.config.likelihood == "gaussian":
        return torch.randn(shape, generator=generator)
    return torch.randint(0, 256, shape, generator=generator) / 255


def open_sections(
    page: Page,
    model: VAE,
    *,
    image_shape: tuple[int, int] | None,
    kl_per_dim: list[float],
    components: Sequence[Mapping[str, list[float]]] = (),
) -> None:
    """Shows both sections; ``host`` and ``sections`` are then known to the page's scripts."""
    x = held_out(model)
    with torch.no_grad():
        q = model.posterior(x)
    levels = (x * 255).round().byte() if image_shape else x
    arrays = {
        "decoder": _flat(model.decoder),
        "encoder": _flat(model.encoder),
        "means": q.mean.flatten().tolist(),
        "stds": q.std.flatten().tolist(),
        "labels": (np.arange(NUM_DATA) % 10).tolist(),
        "x": levels.flatten().tolist(),
    }
    meta = {
        "config": _config(model),
        "image_shape": image_shape,
        "kl_per_dim": kl_per_dim,
        "components": list(components),
        "class_names": list("abcdefghij"),
        "palettes": {name: {"concepts": CONCEPTS[name], "classes": list(CLASSES[name])} for name in CONCEPTS},
    }
    _load(page, meta, arrays)
    settle(page)  # the first frame gives the strips their heights, and moves what is below


def _load(page: Page, meta: Mapping[str, object], arrays: Mapping[str, list[float]]) -> None:
    html = (
        "<!doctype html><meta charset=utf-8>"
        "<style>body{margin:8px;--st-background-color:#ffffff;--st-text-color:#222222;"
        f"--st-primary-color:#0072b2;}}{joined(*EXPLORER_CSS)}</style><div class='explorer'>"
        "<section class='traversal'></section><section class='drawing'></section></div>"
    )
    serve_files(page, {"/": html})
    page.goto(f"{ORIGIN}/")
    page.evaluate(
        """([meta, arrays]) => {
            window.STUB_META = meta;
            const kinds = { labels: Int32Array, x: meta.image_shape ? Uint8Array : Float32Array };
            window.STUB_ARRAYS = Object.fromEntries(
                Object.entries(arrays).map(([name, list]) =>
                    [name, (kinds[name] ?? Float32Array).from(list)]));
        }""",
        [meta, arrays],
    )
    page.add_script_tag(content=STUB_HOST, type="module")
    page.wait_for_function("window.sections")


def _config(model: VAE) -> dict[str, object]:
    config = model.config
    names = ("data_dim", "latent_dim", "activation", "encoder_head", "likelihood")
    fields = {name: getattr(config, name) for name in names}
    return fields | {"hidden_dims": list(config.hidden_dims), "scale": config.likelihood_scale or 1.0}


def _flat(network: Network) -> list[float]:
    pairs = zip(network.weights, network.biases, strict=True)
    return torch.cat([part.detach().flatten() for pair in pairs for part in pair]).tolist()


def opened(page: Page, **more: str) -> VAE:
    """Both sections for an untrained model of images with J = 3."""
    model = small_model(image_shape=IMAGE, latent_dim=3, **more)
    open_sections(page, model, image_shape=IMAGE, kl_per_dim=KL)
    return model


def settle(page: Page) -> None:
    """Waits until nothing asks for a frame."""
    page.wait_for_function("host.frame === 0 && host.frames > 0")


def z_of(page: Page) -> list[float]:
    """Where the host is."""
    return page.evaluate("host.z")


def grey(canvas: Locator) -> NDArray[np.int64]:
    """Grey levels of a canvas in its own pixels, shape (height, width)."""
    script = """canvas => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return [canvas.height, Array.from(data).filter((_, i) => i % 4 === 0)];
    }"""
    height, levels = canvas.evaluate(script)
    return np.array(levels).reshape(height, -1)


def decoded(model: VAE, z: list[float]) -> NDArray[np.float32]:
    """E[x|z] by torch, shape (D,)."""
    with torch.no_grad():
        return model.likelihood(torch.tensor(z)).mean.numpy()
