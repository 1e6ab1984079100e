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
    root.onkeydown = (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      this.choose(event.target);
    };
  }

  /**
   * Tells Python which unit was clicked or pressed, as [layer, unit].
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
    const held = this.root.querySelector("[data-unit]:focus");
    const place = held?.closest(".wide") ? ".wide" : ".tall";
    find(this.root, ".wide").innerHTML = wide;
    find(this.root, ".tall").innerHTML = tall;
    this.root.setAttribute("aria-label", label);
    if (held) this.focus(`${place} [data-place="${held.getAttribute("data-place")}"]`, held);
  }

  /**
   * The unit of another drawing that stands where one stood that had the focus.
   * @param {string} layer
   * @param {Element} before
   */
  focus(layer, before) {
    const unit = this.root.querySelector(`${layer}[data-unit="${before.getAttribute("data-unit")}"]`);
    if (unit instanceof SVGElement) unit.focus();
  }

  destroy() {
    this.root.onclick = this.root.onkeydown = null;
  }
}

export default elementOf(".network", (root, mounted) => new Network(root, mounted));
