"""One colour per concept, the same on every page, in light and in dark.

Hues are Okabe and Ito's (2008), which stay apart under the common colour-vision deficiencies; a concept
keeps its hue in both themes and changes only its lightness. Classes have a second mark, their shape.
"""

from typing import Final, Literal, get_args

ThemeName = Literal["light", "dark"]

CONCEPTS: Final[dict[ThemeName, dict[str, str]]] = {
    "light": {
        "elbo": "#0072B2",
        "reconstruction": "#00795A",
        "kl": "#C04A00",
        "beta": "#8A6100",
        "kl_to_posterior": "#A6477F",
        "log_evidence": "#222222",
        "prior": "#6B6B6B",
        "posterior": "#0072B2",
        "data": "#6B6B6B",
        "decoded": "#00795A",
    },
    "dark": {
        "elbo": "#56B4E9",
        "reconstruction": "#3DC99E",
        "kl": "#FF8A4C",
        "beta": "#E6B422",
        "kl_to_posterior": "#E39AC4",
        "log_evidence": "#EEEEEE",
        "prior": "#A6A6A6",
        "posterior": "#56B4E9",
        "data": "#A6A6A6",
        "decoded": "#3DC99E",
    },
}

CLASSES: Final[dict[ThemeName, tuple[str, ...]]] = {
    "light": (
        "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8A6100",
        "#56B4E9", "#7A3FA0", "#000000", "#7F7F7F", "#E69F00",
    ),
    "dark": (
        "#4FA8E8", "#FF7A33", "#2FC79A", "#E39AC4", "#C79A3A",
        "#A9DCFA", "#B58BE0", "#F2F2F2", "#9A9A9A", "#F0C419",
    ),
}  # fmt: skip

GHOSTS: Final[dict[ThemeName, tuple[str, ...]]] = {
    "light": ("#8A4B00", "#7A3FA0", "#56691A", "#A3386F", "#00697A", "#5F6670"),
    "dark": ("#E5A35C", "#C4A1EA", "#B4C96A", "#F29AC4", "#6CCAD6", "#B4BAC4"),
}
"""Curves of kept runs, which carry text of their colour; each has dashes of its own, too."""

RAMP: Final[dict[ThemeName, tuple[str, ...]]] = {
    "light": ("#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#9bc31f"),
    "dark": ("#8a7be0", "#6b93e0", "#4aa8d8", "#36bcc0", "#3fcf9b", "#71dd74", "#b5e24f", "#fde725"),
}
"""Steps of a number, the least first: in grey they grow lighter evenly (after viridis)."""

PALETTES: Final = {
    theme: {
        "concepts": CONCEPTS[theme],
        "classes": list(CLASSES[theme]),
        "ghosts": list(GHOSTS[theme]),
    }
    for theme in ("light", "dark")
}
"""What the elements in the browser are told: they choose the palette that fits their background."""

_ICON_ALONE: Final = """
    padding-inline: 0.5rem;
    [data-testid="stMarkdownContainer"] {
      position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
    }
 """
"""A button shows its icon; its label is there for a screen reader."""

PAGE: Final[dict[ThemeName, str]] = {"light": "#FFFFFF", "dark": "#13161B"}
"""The ground of the page, as Streamlit's configuration has it."""
PRIMARY: Final = CONCEPTS["light"]["elbo"]
"""The ground of white text, in both themes: no blue is legible on the dark page and below white as well."""
PRESSED: Final = "#00639B"
"""The same, where the pointer or the focus is."""

_CONTRAST: Final = f"""
[data-testid="stCaptionContainer"] {{ opacity: 0.75; }}
:is([data-testid^="stBaseButton-primary"], [data-tag-index]) {{
  background: {PRIMARY}; border-color: {PRIMARY};
}}
[data-testid^="stBaseButton-primary"]:is(:hover, :focus-visible) {{ background: {PRESSED}; }}
[data-testid="stButtonGroup"] [role="radio"][data-selected]:is([data-hovered], [data-focus-visible]) {{
  background: color-mix(in srgb, currentColor 10%, transparent);
}}
"""
"""What Streamlit's own colours fall short of: 4.5 to 1 for all text."""

_TOUCH: Final = """
@media (pointer: coarse) {
  :is([data-testid^="stBaseButton"], [data-testid="stPopoverButton"], [data-testid="stMainMenuButton"],
      [data-testid="stExpandSidebarButton"], [data-testid="stPageLink-NavLink"],
      [data-testid="stSidebarNavLink"], [data-testid^="stNumberInputStep"],
      [data-testid="stExpander"] summary, [data-testid="stButtonGroup"] :is(button, [role="radio"]),
      [data-testid="stNumberInputClearButton"]) {
    min-height: 2.75rem; min-width: 2.75rem;
  }
  :is([data-testid="stCheckbox"], [data-testid="stRadio"] [role="radiogroup"]) label { min-height: 2.75rem; }
  :is([data-testid="stNumberInputField"], [data-testid="stTextInputField"], [role="combobox"]) {
    min-height: 2.75rem;
  }
  [data-testid="stTooltipIcon"] button { position: relative; }
  [data-testid="stTooltipIcon"] button::after { content: ""; position: absolute; inset: -0.875rem; }
}
"""
"""A finger needs 44 pixels; those of a help mark lie around it."""

Section = Literal["grid", "style", "aggregate", "closer"]
"""A part of a page that folds."""
SECTIONS: Final = get_args(Section)

PAGE_CSS: Final = (
    """
CONTRAST
[data-testid="stHeader"] { height: 3rem; min-height: 3rem; }
[data-testid="stMainBlockContainer"] { padding: 3.25rem 1.5rem 1rem; }
[data-testid="stTopNav"] { padding: 0 0.5rem; }
[data-testid="stTopNav"] + div { flex-shrink: 1; width: auto; min-width: 0; }
html:has(.st-key-presenter) { font-size: 20px; }
@media (max-width: 639px) {
  [data-testid="stMainBlockContainer"] { padding: 3.25rem 1rem 2rem; }
  .st-key-train_head h1 { width: calc(100vw - 2rem); }
  .st-key-train_head > [data-testid="stLayoutWrapper"],
  .st-key-train_head > * > [data-testid="stHorizontalBlock"]:not(.st-key-presenter) { display: contents; }
  :is(.st-key-train_epoch, .st-key-train_stop, .st-key-train_reset, .st-key-train_before) button,
  :is(.st-key-share, .st-key-take_home) button,
  .st-key-present:not(.st-key-presenter *) button { ICON_ALONE }
  .st-key-train_head:has(.st-key-train_copy) [data-testid="stElementContainer"]:has(button:disabled) {
    display: none;
  }
  .st-key-look_back_line > :first-child { flex: 1 1 100%; }
}
@media (min-width: 640px) {
  [data-testid="stSidebar"]:has(
    [data-testid="stSidebarUserContent"] > div > [data-testid="stVerticalBlock"]:empty
  ) {
    display: none;
  }
}
@media (hover: none) { .js-plotly-plot .modebar { display: none; } }
.st-key-run_line { position: relative; }
.st-key-run_line > [data-testid="stElementContainer"]:has([data-testid="stProgress"]) {
  position: absolute; inset: auto 0 -0.5rem; width: auto;
}
TOUCH
[data-testid$="NavLink"]:focus-visible { outline: 2px solid currentColor; outline-offset: -2px; }
[data-testid$="NavLink"][aria-current="page"]:is(:hover, :focus-visible) {
  background: color-mix(in srgb, currentColor 15%, transparent);
}
.st-key-train_head { container: train_head / inline-size; }
@container train_head (min-width: 500px) and (max-width: 1080px) {
  :is(.st-key-train_stop, .st-key-train_reset, .st-key-train_before, .st-key-present) button,
  .st-key-take_home button { ICON_ALONE }
}
@container train_head (min-width: 500px) and (max-width: 860px) {
  :is(.st-key-train_step, .st-key-train_epoch, .st-key-train_keep, .st-key-share) button,
  .st-key-train_pause button:disabled { ICON_ALONE }
}
ROW [data-testid="stColumn"] [data-testid="stHorizontalBlock"] > :not(:first-child) button { ICON_ALONE }
SECTION [data-testid="stButton"] button { ICON_ALONE }
SECTION { flex-wrap: nowrap; }
SECTION > [data-testid="stElementContainer"]:first-child { min-width: 0; }
SECTION [data-testid="stButton"] [data-testid="stIconMaterial"] { font-size: 1.75rem; }
ROW { border-top: 1px solid color-mix(in srgb, currentColor 15%, transparent); padding-block: 0.25rem; }
@media (max-width: 639px) {
  .st-key-run_head [data-testid="stColumn"]:not(:first-child) { display: none; }
  .st-key-run_head [data-testid="stColumn"] label::after { content: "Mark all"; }
  ROW > * > [data-testid="stHorizontalBlock"] { flex-wrap: wrap; gap: 0.25rem 0.75rem; }
  ROW [data-testid="stColumn"] { min-width: 0; width: auto; flex: 0 1 auto; }
  ROW [data-testid="stColumn"]:nth-child(3) { flex: 1 1 50%; }
  ROW [data-testid="stColumn"]:nth-child(5) p::before { content: "β "; }
  ROW [data-testid="stColumn"]:nth-child(6) p::before { content: "ELBO "; }
  ROW [data-testid="stColumn"]:nth-child(7) p::before { content: "step "; }
}
@media (min-width: 640px) and (max-width: 1439px) {
  [data-testid="stTopNavLink"] { padding: 0 5px; }
  [data-testid="stTopNavLink"] > span:has([data-testid="stIconMaterial"]) { display: none; }
}
""".replace("ICON_ALONE", _ICON_ALONE)
    .replace("CONTRAST", _CONTRAST)
    .replace("TOUCH", _TOUCH)
    .replace("SECTION", f":is({', '.join(f'.st-key-section_{name}' for name in SECTIONS)})")
    .replace("ROW", ".st-key-run_rows > * > :not(.st-key-run_head)")
)
"""What no setting of Streamlit says: pages begin right below the navigation, with narrow margins, so that the
whole board is in sight on a projector, and the names of all pages; the buttons of Train keep to one line, as
icons where there is no room; a run of the list is a row, on a telephone a few lines; what a finger presses is
large enough; of someone else's run a telephone shows only what can be pressed. Where a page presents, its own
text, which is sized in rem, is one and a quarter of its size.

No rule has ``[class*=…]`` for what is around others, or ``:has`` without a name before it: whenever a class
changes, a browser computes the styles of all that could be in or around such a one anew, of a page with five
charts 12 ms, twice a move of a slider."""
