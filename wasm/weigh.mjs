// What the engine weighs, in its two parts. `--weigh` keeps it; otherwise nothing may have grown by more than 2 % of what was kept.
import { readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** What the page may load before its first trace, with brotli. */
const GOAL = 350_000;
const [folder, keep] = process.argv.slice(2);
const kept = new URL("payload.txt", import.meta.url);

function weigh(file, modules) {
  const bytes = readFileSync(`${folder}/${file}`);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  // Nothing but what wasm-bindgen makes may be asked of the page, and of the first part by the second.
  const strangers = WebAssembly.Module.imports(new WebAssembly.Module(bytes)).filter(({ module }) => !modules.includes(module));
  if (strangers.length) fail(`${file} imports ${strangers.map(({ module, name }) => `${module}.${name}`).join(", ")}`);
  return { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliCompressSync(bytes, { params }).length };
}

const first = weigh("netscene.wasm", ["./netscene_wasm_bg.js", "wbg"]);
const rest = weigh("netscene-rest.wasm", ["p"]);
const both = Object.fromEntries(Object.keys(first).map((how) => [how, first[how] + rest[how]]));
const weight = { first, rest, both };
for (const [part, sizes] of Object.entries(weight)) console.log(`the engine, ${part}: ${Object.entries(sizes).map(([how, size]) => `${how} ${size}`).join(", ")} bytes`);

if (keep === "--weigh") {
  writeFileSync(kept, Object.entries(weight).map(([part, sizes]) => `${part} ${Object.entries(sizes).flat().join(" ")}\n`).join(""));
} else {
  for (const line of readFileSync(kept, "utf8").trim().split("\n")) {
    const [part, ...sizes] = line.split(" ");
    for (let at = 0; at < sizes.length; at += 2) {
      const [how, most] = [sizes[at], Math.floor(Number(sizes[at + 1]) * 1.02)];
      if (how !== "gzip" && weight[part][how] > most) fail(`the engine has grown: ${part}, ${how} ${weight[part][how]} is above ${most}; wasm/build.sh --weigh keeps it`);
    }
  }
}
if (first.brotli > GOAL) fail(`the first part is ${first.brotli - GOAL} bytes of brotli above the goal of ${GOAL}`);

function fail(text) {
  console.error(text);
  process.exitCode = 1;
}
