/** How an element meets Streamlit: one instance a place on the page, told of new data, removed at the end. */

/**
 * What Streamlit hands to the default export of a module: at the start, with each change of data, and of theme.
 * @typedef {object} Mounted
 * @property {Uint8Array | null | undefined} data What Python sent; nothing before the first message.
 * @property {string} key
 * @property {HTMLElement | ShadowRoot} parentElement
 * @property {(name: string, value: unknown) => void} setTriggerValue
 *
 * @typedef {object} Instance
 * @property {(data: Uint8Array, mounted: Mounted) => void} update
 * @property {() => void} destroy Ends what outlives the nodes: frames, observers, timers.
 */

/**
 * The default export of an element's module.
 *
 * The instance is made before its first data and has to bear every event from then on.
 *
 * @param {string} selector Of the element's root in its HTML.
 * @param {(root: HTMLElement, mounted: Mounted) => Instance} create
 * @returns {(mounted: Mounted) => () => unknown} Called again for the same place it tells the same instance.
 */
export function elementOf(selector, create) {
  /** @type {WeakMap<object, { root: HTMLElement, instance: Instance }>} */
  const places = new WeakMap();
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
    const { instance } = place;
    // Streamlit also calls this for a message that a newer one has overtaken, and the element stays: it has
    // ended where its nodes are gone from the page, which they are once the task that removes them is over.
    return () =>
      setTimeout(() => {
        if (root.isConnected) return;
        instance.destroy();
        if (places.get(parentElement)?.instance === instance) places.delete(parentElement);
      });
  };
}

/**
 * The first node below a root that a selector names; it has to be there.
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement}
 */
export function find(root, selector) {
  const found = root.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`no element ${selector}`);
  return found;
}

/**
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement[]}
 */
export const findAll = (root, selector) =>
  [...root.querySelectorAll(selector)].filter((one) => one instanceof HTMLElement);

/**
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLCanvasElement}
 */
export const findCanvas = (root, selector) => /** @type {HTMLCanvasElement} */ (find(root, selector));

/**
 * A new node with some of its properties.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} [properties]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export const newElement = (tag, properties = {}) => Object.assign(document.createElement(tag), properties);

/**
 * @param {string} textContent
 * @param {() => void} onclick
 */
export const newButton = (textContent, onclick) =>
  newElement("button", { type: "button", textContent, onclick });
