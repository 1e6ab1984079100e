/** The cookie that holds the token of a browser: its text, and how to read it. */

/**
 * @typedef {object} Kept
 * @property {string} name Of the cookie.
 * @property {string} token 32 hex digits.
 * @property {number} maxAge Seconds for which the browser keeps it.
 */

/**
 * The token that a page's cookies hold; null where there is none, or none that could be one.
 * @param {string} cookies As `document.cookie` says them.
 * @param {string} name
 * @returns {string | null}
 */
export function tokenIn(cookies, name) {
  for (const cookie of cookies.split(";")) {
    const [key, value] = cookie.trim().split("=");
    if (key === name && /^[0-9a-f]{32}$/.test(value ?? "")) return value;
  }
  return null;
}

/**
 * What sets the cookie.
 * @param {Kept} kept
 * @param {string} protocol Of the page, as `location.protocol` says it.
 */
export function cookieText({ name, token, maxAge }, protocol) {
  const secure = protocol === "https:" ? "; Secure" : "";
  return `${name}=${token}; Path=/; Max-Age=${maxAge}; SameSite=Lax${secure}`;
}
