import assert from "node:assert/strict";
import test from "node:test";
import { cookieText, tokenIn } from "../../dashboard/components/browser_token/cookie.js";

const TOKEN = "0123456789abcdef".repeat(2);
const KEPT = { name: "browser", token: TOKEN, maxAge: 60 };

test("a token that was set is found among other cookies", () => {
  const pair = cookieText(KEPT, "http:").split(";")[0];
  for (const cookies of [pair, `_xsrf=2|a=b; ${pair}`, `${pair}; theme=dark`]) {
    assert.equal(tokenIn(cookies, "browser"), TOKEN, cookies);
  }
});

test("what is no token, or another cookie's, is not found", () => {
  const others = [
    "",
    "browser",
    "browser=",
    `browser=${TOKEN}0`,
    `browser=${TOKEN.toUpperCase()}`,
    `my_browser=${TOKEN}`,
    `x=browser=${TOKEN}`,
  ];
  for (const cookies of others) assert.equal(tokenIn(cookies, "browser"), null, cookies);
});

test("the cookie is the whole site's, for other sites' forms it is not there, and HTTPS keeps it to itself", () => {
  assert.equal(cookieText(KEPT, "http:"), `browser=${TOKEN}; Path=/; Max-Age=60; SameSite=Lax`);
  assert.equal(cookieText(KEPT, "https:"), `browser=${TOKEN}; Path=/; Max-Age=60; SameSite=Lax; Secure`);
});
