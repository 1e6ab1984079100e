/** What is decoded, by the kind of the data: the grid over the latent plane, and held-out examples with theirs. */

import { bytesOf, floatsOf } from "../shared/arrays.js";
import { DataPlane } from "../shared/data_plane.js";
import { DecodedGrid } from "./grid.js";
import { CoordinateLines } from "./lines.js";
import { PicturePairs } from "./pairs.js";

/**
 * @typedef {import("../shared/theme.js").Theme} Theme
 * @typedef {import("./index.js").Message} Message
 *
 * @typedef {object} View
 * @property {(theme: Theme, now: number) => boolean} draw Returns whether it still moves.
 *
 * @typedef {object} DecodedViews
 * @property {View} grid
 * @property {View} pairs
 * @property {(message: Message, now: number, instant: boolean) => void} set
 */

/** @implements {DecodedViews} */
class Images {
  /**
   * @param {HTMLCanvasElement} grid
   * @param {HTMLCanvasElement} pairs
   */
  constructor(grid, pairs) {
    this.grid = new DecodedGrid(grid);
    this.pairs = new PicturePairs(pairs);
  }

  /** @param {Message} message */
  set({
    image_shape: shape,
    grid,
    grid_shape: gridShape,
    grid_axis: axis,
    plane,
    examples,
    reconstructions,
  }) {
    if (!shape) return;
    const [rows, columns] = gridShape;
    this.grid.set({ bytes: bytesOf(grid), shape, rows, columns, axis: floatsOf(axis), axes: plane });
    this.pairs.set({ examples: bytesOf(examples), reconstructions: bytesOf(reconstructions), shape });
  }
}

/** @implements {DecodedViews} */
class Points {
  /**
   * @param {HTMLCanvasElement} grid
   * @param {HTMLCanvasElement} pairs
   */
  constructor(grid, pairs) {
    this.grid = new DataPlane(grid);
    this.pairs = new DataPlane(pairs);
  }

  /**
   * @param {Message} message
   * @param {number} now
   * @param {boolean} instant
   */
  set(message, now, instant) {
    const points = floatsOf(message.examples);
    const [rows, columns] = message.grid_shape;
    const mesh = { rows, columns };
    const { columns: names } = message;
    this.grid.set({ points, decoded: floatsOf(message.grid), mesh, names }, now, instant);
    const decoded = floatsOf(message.reconstructions);
    this.pairs.set({ points, decoded, mesh: null, names }, now, instant);
  }
}

/** @implements {DecodedViews} */
class Lines {
  /**
   * @param {HTMLCanvasElement} grid
   * @param {HTMLCanvasElement} pairs
   */
  constructor(grid, pairs) {
    this.grid = new CoordinateLines(grid);
    this.pairs = new CoordinateLines(pairs);
  }

  /** @param {Message} message */
  set({ examples, grid, reconstructions, data_dim: dim, columns: names }) {
    const vectors = floatsOf(examples);
    this.grid.set({ vectors, decoded: floatsOf(grid), dim, names });
    this.pairs.set({ vectors, decoded: floatsOf(reconstructions), dim, names });
  }
}

const KINDS = { images: Images, points: Points, lines: Lines };

/**
 * @param {Message["kind"]} kind
 * @param {HTMLCanvasElement} grid
 * @param {HTMLCanvasElement} pairs
 * @returns {DecodedViews}
 */
export const decodedViews = (kind, grid, pairs) => new KINDS[kind](grid, pairs);
