// Sources 462043811a863c1b; made by "npm run build": edit the modules, not this file.
// dashboard/components/shared/arrays.js
var jsonOf = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

// dashboard/components/shared/mount.js
function elementOf(selector, create) {
  const places = /* @__PURE__ */ new WeakMap();
  return (mounted) => {
    const { data, parentElement } = mounted;
    const root = find(parentElement, selector);
    let place = places.get(parentElement);
    if (place?.root !== root) {
      place?.instance.destroy();
      place = { root, instance: create(root, mounted) };
      places.set(parentElement, place);
    }
    if (data) place.instance.update(data, mounted);
    return () => {
      places.get(parentElement)?.instance.destroy();
      places.delete(parentElement);
    };
  };
}
function find(root, selector) {
  const found = root.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`no element ${selector}`);
  return found;
}

// dashboard/components/keys/shortcuts.js
function nameOf({ key, ctrlKey, metaKey, altKey, shiftKey }) {
  return `${ctrlKey || metaKey ? "Ctrl+" : ""}${altKey ? "Alt+" : ""}${shiftKey ? "Shift+" : ""}${key}`;
}
function isForPage(name, { kind, inDialog }) {
  if (inDialog || kind === "other") return false;
  if (kind === "nothing" || name === "Escape") return true;
  return kind === "button" ? name === "Ctrl+Enter" : name === " " || name === "Ctrl+Enter";
}

// dashboard/components/keys/index.js
var FIELDS = "input, textarea, select, [contenteditable='true'], [role='combobox'], [role='spinbutton']";
var DIALOGS = "[role='dialog'], [role='menu'], [role='listbox']";
var Keys = class {
  /** @type {Message} */
  buttons = {};
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.press = (event) => this.hear(event);
    this.click = (event) => this.letGo(event);
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
};
var placeOf = (key) => `.st-key-${CSS.escape(key)}`;
function buttonOf(key) {
  const found = document.querySelector(`${placeOf(key)} button:enabled`);
  return found instanceof HTMLElement ? found : null;
}
function focusNow() {
  const inDialog = document.querySelector(DIALOGS) !== null;
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  return { kind: kindOf(active), inDialog };
}
function kindOf(active) {
  if (!active || active === document.body || active === document.documentElement) return "nothing";
  if (active.matches(FIELDS)) return "other";
  if (active.matches("button, a, summary")) return "button";
  if (active.matches(".dial [role='slider']")) return "slider";
  return active.matches("canvas, [role], [aria-label]") || active.getRootNode() !== document ? "other" : "nothing";
}
var index_default = elementOf(".keys", (root) => new Keys(root));
export {
  index_default as default
};
