/** The held-out example whose posterior mean is nearest to z: what it is, its reconstruction, and its q(z|x). */

import { PixelCanvas } from "../shared/pixels.js";
import { find, findAll, findCanvas } from "../shared/mount.js";
import { fixed, valueName } from "../shared/numbers.js";
import { floats } from "./npz.js";
import { pixelPicture, posteriorArrays } from "./saving.js";

/**
 * @typedef {import("./explorer.js").Change} Change
 * @typedef {import("./explorer.js").Explorer} Explorer
 * @typedef {import("./saving.js").Offer} Offer
 */

/** @param {ArrayLike<number>} values */
function vectorText(values) {
  const numbers = Array.from(values, (value) => fixed(value, 2)).join(", ");
  return values.length === 1 ? numbers : `(${numbers})`;
}

/** Values without names that are written in a line; others stand in a table, a row each of the first ones. */
const MAX_IN_LINE = 3;
const MAX_IN_TABLE = 20;

export class NearestSection {
  /** What is shown. */
  shown = "";
  /** @type {{ x: PixelCanvas, reconstruction: PixelCanvas } | null} */
  images = null;

  /**
   * @param {HTMLElement} root
   * @param {Explorer} host
   */
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.pair = find(root, ".pair");
    this.missing = find(root, ".missing");
    this.facts = new Map(findAll(root, "dd").map((fact) => [fact.className, fact]));
    this.pair.hidden = !host.isImage;
    /** Cells of x and of its reconstruction, by value. @type {HTMLElement[][]} */
    this.cells = [];
    const count = host.config.config.data_dim;
    if (!host.isImage && (count > MAX_IN_LINE || host.config.columns?.length)) this.layTable(count);
    const shape = host.config.image_shape;
    if (shape) {
      const image = (/** @type {string} */ name) => new PixelCanvas(findCanvas(root, name), shape);
      this.images = { x: image(".x"), reconstruction: image(".reconstruction") };
    }
    host.onChange((_, change) => this.told(change));
    host.offers.push(() => [this.offer()]);
  }

  /** @param {Change} change */
  told(change) {
    const { nearest, axes, config } = this.host;
    const shown = [nearest, axes, config.hash].join(";");
    if (shown === this.shown && change !== "theme") return;
    this.shown = shown;
    this.root.classList.toggle("none", nearest === null);
    if (nearest !== null) this.show(nearest);
  }

  /** @param {number} count Values of a point. */
  layTable(count) {
    const table = find(this.root, ".values");
    const body = find(table, "tbody");
    const { columns = [] } = this.host.config;
    for (let place = 0; place < Math.min(count, MAX_IN_TABLE); place++) {
      const row = body.appendChild(document.createElement("tr"));
      const name = row.appendChild(document.createElement("th"));
      name.scope = "row";
      name.textContent = name.title = valueName(columns, place);
      this.cells.push(["x", "decoded"].map(() => row.appendChild(document.createElement("td"))));
    }
    table.hidden = false;
    const more = find(this.root, ".more");
    more.hidden = count <= MAX_IN_TABLE;
    more.textContent = `The first ${MAX_IN_TABLE} of ${count} values.`;
  }

  /** @returns {Offer} */
  offer() {
    const { failure, nearest } = this.host;
    const title = "Nearest example and its reconstruction";
    if (failure) return { title, hint: failure };
    if (nearest === null) return { title, hint: "Switch a class on first: none is shown." };
    const shown = this.pair.hidden ? null : this.images;
    const picture = shown ? pixelPicture(shown.x.canvas, shown.reconstruction.canvas) : undefined;
    const x = this.missing.hidden ? "x, " : "";
    const held = { holds: `row, ${x}decoded, mean, std`, arrays: () => this.arrays(nearest) };
    return { title, file: "nearest", picture, ...held };
  }

  /**
   * x is missing where it was left out to save bytes.
   * @param {number} row
   */
  arrays(row) {
    const { data, model } = this.host;
    const x = data.example(row);
    const index = { shape: [], values: Int32Array.of(row) };
    return { row: index, ...(x && { x: floats(x) }), ...posteriorArrays(model, data.posterior(row)) };
  }

  /** @param {number} i */
  show(i) {
    const { data, model, distinctAxes } = this.host;
    const q = data.posterior(i);
    const x = data.example(i);
    const decoded = model.decode(q.mean).slice();
    this.missing.hidden = x !== null;
    if (this.images) this.pair.hidden = x === null;
    if (this.images && x) {
      this.images.x.drawValues(x);
      this.images.reconstruction.drawValues(decoded);
    }
    const inPlane = (/** @type {number[]} */ values) => vectorText(distinctAxes.map((axis) => values[axis]));
    const inLine = !this.images && this.cells.length === 0;
    for (const [place, [given, made]] of this.cells.entries()) {
      given.textContent = x ? fixed(x[place], 2) : "–";
      made.textContent = fixed(decoded[place], 2);
    }
    this.write({
      class: this.host.className(data.labels[i]),
      mean: inPlane(q.mean),
      std: inPlane(q.std),
      kl: this.host.hasKl ? this.nats(model.kl(q)) : "",
      fit: x ? this.nats(model.logLikelihood(x, q.mean)) : "",
      ...(inLine ? { point: x ? vectorText(x) : "", made: vectorText(decoded) } : {}),
    });
  }

  /** @param {number} value */
  nats(value) {
    return this.host.isDeterministic ? "" : `${fixed(value, 1)} nats`;
  }

  /**
   * What is empty is not shown.
   * @param {Record<string, string>} facts
   */
  write(facts) {
    for (const [name, value] of this.facts) {
      value.textContent = facts[name] ?? "";
      value.hidden = !facts[name];
      const term = value.previousElementSibling;
      if (!(term instanceof HTMLElement)) continue;
      term.hidden = value.hidden;
      if (name === "class") term.textContent = this.host.labelTitle;
    }
  }
}
