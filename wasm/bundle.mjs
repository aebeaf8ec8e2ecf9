// The page's scripts, and the head that loads them. The Worker is a file for the book, whose pages start it before anything else;
// and a text inside the one script of an embedding page, which needs one tag. Files that change with a version are asked for by
// what is in them, so that they can be kept for ever.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const page = process.argv[2];
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const versioned = (name) => `${name}?v=${createHash("sha256").update(readFileSync(join(page, name))).digest("hex").slice(0, 12)}`;
const shared = {
  bundle: true, minify: true, target: "es2022", legalComments: "none", logLevel: "warning",
  define: { ENGINE_FILE: JSON.stringify(versioned("netscene.wasm")), REST_FILE: JSON.stringify(versioned("netscene-rest.wasm")) },
};
// What the service worker draws is for pages that would draw the same.
const sources = readdirSync(here("page")).sort().map((name) => readFileSync(here(`page/${name}`)));
shared.define.DRAWING = JSON.stringify(createHash("sha256").update(Buffer.concat(sources)).digest("hex").slice(0, 12));

// The bindings would look for the engine beside a module; they are told where it is.
const logOverride = { "empty-import-meta": "silent" };
await build({
  ...shared, entryPoints: [here("page/worker.ts")], outdir: page, format: "iife", logOverride,
});
shared.define.WORKER_FILE = JSON.stringify(versioned("worker.js"));
const asText = {
  name: "worker-text",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^worker-text$/ }, () => ({ path: "worker-text", namespace: "worker" }));
    onLoad({ filter: /.*/, namespace: "worker" }, () => ({ contents: readFileSync(join(page, "worker.js"), "utf8"), loader: "text" }));
  },
};
// The editor comes later, and is one file for the two.
const editor = await build({ ...shared, entryPoints: [here("page/editor.ts")], outdir: page, format: "esm", entryNames: "[name]-[hash]", metafile: true });
const [file] = Object.keys(editor.metafile.outputs).map((path) => basename(path));
const later = {
  name: "later",
  setup({ onResolve }) { onResolve({ filter: /^\.\/editor$/ }, ({ kind }) => (kind === "dynamic-import" ? { path: `./${file}`, external: true } : undefined)); },
};
const scripts = { ...shared, outdir: page, loader: { ".css": "text" }, plugins: [asText, later] };
await build({ ...scripts, entryPoints: [here("page/net-scene.ts")], format: "esm" });
// Chromium keeps the compiled code of a script; when the book's was a module, it was compiled anew at every visit (seen in a trace).
await build({ ...scripts, entryPoints: [here("page/book.ts")], format: "iife", define: { ...shared.define, "import.meta.url": "document.currentScript.src" } });
await build({ ...shared, entryPoints: [here("page/offline.ts")], outdir: page, format: "iife", logOverride });
// The host has run nothing ahead: it is the service worker that answers for this one.
writeFileSync(join(page, "ahead.js"), "netsceneAhead = null;\n");

const head = readFileSync(here("book/theme/head.hbs"), "utf8");
writeFileSync(join(page, "head.hbs"), head.replace(/\b(worker|book)\.js\b/g, versioned));
