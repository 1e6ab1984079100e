// A sheet to draw an input on: its posterior, its reconstruction and the two terms at the posterior's mean.

const MAX_SHEETS = 50;
const ERASER = 1.6;
const NOT_FINITE = "The encoder's answer is not a finite number: this training has diverged.";
const AT_MEAN = "The ELBO averages log p(x|z) over all z from q; here z is the mean of q.";

// The brush covers about as many data pixels as the pens of the digits and of MNIST did.
const brushRadius = ([, width]) => Math.max(0.9, width / 16);

class DrawingPad {
  constructor(root, host) {
    Object.assign(this, { root, host, shape: host.config.image_shape, undos: [], next: 0, erases: false });
    root.hidden = !this.shape;
    if (!this.shape) return;
    this.ink = new Ink(this.shape);
    this.build();
    this.connect();
    this.show();
    host.offers.push(() => [this.offer()]);
    host.onChange((_, change) => {
      if (change === "weights") this.read(false);
      if (change === "theme") this.colour();
    });
  }

  offer() {
    const title = "Drawing, as the model sees it, reconstruction";
    if (!this.posterior) return { title, hint: this.sentence() };
    const arrays = () => ({ x: floats(this.input), ...posteriorArrays(this.host.model, this.posterior) });
    const held = { holds: "x, decoded, mean, std", arrays };
    return { ...pixelOffer(title, "drawing", this.pad, this.seen, this.again), ...held };
  }

  build() {
    const button = (textContent, onclick) => newElement("button", { type: "button", textContent, onclick });
    this.pad = this.picture("pad", "Draw here", "Drawing sheet, for mouse, pen or finger. The button below it needs none.");
    this.seen = this.picture("seen", "What the model sees", "The input as the model sees it");
    this.again = this.picture("again", "Reconstruction E[x|z] at the mean", "Reconstruction");
    const pictures = newElement("div", { className: "pictures" });
    pictures.append(...[this.pad, this.seen, this.again].map((canvas) => canvas.parentElement));
    this.eraser = button("Eraser", () => this.choose(!this.erases));
    this.undo = button("Undo", () => this.back());
    this.clear = button("Clear", () => this.change(() => (this.ink = new Ink(this.shape))));
    this.take = button("Take a test image", () => this.change(() => this.takeNext()));
    const tools = newElement("div", { className: "bar" });
    tools.append(this.eraser, this.undo, this.clear, this.take, this.fitChoice());
    this.terms = newElement("dl");
    this.note = newElement("p");
    this.note.setAttribute("aria-live", "polite");
    const title = newElement("h3", { textContent: "Draw an input: where does the encoder put it?" });
    const side = newElement("div");
    side.append(tools, this.terms, this.note);
    const desk = newElement("div", { className: "desk" });
    desk.append(pictures, side);
    this.root.replaceChildren(title, desk);
    this.choose(false);
    this.colour();
  }

  picture(name, caption, alt) {
    const [height, width] = this.shape;
    const isPad = name === "pad";
    const canvas = newElement("canvas", { className: name });
    Object.assign(canvas, isPad ? { width: this.ink.width, height: this.ink.height } : { width, height });
    canvas.style.aspectRatio = `${width} / ${height}`;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", alt);
    const figure = newElement("figure");
    figure.append(canvas, newElement("figcaption", { textContent: caption }));
    return canvas;
  }

  fitChoice() {
    const label = newElement("label");
    this.fitted = newElement("input", { type: "checkbox", checked: true });
    this.fitted.onchange = () => this.read(true);
    label.append(this.fitted, "centre and scale");
    label.title = "Moves and scales the drawing as the data set's own images are; a test image stays as it is.";
    return label;
  }

  colour() {
    const { reconstruction, kl } = this.host.theme.concepts;
    this.root.style.setProperty("--reconstruction", reconstruction);
    this.root.style.setProperty("--kl", kl);
  }

  choose(erases) {
    this.erases = erases;
    this.eraser.setAttribute("aria-pressed", String(erases));
  }

  connect() {
    this.pad.onpointerdown = (event) => {
      if (event.button || !event.isPrimary) return;
      this.pad.setPointerCapture(event.pointerId);
      this.keep();
      this.taken = null;
      this.last = this.place(event);
      this.draw(event);
    };
    this.pad.onpointermove = (event) => {
      if (!this.last || !event.isPrimary) return;
      const events = event.getCoalescedEvents?.() ?? [];
      for (const each of events.length ? events : [event]) this.draw(each);
    };
    const end = () => {
      if (!this.last) return;
      this.last = null;
      this.read(true);
    };
    this.pad.onpointerup = end;
    this.pad.onpointercancel = end;
  }

  // Where an event is, in data pixels.
  place({ clientX, clientY }) {
    const { left, top, width, height } = this.pad.getBoundingClientRect();
    return { x: ((clientX - left) / width) * this.shape[1], y: ((clientY - top) / height) * this.shape[0] };
  }

  draw(event) {
    const here = this.place(event);
    const radius = brushRadius(this.shape) * (this.erases ? ERASER : 1);
    this.ink.line(this.last, here, radius, this.erases);
    this.last = here;
    this.showSheet();
  }

  keep() {
    this.undos = [...this.undos, { values: this.ink.values.slice(), taken: this.taken }].slice(-MAX_SHEETS);
  }

  change(make) {
    this.keep();
    this.taken = null;
    make();
    this.choose(false);
    this.read(true);
  }

  back() {
    const { values, taken } = this.undos.pop();
    this.ink.values = values;
    this.taken = taken;
    this.read(true);
  }

  takeNext() {
    const { data } = this.host;
    this.taken = { index: this.next % data.countWithX, x: data.datum(this.next % data.countWithX) };
    this.ink.put(this.taken.x);
    this.next += 1;
  }

  // Encodes what is on the sheet; `moves` says whether z goes to the posterior's mean.
  read(moves) {
    this.posterior = null;
    const isEmpty = this.ink.measure() === null;
    this.input = this.taken?.x ?? (isEmpty ? null : this.ink.input(this.fitted.checked));
    const posterior = this.input && this.host.model.encode(this.input);
    this.isFinite = !posterior || [...posterior.mean, ...posterior.std].every(isFiniteNumber);
    if (posterior && this.isFinite) this.posterior = posterior;
    this.host.showPosterior?.(this.posterior);
    if (moves && this.posterior) this.host.setZ(this.posterior.mean, "draw");
    this.show();
  }

  show() {
    this.undo.disabled = this.undos.length === 0;
    this.showSheet();
    this.paint(this.seen, this.input ?? []);
    this.paint(this.again, this.posterior ? this.host.model.decode(this.posterior.mean) : []);
    this.showTerms();
    this.note.textContent = this.sentence();
  }

  sentence() {
    if (!this.isFinite && this.input) return NOT_FINITE;
    if (!this.input) return "Draw, or take a test image.";
    if (!this.taken) return AT_MEAN;
    const { labels } = this.host.data;
    const label = labels[this.taken.index];
    const name = label < 0 ? "" : `, class ${this.host.config.class_names[label] ?? label}`;
    return `Held-out image ${this.taken.index + 1}${name}, as it is. ${AT_MEAN}`;
  }

  showTerms() {
    this.terms.replaceChildren();
    if (!this.posterior) return;
    const reconstruction = this.host.model.logLikelihood(this.input, this.posterior.mean);
    const hasKl = this.host.config.config.encoder_head !== "deterministic";
    const kl = this.host.model.kl(this.posterior);
    this.addTerm("reconstruction", "log p(x|z) at the mean", reconstruction);
    if (hasKl) this.addTerm("kl", "KL(q ‖ prior)", kl);
    if (hasKl) this.addTerm("difference", "their difference", reconstruction - kl);
  }

  addTerm(name, title, nats) {
    const term = newElement("div", { className: name });
    const value = newElement("dd", { textContent: `${fixed(nats, 1)} nats` });
    term.append(newElement("dt", { textContent: title }), value);
    this.terms.append(term);
  }

  showSheet() {
    this.paint(this.pad, this.ink.values);
  }

  // Numbers from 0 (black) to 1 (white), row by row; nothing leaves the picture empty.
  paint(canvas, values) {
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!values.length) return;
    const bytes = Uint8ClampedArray.from(values, (value) => value * 255);
    context.drawImage(pictureSheet(bytes, [canvas.height, canvas.width], 1), 0, 0);
  }
}
