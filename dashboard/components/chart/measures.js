/**
 * What a label measures, kept: it does not depend on where the label stands.
 *
 * Plotly measures a label by a copy in a hidden drawing of its own, anew at each place where the label stands, and
 * the browser lays out the page for each: a third of the time of a chart whose axes have moved.
 */

const MOST = 2000;
const SHIFTED = /^translate\((-?[\d.]+)(?:px)?[ ,]+(-?[\d.]+)(?:px)?\)$/;
const HERE = { left: 0, right: 0, top: 0, bottom: 0, width: 0, height: 0 };

/** @typedef {Record<"left" | "right" | "top" | "bottom" | "width" | "height", number>} Box */

/**
 * The label that is all there is of a copy, and its place; null where what it measures may depend on more.
 * @param {Element} copy
 * @returns {{ label: string, x: number, y: number } | null}
 */
export function placeOf(copy) {
  const text = copy.tagName === "g" && copy.childNodes.length === 1 ? copy.firstElementChild : copy;
  if (text?.tagName !== "text" || (text !== copy && copy.hasAttribute("transform"))) return null;
  if (text.querySelector("[x], [transform]")) return null; // of several lines
  const shift = text.getAttribute("transform");
  const [, right, down] = shift ? (SHIFTED.exec(shift) ?? []) : ["", "0", "0"];
  if (right === undefined || down === undefined) return null; // turned
  const bare = /** @type {Element} */ (text.cloneNode(true));
  for (const name of ["x", "y", "transform"]) bare.removeAttribute(name);
  const at = (/** @type {string} */ name) => Number(text.getAttribute(name) ?? 0);
  return { label: bare.outerHTML, x: at("x") + Number(right), y: at("y") + Number(down) };
}

/**
 * Has a drawing of Plotly's answer from memory what it measured before.
 * @param {Element} drawing The hidden one.
 */
export function keepMeasures(drawing) {
  const origin = drawing.querySelector(".js-reference-point");
  if (!origin) return;
  /** @type {Map<string, Box>} */
  const boxes = new Map();
  let isFromOrigin = false;
  const add = drawing.appendChild;
  const measure = Element.prototype.getBoundingClientRect;

  /** @param {Element} copy */
  const measured = (copy) => {
    const place = placeOf(copy);
    const known = place && boxes.get(place.label);
    if (known) return moved(known, place.x, place.y);
    const from = measure.call(origin);
    const box = moved(measure.call(copy), -from.left, -from.top);
    if (boxes.size >= MOST) boxes.clear();
    if (place) boxes.set(place.label, moved(box, -place.x, -place.y));
    return box;
  };

  // Plotly asks for the copy's box, and then for that of the drawing's origin.
  origin.getBoundingClientRect = () => {
    const box = isFromOrigin ? /** @type {DOMRect} */ (HERE) : measure.call(origin);
    isFromOrigin = false;
    return box;
  };
  drawing.appendChild = (node) => {
    add.call(drawing, node);
    if (node instanceof Element)
      node.getBoundingClientRect = () => {
        isFromOrigin = true;
        return /** @type {DOMRect} */ (measured(node));
      };
    return node;
  };
  document.fonts.addEventListener("loadingdone", () => boxes.clear());
}

/**
 * @param {Box} box
 * @param {number} x
 * @param {number} y
 * @returns {Box}
 */
function moved(box, x, y) {
  const { left, right, top, bottom, width, height } = box;
  return { left: left + x, right: right + x, top: top + y, bottom: bottom + y, width, height };
}
