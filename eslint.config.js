import js from "@eslint/js";
import globals from "globals";

export default [
  {
    ignores: ["dashboard/components/*/bundle.js", "**/.venv/", "**/venv/"],
  },
  js.configs.recommended,
  {
    rules: {
      "no-var": "error",
      "prefer-const": "error",
      "no-console": "error",
      "no-warning-comments": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
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
