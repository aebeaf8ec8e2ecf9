// Where things stand in the picture: each node a box with its pods inside, and one wire that joins all nodes and hosts. A trace
// does not say on which node a pod is; the first node that it exchanges a packet with is its own.
import type { Trace } from "../../target/page/pkg/netscene_wasm.js";

export interface Point { x: number; y: number }

/** A network namespace: a pod's, or a node's or host's own. */
export interface Spot { place: string; pod: boolean; box: { x: number; y: number; w: number; h: number }; at: Point }

/** A node or host with its pods. */
export interface Machine { name: string; box: { x: number; y: number; w: number; h: number }; wire: Point[] }

export interface Layout { width: number; height: number; machines: Machine[]; spots: Map<string, Spot>; bus: Point[]; upright: boolean; veths: Point[][] }

/** Machines in the order in which packets meet them, each with its pods. */
export function machines(trace: Trace): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const home = new Map<string, string>();
  const places = trace.packets.flatMap((packet) => packet.hops.map((hop) => hop.place));
  const isPod = (place: string) => place.includes("/");
  for (const place of places) if (!isPod(place) && !found.has(place)) found.set(place, []);
  for (const packet of trace.packets) {
    packet.hops.forEach((hop, index) => {
      if (!isPod(hop.place) || home.has(hop.place)) return;
      const near = [packet.hops[index - 1], packet.hops[index + 1]].find((other) => other && !isPod(other.place));
      if (near) home.set(hop.place, near.place);
    });
  }
  for (const place of new Set(places.filter(isPod))) {
    const node = home.get(place) ?? place;
    if (!found.has(node)) found.set(node, []);
    if (node !== place) found.get(node)!.push(place);
  }
  return found;
}

const [POD_W, POD_H, GAP, PAD, ROOT_H, TOP, LANE] = [140, 34, 10, 10, 30, 24, 10];

/** Where a packet stands in a box: at its right end, beside the name. */
const dot = (box: { x: number; y: number; w: number; h: number }): Point => ({ x: box.x + box.w - 16, y: box.y + box.h / 2 });

/** Machines side by side above the wire; on a narrow screen one below the other, to the right of it. */
export function layout(trace: Trace, narrow: boolean): Layout {
  const spots = new Map<string, Spot>();
  const boxes: Machine[] = [];
  const veths: Point[][] = [];
  let [x, y] = narrow ? [34, 6] : [6, 6];
  const all = [...machines(trace)];
  const tallest = Math.max(...all.map(([, pods]) => pods.length), 0);
  const rows = Math.min(tallest, 2);
  // The wire of a pod that stands on another passes it on its left, in a lane of its own.
  const column = POD_W + LANE * Math.max((narrow ? Math.ceil(tallest / 2) : rows) - 1, 0);
  for (const [name, pods] of all) {
    const across = narrow ? 2 : Math.max(1, Math.ceil(pods.length / 2));
    const down = narrow ? Math.ceil(pods.length / across) : rows;
    const w = narrow ? 2 * column + GAP + 2 * PAD : across * column + (across - 1) * GAP + 2 * PAD;
    const h = TOP + down * (POD_H + GAP) + (down ? 6 : 0) + ROOT_H + PAD;
    const box = { x, y, w, h };
    const root = { x: x + PAD, y: y + h - PAD - ROOT_H, w: w - 2 * PAD, h: ROOT_H };
    spots.set(name, { place: name, pod: false, box: root, at: dot(root) });
    pods.forEach((pod, index) => {
      // From the bottom up, so that wires to the node's own namespace stay short.
      const below = Math.floor(index / across);
      const above = Math.floor((pods.length - 1 - index) / across);
      const b = { x: x + PAD + (index % across) * (column + GAP) + above * LANE, y: y + TOP + (down - 1 - below) * (POD_H + GAP), w: column - above * LANE, h: POD_H };
      const at = dot(b);
      spots.set(pod, { place: pod, pod: true, box: b, at });
      const lane = below ? b.x + LANE / 2 : at.x;
      veths.push([{ x: lane, y: at.y }, { x: lane, y: root.y }]);
    });
    const leave = narrow ? [{ x: 14, y: root.y + root.h / 2 }, { x: root.x, y: root.y + root.h / 2 }]
      : [{ x: root.x + root.w / 2, y: root.y + root.h }, { x: root.x + root.w / 2, y: y + h + 22 }];
    boxes.push({ name, box, wire: leave });
    if (narrow) y += h + 14; else x += w + 18;
  }
  const last = boxes.at(-1);
  const first = boxes[0];
  if (!last || !first) return { width: 300, height: 10, machines: [], spots, bus: [], upright: narrow, veths };
  if (narrow) {
    return { width: 34 + 2 * column + GAP + 2 * PAD + 6, height: y, machines: boxes, spots, veths, upright: narrow,
      bus: [{ x: 14, y: first.wire[0].y }, { x: 14, y: last.wire[0].y }] };
  }
  const height = first.box.h + 40;
  return { width: x - 12, height, machines: boxes, spots, veths, upright: narrow,
    bus: [{ x: first.wire[0].x, y: first.wire[1].y }, { x: last.wire[0].x, y: first.wire[1].y }] };
}

/** The corners of a packet's way from one place to another. */
export function way(from: Spot, to: Spot, layout: Layout): Point[] {
  if (from === to) return [from.at];
  const wire = (spot: Spot) => layout.machines.find((machine) => machine.name === spot.place)?.wire;
  const [a, b] = [wire(from), wire(to)];
  if (!a || !b) return [from.at, to.at];
  return [from.at, onBus(a, layout), onBus(b, layout), to.at];
}

/** The end of a machine's wire that is on the common one: the first where that stands upright. */
function onBus(wire: Point[], layout: Layout): Point {
  return layout.upright ? wire[0] : wire[1];
}
