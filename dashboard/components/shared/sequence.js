/** Numbers for what an element sends, by which it knows an answer that comes too late. */

/** After this a late answer counts again: a server that was started meanwhile may be right. */
export const FORGOTTEN_MS = 10_000;

export class Sequence {
  /** Of the newest message. */
  number = 0;
  /** When that was sent, by `performance.now()`. */
  sentAt = -Infinity;

  /** The number of the next message, which is sent now. */
  next() {
    // By the clock, so that an element that is mounted anew goes on above the numbers of the one before.
    this.number = Math.max(Date.now(), this.number + 1);
    this.sentAt = performance.now();
    return this.number;
  }

  /**
   * Whether an answer is to an older message: it was on its way when the hand moved on.
   * @param {number} answered The number of the message that it answers.
   */
  isOlder(answered) {
    return answered < this.number && performance.now() - this.sentAt < FORGOTTEN_MS;
  }

  /** Answers to what was sent before count again. */
  forget() {
    this.sentAt = -Infinity;
  }
}
