import assert from "node:assert/strict";
import test from "node:test";
import { isForPage, nameOf } from "../../dashboard/components/keys/shortcuts.js";

const PLAIN = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };

test("a press has one name; the command key is Ctrl", () => {
  assert.equal(nameOf({ ...PLAIN, key: " " }), " ");
  assert.equal(nameOf({ ...PLAIN, key: "Enter", ctrlKey: true }), "Ctrl+Enter");
  assert.equal(nameOf({ ...PLAIN, key: "Enter", metaKey: true }), "Ctrl+Enter");
  assert.equal(nameOf({ ...PLAIN, key: "ArrowRight", shiftKey: true }), "Shift+ArrowRight");
});

test("fields, drawings and dialogs keep their keys", () => {
  for (const name of [" ", "ArrowRight", "Ctrl+Enter", "Escape"]) {
    assert.ok(isForPage(name, { kind: "nothing", inDialog: false }), name);
    assert.ok(!isForPage(name, { kind: "nothing", inDialog: true }), name);
    assert.ok(!isForPage(name, { kind: "other", inDialog: false }), name);
  }
});

test("a button keeps space and arrows, a slider the arrows", () => {
  const allowed = (/** @type {"button" | "slider"} */ kind) =>
    [" ", "ArrowRight", "Ctrl+Enter", "Escape"].filter((name) => isForPage(name, { kind, inDialog: false }));
  assert.deepEqual(allowed("button"), ["Ctrl+Enter", "Escape"]);
  assert.deepEqual(allowed("slider"), [" ", "Ctrl+Enter", "Escape"]);
});
