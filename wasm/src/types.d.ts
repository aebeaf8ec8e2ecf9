/** Files of a scenario by path: what it may `include`, `apply` and `load`. */
export type Files = Record<string, string>;

/** What came of a scenario. */
export interface RunResult {
  /** As the command's exit status: 0 as expected, 1 not as expected, 2 not understood, 3 a limit was hit. */
  status: 0 | 1 | 2 | 3;
  /** What the command prints to standard output. */
  output: string;
  /** What the command prints to standard error. */
  diagnostics: string;
  /** The same as data. */
  problems: Problem[];
  /** Everything that was sent, in order. */
  flows: Sent[];
}

/** What is wrong with a scenario. */
export interface CheckResult { diagnostics: string; problems: Problem[] }

/** A scenario in its one form; null where it cannot be read. */
export interface FormatResult { text: string | null; diagnostics: string; problems: Problem[] }

/** Something to tell about a place. */
export interface Problem {
  code: string;
  severity: "note" | "warning" | "error";
  title: string;
  hint: string | null;
  /** What there is to see beyond the places: lines of text. */
  text: string | null;
  labels: Place[];
}

/** A place in a file, in UTF-16 units. */
export interface Place { file: string; from: number; to: number; text: string; primary: boolean }

/** Something that was sent, and the test it was sent in. */
export interface Sent { test: string | null; trace: Trace }

/** The same as it is told while more is sent: a step and a header are told once, and hops have their places among those. */
export interface Told {
  test: string | null;
  trace: Omit<Trace, "packets"> & { steps: Step[]; headers: Packet[]; packets: { id: number; hops: ToldHop[] }[] };
}

/** A hop of such a flow. */
export type ToldHop = Omit<Hop, "steps" | "before" | "after"> & { steps: number[]; before: number; after: number };

/** The story of a flow, as core/trace.schema.json describes it. */
export interface Trace {
  schema: "netscene.trace/1";
  /** What follows `as`; empty where nothing does. */
  name: string;
  kind: "tcp" | "udp" | "ping" | "get" | "resolve" | "packet";
  from: string;
  to: string;
  startedNs: number;
  outcome: { result: "delivered" | "rejected" | "dropped" | "unsent" | "timeout"; at: string; why?: string };
  /** Of a burst: what became of each time. */
  each?: Trace["outcome"][];
  status?: number;
  packets: PacketTrace[];
}

export interface PacketTrace { id: number; hops: Hop[] }

/** A packet in one network namespace. */
export interface Hop {
  timeNs: number;
  place: string;
  in: string | null;
  out: string | null;
  before: Packet;
  after: Packet;
  steps: Step[];
  end: { end: "sent" | "delivered" | "dropped"; to?: string | null; why?: string; table?: string; chain?: string; number?: number; cause?: string; cure?: string };
}

export interface Packet {
  source: string;
  destination: string;
  protocol: string;
  sourcePort?: number;
  destinationPort?: number;
  flags?: string;
  icmp?: string;
  ttl: number;
  tos: number;
  length: number;
  inner?: Packet;
}

/** What befell a packet on its way through a namespace. */
export interface Step { step: string; [field: string]: unknown }

/** What came of sentences entered in a session, or of a command. */
export interface Answer {
  /** `incomplete`: a brace is open, more lines have to come. `refused`: the world is as it was. */
  outcome: "incomplete" | "nothing" | "done" | "refused" | "stopped";
  text: string;
  diagnostics: string;
  problems: Problem[];
  flows: Sent[];
  /** Where the flow stands that is gone through: which of `flows`, if it is one of them, and the hop, counted over all its packets. */
  step: { flow: number | null; hop: number } | null;
}

/** What may be written at a place. */
export interface Completion {
  /** Where the part begins that a candidate replaces, in UTF-16 units; it ends at the cursor. */
  from: number;
  /** Names before words. */
  candidates: Candidate[];
}

/** One thing that may be written. */
export interface Candidate {
  text: string;
  kind: "word" | "command" | "pod" | "deployment" | "service" | "ingress" | "networkPolicy" | "configMap" | "node" | "host" | "router"
    | "pool" | "ipAddressPool" | "l2Advertisement" | "namespace" | "container" | "device" | "chain" | "table" | "flow" | "label"
    | "url" | "property" | "function" | "hook" | "code" | "test";
  /** What it is for, in a line; may be empty. */
  help: string;
}
