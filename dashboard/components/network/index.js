/** A drawn network: an SVG for wide and one for narrow screens; the style sheet shows the one that fits. */

import { jsonOf } from "../shared/arrays.js";
import { elementOf, find } from "../shared/mount.js";

/** @typedef {{ wide: string, tall: string, label: string }} Message Two SVG texts, and what they show in words. */

class Network {
  /**
   * @param {HTMLElement} root
   * @param {import("../shared/mount.js").Mounted} mounted
   */
  constructor(root, { setTriggerValue }) {
    this.root = root;
    this.send = setTriggerValue;
    root.onclick = ({ target }) => this.choose(target);
  }

  /**
   * Tells Python which unit was clicked, as [layer, unit].
   * @param {EventTarget | null} target
   */
  choose(target) {
    const unit = target instanceof Element ? target.closest("[data-unit]") : null;
    if (!unit) return;
    this.send("unit", [unit.getAttribute("data-place"), unit.getAttribute("data-unit")].map(Number));
  }

  /**
   * @param {Uint8Array} data
   * @param {import("../shared/mount.js").Mounted} mounted
   */
  update(data, { setTriggerValue }) {
    /** @type {Message} */
    const { wide, tall, label } = jsonOf(data);
    this.send = setTriggerValue;
    find(this.root, ".wide").innerHTML = wide;
    find(this.root, ".tall").innerHTML = tall;
    this.root.setAttribute("aria-label", label);
  }

  destroy() {
    this.root.onclick = null;
  }
}

export default elementOf(".network", (root, mounted) => new Network(root, mounted));
