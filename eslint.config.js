import js from "@eslint/js";
import globals from "globals";

const UNCONVERTED = ["latent/", ...["base", "plane", "pictures", "points"].map((name) => `board/${name}.js`)];

export default [
  {
    ignores: [
      "dashboard/components/*/bundle.js",
      ...UNCONVERTED.map((path) => `dashboard/components/${path}`),
      "**/.venv/",
      "**/venv/",
    ],
  },
  js.configs.recommended,
  {
    rules: {
      "no-var": "error",
      "prefer-const": "error",
      "no-console": "error",
      "no-warning-comments": "error",
      eqeqeq: "error",
    },
  },
  { files: ["dashboard/components/**/*.js"], languageOptions: { globals: globals.browser } },
  {
    files: ["scripts/**/*.js", "tests/js/**/*.js"],
    languageOptions: { globals: globals.node },
    rules: { "no-console": "off" },
  },
];
