// What a trace looks like, as HTML: the picture, the lines of the list, and what befell the packet at one moment. It is text, so that
// the service worker can draw a page's first trace before the page is there (forerun.ts).
import type { Hop, Packet, Sent, Told, ToldHop } from "../../target/page/pkg/netscene_wasm.js";
import { layout, type Layout, type Point, type Spot } from "./layout";
import { author, events, packet, rule, short, title } from "./words";

/** A flow as it was told, with the steps and headers of each hop. Hops that have the same share it. */
export function read(text: string): Sent {
  const { test, trace: { steps, headers, packets, ...about } } = JSON.parse(text) as Told;
  const whole = (hop: ToldHop): Hop => ({ ...hop, before: headers[hop.before], after: headers[hop.after], steps: hop.steps.map((at) => steps[at]) });
  return { test, trace: { ...about, packets: packets.map(({ id, hops }) => ({ id, hops: hops.map(whole) })) } };
}

/** A packet in one namespace; the packet's number, from 1; whether that is its first. */
export interface Moment { hop: Hop; number: number; first: boolean }

export const moments = ({ trace }: Sent): Moment[] =>
  trace.packets.flatMap(({ hops }, index) => hops.map((hop, at) => ({ hop, number: index + 1, first: at === 0 })));

/** How many lines the list has at once: there may be hundreds. */
export const SOME = 24;

/** The first moment of a flow, drawn: for much room and for little. */
export interface Drawn { label: string; broad: Drawing; narrow: Drawing; list: string; detail: string; count: string }

interface Drawing { picture: string; wide: boolean }

/** Draws the first moment of a flow; nothing where no packet was anywhere. */
export function draw(sent: Sent): Drawn | undefined {
  const all = moments(sent);
  if (!all.length) return undefined;
  const { hop } = all[0];
  const drawing = (narrow: boolean): Drawing => {
    const where = layout(sent.trace, narrow);
    return { picture: picture(where, hop), wide: wide(where) };
  };
  const list = all.slice(0, SOME).map((moment, at) => line(moment, at, at === 0)).join("");
  return { label: label(sent), broad: drawing(false), narrow: drawing(true), list, detail: detail(hop), count: count(0, all.length) };
}

/** Whether a picture needs the whole width, because it has many machines: the list then stands below. */
export const wide = ({ width }: Layout) => width > 620;

export const count = (at: number, of: number) => `step ${at + 1} of ${of}`;

/** What the flow is called among others. */
export const label = ({ test, trace }: Sent) => `${test === null ? "" : `${test} · `}${title(trace)}`;

const CHARACTERS: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const plain = (text: string) => text.replace(/[&<>"]/g, (one) => CHARACTERS[one]);

/** Machines, pods and wires, and a dot for the packet; at a hop if there is one. */
export function picture(where: Layout, hop?: Hop): string {
  const line = (points: Point[], name: string) => `<polyline class="${name}" points="${points.map(({ x, y }) => `${x},${y}`).join(" ")}"/>`;
  const machines = where.machines.map(({ name, box: { x, y, w, h }, wire }) =>
    `<rect class="machine" x="${x}" y="${y}" width="${w}" height="${h}" rx="8"/><text class="name" x="${x + 10}" y="${y + 16}">${plain(short(name, 26))}</text>${line(wire, "wire")}`);
  const spots = [...where.spots.values()].map(({ place, pod, box: { x, y, w, h } }) =>
    `<g class="spot${pod ? " pod" : ""}${place === hop?.place ? " here" : ""}" data-place="${plain(place)}"><title>${plain(place)}</title>`
    + `<rect x="${x}" y="${y}" width="${w}" height="${h}" rx="5"/><text x="${x + 9}" y="${y + h / 2 + 4}">${pod ? plain(short(place)) : "own namespace"}</text></g>`);
  const spot = hop && where.spots.get(hop.place);
  const dot = spot && hop ? ` class="${kind(hop)}" transform="${stands(spot)}"` : ' class="dot"';
  return `<svg viewBox="0 0 ${where.width} ${where.height}" role="img" style="max-width: ${where.width * 1.25}px"`
    + ' aria-label="the machines, pods and wires of this flow; the list tells the same">'
    + machines.join("") + (where.machines.length > 1 ? line(where.bus, "bus") : "") + where.veths.map((veth) => line(veth, "wire")).join("")
    + `${spots.join("")}<g${dot}><circle class="tunnel" r="11"/><circle class="inner" r="6"/></g></svg>`;
}

/** What sort of packet the dot is. */
export const kind = ({ before, end }: Hop) => `dot${before.inner === undefined ? "" : " tunnelled"}${end.end === "dropped" ? " dropped" : ""}`;

/** Where the dot is. */
export const stands = ({ at }: Spot) => `translate(${at.x} ${at.y})`;

/** One line of the list. */
export function line({ hop, number, first }: Moment, at: number, chosen = false): string {
  const said = events(hop).map((text) => `<span class="event">${plain(text)}</span>`).join("");
  return `<li role="option" id="hop-${at}" data-at="${at}"${chosen ? ' aria-selected="true"' : ""}>${first ? `<span class="packet">packet ${number}</span>` : ""}`
    + `<span class="place">${plain(hop.place)}</span> <span class="devices">${plain(`${hop.in ?? "local"} → ${hop.out ?? "local"}`)}</span>`
    + `<code>${plain(packet(hop.before))}</code>${said}</li>`;
}

/** What befell the packet at a hop. */
export function detail(hop: Hop): string {
  const [came, left] = [hop.before, hop.after].map((one: Packet) => packet(one));
  const header = (name: string, text: string, other: string) => `<p><b>${name}</b> ${marked(text, other)}</p>`;
  const steps = hop.steps.filter(({ step }) => step !== "misses" && step !== "chainEnd");
  const lines = steps.map((step) => `<li><code>${plain(rule(step))}</code><span class="by">${plain(author(step))}</span></li>`).join("");
  return header(came === left ? "passes as" : "came as", came, left) + (came === left ? "" : header("left as", left, came))
    + `<details open><summary>${steps.length} ${steps.length === 1 ? "thing" : "things"} happened to it on ${plain(hop.place)}</summary><ul>${lines}</ul></details>`;
}

/** A header with the words marked that differ from another. */
function marked(text: string, other: string): string {
  const words = other.split(" ");
  return `<code>${text.split(" ").map((word) => (words.includes(word) ? plain(word) : `<mark>${plain(word)}</mark>`)).join(" ")}</code>`;
}
