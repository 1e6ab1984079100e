/**
 * Bundles each element of dashboard/components whose folder has an index.js into bundle.js beside it.
 * With --check it writes nothing and fails where a bundle is not what it would write.
 */

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const COMPONENTS = join("dashboard", "components");

/**
 * A digest of the modules that a bundle is made of: tests/dashboard/components/test_bundles.py computes it, too.
 * @param {string[]} sources Paths from the root, with slashes.
 */
function digestOf(sources) {
  const digest = createHash("sha256");
  for (const source of [...sources].sort())
    digest.update(`${source}\0`).update(readFileSync(join(ROOT, source)));
  return digest.digest("hex").slice(0, 16);
}

/**
 * @param {string} element
 * @returns {Promise<string>}
 */
async function bundleOf(element) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [join(COMPONENTS, element, "index.js")],
    bundle: true,
    // Streamlit sends the code of an element again with each new message: with each update of the board.
    minify: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    legalComments: "inline",
    metafile: true,
    write: false,
  });
  const sources = Object.keys(metafile.inputs).filter((path) => path.startsWith("dashboard/"));
  return `// Sources ${digestOf(sources)}; made by "npm run build": edit the modules, not this file.\n${outputFiles[0].text}`;
}

const check = process.argv.includes("--check");
const elements = readdirSync(join(ROOT, COMPONENTS)).filter((name) => {
  return existsSync(join(ROOT, COMPONENTS, name, "index.js"));
});
for (const element of elements) {
  const path = join(ROOT, COMPONENTS, element, "bundle.js");
  const text = await bundleOf(element);
  const shown = relative(ROOT, path).split(sep).join("/");
  if (!check) {
    writeFileSync(path, text);
    console.log(`${shown}: ${Math.round(text.length / 1024)} kB`);
  } else if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
    console.error(`${shown} is not what its modules make: run "npm run build"`);
    process.exitCode = 1;
  }
}
