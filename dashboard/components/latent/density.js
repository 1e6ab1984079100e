/** The aggregate posterior q(z), the mean of q(z|x) over held-out examples, as a tint of the plane below the points. */

import { clamp } from "../shared/numbers.js";
import { contextOf, rgbOf } from "../shared/theme.js";

/**
 * @typedef {import("../shared/frame.js").Frame} Frame
 * @typedef {import("../shared/theme.js").Theme} Theme
 * @typedef {Pick<Frame, "x0" | "x1" | "y0" | "y1">} Ends
 * @typedef {object} Posteriors
 * @property {Float32Array} means Flat pairs.
 * @property {Float32Array} stds Flat pairs.
 * @property {Float32Array} [covariances] Of each pair; none, or empty: 0.
 */

const CELLS = 112;
const MOST_EXAMPLES = 4000;
const REACH = 4.5;
const PRIOR_PEAK = 1 / (2 * Math.PI);
const FULL_TINT = 0.8;
const SETTLED_MS = 150;

/**
 * Densities of N(mean, std²) at the centres of `count` cells from low to high, and which of them count.
 * @param {number} mean
 * @param {number} std
 * @param {number} low
 * @param {number} high
 * @param {number} count
 */
function cellDensities(mean, std, low, high, count) {
  const cell = (high - low) / count;
  // What is narrower than a cell would fall between two centres.
  const width = Math.max(std, cell / 2);
  const at = (/** @type {number} */ place) => clamp(Math.round((place - low) / cell - 0.5), 0, count - 1);
  const first = at(mean - REACH * width);
  const last = at(mean + REACH * width);
  const values = [];
  for (let k = first; k <= last; k++) {
    const away = (low + (k + 0.5) * cell - mean) / width;
    values.push(Math.exp(-0.5 * away * away) / (width * Math.sqrt(2 * Math.PI)));
  }
  return { first, values };
}

/**
 * Adds the density of a Gaussian with tilted axes, one column after the other.
 * @param {Float32Array} density
 * @param {{ first: number, values: number[] }} across Its marginal density in the columns.
 * @param {Ends} ends
 * @param {[number, number]} size Columns and rows.
 * @param {{ meanAt: (x: number) => number, std: number }} given
 */
function addTilted(density, across, { x0, x1, y0, y1 }, [columns, rows], { meanAt, std }) {
  across.values.forEach((height, c) => {
    const column = across.first + c;
    const x = x0 + ((column + 0.5) * (x1 - x0)) / columns;
    // Rows go down, z₂ goes up.
    const down = cellDensities(-meanAt(x), std, -y1, -y0, rows);
    down.values.forEach((value, k) => (density[(down.first + k) * columns + column] += height * value));
  });
}

/**
 * q(z) in the cells of a grid, row by row from the top. Of many examples every k-th.
 * @param {Posteriors} posteriors
 * @param {Ends} ends
 * @param {number} columns
 * @param {number} rows
 */
export function aggregateDensity({ means, stds, covariances }, { x0, x1, y0, y1 }, columns, rows) {
  const density = new Float32Array(columns * rows);
  const step = 2 * Math.ceil(means.length / 2 / MOST_EXAMPLES);
  let count = 0;
  for (let i = 0; i < means.length; i += step) {
    if (![means[i], means[i + 1], stds[i], stds[i + 1]].every(Number.isFinite)) continue;
    count++;
    const across = cellDensities(means[i], stds[i], x0, x1, columns);
    if (covariances?.length) {
      const share = stds[i] > 0 ? covariances[i / 2] / stds[i] ** 2 : 0;
      addTilted(density, across, { x0, x1, y0, y1 }, [columns, rows], {
        // Given x the other coordinate has this mean and this deviation.
        meanAt: (x) => means[i + 1] + share * (x - means[i]),
        std: Math.sqrt(Math.max(0, stds[i + 1] ** 2 - share * covariances[i / 2])),
      });
      continue;
    }
    // Rows go down, z₂ goes up.
    const down = cellDensities(-means[i + 1], stds[i + 1], -y1, -y0, rows);
    down.values.forEach((height, k) => {
      const start = (down.first + k) * columns + across.first;
      for (let c = 0; c < across.values.length; c++) density[start + c] += height * across.values[c];
    });
  }
  return density.map((value) => value / Math.max(1, count));
}

/**
 * The densities as a picture of one colour, the more opaque the denser.
 * @param {Posteriors} posteriors
 * @param {Frame} frame
 * @param {string} colour
 */
function tintOf(posteriors, frame, colour) {
  const rows = Math.max(1, Math.round((CELLS * frame.height) / frame.width));
  const density = aggregateDensity(posteriors, frame, CELLS, rows);
  const pixels = new ImageData(CELLS, rows);
  const [red, green, blue] = rgbOf(colour);
  // By the root: the eye sees differences of small densities as well.
  density.forEach((value, k) => {
    const tint = FULL_TINT * Math.sqrt(Math.min(1, value / PRIOR_PEAK));
    pixels.data.set([red, green, blue, Math.round(255 * tint)], 4 * k);
  });
  const canvas = Object.assign(document.createElement("canvas"), { width: CELLS, height: rows });
  contextOf(canvas).putImageData(pixels, 0, 0);
  return canvas;
}

export class DensityLayer {
  isOn = false;
  /** @type {Posteriors} */
  posteriors = { means: new Float32Array(), stds: new Float32Array() };
  /** @type {{ canvas: HTMLCanvasElement, ends: Ends, colour: string } | null} */
  tint = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer = undefined;

  /** @param {Posteriors} posteriors */
  set(posteriors) {
    this.posteriors = posteriors;
    this.tint = null;
  }

  /**
   * The tint lies where it belongs at once; it is made anew when the view has rested.
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   * @param {() => void} invalidate
   */
  draw(context, theme, frame, invalidate) {
    if (!this.isOn) return;
    const colour = theme.concepts.posterior;
    if (this.tint?.colour !== colour) this.tint = null;
    this.tint ??= { canvas: tintOf(this.posteriors, frame, colour), ends: frame, colour };
    const { x0, x1, y0, y1 } = this.tint.ends;
    const [left, top] = [frame.px(x0), frame.py(y1)];
    context.imageSmoothingEnabled = true;
    context.drawImage(this.tint.canvas, left, top, frame.px(x1) - left, frame.py(y0) - top);
    const moved = x0 !== frame.x0 || x1 !== frame.x1 || y0 !== frame.y0 || y1 !== frame.y1;
    if (moved) this.remakeSoon(invalidate);
  }

  /** @param {() => void} invalidate */
  remakeSoon(invalidate) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.tint = null;
      invalidate();
    }, SETTLED_MS);
  }

  /** Ends what is waiting. */
  stop() {
    clearTimeout(this.timer);
  }
}
