// The Worker in which the engine runs: one request after the other, each answered by its number. It is ended from outside when
// a run takes too long, so that nothing in here has to be able to stop.
//
// It is started in two ways. The head of a page of the book starts it from a file of its own, and it gets the engine at once,
// while the page is still being read; anywhere else it is a blob, and is told where the engine is.
import { run, check, complete, format, Session } from "../../target/page/pkg/netscene_wasm.js";
import { explain } from "../../target/page/pkg/netscene_wasm.js";
import type { Files } from "../../target/page/pkg/netscene_wasm.js";
import type { Drawn } from "./drawing";
import { complement, now, start, type Times } from "./parts";

/** What can be asked of a session, and how it is asked: the name of a method, and what it takes. */
export type Asked = { [M in keyof Session]: Session[M] extends (...given: infer G) => unknown ? { call: M; with: G } : never }[keyof Session];

export type Request =
  | { kind: "run"; name: string; text: string; files?: Files; seed: number }
  | { kind: "check"; name: string; text: string; files?: Files }
  | { kind: "format"; name: string; text: string }
  | { kind: "complete"; name: string; text: string; files?: Files; cursor: number }
  | { kind: "explain"; what: string }
  | { kind: "session"; asked: Asked };

/** What it is told: where the two parts of the engine are, or they themselves; or what somebody asks. */
export type Heard = { engine: string | WebAssembly.Module; rest: string | WebAssembly.Module } | { id: number; request: Request };

/** What it tells: that its engine is there, or why not; that the second part of it is there, too; a flow of a run, as JSON, as soon as it has happened, or drawn by whoever has run it ahead; the answer. */
export type Told =
  | { ready: WebAssembly.Module; times: Times }
  | { failed: string }
  | { rest: WebAssembly.Module }
  | { id: number; flow: string }
  | { id: number; drawn: Drawn }
  | { id: number; value: unknown; took: number; times: Times }
  | { id: number; error: string };

const times: Times = { "netscene-worker": now() };

const tell = (told: Told) => self.postMessage(told);

const begin = (first: string | WebAssembly.Module, rest: string | WebAssembly.Module) => start(first, rest, times, (rest) => tell({ rest }));
const beside = (file: string) => new URL(file, location.href).href;

let engine = location.protocol === "blob:" ? undefined : begin(beside(ENGINE_FILE), beside(REST_FILE));
// Whoever asks is told; that nobody has asked yet is no fault.
engine?.catch(() => {});

let session: Session | undefined;

function answer(id: number, request: Request): unknown {
  switch (request.kind) {
    case "run": return run(request.name, request.text, request.files, request.seed, (flow) => tell({ id, flow }));
    case "check": return check(request.name, request.text, request.files);
    case "format": return format(request.name, request.text);
    case "complete": return complete(request.name, request.text, request.files, request.cursor);
    case "explain": return explain(request.what);
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
    await (engine ??= begin(data.engine, data.rest)).then((ready) => tell({ ready, times }), (error) => tell({ failed: String(error) }));
  } else {
    await engine?.then(() => asked(data.id, data.request), () => {});
  }
};
