/** One row of the traversal: the range of a latent dimension, its slider, and what the decoder makes of it. */

import { newElement } from "../shared/mount.js";
import { clamp, fixed, latentName, spread } from "../shared/numbers.js";
import { ImageStrip, PathStrip, STRIP_VALUES } from "./strips.js";

/**
 * @typedef {import("./message.js").HeldOut} HeldOut
 * @typedef {import("./strips.js").Strip} Strip
 * @typedef {import("./traversal.js").RangeKind} RangeKind
 * @typedef {import("./traversal.js").Traversal} Traversal
 */

const UNUSED_NATS = 0.01;
const UNUSED = "unused: q is the prior here";
const SLIDER_STEPS = 120;
const PRIOR_REACH = 3;

/**
 * Mean and standard deviation of the posterior means in one dimension.
 * @param {HeldOut} data
 * @param {number} dim
 */
function momentsOf({ means, latentDim }, dim) {
  const n = means.length / latentDim;
  let [sum, squares] = [0, 0];
  for (let i = dim; i < means.length; i += latentDim) sum += means[i];
  for (let i = dim; i < means.length; i += latentDim) squares += (means[i] - sum / n) ** 2;
  return { mean: sum / n, std: Math.sqrt(squares / n) };
}

/**
 * @param {HeldOut} data
 * @param {number} dim
 * @param {RangeKind} kind
 */
export function rangeOf(data, dim, kind) {
  if (kind === "prior") return [-PRIOR_REACH, PRIOR_REACH];
  const { mean, std } = momentsOf(data, dim);
  const holds = std > 0 && Number.isFinite(std);
  return holds ? [mean - 3 * std, mean + 3 * std] : [-PRIOR_REACH, PRIOR_REACH];
}

/** One dimension: its name and KL, a native slider, Play, and its strip. */
export class SliderRow {
  range = [-PRIOR_REACH, PRIOR_REACH];
  /** Whether the dimension is unused. */
  faint = false;
  use = "";
  /** The value that is shown. @type {number | null} */
  shown = null;

  /**
   * @param {Traversal} traversal
   * @param {number} dim
   */
  constructor(traversal, dim) {
    const { host } = traversal;
    this.dim = dim;
    /** @type {Strip} */
    this.strip = host.config.image_shape
      ? new ImageStrip(host, dim, host.config.image_shape)
      : new PathStrip(host, dim);
    this.element = newElement("div", { className: "dimension" });
    this.element.dataset.dim = String(dim);
    this.label = newElement("label");
    this.output = newElement("output");
    this.play = newElement("button", { type: "button", onclick: () => traversal.togglePlay(dim) });
    this.slider = newElement("input", { type: "range", id: `traversal-${dim}` });
    this.slider.oninput = () => traversal.slide(dim, Number(this.slider.value));
    this.slider.onchange = () => host.settle();
    this.label.htmlFor = this.slider.id;
    this.strip.canvas.onclick = ({ offsetX }) => {
      const column = Math.floor((offsetX / this.strip.canvas.clientWidth) * STRIP_VALUES) || 0;
      if (!this.strip.share) return;
      traversal.slide(dim, spread(this.range, STRIP_VALUES)[clamp(column, 0, STRIP_VALUES - 1)]);
      host.settle();
    };
    const head = newElement("div", { className: "head" });
    head.append(this.label, this.output, this.play);
    this.element.append(head, this.slider, this.strip.canvas);
  }

  /**
   * @param {number[]} range
   * @param {number | null} kl In nats; null where the encoder has no q.
   */
  describe(range, kl) {
    this.range = range;
    this.strip.describe(range);
    this.faint = kl !== null && kl < UNUSED_NATS;
    this.use = kl === null ? "" : `KL ${fixed(kl, 2)}`;
    const parts = [latentName(this.dim), kl === null ? "" : `${this.use} nats`, this.faint ? UNUSED : ""];
    this.label.textContent = parts.filter(Boolean).join(" · ");
    this.element.classList.toggle("unused", this.faint);
    const [min, max] = range;
    Object.assign(this.slider, { min, max, step: (max - min) / SLIDER_STEPS });
    this.shown = null;
  }

  /**
   * @param {number} value
   * @param {boolean} plays
   */
  show(value, plays) {
    const name = latentName(this.dim);
    this.play.textContent = plays ? "Pause" : "Play";
    this.play.setAttribute("aria-label", `${this.play.textContent} ${name}`);
    if (this.strip.share) this.element.style.setProperty("--half", `${50 * this.strip.share}%`);
    if (value === this.shown) return;
    this.shown = value;
    if (Number(this.slider.value) !== value) this.slider.value = String(value);
    this.output.textContent = fixed(value, 2);
    this.slider.setAttribute("aria-valuetext", `${name} = ${fixed(value, 2)}`);
  }
}
