/** Which key press means a button of the page, and which belongs to what has the focus. */

/** @typedef {Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">} Press */

/**
 * A key press as it is written in the table: "Ctrl+Enter", " ", "ArrowRight"; the command key counts as Ctrl.
 * @param {Press} press
 */
export function nameOf({ key, ctrlKey, metaKey, altKey, shiftKey }) {
  return `${ctrlKey || metaKey ? "Ctrl+" : ""}${altKey ? "Alt+" : ""}${shiftKey ? "Shift+" : ""}${key}`;
}

/**
 * @typedef {object} Focus What has the focus.
 * @property {"nothing" | "button" | "slider" | "other"} kind A field, or a drawing that has keys of its own, is "other".
 * @property {boolean} inDialog Whether a dialog is open.
 */

/**
 * Whether a key is the page's while this has the focus. A slider leaves the space bar to the page, so that a
 * training can be held right after β was dragged; a button has both, space and Enter, for itself.
 * @param {string} name
 * @param {Focus} focus
 */
export function isForPage(name, { kind, inDialog }) {
  if (inDialog || kind === "other") return false;
  if (kind === "nothing" || name === "Escape") return true;
  return kind === "button" ? name === "Ctrl+Enter" : name === " " || name === "Ctrl+Enter";
}
