// What a page of the book asks first, where the service worker has run it ahead (forerun.ts). To the page it looks like the Worker
// that it would have started instead, and starts if there is nothing ahead, or for whatever is asked next.
//
// The page's head asks for it as for a script, so that the browser does so before there is any of ours, and past its own busy process. It
// is run after the book's: that does not wait for it.
import type { Files } from "../../target/page/pkg/netscene_wasm.js";
import type { Drawn } from "./drawing";
import { here } from "./here";
import type { Times } from "./parts";
import type { Heard, Told } from "./worker";

export interface Ahead { name: string; text: string; files?: Files; seed: number }

/** What a run was about, and its first flow, drawn, if there is one. */
export interface Foretold { about: string; drawn?: Drawn; times: Times }

/** All that came of a run; nothing where the page has to run it itself. */
export type Whole = { flows: string[]; value: unknown; took: number; times: Times } | undefined;

/** Which run of which engine, drawn by what. */
export const ahead = ({ name, text, files, seed }: Ahead) => JSON.stringify([ENGINE_FILE, DRAWING, name, text, files, seed]);

/** The longest that a service worker may be silent, in milliseconds, until the page runs its scene itself. */
const SILENCE = 3000;

/** What the Engine needs of a Worker. */
export type Runner = Pick<Worker, "postMessage" | "terminate" | "onmessage" | "onerror">;

/** What the head of a page of the book has prepared: a Worker; or, as long as that is not there, `netsceneAhead` by its script, null if nothing was run ahead. */
const page = globalThis as { netsceneWorker?: Worker; netsceneAhead?: Foretold | null };
let taken = false;

/** What there is before anybody asks; only one can have it. */
export function early(): Runner | undefined {
  const script = document.getElementById("netscene-ahead");
  if (taken || !script) return undefined;
  taken = true;
  return page.netsceneWorker ?? new AheadWorker(script);
}

class AheadWorker implements Runner {
  onmessage: Runner["onmessage"] = null;
  onerror: Runner["onerror"] = null;
  private worker: Worker | undefined;
  /** What a Worker has to hear when it comes. */
  private heard: Heard[] = [];
  private id: number | undefined;
  private about = "";
  private timer: ReturnType<typeof setTimeout> | undefined;
  private port: MessagePort | undefined;
  private gone = false;

  constructor(script: HTMLElement) {
    for (const kind of ["load", "error"]) script.addEventListener(kind, () => { page.netsceneAhead ??= null; this.hear(); });
  }

  postMessage(heard: Heard): void {
    if (this.worker) return this.worker.postMessage(heard);
    this.heard.push(heard);
    if (!("request" in heard)) return;
    if (this.id !== undefined || heard.request.kind !== "run") return this.start();
    this.id = heard.id;
    this.about = ahead(heard.request);
    this.limit();
    this.hear();
  }

  terminate(): void {
    this.gone = true;
    this.close();
    this.worker?.terminate();
  }

  private limit(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.start(), SILENCE);
  }

  private close(): void {
    clearTimeout(this.timer);
    this.port?.close();
  }

  private tell(data: Told): void {
    this.onmessage?.call(this as unknown as Worker, new MessageEvent("message", { data }));
  }

  /** Tells what was foretold, when both that and the question are there. */
  private hear(): void {
    const foretold = page.netsceneAhead;
    if (foretold === undefined || this.id === undefined || this.worker || this.gone) return;
    clearTimeout(this.timer);
    // Nothing was, or another page, or the page has changed since it was kept.
    if (foretold?.about !== this.about) return this.start();
    if (foretold.drawn) this.tell({ id: this.id, drawn: foretold.drawn });
    this.soon(() => this.ask(foretold));
  }

  /** Asks for all that comes of the same. */
  private ask({ about, times }: Foretold): void {
    const { controller } = navigator.serviceWorker;
    if (this.worker || this.gone) return;
    if (!controller) return this.start();
    this.limit();
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    port1.onmessage = ({ data }: MessageEvent<Whole>) => {
      if (this.worker || this.gone) return;
      if (!data) return this.start();
      const { flows, value, took } = data;
      const id = this.id!;
      for (const flow of flows) this.tell({ id, flow });
      this.heard.pop();
      this.close();
      this.tell({ id, value, took, times: { ...times, ...data.times } });
      // For whatever is asked next.
      this.soon(() => this.start());
    };
    controller.postMessage({ whole: about }, [port2]);
  }

  /** Does something when what was told is painted, or a second later. */
  private soon(what: () => void): void {
    requestIdleCallback(what, { timeout: 1000 });
  }

  private start(): void {
    if (this.worker || this.gone) return;
    this.close();
    this.worker = new Worker(new URL(WORKER_FILE, here));
    this.worker.onmessage = (event) => this.onmessage?.call(this.worker!, event);
    this.worker.onerror = (event) => this.onerror?.call(this.worker!, event);
    for (const heard of this.heard.splice(0)) this.worker.postMessage(heard);
  }
}
