// Sources 28404ae6e9bb016e; made by "npm run build": edit the modules, not this file.
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

// dashboard/components/browser_token/cookie.js
function tokenIn(cookies, name) {
  for (const cookie of cookies.split(";")) {
    const [key, value] = cookie.trim().split("=");
    if (key === name && /^[0-9a-f]{32}$/.test(value ?? "")) return value;
  }
  return null;
}
function cookieText({ name, token, maxAge }, protocol) {
  const secure = protocol === "https:" ? "; Secure" : "";
  return `${name}=${token}; Path=/; Max-Age=${maxAge}; SameSite=Lax${secure}`;
}

// dashboard/components/browser_token/index.js
var BrowserToken = class {
  /**
   * @param {Uint8Array} data
   * @param {import("../shared/mount.js").Mounted} mounted
   */
  update(data, { setTriggerValue }) {
    const kept = jsonOf(data);
    try {
      const found = tokenIn(document.cookie, kept.name);
      if (found === null) document.cookie = cookieText(kept, location.protocol);
      else if (found !== kept.token) setTriggerValue("found", found);
    } catch {
    }
  }
  destroy() {
  }
};
var index_default = elementOf(".browser-token", () => new BrowserToken());
export {
  index_default as default
};
