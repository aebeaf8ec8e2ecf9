// The two parts of the engine, in whatever thread runs it: the Worker of a page, or the service worker.
import { initSync, loadWhole } from "../../target/page/pkg/netscene_wasm.js";

/** When something was, in milliseconds since 1970, by the name under which the page notes it. */
export type Times = Record<string, number>;

export const now = () => performance.timeOrigin + performance.now();

/** The engine as the book has kept it: read from here it comes sooner than by way of the service worker. */
const kept = (place: string) => globalThis.caches?.match(place).catch(() => undefined);

async function compiled(place: string, times?: Times): Promise<WebAssembly.Module> {
  const response = (await kept(place)) ?? (await fetch(place));
  if (!response.ok) throw new Error(`${place}: ${response.status} ${response.statusText}`);
  if (times) times["netscene-fetched"] = now();
  // Not every static host knows the type of a .wasm file. Where it does, the browser compiles what is arriving, and may keep the
  // compiled code for the next time.
  if (response.headers.get("content-type")?.startsWith("application/wasm")) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

/** The first part of the engine, until it has the second; that one, or where it is; who is told when it is there. */
let first: WebAssembly.Exports | undefined;
let rest: string | WebAssembly.Module | undefined;
let joined: (rest: WebAssembly.Module) => void = () => {};

/** The engine calls it when it comes to something that its second part holds: it cannot wait for a promise. */
Object.assign(self, {
  loadRest(): void {
    if (!first || !rest) return;
    if (typeof rest === "string") rest = fetched(rest);
    new WebAssembly.Instance(rest, { p: first });
    first = undefined;
    joined(rest);
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
export async function complement(): Promise<void> {
  if (!first || !rest) return;
  const module = typeof rest === "string" ? await compiled(rest).catch(() => undefined) : rest;
  if (!module || !first) return;
  rest = module;
  loadWhole();
}

/** Starts the engine with its first part; `told` is told when it has the second. */
export async function start(
  engine: string | WebAssembly.Module, other: string | WebAssembly.Module, times: Times, told?: (rest: WebAssembly.Module) => void,
): Promise<WebAssembly.Module> {
  const module = typeof engine === "string" ? await compiled(engine, times) : engine;
  times["netscene-compiled"] = now();
  first = initSync({ module }) as unknown as WebAssembly.Exports;
  rest = other;
  if (told) joined = told;
  times["netscene-instantiated"] = now();
  return module;
}

/** Starts the engine with both parts at once, where there is no later: a service worker cannot load the second in the midst of a run. */
export async function startWhole(engine: string, other: string, times: Times): Promise<void> {
  const [module, rest] = await Promise.all([compiled(engine, times), compiled(other)]);
  await start(module, rest, times);
  await complement();
}
