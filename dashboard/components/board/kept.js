/** Kept runs: their curves, dashes and colours, and the list from which each can be dropped. */

import { newButton, newElement } from "../shared/mount.js";
import { range } from "../shared/numbers.js";

/**
 * @typedef {import("../shared/theme.js").Theme} Theme
 * @typedef {import("./history.js").Concept} Concept
 *
 * @typedef {object} Ghost A kept run.
 * @property {string} run
 * @property {string} label
 * @property {number} slot Of its colour and its dashes, the same as long as it is kept.
 * @property {Record<"step" | `${Concept}_held_out`, Float32Array>} history
 */

/** As many as runs are kept at most: no two curves have the same dashes. */
export const DASHES = [
  [9, 4],
  [3, 3],
  [14, 3, 3, 3],
  [6, 2],
  [2, 6],
  [14, 3, 3, 3, 3, 3],
];

/**
 * The slot of each run: the one it had, else the first free one.
 * @param {ReadonlyMap<string, number>} before
 * @param {readonly string[]} runs
 * @returns {Map<string, number>}
 */
export function slotsOf(before, runs) {
  const slots = new Map(runs.flatMap((run) => (before.has(run) ? [[run, before.get(run) ?? 0]] : [])));
  for (const run of runs.filter((one) => !slots.has(one))) {
    const taken = new Set(slots.values());
    slots.set(run, range(taken.size + 1).find((slot) => !taken.has(slot)) ?? 0);
  }
  return slots;
}

/**
 * @param {Theme} theme
 * @param {number} slot
 */
export const ghostColour = (theme, slot) => theme.ghosts[slot % theme.ghosts.length];

/** @param {number} slot */
export const ghostDash = (slot) => DASHES[slot % DASHES.length];

export class KeptList {
  shown = "";

  /**
   * @param {HTMLElement} list
   * @param {(run: string) => void} drop
   */
  constructor(list, drop) {
    this.list = list;
    this.drop = drop;
  }

  /**
   * Made anew only where something is another one: a button under the keyboard's focus stays.
   * @param {readonly Ghost[]} ghosts
   * @param {Theme} theme
   */
  draw(ghosts, theme) {
    const wanted = JSON.stringify([ghosts.map(({ run, label, slot }) => [run, label, slot]), theme.ghosts]);
    if (wanted === this.shown) return;
    this.shown = wanted;
    this.list.replaceChildren(...ghosts.map((ghost) => this.item(ghost, ghostColour(theme, ghost.slot))));
  }

  /**
   * @param {Ghost} ghost
   * @param {string} colour
   */
  item({ run, label, slot }, colour) {
    const item = newElement("li");
    const button = newButton("×", () => this.drop(run));
    button.setAttribute("aria-label", `Drop the curve ${label}`);
    button.title = "Drop this curve";
    item.append(sample(colour, ghostDash(slot)), newElement("span", { textContent: label }), button);
    return item;
  }
}

/**
 * A piece of a curve, as a legend has it.
 * @param {string} colour
 * @param {readonly number[]} dash
 */
function sample(colour, dash) {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  const line = document.createElementNS(space, "line");
  const [of, on] = [
    { width: 36, height: 12, "aria-hidden": true },
    { x2: 36, y1: 6, y2: 6, stroke: colour, "stroke-width": 2, "stroke-dasharray": dash.join(" ") },
  ];
  for (const [name, value] of Object.entries(of)) picture.setAttribute(name, String(value));
  for (const [name, value] of Object.entries(on)) line.setAttribute(name, String(value));
  picture.append(line);
  return picture;
}
