/** The latent space as a place to move in; another run starts it afresh, from the HTML as it was delivered. */

import { elementOf } from "../shared/mount.js";
import { Explorer } from "./explorer.js";
import { readMeta } from "./message.js";

/** @typedef {import("../shared/mount.js").Mounted} Mounted */

class LatentElement {
  /** @type {Explorer | null} */
  #explorer = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.blank = root.cloneNode(true);
  }

  /**
   * Another run has other sizes, classes and data.
   * @param {Uint8Array} bytes
   * @param {Mounted} mounted
   */
  update(bytes, { setTriggerValue }) {
    if (this.#explorer?.config.run === readMeta(bytes).run) {
      this.#explorer.update(bytes);
    } else {
      if (this.#explorer) this.#clear();
      this.#explorer = new Explorer(this.root, bytes);
    }
    this.#explorer.send = setTriggerValue;
  }

  #clear() {
    this.destroy();
    const blank = /** @type {HTMLElement} */ (this.blank.cloneNode(true));
    for (const { name } of [...this.root.attributes]) this.root.removeAttribute(name);
    for (const { name, value } of blank.attributes) this.root.setAttribute(name, value);
    this.root.replaceChildren(...blank.childNodes);
  }

  destroy() {
    this.#explorer?.destroy();
  }
}

export default elementOf(".explorer", (root) => new LatentElement(root));
