/** A drawing context that keeps what is drawn on it as SVG: of the canvas's calls those that our drawings use. */

const SVG = "http://www.w3.org/2000/svg";
/** @type {Record<string, string>} */
const ANCHORS = { left: "start", center: "middle", right: "end" };
/**
 * Not every viewer knows dominant-baseline: the text is moved by a share of its size instead.
 * @type {Record<string, string>}
 */
const RISES_BY = { top: "0.8em", middle: "0.35em", bottom: "-0.2em" };

/** @param {number} value */
const short = (value) => String(Math.round(value * 100) / 100);

/** @typedef {Record<string, string | number>} Attributes */

/**
 * @param {Element} element
 * @param {Attributes} attributes
 */
function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
}

export class SvgContext {
  globalAlpha = 1;
  lineWidth = 1;
  fillStyle = "#000000";
  strokeStyle = "#000000";
  font = "400 12px sans-serif";
  textAlign = "left";
  textBaseline = "middle";
  imageSmoothingEnabled = true;
  /** @type {number[]} */
  dash = [];
  /** @type {Element[]} */
  states = [];
  clips = 0;
  path = "";
  end = "";
  /** The rectangles that follow each other in one colour. @type {{ style: string, drawn: string[], element: Element } | null} */
  run = null;
  /** @type {{ drawn: string[], element: Element }[]} */
  runs = [];

  /**
   * @param {number} width
   * @param {number} height
   */
  constructor(width, height) {
    this.root = document.createElementNS(SVG, "svg");
    /** @type {Element} */
    this.group = this.root;
    set(this.root, { width, height, viewBox: `0 0 ${width} ${height}` });
  }

  /** In the place of a canvas's own context. */
  asContext() {
    return /** @type {CanvasRenderingContext2D} */ (/** @type {unknown} */ (this));
  }

  /** What was drawn is never cleared and the unit stays: layers come one above the other. */
  clearRect() {}

  setTransform() {}

  /**
   * @param {string} name
   * @param {Attributes} attributes
   */
  add(name, attributes) {
    const element = document.createElementNS(SVG, name);
    set(element, attributes);
    if (this.globalAlpha < 1) element.setAttribute("opacity", String(this.globalAlpha));
    this.run = null;
    return this.group.appendChild(element);
  }

  /** @param {Attributes} attributes */
  enter(attributes) {
    this.group = this.group.appendChild(document.createElementNS(SVG, "g"));
    set(this.group, attributes);
    this.run = null;
  }

  save() {
    this.states.push(this.group);
  }

  restore() {
    this.group = this.states.pop() ?? this.root;
    this.run = null;
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  translate(x, y) {
    this.enter({ transform: `translate(${short(x)} ${short(y)})` });
  }

  /** @param {number} angle */
  rotate(angle) {
    this.enter({ transform: `rotate(${short((angle * 180) / Math.PI)})` });
  }

  clip() {
    const id = `clip${++this.clips}`;
    const clip = this.group.appendChild(document.createElementNS(SVG, "clipPath"));
    clip.id = id;
    set(clip.appendChild(document.createElementNS(SVG, "path")), { d: this.path });
    this.enter({ "clip-path": `url(#${id})` });
  }

  beginPath() {
    this.path = "";
    this.end = "";
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  moveTo(x, y) {
    this.end = `${short(x)} ${short(y)}`;
    this.path += `M${this.end}`;
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  lineTo(x, y) {
    const end = `${short(x)} ${short(y)}`;
    if (end !== this.end) this.path += `${this.end ? "L" : "M"}${end}`;
    this.end = end;
  }

  closePath() {
    this.path += "Z";
    this.end = "";
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  rect(x, y, width, height) {
    this.path += rectanglePath(x, y, width, height);
    this.end = "";
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} radius
   */
  arc(x, y, radius) {
    this.ellipse(x, y, radius, radius);
  }

  /**
   * Whole ones only: two halves.
   * @param {number} x
   * @param {number} y
   * @param {number} right
   * @param {number} up
   */
  ellipse(x, y, right, up) {
    const [start, radii] = [`${short(x + right)} ${short(y)}`, `${short(right)} ${short(up)}`];
    this.lineTo(x + right, y);
    this.path += `A${radii} 0 1 1 ${short(x - right)} ${short(y)}A${radii} 0 1 1 ${start}`;
  }

  /** @param {number[]} dash */
  setLineDash(dash) {
    this.dash = dash;
  }

  /** @returns {Attributes} */
  get pen() {
    const { strokeStyle: stroke, lineWidth, dash } = this;
    const pen = { fill: "none", stroke, "stroke-width": lineWidth, "stroke-linejoin": "round" };
    return dash.length ? { ...pen, "stroke-dasharray": dash.join(" ") } : pen;
  }

  fill() {
    this.add("path", { d: this.path, fill: this.fillStyle });
  }

  stroke() {
    this.add("path", { d: this.path, ...this.pen });
  }

  /**
   * One path for all that follow each other in one colour, else 60 000 points would be as many elements.
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  fillRect(x, y, width, height) {
    const style = `${this.fillStyle} ${this.globalAlpha}`;
    if (this.run?.style !== style) {
      const run = { style, drawn: [], element: this.add("path", { fill: this.fillStyle }) };
      this.runs.push(run);
      this.run = run;
    }
    this.run.drawn.push(rectanglePath(x, y, width, height));
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  strokeRect(x, y, width, height) {
    this.add("rect", { x, y, width, height, ...this.pen });
  }

  /**
   * @param {string} text
   * @param {number} x
   * @param {number} y
   * @param {Attributes} ink
   */
  text(text, x, y, ink) {
    const [, weight, size, family] = this.font.match(/^(\S+) (\S+)px (.*)$/) ?? [
      "",
      "400",
      "12",
      "sans-serif",
    ];
    const type = { "font-family": family, "font-size": size, "font-weight": weight };
    const { textBaseline, textAlign } = this;
    const place = { x: short(x), y: short(y), dy: RISES_BY[textBaseline], "text-anchor": ANCHORS[textAlign] };
    this.add("text", { ...place, ...type, ...ink }).textContent = text;
  }

  /**
   * @param {string} text
   * @param {number} x
   * @param {number} y
   */
  fillText(text, x, y) {
    this.text(text, x, y, { fill: this.fillStyle });
  }

  /**
   * @param {string} text
   * @param {number} x
   * @param {number} y
   */
  strokeText(text, x, y) {
    this.text(text, x, y, this.pen);
  }

  /**
   * A bitmap is part of the file.
   * @param {HTMLCanvasElement} canvas
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  drawImage(canvas, x, y, width, height) {
    const place = { x, y, width, height, preserveAspectRatio: "none" };
    const image = this.add("image", { href: canvas.toDataURL(), ...place });
    if (!this.imageSmoothingEnabled) image.setAttribute("style", "image-rendering: pixelated");
  }

  toString() {
    for (const { element, drawn } of this.runs) element.setAttribute("d", drawn.join(""));
    return new XMLSerializer().serializeToString(this.root);
  }
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 */
function rectanglePath(x, y, width, height) {
  return `M${short(x)} ${short(y)}h${short(width)}v${short(height)}h${short(-width)}Z`;
}
