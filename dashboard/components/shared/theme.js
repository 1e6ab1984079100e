/** The colours and the font of the page, with the palette of the dashboard that fits them. */

/**
 * @typedef {object} Palette
 * @property {Record<string, string>} concepts A colour for each concept: elbo, kl, decoded, prior, ...
 * @property {string[]} classes A colour for each class of the data.
 * @property {string[]} ghosts A colour for each kept run.
 *
 * @typedef {Palette & { background: string, text: string, font: string }} Theme
 *
 * @typedef {{ light: Palette, dark: Palette }} Palettes
 */

/** @type {CanvasRenderingContext2D | null} */
let parser = null;

/**
 * Red, green and blue, from 0 to 255, of any opaque colour that CSS knows.
 * @param {string} colour
 */
export function rgbOf(colour) {
  parser ??= contextOf(document.createElement("canvas"));
  const context = parser;
  context.fillStyle = colour;
  const hex = String(context.fillStyle);
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {CanvasRenderingContext2D}
 */
export function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("the browser gives no drawing context");
  return context;
}

/** @param {string} colour */
function isDark(colour) {
  const [red, green, blue] = rgbOf(colour);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128;
}

/** @param {CSSStyleDeclaration} style */
const backgroundOf = (style) => style.getPropertyValue("--st-background-color").trim() || "#ffffff";

/** @param {string} background */
const nameFor = (background) => (isDark(background) ? "dark" : "light");

/**
 * Which of the two themes an element stands in.
 * @param {HTMLElement} element
 */
export const nameOfTheme = (element) => nameFor(backgroundOf(getComputedStyle(element)));

/**
 * @param {HTMLElement} element
 * @param {Palettes} palettes
 * @returns {Theme}
 */
export function readTheme(element, palettes) {
  const style = getComputedStyle(element);
  const background = backgroundOf(style);
  const text = style.getPropertyValue("--st-text-color").trim() || "#222222";
  return { background, text, font: style.fontFamily, ...palettes[nameFor(background)] };
}
