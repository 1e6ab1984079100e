/** The live training board: curves, latent plane, decoded grid and reconstructions, drawn only when something changed. */

import { floatsOf, integersOf, jsonOf } from "../shared/arrays.js";
import { letFold, nameFold } from "../shared/fold.js";
import { Frames, prefersCalm } from "../shared/frames.js";
import { elementOf, find, findAll, findCanvas } from "../shared/mount.js";
import { writeAll, written } from "../shared/notation.js";
import { Plane } from "../shared/plane.js";
import { readTheme } from "../shared/theme.js";
import { KlBars } from "./bars.js";
import { Curve } from "./curve.js";
import { CurveGroup } from "./curve_group.js";
import { decodedViews } from "./decoded_views.js";
import { CONCEPTS, nearestRow, NO_HISTORY, NO_VALIDATION } from "./history.js";
import { KeptList, slotsOf } from "./kept.js";
import { LiveLine } from "./live_line.js";
import { remarks } from "./objective.js";

/**
 * @typedef {import("../shared/mount.js").Mounted} Mounted
 * @typedef {import("../shared/theme.js").Theme} Theme
 * @typedef {import("./decoded_views.js").DecodedViews} DecodedViews
 * @typedef {import("./decoded_views.js").View} View
 * @typedef {import("./history.js").Column} Column
 * @typedef {import("./kept.js").Ghost} Ghost
 *
 * @typedef {object} Message What Python sends (`board_payload` and `addressed`); arrays are base64.
 * @property {string} run "" for a model that is no run of this server.
 * @property {number} step
 * @property {number} rows Of the whole history.
 * @property {Record<Column, string>} history float32; only some of the rows of a long one.
 * @property {import("./history.js").Change[]} changes
 * @property {{ run: string, label: string, history: Record<string, string> }[]} ghosts Kept runs.
 * @property {number | null} beta_in_force β now; null where it is that of the last row.
 * @property {number | null} looked The earlier step that the pictures are of; null: the newest.
 * @property {number | null} fork The step at which the run began from another one's state.
 * @property {Record<"step" | import("./history.js").Concept, string> | null} validation A row for each epoch.
 * @property {number | null} best The step with the highest validation ELBO.
 * @property {Record<Column, string> | null} later Rows from the step on at which the run stands.
 * @property {{ training: number, validation: number, held_out: number } | null} parts How the data are split.
 * @property {boolean} kept_alone Whether the kept runs are all that is shown.
 * @property {"you" | "other" | ""} owner
 * @property {boolean} present Whether the type is large, for a classroom.
 * @property {number} free_bits
 * @property {import("./live_line.js").Objective} objective
 * @property {(number | null)[]} kl_per_dim Nats; none where the KL has no parts by dimension.
 * @property {boolean[]} active
 * @property {import("./objective.js").AtLimits} at_limits
 * @property {string[]} class_names
 * @property {Colour | null} colour What colours the plane in the place of the classes.
 * @property {boolean} deterministic Whether there is neither a bound nor a KL.
 * @property {boolean} given_y Whether the model is conditional.
 * @property {string} grid_y Of a conditional model the class that the grid is decoded with; else "".
 * @property {boolean} learned_prior Whether p(z) is not N(0, I).
 * @property {string} no_kl_parts Why the KL has no parts by dimension, in a few words; "": it has.
 * @property {string} why_no_kl_parts The same in a sentence.
 * @property {import("../shared/theme.js").Palettes} palettes
 * @property {number[]} plane The two dimensions that are shown, from 0.
 * @property {number} latent_dim
 * @property {string} means float32, pairs.
 * @property {string} stds float32, pairs.
 * @property {string} labels int32
 * @property {"images" | "points" | "lines"} kind
 * @property {number} data_dim
 * @property {number[] | null} image_shape [height, width]
 * @property {string} examples uint8 for images, otherwise float32; the same for the next two.
 * @property {string} reconstructions
 * @property {string} grid
 * @property {number[]} grid_shape [rows, columns]
 * @property {string} grid_axis float32
 * @property {string[]} columns Names of the first values of a point; none where they have none.
 */

/**
 * @typedef {object} Colour
 * @property {string} title
 * @property {string} labels int32
 * @property {string[]} names
 * @property {string[] | null} ends The least and the largest number, of which the labels are steps.
 * @property {import("../shared/theme.js").Palettes} palettes
 */

const PARTS = /** @type {const} */ (["held_out", "training", "validation"]);
const OF_NORMAL = "quantiles of N(0, I), not of p(z)";
const NO_POSTERIOR = { elbo: "no bound: deterministic encoder", kl: "no KL: deterministic encoder" };
const NO_KL = "A deterministic encoder has no q(z|x), and so no KL in any dimension.";

/** Of a run that has no curves yet. */
const NO_CURVES = { history: {}, changes: [], validation: null, best: null, later: null };

/** How often an element of each key was made: an element that is kept while data arrive counts 1. */
const mounts = new Map();

class Board {
  /** A message that no frame has taken yet. @type {Uint8Array | null} */
  pending = null;
  /** @type {Theme | null} */
  theme = null;
  /** @type {DecodedViews | null} */
  decoded = null;
  run = "";
  /** The row of the step that is looked back at; null: the newest. @type {number | null} */
  lookedRow = null;
  /** Views to be drawn in the next frame. @type {Set<View>} */
  stale = new Set();
  /** @type {Ghost[]} */
  ghosts = [];
  /** The colour and the dashes of each kept run. @type {Map<string, number>} */
  slots = new Map();

  /**
   * @param {HTMLElement} root
   * @param {Mounted} mounted
   */
  constructor(root, { key, setTriggerValue }) {
    this.root = root;
    this.send = setTriggerValue;
    mounts.set(key, (mounts.get(key) ?? 0) + 1);
    root.dataset.mounts = mounts.get(key);
    this.frames = new Frames((now) => this.tick(now));
    const curves = CONCEPTS.map((concept) => new Curve(find(root, `section.${concept}`), concept));
    this.charts = new CurveGroup(curves, () => this.invalidate(this.charts));
    const redrawPlane = () => this.invalidate(this.plane);
    this.plane = new Plane(findCanvas(root, ".plane canvas"), find(root, ".plane .tip"), redrawPlane);
    this.plane.connect();
    this.line = new LiveLine(find(root, ".line"));
    this.kept = new KeptList(find(root, ".kept"), (run) => this.send("drop", run));
    const [tip, note, words] = ["tip", "note", "no_parts"].map((name) => find(root, `.bars .${name}`));
    const redrawBars = () => this.invalidate(this.bars);
    this.bars = new KlBars(findCanvas(root, ".bars canvas"), tip, note, words, redrawBars);
    this.frames.watchSizes(findAll(root, ".stage"), () => this.invalidateAll());
    for (const section of findAll(root, "section")) letFold(section);
    // What comes later above the board makes what holds both of them higher.
    this.frames.watchSizes(around(root), () => this.fit());
  }

  /**
   * @param {Uint8Array} data
   * @param {Mounted} mounted
   */
  update(data, { setTriggerValue }) {
    this.send = setTriggerValue;
    this.pending = data;
    this.invalidateAll();
  }

  invalidateAll() {
    for (const view of this.views) this.stale.add(view);
    this.frames.request();
  }

  /** @param {View} view */
  invalidate(view) {
    this.stale.add(view);
    this.frames.request();
  }

  /** @returns {View[]} */
  get views() {
    const decoded = this.decoded ? [this.decoded.grid, this.decoded.pairs] : [];
    return [this.charts, this.plane, this.bars, ...decoded];
  }

  /**
   * A hidden tab gets no frames, so nothing is decoded or drawn for it.
   * @param {number} now
   */
  tick(now) {
    if (this.pending) this.take(this.pending, now);
    this.pending = null;
    const { theme } = this;
    if (!theme) return;
    const moving = [...this.stale].filter((view) => view.draw(theme, now));
    this.stale = new Set(moving);
    this.line.draw(theme, this.charts.row ?? this.lookedRow);
    this.root.dataset.zoom = this.charts.zoomText;
    if (moving.length) this.frames.request();
  }

  /**
   * @param {Uint8Array} data
   * @param {number} now
   */
  take(data, now) {
    /** @type {Message} */
    const message = jsonOf(data);
    if (message.kept_alone) Object.assign(message, NO_CURVES);
    this.root.toggleAttribute("data-kept-alone", message.kept_alone);
    const isFirst = this.decoded === null || this.run !== message.run;
    const instant = isFirst || prefersCalm();
    this.theme = readTheme(this.root, message.colour?.palettes ?? message.palettes);
    this.decoded = isFirst ? this.begin(message) : this.decoded;
    this.slots = slotsOf(
      this.slots,
      message.ghosts.map(({ run }) => run),
    );
    this.ghosts = message.ghosts.map((ghost) => {
      return { ...ghost, slot: this.slots.get(ghost.run) ?? 0, history: historyOf(ghost) };
    });
    this.setCurves(message);
    this.plane.set(planeOf(message), now, instant);
    this.decoded?.set(message, now, instant);
    this.kept.draw(this.ghosts, this.theme);
    this.stale = new Set(this.views);
    this.tell(message, this.theme);
    this.nameParts(message);
    this.fit();
  }

  /** @param {Message} message */
  setCurves(message) {
    const { deterministic, changes, free_bits: freeBits, active, objective, given_y: givenY } = message;
    writeAll(this.root, "h2", givenY);
    const { looked, fork, best } = message;
    const history = historyOf(message);
    this.lookedRow = looked === null ? null : nearestRow(history.step, looked);
    const isSum = objective === "elbo" && !freeBits;
    const hasObjective = !deterministic;
    const data = {
      ...{
        history,
        ghosts: this.ghosts,
        changes,
        hasObjective,
        isSum,
        lookedRow: this.lookedRow,
        fork,
        best,
      },
      later: message.later ? historyOf({ history: message.later }) : NO_HISTORY,
      validation: validationOf(message.validation),
    };
    this.charts.set(data, deterministic ? NO_POSTERIOR : {});
    const klPerDim = message.kl_per_dim.map((kl) => kl ?? NaN);
    const betaInForce = message.beta_in_force;
    this.line.set({ history, betaInForce, klPerDim, freeBits, deterministic, objective, givenY });
    const missing = deterministic ? NO_POSTERIOR.kl : message.no_kl_parts;
    const why = written(deterministic ? NO_KL : message.why_no_kl_parts, givenY);
    this.bars.set({ kl: klPerDim, active, missing, why });
  }

  /**
   * What stands on the board in words, and what programs read of it. A model that is no run has no step to wait for.
   * @param {Message} message
   * @param {Theme} theme
   */
  tell(message, theme) {
    const {
      run,
      step,
      rows,
      owner,
      active,
      at_limits: atLimits,
      present,
      deterministic,
      looked,
      fork,
    } = message;
    const givenY = message.given_y;
    const now = this.line.termsAt(this.lookedRow);
    const kl = this.charts.history.kl_held_out.at(this.lookedRow ?? -1) ?? NaN;
    const said = remarks(active, step, kl, now?.betaValue ?? 1, atLimits);
    this.remark(
      said.map(([what, why]) => [what, written(why, givenY)]),
      theme,
    );
    const numbers = deterministic || !now ? [NaN, NaN] : [now.betaValue, now.elboValue];
    const [beta, elbo] = numbers.map((number) => (Number.isFinite(number) ? number : ""));
    const told = { run, rows, zoom: this.charts.zoomText, ghosts: this.ghosts.length };
    Object.assign(this.root.dataset, { looked: looked ?? "", fork: fork ?? "" });
    Object.assign(this.root.dataset, told, run ? { step, beta, elbo, owner } : {});
    if (!run) for (const name of ["step", "beta", "elbo", "owner"]) delete this.root.dataset[name];
    this.root.toggleAttribute("data-present", present);
  }

  /**
   * The legend: which part of the data a curve is of, and how large that is; and where the grid lies.
   * @param {Message} message
   */
  nameParts({ parts, validation, learned_prior: learnedPrior, grid_y: y }) {
    const said = [y ? `given y = ${y}` : "", learnedPrior ? OF_NORMAL : ""];
    find(this.root, ".grid .note").textContent = said.filter(Boolean).join("; ");
    nameFold(find(this.root, ".grid"));
    const legend = find(this.root, ".legend");
    for (const part of PARTS) {
      const count = parts?.[part];
      const name = part.replace("_", "-");
      find(legend, `.${part}`).textContent = count ? `${name} ${count.toLocaleString("en-US")}` : name;
    }
    for (const shown of findAll(legend, ".dotted, .validation")) shown.hidden = !validation;
  }

  /**
   * What there is to remark; a screen reader reads it when it changes, so it is only then written.
   * @param {[string, string][]} said
   * @param {Theme} theme
   */
  remark(said, theme) {
    const place = find(this.root, ".remark");
    place.style.color = theme.concepts.kl;
    const text = said.map((parts) => `${parts.join("")} `);
    if (place.textContent === text.join("")) return;
    place.replaceChildren(
      ...said.map(([what, why]) => {
        const [whole, reason] = [document.createElement("span"), document.createElement("span")];
        Object.assign(reason, { className: "why", textContent: why });
        whole.append(what, reason, " ");
        return whole;
      }),
    );
  }

  /**
   * Tells the style sheet how much of the window lies above the pictures, nothing scrolled: the rest is theirs.
   */
  fit() {
    const cells = find(this.root, ".cells");
    const scrolled = around(cells).reduce((sum, part) => sum + part.scrollTop, 0);
    const above = cells.getBoundingClientRect().top + scrolled;
    this.root.style.setProperty("--above", `${Math.round(above)}px`);
  }

  /**
   * Another run begins without the zoom of the last one, and may have data of another kind.
   * @param {Message} message
   */
  begin({ run, kind }) {
    this.run = run;
    this.charts.clear();
    this.plane.view = null;
    const what = kind === "images" ? "images" : "examples";
    find(this.root, ".pairs h2").textContent = `Held-out ${what}, decoded`;
    nameFold(find(this.root, ".pairs"));
    const [grid, pairs] = [".grid canvas", ".pairs canvas"].map((selector) =>
      findCanvas(this.root, selector),
    );
    return decodedViews(kind, grid, pairs);
  }

  destroy() {
    this.frames.stop();
  }
}

/**
 * The elements around an element, also out of a shadow tree, from the inside out.
 * @param {Element} element
 * @returns {Element[]}
 */
function around(element) {
  const root = element.getRootNode();
  const outer = element.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
  return outer ? [outer, ...around(outer)] : [];
}

/** @param {Message["validation"]} columns */
function validationOf(columns) {
  if (!columns) return NO_VALIDATION;
  const { step, elbo, reconstruction, kl } = columns;
  return {
    ...{ step: floatsOf(step), elbo: floatsOf(elbo) },
    ...{ reconstruction: floatsOf(reconstruction), kl: floatsOf(kl) },
  };
}

/** @param {{ history: Record<string, string> }} message */
export function historyOf({ history }) {
  const columns = Object.entries(history).map(([name, column]) => [name, floatsOf(column)]);
  return { ...NO_HISTORY, ...Object.fromEntries(columns) };
}

/** @param {Message} message */
const planeOf = (message) => ({
  means: floatsOf(message.means),
  stds: floatsOf(message.stds),
  labels: integersOf((message.colour ?? message).labels),
  classNames: message.colour?.names ?? message.class_names,
  what: message.colour?.title,
  ends: message.colour?.ends,
  axes: message.plane,
  latentDim: message.latent_dim,
  learnedPrior: message.learned_prior,
});

export default elementOf(".board", (root, mounted) => new Board(root, mounted));
