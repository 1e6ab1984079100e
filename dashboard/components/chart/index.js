/**
 * A figure of Plotly that keeps its chart: what a rerun brings is drawn into it, and zoom and legend stay.
 *
 * Streamlit's own element takes a chart off the page and mounts another one for every new figure.
 */

import { elementOf } from "../shared/mount.js";
import { nameOfTheme } from "../shared/theme.js";
import { keepAttributes } from "./attributes.js";
import { templateOf } from "./look.js";
import { Margins } from "./margins.js";
import { keepMeasures } from "./measures.js";
import { HEIGHT as PLAYER_HEIGHT, Player } from "./player.js";
import { pointsOf } from "./selection.js";
import { Turns } from "./turns.js";

/**
 * @typedef {import("../shared/mount.js").Mounted & {
 *   setStateValue: (name: string, value: unknown) => void,
 * }} Mounted
 *
 * @typedef {object} Message
 * @property {string} plotly Where Plotly's module is, from this one.
 * @property {string} digest Of the figure; selections name it.
 * @property {string} alt What the figure shows, in words.
 * @property {Record<string, any>} config Of Plotly.
 * @property {boolean} selects Whether the server is told which points are selected.
 * @property {{ data: object[], layout: Record<string, any>, frames?: import("./player.js").Frame[],
 *   player?: import("./player.js").Film }} figure
 *
 * @typedef {HTMLElement & {
 *   on?: (name: string, told: (event: any) => void) => void,
 *   _fullLayout?: { _size?: import("./margins.js").Margin },
 * }} Plot
 *
 * @typedef {object} Library What is used of Plotly.
 * @property {(plot: HTMLElement, figure: object) => Promise<unknown>} react
 * @property {(plot: HTMLElement, frame: object, options: object) => Promise<unknown>} animate
 * @property {(plot: HTMLElement) => void} purge
 * @property {import("./attributes.js").Schema} PlotSchema
 */

/** Of a row of two small charts both, of more the first: what is looked at must not wait for the rest. */
const turns = new Turns(12);
const NARROWEST = 150;
const LATER_MS = 200;
const EXPAND = {
  width: 512,
  height: 512,
  path: "M32 32v128h48V80h80V32zM32 352v128h128v-48H80v-80zM352 32v48h80v80h48V32zM432 352v80h-80v48h128V352z",
};

/** @type {Promise<Library> | null} */
let library = null;

/** @param {string} url */
async function fetched(url) {
  library ??= import(url).then(() => {
    /** @type {Library} */
    const found = /** @type {any} */ (window).Plotly;
    keepAttributes(found.PlotSchema);
    return found;
  });
  try {
    return await library;
  } catch (error) {
    library = null; // the next chart tries again
    throw error;
  }
}

let isRemembering = false;

/** Once Plotly has made its hidden drawing, with the first chart. */
function rememberMeasures() {
  const drawing = isRemembering ? null : document.getElementById("js-plotly-tester");
  if (!drawing) return;
  isRemembering = true;
  keepMeasures(drawing);
}

class Chart {
  /** @type {Library | null} */
  plotly = null;
  /** What Python said last, as JSON. */
  text = "";
  /** The same, until it is drawn: Plotly writes into what it is given. @type {Message | null} */
  fresh = null;
  /** @type {(name: string, value: unknown) => void} */
  tell = () => {};
  visible = true;
  drawn = 0;
  gone = false;
  stands = false;
  later = 0;
  /** @type {Player | null} */
  player = null;
  /** The text whose frames the player has. */
  played = "";
  margins = new Margins();
  /** What was drawn last, in all that it depends on. */
  shown = "";

  /** @param {HTMLElement} root */
  constructor(root) {
    /** @type {Plot} */
    this.root = root;
    this.sizes = new ResizeObserver(() => this.resized());
    this.sizes.observe(root);
    this.sight = new IntersectionObserver((entries) => {
      this.visible = entries[entries.length - 1].isIntersecting;
    });
    this.sight.observe(root);
    root.onfullscreenchange = () => this.ask();
  }

  /**
   * @param {Uint8Array} data
   * @param {import("../shared/mount.js").Mounted} mounted
   */
  update(data, mounted) {
    this.text = new TextDecoder().decode(data);
    this.tell = /** @type {Mounted} */ (mounted).setStateValue;
    this.fresh = this.message();
    const { plotly, alt, figure } = this.fresh;
    this.root.setAttribute("role", "figure");
    this.root.setAttribute("aria-label", alt);
    // Before there is anything in it, so that what stands below does not jump.
    this.root.style.height = `${figure.layout.height}px`;
    this.ask();
    if (this.plotly) return;
    fetched(new URL(plotly, import.meta.url).href).then(
      (found) => {
        this.plotly = found;
        this.ask();
      },
      () => {
        if (!this.gone) this.root.textContent = "The chart could not be loaded: reload the page.";
      },
    );
  }

  /** @returns {Message} */
  message() {
    return JSON.parse(this.text);
  }

  isInSight() {
    return this.visible;
  }

  ask() {
    if (!this.plotly || !this.text || this.gone) return;
    if (this.root.clientWidth) turns.ask(this);
    else this.askOnceMore();
  }

  /**
   * In a tab or a fold that is closed a chart has no width: it is drawn when it gets one. But Streamlit may
   * take it off the page and put it back within one frame, which the observer of sizes does not see.
   */
  askOnceMore() {
    this.later ||= window.setTimeout(() => {
      this.later = 0;
      if (!this.gone && this.root.clientWidth) turns.ask(this);
    }, LATER_MS);
  }

  resized() {
    const { width } = this.size();
    if (width && width !== Number(this.root.dataset.width)) this.ask();
  }

  size() {
    const isFull = document.fullscreenElement === this.root;
    const width = this.root.clientWidth && Math.max(NARROWEST, this.root.clientWidth);
    return { width, height: isFull ? window.innerHeight : 0 };
  }

  async draw() {
    const { plotly, text, root } = this;
    const { width, height } = this.size();
    if (!plotly || !text || this.gone) return;
    if (!width) {
      this.askOnceMore();
      return;
    }
    const template = this.template();
    const drawing = JSON.stringify([width, height, template]) + text;
    if (this.stands && drawing === this.shown) return;
    const { figure, config, selects, digest } = this.fresh ?? this.message();
    this.fresh = null;
    const { frames, player } = figure;
    const all = height || figure.layout.height;
    /** @type {Record<string, any>} */
    const layout = { ...figure.layout, width, height: player ? all - PLAYER_HEIGHT : all, template };
    layout.margin = this.margins.of(figure.data, layout);
    if (selects) layout.uirevision = digest; // another figure's points are others
    const isFirst = !this.stands;
    this.stands = true;
    await plotly.react(root, {
      data: figure.data,
      layout,
      ...(isFirst && { config: { ...config, modeBarButtonsToAdd: [this.button()] } }),
    });
    rememberMeasures();
    if (this.gone) return;
    this.shown = drawing;
    this.setPlayer(text, frames, player);
    this.margins.keep(root._fullLayout?._size);
    this.drawn += 1;
    root.dataset.drawn = String(this.drawn);
    root.dataset.width = String(width);
    if (isFirst && selects) this.watchSelection();
  }

  /**
   * A new figure is at its first frame; one that only got another width stays where it is.
   * @param {string} text What Python said of it.
   * @param {import("./player.js").Frame[]} [frames]
   * @param {import("./player.js").Film} [film]
   */
  setPlayer(text, frames, film) {
    if (!frames || !film) {
      this.player?.destroy();
      this.player = null;
      return;
    }
    this.player ??= new Player(this.root, async (change, redraw) => {
      const atOnce = { mode: "immediate", frame: { duration: 0, redraw }, transition: { duration: 0 } };
      if (!this.gone) await this.plotly?.animate(this.root, change, atOnce);
    });
    if (text === this.played) this.player.again();
    else this.player.set(frames, film);
    // Of Plotly's, which takes all the height that there is.
    /** @type {HTMLElement | null} */ (this.root.querySelector(".plot-container"))?.style.setProperty(
      "height",
      "auto",
    );
    this.played = text;
  }

  template() {
    const style = getComputedStyle(this.root);
    /** @param {string} name */
    const colour = (name) => style.getPropertyValue(`--st-${name}-color`).trim();
    return templateOf(nameOfTheme(this.root), {
      text: colour("text"),
      background: colour("background"),
      border: colour("border"),
      font: style.fontFamily,
    });
  }

  button() {
    const click = () => {
      if (document.fullscreenElement) document.exitFullscreen();
      else this.root.requestFullscreen();
    };
    return { name: "fullscreen", title: "Fullscreen", icon: EXPAND, click };
  }

  watchSelection() {
    /** @param {any} event */
    const say = (event) => {
      this.tell("selected", { digest: this.message().digest, points: pointsOf(event) });
    };
    // Plotly says "selected" without an event where it takes a selection away itself.
    this.root.on?.("plotly_selected", (event) => event && say(event));
    this.root.on?.("plotly_deselect", () => say(undefined));
  }

  destroy() {
    this.gone = true;
    turns.leave(this);
    clearTimeout(this.later);
    this.sizes.disconnect();
    this.sight.disconnect();
    this.player?.destroy();
    this.plotly?.purge(this.root);
  }
}

export default elementOf(".chart", (root) => new Chart(root));
