/** Mouse, pen, fingers and wheel on a canvas, told as: point, pan, zoom, click, reset. */

import { distance, middleOf, pinchFactor, wheelFactor } from "../shared/frame.js";
import { capture, placeOf } from "../shared/pointer.js";

/**
 * @typedef {import("../shared/frame.js").Point} Point
 *
 * @typedef {object} Target
 * @property {(at: Point) => void} point
 * @property {(moved: Point) => void} pan
 * @property {(at: Point, factor: number) => boolean} zoom Whether it used the turn of the wheel.
 * @property {(at: Point) => void} click
 * @property {() => void} reset
 * @property {() => void} rest A pointer that moved z is up again.
 * @property {() => void} leave The focus goes elsewhere.
 */

const STILL = 4;

/**
 * @param {Point} from
 * @param {Point} to
 */
const difference = (from, to) => ({ x: to.x - from.x, y: to.y - from.y });

export class Gestures {
  /** Where each pointer that is down was last. @type {Map<number, Point>} */
  held = new Map();
  /** @type {Point} */
  start = { x: 0, y: 0 };
  space = false;
  pans = false;
  moved = false;

  /**
   * @param {HTMLElement} element
   * @param {Target} target
   */
  constructor(element, target) {
    this.element = element;
    this.target = target;
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    element.addEventListener("pointerup", ({ pointerId }) => {
      if (this.held.delete(pointerId) && this.moved && !this.pans) this.target.rest();
    });
    element.addEventListener("pointercancel", ({ pointerId }) => this.held.delete(pointerId));
    element.addEventListener("click", (event) => this.click(event));
    element.addEventListener("contextmenu", (event) => event.preventDefault());
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    element.addEventListener("keyup", ({ key }) => key === " " && this.hold(false));
    element.addEventListener("blur", () => {
      this.hold(false);
      this.target.leave();
    });
  }

  /**
   * The space bar makes a drag with the primary button pan.
   * @param {boolean} space
   */
  hold(space) {
    this.space = space;
    this.element.classList.toggle("pans", space);
  }

  /** @param {PointerEvent} event */
  down(event) {
    capture(this.element, event);
    this.held.set(event.pointerId, placeOf(event));
    if (this.held.size === 1) this.start = placeOf(event);
    this.pans = event.button > 0 || this.space || this.held.size > 1;
    this.moved = this.pans;
    if (!this.pans) this.target.point(placeOf(event));
  }

  /** @param {PointerEvent} event */
  move(event) {
    const at = placeOf(event);
    const last = this.held.get(event.pointerId);
    if (last && distance(at, this.start) > STILL) this.moved = true;
    if (!last || !this.pans) {
      this.target.point(at);
      return;
    }
    this.held.set(event.pointerId, at);
    const other = [...this.held].find(([id]) => id !== event.pointerId)?.[1];
    if (other) this.pinch(last, at, other);
    else this.target.pan(difference(last, at));
  }

  /**
   * @param {Point} last
   * @param {Point} at
   * @param {Point} other
   */
  pinch(last, at, other) {
    const after = middleOf(at, other);
    this.target.pan(difference(middleOf(last, other), after));
    this.target.zoom(after, pinchFactor(last, at, other));
  }

  /**
   * The second click of a double click takes back what the first one did.
   * @param {MouseEvent} event
   */
  click(event) {
    if (event.detail > 1) this.target.reset();
    else if (!this.moved) this.target.click(placeOf(event));
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    if (event.ctrlKey || event.metaKey) return;
    if (this.target.zoom(placeOf(event), wheelFactor(event.deltaY))) event.preventDefault();
  }
}
