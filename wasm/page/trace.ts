// A trace, drawn and told: a picture that shows where the packet is, a list beside it that says the same in words, and what the
// namespace did with the packet. Arrow keys step through both.
import type { Sent } from "../../target/page/pkg/netscene_wasm.js";
import { element } from "./dom";
import { count, detail, kind, label, line, moments, picture, SOME, stands, wide, type Drawn, type Moment } from "./drawing";
import { layout, way, type Layout } from "./layout";

export class TraceView {
  readonly root = element("section", { class: "trace", "aria-label": "what happened to the packets" });
  private moments: Moment[] = [];
  private drawn: Layout | undefined;
  private foreshown: Drawn | undefined;
  private now = 0;
  private flow = 0;
  private sent: Sent[] = [];
  private readonly choice = element("select", { "aria-label": "which flow" });
  private readonly picture = element("div", { class: "picture" });
  private readonly list = element("ol", { class: "hops", role: "listbox", tabindex: "0", "aria-label": "hops: step with the arrow keys" });
  private readonly detail = element("div", { class: "detail" });
  private readonly count = element("span", { class: "count", role: "status" });
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
      const { width } = entry.contentRect;
      // What is hidden has none.
      if (!width || this.narrow === width < 560) return;
      this.narrow = width < 560;
      if (this.moments.length) this.draw();
      else if (this.foreshown) this.foreshow(this.foreshown);
    }).observe(this.root);
  }

  /** Shows the flows of a run; the one that was looked at stays chosen if it is still there. */
  set(sent: Sent[]): void {
    const before = this.sent[this.flow];
    this.sent = sent.filter(({ trace }) => trace.packets.some((one) => one.hops.length));
    this.choice.replaceChildren(...this.sent.map((one, index) => element("option", { value: String(index) }, label(one))));
    const same = this.sent.findIndex((one) => before && one.test === before.test && one.trace.name === before.trace.name);
    this.root.hidden = !this.sent.length;
    // What is drawn already stays as it is, and so does the place in it.
    if (before && this.sent[same] === before) this.choice.value = String((this.flow = same));
    else if (this.sent.length) this.choose(Math.max(same, 0));
    else {
      this.halt();
      this.foreshown = undefined;
      this.moments = [];
    }
  }

  /** Shows a flow that another has drawn, until `set` brings it: nothing can be done with it before. */
  foreshow(drawn: Drawn): void {
    const { label, broad, narrow, list, detail, count } = (this.foreshown = drawn);
    const { picture, wide } = this.narrow ? narrow : broad;
    this.choice.replaceChildren(element("option", {}, label));
    this.picture.innerHTML = picture;
    this.list.innerHTML = list;
    this.detail.innerHTML = detail;
    this.count.textContent = count;
    this.root.classList.toggle("broad", wide);
    this.root.hidden = false;
  }

  /** Takes away what another has drawn, where `set` will not come. A flow that can be gone through stays. */
  unshow(): void {
    if (this.foreshown) this.set([]);
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
    this.foreshown = undefined;
    this.flow = index;
    this.choice.value = String(index);
    this.moments = moments(this.sent[index]);
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
    this.list.insertAdjacentHTML("beforeend", this.moments.slice(from, to).map((moment, at) => line(moment, from + at)).join(""));
  }

  private draw(): void {
    this.drawn = layout(this.sent[this.flow].trace, this.narrow);
    this.picture.innerHTML = picture(this.drawn);
    this.root.classList.toggle("broad", wide(this.drawn));
    this.show(this.now, true);
  }

  /** Goes to a moment: the dot, the marked line of the list, and what happened there. */
  private show(at: number, jump = false): void {
    const before = this.moments[this.now];
    this.now = Math.max(0, Math.min(at, this.moments.length - 1));
    const moment = this.moments[this.now];
    const dot = this.picture.querySelector(".dot");
    if (!moment || !this.drawn || !dot) return;
    const { hop } = moment;
    const spot = this.drawn.spots.get(hop.place);
    const from = before && this.drawn.spots.get(before.hop.place);
    if (spot) {
      dot.setAttribute("transform", stands(spot));
      dot.setAttribute("class", kind(hop));
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      if (from && !jump && !calm) {
        const points = way(from, spot, this.drawn);
        dot.animate(points.map(({ x, y }) => ({ transform: `translate(${x}px, ${y}px)` })), { duration: 130 * points.length, easing: "ease-in-out" });
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
    this.count.textContent = count(this.now, this.moments.length);
    this.detail.innerHTML = detail(hop);
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
    if (this.playing || !this.moments.length) return this.halt();
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
