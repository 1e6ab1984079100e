/** Pointer, wheel and keys on a canvas. */

import { wheelFactor } from "./frame.js";

/**
 * @typedef {import("./frame.js").Point} Point
 *
 * @typedef {object} Handlers
 * @property {(at: Point) => void} hover
 * @property {() => void} leave
 * @property {(at: Point, start: Point) => void} drag
 * @property {(at: Point, start: Point) => void} drop
 * @property {(at: Point, factor: number) => boolean} [wheel] A pinch, a turn of the wheel with Ctrl or Meta, or one
 *   after a click on the canvas; returns whether it was used: otherwise the page scrolls.
 * @property {() => void} [reset] A double click.
 * @property {(event: KeyboardEvent) => boolean} [key] Whether it used the key, pressed without Ctrl, Meta and Alt.
 */

/** @param {MouseEvent} event */
export const placeOf = ({ offsetX: x, offsetY: y }) => ({ x, y });

/** Where the arrow keys lead: to the right and up. @type {Record<string, readonly [number, number]>} */
export const KEY_MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * Captures the pointer; an event that no real pointer stands behind has none to capture.
 * @param {Element} element
 * @param {PointerEvent} event
 */
export function capture(element, event) {
  if (event.isTrusted) element.setPointerCapture(event.pointerId);
}

/**
 * Tells a handler of the keys that come without Ctrl, Meta and Alt; what it uses does not scroll the page.
 * @param {HTMLElement} element
 * @param {(event: KeyboardEvent) => boolean} key
 */
export function listenToKeys(element, key) {
  element.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey && key(event)) event.preventDefault();
  });
}

/**
 * @param {HTMLElement} element
 * @param {Handlers} handlers
 */
export function listen(element, { hover, leave, drag, drop, wheel, reset, key }) {
  /** @type {Point | null} */
  let start = null;
  element.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    start = placeOf(event);
    capture(element, event);
  });
  element.addEventListener("pointermove", (event) => {
    if (start) drag(placeOf(event), start);
    else hover(placeOf(event));
  });
  element.addEventListener("pointerup", (event) => {
    if (start) drop(placeOf(event), start);
    start = null;
  });
  element.addEventListener("pointercancel", () => {
    start = null;
    leave();
  });
  element.addEventListener("pointerleave", leave);
  if (reset) element.addEventListener("dblclick", reset);
  if (key) listenToKeys(element, key);
  if (!wheel) return;
  const turn = (/** @type {WheelEvent} */ event) => {
    // Browsers report a pinch on a touch pad as a turn with Ctrl, and would enlarge the whole page.
    const isPinch = event.ctrlKey || event.metaKey;
    if (!isPinch && !element.matches(":focus")) return;
    if (wheel(placeOf(event), wheelFactor(event.deltaY)) || isPinch) event.preventDefault();
  };
  element.addEventListener("wheel", turn, { passive: false });
}
