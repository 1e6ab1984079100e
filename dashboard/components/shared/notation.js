/** The formulas of a conditional model, as dashboard/notation.py writes them; one table of examples tests both. */

import { findAll } from "./mount.js";

const DENSITY = /((?<![A-Za-z])[pqI](?:_\\?\w+)?\(|E\}?\[)([^()[\]]*)([)\]])/g;
const X = /(?<![A-Za-z\\])x(?![A-Za-z])/;
const Y = /(?<![A-Za-z\\])y(?![A-Za-z])/;

/**
 * The same words and formulas of the model given y: p(x|z) is p(x|z, y), and log p(x) is log p(x|y).
 * @param {string} text
 */
export const givenY = (text) =>
  text.replace(
    DENSITY,
    (found, /** @type {string} */ name, /** @type {string} */ inner, /** @type {string} */ end) => {
      const hasBar = inner.includes("|") || inner.includes("\\mid");
      if (!X.test(inner) || Y.test(inner) || (name.startsWith("E") && !hasBar)) return found;
      return `${name}${inner}${hasBar ? ", y" : "|y"}${end}`;
    },
  );

/**
 * Text as it is said of a model that is given y, or of one that is not.
 * @param {string} text
 * @param {boolean} isGiven
 */
export const written = (text, isGiven) => (isGiven ? givenY(text) : text);

/** Titles and texts as they were delivered. @type {WeakMap<Node, string>} */
const delivered = new WeakMap();

/**
 * Writes the text and the tooltip of elements anew; not that of elements within them.
 * @param {HTMLElement} root
 * @param {string} selector
 * @param {boolean} isGiven
 */
export function writeAll(root, selector, isGiven) {
  for (const element of findAll(root, selector)) {
    for (const node of element.childNodes) {
      if (node.nodeType === Node.TEXT_NODE)
        node.nodeValue = written(originalOf(node, node.nodeValue), isGiven);
    }
    if (element.title) element.title = written(originalOf(element, element.title), isGiven);
  }
}

/**
 * @param {Node} node
 * @param {string | null} text
 */
function originalOf(node, text) {
  const found = delivered.get(node) ?? text ?? "";
  delivered.set(node, found);
  return found;
}
