// What a page of the book asks first, where the service worker may have run it ahead (forerun.ts). To the page it looks like the
// Worker that it would have started instead, and starts if there is nothing ahead, or for whatever is asked next.
import type { Files } from "../../target/page/pkg/netscene_wasm.js";
import { here } from "./here";
import type { Times } from "./parts";
import type { Heard, Told } from "./worker";

export interface Ahead { name: string; text: string; files?: Files; seed: number }

/** What a run was about, and its first flow as JSON if there is one; when it is over all of them, and the answer, or that nothing was run. */
export interface Foretold { about: string; flows: string[]; over?: true; answer?: { value: unknown; took: number; times: Times } }

/** Which run of which engine. */
export const ahead = ({ name, text, files, seed }: Ahead) => JSON.stringify([ENGINE_FILE, name, text, files, seed]);

/** The longest that a service worker may be silent, in milliseconds, until the page runs its scene itself. */
const SILENCE = 3000;

/** What the Engine needs of a Worker. */
export type Runner = Pick<Worker, "postMessage" | "terminate" | "onmessage" | "onerror">;

/** What the head of a page of the book has prepared, before there was any of this; only one can have it. */
export function early(): Runner | undefined {
  const page = globalThis as { netsceneWorker?: Worker; netsceneAhead?: { port: MessagePort; told: Foretold[] } };
  const { netsceneWorker: worker, netsceneAhead: prepared } = page;
  delete page.netsceneWorker;
  delete page.netsceneAhead;
  return prepared ? new AheadWorker(prepared.port, prepared.told) : worker;
}

class AheadWorker implements Runner {
  onmessage: Runner["onmessage"] = null;
  onerror: Runner["onerror"] = null;
  private worker: Worker | undefined;
  /** What a Worker has to hear when it comes. */
  private heard: Heard[] = [];
  private id: number | undefined;
  private about = "";
  private told = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `early` is what was heard before anything was asked. */
  constructor(private readonly port: MessagePort, private readonly early: Foretold[]) {
    port.onmessage = (event: MessageEvent<Foretold>) => {
      performance.mark("netscene-heard");
      this.hear(event.data);
    };
  }

  postMessage(heard: Heard): void {
    if (this.worker) return this.worker.postMessage(heard);
    this.heard.push(heard);
    if (!("request" in heard)) return;
    if (this.id !== undefined || heard.request.kind !== "run") return this.start();
    this.id = heard.id;
    this.about = ahead(heard.request);
    this.timer = setTimeout(() => this.start(), SILENCE);
    for (const foretold of this.early.splice(0)) this.hear(foretold);
  }

  terminate(): void {
    this.close();
    this.worker?.terminate();
  }

  private close(): void {
    clearTimeout(this.timer);
    this.port.close();
  }

  private tell(data: Told): void {
    this.onmessage?.call(this as unknown as Worker, new MessageEvent("message", { data }));
  }

  private hear(foretold: Foretold): void {
    if (this.id === undefined) return void this.early.push(foretold);
    if (this.worker) return;
    const { about, flows, answer, over } = foretold;
    // Another page was run ahead, or the page has changed since it was kept.
    if (about !== this.about) return this.start();
    for (const flow of flows.slice(this.told)) this.tell({ id: this.id, flow });
    this.told = Math.max(this.told, flows.length);
    if (!over) return this.soon(() => this.port.postMessage("whole"));
    if (!answer) return this.start();
    this.heard.pop();
    this.close();
    this.tell({ id: this.id, ...answer });
    // For whatever is asked next.
    this.soon(() => this.start());
  }

  /** Does something when what was told is painted, or a second later. */
  private soon(what: () => void): void {
    requestIdleCallback(what, { timeout: 1000 });
  }

  private start(): void {
    if (this.worker) return;
    this.close();
    this.worker = new Worker(new URL(WORKER_FILE, here));
    let told = this.told;
    this.worker.onmessage = (event: MessageEvent<Told>) => {
      // It runs all anew: what was told before is not told again.
      if ("flow" in event.data && event.data.id === this.id && told-- > 0) return;
      this.onmessage?.call(this.worker!, event);
    };
    this.worker.onerror = (event) => this.onerror?.call(this.worker!, event);
    for (const heard of this.heard.splice(0)) this.worker.postMessage(heard);
  }
}
