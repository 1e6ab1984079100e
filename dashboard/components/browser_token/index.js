/** Has the browser keep its token in a cookie; what another tab has set meanwhile stays, and Python is told. */

import { jsonOf } from "../shared/arrays.js";
import { elementOf } from "../shared/mount.js";
import { cookieText, tokenIn } from "./cookie.js";

class BrowserToken {
  /**
   * @param {Uint8Array} data
   * @param {import("../shared/mount.js").Mounted} mounted
   */
  update(data, { setTriggerValue }) {
    /** @type {import("./cookie.js").Kept} */
    const kept = jsonOf(data);
    try {
      const found = tokenIn(document.cookie, kept.name);
      if (found === null) document.cookie = cookieText(kept, location.protocol);
      else if (found !== kept.token) setTriggerValue("found", found);
    } catch {
      // A frame without cookies: the token is that of this visit, until the page is loaded again.
    }
  }

  destroy() {}
}

export default elementOf(".browser-token", () => new BrowserToken());
