/** Pointer, wheel and keys on a canvas. */

import { middleOf, pinchFactor, wheelFactor } from "./frame.js";

/**
 * @typedef {import("./frame.js").Point} Point
 *
 * @typedef {object} Handlers
 * @property {(at: Point) => void} hover
 * @property {() => void} leave
 * @property {(at: Point, start: Point) => void} drag
 * @property {(at: Point, start: Point) => void} drop
 * @property {(at: Point, factor: number) => boolean} [wheel] A pinch of two fingers or on a touch pad, a turn of the
 *   wheel with Ctrl or Meta, or one after a click on the canvas; returns whether it was used: otherwise the page
 *   scrolls.
 * @property {() => void} [reset] A double click.
 * @property {(event: KeyboardEvent) => boolean} [key] Whether it used the key, pressed without Ctrl, Meta and Alt.
 */

/**
 * Where an event is in the element that listens, in that element's own pixels. Where a style sheet enlarges it
 * (`zoom`), browsers differ in what `offsetX` is; both places in the window are certain.
 * @param {MouseEvent} event
 */
export function placeOf({ offsetX: x, offsetY: y, clientX, clientY, currentTarget }) {
  const element = /** @type {HTMLElement} */ (currentTarget);
  const { currentCSSZoom: zoom = 1 } = element;
  if (zoom === 1) return { x, y };
  const { left, top } = element.getBoundingClientRect();
  return { x: (clientX - left) / zoom - element.clientLeft, y: (clientY - top) / zoom - element.clientTop };
}

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
  /** Where a drag with one pointer began. @type {Point | null} */
  let start = null;
  /** Where each pressed pointer was last. @type {Map<number, Point>} */
  const pressed = new Map();
  element.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    if (event.isPrimary) pressed.clear();
    pressed.set(event.pointerId, placeOf(event));
    start = placeOf(event);
    capture(element, event);
    if (!wheel || pressed.size === 1) return;
    start = null;
    leave();
  });
  element.addEventListener("pointermove", (event) => {
    const at = placeOf(event);
    const last = pressed.get(event.pointerId);
    const other = [...pressed].find(([id]) => id !== event.pointerId)?.[1];
    if (last) pressed.set(event.pointerId, at);
    if (wheel && last && other) wheel(middleOf(at, other), pinchFactor(last, at, other));
    else if (start) drag(at, start);
    else hover(at);
  });
  element.addEventListener("pointerup", (event) => {
    pressed.delete(event.pointerId);
    if (start) drop(placeOf(event), start);
    start = null;
  });
  element.addEventListener("pointercancel", (event) => {
    pressed.delete(event.pointerId);
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
