// The held-out datum whose posterior mean is nearest to z: what it is, what becomes of it, and its q(z|x).

class NearestRoom {
  constructor(root, host) {
    this.root = root;
    this.host = host;
    const find = (selector) => root.querySelector(selector);
    [this.pair, this.missing] = [".pair", ".missing"].map(find);
    this.facts = new Map([...root.querySelectorAll("dd")].map((fact) => [fact.className, fact]));
    this.pair.hidden = !host.isImage;
    if (host.isImage) {
      const shape = host.config.image_shape;
      [this.x, this.reconstruction] = [".x", ".reconstruction"].map((name) => new PixelCanvas(find(name), shape));
    }
    host.onChange((z, source) => this.told(source));
    host.offers.push(() => this.offers());
  }

  told(source) {
    const { nearest, axes, config } = this.host;
    const shown = [nearest, axes, config.hash].join(";");
    if (shown === this.shown && source !== "theme") return;
    this.shown = shown;
    this.root.classList.toggle("none", nearest === null);
    if (nearest !== null) this.show(nearest);
  }

  offers() {
    const [title, file] = ["Nearest datum and its reconstruction", "nearest"];
    if (this.host.failure) return [{ title, hint: this.host.failure }];
    if (this.host.nearest === null) return [{ title, hint: "Switch a class on first: none is shown." }];
    const canvases = [this.x, this.reconstruction].map((one) => one?.context.canvas);
    const picture = this.pair.hidden ? { title, file } : pixelOffer(title, file, ...canvases);
    const x = this.missing.hidden ? "x, " : "";
    return [{ ...picture, holds: `row, ${x}decoded, mean, std`, arrays: () => this.arrays() }];
  }

  // x is missing where it was left out to save bytes.
  arrays() {
    const { nearest, data, model } = this.host;
    const x = data.datum(nearest);
    const row = { shape: [], values: Int32Array.of(nearest) };
    return { row, ...(x && { x: floats(x) }), ...posteriorArrays(model, data.posterior(nearest)) };
  }

  show(i) {
    const { data, model, axes, config } = this.host;
    const q = data.posterior(i);
    const x = data.datum(i);
    const decoded = model.decode(q.mean).slice();
    this.missing.hidden = x !== null;
    if (this.x) this.pair.hidden = x === null;
    if (this.x && x) this.x.drawGrey(x);
    if (this.x && x) this.reconstruction.drawGrey(decoded);
    const label = data.labels[i];
    const inPlane = (values) => this.vector([...new Set(axes)].map((axis) => values[axis]));
    this.write({
      class: label < 0 ? "" : (config.class_names[label] ?? String(label)),
      mean: inPlane(q.mean),
      std: inPlane(q.std),
      kl: this.nats(model.kl(q)),
      fit: x ? this.nats(model.logLikelihood(x, q.mean)) : "",
      ...(this.x ? {} : { point: x ? this.vector(x) : "", made: this.vector(decoded) }),
    });
  }

  vector(values) {
    const numbers = Array.from(values, (value) => fixed(value, 2)).join(", ");
    return values.length === 1 ? numbers : `(${numbers})`;
  }

  nats(value) {
    return this.host.config.config.encoder_head === "deterministic" ? "" : `${fixed(value, 1)} nats`;
  }

  // What is empty is not shown.
  write(facts) {
    for (const [name, element] of this.facts) {
      element.textContent = facts[name] ?? "";
      element.hidden = element.previousElementSibling.hidden = !facts[name];
    }
  }
}
