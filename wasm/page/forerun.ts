// What the service worker runs ahead: it hears of a page before anybody else, and runs the first scene of what it has kept of the
// page while the page itself is still on its way. It stops at the first flow, which is what the page waits for; the rest is run when
// the page has shown that, and asks. The engine stays with the service worker as long as it lives.
//
// The page asks for what it has read itself. It gets what came of that only if it is the same to the letter, and the engine too.
import { firstFlow, run, type Files } from "../../target/page/pkg/netscene_wasm.js";
import { ahead, type Ahead, type Foretold } from "./ahead";
import { now, startWhole, type Times } from "./parts";

const beside = (file: string) => new URL(file, location.href).href;
const times: Times = {};
let engine: Promise<void> | undefined;
/** After a trap the memory of the engine may be in any state: the pages run their scenes themselves. */
let broken = false;

/** Gets the engine, with both of its parts: to load the second in the midst of a run takes what a service worker has not. */
export function warm(): Promise<void> {
  engine ??= startWhole(beside(ENGINE_FILE), beside(REST_FILE), times);
  return engine.catch(() => { engine = undefined; });
}

/** How often a scene is run for nobody: a browser compiles well only what has run for a while. */
const ROUNDS = 16;
let exercised = false;

/** Runs the first scene of a page for nobody, so that the engine is quick when somebody waits; a little at a time. */
export async function exercise(page: string): Promise<void> {
  if (exercised) return;
  exercised = true;
  const [asked] = await Promise.all([scene(page), warm()]);
  for (let round = 0; round < ROUNDS; round++) {
    await new Promise((done) => setTimeout(done, 30));
    first(asked);
  }
}

/** A scene, and the first flow of it. */
interface First { asked: Ahead; about: string; flow?: string; times: Times }

/** The run that is on, or what came of the last one. */
let running: Promise<First | undefined> = Promise.resolve(undefined);

/** Runs the first scene of a page, as far as its first flow. */
export function forerun(page: string): Promise<unknown> {
  return (running = Promise.all([scene(page), warm()]).then(([asked]) => first(asked)));
}

function first(asked: Ahead | undefined): First | undefined {
  if (!asked || !engine || broken) return undefined;
  const noted: Times = { ...times, "netscene-asked": now() };
  try {
    let flow: string | undefined;
    firstFlow(asked.name, asked.text, asked.files, asked.seed, (sent) => { flow = sent; });
    noted["netscene-told"] = now();
    return { asked, about: ahead(asked), flow, times: noted };
  } catch {
    broken = true;
    return undefined;
  }
}

/** Tells a page of the first flow, or that there is nothing to tell; and runs all of the scene when it asks for it. */
export async function answer(page: MessagePort): Promise<void> {
  const tell = (told: Foretold) => page.postMessage(told);
  const found = await running.catch(() => undefined);
  if (!found) return tell({ about: "", flows: [], over: true });
  const { asked, about, flow, times } = found;
  page.onmessage = () => tell(whole(asked, about, times));
  tell({ about, flows: flow === undefined ? [] : [flow] });
}

function whole(asked: Ahead, about: string, times: Times): Foretold {
  const [flows, begun]: [string[], number] = [[], performance.now()];
  try {
    if (broken) return { about, flows, over: true };
    const value = run(asked.name, asked.text, asked.files, asked.seed, (flow) => flows.push(flow));
    return { about, flows, over: true, answer: { value, took: performance.now() - begun, times: { ...times, "netscene-answered": now() } } };
  } catch {
    broken = true;
    return { about, flows: [], over: true };
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
