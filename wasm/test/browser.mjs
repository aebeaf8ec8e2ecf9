// The book in a real Chromium, headless: every block of every page runs and shows what the native engine prints; nothing is
// said on the console; a trace is walked by keyboard; a permalink opens in a fresh profile; an endless scenario is stopped and
// the page lives on; the book reads without a network; the embedding example runs.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";

const page = fileURLToPath(new URL("../../target/page/", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".wasm": "application/wasm", ".png": "image/png", ".woff2": "font/woff2" };

/** A static host, as plain as they come. */
const server = createServer(async (request, response) => {
  const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
  const file = join(page, normalize(path.endsWith("/") ? `${path}index.html` : path));
  try {
    const bytes = await readFile(file);
    response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" }).end(bytes);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const port = server.address().port;
// A name that is not the machine's own is no secure context; localhost is one.
const host = `http://localhost:${port}`;

const launch = () => puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true,
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"],
});
let browser = await launch();

let [bad, done] = [0, 0];
const expect = (what, is) => {
  done++;
  if (!is) { bad++; console.error(`not so: ${what}`); }
};
const same = (what, native, shown) => {
  done++;
  if (native === shown) return;
  bad++;
  const at = [...native].findIndex((c, index) => c !== shown[index]);
  console.error(`${what} differs at ${at}:\n  native ${JSON.stringify(native.slice(Math.max(at - 60, 0), at + 100))}\n  shown  ${JSON.stringify(shown.slice(Math.max(at - 60, 0), at + 100))}`);
};

/** A tab in which nothing may be said on the console. */
async function open(url, { width = 1280, height = 900, dark = false } = {}) {
  const tab = await browser.newPage();
  await tab.setViewport({ width, height, deviceScaleFactor: 1, isMobile: width < 600, hasTouch: width < 600 });
  await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
  tab.on("console", (message) => { if (["error", "warn"].includes(message.type())) expect(`${url}: no word on the console: ${message.text()}`, false); });
  tab.on("pageerror", (error) => expect(`${url}: no error: ${error.message}`, false));
  tab.on("requestfailed", (request) => expect(`${url}: loads ${request.url()}`, request.failure()?.errorText === "net::ERR_ABORTED"));
  tab.on("response", (response) => { if (response.status() >= 400) expect(`${url}: ${response.status()} ${response.url()}`, false); });
  await tab.goto(`${host}${url}`, { waitUntil: "load" });
  return tab;
}

/** Waits until the scene of that number has run, and gives what it shows. */
async function shown(tab, index) {
  await tab.waitForFunction((at) => document.querySelectorAll("net-scene")[at]?.shadowRoot, { timeout: 20_000 }, index);
  await tab.evaluate((at) => document.querySelectorAll("net-scene")[at].scrollIntoView(), index);
  await tab.waitForFunction((at) => document.querySelectorAll("net-scene")[at].result, { timeout: 60_000 }, index);
  return tab.evaluate((at) => {
    const scene = document.querySelectorAll("net-scene")[at];
    const text = (name) => scene.shadowRoot.querySelector(name).textContent;
    const steps = scene.shadowRoot.querySelectorAll(".trace:not([hidden]) .hops li").length;
    return { status: scene.result.status, output: text("pre.output"), diagnostics: text("pre.diagnostics"), value: scene.value, steps, flows: scene.result.flows.length };
  }, index);
}

// 1. Every block of every page.
const blocks = JSON.parse(readFileSync(join(page, "blocks.json"), "utf8"));
const pages = Map.groupBy ? Map.groupBy(blocks, (block) => block.page) : blocks.reduce((map, block) => map.set(block.page, [...(map.get(block.page) ?? []), block]), new Map());
for (const [name, all] of pages) {
  const tab = await open(`/book/${name}`);
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

// 2. By keyboard through a trace.
{
  const tab = await open("/book/index.html");
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

  // The last edit wins.
  const edited = await tab.evaluate(async () => {
    const scene = document.querySelector("net-scene");
    const ran = [];
    scene.addEventListener("netscene-ran", (event) => ran.push(event.detail.output));
    const write = (name) => { scene.value = `test "${name}" { assert \${ 1 == 1 } }\n`; return scene.run(); };
    void write("one");
    void write("two");
    await write("three");
    // A run that should not be would come behind it.
    await new Promise((done) => setTimeout(done, 500));
    return ran;
  });
  expect(`the last edit wins: ${edited.length} runs, ${edited.at(-1)}`, edited.length === 1 && edited[0].startsWith('test "three" passed'));
  await tab.close();
}

// 3. A permalink in a fresh profile.
{
  const tab = await open("/book/index.html");
  await shown(tab, 0);
  const text = '# Grüße 𝄞\nnode worker1 at 10.0.0.1\nping worker1 -> worker1 as p\nexpect p delivered\n';
  const link = await tab.evaluate(async (text) => {
    const scene = document.querySelector("net-scene");
    scene.value = text;
    return scene.permalink();
  }, text);
  await browser.close();
  browser = await launch();
  const fresh = await open(link.slice(host.length));
  const is = await shown(fresh, 0);
  same("the scenario of the permalink", text, is.value);
  expect("it has run", is.status === 0 && is.steps > 0);
  await fresh.close();
}

// 4. An endless scenario is stopped, by time and by hand, and the page lives on.
{
  const tab = await open("/book/play.html");
  await shown(tab, 0);
  const endless = `node worker1 at 10.0.0.1\n${"for a in ${ 0..99 } {\n".repeat(3)}ping worker1 -> worker1 as p\n${"}\n".repeat(3)}`;
  const stopped = (text, deadline, stop) => tab.evaluate(async (text, deadline, stop) => {
    const scene = document.querySelector("net-scene");
    scene.setAttribute("deadline", deadline);
    scene.value = `${text}${"test \"more\" { for a in ${ 0..9999 } { for b in ${ 0..9 } { ping worker1 -> worker1 as p } } }\n".repeat(50)}`;
    const over = new Promise((done) => scene.addEventListener("netscene-stopped", (event) => done(event.detail), { once: true }));
    void scene.run();
    if (stop) setTimeout(() => scene.shadowRoot.querySelectorAll(".bar button")[1].click(), 500);
    return Promise.race([over, new Promise((done) => setTimeout(() => done("still runs"), 30_000))]);
  }, text, deadline, stop);
  expect("it is stopped when its time is over", (await stopped(endless, 1500, false)) === "time");
  expect("it is stopped by the button", (await stopped(endless, 30_000, true)) === "stopped");
  const alive = await tab.evaluate(async () => {
    const scene = document.querySelector("net-scene");
    scene.value = 'test "alive" { assert ${ 1 == 1 } }\n';
    await scene.run();
    return scene.result.output;
  });
  expect("the page lives on", alive.startsWith('test "alive" passed'));
  await tab.close();
}

// 5. Sentence by sentence.
{
  const tab = await open("/book/repl.html");
  const log = () => tab.evaluate(() => document.querySelector("net-scene-repl").shadowRoot?.querySelector(".entries").textContent ?? "");
  await tab.waitForFunction(() => document.querySelector("net-scene-repl").shadowRoot?.querySelector(".entries .hops li"), { timeout: 30_000 });
  expect("what was sent is told", (await log()).includes("delivered to default/web"));
  await tab.evaluate(() => document.querySelector("net-scene-repl").shadowRoot.querySelector("textarea").focus());
  const enter = async (text, wanted) => {
    await tab.keyboard.type(text);
    await tab.keyboard.press("Enter");
    await tab.waitForFunction((wanted) => document.querySelector("net-scene-repl").shadowRoot.querySelector(".entries").textContent.includes(wanted), { timeout: 20_000 }, wanted).catch(() => {});
    expect(`${text}: ${wanted}`, (await log()).includes(wanted));
  };
  await enter("show routes on worker1", "Kernel IP routing table");
  await enter("ping worker1 -> nobody as x", "error[");
  await enter("ping client -> web as echo", "echo: ping");
  const press = async (name, wanted) => {
    await tab.evaluate((name) => [...document.querySelector("net-scene-repl").shadowRoot.querySelectorAll(".bar button")].find((one) => one.textContent === name).click(), name);
    await tab.waitForFunction((wanted) => document.querySelector("net-scene-repl").shadowRoot.querySelector(".entries").textContent.includes(wanted), { timeout: 20_000 }, wanted).catch(() => {});
    expect(`${name}: ${wanted}`, (await log()).includes(wanted));
  };
  await press("Undo", "undone: ping client -> web as echo");
  await press("Save", "show routes on worker1");
  await tab.close();
}

// 6. The embedding example, on a page that is not the book's.
{
  const tab = await open("/embed/index.html");
  const is = await shown(tab, 0);
  expect(`the embedded scenario runs: ${is.output}${is.diagnostics}`, is.status === 0 && is.steps > 0);
  await tab.close();
}

// 7. Without a network, once loaded; and how fast with a warm cache.
{
  const tab = await open("/book/flow.html");
  await shown(tab, 0);
  await tab.evaluate(() => navigator.serviceWorker.ready);
  await tab.waitForFunction(async () => (await (await caches.open("netscene")).keys()).length > 30, { timeout: 30_000 });
  const times = [];
  for (let round = 0; round < 7; round++) {
    await tab.reload({ waitUntil: "load" });
    await shown(tab, 0);
    times.push(await tab.evaluate(() => performance.getEntriesByName("netscene-first-trace")[0]?.startTime ?? NaN));
  }
  times.sort((a, b) => a - b);
  console.log(`from navigation to the first trace of the WordPress flow: ${times[3].toFixed(0)} ms (median of 7, ${times[0].toFixed(0)} to ${times[6].toFixed(0)})`);
  await new Promise((closed) => { server.close(closed); server.closeAllConnections(); });
  for (const name of ["flow.html", "services.html"]) {
    await tab.goto(`${host}/book/${name}`, { waitUntil: "load" });
    const is = await shown(tab, 0);
    const block = blocks.find((one) => one.page === name);
    same(`${name} without a network`, block.output, is.output);
  }
  await tab.close();
}
await browser.close();

console.log(`${done - bad} of ${done} things are so`);
process.exit(bad ? 1 : 0);
