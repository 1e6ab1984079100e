/** What q(z|x) is where it is no Gaussian, by the encoder head that gives it. */

import { deviationOf } from "./gaussian.js";
import { MixtureShape, NUM_COMPONENTS, softmax } from "./mixture.js";
import { FlowShape, flowSize, frameOf, layersOf } from "./planar.js";

/**
 * @typedef {import("./gaussian.js").Shape} Shape
 * @typedef {object} Kind
 * @property {(J: number) => number} size How many numbers the encoder gives, and say what q is.
 * @property {(outputs: ArrayLike<number>, J: number) => Float64Array} parameters Those that say it, from the
 *   encoder's: deviations of log σ², weights of logits.
 * @property {(parameters: ArrayLike<number>, J: number) => Shape} of
 */

/** @param {ArrayLike<number>} values @param {number} first @param {number} count */
const part = (values, first, count) => Array.from({ length: count }, (_, k) => values[first + k]);

/** @type {Partial<Record<string, Kind>>} */
export const SHAPES = {
  flow: {
    size: (J) => 2 * J + flowSize(J),
    parameters(outputs, J) {
      const frame = frameOf(J);
      return Float64Array.from({ length: 2 * J + flowSize(J) }, (_, k) => {
        if (k < J) return outputs[k];
        return k < 2 * J ? deviationOf(outputs[k]) : outputs[k] + frame[k - 2 * J];
      });
    },
    of(parameters, J) {
      const layers = layersOf(part(parameters, 2 * J, flowSize(J)), J);
      return new FlowShape({ centre: part(parameters, 0, J), scale: part(parameters, J, J), layers });
    },
  },
  mixture: {
    size: (J) => NUM_COMPONENTS * (2 * J + 1),
    parameters(outputs, J) {
      const values = NUM_COMPONENTS * J;
      return Float64Array.from([
        ...part(outputs, 0, values),
        ...part(outputs, values, values).map(deviationOf),
        ...softmax(part(outputs, 2 * values, NUM_COMPONENTS)),
      ]);
    },
    of(parameters, J) {
      const values = NUM_COMPONENTS * J;
      return new MixtureShape(
        Array.from({ length: NUM_COMPONENTS }, (_, c) => ({
          mean: part(parameters, c * J, J),
          std: part(parameters, values + c * J, J),
          weight: parameters[2 * values + c],
        })),
      );
    },
  },
};
