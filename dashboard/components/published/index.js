/**
 * A run as a page that needs no server: the elements of the dashboard, told by the file itself what Streamlit
 * tells them elsewhere.
 */

import board, { historyOf } from "../board/index.js";
import { Explorer } from "../latent/explorer.js";
import { jsonOf } from "../shared/arrays.js";
import { find, findAll, newElement } from "../shared/mount.js";
import { sentenceOf } from "./sentence.js";
import { inflated, interleaved } from "./unpack.js";

/** @typedef {import("../board/index.js").Message} Message */

/** Frames that all pictures of a section have appeared after, one strip of a traversal in each. */
const FRAMES_TO_DRAW = 40;

const nextFrame = () => new Promise((done) => requestAnimationFrame(done));

/** @param {string} name */
const messageOf = (name) => inflated(find(document, `#${name}-message`).textContent ?? "");

/**
 * An element's own tree, as Streamlit gives it one.
 * @param {string} name
 * @param {string} section
 */
function treeOf(name, section) {
  const template = /** @type {HTMLTemplateElement} */ (find(document, `template#${name}`));
  const tree = find(document, `section.${section} .place`).attachShadow({ mode: "open" });
  tree.append(newElement("div"));
  find(tree, "div").append(template.content.cloneNode(true));
  return tree;
}

class Page {
  /** @type {Explorer | null} */
  explorer = null;

  /**
   * @param {Uint8Array} explorerMessage Empty where there is no plane to move in.
   * @param {Uint8Array} boardMessage
   */
  constructor(explorerMessage, boardMessage) {
    this.messages = { explorer: explorerMessage, board: boardMessage };
    this.root = document.documentElement;
    this.preference = matchMedia("(prefers-color-scheme: dark)");
    this.boardTree = treeOf("board", "training");
    if (explorerMessage.length) {
      this.explorer = new Explorer(find(treeOf("explorer", "latent"), ".explorer"), explorerMessage);
    }
    this.theme = find(document, "button.theme");
    this.theme.onclick = () => this.choose(this.isDark ? "light" : "dark");
    find(document, "button.print").onclick = () => this.print();
    this.preference.onchange = () => this.show();
    this.say();
    this.show();
  }

  get isDark() {
    const { theme } = this.root.dataset;
    return theme ? theme === "dark" : this.preference.matches;
  }

  /** @param {"light" | "dark"} theme */
  choose(theme) {
    this.root.dataset.theme = theme;
    this.show();
  }

  /** Elements read the colours of the page with each message, as on the dashboard. */
  show() {
    this.theme.setAttribute("aria-pressed", String(this.isDark));
    this.explorer?.update(this.messages.explorer);
    const told = { data: this.messages.board, key: "board", parentElement: this.boardTree };
    board({ ...told, setTriggerValue: () => {} });
  }

  /** The numbers in words. */
  say() {
    /** @type {Message} */
    const message = jsonOf(this.messages.board);
    const { deterministic, free_bits: freeBits, beta_in_force: betaInForce, objective } = message;
    const givenY = message.given_y;
    const klPerDim = message.kl_per_dim.map((kl) => kl ?? NaN);
    const line = {
      history: historyOf(message),
      betaInForce,
      klPerDim,
      freeBits,
      deterministic,
      objective,
      givenY,
    };
    find(document, ".sentence").textContent = sentenceOf(message, line);
  }

  /** In light colours and in the width of the paper; what was never in sight is drawn before. */
  async print() {
    const { theme } = this.root.dataset;
    const place = window.scrollY;
    this.root.classList.add("paper");
    this.choose("light");
    for (const part of this.parts()) {
      part.scrollIntoView();
      for (let frame = 0; frame < FRAMES_TO_DRAW; frame++) await nextFrame();
    }
    window.print();
    this.root.classList.remove("paper");
    if (theme) this.root.dataset.theme = theme;
    else delete this.root.dataset.theme;
    this.show();
    window.scrollTo(0, place);
  }

  parts() {
    const sections = this.explorer ? findAll(this.explorer.root, "section") : [];
    return [...sections, ...findAll(this.boardTree, "section")].filter(({ offsetHeight }) => offsetHeight);
  }
}

/**
 * What the page offers to save under a name ("drawing": x, mean, std, decoded), as plain arrays; null where there is
 * nothing of it now.
 * @param {Explorer} explorer
 * @param {string} file
 */
function arraysOf({ offers }, file) {
  const offer = offers.flatMap((offer) => offer()).find((one) => one.file === file);
  const arrays = offer?.arrays?.();
  return arrays
    ? Object.fromEntries(Object.entries(arrays).map(([name, { values }]) => [name, [...values]]))
    : null;
}

/**
 * What a program can ask of the page: where z is and what is drawn there, and the model itself.
 * @param {Explorer} explorer
 */
const functionsOf = (explorer) => ({
  z: () => [...explorer.z],
  decoded: () => [...explorer.decoded],
  arrays: (/** @type {string} */ file) => arraysOf(explorer, file),
  decode: (/** @type {number[]} */ z) => [...explorer.model.decode(z)],
  encode: (/** @type {number[]} */ x) => explorer.model.encode(x),
});

async function open() {
  const failed = find(document, ".failed[role]");
  try {
    const [explorer, curves] = await Promise.all(["explorer", "board"].map(messageOf));
    const page = new Page(interleaved(explorer), curves);
    if (page.explorer) Object.assign(window, { vae: functionsOf(page.explorer) });
  } catch (error) {
    failed.hidden = false;
    failed.textContent = `This browser cannot draw the page (${error}). A current one can.`;
  }
}

if (typeof document !== "undefined") await open();
