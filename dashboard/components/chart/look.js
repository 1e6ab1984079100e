/** What a figure does not say itself: type, grid and labels in the colours of the page. */

/** Of lines behind the data, by theme. @type {Record<"light" | "dark", string>} */
const GRID = { light: "#e6eaf1", dark: "#31333f" };

/**
 * Plotly's template of a figure.
 * @param {"light" | "dark"} theme
 * @param {{ text: string, background: string, border: string, font: string }} page Its colours and its font.
 */
export function templateOf(theme, { text, background, border, font }) {
  const small = { color: text, family: font, size: 14 };
  const grid = GRID[theme];
  const axis = {
    automargin: true,
    gridcolor: grid,
    zerolinecolor: grid,
    tickcolor: grid,
    tickfont: small,
    // Margins hold all labels: whether one lies outside would be measured for each.
    ticklabeloverflow: "allow",
  };
  const layout = {
    font: small,
    paper_bgcolor: background,
    plot_bgcolor: background,
    margin: { l: 0, r: 0, pad: 8 },
    legend: { font: small, borderwidth: 0, valign: "top" },
    hoverlabel: { bgcolor: background, bordercolor: border, font: small },
    xaxis: { ...axis, showgrid: false, zeroline: false, title: { font: small, standoff: 20 } },
    yaxis: { ...axis, ticklabelposition: "outside", title: { font: small, standoff: 24 } },
  };
  return { layout };
}
