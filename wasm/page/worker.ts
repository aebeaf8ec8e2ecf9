// The Worker in which the engine runs: one request after the other, each answered by its number. It is ended from outside when
// a run takes too long, so that nothing in here has to be able to stop.
//
// It is started in two ways. The head of a page of the book starts it from a file of its own, and it gets the engine at once,
// while the page is still being read; anywhere else it is a blob, and is told where the engine is.
import { initSync, loadWhole, run, check, complete, format, Session } from "../../target/page/pkg/netscene_wasm.js";
import type { Files } from "../../target/page/pkg/netscene_wasm.js";

/** What can be asked of a session, and how it is asked: the name of a method, and what it takes. */
export type Asked = { [M in keyof Session]: Session[M] extends (...given: infer G) => unknown ? { call: M; with: G } : never }[keyof Session];

export type Request =
  | { kind: "run"; name: string; text: string; files?: Files; seed: number }
  | { kind: "check"; name: string; text: string; files?: Files }
  | { kind: "format"; name: string; text: string }
  | { kind: "complete"; name: string; text: string; files?: Files; cursor: number }
  | { kind: "session"; asked: Asked };

/** When something was, in milliseconds since 1970, by the name under which the page notes it. */
export type Times = Record<string, number>;

/** What it is told: where the two parts of the engine are, or they themselves; or what somebody asks. */
export type Heard = { engine: string | WebAssembly.Module; rest: string | WebAssembly.Module } | { id: number; request: Request };

/** What it tells: that its engine is there, or why not; that the second part of it is there, too; a flow of a run, as JSON, as soon as it has happened; the answer. */
export type Told =
  | { ready: WebAssembly.Module; times: Times }
  | { failed: string }
  | { rest: WebAssembly.Module }
  | { id: number; flow: string }
  | { id: number; value: unknown; took: number; times: Times }
  | { id: number; error: string };

const now = () => performance.timeOrigin + performance.now();
const times: Times = { "netscene-worker": now() };

/** The engine as the book has kept it: read from here it comes sooner than by way of the service worker. */
const kept = (place: string) => globalThis.caches?.match(place).catch(() => undefined);

async function compiled(place: string): Promise<WebAssembly.Module> {
  const response = (await kept(place)) ?? (await fetch(place));
  if (!response.ok) throw new Error(`${place}: ${response.status} ${response.statusText}`);
  times["netscene-fetched"] = now();
  // Not every static host knows the type of a .wasm file. Where it does, the browser compiles what is arriving, and may keep the
  // compiled code for the next time.
  if (response.headers.get("content-type")?.startsWith("application/wasm")) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

/** The first part of the engine, until it has the second; that one, or where it is. */
let first: WebAssembly.Exports | undefined;
let rest: string | WebAssembly.Module | undefined;

/** The engine calls it when it comes to something that its second part holds: it cannot wait for a promise. */
Object.assign(self, {
  loadRest(): void {
    if (!first || !rest) return;
    if (typeof rest === "string") rest = fetched(rest);
    new WebAssembly.Instance(rest, { p: first });
    first = undefined;
    tell({ rest });
  },
});

function fetched(place: string): WebAssembly.Module {
  const request = new XMLHttpRequest();
  request.open("GET", place, false);
  request.responseType = "arraybuffer";
  request.send();
  if (request.status !== 200) throw new Error(`${place}: ${request.status} ${request.statusText}`);
  return new WebAssembly.Module(request.response);
}

/** Gets the second part while nobody waits. If that fails, it is asked for again when it is needed. */
async function complement(): Promise<void> {
  if (!first || !rest) return;
  const module = typeof rest === "string" ? await compiled(rest).catch(() => undefined) : rest;
  if (!module || !first) return;
  rest = module;
  loadWhole();
}

async function start(engine: string | WebAssembly.Module, other: string | WebAssembly.Module): Promise<WebAssembly.Module> {
  const module = typeof engine === "string" ? await compiled(engine) : engine;
  times["netscene-compiled"] = now();
  first = initSync({ module }) as unknown as WebAssembly.Exports;
  rest = other;
  times["netscene-instantiated"] = now();
  return module;
}

const tell = (told: Told) => self.postMessage(told);

let engine = location.protocol === "blob:" ? undefined : start(new URL(ENGINE_FILE, location.href).href, new URL(REST_FILE, location.href).href);
// Whoever asks is told; that nobody has asked yet is no fault.
engine?.catch(() => {});

let session: Session | undefined;

function answer(id: number, request: Request): unknown {
  switch (request.kind) {
    case "run": return run(request.name, request.text, request.files, request.seed, (flow) => tell({ id, flow }));
    case "check": return check(request.name, request.text, request.files);
    case "format": return format(request.name, request.text);
    case "complete": return complete(request.name, request.text, request.files, request.cursor);
    case "session": {
      session ??= new Session(0, undefined);
      const method = session[request.asked.call] as (...given: unknown[]) => unknown;
      return method.apply(session, request.asked.with) ?? null;
    }
  }
}

function asked(id: number, request: Request): void {
  try {
    const [begun, asked] = [performance.now(), now()];
    const value = answer(id, request);
    tell({ id, value, took: performance.now() - begun, times: { "netscene-asked": asked, "netscene-answered": now() } });
    void complement();
  } catch (error) {
    tell({ id, error: String(error) });
  }
}

self.onmessage = async ({ data }: MessageEvent<Heard>) => {
  if ("engine" in data) {
    await (engine ??= start(data.engine, data.rest)).then((ready) => tell({ ready, times }), (error) => tell({ failed: String(error) }));
  } else {
    await engine?.then(() => asked(data.id, data.request), () => {});
  }
};
