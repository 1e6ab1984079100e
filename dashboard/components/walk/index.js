// A point wanders through the latent plane by itself until a pointer or a key takes it over.

const walks = new WeakMap();
const AMPLITUDE = 1.6;
const ROUND_MS = 20000;
const REST_MS = 2000;
const TRAIL_MS = 1500;
const GLIDE_MS = 500;
const LONGEST_FRAME_MS = 50;
const STEP = 0.1;
const FINE_STEP = 0.02;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

// The closed path: a Lissajous figure of the frequencies 3 and 2.
function pathAt(phase) {
  const angle = 2 * Math.PI * phase;
  return [AMPLITUDE * Math.sin(3 * angle + 0.6), AMPLITUDE * Math.sin(2 * angle)];
}

const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

function nearestPhase(z) {
  const phases = Array.from({ length: 500 }, (_, k) => k / 500);
  return phases.reduce((best, phase) => (apart(pathAt(phase), z) < apart(pathAt(best), z) ? phase : best));
}

// The plane below the dot: it has no pointer of its own.
class Backdrop extends Plane {
  connect() {}

  tell() {}
}

class Walk {
  constructor(root) {
    this.root = root;
    const find = (selector) => root.querySelector(selector);
    [this.dot, this.caption, this.button] = [".dot", ".z", "button"].map(find);
    this.map = new Backdrop(find(".map"), null, () => this.refresh());
    this.image = new DecodedImage(find(".picture canvas"));
    this.trail = [];
    this.phase = 0;
    this.restUntil = 0;
    this.last = 0;
    this.frame = 0;
    this.visible = true;
    this.play(!matchMedia("(prefers-reduced-motion: reduce)").matches);
    this.connect();
    this.observe();
  }

  observe() {
    this.resizes = new ResizeObserver(() => this.refresh());
    this.resizes.observe(this.dot);
    this.sights = new IntersectionObserver((entries) => {
      this.visible = entries.at(-1).isIntersecting;
      this.request();
    });
    this.sights.observe(this.root);
  }

  connect() {
    this.button.onclick = () => this.play(!this.playing);
    const point = ({ x, y }) => {
      this.pointed = true;
      this.take([this.map.frame.x(x), this.map.frame.y(y)]);
    };
    const leave = () => {
      this.pointed = false;
      this.letGo();
    };
    listen(this.dot, { hover: point, drag: point, drop: point, leave, wheel: () => false, reset: () => {} });
    this.dot.onkeydown = (event) => {
      if (!event.ctrlKey && !event.metaKey && !event.altKey && this.key(event)) event.preventDefault();
    };
    this.dot.onfocus = () => this.announce();
    this.dot.onblur = () => {
      this.keyed = false;
      this.letGo();
    };
  }

  key({ key, shiftKey }) {
    const arrow = ARROWS[key];
    if (!arrow) return false;
    this.keyed = true;
    const step = shiftKey ? FINE_STEP : STEP;
    this.take(this.z.map((value, axis) => value + arrow[axis] * step));
    this.announce();
    return true;
  }

  // For screen readers, told on focus and by keys only: a wandering point would never stop talking.
  announce() {
    this.dot.setAttribute("aria-valuetext", this.caption.textContent);
    this.dot.setAttribute("aria-valuenow", this.z[0].toFixed(2));
  }

  take(z) {
    const { axis } = this.image.data;
    this.z = z.map((value) => clamp(value, axis[0], axis.at(-1)));
    this.away = null;
    this.caption.textContent = this.zText();
    this.request();
  }

  letGo() {
    this.restUntil = performance.now() + REST_MS;
    this.request();
  }

  play(playing) {
    this.playing = playing;
    this.restUntil = 0;
    this.button.textContent = playing ? "Pause" : "Play";
    this.request();
  }

  zText() {
    return `z = (${this.z.map((value) => fixed(value, 2)).join(", ")})`;
  }

  update(payload) {
    this.theme = readTheme(this.root, payload.palettes);
    this.root.style.setProperty("--decoded", this.theme.concepts.decoded);
    const labels = new Int32Array(bytesOf(payload.labels).buffer);
    const { class_names: classNames, plane: axes, latent_dim: latentDim, image_shape: shape } = payload;
    const [rows, columns] = payload.grid_shape;
    this.map.set({ means: floatsOf(payload.means), labels, classNames, axes, latentDim }, 0, true);
    this.image.set({ bytes: bytesOf(payload.grid), shape, rows, columns, axis: floatsOf(payload.grid_axis) });
    this.dot.setAttribute("aria-valuemin", this.image.data.axis[0].toFixed(2));
    this.dot.setAttribute("aria-valuemax", this.image.data.axis.at(-1).toFixed(2));
    if (!this.z) this.take(pathAt(this.phase));
    this.announce();
    this.refresh();
  }

  refresh() {
    this.stale = true;
    this.request();
  }

  request() {
    if (this.visible && this.theme) this.frame ||= requestAnimationFrame((now) => this.tick(now));
  }

  // A hidden tab gets no frames; what is out of sight asks for none.
  tick(now) {
    this.frame = 0;
    if (this.stale) this.map.draw(this.theme, now);
    this.stale = false;
    this.wander(now, Math.min(now - this.last, LONGEST_FRAME_MS));
    this.last = now;
    this.image.draw(this.z);
    this.caption.textContent = this.zText();
    this.drawDot(now);
    if (this.free() || this.trail.length > 1) this.request();
  }

  free() {
    return this.playing && !this.pointed && !this.keyed;
  }

  // Along the path; what separates the point from it, where it was let go, fades.
  wander(now, milliseconds) {
    if (!this.free() || now < this.restUntil) return;
    if (!this.away) {
      this.phase = nearestPhase(this.z);
      this.away = pathAt(this.phase).map((value, axis) => this.z[axis] - value);
    }
    this.phase = (this.phase + milliseconds / ROUND_MS) % 1;
    this.away = this.away.map((value) => value * Math.exp(-milliseconds / GLIDE_MS));
    this.z = pathAt(this.phase).map((value, axis) => value + this.away[axis]);
  }

  drawDot(now) {
    const { context } = prepare(this.dot);
    const { px, py } = this.map.frame;
    this.trail.push({ z: this.z, now });
    this.trail = this.trail.filter((place) => now - place.now < TRAIL_MS);
    // A point that has rested as long as its trail lasts leaves only itself.
    if (this.trail.every(({ z }) => apart(z, this.z) === 0)) this.trail.length = 1;
    for (let i = 1; i < this.trail.length; i++) {
      context.beginPath();
      for (const { z } of this.trail.slice(i - 1, i + 1)) context.lineTo(px(z[0]), py(z[1]));
      const alpha = 1 - (now - this.trail[i].now) / TRAIL_MS;
      stroke(context, this.theme.text, { width: 1 + 3 * alpha, alpha: 0.7 * alpha });
    }
    context.beginPath();
    context.arc(px(this.z[0]), py(this.z[1]), 8, 0, 2 * Math.PI);
    stroke(context, this.theme.text, { width: 7 });
    stroke(context, this.theme.background, { width: 4 });
    context.fillStyle = this.theme.concepts.decoded;
    context.fill();
  }

  destroy() {
    cancelAnimationFrame(this.frame);
    this.resizes.disconnect();
    this.sights.disconnect();
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".walk");
  let walk = walks.get(parentElement);
  if (walk?.root !== root) {
    walk?.destroy();
    walk = new Walk(root);
    walks.set(parentElement, walk);
  }
  walk.update(JSON.parse(new TextDecoder().decode(data)));
  return () => {
    walk.destroy();
    walks.delete(parentElement);
  };
}
