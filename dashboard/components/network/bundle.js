// Sources fe3d273ffa0ce915; made by "npm run build": edit the modules, not this file.
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

// dashboard/components/network/index.js
var Network = class {
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
    const { wide, tall, label } = jsonOf(data);
    this.send = setTriggerValue;
    find(this.root, ".wide").innerHTML = wide;
    find(this.root, ".tall").innerHTML = tall;
    this.root.setAttribute("aria-label", label);
  }
  destroy() {
    this.root.onclick = null;
  }
};
var index_default = elementOf(".network", (root, mounted) => new Network(root, mounted));
export {
  index_default as default
};
