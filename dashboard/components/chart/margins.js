/**
 * The room that a chart needed at its edges so far.
 *
 * Plotly draws a figure a second time where its labels have become wider or narrower than those of the figure before,
 * by two pixels: with the room kept, the frame stays where it is and is drawn once.
 */

/**
 * @typedef {Record<"l" | "r" | "t" | "b", number>} Margin In pixels.
 *
 * @typedef {{ width?: number, height?: number, margin?: Partial<Margin>, [name: string]: any }} Layout
 */

/** @type {("l" | "r" | "t" | "b")[]} */
const SIDES = ["l", "r", "t", "b"];

export class Margins {
  /** @type {Margin} */
  #kept = { l: 0, r: 0, t: 0, b: 0 };
  #like = "";

  /**
   * Of a figure: its own, and what one like it needed before.
   * @param {object[]} data
   * @param {Layout} layout
   * @returns {Partial<Margin>}
   */
  of(data, layout) {
    const like = JSON.stringify([layout.width, layout.height, namesOf(data), titlesOf(layout)]);
    if (like !== this.#like) this.#kept = { l: 0, r: 0, t: 0, b: 0 };
    this.#like = like;
    const own = layout.margin ?? {};
    const both = SIDES.map((side) => [side, Math.max(own[side] ?? 0, this.#kept[side])]);
    return { ...own, ...Object.fromEntries(both) };
  }

  /**
   * What the figure that was asked for last has been drawn with.
   * @param {Margin | undefined} size
   */
  keep(size) {
    if (size) for (const side of SIDES) this.#kept[side] = size[side];
  }
}

/**
 * What stands in the legend.
 * @param {Record<string, any>[]} data
 */
const namesOf = (data) => data.map(({ name, showlegend }) => [name, showlegend]);

/**
 * The axes, and what stands beside them.
 * @param {Layout} layout
 */
const titlesOf = (layout) =>
  Object.entries(layout).flatMap(([name, axis]) =>
    /^[xy]axis/.test(name) ? [[name, axis.title?.text, axis.ticktext, axis.type, axis.visible]] : [],
  );
