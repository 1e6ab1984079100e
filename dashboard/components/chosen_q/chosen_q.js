// A q that is dragged by hand or walks to the best one; nothing is sent to the server.

const chosen = new WeakMap();
const STEP_MS = 33;
const KINDS = {
  components: [Components, BarsRoom],
  line: [NoisyPlace, LineRoom],
  plane: [NoisyPlace, PlaneRoom],
};

class ChosenQ {
  constructor(root) {
    this.root = root;
    const find = (selector) => root.querySelector(selector);
    [this.canvas, this.sliders, this.said, this.ratio] = [".picture", ".sliders", ".said", ".ratio"].map(find);
    [this.best, this.back] = [".best", ".back"].map(find);
    this.account = new Account(root);
    this.frame = 0;
    this.connect();
    this.resizes = new ResizeObserver(() => this.request());
    this.resizes.observe(this.canvas);
  }

  connect() {
    let held = null;
    const drag = (at, start) => {
      this.halt();
      held ??= this.room.grab(start, this.q);
      this.take(this.room.drag(at, this.q, held));
    };
    const drop = (at, start) => {
      drag(at, start);
      held = null;
    };
    const leave = () => {
      held = null;
    };
    listen(this.canvas, { hover: () => {}, drag, drop, leave, wheel: () => false, reset: () => {} });
    this.best.onclick = () => (this.steps ? this.halt() : this.go());
    this.back.onclick = () => {
      this.halt();
      this.bounds = [];
      this.said.textContent = "";
      this.take(this.room.start(this.model));
    };
  }

  update(payload) {
    const [Model, Room] = KINDS[payload.kind];
    this.theme = readTheme(this.root, payload.palettes);
    this.root.dataset.kind = payload.kind;
    this.root.style.setProperty("--elbo", this.theme.concepts.elbo);
    this.root.style.setProperty("--miss", this.theme.concepts.kl_to_posterior);
    const again = this.kind === payload.kind;
    this.kind = payload.kind;
    this.halt();
    this.model = new Model(payload);
    this.room = again ? this.room : new Room();
    this.bounds = [];
    this.said.textContent = "";
    if (!again) this.buildSliders();
    this.take(again ? this.q : this.room.start(this.model));
  }

  buildSliders() {
    this.inputs = this.room.sliders(this.model).map(({ label, range: [min, max, step], read, write }) => {
      const row = document.createElement("label");
      const [name, input, value] = ["span", "input", "output"].map((tag) => document.createElement(tag));
      name.textContent = label;
      Object.assign(input, { type: "range", min, max, step });
      input.setAttribute("aria-label", label);
      input.oninput = () => {
        this.halt();
        this.take(write(this.q, Number(input.value)));
      };
      row.append(name, input, value);
      return { row, input, value, read, step };
    });
    this.sliders.replaceChildren(...this.inputs.map(({ row }) => row));
  }

  take(q) {
    this.q = q;
    this.account.set(this.model.account(q), this.model.logEvidence);
    for (const { input, value, read } of this.inputs) {
      input.value = read(q);
      value.textContent = fixed(read(q), 2);
    }
    if (this.kind === "components") this.ratio.textContent = fixed(this.model.ratio(q), 5);
    this.request();
  }

  go() {
    this.bounds = [];
    this.said.textContent = "";
    this.steps = this.model.walk(this.q);
    this.last = 0;
    this.best.textContent = "Stop";
    this.request();
  }

  halt() {
    this.steps = null;
    this.best.textContent = "Find the best q";
  }

  request() {
    this.frame ||= requestAnimationFrame((now) => this.tick(now));
  }

  tick(now) {
    this.frame = 0;
    if (this.steps && now - this.last >= STEP_MS) {
      this.last = now;
      this.advance();
    }
    this.room.draw(this.canvas, this.theme, this.model, this.q);
    this.account.draw(this.theme);
    this.account.drawTrace(this.theme, this.bounds);
    if (this.steps) this.request();
  }

  advance() {
    const { value, done } = this.steps.next();
    if (done) return this.arrive();
    this.take(value);
    this.bounds.push(this.account.parts.bound);
  }

  arrive() {
    this.halt();
    const left = fixed(Math.max(0, this.account.parts.klToPosterior), 3);
    this.said.textContent =
      this.kind === "components"
        ? `q is the posterior: the gap is ${left} nats and F = log p(x).`
        : `The best Gaussian from here still misses ${left} nats: the approximation gap. Another start may end at another bump.`;
  }

  destroy() {
    cancelAnimationFrame(this.frame);
    this.resizes.disconnect();
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".chosen");
  let element = chosen.get(parentElement);
  if (element?.root !== root) {
    element?.destroy();
    element = new ChosenQ(root);
    chosen.set(parentElement, element);
  }
  element.update(JSON.parse(new TextDecoder().decode(data)));
  return () => {
    element.destroy();
    chosen.delete(parentElement);
  };
}
