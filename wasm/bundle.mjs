// The page's scripts, and the head that loads them. The Worker is a file for the book, whose pages start it before anything else;
// and a text inside the one script of an embedding page, which needs one tag. Files that change with a version are asked for by
// what is in them, so that they can be kept for ever.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const page = process.argv[2];
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const versioned = (name) => `${name}?v=${createHash("sha256").update(readFileSync(join(page, name))).digest("hex").slice(0, 12)}`;
const shared = {
  bundle: true, minify: true, target: "es2022", legalComments: "none", logLevel: "warning",
  define: { ENGINE_FILE: JSON.stringify(versioned("netscene.wasm")), REST_FILE: JSON.stringify(versioned("netscene-rest.wasm")) },
};

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
// One after the other: what both have is in both, and neither waits for a third file. The editor alone comes later.
for (const entry of ["page/net-scene.ts", "page/book.ts"]) {
  await build({
    ...shared, entryPoints: [here(entry)], outdir: page, format: "esm", splitting: true, chunkNames: "[name]-[hash]",
    loader: { ".css": "text" }, plugins: [asText],
  });
}
await build({ ...shared, entryPoints: [here("page/offline.ts")], outdir: page, format: "iife", logOverride });

const head = readFileSync(here("book/theme/head.hbs"), "utf8");
writeFileSync(join(page, "head.hbs"), head.replace(/\b(worker|book)\.js\b/g, versioned));
