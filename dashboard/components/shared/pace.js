/** Sends what changes fast at a bearable rate: the newest of several values, and always the last. */

/** Five values a second. */
export const INTERVAL_MS = 200;
/** How long an answer is waited for before the next value goes all the same. */
export const PATIENCE_MS = 1000;

/**
 * The next value goes when the interval has passed and the last one was answered: a server that is slow gets
 * fewer.
 * @template T
 */
export class Pace {
  /** @type {T | undefined} */
  #waiting;
  #timer = 0;
  #answered = true;
  #sentAt = -Infinity;

  /** @param {(value: T) => void} send */
  constructor(send) {
    this.send = send;
  }

  /** @param {T} value */
  offer(value) {
    this.#waiting = value;
    this.#go();
  }

  /**
   * The last value goes at once.
   * @param {T} value
   */
  finish(value) {
    this.#waiting = value;
    this.#sentAt = -Infinity;
    this.#go();
  }

  /** The last value that was sent has arrived. */
  answered() {
    this.#answered = true;
    this.#go();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#waiting = undefined;
  }

  #go() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.#waiting === undefined) return;
    const rest = this.#sentAt + (this.#answered ? INTERVAL_MS : PATIENCE_MS) - performance.now();
    if (rest > 0) {
      this.#timer = window.setTimeout(() => this.#go(), rest);
      return;
    }
    const value = this.#waiting;
    this.#waiting = undefined;
    this.#answered = false;
    this.#sentAt = performance.now();
    this.send(value);
  }
}
