import assert from "node:assert/strict";
import { test } from "node:test";
import { withEmbedding } from "../../dashboard/components/address/query.js";

test("the query is as Python said it", () => {
  assert.equal(withEmbedding("run=00ff&hidden=400%2C+200", "?seed=1"), "?run=00ff&hidden=400%2C+200");
  assert.equal(withEmbedding("", "?seed=1"), "");
});

test("an embedded page stays embedded", () => {
  const present = "?embed=true&seed=1&embed_options=dark_theme&embed_options=show_toolbar";
  const kept = "embed=true&embed_options=dark_theme&embed_options=show_toolbar";
  assert.equal(withEmbedding("beta=2", present), `?beta=2&${kept}`);
  assert.equal(withEmbedding("", present), `?${kept}`);
});
