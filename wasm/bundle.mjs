// The page's scripts: the Worker becomes a text inside the one script, so that an embedding page needs one tag.
import { build } from "esbuild";
import { fileURLToPath } from "node:url";

const page = process.argv[2];
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const shared = { bundle: true, minify: true, target: "es2022", legalComments: "none", logLevel: "warning" };

const worker = await build({
  ...shared, entryPoints: [here("page/worker.ts")], format: "iife", write: false, logOverride: { "empty-import-meta": "silent" },
});
const workerText = {
  name: "worker-text",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^worker-text$/ }, () => ({ path: "worker-text", namespace: "worker" }));
    onLoad({ filter: /.*/, namespace: "worker" }, () => ({ contents: worker.outputFiles[0].text, loader: "text" }));
  },
};
await build({
  ...shared, entryPoints: [here("page/net-scene.ts"), here("page/book.ts")], outdir: page, format: "esm",
  splitting: true, chunkNames: "part-[hash]", loader: { ".css": "text" }, plugins: [workerText],
});
await build({ ...shared, entryPoints: [here("page/offline.ts")], outdir: page, format: "iife" });
