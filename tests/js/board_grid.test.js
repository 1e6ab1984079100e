import assert from "node:assert/strict";
import test from "node:test";
import { spacedIndices } from "../../dashboard/components/board/grid.js";
import { arrangement } from "../../dashboard/components/board/pairs.js";

test("numbers at the grid are symmetric and at least so many pixels apart", () => {
  for (const count of [1, 2, 5, 12, 24]) {
    for (const length of [20, 100, 400, 2000]) {
      const indices = spacedIndices(count, length, 46);
      const mirrored = indices.map((k) => count - 1 - k).reverse();
      if (indices.length > 1) {
        assert.ok((length / count) * Math.min(...indices.slice(1).map((k, i) => k - indices[i])) >= 40);
        assert.deepEqual([indices[0], indices[indices.length - 1]], [0, count - 1]);
        assert.deepEqual(indices, mirrored, `${count} in ${length}`);
      }
    }
  }
});

test("pictures in bands fit into their place, all of them", () => {
  for (const [width, height] of [
    [300, 250],
    [900, 120],
    [120, 600],
  ]) {
    for (const count of [1, 3, 10]) {
      const { bands, columns, scale } = arrangement(count, [28, 28], width, height);
      assert.ok(bands * columns >= count);
      assert.ok(columns * (28 * scale + 4) <= width + 1e-9, `${count} in ${width}`);
      assert.ok(2.1 * bands * 28 * scale + 14 * (bands - 1) <= height + 1e-9, `${count} in ${height}`);
    }
  }
});
