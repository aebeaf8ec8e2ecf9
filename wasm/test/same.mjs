// Native and WebAssembly print the same bytes: for every scenario of the repository's examples and tests, and for those that were
// generated. The engine runs in Node here, without a browser. Prints how fast it is against the native one, too.
import { readFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { performance } from "node:perf_hooks";

const page = new URL("../../target/page/", import.meta.url);
const engine = await import(new URL("pkg/netscene_wasm.js", page));
engine.initSync({ module: readFileSync(new URL("netscene.wasm", page)) });

const scenarios = JSON.parse(readFileSync(new URL("scenarios.json", page), "utf8"));
let [bad, statuses] = [0, [0, 0, 0, 0]];
for (const { name, text, files, status, output, diagnostics } of scenarios) {
  const ran = engine.run(name, text, files, 0);
  statuses[status]++;
  for (const [what, native, web] of [["status", status, ran.status], ["output", output, ran.output], ["diagnostics", diagnostics, ran.diagnostics]]) {
    if (native === web) continue;
    bad++;
    const at = [...String(native)].findIndex((c, index) => c !== String(web)[index]);
    console.error(`${name}: ${what} differs at ${at}:\n  native ${JSON.stringify(String(native).slice(Math.max(at - 60, 0), at + 100))}\n  web    ${JSON.stringify(String(web).slice(Math.max(at - 60, 0), at + 100))}`);
  }
  // What was printed of problems and what is told as data are the same.
  const told = ran.problems.filter(({ title }) => !ran.diagnostics.includes(title.split("\n")[0]));
  if (told.length) { bad++; console.error(`${name}: not printed: ${JSON.stringify(told[0])}`); }
}
const generated = scenarios.filter(({ name }) => name.startsWith("generated-")).length;
console.log(`${scenarios.length - generated} scenarios of the repository and ${generated} generated ones; statuses 0 to 3: ${statuses.join(", ")}; ${bad} differences`);
if (generated < 500) { bad++; console.error("fewer than 500 were generated"); }

// The rest of what a page asks for.
const expect = (what, is) => { if (!is) { bad++; console.error(`not so: ${what}`); } };
const wrong = "# ü 𝄞\nnode worker1 at 10.0.0.1\nnod worker2 at 10.0.0.2\n";
const [problem] = engine.check("x.scn", wrong).problems;
const label = problem.labels.find(({ primary }) => primary);
expect("a place is counted in UTF-16", wrong.slice(label.from, label.to) === "nod");
expect("a scenario is formatted", engine.format("x.scn", "node   a at 10.0.0.1\n").text === "node a at 10.0.0.1\n");
expect("what cannot be read is not formatted", engine.format("x.scn", "node {\n").text === null);
const included = engine.run("x.scn", 'include "sub/a.scn"\nping worker1 -> worker1 as p\nexpect p delivered\n', { "sub/a.scn": "node worker1 at 10.0.0.1\n" }, 0);
expect("a file can be included", included.status === 0 && included.flows[0].trace.name === "p");

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];
const flow = scenarios.find(({ name }) => name === "examples/wordpress.scn");
const once = () => { const begun = performance.now(); engine.run(flow.name, flow.text, flow.files, 0); return performance.now() - begun; };
for (let i = 0; i < 5; i++) once();
const web = median(Array.from({ length: 15 }, once));
if (process.argv[2]) {
  const native = Number(execFileSync(process.argv[2], [flow.name, "15"], { encoding: "utf8", cwd: new URL("../../", import.meta.url) }));
  console.log(`examples/wordpress.scn: ${web.toFixed(1)} ms in WebAssembly, ${native.toFixed(1)} ms native: ${(native / web).toFixed(2)} of native speed`);
} else console.log(`examples/wordpress.scn: ${web.toFixed(1)} ms in WebAssembly`);
process.exitCode = bad ? 1 : 0;
