// A drawing context that keeps what is drawn on it as SVG: of the canvas's calls those that our drawings use.

const SVG = "http://www.w3.org/2000/svg";
const ANCHORS = { left: "start", center: "middle", right: "end" };
// Not every viewer knows dominant-baseline: the text is moved by a share of its size instead.
const RISES_BY = { top: "0.8em", middle: "0.35em", bottom: "-0.2em" };
const short = (value) => String(Math.round(value * 100) / 100);

class VectorContext {
  globalAlpha = 1;
  lineWidth = 1;
  fillStyle = "#000000";
  strokeStyle = "#000000";
  font = "400 12px sans-serif";
  textAlign = "left";
  textBaseline = "middle";
  imageSmoothingEnabled = true;
  dash = [];
  states = [];
  clips = 0;

  constructor(width, height) {
    this.root = document.createElementNS(SVG, "svg");
    this.group = this.root;
    this.set(this.root, { width, height, viewBox: `0 0 ${width} ${height}` });
  }

  // The paper is never cleared and its unit stays: layers come one above the other.
  clearRect() {}

  setTransform() {}

  set(element, attributes) {
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  }

  add(name, attributes) {
    const element = document.createElementNS(SVG, name);
    this.set(element, attributes);
    if (this.globalAlpha < 1) element.setAttribute("opacity", this.globalAlpha);
    this.run = null;
    return this.group.appendChild(element);
  }

  enter(attributes) {
    this.group = this.group.appendChild(document.createElementNS(SVG, "g"));
    this.set(this.group, attributes);
    this.run = null;
  }

  save() {
    this.states.push(this.group);
  }

  restore() {
    this.group = this.states.pop();
    this.run = null;
  }

  translate(x, y) {
    this.enter({ transform: `translate(${short(x)} ${short(y)})` });
  }

  rotate(angle) {
    this.enter({ transform: `rotate(${short((angle * 180) / Math.PI)})` });
  }

  clip() {
    const id = `clip${++this.clips}`;
    const clip = this.group.appendChild(document.createElementNS(SVG, "clipPath"));
    clip.id = id;
    this.set(clip.appendChild(document.createElementNS(SVG, "path")), { d: this.path });
    this.enter({ "clip-path": `url(#${id})` });
  }

  beginPath() {
    this.path = "";
    this.end = "";
  }

  moveTo(x, y) {
    this.end = `${short(x)} ${short(y)}`;
    this.path += `M${this.end}`;
  }

  lineTo(x, y) {
    const end = `${short(x)} ${short(y)}`;
    if (end !== this.end) this.path += `${this.end ? "L" : "M"}${end}`;
    this.end = end;
  }

  closePath() {
    this.path += "Z";
    this.end = "";
  }

  rect(x, y, width, height) {
    this.path += `M${short(x)} ${short(y)}h${short(width)}v${short(height)}h${short(-width)}Z`;
    this.end = "";
  }

  arc(x, y, radius) {
    this.ellipse(x, y, radius, radius);
  }

  // Whole ones only: two halves.
  ellipse(x, y, right, up) {
    const [start, radii] = [`${short(x + right)} ${short(y)}`, `${short(right)} ${short(up)}`];
    this.lineTo(x + right, y);
    this.path += `A${radii} 0 1 1 ${short(x - right)} ${short(y)}A${radii} 0 1 1 ${start}`;
  }

  setLineDash(dash) {
    this.dash = dash;
  }

  get pen() {
    const pen = { fill: "none", stroke: this.strokeStyle, "stroke-width": this.lineWidth, "stroke-linejoin": "round" };
    return this.dash.length ? { ...pen, "stroke-dasharray": this.dash.join(" ") } : pen;
  }

  fill() {
    this.add("path", { d: this.path, fill: this.fillStyle });
  }

  stroke() {
    this.add("path", { d: this.path, ...this.pen });
  }

  // One path for all that follow each other in one colour, else 60 000 data would be as many elements.
  fillRect(x, y, width, height) {
    const before = this.run?.style === `${this.fillStyle} ${this.globalAlpha}` ? this.run : null;
    const drawn = before?.drawn ?? [];
    const element = before?.element ?? this.add("path", { fill: this.fillStyle });
    drawn.push(`M${short(x)} ${short(y)}h${short(width)}v${short(height)}h${short(-width)}Z`);
    this.run = { style: `${this.fillStyle} ${this.globalAlpha}`, drawn, element };
    if (!before) (this.runs ??= []).push(this.run);
  }

  strokeRect(x, y, width, height) {
    this.add("rect", { x, y, width, height, ...this.pen });
  }

  text(text, x, y, ink) {
    const [, weight, size, family] = this.font.match(/^(\S+) (\S+)px (.*)$/);
    const type = { "font-family": family, "font-size": size, "font-weight": weight };
    const place = { x: short(x), y: short(y), dy: RISES_BY[this.textBaseline], "text-anchor": ANCHORS[this.textAlign] };
    this.add("text", { ...place, ...type, ...ink }).textContent = text;
  }

  fillText(text, x, y) {
    this.text(text, x, y, { fill: this.fillStyle });
  }

  strokeText(text, x, y) {
    this.text(text, x, y, this.pen);
  }

  // A bitmap travels in the file.
  drawImage(canvas, x, y, width, height) {
    const image = this.add("image", { href: canvas.toDataURL(), x, y, width, height, preserveAspectRatio: "none" });
    if (!this.imageSmoothingEnabled) image.setAttribute("style", "image-rendering: pixelated");
  }

  toString() {
    for (const { element, drawn } of this.runs ?? []) element.setAttribute("d", drawn.join(""));
    return new XMLSerializer().serializeToString(this.root);
  }
}
