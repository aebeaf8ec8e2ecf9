// What the service worker runs ahead: it hears of a page before anybody else, and runs the first scene of what it has kept of the
// page while the page itself is still on its way. It stops at the first flow, which is what the page waits for; the rest is run when
// the page has shown that, and asks. The engine stays with the service worker as long as it lives; where it is not there yet, the page
// is sooner on its own.
//
// The page asks for what it has read itself. It gets what came of that only if it is the same to the letter, and the engine too.
import { firstFlow, run, type Files } from "../../target/page/pkg/netscene_wasm.js";
import { ahead, type Ahead, type Foretold, type Whole } from "./ahead";
import { draw, read } from "./drawing";
import { now, startWhole, type Times } from "./parts";

const beside = (file: string) => new URL(file, location.href).href;
const times: Times = {};
let engine: Promise<void> | undefined;
/** Whether both parts of the engine are there. */
let ready = false;
/** After a trap the memory of the engine may be in any state: the pages run their scenes themselves. */
let broken = false;

/** Gets the engine, with both of its parts: to load the second in the midst of a run takes what a service worker has not. */
export function warm(): Promise<void> {
  engine ??= startWhole(beside(ENGINE_FILE), beside(REST_FILE), times).then(() => { ready = true; });
  return engine.catch(() => { engine = undefined; });
}

/** How long the engine runs for nobody after a page has come, and how long in all, in milliseconds: a browser compiles well only what has run for a second or two. */
const [EACH, ALL] = [200, 4000];
/** How often at most: a small scene is soon over, and teaches little. */
const ROUNDS = 32;
/** How long a page is left alone that is opened, in milliseconds. */
const CALM = 1500;
let exercised = 0;
let opened = -CALM;
let exercising = false;

/** Runs the first scene of a page for nobody, so that the engine is quick when somebody waits; a little at a time. */
export async function exercise(page: string): Promise<void> {
  const [asked] = await Promise.all([scene(page), warm()]);
  if (!asked || !ready || exercising) return;
  exercising = true;
  for (let [round, spent] = [0, 0]; round < ROUNDS && spent < EACH && exercised < ALL && !broken;) {
    await new Promise((done) => setTimeout(done, 30));
    const begun = performance.now();
    if (begun - opened < CALM) continue;
    round++;
    first(asked);
    const took = performance.now() - begun;
    spent += took;
    exercised += took;
  }
  exercising = false;
}

/** Of the page that was opened last: which one it is to the browser, and what came of its first scene. */
let last: { client: string; asked?: Ahead; foretold: Promise<Foretold | undefined> } | undefined;

/** Runs the first scene of a page, as far as its first flow. */
export async function forerun(page: string, client: string): Promise<void> {
  opened = performance.now();
  if (!ready) return;
  const asked = scene(page);
  last = { client, foretold: asked.then((asked) => asked && first(asked)) };
  last.asked = await asked;
}

function first(asked: Ahead): Foretold | undefined {
  if (broken) return undefined;
  const noted: Times = { ...times, "netscene-asked": now() };
  try {
    let flow: string | undefined;
    firstFlow(asked.name, asked.text, asked.files, asked.seed, (sent) => { flow = sent; });
    noted["netscene-told"] = now();
    return { about: ahead(asked), drawn: flow === undefined ? undefined : draw(read(flow)), times: noted };
  } catch {
    broken = true;
    return undefined;
  }
}

/** What came of it, as the script that the page asks for. */
export async function foretold(client: string): Promise<string> {
  const found = last?.client === client ? await last.foretold.catch(() => undefined) : undefined;
  return `netsceneAhead = ${JSON.stringify(found ?? null)};`;
}

/** All that comes of what was run ahead; nothing if that was something else. */
export function whole(about: string): Whole {
  if (broken || !last?.asked || ahead(last.asked) !== about) return undefined;
  const { name, text, files, seed } = last.asked;
  const [flows, begun]: [string[], number] = [[], performance.now()];
  try {
    const value = run(name, text, files, seed, (flow) => flows.push(flow));
    return { flows, value, took: performance.now() - begun, times: { "netscene-answered": now() } };
  } catch {
    broken = true;
    return undefined;
  }
}

/** The first scenes of pages that were read before, by the pages' addresses. */
const scenes = new Map<string, Ahead | undefined>();

/** The page has changed. */
export const forget = (page: string) => scenes.delete(page);

/** The first scene of a page that was kept. */
async function scene(page: string): Promise<Ahead | undefined> {
  if (scenes.has(page)) return scenes.get(page);
  const html = await (await caches.match(page))?.text();
  if (html === undefined) return undefined;
  scenes.set(page, within(html));
  return scenes.get(page);
}

/** The first scene in the text of a page, as book.ts makes it of the same. */
function within(html: string): Ahead | undefined {
  const found = /<pre data-name="([^"]*)"><code[^>]*>([^]*?)<\/code><\/pre>\s*(?:<script[^>]* class="scenario-files">([^]*?)<\/script>)?/.exec(html);
  if (!found) return undefined;
  const CHARACTERS: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"' };
  const plain = (text: string) => text.replace(/&(amp|lt|gt|quot);/g, (_, name) => CHARACTERS[name]);
  const files = found[3] ? (JSON.parse(found[3]) as Files) : undefined;
  return { name: plain(found[1]), text: plain(found[2]), files, seed: 0 };
}
