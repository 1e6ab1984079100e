/** Drawing at the display's rate, only when something asked for it and only while it can be seen. */

export class Frames {
  #tick;
  #request = 0;
  #stopped = false;
  #visible = true;
  #wanted = false;
  /** @type {ResizeObserver[]} */
  #resizes = [];
  /** @type {IntersectionObserver[]} */
  #sights = [];

  /** @param {(now: number) => void} tick Draws; a hidden tab gets no frames. */
  constructor(tick) {
    this.#tick = tick;
  }

  /** Whether a frame is on its way. */
  get pending() {
    return this.#request !== 0;
  }

  /** Asks for one frame, however often it is called before it. */
  request() {
    this.#wanted = true;
    if (this.#stopped || !this.#visible || this.#request) return;
    this.#request = requestAnimationFrame((now) => {
      this.#request = 0;
      this.#wanted = false;
      this.#tick(now);
    });
  }

  /**
   * Tells when one of some elements gets another size.
   * @param {Iterable<Element>} elements
   * @param {() => void} resized
   */
  watchSizes(elements, resized) {
    const observer = new ResizeObserver(resized);
    for (const element of elements) observer.observe(element);
    this.#resizes.push(observer);
  }

  /**
   * While an element is out of sight no frame is asked for; what was asked for meanwhile comes when it is back.
   * @param {Element} element
   */
  onlyInSight(element) {
    this.watchSight(element, (visible) => {
      this.#visible = visible;
      if (visible && this.#wanted) this.request();
    });
  }

  /**
   * Tells whether an element is in sight, now and whenever that changes.
   * @param {Element} element
   * @param {(visible: boolean) => void} told
   */
  watchSight(element, told) {
    const observer = new IntersectionObserver((entries) => told(entries[entries.length - 1].isIntersecting));
    observer.observe(element);
    this.#sights.push(observer);
  }

  /** For good: nothing is watched and no frame comes any more. */
  stop() {
    this.#stopped = true;
    cancelAnimationFrame(this.#request);
    this.#request = 0;
    for (const observer of [...this.#resizes, ...this.#sights]) observer.disconnect();
  }
}

/** Whether the reader asked for less motion. */
export const prefersCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
