/** Has Python draw the page again when its theme changes: figures of Plotly get their colours there. */

import { elementOf } from "../shared/mount.js";
import { nameOfTheme } from "../shared/theme.js";

/** @typedef {import("../shared/mount.js").Mounted} Mounted */

class PageTheme {
  /** The theme that the server was told of and has not drawn yet. @type {string | null} */
  told = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
  }

  /**
   * Streamlit calls it with each change of the theme, too.
   * @param {Uint8Array} data The name of the theme that the page was drawn for.
   * @param {Mounted} mounted
   */
  update(data, { setTriggerValue }) {
    const drawn = new TextDecoder().decode(data);
    const shown = nameOfTheme(this.root);
    if (shown === drawn) this.told = null;
    else if (shown !== this.told) {
      this.told = shown;
      setTriggerValue("changed", shown);
    }
  }

  destroy() {}
}

export default elementOf(".page-theme", (root) => new PageTheme(root));
