// Splits the engine: what the page needs for its first traces, and the rest. What that is shows a run of some scenarios;
// see README.md beside this folder. Usage: main.mjs FOLDER MAP; the folder has whole.wasm and pkg/, the map is the linker's.
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Writer, emit, op, parse } from "./binary.mjs";
import { constants } from "./data.mjs";
import { outline } from "./outline.mjs";
import { forget, marked, profile, taken } from "./profile.mjs";
import { split } from "./split.mjs";

/**
 * What the first part does alone: these scenarios up to their first flow, which a page draws while it loads the second part. They are
 * those that the book's first page and its page on the white paper's flow begin with.
 */
const SCENARIOS = ["examples/hello.scn", "examples/wordpress.scn"];
/** How often each is run. */
const SHIFTS = 4;
/** What runs in these hangs on addresses: on how bytes are aligned, on what is free, and on hashes, whose keys are addresses here. */
const BY_ADDRESS = /hashbrown|indexmap|talc|\bmem(cpy|move|set|cmp|chr)/;
/** Among them those that compare two keys, which are few bytes each: whether they run is chance. */
const COMPARES = /hashbrown.*(\{closure|indexmap.*::equal|::equivalent)/;
/** How many bytes the end of a block has to save to be worth a call. */
const GAIN = 4;

const folder = pathToFileURL(`${process.argv[2]}/`);
const bytes = readFileSync(new URL("whole.wasm", folder));

const marks = marked(bytes);
const compiled = new WebAssembly.Module(marks.bytes);
const runs = [];
for (const [index, name] of SCENARIOS.entries()) {
  const text = readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
  // An engine of its own, because what the first allocations do is done once; and again, because what is done to memory depends on
  // where something happens to lie there.
  const engine = await import(new URL(`pkg/netscene_wasm.js?${index}`, folder));
  const { memory } = engine.initSync({ module: compiled });
  for (let shift = 0; shift < SHIFTS; shift++) {
    let told;
    forget(marks, memory);
    engine.run("x".repeat(shift) + name, text, shift % 2 ? undefined : {}, 0, () => { told ??= taken(marks, memory); });
    if (!told) throw new Error(`${name} sends nothing`);
    runs.push(told);
  }
}
const ran = profile(marks, runs);

const module = parse(bytes);
const imported = module.imports.length;
if (!module.names.size) throw new Error("the functions have no names");
const named = (func, names) => names.test(module.names.get(imported + func));
const kept = new Set([...module.funcs.keys()].filter((func) => ran(func, 0) || named(func, COMPARES)));
outline(module, (func) => kept.has(func) && !named(func, BY_ADDRESS), ran, GAIN);
// What the page calls is in the first part. Where it did not run, that is but a call of it.
for (const { index } of module.exports.filter(({ kind, index }) => kind === 0 && index >= imported)) {
  const at = index - imported;
  if (kept.has(at)) continue;
  const func = module.funcs[at];
  const body = new Writer();
  for (const local of module.types[func.type].params.keys()) body.byte(op.localGet).number(local);
  body.byte(op.call).number(imported + module.funcs.push(func) - 1).byte(op.end);
  module.funcs[at] = { type: func.type, locals: [], body: body.bytes };
  kept.add(at);
}
const { primary, secondary } = split(module, (func) => kept.has(func), "__wbg_loadRest_", constants(readFileSync(process.argv[3], "utf8")));
writeFileSync(new URL("netscene.wasm", folder), emit(primary));
writeFileSync(new URL("netscene-rest.wasm", folder), emit(secondary));
