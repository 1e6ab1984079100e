// Sources d405b283e3a9c5d6; made by "npm run build": edit the modules, not this file.
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

// dashboard/components/address/query.js
var EMBEDDING = ["embed", "embed_options"];
function withEmbedding(query, present) {
  const wanted = new URLSearchParams(query);
  for (const [name, value] of new URLSearchParams(present))
    if (EMBEDDING.includes(name)) wanted.append(name, value);
  const text = wanted.toString();
  return text && `?${text}`;
}

// dashboard/components/address/index.js
var obeyed = 0;
var said = null;
var Address = class {
  /**
   * @param {Uint8Array} data
   * @param {import("../shared/mount.js").Mounted} mounted
   */
  update(data, { setTriggerValue }) {
    const { page, query, isNew, order, begins } = jsonOf(data);
    if (order <= obeyed || !location.pathname.endsWith(`/${page}`)) return;
    obeyed = order;
    const search = withEmbedding(query, location.search);
    const stood = said !== null && said === location.search;
    said = search;
    if (search === location.search) return;
    if (begins && stood) {
      said = location.search;
      setTriggerValue("found", location.search.slice(1));
      return;
    }
    const address = `${location.pathname}${search}`;
    if (isNew) history.pushState({}, "", address);
    else history.replaceState({}, "", address);
  }
  destroy() {
  }
};
var index_default = elementOf(".address", () => new Address());
export {
  index_default as default
};
