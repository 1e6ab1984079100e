/** Marks of classes: a colour and a shape for each, the same ones as in the charts (figures/classes.py). */

/** @typedef {import("./theme.js").Theme} Theme */

/** Seven, which shares no factor with ten colours: 70 classes differ in colour or shape, most of them in both. */
export const NUM_SHAPES = 7;

/** From 70 classes on each round of 70 keeps this share of its colour; the rest is that of the class three on. */
const TONE = 0.6;
const NEXT = 3;

/** Radii and angles, in right angles, of the corners of an arm of the cross. */
const ARM = [1.26, -0.2, 1.26, 0.2, 0.57, 0.5];

/** For each shape but the circle: how many turns, the angle of the first, and a turn's radii and angles. */
const SHAPES = [
  [4, 0.5, 1.27, 0],
  [4, 0, 1.27, 0],
  [3, -1, 1.45, 0],
  [3, 1, 1.45, 0],
  [4, 0, ...ARM],
  [4, 0.5, ...ARM],
];

/**
 * The number of the shape of a class's marks.
 * @param {number} label
 */
export const shapeOf = (label) => (label < 0 ? 0 : label % NUM_SHAPES);

/**
 * The colour of a class, #RRGGBB; a negative label means "no class".
 * @param {Pick<Theme, "classes" | "text">} theme
 * @param {number} label
 */
export function classColour({ classes, text }, label) {
  if (label < 0) return text;
  const share = TONE ** Math.floor(label / (classes.length * NUM_SHAPES));
  const [own, other] = [label, label + NEXT].map((k) => classes[k % classes.length]);
  const parts = [1, 3, 5].map((at) => {
    const [a, b] = [own, other].map((colour) => parseInt(colour.slice(at, at + 2), 16));
    return (256 + Math.round(b + share * (a - b))).toString(16).slice(1);
  });
  return `#${parts.join("")}`;
}

/**
 * Adds the mark of a class to the current path.
 * @param {CanvasRenderingContext2D} context
 * @param {number} label
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 */
export function addMark(context, label, x, y, radius) {
  const shape = shapeOf(label);
  if (shape === 0) {
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
    return;
  }
  const [turns, start, ...corners] = SHAPES[shape - 1];
  for (let turn = 0; turn < turns; turn++) {
    for (let k = 0; k < corners.length; k += 2) {
      const angle = (start + (4 * turn) / turns + corners[k + 1]) * (Math.PI / 2);
      const place = [x + radius * corners[k] * Math.cos(angle), y + radius * corners[k] * Math.sin(angle)];
      context[turn + k ? "lineTo" : "moveTo"](place[0], place[1]);
    }
  }
  context.closePath();
}
