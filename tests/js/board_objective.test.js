import assert from "node:assert/strict";
import test from "node:test";
import { barReach } from "../../dashboard/components/board/bars.js";
import { DASHES, slotsOf } from "../../dashboard/components/board/kept.js";
import { NO_HISTORY } from "../../dashboard/components/board/history.js";
import { termsOf } from "../../dashboard/components/board/live_line.js";
import {
  collapseParts,
  limitParts,
  penalisedKl,
  remarks,
  shownTerms,
} from "../../dashboard/components/board/objective.js";

const NOT_AT_LIMITS = { low: 0, high: 0, components: 0, scale: 0, examples: 360 };

/** @type {(...told: Parameters<typeof collapseParts>) => string} */
const collapseText = (...told) => collapseParts(...told).join("");

/** @param {string} text */
const read = (text) => Number(text.replace("−", "-"));

test("whoever adds up the digits on the board gets the digits on the board", () => {
  for (const beta of [0, 0.00025, 0.1, 1, 4, 19.9, 100, 1000]) {
    for (const [reconstruction, kl] of [
      [-21.3895, 2.9904],
      [-22.005, 0.0004],
      [-100.996, 12.345],
      [3.14159, 6.5],
    ]) {
      const shown = shownTerms(reconstruction, kl, beta);
      const sum = read(shown.reconstruction) - read(shown.beta) * read(shown.kl);
      assert.ok(Math.abs(sum - read(shown.objective)) <= 0.005 + 1e-9, `${beta}: ${JSON.stringify(shown)}`);
      const elbo = read(shown.reconstruction) - read(shown.kl);
      assert.ok(Math.abs(elbo - read(shown.elbo)) <= 0.005 + 1e-9, `${beta}: ${JSON.stringify(shown)}`);
      assert.equal(read(shown.beta), beta, "β with all its digits");
    }
  }
});

test("with beta 1 the objective is the ELBO, and a large beta has more digits of the KL", () => {
  const one = shownTerms(-21.3895, 2.9904, 1);
  assert.deepEqual([one.objective, one.elbo, one.kl], ["−24.38", "−24.38", "2.99"]);
  assert.equal(shownTerms(-24, 0.00044, 20).kl, "0.0004");
});

test("numbers that are not finite are dashes", () => {
  const { objective, elbo, kl, beta } = shownTerms(NaN, Infinity, NaN);
  assert.deepEqual([objective, elbo, kl, beta], ["–", "–", "–", "–"]);
});

test("free bits cost nothing, by dimension or as a whole", () => {
  assert.equal(penalisedKl([0.1, 2], 2.1, 0.5), 2.5);
  assert.equal(penalisedKl([], 0.2, 0.5), 0.5);
});

test("a collapse has the digits of the KL that the live line has", () => {
  for (const [kl, beta, shown] of /** @type {[number, number, string][]} */ ([
    [0.0004, 1, "below 0.01"],
    [0.0004, 4, "below 0.001"],
    [0.0004, 50, "0.0004"],
    [0.0961, 1, "0.10"],
  ])) {
    assert.ok(collapseText([false], 100, kl, beta).includes(`(KL ${shown} nats)`), shown);
    if (!shown.startsWith("below")) assert.equal(shownTerms(-20, kl, beta).kl, shown);
  }
});

test("collapse is said when no unit is active, after the first update", () => {
  const text = collapseText([false, false], 100, 0.0004, 100);
  assert.match(text, /^Posterior collapse: 0 of 2 latent dimensions are active \(KL 0\.0004 nats\)/);
  assert.match(collapseText([false], 100, 0, 1), /0 of 1 latent dimension is active/);
  assert.equal(collapseText([false, true], 100, 0.5, 1), "");
  assert.match(
    collapseText([true, true], 100, 0.055, 1),
    /^Posterior collapse: 2 of 2 .* active \(KL 0\.06 nats\): q\(z\|x\) is almost the same/,
    "active by noise alone",
  );
  assert.equal(collapseText([true, true], 0, 0.055, 1), "", "untrained is not collapsed");
  assert.equal(collapseText([false, false], 0, 0.0004, 1), "", "untrained is not collapsed");
  assert.equal(collapseText([], 100, 0, 1), "", "a deterministic encoder has no units");
});

test("what stands at a limit is counted and said beside a collapse", () => {
  assert.deepEqual(limitParts(NOT_AT_LIMITS), ["", ""]);
  const found = { low: 3, high: 360, components: 2, scale: 1, examples: 360 };
  assert.equal(
    limitParts(found)[0],
    "At a limit: log σ² = 20 for 360 of 360 examples, log σ² = −20 for 3 of 360 examples, " +
      "log σ² of 2 components of p(z), s = 0.001",
  );
  assert.match(limitParts({ ...NOT_AT_LIMITS, components: 1 })[0], /of 1 component of p\(z\)$/);
  assert.match(limitParts(found)[1], /^: values beyond it are clamped to it/);
  assert.equal(remarks([true, true], 10, 5, 1, NOT_AT_LIMITS).length, 0);
  const both = remarks([false, false], 10, 0.0004, 1, { ...NOT_AT_LIMITS, low: 1 }).map(([what]) =>
    what.slice(0, 10),
  );
  assert.deepEqual(both, ["At a limit", "Posterior "]);
});

test("bars of noise stay low", () => {
  assert.ok(barReach([0.0004, 0.0002]) >= 0.1);
  assert.ok(barReach([]) >= 0.1);
  assert.ok(barReach([NaN, 2]) > 2);
});

test("a kept run keeps its colour while others go and come", () => {
  const first = slotsOf(new Map(), ["a", "b", "c"]);
  assert.deepEqual([...first.values()], [0, 1, 2]);
  const second = slotsOf(first, ["b", "c", "d"]);
  assert.deepEqual([second.get("b"), second.get("c"), second.get("d")], [1, 2, 0]);
  assert.equal(new Set(DASHES.map(String)).size, 6, "six curves, six dashes");
});

test("another objective is that of the held-out examples, beside their terms", () => {
  const history = {
    ...NO_HISTORY,
    step: Float32Array.of(0, 9),
    beta: Float32Array.of(2, 2),
    reconstruction_held_out: Float32Array.of(-40, -20),
    kl_held_out: Float32Array.of(1, 8),
    objective_train: Float32Array.of(NaN, -19.5),
    objective_held_out: Float32Array.of(NaN, -21.5),
  };
  const plain = {
    history,
    betaInForce: null,
    klPerDim: [],
    freeBits: 0,
    deterministic: false,
    givenY: false,
  };
  for (const [objective, row, shown] of /** @type {const} */ ([
    ["elbo", null, "−36.00"],
    ["mmd", null, "−21.50"],
    ["mmd", 0, "–"],
  ])) {
    const terms = termsOf({ ...plain, objective }, row);
    assert.equal(terms.objective, shown);
    assert.equal(terms.elbo, row === 0 ? "−41.00" : "−28.00");
  }
  assert.equal(termsOf({ ...plain, objective: "mmd" }, null).penalty, "0.750", "(−20 + 21.5) / 2");
  const wasserstein = termsOf({ ...plain, objective: "mmd", deterministic: true }, null);
  assert.deepEqual([wasserstein.objective, wasserstein.beta], ["−21.50", "2"]);
});

test("another penalty than the KL stands on the line, and the shown numbers add up", () => {
  // TC 0.4213 with β = 4: the objective is −25.5 − 3 · 0.4213 in the first row; in the second β is 1.
  const history = {
    ...NO_HISTORY,
    step: Float32Array.of(0, 9, 12),
    beta: Float32Array.of(4, 1, 0.5),
    reconstruction_held_out: Float32Array.of(-21.862, -22, -22),
    kl_held_out: Float32Array.of(3.638, 3, 3),
    objective_held_out: Float32Array.of(-25.5 - 3 * 0.4213, -25, -24.8),
  };
  const told = {
    ...{ history, betaInForce: null, klPerDim: [], freeBits: 0, deterministic: false, givenY: false },
    objective: /** @type {const} */ ("total_correlation"),
  };
  const shown = [0, 1, 2].map((row) => termsOf(told, row));
  assert.deepEqual(
    shown.map(({ elbo, penalty, objective }) => [elbo, penalty, objective]),
    [
      ["−25.50", "0.421", "−26.76"], // −25.50 − 3 · 0.421 = −26.763
      ["−25.00", "–", "−25.00"], // it weighs nothing, and is not measured
      ["−25.00", "0.40", "−24.80"], // −25 + 0.5 · 0.4
    ],
  );
  // A β that has just been moved weighs the penalty that was measured with the β before.
  const moved = termsOf({ ...told, betaInForce: 2 }, null);
  assert.deepEqual([moved.penalty, moved.objective], ["0.40", "−25.40"]);
});

test("with free bits an earlier row has the objective and the KL that were penalised there", () => {
  // Of two dimensions, 0.5 nats free of each: at first KL 0.1 and 2, then 1 and 3.
  const history = {
    ...NO_HISTORY,
    step: Float32Array.of(0, 5, 9),
    beta: Float32Array.of(2, 2, 2),
    reconstruction_held_out: Float32Array.of(-40, -30, -20),
    kl_held_out: Float32Array.of(1, 2.1, 4),
    objective_held_out: Float32Array.of(NaN, -35, -28),
  };
  const plain = { history, betaInForce: null, freeBits: 0.5, deterministic: false, givenY: false };
  const told = { ...plain, klPerDim: [1, 3], objective: /** @type {const} */ ("elbo") };
  const shown = [null, 2, 1, 0].map((row) => termsOf(told, row));
  assert.deepEqual(
    shown.map(({ objective, kl, elbo }) => [objective, kl, elbo]),
    [
      ["−28.00", "4.000", "−24.00"],
      ["−28.00", "4.000", "−24.00"],
      ["−35.00", "2.500", "−32.10"],
      ["–", "–", "−41.00"], // of an older version
    ],
  );
  const weightless = {
    ...history,
    beta: Float32Array.of(0, 1e-5, 0),
    objective_held_out: Float32Array.of(0, -30, -20),
  };
  const terms = [1, 2].map((row) => termsOf({ ...told, history: weightless }, row));
  assert.deepEqual(
    terms.map(({ objective, kl }) => [objective, kl]),
    [
      ["−30.00", "–"],
      ["−20.00", "–"],
    ],
  );
});
