import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { givenY, written } from "../../dashboard/components/shared/notation.js";

/** @type {[string, string][]} */
const CASES = JSON.parse(readFileSync(new URL("notation.json", import.meta.url), "utf8"));

test("given y, what is of x has its y; what has it, and what is not of x, stays", () => {
  for (const [plain, expected] of CASES) {
    assert.equal(givenY(plain), expected);
    assert.equal(givenY(expected), expected);
    assert.equal(written(plain, true), expected);
    assert.equal(written(plain, false), plain);
  }
});
