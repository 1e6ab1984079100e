// One row of the traversal: the range of a latent dimension, its slider, and what the decoder makes of it.

const UNUSED_NATS = 0.01;
const UNUSED = "unused: q is the prior here";
const SLIDER_STEPS = 120;
const PRIOR_REACH = 3;

// Mean and standard deviation of the posterior means in one dimension.
function momentsOf({ means, latentDim }, dim) {
  const n = means.length / latentDim;
  let [sum, squares] = [0, 0];
  for (let i = dim; i < means.length; i += latentDim) sum += means[i];
  for (let i = dim; i < means.length; i += latentDim) squares += (means[i] - sum / n) ** 2;
  return { mean: sum / n, std: Math.sqrt(squares / n) };
}

function rangeOf(data, dim, kind) {
  if (kind === "prior") return [-PRIOR_REACH, PRIOR_REACH];
  const { mean, std } = momentsOf(data, dim);
  return std > 0 && isFiniteNumber(std) ? [mean - 3 * std, mean + 3 * std] : [-PRIOR_REACH, PRIOR_REACH];
}

// One dimension: its name and KL, a native slider, Play, and its strip.
class SliderRow {
  constructor(room, dim) {
    this.dim = dim;
    this.strip = new (room.host.config.image_shape ? ImageStrip : PathStrip)(room.host, dim);
    this.element = newElement("div", { className: "dimension" });
    this.element.dataset.dim = dim;
    this.label = newElement("label");
    this.output = newElement("output");
    this.play = newElement("button", { type: "button", onclick: () => room.togglePlay(dim) });
    this.slider = newElement("input", { type: "range", id: `traversal-${dim}` });
    this.slider.oninput = () => room.slide(dim, Number(this.slider.value));
    this.label.htmlFor = this.slider.id;
    this.strip.canvas.onclick = ({ offsetX }) => {
      const column = Math.floor((offsetX / this.strip.canvas.clientWidth) * STRIP_VALUES);
      if (this.strip.share) room.slide(dim, spread(this.range, STRIP_VALUES)[clamp(column, 0, STRIP_VALUES - 1)]);
    };
    const head = newElement("div", { className: "head" });
    head.append(this.label, this.output, this.play);
    this.element.append(head, this.slider, this.strip.canvas);
  }

  // kl: nats, or null where the encoder has no q.
  describe(range, kl) {
    this.range = range;
    this.faint = kl !== null && kl < UNUSED_NATS;
    this.use = kl === null ? "" : `KL ${fixed(kl, 2)}`;
    const parts = [zName(this.dim), kl === null ? "" : `${this.use} nats`, this.faint ? UNUSED : ""];
    this.label.textContent = parts.filter(Boolean).join(" · ");
    this.element.classList.toggle("unused", this.faint);
    const [min, max] = range;
    Object.assign(this.slider, { min, max, step: (max - min) / SLIDER_STEPS });
    this.shown = null;
  }

  show(value, plays) {
    this.play.textContent = plays ? "Pause" : "Play";
    this.play.setAttribute("aria-label", `${this.play.textContent} ${zName(this.dim)}`);
    if (this.strip.share) this.element.style.setProperty("--half", `${50 * this.strip.share}%`);
    if (value === this.shown) return;
    this.shown = value;
    if (Number(this.slider.value) !== value) this.slider.value = value;
    this.output.textContent = fixed(value, 2);
    this.slider.setAttribute("aria-valuetext", `${zName(this.dim)} = ${fixed(value, 2)}`);
  }
}
