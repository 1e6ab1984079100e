/** Keys that press buttons of the page, as a click does: a disabled button is not pressed. */

import { jsonOf } from "../shared/arrays.js";
import { elementOf } from "../shared/mount.js";
import { isForPage, nameOf } from "./shortcuts.js";

/** @typedef {Record<string, string>} Message By the name of a key press, the key of the button that it presses. */

const FIELDS = "input, textarea, select, [contenteditable='true'], [role='combobox'], [role='spinbutton']";
const DIALOGS = "[role='dialog'], [role='menu'], [role='listbox']";

class Keys {
  /** @type {Message} */
  buttons = {};

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.press = (/** @type {KeyboardEvent} */ event) => this.hear(event);
    this.click = (/** @type {MouseEvent} */ event) => this.letGo(event);
    // The one element that listens to the whole page: it ends with `destroy`.
    document.addEventListener("keydown", this.press);
    document.addEventListener("click", this.click);
  }

  /** @param {Uint8Array} data */
  update(data) {
    this.buttons = jsonOf(data);
    this.root.dataset.keys = Object.keys(this.buttons).join(" ");
  }

  /** @param {KeyboardEvent} event */
  hear(event) {
    const name = nameOf(event);
    if (event.defaultPrevented || event.isComposing || !Object.hasOwn(this.buttons, name)) return;
    if (!isForPage(name, focusNow())) return;
    // Also where a key stays down: the space bar would scroll the page.
    event.preventDefault();
    if (!event.repeat) buttonOf(this.buttons[name])?.click();
  }

  /**
   * A button that was clicked by hand lets the focus go: otherwise the space bar would press it again.
   * @param {MouseEvent} event
   */
  letGo({ detail, target }) {
    if (!detail || !(target instanceof Element)) return;
    const clicked = target.closest("button");
    if (!clicked || !Object.values(this.buttons).some((key) => clicked.closest(placeOf(key)))) return;
    clicked.blur();
  }

  destroy() {
    document.removeEventListener("keydown", this.press);
    document.removeEventListener("click", this.click);
  }
}

/** @param {string} key */
const placeOf = (key) => `.st-key-${CSS.escape(key)}`;

/** @param {string} key */
function buttonOf(key) {
  const found = document.querySelector(`${placeOf(key)} button:enabled`);
  return found instanceof HTMLElement ? found : null;
}

/** @returns {import("./shortcuts.js").Focus} */
function focusNow() {
  const inDialog = document.querySelector(DIALOGS) !== null;
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  return { kind: kindOf(active), inDialog };
}

/**
 * @param {Element | null} active
 * @returns {import("./shortcuts.js").Focus["kind"]}
 */
function kindOf(active) {
  if (!active || active === document.body || active === document.documentElement) return "nothing";
  if (active.matches(FIELDS)) return "other";
  if (active.matches("button, a, summary")) return "button";
  if (active.matches(".dial [role='slider']")) return "slider";
  // What scrolls is focused by a click on the page; a drawing has a name or a role.
  return active.matches("canvas, [role], [aria-label]") || active.getRootNode() !== document
    ? "other"
    : "nothing";
}

export default elementOf(".keys", (root) => new Keys(root));
