/** Has the browser's address say what the page shows; draws nothing. */

import { jsonOf } from "../shared/arrays.js";
import { elementOf } from "../shared/mount.js";
import { withEmbedding } from "./query.js";

/**
 * @typedef {object} Message
 * @property {string} page Path of the page that the query belongs to; "" for the first one.
 * @property {string} query What the address is to say, without "?".
 * @property {boolean} isNew Whether Back leads to what the address said before.
 * @property {number} order Rises with each change: what is drawn again, or is late, is not done again.
 * @property {boolean} begins Whether it is the first word of a session.
 */

/** Of the last message that was obeyed, by whichever of the elements. */
let obeyed = 0;

/**
 * What the address said then; null before the first one.
 * @type {string | null}
 */
let said = null;

// Back and Forward say where the page is to go on, also where its session is gone: a new one begins with an older query.
addEventListener("popstate", () => {
  if (said !== null) said = location.search;
});

class Address {
  /**
   * @param {Uint8Array} data
   * @param {import("../shared/mount.js").Mounted} mounted
   */
  update(data, { setTriggerValue }) {
    /** @type {Message} */
    const { page, query, isNew, order, begins } = jsonOf(data);
    // A click may have left the page while the message was on its way.
    if (order <= obeyed || !location.pathname.endsWith(`/${page}`)) return;
    obeyed = order;
    const search = withEmbedding(query, location.search);
    const stood = said !== null && said === location.search;
    said = search;
    if (search === location.search) return;
    if (begins && stood) {
      // This page outlived its session, and Streamlit began the next one with an address of before.
      said = location.search;
      setTriggerValue("found", location.search.slice(1));
      return;
    }
    const address = `${location.pathname}${search}`;
    if (isNew) history.pushState({}, "", address);
    else history.replaceState({}, "", address);
  }

  destroy() {}
}

export default elementOf(".address", () => new Address());
