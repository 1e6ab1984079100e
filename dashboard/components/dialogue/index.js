/**
 * Keeps the focus in the dialogue around it.
 *
 * The library behind a dialogue takes the focus away from it for a moment, half a second after it opened, for the
 * sake of a screen reader. Where the space bar or a screen reader had pressed the button it gave it back only after
 * all transitions on the page, which may be never: Escape did nothing until Tab was pressed.
 */

import { elementOf } from "../shared/mount.js";

class Dialogue {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.dialogue = /** @type {HTMLElement | null} */ (root.closest("[role='dialog']"));
    this.hold = () => this.take();
    this.letGo = () => {
      clearTimeout(this.timer);
      // What is to have the focus next has it after this event.
      this.timer = setTimeout(this.hold);
    };
    this.dialogue?.addEventListener("focusout", this.letGo);
    this.take();
  }

  /** The focus, where nothing has it. */
  take() {
    if (document.activeElement === document.body) this.dialogue?.focus();
  }

  update() {}

  destroy() {
    clearTimeout(this.timer);
    this.dialogue?.removeEventListener("focusout", this.letGo);
  }
}

export default elementOf(".dialogue", (root) => new Dialogue(root));
