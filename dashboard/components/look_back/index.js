/** A slider over the kept steps of a run, which the hand, the keys or a replay moves; the board shows that step. */

import { jsonOf } from "../shared/arrays.js";
import { elementOf, find } from "../shared/mount.js";
import { Pace } from "../shared/pace.js";
import { Sequence } from "../shared/sequence.js";
import { pauseOf, placeOf, placesOf, stepAt, whereText } from "./steps.js";

/**
 * @typedef {object} Message What Python sends (`look_back`).
 * @property {string} run
 * @property {number[]} steps Kept, ascending.
 * @property {number | null} at The step that is shown; null: now.
 * @property {number} now The newest step.
 * @property {number} sequence Of the newest move that Python has had.
 * @property {boolean} large Whether it is for a projector.
 *
 * @typedef {object} Looked What Python gets.
 * @property {number | null} step
 * @property {number} sequence Rises with every message of a browser.
 */

const REPLAY = "Replay how the run came here";
const HOLD = "Hold the replay";

class LookBack {
  /** @type {Message | null} */
  message = null;
  /** Steps with a place on the slider; they stay while a hand is on it. @type {number[]} */
  places = [];
  /** The step that is shown; null: now. @type {number | null} */
  step = null;
  isHeld = false;
  /** Whether a step was chosen that has not been sent yet. */
  isWaiting = false;
  isPlaying = false;
  timer = 0;
  sequence = new Sequence();

  /**
   * @param {HTMLElement} root
   * @param {import("../shared/mount.js").Mounted} mounted
   */
  constructor(root, { setTriggerValue }) {
    this.root = root;
    this.tell = setTriggerValue;
    this.steps = /** @type {HTMLInputElement} */ (find(root, ".steps"));
    this.play = find(root, ".play");
    this.now = /** @type {HTMLButtonElement} */ (find(root, ".now"));
    this.pace = new Pace((/** @type {number | null} */ step) => this.send(step));
    this.steps.oninput = () => this.move();
    this.steps.onpointerdown = () => (this.isHeld = true);
    this.steps.onpointerup = this.steps.onpointercancel = this.steps.onblur = () => this.release();
    this.play.onclick = () => (this.isPlaying ? this.hold() : this.replay());
    this.now.onclick = () => this.choose(null);
  }

  /**
   * @param {Uint8Array} data
   * @param {import("../shared/mount.js").Mounted} mounted
   */
  update(data, { setTriggerValue }) {
    this.tell = setTriggerValue;
    const before = this.message;
    /** @type {Message} */
    const message = jsonOf(data);
    this.message = message;
    if (before && before.run !== message.run) this.begin();
    this.root.classList.toggle("large", message.large);
    const isOlder = this.sequence.isOlder(message.sequence);
    if (!isOlder) this.pace.answered();
    if (!this.isHeld) this.places = placesOf(message.steps, message.now);
    this.show(isOlder || this.isHeld || this.isWaiting ? this.step : message.at);
    if (!isOlder && this.isPlaying && !this.timer) this.await();
  }

  /** Another run: nothing of what was done with the last one goes on. */
  begin() {
    this.hold();
    this.pace.stop();
    this.isHeld = this.isWaiting = false;
    this.sequence.forget();
  }

  /** @param {number | null} step */
  show(step) {
    const { message, places, steps } = this;
    if (!message) return;
    this.step = step;
    const where = whereText(step, message.now);
    steps.max = String(places.length);
    steps.value = String(placeOf(places, step));
    steps.disabled = !places.length;
    steps.setAttribute("aria-valuetext", where);
    find(this.root, ".where").textContent = where;
    this.now.disabled = step === null;
    this.root.classList.toggle("past", step !== null);
    this.root.dataset.at = step === null ? "" : String(step);
    this.root.classList.toggle("plays", this.isPlaying);
    this.play.setAttribute("aria-label", this.isPlaying ? HOLD : REPLAY);
    this.play.title = this.isPlaying ? HOLD : REPLAY;
  }

  /** A hand or a key moved the slider. */
  move() {
    const step = stepAt(this.places, Number(this.steps.value));
    this.hold();
    this.show(step);
    this.isWaiting = true;
    this.pace.offer(step);
  }

  release() {
    this.isHeld = false;
  }

  /** @param {number | null} step */
  choose(step) {
    this.hold();
    this.show(step);
    this.pace.finish(step);
  }

  /** From where it stands; from the first step where it stands at the end. */
  replay() {
    if (!this.places.length) return;
    this.isPlaying = true;
    this.show(this.step === null ? this.places[0] : this.step);
    this.pace.finish(this.step);
  }

  /** The step is on the board: the next one follows when it was seen. */
  await() {
    const rest = this.sequence.sentAt + pauseOf(this.places.length) - performance.now();
    this.timer = window.setTimeout(() => this.next(), Math.max(0, rest));
  }

  next() {
    this.timer = 0;
    const step = stepAt(this.places, placeOf(this.places, this.step) + 1);
    if (step === null) this.isPlaying = false;
    this.show(step);
    this.pace.finish(step);
  }

  hold() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.isPlaying = false;
    this.show(this.step);
  }

  /** @param {number | null} step */
  send(step) {
    this.isWaiting = false;
    /** @type {Looked} */
    const looked = { step, sequence: this.sequence.next() };
    this.tell("looked", looked);
  }

  destroy() {
    clearTimeout(this.timer);
    this.pace.stop();
  }
}

export default elementOf(".look_back", (root, mounted) => new LookBack(root, mounted));
