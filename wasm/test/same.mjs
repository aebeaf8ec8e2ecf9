// Native and WebAssembly print the same bytes: for every scenario of the repository's examples and tests, and for those that were
// generated. The engine runs in Node here, without a browser. Prints how fast it is against the native one, too.
import { readFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { performance } from "node:perf_hooks";

const page = new URL("../../target/page/", import.meta.url);
const [first, rest] = ["netscene.wasm", "netscene-rest.wasm"].map((part) => new WebAssembly.Module(readFileSync(new URL(part, page))));

/** An engine of its own; `asked` tells that it has asked for its second part, and got it. */
let made = 0;
async function fresh() {
  const engine = await import(new URL(`pkg/netscene_wasm.js?${made++}`, page));
  const exports = engine.initSync({ module: first });
  const one = { engine, asked: false };
  globalThis.loadRest = () => {
    if (!one.asked) new WebAssembly.Instance(rest, { p: exports });
    one.asked = true;
  };
  return one;
}

let bad = 0;
const expect = (what, is) => { if (!is) { bad++; console.error(`not so: ${what}`); } };
function same(engine, { name, text, files, status, output, diagnostics }, tell) {
  const ran = engine.run(name, text, files, 0, tell);
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

/** What stands in a result of a flow that was told while others were sent. */
function whole(text) {
  const { test, trace: { steps, headers, ...trace } } = JSON.parse(text);
  for (const hop of trace.packets.flatMap(({ hops }) => hops)) {
    Object.assign(hop, { steps: hop.steps.map((at) => steps[at]), before: headers[hop.before], after: headers[hop.after] });
  }
  return { test, trace };
}

// The second part is loaded in the midst of a run: for each block of the book in an engine of its own, and again for every 20th scenario.
const blocks = JSON.parse(readFileSync(new URL("blocks.json", page), "utf8"));
let [alone, sending] = [[], 0];
for (const block of blocks) {
  const one = await fresh();
  let asked;
  const told = [];
  same(one.engine, block, (flow) => { asked ??= one.asked; told.push(flow); });
  const { flows } = one.engine.run(block.name, block.text, block.files, 0);
  expect(`${block.page} ${block.name}: its flows are told`, JSON.stringify(told.map(whole)) === JSON.stringify(flows));
  let first;
  one.engine.firstFlow(block.name, block.text, block.files, 0, (flow) => { first = flow; });
  expect(`${block.page} ${block.name}: the first flow alone is the first of all`, first === told[0]);
  if (asked === false) alone.push(`${block.page} ${block.name}`);
  sending += Number(asked !== undefined);
}
console.log(`${alone.length} of ${sending} blocks of the book that send something come to their first flow on the first part of the engine alone: ${alone.join(", ")}`);
const scenarios = JSON.parse(readFileSync(new URL("scenarios.json", page), "utf8"));
const statuses = [0, 0, 0, 0];
for (let [at, one] = [0, undefined]; at < scenarios.length; at++) {
  if (at % 20 === 0) one = await fresh();
  same(one.engine, scenarios[at]);
  statuses[scenarios[at].status]++;
}
// And here it was there before.
const { engine } = await fresh();
engine.loadWhole();
for (const scenario of scenarios) same(engine, scenario);
const generated = scenarios.filter(({ name }) => name.startsWith("generated-")).length;
console.log(`${scenarios.length - generated} scenarios of the repository and ${generated} generated ones; statuses 0 to 3: ${statuses.join(", ")}; ${bad} differences`);
if (generated < 500) { bad++; console.error("fewer than 500 were generated"); }

// The rest of what a page asks for.
const wrong = "# ü 𝄞\nnode worker1 at 10.0.0.1\nnod worker2 at 10.0.0.2\n";
const [problem] = engine.check("x.scn", wrong).problems;
const label = problem.labels.find(({ primary }) => primary);
expect("a place is counted in UTF-16", wrong.slice(label.from, label.to) === "nod");
expect("a scenario is formatted", engine.format("x.scn", "node   a at 10.0.0.1\n").text === "node a at 10.0.0.1\n");
expect("what cannot be read is not formatted", engine.format("x.scn", "node {\n").text === null);
const included = engine.run("x.scn", 'include "sub/a.scn"\nping worker1 -> worker1 as p\nexpect p delivered\n', { "sub/a.scn": "node worker1 at 10.0.0.1\n" }, 0);
expect("a file can be included", included.status === 0 && included.flows[0].trace.name === "p");

const two = "node a at 10.0.0.1\nping a -> a as p\ntest \"t\" { ping a -> a as q }\n";
const told = [];
const heard = engine.run("x.scn", two, {}, 0, (flow) => told.push(whole(flow)));
const [held, flows] = [engine.run("x.scn", two, {}, 0), told.map(({ test, trace }) => `${test}/${trace.name}`)];
expect(`flows are told when they happen: ${flows}`, flows.join() === "null/p,t/q" && heard.flows.length === 0);
expect("and are those of a run that tells at its end", JSON.stringify(held) === JSON.stringify({ ...heard, flows: told }));
const written = "# ü 𝄞\nnode worker1 at 10.0.0.1\nping wor";
const offered = engine.complete("x.scn", written, {}, written.length);
expect(`what may be written is offered: ${JSON.stringify(offered)}`, offered.from === written.lastIndexOf("wor") && offered.candidates.some(({ text, kind }) => text === "worker1" && kind === "node"));

// And of a session.
const session = new engine.Session(0, undefined);
const loaded = session.load("x.scn", 'include "sub/a.scn"\ntest "t" { ping worker1 -> worker1 as p; expect p delivered }\n', { "sub/a.scn": "node worker1 at 10.0.0.1\n" });
expect(`a scenario is loaded: ${loaded.diagnostics}`, loaded.outcome === "done" && session.tests().join() === "t" && session.places().join() === "worker1");
expect("its tests run", session.test("").text.includes('test "t" passed'));
expect("a sentence is done", session.enter("node worker2 at 10.0.0.2").outcome === "done");
expect("it changes something", session.diff(1).includes("worker2"));
expect("it is taken back, and done again", session.undo() === "node worker2 at 10.0.0.2" && session.undo() !== undefined && session.undo() === undefined && session.redo() !== undefined && session.redo() === "node worker2 at 10.0.0.2" && session.redo() === undefined);
const names = (completion) => completion.candidates.map(({ text }) => text).join();
expect("names of its world are offered", names(session.complete("fail node w", 11)) === "worker1,worker2");
expect("and what is typed on a machine", names(session.complete("iptab", 5, "worker1")) === "iptables,iptables-save");
const pinged = session.enterAt("worker1", "ping -c 1 worker2");
expect(`a command is typed: ${pinged.text}`, pinged.outcome === "done" && pinged.flows[0].trace.kind === "ping");
expect("a list is looked at", /^NAME +STATUS[^]*\nworker1 +Ready[^]*\nworker2 +Ready/.test(session.look("kubectl get nodes")) && session.look("ip route", "worker2").includes("10.0.0.0/"));
expect("what is refused changes nothing", session.enter("nod x").outcome === "refused" && session.enter("namespace n {").outcome === "incomplete" && session.entries().length === 3);
// Hop by hop: where it stops, what is told there, and which hop of which flow a page has to draw.
expect("a breakpoint is set and listed", session.breakpoint("INPUT at worker2").outcome === "nothing" && session.command(":break").text === "INPUT at worker2\n");
expect("one that nothing can meet is refused", session.command(":break nat/KUBE-SERVICE").diagnostics === "error: there is no `nat/KUBE-SERVICE` to stop at; did you mean `nat/KUBE-SERVICES`?\n");
const stopped = session.enter("ping worker1 -> worker2 as stop");
expect(`what is sent stops there: ${stopped.text}`, stopped.outcome === "done" && stopped.text.includes("\nstopped at INPUT at worker2: Enter goes on a hop, `c` to the next breakpoint, `q` ends\n#1, hop 2 of 2\n"));
expect(`the page can draw it: ${JSON.stringify(stopped.step)}`, stopped.step.flow === 0 && stopped.flows[0].trace.packets.flatMap(({ hops }) => hops)[stopped.step.hop].place === "worker2");
expect("another line is an entry", session.goOn("show routes on worker1") === undefined && session.enter("show routes on worker1").step.hop === 1);
const hop = session.goOn("");
expect(`the next hop: ${hop.text}`, hop.text.startsWith("#2, hop 1 of 2\n") && hop.step.flow === null && hop.step.hop === 2);
const end = session.goOn("c");
expect(`no further breakpoint: ${end.text}`, end.text.startsWith("stop: ping worker1 -> 10.0.0.2: delivered to worker2") && end.step === null && session.goOn("") === undefined);
session.command(":break off");
expect("what was sent is gone through again", session.stepThrough().text.startsWith("#1, hop 1 of 2\n") && session.command(":step stop").flows[0].trace.name === "stop" && session.goOn("q").step === null);
expect("flows, hooks and commands are offered", names(session.complete(":step st", 8)) === "stop" && names(session.complete(":break OUT", 10)) === "OUTPUT" && names(session.complete(":break OUTPUT at worker1", 24, "worker1")) === "worker1" && names(session.complete(":st", 3)) === "step");
expect("an unknown command is near to another", session.command(":stp").diagnostics === "error: there is no command `:stp`; did you mean `:step`?\n");
expect("an entry of them is taken back", session.command(":undo 2").text === "undo: show routes on worker1\nundo: ping worker1 -> worker2 as stop\n");
expect("a code is explained", engine.explain("e0206").startsWith("E0206: An address lies outside the pool") && session.command(":explain E0206").text === engine.explain("E0206"));
expect("what is none, too, and all are listed", engine.explain("pign").includes("did you mean `ping`?") && engine.explain("").includes("\nE0301  "));
expect("it is saved as a scenario", engine.run("saved.scn", session.save(), { "sub/a.scn": "node worker1 at 10.0.0.1\n" }, 0).status === 0);

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];
const flow = scenarios.find(({ name }) => name === "examples/wordpress.scn");
// As the page asks: each flow is told as JSON.
const once = () => { const begun = performance.now(); engine.run(flow.name, flow.text, flow.files, 0, () => {}); return performance.now() - begun; };
// What V8 compiles better when it has run for a while is not there at once.
for (let i = 0; i < 40; i++) once();
const web = median(Array.from({ length: 41 }, once));
if (process.argv[2]) {
  const native = Number(execFileSync(process.argv[2], [flow.name, "41"], { encoding: "utf8", cwd: new URL("../../", import.meta.url) }));
  console.log(`examples/wordpress.scn: ${web.toFixed(1)} ms in WebAssembly, ${native.toFixed(1)} ms native: ${(native / web).toFixed(2)} of native speed`);
} else console.log(`examples/wordpress.scn: ${web.toFixed(1)} ms in WebAssembly`);
process.exitCode = bad ? 1 : 0;
