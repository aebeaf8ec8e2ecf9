// The engine as a page sees it: requests go to a Worker one at a time. Of several from one asker the last wins, a run that takes
// too long is ended with its Worker, and another Worker stands in.
import workerText from "worker-text";
import { early, type Runner } from "./ahead";
import { read, type Drawn } from "./drawing";
import { here } from "./here";
import type { Times } from "./parts";
import type { Heard, Request, Told } from "./worker";
import type { CheckResult, Completion, Files, FormatResult, RunResult, Sent } from "../../target/page/pkg/netscene_wasm.js";

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
  /** The flows of a run that were told so far. */
  flows: Sent[];
  /** The same as JSON, as long as nobody has had to read them. */
  unread: string[];
  first?: (what: Sent | Drawn) => void;
  resolve: (value: unknown) => void;
  reject: (error: NoAnswer) => void;
}

/** Where the two parts of the engine lie: beside this script, by names that change with them. */
const place = new URL(ENGINE_FILE, here).href;
const restPlace = new URL(REST_FILE, here).href;
/** The same, once a Worker of the page has compiled them: the others take them as they are. */
let compiled: WebAssembly.Module | undefined;
let rest: WebAssembly.Module | undefined;

/** The longest that a run may take, in milliseconds. */
export const DEADLINE = 10_000;

/** Notes when something was, for whoever measures. */
function note(times: Times): void {
  for (const [name, at] of Object.entries(times)) {
    if (!performance.getEntriesByName(name).length) performance.mark(name, { startTime: Math.max(at - performance.timeOrigin, 0) });
  }
}

export class Engine {
  private worker: Runner | undefined;
  /** Whether the Worker has said that its engine is there. */
  private ready = false;
  private queue: Job[] = [];
  private current: Job | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private next = 1;
  private idlers: (() => void)[] = [];
  /** How long the last answer took in the Worker, in milliseconds. */
  took = 0;

  /** Is told when the Worker was ended: what it held is gone. */
  constructor(private readonly lost: () => void = () => {}) {}

  /** Runs a scenario. `first` is told of the first flow when it has happened, while the rest still runs; if it was run ahead, it has only been drawn. */
  run(asker: object, name: string, text: string, files: Files | undefined, seed: number, deadline = DEADLINE, first?: (what: Sent | Drawn) => void): Promise<RunResult> {
    return this.ask(asker, { kind: "run", name, text, files, seed }, deadline, first) as Promise<RunResult>;
  }

  check(asker: object, name: string, text: string, files?: Files): Promise<CheckResult> {
    return this.ask(asker, { kind: "check", name, text, files }) as Promise<CheckResult>;
  }

  format(asker: object, name: string, text: string): Promise<FormatResult> {
    return this.ask(asker, { kind: "format", name, text }) as Promise<FormatResult>;
  }

  /** What may be written at a place of a scenario, in UTF-16 units. */
  complete(asker: object, name: string, text: string, files: Files | undefined, cursor: number): Promise<Completion> {
    return this.ask(asker, { kind: "complete", name, text, files, cursor }) as Promise<Completion>;
  }

  /** Gets the engine ready before anybody asks. What goes wrong is told to the first who does. */
  warm(): void {
    this.started();
  }

  /** Is kept when nobody waits for anything any more. */
  async idle(): Promise<void> {
    while (this.current || this.queue.length) await new Promise<void>((done) => this.idlers.push(done));
  }

  /** Asks for something. What the same asker has asked before, in the same way, and has not got yet, it does not get any more. */
  ask(asker: object, request: Request, deadline = DEADLINE, first?: (what: Sent | Drawn) => void): Promise<unknown> {
    const same = (job: Job) => job.asker === asker && job.request.kind === request.kind && request.kind !== "session";
    const superseded = new NoAnswer("superseded", "another request took its place");
    for (const job of this.queue.filter(same)) job.reject(superseded);
    this.queue = this.queue.filter((job) => !same(job));
    if (this.current && same(this.current)) {
      // A run may take long. Whatever else is soon over: nobody waits for it any more, and the Worker lives.
      if (request.kind === "run") this.end(superseded);
      else this.current.reject(superseded);
    }
    return new Promise((resolve, reject) => {
      this.queue.push({ id: this.next++, asker, request, deadline, flows: [], unread: [], first, resolve, reject });
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
    if (this.current) return;
    if (!this.queue.length) return this.idlers.splice(0).forEach((done) => done());
    const job = (this.current = this.queue.shift()!);
    this.started().postMessage({ id: job.id, request: job.request } satisfies Heard);
    if (this.ready) this.limit(job);
  }

  /** The clock starts when the engine is there: a slow network is no slow scenario. */
  private limit(job: Job): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.end(new NoAnswer("time", `stopped after ${job.deadline / 1000} s`)), job.deadline);
  }

  private started(): Runner {
    if (this.worker) return this.worker;
    let worker = early();
    if (!worker) {
      // From a blob, because a Worker's script may not come from another host, and an embedding page is on another one.
      const url = URL.createObjectURL(new Blob([workerText], { type: "text/javascript" }));
      worker = new Worker(url);
      URL.revokeObjectURL(url);
    }
    worker.onmessage = (event: MessageEvent<Told>) => this.told(event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.end(new NoAnswer("crash", `the engine gave up: ${event.message}`));
    };
    worker.postMessage({ engine: compiled ?? place, rest: rest ?? restPlace } satisfies Heard);
    return (this.worker = worker);
  }

  private told(told: Told): void {
    if ("ready" in told) {
      compiled ??= told.ready;
      this.ready = true;
      note(told.times);
      if (this.current) this.limit(this.current);
    } else if ("rest" in told) {
      rest = told.rest;
    } else if ("failed" in told) {
      this.end(new NoAnswer("crash", `the engine could not be loaded: ${told.failed}`));
    } else if (this.current?.id === told.id) {
      const job = this.current;
      if ("drawn" in told) return job.first?.(told.drawn);
      if ("flow" in told) {
        // There may be very many: all but the first are read when the run is over.
        if (!job.first || job.flows.length) job.unread.push(told.flow);
        else job.first(job.flows[job.flows.push(read(told.flow)) - 1]);
        return;
      }
      // After a trap the memory of the engine may be in any state.
      if ("error" in told) return this.end(new NoAnswer("crash", `the engine gave up: ${told.error}`));
      clearTimeout(this.timer);
      this.took = told.took;
      note(told.times);
      this.current = undefined;
      const more = job.unread.map(read);
      job.resolve(job.request.kind === "run" ? { ...(told.value as RunResult), flows: [...job.flows, ...more] } : told.value);
      this.turn();
    }
  }

  /** Ends the Worker, and with it what runs. */
  private end(reason: NoAnswer): void {
    clearTimeout(this.timer);
    const job = this.current;
    this.current = undefined;
    if (this.worker) {
      this.worker.terminate();
      this.worker = undefined;
      this.ready = false;
      // What was to be asked of the session that was lost has no answer in a new one.
      for (const other of this.queue.filter(({ request }) => request.kind === "session")) other.reject(reason);
      this.queue = this.queue.filter(({ request }) => request.kind !== "session");
      this.lost();
    }
    job?.reject(reason);
    this.turn();
  }
}

/** The one that all scenarios of a page share. */
export const engine = new Engine();
