// The Worker in which the engine runs: one request after the other, each answered by its number. It is ended from outside when
// a run takes too long, so that nothing in here has to be able to stop.
import { initSync, run, check, format, Session } from "../../target/page/pkg/netscene_wasm.js";
import type { Files } from "../../target/page/pkg/netscene_wasm.js";

export type Request =
  | { kind: "run"; name: string; text: string; files?: Files; seed: number }
  | { kind: "check"; name: string; text: string; files?: Files }
  | { kind: "format"; name: string; text: string }
  | { kind: "enter"; text: string }
  | { kind: "undo" }
  | { kind: "save" };

let session: Session | undefined;

const held = (): Session => (session ??= new Session(0, undefined));

function answer(request: Request): unknown {
  switch (request.kind) {
    case "run": return run(request.name, request.text, request.files, request.seed);
    case "check": return check(request.name, request.text, request.files);
    case "format": return format(request.name, request.text);
    case "enter": return held().enter(request.text);
    case "undo": return held().undo() ?? null;
    case "save": return held().save();
  }
}

self.onmessage = (event: MessageEvent) => {
  const { id, request, module } = event.data;
  if (module) {
    initSync({ module });
    return;
  }
  try {
    const begun = performance.now();
    const value = answer(request);
    self.postMessage({ id, value, took: performance.now() - begun });
  } catch (error) {
    self.postMessage({ id, error: String(error) });
  }
};
