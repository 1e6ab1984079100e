// The numbers as bars that always add up: log p(x) = F + KL(q to the posterior), and F in both its forms.

const ROW = 62;
const BAR = 26;
const PAD = 10;

class Account {
  constructor(root) {
    const find = (selector) => root.querySelector(selector);
    [this.canvas, this.trace, this.equation] = [".bars", ".trace", ".equation"].map(find);
    this.numbers = Object.fromEntries(
      ["evidence", "bound", "gap"].map((name) => [name, this.equation.querySelector(`.${name}`)]),
    );
  }

  set(parts, logEvidence) {
    this.parts = { ...parts, bound: parts.energy + parts.entropy, logEvidence };
    const { bound, klToPosterior } = this.parts;
    this.numbers.evidence.textContent = fixed(logEvidence, 3);
    this.numbers.bound.textContent = fixed(bound, 3);
    this.numbers.gap.textContent = fixed(klToPosterior, 3);
  }

  // Parts are [from, to, colour]; a row begins at the left edge, which stands for minus infinity.
  rows({ concepts }) {
    const { energy, entropy, reconstruction, klToPrior, klToPosterior, bound, logEvidence } = this.parts;
    return [
      {
        parts: [[null, bound, concepts.elbo], [bound, bound + klToPosterior, concepts.kl_to_posterior]],
        end: concepts.log_evidence,
        text: [["F", bound], [" + KL(q ‖ posterior)", klToPosterior], [" = log p(x)", logEvidence]],
      },
      {
        parts: [[null, energy, concepts.data], [energy, energy + entropy, concepts.beta]],
        text: [["E_q[log p(x,z)]", energy], [" + H[q]", entropy], [" = F", bound]],
      },
      {
        parts: [[null, reconstruction, concepts.reconstruction], [reconstruction, reconstruction - klToPrior, concepts.kl]],
        text: [["E_q[log p(x|z)]", reconstruction], [" − KL(q ‖ prior)", klToPrior], [" = F", bound]],
      },
    ];
  }

  draw(theme) {
    const { context, width, height } = prepare(this.canvas);
    const { energy, reconstruction, bound, logEvidence } = this.parts;
    const ends = [energy, reconstruction, bound, logEvidence].filter(isFiniteNumber);
    const [low, high] = [Math.min(...ends), Math.max(...ends)];
    const margin = 0.12 * (high - low) || 0.1;
    const box = { left: PAD, top: 0, width: Math.max(1, width - 2 * PAD), height: height - 24 };
    const frame = makeFrame(box, [low - 2 * margin, high + margin], [0, 1]);
    const rows = this.rows(theme);
    rows.forEach((row, k) => this.drawBars(context, frame, row, k * ROW));
    this.line(context, frame, bound, theme.concepts.elbo, { width: 2, dash: [4, 4] });
    this.line(context, frame, logEvidence, theme.text, { width: 3 });
    rows.forEach((row, k) => this.writeRow(context, theme, frame, row, k * ROW));
    for (const { value, text } of niceTicks(frame.x0, frame.x1, width / 90)) {
      const x = frame.px(value);
      if (x < width - 60) write(context, theme, text, Math.max(16, x), height - 12, { size: 13 });
    }
    write(context, theme, "nats", width - PAD, height - 12, { align: "right", size: 13 });
    this.canvas.setAttribute("aria-label", this.text());
  }

  // What takes away runs back over what stands there, at half the height.
  drawBars(context, frame, { parts }, top) {
    const y = top + ROW - BAR - 4;
    for (const [from, to, colour] of parts) {
      const [a, b] = [from === null ? frame.left : frame.px(from), frame.px(to)];
      const back = b < a;
      context.fillStyle = colour;
      context.fillRect(Math.min(a, b), back ? y + BAR / 4 : y, Math.abs(b - a), back ? BAR / 2 : BAR);
    }
  }

  writeRow(context, theme, frame, { parts, text, end = theme.concepts.elbo }, top) {
    let x = frame.left;
    text.forEach(([name, value], k) => {
      const colour = parts[k]?.[2] ?? end;
      // E_q: what follows the underscore stands lower.
      `${name} ${fixed(value, 3)}`.split(/_(q)/).forEach((words, part) => {
        const [size, y] = part % 2 ? [12, top + 22] : [15, top + 18];
        write(context, theme, words, x, y, { align: "left", size, weight: 700, colour, halo: 5 });
        x += context.measureText(words).width;
      });
    });
  }

  line(context, frame, value, colour, style) {
    context.beginPath();
    context.moveTo(frame.px(value), ROW - BAR - 12);
    context.lineTo(frame.px(value), frame.height);
    stroke(context, colour, style);
  }

  text() {
    const { energy, entropy, reconstruction, klToPrior, klToPosterior, bound, logEvidence } = this.parts;
    const say = (value) => fixed(value, 3);
    return (
      `log p(x) ${say(logEvidence)} = F ${say(bound)} + KL(q to posterior) ${say(klToPosterior)} nats; ` +
      `F = ${say(energy)} + entropy ${say(entropy)} = ${say(reconstruction)} − KL(q to prior) ${say(klToPrior)}`
    );
  }

  // F at each step of the walk, towards log p(x).
  drawTrace(theme, bounds) {
    const { context, ...size } = prepare(this.trace);
    const [low, high] = extent([...bounds, this.parts.logEvidence]) ?? [0, 1];
    const margin = 0.08 * (high - low) || 0.5;
    const frame = makeFrame(plotBox(size, "step", 14), [0, Math.max(10, bounds.length - 1)], [low - margin, high + margin]);
    const xTicks = niceTicks(0, frame.x1, frame.width / 60);
    const yTicks = niceTicks(frame.y0, frame.y1, frame.height / 30);
    drawAxes(context, theme, frame, { xTicks, yTicks, xTitle: "step", yTitle: "F, nats" });
    const y = frame.py(this.parts.logEvidence);
    context.beginPath();
    context.moveTo(frame.left, y);
    context.lineTo(frame.left + frame.width, y);
    stroke(context, theme.text, { width: 2, dash: [6, 5] });
    write(context, theme, "log p(x)", frame.left + frame.width, y + 10, { align: "right", size: 13, halo: 4 });
    context.beginPath();
    bounds.forEach((bound, step) => context.lineTo(frame.px(step), frame.py(bound)));
    stroke(context, theme.concepts.elbo, { width: 3 });
    if (!bounds.length) return;
    context.beginPath();
    context.arc(frame.px(bounds.length - 1), frame.py(bounds.at(-1)), 6, 0, 2 * Math.PI);
    context.fillStyle = theme.concepts.elbo;
    context.fill();
  }
}
