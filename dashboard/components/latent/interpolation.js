// Between two pins: eleven decoded pictures on the way from one to the other, and z moving along it.

const STRIP_PICTURES = 11;
const WAY_POINTS = 41;
const PASS_MS = 4000;
const NEARLY_PARALLEL = 1e-6;

function linearBetween(a, b, share) {
  return a.map((value, j) => value + share * (b[j] - value));
}

// At constant angular speed on the great circle through both (Shoemake 1985), the length going with the share.
function sphericalBetween(a, b, share) {
  const [lengthA, lengthB] = [a, b].map((z) => Math.hypot(...z));
  const cosine = a.reduce((sum, value, j) => sum + value * b[j], 0) / (lengthA * lengthB);
  const angle = Math.acos(clamp(cosine, -1, 1));
  if (!(Math.sin(angle) > NEARLY_PARALLEL)) return linearBetween(a, b, share);
  const [fromA, fromB] = [Math.sin((1 - share) * angle), Math.sin(share * angle)].map((part) => part / Math.sin(angle));
  return a.map((value, j) => fromA * value + fromB * b[j]);
}

class InterpolationRoom {
  constructor(root, host) {
    this.root = root;
    this.host = host;
    const find = (selector) => root.querySelector(selector);
    [this.hint, this.tools, this.strip] = [".hint", ".tools", ".strip"].map(find);
    [this.play, this.slider] = [".play", "input"].map(find);
    this.kinds = [...root.querySelectorAll("[data-kind]")];
    for (const button of this.kinds) button.onclick = () => this.choose(button.dataset.kind);
    this.play.onclick = () => this.run(!this.playing);
    this.slider.oninput = () => this.go(Number(this.slider.value), false);
    this.choose("linear");
    host.onChange((z, source) => this.told(source));
    host.offers.push(() => [this.offer()]);
  }

  offer() {
    const [title, file] = ["From pin 1 to pin 2", "between-pins"];
    if (!this.ready) return { title, hint: "Pin two places of the plane first." };
    if (this.host.failure) return { title, hint: this.host.failure };
    const picture = this.strip.hidden ? { title, file } : pixelOffer(title, file, this.strip);
    return { ...picture, holds: "share, z, x", arrays: () => this.arrays() };
  }

  arrays() {
    const shares = range(STRIP_PICTURES).map((k) => k / (STRIP_PICTURES - 1));
    return { share: floats(shares), ...placesArrays(this.host.model, shares.map((share) => this.at(share))) };
  }

  choose(kind) {
    this.between = kind === "spherical" ? sphericalBetween : linearBetween;
    for (const button of this.kinds) button.setAttribute("aria-pressed", button.dataset.kind === kind);
    this.host.note("pins");
  }

  get ready() {
    return this.host.pins.length === 2;
  }

  at(share) {
    return this.between(...this.host.pins, share);
  }

  told(source) {
    if (source === "pins" || source === "weights") this.show();
    // Whoever else moves z has taken it over.
    if (this.playing && ["pointer", "keys", "pins"].includes(source)) this.run(false);
    if (this.playing) this.advance(this.host.now);
  }

  show() {
    this.hint.hidden = this.ready;
    this.tools.hidden = this.strip.hidden = !this.ready;
    this.host.path = this.ready ? range(WAY_POINTS).map((k) => this.at(k / (WAY_POINTS - 1))) : null;
    if (this.ready && this.host.isImage) this.drawStrip();
    else this.strip.hidden = true;
  }

  drawStrip() {
    const { config, model } = this.host;
    const bytes = new Uint8Array(STRIP_PICTURES * config.config.data_dim);
    for (const k of range(STRIP_PICTURES)) {
      const decoded = model.decode(this.at(k / (STRIP_PICTURES - 1)));
      const grey = Uint8Array.from(decoded, (value) => Math.round(255 * clamp(value, 0, 1)));
      bytes.set(grey, k * grey.length);
    }
    const [height, width] = config.image_shape;
    const sheet = pictureSheet(bytes, [height, width], STRIP_PICTURES);
    Object.assign(this.strip, { width: STRIP_PICTURES * (width + 1) - 1, height });
    const context = this.strip.getContext("2d");
    for (const k of range(STRIP_PICTURES)) {
      context.drawImage(sheet, k * width, 0, width, height, k * (width + 1), 0, width, height);
    }
  }

  run(playing) {
    this.playing = playing;
    this.play.textContent = playing ? "Pause" : "Play";
    if (playing && this.share() >= 1) this.slider.value = 0;
    this.since = performance.now();
    if (playing) this.go(this.share(), true);
  }

  share() {
    return Number(this.slider.value);
  }

  advance(now) {
    const share = this.share() + Math.max(0, now - this.since) / PASS_MS;
    this.since = now;
    this.go(Math.min(1, share), share < 1);
    if (share >= 1) this.run(false);
  }

  go(share, playing) {
    if (!playing && this.playing) this.run(false);
    this.slider.value = share;
    this.slider.setAttribute("aria-valuetext", `${Math.round(100 * share)} % of the way`);
    this.host.setZ(this.at(share), "play");
  }
}
