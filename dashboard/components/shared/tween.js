/** Interpolation over time: an array of numbers that glides from what it showed to what it is told. */

import { clamp } from "./numbers.js";

export class Tween {
  /** @type {Float32Array | null} */
  target = null;
  /** @type {Float32Array | null} */
  from = null;
  start = 0;

  constructor(milliseconds = 300) {
    this.milliseconds = milliseconds;
  }

  /**
   * Arrays of another length, and numbers that were not finite, do not glide.
   * @param {Float32Array} target
   * @param {number} now In milliseconds.
   * @param {boolean} instant
   */
  set(target, now, instant) {
    const keeps = !instant && this.target !== null && this.target.length === target.length;
    this.from = keeps ? this.read(now) : target;
    this.target = target;
    this.start = now;
  }

  /** @param {number} now */
  moving(now) {
    return this.from !== this.target && now - this.start < this.milliseconds;
  }

  /**
   * The array at a time; empty before the first `set`.
   * @param {number} now
   * @returns {Float32Array}
   */
  read(now) {
    const { target, from } = this;
    if (!target || !from) return new Float32Array();
    if (!this.moving(now)) return target;
    const share = clamp((now - this.start) / this.milliseconds, 0, 1);
    const eased = share * share * (3 - 2 * share);
    return target.map((to, i) => (Number.isFinite(from[i]) ? from[i] + (to - from[i]) * eased : to));
  }
}
