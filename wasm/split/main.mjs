// Splits the engine: what the page needs for its first traces, and the rest. What that is shows a run of some scenarios;
// see README.md beside this folder. Usage: main.mjs FOLDER MAP; the folder has whole.wasm and pkg/, the map is the linker's.
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { emit, parse } from "./binary.mjs";
import { constants } from "./data.mjs";
import { outline } from "./outline.mjs";
import { marked, profile, taken } from "./profile.mjs";
import { split } from "./split.mjs";

/**
 * What the first part does alone: these scenarios up to their first flow, which a page draws while it loads the second part. They are
 * those of the book's first page, and of the page on the white paper's flow.
 */
const SCENARIOS = ["examples/hello.scn", "examples/wordpress.scn", "examples/whitepaper/wordpress_paths.scn"];
/** How many bytes the end of a block has to save to be worth a call. */
const GAIN = 4;

const folder = pathToFileURL(`${process.argv[2]}/`);
const whole = readFileSync(new URL("whole.wasm", folder));

const marks = marked(whole);
const compiled = new WebAssembly.Module(marks.bytes);
const runs = [];
for (const [index, name] of SCENARIOS.entries()) {
  const text = readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
  // An engine of its own, because what the first allocations do is done once.
  const engine = await import(new URL(`pkg/netscene_wasm.js?${index}`, folder));
  const { memory } = engine.initSync({ module: compiled });
  let told;
  engine.run(name, text, {}, 0, () => { told ??= taken(marks, memory); });
  if (!told) throw new Error(`${name} sends nothing`);
  runs.push(told);
}
const ran = profile(marks, runs);

const module = parse(whole);
const functions = module.funcs.length;
// What the page calls is in the first part, though all of it may be a call into the second.
const called = new Set(module.exports.filter(({ kind }) => kind === 0).map(({ index }) => index - module.imports.length));
const kept = (func) => called.has(func) || (func < functions && ran(func, 0));
outline(module, kept, ran, GAIN);
const { primary, secondary } = split(module, kept, "__wbg_loadRest_", constants(readFileSync(process.argv[3], "utf8")));
writeFileSync(new URL("netscene.wasm", folder), emit(primary));
writeFileSync(new URL("netscene-rest.wasm", folder), emit(secondary));
