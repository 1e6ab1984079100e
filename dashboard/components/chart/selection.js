/** Which points of a figure were selected, as the server takes it. */

/**
 * @param {{ points?: { curveNumber: number, pointNumber?: number, pointNumbers?: number[] }[] } | undefined} event
 *   What Plotly says.
 * @returns {[number, number][]} The number of its trace, and its own in it, of each.
 */
export const pointsOf = (event) =>
  (event?.points ?? []).flatMap(({ curveNumber, pointNumber, pointNumbers }) =>
    (pointNumbers ?? (pointNumber === undefined ? [] : [pointNumber])).map(
      (number) => /** @type {[number, number]} */ ([curveNumber, number]),
    ),
  );
