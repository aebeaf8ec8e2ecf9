// A trace, drawn and told: a picture that shows where the packet is, a list beside it that says the same in words, and what the
// namespace did with the packet. Arrow keys step through both.
import type { Hop, Sent, Trace } from "../../target/page/pkg/netscene_wasm.js";
import { element, svg } from "./dom";
import { layout, way, type Layout, type Point } from "./layout";
import { author, events, packet, rule, short, title } from "./words";

/** How many hops the list has at once. */
const SOME = 24;

interface Moment { hop: Hop; number: number; first: boolean }

export class TraceView {
  readonly root = element("section", { class: "trace", "aria-label": "what happened to the packets" });
  private moments: Moment[] = [];
  private drawn: Layout | undefined;
  private now = 0;
  private flow = 0;
  private sent: Sent[] = [];
  private readonly choice = element("select", { "aria-label": "which flow" });
  private readonly picture = element("div", { class: "picture" });
  private readonly list = element("ol", { class: "hops", role: "listbox", tabindex: "0", "aria-label": "hops: step with the arrow keys" });
  private readonly detail = element("div", { class: "detail" });
  private readonly count = element("span", { class: "count", role: "status" });
  private dot: SVGGElement | undefined;
  /** Whether there is little room: by the window, until the place itself has told. To ask it would cost a layout. */
  private narrow = matchMedia("(max-width: 620px)").matches;
  private playing: ReturnType<typeof setInterval> | undefined;
  private readonly play = this.button("Play", "play the packets' way", () => this.toggle());

  constructor() {
    this.choice.addEventListener("change", () => this.choose(Number(this.choice.value)));
    const back = this.button("◀", "one step back", () => this.step(-1));
    const on = this.button("▶", "one step on", () => this.step(1));
    const bar = element("div", { class: "bar" }, this.choice, element("span", { class: "steps" }, back, this.play, on), this.count);
    this.root.append(bar, element("div", { class: "sides" }, this.picture, this.list), this.detail);
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("click", (event) => {
      const item = (event.target as Element).closest("li[data-at]");
      if (item) this.show(Number(item.getAttribute("data-at")));
    });
    new ResizeObserver(([entry]) => {
      const before = this.narrow;
      this.narrow = entry.contentRect.width < 560;
      if (this.moments.length && this.narrow !== before) this.draw();
    }).observe(this.root);
  }

  /** Shows the flows of a run; the one that was looked at stays chosen if it is still there. */
  set(sent: Sent[]): void {
    const before = this.sent[this.flow];
    this.sent = sent.filter(({ trace }) => trace.packets.some((one) => one.hops.length));
    this.choice.replaceChildren(...this.sent.map(({ test, trace }, index) =>
      element("option", { value: String(index) }, `${test === null ? "" : `${test} · `}${title(trace)}`)));
    const same = this.sent.findIndex((one) => before && one.test === before.test && one.trace.name === before.trace.name);
    this.root.hidden = !this.sent.length;
    // What is drawn already stays as it is, and so does the place in it.
    if (before && this.sent[same] === before) this.choice.value = String((this.flow = same));
    else if (this.sent.length) this.choose(Math.max(same, 0));
    else {
      this.halt();
      this.moments = [];
    }
  }

  /** Goes to a hop of one of the flows, counted over all its packets. */
  go(sent: Sent, at: number): void {
    const flow = this.sent.indexOf(sent);
    if (flow < 0) return;
    this.halt();
    if (flow !== this.flow) this.choose(flow);
    this.show(at);
  }

  private choose(index: number): void {
    this.halt();
    this.flow = index;
    this.choice.value = String(index);
    const trace: Trace = this.sent[index].trace;
    this.moments = trace.packets.flatMap((one, number) =>
      one.hops.map((hop, at) => ({ hop, number: number + 1, first: at === 0 })));
    this.list.replaceChildren();
    this.fill(SOME);
    // There may be hundreds: what nobody sees yet comes when the picture is there.
    setTimeout(() => this.fill(this.moments.length), 100);
    this.now = 0;
    this.draw();
  }

  /** Fills the list as far as that. */
  private fill(to: number): void {
    const from = this.list.children.length;
    this.list.append(...this.moments.slice(from, to).map((moment, at) => this.item(moment, from + at)));
  }

  private item({ hop, number, first }: Moment, at: number): HTMLElement {
    const devices = `${hop.in ?? "local"} → ${hop.out ?? "local"}`;
    const said = events(hop).map((text) => element("span", { class: "event" }, text));
    const place = element("span", { class: "place" }, hop.place);
    const head = first ? [element("span", { class: "packet" }, `packet ${number}`)] : [];
    return element("li", { role: "option", id: `hop-${at}`, "data-at": String(at) },
      ...head, place, " ", element("span", { class: "devices" }, devices), element("code", {}, packet(hop.before)), ...said);
  }

  private draw(): void {
    const where = (this.drawn = layout(this.sent[this.flow].trace, this.narrow));
    const drawing = svg("svg", { viewBox: `0 0 ${where.width} ${where.height}`, role: "img", "aria-label": "the machines, pods and wires of this flow; the list tells the same" });
    drawing.style.maxWidth = `${where.width * 1.25}px`;
    const line = (points: Point[], name: string) => svg("polyline", { class: name, points: points.map(({ x, y }) => `${x},${y}`).join(" ") });
    for (const { name, box, wire } of where.machines) {
      drawing.append(svg("rect", { class: "machine", x: box.x, y: box.y, width: box.w, height: box.h, rx: 8 }),
        svg("text", { class: "name", x: box.x + 10, y: box.y + 16 }, short(name, 26)), line(wire, "wire"));
    }
    if (where.machines.length > 1) drawing.append(line(where.bus, "bus"));
    drawing.append(...where.veths.map((veth) => line(veth, "wire")));
    for (const spot of where.spots.values()) {
      const { x, y, w, h } = spot.box;
      const label = svg("text", { x: x + 9, y: y + h / 2 + 4 }, spot.pod ? short(spot.place) : "own namespace");
      drawing.append(svg("g", { class: spot.pod ? "spot pod" : "spot", "data-place": spot.place },
        svg("title", {}, spot.place), svg("rect", { x, y, width: w, height: h, rx: 5 }), label));
    }
    this.dot = svg("g", { class: "dot" }, svg("circle", { class: "tunnel", r: 11 }), svg("circle", { class: "inner", r: 6 }));
    drawing.append(this.dot);
    this.picture.replaceChildren(drawing);
    // Many machines need the whole width; the list then stands below.
    this.root.classList.toggle("broad", where.width > 620);
    this.show(this.now, true);
  }

  /** Goes to a moment: the dot, the marked line of the list, and what happened there. */
  private show(at: number, jump = false): void {
    const before = this.moments[this.now];
    this.now = Math.max(0, Math.min(at, this.moments.length - 1));
    const moment = this.moments[this.now];
    if (!moment || !this.drawn || !this.dot) return;
    const { hop } = moment;
    const spot = this.drawn.spots.get(hop.place);
    const from = before && this.drawn.spots.get(before.hop.place);
    if (spot) {
      this.dot.setAttribute("transform", `translate(${spot.at.x} ${spot.at.y})`);
      this.dot.classList.toggle("tunnelled", hop.before.inner !== undefined);
      this.dot.classList.toggle("dropped", hop.end.end === "dropped");
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      if (from && !jump && !calm) {
        const points = way(from, spot, this.drawn);
        this.dot.animate(points.map(({ x, y }) => ({ transform: `translate(${x}px, ${y}px)` })), { duration: 130 * points.length, easing: "ease-in-out" });
      }
    }
    for (const group of this.picture.querySelectorAll(".spot")) group.classList.toggle("here", group.getAttribute("data-place") === hop.place);
    this.list.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
    this.fill(this.now + 1);
    const item = this.list.children[this.now] as HTMLElement;
    item.setAttribute("aria-selected", "true");
    this.list.setAttribute("aria-activedescendant", item.id);
    // Only the list scrolls, never the page. A new list begins at its top; to ask where things are would cost a layout.
    if (!jump) {
      const [top, bottom] = [item.offsetTop, item.offsetTop + item.offsetHeight];
      if (top < this.list.scrollTop) this.list.scrollTop = top;
      if (bottom > this.list.scrollTop + this.list.clientHeight) this.list.scrollTop = bottom - this.list.clientHeight;
    }
    this.count.textContent = `step ${this.now + 1} of ${this.moments.length}`;
    this.tell(hop);
  }

  private tell(hop: Hop): void {
    const changed = packet(hop.before) !== packet(hop.after);
    const header = (name: string, text: string, other: string) => element("p", {}, element("b", {}, name), " ", this.marked(text, other));
    const rules = hop.steps.filter((step) => step.step !== "misses" && step.step !== "chainEnd");
    const lines = rules.map((step) => element("li", {}, element("code", {}, rule(step)), element("span", { class: "by" }, author(step))));
    const more = element("details", { open: "" }, element("summary", {}, `${rules.length} ${rules.length === 1 ? "thing" : "things"} happened to it on ${hop.place}`), element("ul", {}, ...lines));
    this.detail.replaceChildren(
      header(changed ? "came as" : "passes as", packet(hop.before), packet(hop.after)),
      ...(changed ? [header("left as", packet(hop.after), packet(hop.before))] : []), more);
  }

  /** The header with the words marked that differ. */
  private marked(text: string, other: string): HTMLElement {
    const words = other.split(" ");
    const parts = text.split(" ").flatMap((word, index) => [index ? " " : "", words.includes(word) ? word : element("mark", {}, word)]);
    return element("code", {}, ...parts);
  }

  private key(event: KeyboardEvent): void {
    if (event.target === this.choice || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    const whole: Record<string, number> = { Home: 0, End: this.moments.length - 1 };
    if (event.key in steps) this.step(steps[event.key]);
    else if (event.key in whole) this.show(whole[event.key]);
    else return;
    event.preventDefault();
  }

  private step(by: number): void {
    this.halt();
    this.show(this.now + by);
  }

  private toggle(): void {
    if (this.playing) return this.halt();
    if (this.now === this.moments.length - 1) this.show(0, true);
    this.play.textContent = "Pause";
    this.playing = setInterval(() => {
      if (this.now === this.moments.length - 1) this.halt(); else this.show(this.now + 1);
    }, 700);
  }

  private halt(): void {
    clearInterval(this.playing);
    this.playing = undefined;
    this.play.textContent = "Play";
  }

  private button(text: string, label: string, action: () => void): HTMLButtonElement {
    const made = element("button", { type: "button", "aria-label": label }, text);
    made.addEventListener("click", action);
    return made;
  }
}
