// What the engine weighs. `--weigh` keeps it; otherwise it may not have grown by more than 2 % of what was kept.
import { readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** What it ought to weigh at most with brotli. It does not yet: what costs how much stands in wasm/README.md. */
const GOAL = 350_000;
const [file, keep] = process.argv.slice(2);
const kept = new URL("payload.txt", import.meta.url);
const bytes = readFileSync(file);
const params = {
  [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
};
const weight = { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliCompressSync(bytes, { params }).length };
console.log(`the engine: ${Object.entries(weight).map(([how, size]) => `${how} ${size}`).join(", ")} bytes`);

// Nothing but what wasm-bindgen makes may be asked of the page.
const strangers = WebAssembly.Module.imports(new WebAssembly.Module(bytes)).filter(({ module }) => module !== "./netscene_wasm_bg.js" && module !== "wbg");
if (strangers.length) fail(`the engine imports ${strangers.map(({ module, name }) => `${module}.${name}`).join(", ")}`);

if (keep === "--weigh") {
  writeFileSync(kept, Object.entries(weight).map(([how, size]) => `${how} ${size}\n`).join(""));
} else {
  const before = Object.fromEntries(readFileSync(kept, "utf8").trim().split("\n").map((line) => line.split(" ")));
  for (const how of ["raw", "brotli"]) {
    const most = Math.floor(Number(before[how]) * 1.02);
    if (weight[how] > most) fail(`the engine has grown: ${how} ${weight[how]} is above ${most}; wasm/build.sh --weigh keeps it`);
  }
}
if (weight.brotli > GOAL) console.log(`that is ${weight.brotli - GOAL} bytes of brotli above the goal of ${GOAL}`);

function fail(text) {
  console.error(text);
  process.exitCode = 1;
}
