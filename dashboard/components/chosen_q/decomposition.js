/** The numbers as bars that always add up: log p(x) = F + KL(q to the posterior), and F in both its forms. */

import { drawAxes, prepare, stroke, write } from "../shared/canvas.js";
import { makeFrame, plotBox } from "../shared/frame.js";
import { extent, fixed, niceTicks } from "../shared/numbers.js";
import { find, findCanvas } from "../shared/mount.js";

/**
 * @typedef {CanvasRenderingContext2D} Context
 * @typedef {import("../shared/frame.js").Frame} Frame
 * @typedef {import("../shared/theme.js").Theme} Theme
 * @typedef {import("./free_energy.js").Terms} Terms
 *
 * @typedef {Terms & { bound: number, logEvidence: number }} Values
 *
 * @typedef {object} Bar
 * @property {number | null} from null for the left edge, which stands for minus infinity.
 * @property {number} to
 * @property {string} colour
 *
 * @typedef {object} Row
 * @property {Bar[]} bars
 * @property {{ words: string, value: number, colour: string }[]} text
 */

const ROW = 62;
const BAR = 26;
const PAD = 10;

export class Decomposition {
  /** @type {Values | null} */
  values = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.canvas = findCanvas(root, ".bars");
    this.trace = findCanvas(root, ".trace");
    const equation = find(root, ".equation");
    this.evidence = find(equation, ".evidence");
    this.bound = find(equation, ".bound");
    this.gap = find(equation, ".gap");
  }

  /**
   * @param {Terms} terms
   * @param {number} logEvidence
   * @returns {Values}
   */
  set(terms, logEvidence) {
    const values = { ...terms, bound: terms.energy + terms.entropy, logEvidence };
    this.values = values;
    this.evidence.textContent = fixed(logEvidence, 3);
    this.bound.textContent = fixed(values.bound, 3);
    this.gap.textContent = fixed(values.klToPosterior, 3);
    return values;
  }

  /** @param {Theme} theme */
  draw(theme) {
    const { context, width, height } = prepare(this.canvas);
    const { values } = this;
    if (!values) return;
    const { energy, reconstruction, bound, logEvidence } = values;
    const [low, high] = extent([energy, reconstruction, bound, logEvidence]) ?? [0, 1];
    const margin = 0.12 * (high - low) || 0.1;
    const box = { left: PAD, top: 0, width: Math.max(1, width - 2 * PAD), height: height - 24 };
    const frame = makeFrame(box, [low - 2 * margin, high + margin], [0, 1]);
    const rows = rowsOf(values, theme);
    rows.forEach((row, k) => drawBars(context, frame, row, k * ROW));
    drawMark(context, frame, bound, theme.concepts.elbo, { width: 2, dash: [4, 4] });
    drawMark(context, frame, logEvidence, theme.text, { width: 3 });
    rows.forEach((row, k) => writeRow(context, theme, frame, row, k * ROW));
    for (const { value, text } of niceTicks(frame.x0, frame.x1, width / 90)) {
      const x = frame.px(value);
      if (x < width - 60) write(context, theme, text, Math.max(16, x), height - 12, { size: 13 });
    }
    write(context, theme, "nats", width - PAD, height - 12, { align: "right", size: 13 });
    this.canvas.setAttribute("aria-label", sentenceOf(values));
  }

  /**
   * F at each step of the ascent, towards log p(x).
   * @param {Theme} theme
   * @param {number[]} bounds
   */
  drawTrace(theme, bounds) {
    const { context, ...size } = prepare(this.trace);
    if (!this.values) return;
    const { logEvidence } = this.values;
    const [low, high] = extent([...bounds, logEvidence]) ?? [0, 1];
    const margin = 0.08 * (high - low) || 0.5;
    const steps = Math.max(10, bounds.length - 1);
    const frame = makeFrame(plotBox(size, "step", 14), [0, steps], [low - margin, high + margin]);
    const xTicks = niceTicks(0, frame.x1, frame.width / 60);
    const yTicks = niceTicks(frame.y0, frame.y1, frame.height / 30);
    drawAxes(context, theme, frame, { xTicks, yTicks, xTitle: "step", yTitle: "F, nats" });
    const y = frame.py(logEvidence);
    const right = frame.left + frame.width;
    context.beginPath();
    context.moveTo(frame.left, y);
    context.lineTo(right, y);
    stroke(context, theme.text, { width: 2, dash: [6, 5] });
    write(context, theme, "log p(x)", right, y + 10, { align: "right", size: 13, halo: 4 });
    context.beginPath();
    bounds.forEach((bound, step) => context.lineTo(frame.px(step), frame.py(bound)));
    stroke(context, theme.concepts.elbo, { width: 3 });
    if (!bounds.length) return;
    context.beginPath();
    context.arc(frame.px(bounds.length - 1), frame.py(bounds[bounds.length - 1]), 6, 0, 2 * Math.PI);
    context.fillStyle = theme.concepts.elbo;
    context.fill();
  }
}

/**
 * @param {Values} values
 * @param {Theme} theme
 * @returns {Row[]}
 */
function rowsOf(values, { concepts }) {
  const { energy, entropy, reconstruction, klToPrior, klToPosterior, bound, logEvidence } = values;
  const { elbo, kl_to_posterior: gap, log_evidence: evidence, data, beta, kl } = concepts;
  return [
    {
      bars: [
        { from: null, to: bound, colour: elbo },
        { from: bound, to: bound + klToPosterior, colour: gap },
      ],
      text: [
        { words: "F", value: bound, colour: elbo },
        { words: " + KL(q ‖ posterior)", value: klToPosterior, colour: gap },
        { words: " = log p(x)", value: logEvidence, colour: evidence },
      ],
    },
    {
      bars: [
        { from: null, to: energy, colour: data },
        { from: energy, to: energy + entropy, colour: beta },
      ],
      text: [
        { words: "E_q[log p(x,z)]", value: energy, colour: data },
        { words: " + H[q]", value: entropy, colour: beta },
        { words: " = F", value: bound, colour: elbo },
      ],
    },
    {
      bars: [
        { from: null, to: reconstruction, colour: concepts.reconstruction },
        { from: reconstruction, to: reconstruction - klToPrior, colour: kl },
      ],
      text: [
        { words: "E_q[log p(x|z)]", value: reconstruction, colour: concepts.reconstruction },
        { words: " − KL(q ‖ prior)", value: klToPrior, colour: kl },
        { words: " = F", value: bound, colour: elbo },
      ],
    },
  ];
}

/**
 * A subtracted term runs back over the bar before it, at half the height.
 * @param {Context} context
 * @param {Frame} frame
 * @param {Row} row
 * @param {number} top
 */
function drawBars(context, frame, { bars }, top) {
  const y = top + ROW - BAR - 4;
  for (const { from, to, colour } of bars) {
    const [a, b] = [from === null ? frame.left : frame.px(from), frame.px(to)];
    const back = b < a;
    context.fillStyle = colour;
    context.fillRect(Math.min(a, b), back ? y + BAR / 4 : y, Math.abs(b - a), back ? BAR / 2 : BAR);
  }
}

/**
 * @param {Context} context
 * @param {Theme} theme
 * @param {Frame} frame
 * @param {Row} row
 * @param {number} top
 */
function writeRow(context, theme, frame, { text }, top) {
  let x = frame.left;
  for (const { words, value, colour } of text) {
    // E_q: what follows the underscore stands lower.
    `${words} ${fixed(value, 3)}`.split(/_(q)/).forEach((part, k) => {
      const [size, y] = k % 2 ? [12, top + 22] : [15, top + 18];
      write(context, theme, part, x, y, { align: "left", size, weight: 700, colour, halo: 5 });
      x += context.measureText(part).width;
    });
  }
}

/**
 * A vertical line through all rows.
 * @param {Context} context
 * @param {Frame} frame
 * @param {number} value
 * @param {string} colour
 * @param {import("../shared/canvas.js").Pen} pen
 */
function drawMark(context, frame, value, colour, pen) {
  context.beginPath();
  context.moveTo(frame.px(value), ROW - BAR - 12);
  context.lineTo(frame.px(value), frame.height);
  stroke(context, colour, pen);
}

/**
 * The bars in words.
 * @param {Values} values
 */
function sentenceOf({ energy, entropy, reconstruction, klToPrior, klToPosterior, bound, logEvidence }) {
  const say = (/** @type {number} */ value) => fixed(value, 3);
  return (
    `log p(x) ${say(logEvidence)} = F ${say(bound)} + KL(q to posterior) ${say(klToPosterior)} nats; ` +
    `F = ${say(energy)} + entropy ${say(entropy)} = ${say(reconstruction)} − KL(q to prior) ${say(klToPrior)}`
  );
}
