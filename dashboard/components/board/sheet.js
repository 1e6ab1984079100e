/** A sheet of pixels drawn at any size: every pixel comes out equally large and sharp. */

import { contextOf } from "../shared/theme.js";

/**
 * Enlarged by a whole factor without smoothing; what remains to the wanted size is small.
 * @param {HTMLCanvasElement} sheet
 * @param {number} targetWidth
 */
function enlarged(sheet, targetWidth) {
  const factor = Math.max(1, Math.ceil((targetWidth * (window.devicePixelRatio || 1)) / sheet.width));
  const large = document.createElement("canvas");
  large.width = sheet.width * factor;
  large.height = sheet.height * factor;
  const context = contextOf(large);
  context.imageSmoothingEnabled = false;
  context.drawImage(sheet, 0, 0, large.width, large.height);
  return large;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {HTMLCanvasElement} sheet
 * @param {number} left
 * @param {number} top
 * @param {number} width
 * @param {number} height
 */
export function drawSheet(context, sheet, left, top, width, height) {
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(enlarged(sheet, width), left, top, width, height);
}
