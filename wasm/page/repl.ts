// <net-scene-repl>: sentences entered one after the other, in a world that stays; or command lines typed on one of its machines. What
// begins with `:` is a command to the REPL itself, as in `scn repl`; the buttons say the same.
import type { EditorView } from "@codemirror/view";
import type { Answer, Completion, Sent } from "../../target/page/pkg/netscene_wasm.js";
import { element } from "./dom";
import { Engine, NoAnswer } from "./engine";
import { early, follow, sheet } from "./net-scene";
import type { Shared } from "./permalink";
import { TraceView } from "./trace";
import type { Asked } from "./worker";
import { Wrong } from "./wrong";

/** What there is to look at: of the cluster, and of a machine. */
const LISTS = ["nodes", "pods", "services", "endpoints", "endpointslices", "ingresses", "deployments", "daemonsets", "statefulsets", "networkpolicies", "configmaps"];
const SIGHTS = [["routes", "ip route"], ["addresses", "ip addr"], ["rules", "iptables-save"], ["connections", "conntrack -L"]];

export class NetSceneRepl extends HTMLElement {
  /** What makes the world as it is: after a Worker was ended, the same makes the same world. */
  private done: Asked[] = [];
  private undone: Asked[] = [];
  /** The breakpoints, for the same reason. */
  private breaks: Asked[] = [];
  /** The flow that is gone through, where it is drawn. */
  private stepped: { view: TraceView; sent: Sent } | undefined;
  private typed: string[] = [];
  private recalled = 0;
  private readonly engine = new Engine(() => {
    this.world = undefined;
    this.stand(null);
  });
  /** Is kept when the Worker holds the world; there is none yet, or none any more. */
  private world: Promise<unknown> | undefined;
  private view: EditorView | undefined;
  private editing: Promise<EditorView> | undefined;
  private readonly entries = element("div", { class: "entries", role: "log", "aria-label": "what was entered and answered", tabindex: "0" });
  private readonly input = element("div", { class: "entry" });
  private readonly steps = element("div", { class: "bar stepping", role: "group", "aria-label": "the flow that is gone through", hidden: "" });
  private readonly place = element("select", { class: "place", "aria-label": "where command lines are typed" });
  private readonly sights = element("select", { class: "look", "aria-label": "look at" });

  connectedCallback(): void {
    if (this.shadowRoot || early(this)) return;
    follow(this);
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    const button = (text: string, title: string, action: () => void) => {
      const made = element("button", { type: "button", title }, text);
      made.addEventListener("click", action);
      return made;
    };
    const bar = element("div", { class: "bar" }, element("span", { class: "name" }, "a world of your own"), this.place, this.sights,
      button("Undo", "take the last entry back; :undo", () => void this.command(":undo")),
      button("Redo", "do it again; :redo", () => void this.command(":redo")),
      button("Diff", "what the last entry changed; :diff", () => void this.command(":diff")),
      button("Test", "run the tests that were entered or loaded; :test", () => void this.command(":test")),
      button("Stop", "stop what runs", () => this.engine.stop(this)),
      button("Save", "what was entered, as a scenario; :save", () => void this.command(":save")));
    this.steps.append(element("span", { class: "name" }, "hop by hop: Enter, c and q, or"),
      button("Next hop", "Enter", () => void this.goOn("")), button("Next breakpoint", "c", () => void this.goOn("c")),
      button("End", "q", () => void this.goOn("q")));
    const hint = element("div", { class: "hint" }, ...["Also ", ":break FORWARD", ", ", ":step", ", ", ":explain", " …; ", ":help", " lists them, Tab completes"]
      .map((text) => (text.startsWith(":") ? element("code", {}, text) : text)));
    this.place.addEventListener("change", () => this.view?.focus());
    this.sights.addEventListener("change", () => void this.look());
    this.offer([]);
    root.append(element("div", { class: "frame" }, bar, this.entries, this.steps, this.input, hint));
    const start = (this.textContent ?? "").trim();
    const begun = start ? start.split("\n").reduce<Promise<unknown>>((before, line) => before.then(() => this.line(line)), Promise.resolve()) : Promise.resolve();
    void begun.then(() => this.edit());
  }

  /** The line that is written, as soon as it is there. */
  edit(): Promise<EditorView> {
    return (this.editing ??= import("./editor").then(({ editor }) => {
      const bind = (key: string, run: () => boolean) => ({ key, run });
      return (this.view = editor({
        parent: this.input, root: this.shadowRoot!, text: "", label: "a sentence; Enter runs it", placeholder: "node worker1 at 10.0.0.1",
        keys: [bind("Enter", () => this.submit()), bind("ArrowUp", () => this.recall(-1)), bind("ArrowDown", () => this.recall(1))],
        complete: (text, cursor) => this.complete(text, cursor),
      }));
    }));
  }

  /** Begins anew with the world of a scenario, without its tests. */
  async load(shared: Shared): Promise<void> {
    const asked: Asked = { call: "load", with: ["scenario.scn", shared.text, shared.files] };
    const answer = await this.answer("load", asked);
    if (answer?.outcome !== "done") return;
    this.done.push(asked);
    [this.undone, this.breaks] = [[], []];
    await this.offered();
  }

  /** Does what a line says: a command, a step through a flow, or an entry. */
  private async line(text: string): Promise<Answer | undefined> {
    const goesOn = text.startsWith(":") ? undefined : await this.goOn(text);
    const answer = goesOn ?? (await (text.startsWith(":") ? this.command(text) : this.enter(text)));
    if (text && answer?.outcome !== "incomplete") this.typed.push(text);
    this.recalled = this.typed.length;
    return answer;
  }

  /** A command, as the session has it; what it does to the page is done here. */
  private async command(line: string): Promise<Answer | undefined> {
    const asked: Asked = { call: "command", with: [line] };
    const answer = await this.answer(`> ${line}`, asked);
    if (answer?.outcome !== "nothing") return answer;
    const [, name, rest] = /^:(\S*)\s*([^]*?)\s*$/.exec(line)!;
    if (name === "on") this.place.value = answer.text;
    if (name === "break" && rest) this.breaks = rest === "off" ? [] : [...this.breaks, asked];
    if (name === "undo" || name === "redo") {
      const [from, to] = name === "undo" ? [this.done, this.undone] : [this.undone, this.done];
      // One line tells of one entry.
      const moved = answer.text.split("\n").filter((line) => line.startsWith(`${name}: `)).length;
      for (let at = 0; at < moved; at++) to.push(...from.splice(-1));
      await this.offered();
    }
    return answer;
  }

  /** Goes on through a flow, if one is gone through and the text says so. */
  private async goOn(how: string): Promise<Answer | undefined> {
    if (this.steps.hidden) return undefined;
    return this.answer(`step> ${how}`, { call: "goOn", with: [how] });
  }

  /** Shows where the flow stands that is gone through; nothing where none is. */
  private stand(step: Answer["step"]): void {
    const within = this.steps.contains(this.shadowRoot?.activeElement ?? null);
    this.steps.hidden = !step;
    if (step && this.stepped) this.stepped.view.go(this.stepped.sent, step.hop);
    if (step) return;
    this.stepped = undefined;
    if (within) this.view?.focus();
  }

  /** Enters a sentence, or what is typed on the chosen machine, and shows what comes of it. */
  async enter(text: string): Promise<Answer | undefined> {
    const at = this.place.value;
    const asked: Asked = at ? { call: "enterAt", with: [at, text] } : { call: "enter", with: [text] };
    const answer = await this.answer(at ? `${at}# ${text}` : `> ${text}`, asked);
    if (answer?.outcome !== "done") return answer;
    this.done.push(asked);
    this.undone = [];
    await this.offered();
    return answer;
  }

  /** Asks the session, and shows its answer; one that is incomplete is not shown. There may be none. */
  private async answer(said: string, asked: Asked): Promise<Answer | undefined> {
    try {
      const answer = (await this.ask(asked)) as Answer | null;
      if (!answer || answer.outcome === "incomplete") return answer ?? undefined;
      // The picture stays beside what is told of it last.
      if (asked.call === "goOn" && answer.step && this.stepped) this.entries.append(this.stepped.view.root);
      this.show(said, answer.text, answer.diagnostics);
      if (answer.flows.length) {
        const view = new TraceView();
        this.entries.append(view.root);
        view.set(answer.flows);
        if (answer.step && answer.step.flow !== null) this.stepped = { view, sent: answer.flows[answer.step.flow] };
      }
      this.stand(answer.step);
      this.entries.scrollTop = this.entries.scrollHeight;
      if (!performance.getEntriesByName("netscene-first-trace").length) performance.mark("netscene-first-trace");
      this.dispatchEvent(new CustomEvent("netscene-answered", { bubbles: true, composed: true, detail: answer }));
      return answer;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      this.show(said, "", error.message);
      return undefined;
    }
  }

  private async ask(asked: Asked): Promise<unknown> {
    const tell = (asked: Asked) => this.engine.ask(this, { kind: "session", asked });
    // All at once, one after the other: nothing that is asked meanwhile comes before the world is as it was.
    await (this.world ??= Promise.all([...this.done, ...this.breaks].map(tell)));
    return tell(asked);
  }

  private show(said: string, text: string, wrong: string): void {
    this.entries.append(element("pre", { class: "said" }, said));
    if (text) this.entries.append(element("pre", { class: "output" }, text));
    if (wrong) {
      const told = new Wrong((code) => this.explain(code));
      told.set(wrong);
      this.entries.append(told.root);
    }
    this.entries.scrollTop = this.entries.scrollHeight;
  }

  private async explain(code: string): Promise<string | undefined> {
    return (await this.engine.ask(this, { kind: "explain", what: code }).catch(() => undefined)) as string | undefined;
  }

  private async look(): Promise<void> {
    const [command, place] = [this.sights.value, this.place.value];
    this.sights.value = "";
    const of = command.startsWith("kubectl ") ? undefined : place;
    const said = of ? `${of}# ${command}` : command;
    try {
      this.show(said, ((await this.ask({ call: "look", with: [command, of] })) as string) || "there is nothing to see", "");
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      this.show(said, "", error.message);
    }
  }


  /** Where somebody can type, and what there is to look at, after something has changed. */
  private async offered(): Promise<void> {
    const places = await this.ask({ call: "places", with: [] }).catch(() => undefined);
    if (places) this.offer(places as string[]);
  }

  private offer(places: string[]): void {
    const before = this.place.value;
    const option = (value: string, text: string) => element("option", { value }, text);
    this.place.replaceChildren(option("", "in the language"), ...places.map((place) => option(place, `on ${place}`)));
    this.place.value = places.includes(before) ? before : "";
    const of = element("optgroup", { label: "of the chosen machine" }, ...SIGHTS.map(([name, command]) => option(command, name)));
    const all = element("optgroup", { label: "of the cluster" }, ...LISTS.map((kind) => option(`kubectl get ${kind} -A -o wide`, kind)));
    this.sights.replaceChildren(option("", "Look at …"), all, of);
  }

  private async complete(text: string, cursor: number): Promise<Completion | undefined> {
    try {
      return (await this.ask({ call: "complete", with: [text, cursor, this.place.value || undefined] })) as Completion;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      return undefined;
    }
  }

  private write(text: string): void {
    const view = this.view!;
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: text.length }, scrollIntoView: true });
  }

  private submit(): boolean {
    const text = this.view!.state.doc.toString();
    if (!text.trim() && this.steps.hidden) return true;
    const said = text.trim();
    void this.line(said && !said.startsWith(":") ? text : said).then((answer) => {
      // A brace that is open wants another line; whoever has gone on writing keeps what he wrote.
      if (this.view!.state.doc.toString() !== text) return;
      this.write(answer?.outcome === "incomplete" ? `${text}\n` : "");
    });
    return true;
  }

  /** What was entered before, or after, where the line is one. */
  private recall(by: number): boolean {
    if (this.view!.state.doc.lines > 1) return false;
    this.recalled = Math.max(0, Math.min(this.typed.length, this.recalled + by));
    this.write(this.typed[this.recalled] ?? "");
    return true;
  }
}

customElements.define("net-scene-repl", NetSceneRepl);
