/** Sections that fold by their heading where there is one column, on a telephone; `fold.css` says where. */

import { find, newButton } from "./mount.js";

/**
 * Lets a section fold.
 * @param {HTMLElement} section It has one heading, its child; a heading that changes is named anew.
 */
export function letFold(section) {
  const button = newButton("", () => {
    button.setAttribute("aria-expanded", String(!section.classList.toggle("folded")));
  });
  button.className = "fold";
  button.setAttribute("aria-expanded", "true");
  section.classList.add("foldable");
  section.append(button);
  nameFold(section);
}

/**
 * The button is called as the heading is.
 * @param {HTMLElement} section
 */
export function nameFold(section) {
  const { textContent } = find(section, ":scope > :is(h2, h3)");
  find(section, ":scope > .fold").setAttribute("aria-label", textContent ?? "");
}
