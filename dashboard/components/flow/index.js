/** The flow charts of training and of generation: one update in slow motion, its stages light up one by one. */

import { jsonOf } from "../shared/arrays.js";
import { prepare, stroke } from "../shared/canvas.js";
import { Frames, prefersCalm } from "../shared/frames.js";
import { PixelCanvas } from "../shared/pixels.js";
import { elementOf, find, findAll, findCanvas } from "../shared/mount.js";
import { writeAll } from "../shared/notation.js";
import { readTheme } from "../shared/theme.js";
import { ARROWS, STAGES, stageAt, textsOf, vectorText } from "./stages.js";

/**
 * @typedef {import("../shared/frame.js").Point} Point
 * @typedef {import("../shared/theme.js").Theme} Theme
 * @typedef {import("./stages.js").Message} Message
 * @typedef {import("./stages.js").Side} Side
 */

/** The concept whose colour a card has. @type {Record<string, string>} */
const COLOURS = {
  x: "data",
  posterior: "posterior",
  z: "posterior",
  decoded: "decoded",
  fit: "reconstruction",
  kl: "kl",
  loss: "elbo",
  prior: "prior",
  generated: "decoded",
};
/** The cards that show an example. */
const PICTURES = /** @type {const} */ (["x", "decoded", "generated"]);
const HEAD = 8;

class Flow {
  /** @type {Message | null} */
  message = null;
  /** @type {Theme | null} */
  theme = null;
  began = 0;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.cards = Object.fromEntries(findAll(root, ".card").map((card) => [card.dataset.stage ?? "", card]));
    for (const [name, card] of Object.entries(this.cards)) card.style.setProperty("--area", name);
    this.frames = new Frames((now) => this.tick(now));
    this.frames.watchSizes([root], () => this.frames.request());
  }

  /** @param {Uint8Array} data */
  update(data) {
    /** @type {Message} */
    const message = jsonOf(data);
    const theme = readTheme(this.root, message.palettes);
    this.theme = theme;
    for (const [name, concept] of Object.entries(COLOURS)) {
      this.cards[name].style.setProperty("--colour", theme.concepts[concept]);
    }
    writeAll(this.root, "h4", message.given_y);
    find(this.cards.z, "h4").textContent = message.sampling;
    const isNew = this.message?.run !== message.run || this.message.step !== message.step;
    if (isNew) {
      this.message = message;
      this.began = performance.now();
      this.write(message);
    }
    this.frames.request();
  }

  /** @param {Message} message */
  write(message) {
    const { step, numbers } = message;
    find(this.root, ".of").textContent =
      `of step ${step}: the first of ${numbers.num_data} examples in its mini-batch`;
    const isElbo = message.objective === "elbo";
    find(this.cards.loss, "h4").textContent = isElbo ? "loss = −J₁ + β J₂" : "loss = −objective";
    for (const name of PICTURES) this.showExample(name, message[name], message.image_shape);
    for (const [name, text] of Object.entries(textsOf(message)))
      find(this.cards[name], "p").textContent = text;
  }

  /**
   * An example as a picture, or as its first values where it is no image.
   * @param {string} name
   * @param {number[]} values
   * @param {number[] | null} shape [height, width]
   */
  showExample(name, values, shape) {
    const card = this.cards[name];
    const canvas = findCanvas(card, "canvas");
    canvas.hidden = !shape;
    find(card, "p").textContent = shape ? "" : vectorText(values);
    if (!shape) return;
    new PixelCanvas(canvas, shape).drawValues(values);
    const [height, width] = shape;
    canvas.setAttribute("aria-label", `${find(card, "h4").textContent}, ${width} by ${height} pixels`);
  }

  /** @param {number} now */
  tick(now) {
    const { message, theme } = this;
    if (!message || !theme) return;
    const lit = prefersCalm() ? STAGES.length : stageAt(now - this.began, message.duration_ms);
    this.root.dataset.lit = String(lit);
    this.root.dataset.step = String(message.step);
    STAGES.forEach((names, at) => {
      for (const name of names) this.cards[name].dataset.is = at < lit ? "done" : at === lit ? "now" : "next";
    });
    for (const canvas of findAll(this.root, ".arrows")) {
      if (canvas instanceof HTMLCanvasElement) this.drawArrows(canvas, theme, now);
    }
    if (lit < STAGES.length) this.frames.request();
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Theme} theme
   * @param {number} now
   */
  drawArrows(canvas, theme, now) {
    const { context, width } = prepare(canvas);
    if (!width) return;
    const box = canvas.getBoundingClientRect();
    for (const { from, to, leaves, enters } of ARROWS) {
      if (this.cards[from].parentElement !== canvas.parentElement) continue;
      const [start, end] = [this.placeOf(from, leaves, box), this.placeOf(to, enters, box)];
      // Up and down straight, also where one card is wider than the other.
      if (leaves === "top" || leaves === "bottom") start.x = end.x;
      drawArrow(context, theme, start, end, this.cards[to].dataset.is ?? "", now);
    }
  }

  /**
   * The middle of a side of a card, from the corner of a box.
   * @param {string} name
   * @param {Side} side
   * @param {DOMRect} box
   * @returns {Point}
   */
  placeOf(name, side, box) {
    const card = this.cards[name].getBoundingClientRect();
    const [x, y] = [(card.left + card.right) / 2 - box.left, (card.top + card.bottom) / 2 - box.top];
    if (side === "left" || side === "right") return { x: card[side] - box.left, y };
    return { x, y: card[side] - box.top };
  }

  destroy() {
    this.frames.stop();
  }
}

/**
 * Dashes run along the arrow that leads to the lit stage.
 * @param {CanvasRenderingContext2D} context
 * @param {Theme} theme
 * @param {Point} from
 * @param {Point} to
 * @param {string} state "done", "now" or "next"
 * @param {number} now
 */
function drawArrow(context, theme, from, to, state, now) {
  const colour = state === "now" ? theme.concepts.elbo : theme.text;
  const alpha = state === "next" ? 0.25 : 0.8;
  const angle = Math.atan2(to.y - from.y, to.x - from.x);
  context.lineDashOffset = -now / 20;
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.lineTo(to.x - HEAD * Math.cos(angle), to.y - HEAD * Math.sin(angle));
  stroke(context, colour, { width: 3, alpha, dash: state === "now" ? [6, 5] : [] });
  context.beginPath();
  context.moveTo(to.x, to.y);
  for (const turn of [2.6, -2.6]) {
    context.lineTo(to.x + HEAD * 1.4 * Math.cos(angle + turn), to.y + HEAD * 1.4 * Math.sin(angle + turn));
  }
  context.fillStyle = colour;
  context.globalAlpha = alpha;
  context.fill();
  context.globalAlpha = 1;
}

export default elementOf(".flow", (root) => new Flow(root));
