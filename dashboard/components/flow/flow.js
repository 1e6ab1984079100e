// The flow charts of training and of generation: one update in slow motion, its stages light up one by one.

const flows = new WeakMap();
const STAGES = [
  ["x"], ["encoder"], ["posterior"], ["z"], ["decoder"], ["decoded"], ["fit", "kl"], ["loss"], ["back"], ["update"],
  ["converged"], ["prior"], ["decoder_again"], ["generated"],
];
// From one card to another, and at which sides: right, left, bottom or top.
const ARROWS = [
  ["x", "encoder", "rl"], ["encoder", "posterior", "rl"], ["posterior", "z", "rl"], ["z", "decoder", "rl"],
  ["decoder", "decoded", "rl"], ["decoded", "fit", "bt"], ["posterior", "kl", "bt"], ["fit", "loss", "lr"],
  ["kl", "loss", "rl"], ["loss", "back", "bt"], ["back", "update", "lr"], ["update", "converged", "lr"],
  ["converged", "x", "tb"],
  ["prior", "decoder_again", "rl"], ["decoder_again", "generated", "rl"],
];
const COLOURS = {
  x: "data", posterior: "posterior", z: "posterior", decoded: "decoded", fit: "reconstruction", kl: "kl",
  loss: "elbo", prior: "prior", generated: "decoded",
};
const MOST_NUMBERS = 2;
const HEAD = 8;

function vector(values) {
  const shown = values.slice(0, MOST_NUMBERS).map((value) => fixed(value, 2));
  return shown.join(", ") + (values.length > MOST_NUMBERS ? ", …" : "");
}

class Flow {
  constructor(root) {
    this.root = root;
    this.cards = Object.fromEntries([...root.querySelectorAll(".card")].map((card) => [card.dataset.stage, card]));
    for (const [name, card] of Object.entries(this.cards)) card.style.setProperty("--area", name);
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.resizes = new ResizeObserver(() => this.request());
    this.resizes.observe(root);
    this.frame = 0;
  }

  update(payload) {
    this.theme = readTheme(this.root, payload.palettes);
    for (const [name, concept] of Object.entries(COLOURS)) {
      this.cards[name].style.setProperty("--colour", this.theme.concepts[concept]);
    }
    if (this.payload?.run === payload.run && this.payload.step === payload.step) return this.request();
    this.payload = payload;
    this.began = performance.now();
    this.write(payload);
    this.request();
  }

  write({ step, epoch, num_steps: numSteps, layers, numbers, patience, learning_rate: rate, ...rest }) {
    const { mean, std, eps, z, prior_z: priorZ, is_deterministic: plain } = rest;
    const say = (name, text) => (this.cards[name].querySelector("p").textContent = text);
    const sizes = (part) => layers[part].join(" → ");
    this.root.querySelector(".of").textContent = `of step ${step}: the first of ${numbers.num_data} data in its mini-batch`;
    for (const name of ["x", "decoded", "generated"]) this.picture(name, rest[name], rest.image_shape);
    say("encoder", sizes("encoder"));
    say("posterior", plain ? `z = μ\nμ ${vector(mean)}` : `μ ${vector(mean)}\nσ ${vector(std)}`);
    say("z", plain ? `no noise\nz ${vector(z)}` : `ε ${vector(eps)}\nz ${vector(z)}`);
    for (const name of ["decoder", "decoder_again"]) say(name, sizes("decoder"));
    say("fit", `${fixed(numbers.reconstruction, 2)} nats`);
    say("kl", `${fixed(numbers.kl, 2)} nats`);
    const here = numbers.beta * numbers.kl - numbers.reconstruction;
    say("loss", `${fixed(here, 2)} nats with β ${brief(numbers.beta)}\nmini-batch mean ${fixed(-numbers.objective, 2)}`);
    say("back", `‖∂loss/∂θ‖ ${brief(numbers.decoder_gradient)}\n‖∂loss/∂φ‖ ${brief(numbers.encoder_gradient)}`);
    say("update", `η ${brief(rate)}\n‖change‖ ${brief(numbers.change)}`);
    const rule = patience === null ? "" : `\nstops after ${patience} epochs without a rise`;
    say("converged", `${step < numSteps ? "no: next mini-batch" : "yes: the end"}\nstep ${step} of ${numSteps}${rule}`);
    say("prior", `z ${vector(priorZ)}`);
  }

  picture(name, values, shape) {
    const canvas = this.cards[name].querySelector("canvas");
    canvas.hidden = !shape;
    this.cards[name].querySelector("p").textContent = shape ? "" : vector(values);
    if (!shape) return;
    const [height, width] = shape;
    Object.assign(canvas, { height, width });
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    const words = new Uint32Array(image.data.buffer);
    values.forEach((value, p) => (words[p] = 0xff000000 | (Math.round(clamp(value, 0, 1) * 255) * 0x010101)));
    context.putImageData(image, 0, 0);
    canvas.setAttribute("aria-label", `${this.cards[name].querySelector("h4").textContent}, ${width} by ${height} pixels`);
  }

  // Which stage is lit: all have been when time is up.
  stage(now) {
    if (this.calm.matches) return STAGES.length;
    return Math.min(STAGES.length, Math.floor(((now - this.began) / this.payload.duration_ms) * STAGES.length));
  }

  request() {
    this.frame ||= requestAnimationFrame((now) => this.tick(now));
  }

  tick(now) {
    this.frame = 0;
    const stage = this.stage(now);
    this.root.dataset.lit = stage;
    this.root.dataset.step = this.payload.step;
    STAGES.forEach((names, at) => {
      for (const name of names) this.cards[name].dataset.is = at < stage ? "done" : at === stage ? "now" : "next";
    });
    for (const canvas of this.root.querySelectorAll(".arrows")) this.drawArrows(canvas, now);
    if (stage < STAGES.length) this.request();
  }

  drawArrows(canvas, now) {
    const { context, width } = prepare(canvas);
    if (!width) return;
    const box = canvas.getBoundingClientRect();
    for (const [from, to, sides] of ARROWS) {
      if (this.cards[from].parentElement !== canvas.parentElement) continue;
      const [a, b] = [this.place(from, sides[0], box), this.place(to, sides[1], box)];
      // Up and down straight, also where one card is wider than the other.
      if ("bt".includes(sides[0])) a.x = b.x;
      this.arrow(context, a, b, this.cards[to].dataset.is, now);
    }
  }

  place(name, side, box) {
    const { left, right, top, bottom } = this.cards[name].getBoundingClientRect();
    const [x, y] = [(left + right) / 2 - box.left, (top + bottom) / 2 - box.top];
    return {
      l: { x: left - box.left, y }, r: { x: right - box.left, y }, t: { x, y: top - box.top }, b: { x, y: bottom - box.top },
    }[side];
  }

  // Dashes run along the arrow that leads to what is lit now.
  arrow(context, a, b, state, now) {
    const colour = state === "now" ? this.theme.concepts.elbo : this.theme.text;
    const alpha = state === "next" ? 0.25 : 0.8;
    const angle = Math.atan2(b.y - a.y, b.x - a.x);
    context.lineDashOffset = -now / 20;
    context.beginPath();
    context.moveTo(a.x, a.y);
    context.lineTo(b.x - HEAD * Math.cos(angle), b.y - HEAD * Math.sin(angle));
    stroke(context, colour, { width: 3, alpha, dash: state === "now" ? [6, 5] : [] });
    context.beginPath();
    for (const turn of [0, 2.6, -2.6]) {
      const [x, y] = turn ? [b.x + HEAD * 1.4 * Math.cos(angle + turn), b.y + HEAD * 1.4 * Math.sin(angle + turn)] : [b.x, b.y];
      context.lineTo(x, y);
    }
    context.fillStyle = colour;
    context.globalAlpha = alpha;
    context.fill();
    context.globalAlpha = 1;
  }

  destroy() {
    cancelAnimationFrame(this.frame);
    this.resizes.disconnect();
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".flow");
  let flow = flows.get(parentElement);
  if (flow?.root !== root) {
    flow?.destroy();
    flow = new Flow(root);
    flows.set(parentElement, flow);
  }
  flow.update(JSON.parse(new TextDecoder().decode(data)));
  return () => {
    flow.destroy();
    flows.delete(parentElement);
  };
}
