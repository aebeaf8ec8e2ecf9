// What the picture and its list say of packets and of what befell them.
import type { Hop, Packet, Step, Trace } from "../../target/page/pkg/netscene_wasm.js";

/** `192.168.235.129:34731 > 10.96.0.2:80 tcp SYN`, as the command writes it. */
export function packet(it: Packet): string {
  const end = (address: string, port?: number) => (port === undefined ? address : `${address}:${port}`);
  const ends = `${end(it.source, it.sourcePort)} > ${end(it.destination, it.destinationPort)}`;
  const more = it.inner ? `[${packet(it.inner)}]` : (it.flags ?? it.icmp ?? "");
  return `${ends} ${it.protocol} ${more}`.trimEnd();
}

/** What befell a packet in a namespace, in a few words each; rules are counted, because there may be dozens. */
export function events(hop: Hop): string[] {
  const said: string[] = [];
  for (const step of hop.steps) {
    const at = step as Record<string, unknown>;
    if (step.step === "dnat" || step.step === "snat") said.push(`${step.step} ${at.from} => ${at.to}`);
    if (step.step === "arp") said.push(at.answer ? `arp ${at.address} is at ${at.answer}` : `arp ${at.address}: nobody answers`);
    if (step.step === "encapsulated") said.push(`into a tunnel ${at.source} => ${at.destination}`);
    if (step.step === "decapsulated") said.push("out of the tunnel");
  }
  if (hop.end.end === "delivered") said.push(hop.end.to ? `delivered to ${hop.end.to}` : "delivered");
  if (hop.end.end === "dropped") said.push(`dropped: ${hop.end.why ?? "no reason told"}`);
  for (const more of [hop.end.cause, hop.end.cure]) if (more) said.push(more);
  return said;
}

/** One line of a step that the list of rules shows. */
export function rule(step: Step): string {
  const at = step as Record<string, any>;
  switch (step.step) {
    case "rule": return `${at.table}/${at.chain} ${at.number}  ${at.rule}`;
    case "misses": return `${at.table}/${at.chain} ${at.first === at.last ? at.first : `${at.first} to ${at.last}`}  no match`;
    case "chainEnd": return `${at.table}/${at.chain}  ${at.policy ? `policy ${at.policy}` : "end of the chain"}`;
    case "conntrack": return `conntrack  ${at.state}`;
    case "dnat": case "snat": return `${step.step}  ${at.from} => ${at.to}`;
    case "route": return `route  ${at.destination}: ${at.route ?? "no route"}${at.via ? ` via ${at.via}` : ""}${at.device ? ` on ${at.device}` : ""}`;
    case "arp": return `arp  ${at.address} on ${at.device}: ${at.answer ?? "nobody answers"}${at.by ? ` (${at.by})` : ""}`;
    case "encapsulated": case "decapsulated": return `${step.step}  ${at.source} => ${at.destination}`;
    default: return step.step;
  }
}

/** Who wrote a rule, and for which line of the scenario. */
export function author(step: Step): string {
  const by = (step as Record<string, any>).by;
  // Of an answer to ARP it is the name of who gave it.
  if (!by?.agent) return "";
  const place = by.declared ?? by.read;
  const what = [by.object, by.field].filter(Boolean).join(", ");
  return `by ${by.agent}${what ? `: ${what}` : ""}${place ? ` (${place.file}:${place.line})` : ""}`;
}

/** `hello: tcp default/client to 10.96.0.2:80: delivered to default/web-…`. */
export function title(trace: Trace): string {
  const how = trace.outcome.result === "delivered" ? "delivered to" : `${trace.outcome.result} at`;
  const status = trace.status === undefined ? "" : `, status ${trace.status}`;
  return `${trace.name ? `${trace.name}: ` : ""}${trace.kind} ${trace.from} → ${trace.to}: ${how} ${trace.outcome.at}${status}`;
}

/** Without the namespace and what a ReplicaSet appends: enough to tell pods apart in a small box. */
export function short(place: string, most = 17): string {
  const name = place.slice(place.indexOf("/") + 1);
  return name.length <= most ? name : `${name.slice(0, most - 7)}…${name.slice(-6)}`;
}
