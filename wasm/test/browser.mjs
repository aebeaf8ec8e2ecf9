// The book in a real Chromium, headless: every block of every page runs and shows what the native engine prints; nothing is
// said on the console, and nothing is sent anywhere; a trace is walked by keyboard; a permalink opens in a fresh profile; an
// endless scenario is stopped and the page lives on; what may be written next is offered; a session goes back and forth; the
// book reads without a network; the embedding example runs on another host than the engine's.
//
// Nothing in here judges by a clock. What takes how long until a reader sees the first trace is printed.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect, fence, host, launch, page, PATIENCE } from "./host.mjs";

/** Pages that have changed since they were built, by path. */
const changed = {};
const [book, outside] = [await host({ given: changed }), await fence()];
let browser = await launch(outside.proxy);

let [bad, done] = [0, 0];
const expect = (what, is) => {
  done++;
  if (!is) { bad++; console.error(`not so: ${what}`); }
};
const same = (what, native, shown) => {
  done++;
  if (native === shown) return;
  bad++;
  if (shown === undefined) return console.error(`${what}: nothing is shown`);
  const at = [...native].findIndex((c, index) => c !== shown[index]);
  console.error(`${what} differs at ${at}:\n  native ${JSON.stringify(native.slice(Math.max(at - 60, 0), at + 100))}\n  shown  ${JSON.stringify(shown.slice(Math.max(at - 60, 0), at + 100))}`);
};

/** What pages have asked for that is on no host of this test. */
const abroad = [];

/** A new tab in which nothing may be said on the console. */
async function open(url) {
  const tab = await watched(await browser.newPage(), url);
  await tab.goto(url, { waitUntil: "load" });
  return tab;
}

/** A tab in which nothing may be said on the console any more. */
async function watched(tab, url) {
  tab.setDefaultTimeout(PATIENCE);
  tab.setDefaultNavigationTimeout(PATIENCE);
  await tab.setViewport({ width: 1280, height: 900, deviceScaleFactor: 1 });
  await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
  tab.on("console", (message) => { if (["error", "warn"].includes(message.type())) expect(`${url}: no word on the console: ${message.text()}`, false); });
  tab.on("pageerror", (error) => expect(`${url}: no error: ${error.message}`, false));
  tab.on("request", (request) => { if (/^(https?|wss?):/.test(request.url()) && !request.url().startsWith("http://localhost:")) abroad.push(request.url()); });
  tab.on("requestfailed", (request) => expect(`${url}: loads ${request.url()}: ${request.failure()?.errorText}`, request.failure()?.errorText === "net::ERR_ABORTED"));
  tab.on("response", (response) => { if (response.status() >= 400) expect(`${url}: ${response.status()} ${response.url()}`, false); });
  return tab;
}

/** Waits for something, and says whether it came; what hangs is told with what it waited for. */
const comes = (tab, what, ...given) => tab.waitForFunction(what, { timeout: PATIENCE }, ...given).then(() => true, () => false);

/** Waits until the scene of that number has run, and gives what it shows. */
async function shown(tab, index) {
  const scene = await comes(tab, (at) => document.querySelectorAll("net-scene")[at]?.shadowRoot, index);
  if (scene) await tab.evaluate((at) => document.querySelectorAll("net-scene")[at].scrollIntoView(), index);
  if (!scene || !(await comes(tab, (at) => document.querySelectorAll("net-scene")[at].result, index))) {
    expect(`${tab.url()}: scene ${index + 1} runs`, false);
    return {};
  }
  return tab.evaluate((at) => {
    const scene = document.querySelectorAll("net-scene")[at];
    const text = (name) => scene.shadowRoot.querySelector(name).textContent;
    const steps = scene.shadowRoot.querySelectorAll(".trace:not([hidden]) .hops li").length;
    return { status: scene.result.status, output: text("pre.output"), diagnostics: text("pre.diagnostics"), value: scene.value, steps, flows: scene.result.flows.length };
  }, index);
}

/** The names that the editor of a scene or of the REPL offers now; waits for some. */
async function offered(tab, of) {
  await comes(tab, (of) => document.querySelector(of).shadowRoot.querySelector(".cm-tooltip-autocomplete li"), of);
  return tab.evaluate((of) => [...document.querySelector(of).shadowRoot.querySelectorAll(".cm-tooltip-autocomplete .cm-completionLabel")].map((one) => one.textContent), of);
}

/** Opens what the last code means that a scene or the REPL shows, by keyboard, and closes it again. */
async function explained(tab, of) {
  const at = (what, given) => tab.evaluate(what, of, given);
  await at((of) => [...document.querySelector(of).shadowRoot.querySelectorAll("pre.diagnostics:not(:empty)")].at(-1).focus());
  await tab.keyboard.press("Tab");
  const code = await at((of) => document.querySelector(of).shadowRoot.activeElement.textContent);
  await tab.keyboard.press("Enter");
  const opened = await comes(tab, (of) => document.querySelector(of).shadowRoot.activeElement?.matches(".meaning:not(:empty)"), of);
  const meant = await at((of) => [...document.querySelector(of).shadowRoot.querySelectorAll(".meaning")].at(-1).textContent);
  const expanded = await at((of) => [...document.querySelector(of).shadowRoot.querySelectorAll("button.code")].at(-1).getAttribute("aria-expanded"));
  await tab.keyboard.press("Escape");
  const closed = await at((of) => [...document.querySelector(of).shadowRoot.querySelectorAll(".meaning")].at(-1).textContent === "");
  const back = await at((of) => document.querySelector(of).shadowRoot.activeElement.textContent);
  return { code, meant, focused: opened && expanded === "true", closed, back: back === code };
}

// 1. Every block of every page.
const blocks = JSON.parse(readFileSync(join(page, "blocks.json"), "utf8"));
const pages = new Map();
for (const block of blocks) pages.set(block.page, [...(pages.get(block.page) ?? []), block]);
for (const [name, all] of pages) {
  const tab = await open(`${book.url}/book/${name}`);
  expect(`${name} has ${all.length} blocks`, (await tab.$$("net-scene")).length === all.length);
  for (const [index, block] of all.entries()) {
    const is = await shown(tab, index);
    same(`${name}, block ${index + 1}: text`, block.text, is.value);
    same(`${name}, block ${index + 1}: status`, String(block.status), String(is.status));
    same(`${name}, block ${index + 1}: output`, block.output, is.output);
    same(`${name}, block ${index + 1}: diagnostics`, block.diagnostics, is.diagnostics);
    expect(`${name}, block ${index + 1}: what was sent is drawn`, is.flows === 0 || is.steps > 0);
  }
  await tab.close();
}
console.log(`${blocks.length} blocks on ${pages.size} pages show what the native engine prints`);

// This page stays open while others are looked at: until it is visited again, the browser keeps what it has compiled.
let flow = await open(`${book.url}/book/flow.html`);
await shown(flow, 0);
await flow.evaluate(() => navigator.serviceWorker.ready);
expect("all pages are kept, what they asked for, and both parts of the engine", await comes(flow, async (least) => {
  const cache = await caches.open("netscene");
  const kept = (await cache.keys()).map(({ url }) => url);
  const asked = performance.getEntriesByType("resource").map(({ name }) => name).filter((name) => name.startsWith(new URL(".", location.href).href));
  const engine = ["netscene.wasm?v=", "netscene-rest.wasm?v="].every((part) => kept.some((url) => url.includes(part)));
  return engine && kept.length > least && (await Promise.all(asked.map((url) => cache.match(url)))).every(Boolean);
}, pages.size));

// 2. By keyboard through a trace.
{
  const tab = await open(`${book.url}/book/index.html`);
  await shown(tab, 0);
  const at = () => tab.evaluate(() => {
    const root = document.querySelector("net-scene").shadowRoot;
    const chosen = root.querySelector(".hops li[aria-selected=true]");
    return { hop: Number(chosen.dataset.at), place: chosen.querySelector(".place").textContent, here: root.querySelector(".spot.here")?.dataset.place, active: root.querySelector(".hops").getAttribute("aria-activedescendant") };
  });
  await tab.evaluate(() => document.querySelector("net-scene").shadowRoot.querySelector(".hops").focus());
  expect("the first hop is chosen", (await at()).hop === 0);
  for (let step = 1; step <= 4; step++) {
    await tab.keyboard.press(step % 2 ? "ArrowRight" : "ArrowDown");
    const is = await at();
    expect(`arrow ${step} leads to hop ${step}`, is.hop === step && is.active === `hop-${step}`);
    expect(`the picture shows ${is.place}`, is.here === is.place);
  }
  await tab.keyboard.press("ArrowLeft");
  expect("back again", (await at()).hop === 3);
  await tab.keyboard.press("End");
  const last = (await at()).hop;
  await tab.keyboard.press("ArrowRight");
  expect("the last hop is the last", last > 3 && (await at()).hop === last);
  await tab.keyboard.press("Home");
  expect("and the first the first", (await at()).hop === 0);
  expect("the arrow keys turned no page", tab.url().endsWith("/book/index.html"));

  // Who looks at a flow still looks at it after another run.
  const chosen = await tab.evaluate(async () => {
    const scene = document.querySelector("net-scene");
    await scene.edit();
    scene.value = "node a at 10.0.0.1\nping a -> a as one\nping a -> a as two\nping a -> a as three\n";
    await scene.run();
    const select = scene.shadowRoot.querySelector(".trace select");
    select.value = "1";
    select.dispatchEvent(new Event("change"));
    await scene.run();
    return select.selectedOptions[0].textContent;
  });
  expect(`the flow that was chosen stays so: ${chosen}`, chosen.startsWith("two: ping"));

  // The last edit wins. A run that should not be would come before that of an edit made later.
  const edited = await tab.evaluate(async () => {
    const scene = document.querySelector("net-scene");
    await scene.edit();
    const ran = [];
    const write = (name) => { scene.value = `test "${name}" { assert \${ 1 == 1 } }\n`; };
    let told;
    const four = new Promise((done) => { told = done; });
    scene.addEventListener("netscene-ran", (event) => {
      ran.push(event.detail.output.split('"')[1]);
      if (ran.at(-1) === "four") told();
    });
    write("one");
    void scene.run();
    write("two");
    void scene.run();
    write("three");
    await scene.run();
    write("four");
    await four;
    return ran.join(" ");
  });
  expect(`the last edit wins: ${edited}`, edited === "three four");
  await tab.close();
}

// 3. A permalink in a fresh profile.
{
  const tab = await open(`${book.url}/book/index.html`);
  await shown(tab, 0);
  const text = '# Grüße 𝄞\nnode worker1 at 10.0.0.1\nping worker1 -> worker1 as p\nexpect p delivered\n';
  const link = await tab.evaluate(async (text) => {
    const scene = document.querySelector("net-scene");
    scene.value = text;
    return scene.permalink();
  }, text);
  await tab.close();
  const before = browser;
  browser = await launch(outside.proxy);
  const fresh = await open(link);
  const is = await shown(fresh, 0);
  same("the scenario of the permalink", text, is.value);
  expect("it has run", is.status === 0 && is.steps > 0);
  await fresh.close();
  await browser.close();
  browser = before;
}

// 4. An endless scenario is stopped, by time and by hand, and the page lives on.
{
  const tab = await open(`${book.url}/book/play.html`);
  await shown(tab, 0);
  const endless = `node worker1 at 10.0.0.1\n${"test \"more\" { for a in ${ 0..9999 } { for b in ${ 0..9 } { ping worker1 -> worker1 as p } } }\n".repeat(50)}`;
  const stopped = (text, deadline, stop) => tab.evaluate(async (text, deadline, stop) => {
    const scene = document.querySelector("net-scene");
    scene.setAttribute("deadline", deadline);
    scene.value = text;
    const over = new Promise((done) => {
      scene.addEventListener("netscene-stopped", (event) => done(event.detail), { once: true });
      scene.addEventListener("netscene-ran", () => done("it came to an end"), { once: true });
    });
    void scene.run();
    if (stop) requestAnimationFrame(() => scene.shadowRoot.querySelectorAll(".bar button")[1].click());
    return over;
  }, text, deadline, stop);
  expect("it is stopped when its time is over", (await stopped(endless, 1000, false)) === "time");
  expect("it is stopped by the button", (await stopped(endless, PATIENCE, true)) === "stopped");
  const alive = await tab.evaluate(async () => {
    const scene = document.querySelector("net-scene");
    scene.value = 'test "alive" { assert ${ 1 == 1 } }\n';
    await scene.run();
    return scene.result.output;
  });
  expect("the page lives on", alive.startsWith('test "alive" passed'));
  await tab.close();
}

// 5. What may be written next is offered, and Tab takes it.
{
  const tab = await open(`${book.url}/book/play.html`);
  await shown(tab, 0);
  await tab.evaluate(async () => {
    const scene = document.querySelector("net-scene");
    await scene.edit();
    scene.value = "node worker1 at 10.0.0.1\nnamespace default { pod client on worker1; pod cloud on worker1 }\n\nping worker1 -> worker1 as p\n";
    const line = scene.view.state.doc.line(3);
    scene.view.dispatch({ selection: { anchor: line.from } });
    scene.view.focus();
  });
  await tab.keyboard.type("ping cl");
  expect("names of the world are offered", (await offered(tab, "net-scene")).join(" ") === "client cloud");
  await tab.keyboard.press("Tab");
  const value = () => tab.evaluate(() => document.querySelector("net-scene").value.split("\n")[2]);
  expect(`Tab takes the first: ${await value()}`, (await value()) === "ping client");
  await tab.keyboard.press("Enter");
  await tab.keyboard.type("wai");
  expect("words are offered", (await offered(tab, "net-scene")).includes("wait"));
  await tab.close();
}

// A code explains itself; what is shown of the diagnostics is still what is printed.
{
  const tab = await open(`${book.url}/book/play.html`);
  await shown(tab, 0);
  await tab.evaluate(async () => {
    const scene = document.querySelector("net-scene");
    await scene.edit();
    scene.value = "node worker1 at 10.0.0.1\nping worker1 -> nobody as p\n";
    await scene.run();
  });
  const is = await explained(tab, "net-scene");
  expect(`a code is explained: ${JSON.stringify(is)}`, is.meant.startsWith(`${is.code}: `) && is.meant.includes("What to do:") && is.focused && is.closed && is.back);
  const [printed, there] = await tab.evaluate(() => [document.querySelector("net-scene").result.diagnostics, document.querySelector("net-scene").shadowRoot.querySelector("pre.diagnostics").textContent]);
  same("diagnostics with buttons in them", printed, there);
  await tab.close();
}

// 6. Sentence by sentence.
{
  const tab = await open(`${book.url}/book/repl.html`);
  await tab.evaluate(() => {
    const { engine } = document.querySelector("net-scene-repl");
    const { end } = engine;
    engine.end = (reason) => { if (reason.message !== "ended by a test") console.error(`the Worker was ended: ${reason.message}`); end.call(engine, reason); };
  });
  const log = () => tab.evaluate(() => document.querySelector("net-scene-repl").shadowRoot?.querySelector(".entries").textContent ?? "");
  await comes(tab, () => document.querySelector("net-scene-repl").shadowRoot?.querySelector(".entry .cm-content"));
  expect("what was sent is told", (await log()).includes("delivered to default/web"));
  expect("and drawn", await tab.evaluate(() => document.querySelector("net-scene-repl").shadowRoot.querySelectorAll(".entries .hops li").length > 3));
  const write = () => tab.evaluate(() => document.querySelector("net-scene-repl").shadowRoot.querySelector(".entry .cm-content").focus());
  await write();
  /** What the log says more, once it says what is wanted. A picture that goes along is no part of it. */
  const says = async (what, wanted, act) => {
    const told = (from) => {
      const entries = document.querySelector("net-scene-repl").shadowRoot.querySelector(".entries");
      const next = entries.querySelectorAll(".said")[from];
      const all = [...entries.children];
      return next ? all.slice(all.indexOf(next)).map((one) => one.textContent).join("\n") : "";
    };
    const before = await tab.evaluate(() => document.querySelector("net-scene-repl").shadowRoot.querySelectorAll(".entries .said").length);
    await act();
    const came = await comes(tab, `(${told})(${before}).includes(${JSON.stringify(wanted)})`);
    const more = await tab.evaluate(told, before);
    expect(`${what}: ${wanted}: ${came ? "" : more}`, came);
    // The line is free again when the answer is shown.
    await comes(tab, () => !document.querySelector("net-scene-repl").shadowRoot.querySelector(".entry .cm-line").textContent.trim() || document.querySelector("net-scene-repl").shadowRoot.querySelector(".entry .cm-placeholder"));
    return more;
  };
  const enter = (text, wanted) => says(text, wanted, async () => { await tab.keyboard.type(text); await tab.keyboard.press("Enter"); });
  const press = (name, wanted) => says(name, wanted, () => tab.evaluate((name) => [...document.querySelector("net-scene-repl").shadowRoot.querySelectorAll(".bar button")].find((one) => one.textContent === name).click(), name));
  const choose = (list, value) => tab.evaluate((list, value) => {
    const select = document.querySelector("net-scene-repl").shadowRoot.querySelector(list);
    select.value = value;
    if (select.value !== value) throw new Error(`${list} has no ${value}`);
    select.dispatchEvent(new Event("change"));
  }, list, value);
  await enter("show routes on worker1", "Kernel IP routing table");
  await enter("ping worker1 -> nobody as x", "error[");
  await enter("ping client -> web as echo", "echo: ping");
  await press("Diff", "conntrack on worker1");
  await press("Undo", "ping client -> web as echo");
  await press("Redo", "ping client -> web as echo");
  await press("Redo", "there is nothing left to redo");
  await enter('test "it goes" { ping client -> web as t; expect t delivered }', 'test "it goes" passed');
  await press("Test", 'test "it goes" passed');
  await press("Save", "show routes on worker1");
  // What may be written next: the one that fits is taken by Tab, and runs.
  await tab.keyboard.type("fail node worker");
  expect("names of the session are offered", (await offered(tab, "net-scene-repl")).join(" ") === "worker1 worker2");
  await tab.keyboard.press("ArrowDown");
  await tab.keyboard.press("ArrowDown");
  await tab.keyboard.press("Tab");
  await says("the second of what is offered", "fail node worker2", () => tab.keyboard.press("Enter"));
  // Hop by hop, by keyboard alone: at a breakpoint, to the next hop and to the end. The picture goes along.
  const chosen = () => tab.evaluate(() => [...document.querySelector("net-scene-repl").shadowRoot.querySelectorAll(".entries .trace")].at(-1).querySelector(".hops [aria-selected=true]").textContent);
  const stepping = () => tab.evaluate(() => !document.querySelector("net-scene-repl").shadowRoot.querySelector(".stepping").hidden);
  await enter(":undo", "undo: fail node worker2");
  await tab.keyboard.type(":break FORW");
  expect("hooks are offered to stop at", (await offered(tab, "net-scene-repl")).join(" ") === "FORWARD");
  await tab.keyboard.press("Tab");
  await tab.keyboard.type(" at worker2");
  await says("a breakpoint", "> :break FORWARD at worker2", () => tab.keyboard.press("Enter"));
  await enter(":break", "FORWARD at worker2");
  await enter("ping client -> web as halt", "stopped at FORWARD at worker2");
  expect(`the picture stands there: ${await chosen()}`, (await stepping()) && (await chosen()).startsWith("worker2"));
  await says("Enter goes on", "#1, hop 6 of 6", () => tab.keyboard.press("Enter"));
  expect(`and the picture with it: ${await chosen()}`, (await chosen()).startsWith("default/web"));
  await press("Next breakpoint", "stopped at FORWARD at worker2");
  await enter("q", "halt: ping default/client");
  expect("it is over", !(await stepping()));
  // The Worker that holds the world is ended: breakpoints stay.
  await tab.evaluate(() => document.querySelector("net-scene-repl").engine.end(new Error("ended by a test")));
  await enter(":break", "FORWARD at worker2");
  await enter(":break off", "> :break off");
  await tab.keyboard.type(":step ha");
  expect("flows are offered", (await offered(tab, "net-scene-repl")).join(" ") === "halt");
  await tab.keyboard.press("Tab");
  await says("a flow is gone through", "#1, hop 1 of 6", () => tab.keyboard.press("Enter"));
  expect(`it is drawn: ${await chosen()}`, (await chosen()).includes("default/client"));
  await enter("q", "halt: ping default/client");
  await enter(":stp", "did you mean `:step`?");
  await enter(":undo", "undo: ping client -> web as halt");
  await enter(":redo", "redo: ping client -> web as halt");
  await enter(":explain E0301", "What to do:");
  // The code of a diagnostic, reached by Tab from what is wrong, explains itself; Escape goes back.
  await enter("ping worker1 -> nobody as y", "error[");
  const wrongs = await explained(tab, "net-scene-repl");
  expect(`a code in the session is explained: ${JSON.stringify(wrongs)}`, wrongs.meant.startsWith(`${wrongs.code}: `) && wrongs.focused && wrongs.closed && wrongs.back);
  await write();
  // What there is to see, and what is typed on a machine.
  await says("nodes", "INTERNAL-IP", () => choose(".look", "kubectl get nodes -A -o wide")).then((text) => expect(`a list of all nodes: ${text}`, /worker1 +Ready/.test(text)));
  await choose(".place", "worker1");
  await says("routes", "10.0.0.0/", () => choose(".look", "ip route"));
  await enter("iptables -t nat -S KUBE-SERVICES", "-N KUBE-SERVICES");
  await enter("apt install vim", "is not modelled");
  // The Worker that holds the world is ended: the same sentences make the same world.
  await tab.evaluate(() => document.querySelector("net-scene-repl").engine.end(new Error("ended by a test")));
  await enter("ip route", "10.0.0.0/");
  await tab.close();
}

// 7. The embedding example, on a page of another host than that of the engine.
{
  const engine = await host({ headers: { "access-control-allow-origin": "*" } });
  const text = readFileSync(join(page, "embed/index.html"), "utf8").replace("../book/net-scene.js", `${engine.url}/book/net-scene.js`);
  const other = await host({ given: { "/index.html": text } });
  expect("the example names the engine's script", text.includes(engine.url));
  const tab = await open(`${other.url}/index.html`);
  const is = await shown(tab, 0);
  expect(`the embedded scenario runs: ${is.output}${is.diagnostics}`, is.status === 0 && is.steps > 0);
  await tab.evaluate(() => document.querySelector("net-scene").edit());
  expect("it can be edited", await tab.evaluate(() => document.querySelector("net-scene").shadowRoot.querySelector(".cm-content") !== null));
  const [asked, own] = [engine.asked.map(({ path }) => path), other.asked.map(({ path }) => path)];
  expect(`the engine comes from its host: ${asked}`, asked.some((path) => path.includes("netscene.wasm")));
  expect(`and nothing else from the page's: ${own}`, own.every((path) => path === "/index.html"));
  await tab.close();
  await Promise.all([engine.stop(), other.stop()]);
}

// 8. How soon a reader who comes again sees the first trace, and where the time goes. A reader has no debugger at the browser, so
// nobody is connected to it during a visit.
{
  const PARTS = ["asked", "html", "head", "script", "told", "first-trace", "seen", "answered"];
  const FIRST = PARTS.indexOf("first-trace");
  const url = `${book.url}/book/flow.html`;
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const ended = async () => {
    const session = await flow.createCDPSession();
    await session.send("ServiceWorker.enable");
    await session.send("ServiceWorker.stopAllWorkers");
  };
  for (const [from, rounds, before] of [["about:blank", 9], [`${book.url}/book/names.html`, 9], ["about:blank", 5, ended]]) {
    const visits = [];
    for (let round = 0; round < rounds; round++) {
      await flow.goto(from, { waitUntil: "load" });
      if (from !== "about:blank") await shown(flow, 0);
      await before?.();
      await flow.evaluate((url) => { setTimeout(() => { location.href = url; }, 1000); }, url);
      const place = browser.wsEndpoint();
      await browser.disconnect();
      await pause(3000);
      browser = await connect(place);
      const tabs = await browser.pages();
      flow = await watched(tabs.find((tab) => tab.url() === url), url);
      await shown(flow, 0);
      visits.push(await flow.evaluate((parts) => {
        const [visit] = performance.getEntriesByType("navigation");
        const at = (name) => (name === "html" ? visit.responseEnd : (performance.getEntriesByName(`netscene-${name}`)[0]?.startTime ?? NaN));
        return { times: parts.map(at), controlled: navigator.serviceWorker.controller !== null };
      }, PARTS));
    }
    const way = `${from === "about:blank" ? "from navigation" : "from a link in the book"}${before ? ", the service worker being ended," : ""}`;
    if (!before) expect(`${way}: the service worker runs the scene ahead`, visits.some(({ times }) => times[PARTS.indexOf("told")] > 0));
    expect(`${way}: what was kept serves those who come again`, visits.every(({ controlled }) => controlled));
    // What is null was not: the service worker ran nothing ahead then.
    const middle = (part) => visits.map(({ times }) => times[part]).sort((a, b) => a - b)[visits.length >> 1]?.toFixed(0) ?? "none";
    const all = visits.map(({ times }) => times[FIRST]).sort((a, b) => a - b);
    expect(`${way}: a trace is seen: ${all}`, all.every((time) => time > 0));
    console.log(`${way} to the first trace of the WordPress flow: ${middle(FIRST)} ms (median of ${all.length}, ${all[0].toFixed(0)} to ${all.at(-1).toFixed(0)})`);
    console.log(`  ${PARTS.map((name, part) => `${name} ${middle(part)}`).join(", ")}`);
  }
}

// What the service worker has drawn is what the page draws.
{
  const url = `${book.url}/book/flow.html`;
  const tab = await watched(await browser.newPage(), url);
  await tab.evaluateOnNewDocument(() => {
    const parts = () => {
      const { root } = document.querySelector("net-scene").trace;
      const html = (name) => [...root.querySelectorAll(name)].map((one) => one.outerHTML);
      return [html(".picture"), html(".hops li").slice(0, 24), html(".detail"), html(".count"), html(".trace option")[0]?.replace(/ value="0"/, ""), root.className];
    };
    // As it was painted last before all had come: a tab that has just been opened has no width at first.
    const look = () => requestAnimationFrame(() => setTimeout(() => {
      const scene = document.querySelector("net-scene");
      if (scene.result) return;
      window.begun = JSON.stringify(parts());
      window.visible = scene.trace.root.getClientRects().length > 0;
      look();
    }));
    addEventListener("netscene-begun", look);
    window.parts = () => JSON.stringify(parts());
  });
  await tab.goto(url, { waitUntil: "load" });
  await shown(tab, 0);
  const [ahead, begun, visible, drawn] = await tab.evaluate(() => [window.netsceneAhead?.drawn !== undefined, window.begun, window.visible, window.parts()]);
  expect("the first flow was drawn ahead", ahead && begun?.includes("<svg") && begun.includes("hop-23"));
  expect("it is seen before the rest has come", visible);
  same("what the service worker has drawn, and what the page draws", drawn, begun);
  await tab.close();
}

// 9. What was run ahead for a page is nothing to a page that has changed.
{
  const text = "node a at 10.0.0.1\nping a -> a as p\nexpect p delivered\n";
  changed["/book/flow.html"] = readFileSync(join(page, "book/flow.html"), "utf8").replace(/(<pre data-name="[^"]*"><code[^>]*>)[^]*?(?=<\/code>)/, `$1${text.replace(">", "&gt;")}`);
  for (const visit of ["the first visit", "the second"]) {
    await flow.goto("about:blank");
    await flow.goto(`${book.url}/book/flow.html`, { waitUntil: "load" });
    const is = await shown(flow, 0);
    same(`a changed page, ${visit}`, text, is.value);
    expect(`it has run, ${visit}: ${is.output}${is.diagnostics}`, is.status === 0 && is.flows === 1);
  }
  delete changed["/book/flow.html"];
  await flow.goto(`${book.url}/book/flow.html`, { waitUntil: "load" });
  same("as it was before", blocks.find((one) => one.page === "flow.html").output, (await shown(flow, 0)).output);
}

// 10. Nothing was sent anywhere: the host was asked for its files, and nobody else for anything.
expect(`nobody else is asked: ${[...abroad, ...outside.strangers]}`, abroad.length + outside.strangers.length === 0);
const other = book.asked.filter(({ method, path }) => method !== "GET" || !/^\/book\/[\w./-]*(\?v=\w+)?$/.test(path));
expect(`files are asked for, and nothing is told: ${JSON.stringify(other)}`, other.length === 0 && book.asked.length > 100);

// 11. Without a network, once loaded.
await book.stop();
for (const name of ["flow.html", "services.html"]) {
  await flow.goto(`${book.url}/book/${name}`, { waitUntil: "load" });
  const is = await shown(flow, 0);
  const block = blocks.find((one) => one.page === name);
  same(`${name} without a network`, block.output, is.output);
  await flow.evaluate(() => document.querySelector("net-scene").edit());
  expect(`${name} can be edited without a network`, await flow.evaluate(() => document.querySelector("net-scene").shadowRoot.querySelector(".cm-content") !== null));
}
await flow.close();
await browser.close();
await outside.stop();

console.log(`${done - bad} of ${done} things are so`);
process.exit(bad ? 1 : 0);
