// What the service worker runs ahead: it hears of a page before anybody else, and runs the first scene of what it has kept of the
// page while the page itself is still on its way. The engine stays with it as long as it lives.
//
// The page asks for what it has read itself. It gets what came of that only if it is the same to the letter, and the engine too.
import { run, type Files } from "../../target/page/pkg/netscene_wasm.js";
import { ahead, type Ahead, type Foretold } from "./ahead";
import { complement, now, start, type Times } from "./parts";

const channel = new BroadcastChannel("netscene");
const tell = (told: Foretold) => channel.postMessage(told);
const beside = (file: string) => new URL(file, location.href).href;
const times: Times = {};
let engine: Promise<void> | undefined;
/** After a trap the memory of the engine may be in any state: the pages run their scenes themselves. */
let broken = false;

/** Gets the engine, with both of its parts: to load the second in the midst of a run takes what a service worker has not. */
export function warm(): Promise<void> {
  engine ??= start(beside(ENGINE_FILE), beside(REST_FILE), times).then(complement);
  return engine.catch(() => { engine = undefined; });
}

/** The run that is on, or what came of the last one. */
let running: Promise<Foretold | undefined> = Promise.resolve(undefined);

/** Runs the first scene of a page. */
export function forerun(page: Promise<Response | undefined>): Promise<unknown> {
  return (running = Promise.all([page.then((kept) => kept?.text()), warm()]).then(([html]) => html && engine && !broken ? ran(scene(html)) : undefined));
}

function ran(asked: Ahead | undefined): Foretold | undefined {
  if (!asked) return undefined;
  const about = ahead(asked);
  const flows: string[] = [];
  const noted: Times = { ...times, "netscene-asked": now() };
  try {
    const value = run(asked.name, asked.text, asked.files, asked.seed, (flow) => {
      // The first is what the page waits for: it is told with each, as nobody knows when the page begins to listen.
      flows.push(flow);
      tell({ about, flows: flows.slice(0, 1) });
      noted["netscene-told"] ??= now();
    });
    noted["netscene-answered"] = now();
    return { about, flows, over: true, answer: { value, took: noted["netscene-answered"] - noted["netscene-asked"], times: noted } };
  } catch {
    broken = true;
    return undefined;
  }
}

/** Tells a page what came of the run, or that there is nothing to tell. */
export async function answer(): Promise<void> {
  tell((await running.catch(() => undefined)) ?? { about: "", flows: [], over: true });
}

/** The first scene in the text of a page, as book.ts makes it of the same. */
function scene(html: string): Ahead | undefined {
  const found = /<pre data-name="([^"]*)"><code[^>]*>([^]*?)<\/code><\/pre>\s*(?:<script[^>]* class="scenario-files">([^]*?)<\/script>)?/.exec(html);
  if (!found) return undefined;
  const CHARACTERS: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"' };
  const plain = (text: string) => text.replace(/&(amp|lt|gt|quot);/g, (_, name) => CHARACTERS[name]);
  const files = found[3] ? (JSON.parse(found[3]) as Files) : undefined;
  return { name: plain(found[1]), text: plain(found[2]), files, seed: 0 };
}
