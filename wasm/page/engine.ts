// The engine as a page sees it: requests go to a Worker one at a time. Of several from one asker the last wins, a run that takes
// too long is ended with its Worker, and another Worker stands in.
import workerText from "worker-text";
import type { Request } from "./worker";
import type { CheckResult, Files, FormatResult, RunResult } from "../../target/page/pkg/netscene_wasm.js";

/** Why there is no answer: another request took its place, somebody stopped it, it took too long, or the engine gave up. */
export class NoAnswer extends Error {
  constructor(readonly reason: "superseded" | "stopped" | "time" | "crash", message: string) {
    super(message);
  }
}

interface Job {
  id: number;
  asker: object;
  request: Request;
  deadline: number;
  resolve: (value: unknown) => void;
  reject: (error: NoAnswer) => void;
}

/** Where the engine lies: beside this script. */
const place = new URL("netscene.wasm", import.meta.url);
let module: Promise<WebAssembly.Module> | undefined;

/** The engine, compiled once for all Workers of the page. */
async function compiled(): Promise<WebAssembly.Module> {
  const response = await fetch(place);
  if (!response.ok) throw new Error(`${place}: ${response.status} ${response.statusText}`);
  // Not every static host knows the type of a .wasm file.
  if (response.headers.get("content-type")?.startsWith("application/wasm")) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

/** The longest that a run may take, in milliseconds. */
export const DEADLINE = 10_000;

export class Engine {
  private worker: Worker | undefined;
  private queue: Job[] = [];
  private current: Job | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private next = 1;
  /** How long the last answer took in the Worker, in milliseconds. */
  took = 0;

  /** Is told when the Worker was ended: what it held is gone. */
  constructor(private readonly lost: () => void = () => {}) {}

  run(asker: object, name: string, text: string, files: Files | undefined, seed: number, deadline = DEADLINE): Promise<RunResult> {
    return this.ask(asker, { kind: "run", name, text, files, seed }, deadline) as Promise<RunResult>;
  }

  check(asker: object, name: string, text: string, files?: Files): Promise<CheckResult> {
    return this.ask(asker, { kind: "check", name, text, files }) as Promise<CheckResult>;
  }

  format(asker: object, name: string, text: string): Promise<FormatResult> {
    return this.ask(asker, { kind: "format", name, text }) as Promise<FormatResult>;
  }

  /** Gets the engine ready before anybody asks. What goes wrong is told to the first who does. */
  warm(): void {
    void this.started().catch(() => { module = undefined; });
  }

  /** Asks for something. What the same asker has asked before, in the same way, and has not got yet, it does not get any more. */
  ask(asker: object, request: Request, deadline = DEADLINE): Promise<unknown> {
    const same = (job: Job) => job.asker === asker && job.request.kind === request.kind && request.kind !== "enter";
    for (const job of this.queue.filter(same)) job.reject(new NoAnswer("superseded", "another request took its place"));
    this.queue = this.queue.filter((job) => !same(job));
    if (this.current && same(this.current)) this.end(new NoAnswer("superseded", "another request took its place"));
    return new Promise((resolve, reject) => {
      this.queue.push({ id: this.next++, asker, request, deadline, resolve, reject });
      this.turn();
    });
  }

  /** Stops what an asker waits for. */
  stop(asker: object): void {
    const gone = new NoAnswer("stopped", "stopped");
    for (const job of this.queue.filter((job) => job.asker === asker)) job.reject(gone);
    this.queue = this.queue.filter((job) => job.asker !== asker);
    if (this.current?.asker === asker) this.end(gone);
  }

  private turn(): void {
    if (this.current || !this.queue.length) return;
    const job = (this.current = this.queue.shift()!);
    void this.started().then((worker) => {
      if (this.current !== job) return;
      // The clock starts when the engine is there: a slow network is no slow scenario.
      this.timer = setTimeout(() => {
        this.end(new NoAnswer("time", `stopped after ${job.deadline / 1000} s`));
      }, job.deadline);
      worker.postMessage({ id: job.id, request: job.request });
    }, (error) => {
      module = undefined;
      this.end(new NoAnswer("crash", `the engine could not be loaded: ${error}`));
    });
  }

  private async started(): Promise<Worker> {
    if (this.worker) return this.worker;
    const code = await (module ??= compiled());
    if (this.worker) return this.worker;
    // From a blob, because a Worker's script may not come from another host, and an embedding page is on another one.
    const url = URL.createObjectURL(new Blob([workerText], { type: "text/javascript" }));
    const worker = new Worker(url);
    URL.revokeObjectURL(url);
    worker.onmessage = (event) => this.answered(event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.end(new NoAnswer("crash", `the engine gave up: ${event.message}`));
    };
    worker.postMessage({ module: code });
    return (this.worker = worker);
  }

  private answered({ id, value, error, took }: { id: number; value?: unknown; error?: string; took: number }): void {
    const job = this.current;
    if (job?.id !== id) return;
    // After a trap the memory of the engine may be in any state.
    if (error !== undefined) return this.end(new NoAnswer("crash", `the engine gave up: ${error}`));
    clearTimeout(this.timer);
    this.took = took;
    this.current = undefined;
    job.resolve(value);
    this.turn();
  }

  /** Ends the Worker, and with it what runs. */
  private end(reason: NoAnswer): void {
    clearTimeout(this.timer);
    const job = this.current;
    this.current = undefined;
    if (this.worker) {
      this.worker.terminate();
      this.worker = undefined;
      this.lost();
    }
    job?.reject(reason);
    this.turn();
  }
}

/** The one that all scenarios of a page share. */
export const engine = new Engine();
