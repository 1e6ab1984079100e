// The aggregate posterior q(z), the mean of q(z|x) over held-out data, as a tint of the plane below the points.

const DENSITY_CELLS = 112;
const DENSITY_DATA = 4000;
const DENSITY_REACH = 4.5;
const PRIOR_PEAK = 1 / (2 * Math.PI);
const FULL_TINT = 0.8;
const SETTLED_MS = 150;

// Densities of N(mean, std²) at the centres of `count` cells from low to high, and which of them count.
function cellDensities(mean, std, low, high, count) {
  const cell = (high - low) / count;
  // What is narrower than a cell would fall between two centres.
  const width = Math.max(std, cell / 2);
  const at = (place) => clamp(Math.round((place - low) / cell - 0.5), 0, count - 1);
  const first = at(mean - DENSITY_REACH * width);
  const last = at(mean + DENSITY_REACH * width);
  const values = [];
  for (let k = first; k <= last; k++) {
    const away = (low + (k + 0.5) * cell - mean) / width;
    values.push(Math.exp(-0.5 * away * away) / (width * Math.sqrt(2 * Math.PI)));
  }
  return { first, values };
}

// q(z) in the cells of a grid, row by row from the top; means and stds are flat pairs. Of many data every k-th.
function aggregateDensity({ means, stds }, { x0, x1, y0, y1 }, columns, rows) {
  const density = new Float32Array(columns * rows);
  const step = 2 * Math.ceil(means.length / 2 / DENSITY_DATA);
  let count = 0;
  for (let i = 0; i < means.length; i += step) {
    if (![means[i], means[i + 1], stds[i], stds[i + 1]].every(isFiniteNumber)) continue;
    count++;
    const across = cellDensities(means[i], stds[i], x0, x1, columns);
    // Rows go down, z₂ goes up.
    const down = cellDensities(-means[i + 1], stds[i + 1], -y1, -y0, rows);
    down.values.forEach((height, k) => {
      const start = (down.first + k) * columns + across.first;
      for (let c = 0; c < across.values.length; c++) density[start + c] += height * across.values[c];
    });
  }
  return density.map((value) => value / Math.max(1, count));
}

class DensityLayer {
  isOn = false;

  set(data) {
    this.data = data;
    this.picture = null;
  }

  // The tint lies where it belongs at once; it is made anew when the view has rested.
  draw(context, theme, frame, invalidate) {
    if (!this.isOn) return;
    if (!this.picture || this.colour !== theme.concepts.posterior) this.make(theme, frame);
    const { x0, x1, y0, y1 } = this.place;
    const [left, top] = [frame.px(x0), frame.py(y1)];
    context.imageSmoothingEnabled = true;
    context.drawImage(this.picture, left, top, frame.px(x1) - left, frame.py(y0) - top);
    if ([x0, x1, y0, y1].join() !== [frame.x0, frame.x1, frame.y0, frame.y1].join()) this.wait(invalidate);
  }

  wait(invalidate) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.picture = null;
      invalidate();
    }, SETTLED_MS);
  }

  make(theme, frame) {
    const { x0, x1, y0, y1, width, height } = frame;
    Object.assign(this, { colour: theme.concepts.posterior, place: { x0, x1, y0, y1 } });
    const rows = Math.max(1, Math.round((DENSITY_CELLS * height) / width));
    const density = aggregateDensity(this.data, this.place, DENSITY_CELLS, rows);
    const pixels = new ImageData(DENSITY_CELLS, rows);
    const [red, green, blue] = rgbOf(this.colour);
    // By the root: the eye sees differences of small densities as well.
    density.forEach((value, k) => {
      const tint = FULL_TINT * Math.sqrt(Math.min(1, value / PRIOR_PEAK));
      pixels.data.set([red, green, blue, Math.round(255 * tint)], 4 * k);
    });
    this.picture = Object.assign(document.createElement("canvas"), { width: DENSITY_CELLS, height: rows });
    this.picture.getContext("2d").putImageData(pixels, 0, 0);
  }
}
