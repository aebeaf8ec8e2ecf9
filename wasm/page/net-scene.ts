// <net-scene>: a scenario that can be edited and run, for any page.
//
//   <script type="module" src="net-scene.js"></script>
//   <net-scene><script type="text/plain">
//   node worker1 at 10.0.0.1
//   …
//   </script></net-scene>
//
// Attributes: name (what diagnostics call it), seed, autorun (runs as soon as it is seen, or with the value `now` as soon as it
// is there), readonly, theme (light or dark; the
// reader's own wish if there is none). Other files of the scenario: <script type="text/plain" data-file="path">.
import type { EditorView } from "@codemirror/view";
import type { Completion, Files, RunResult, Sent } from "../../target/page/pkg/netscene_wasm.js";
import { element } from "./dom";
import type { Drawn } from "./drawing";
import { DEADLINE, Engine, engine, NoAnswer } from "./engine";
import { pack, type Shared } from "./permalink";
import styleText from "./style.css";
import { TraceView } from "./trace";
import { Wrong } from "./wrong";

/** The sheet that all share. */
export const sheet = new CSSStyleSheet();
sheet.replaceSync(styleText);

/** Follows the theme that is asked for, or the reader's own wish. */
export function follow(host: HTMLElement): void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => { host.dataset.theme = host.getAttribute("theme") ?? (dark.matches ? "dark" : "light"); };
  dark.addEventListener("change", apply);
  new MutationObserver(apply).observe(host, { attributeFilter: ["theme"] });
  apply();
}

/** Whether the parser has met an element, and not yet read what is in it: it will be connected when all is read. */
export function early(host: HTMLElement & { connectedCallback(): void }): boolean {
  if (document.readyState !== "loading" || host.hasChildNodes()) return false;
  document.addEventListener("DOMContentLoaded", () => host.connectedCallback(), { once: true });
  return true;
}

/** A text without the lines that only stand around it. */
function trimmed(text: string): string {
  const lines = text.replace(/^\s*\n/, "").trimEnd().split("\n");
  const indent = Math.min(...lines.filter((line) => line.trim()).map((line) => line.length - line.trimStart().length));
  return lines.map((line) => line.slice(Number.isFinite(indent) ? indent : 0)).join("\n") + "\n";
}

/** The moments at which a page first has a drawing of what came of a scenario, and at which that is on the screen, for whoever measures. */
const [FIRST, SEEN] = ["netscene-first-trace", "netscene-seen"];

const VERDICTS = ["as expected", "not as expected", "not understood", "a limit was hit"];

export class NetScene extends HTMLElement {
  /** What came of the last run. */
  result: RunResult | undefined;
  private view: EditorView | undefined;
  private editing: Promise<void> | undefined;
  private original = "";
  /** What stands there as long as the editor is not. */
  private text = "";
  /** The other files of the scenario. */
  private files: Files | undefined;
  private wait: ReturnType<typeof setTimeout> | undefined;
  private wanted = false;
  private marked: typeof import("./editor").mark | undefined;
  private readonly trace = new TraceView();
  private readonly plain = element("pre", { class: "plain", tabindex: "0" });
  private readonly place = element("div", {}, this.plain);
  private readonly verdict = element("div", { class: "verdict", role: "status" });
  private readonly wrong = new Wrong((code) => this.explain(code));
  private readonly output = element("pre", { class: "output", tabindex: "0", "aria-label": "what the command prints" });
  private readonly printed = element("details", { class: "printed" }, element("summary", {}, "What the command prints"), this.output);
  private readonly runButton = element("button", { type: "button", class: "run", title: "Ctrl+Enter" }, "Run");
  private readonly stopButton = element("button", { type: "button", disabled: "" }, "Stop");

  /** The scenario as it stands in the editor. */
  get value(): string {
    return this.view?.state.doc.toString() ?? this.text;
  }

  set value(text: string) {
    if (this.view) this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
    else {
      this.text = this.plain.textContent = text;
      this.changed();
    }
  }

  get name(): string {
    return this.getAttribute("name") ?? "scenario.scn";
  }

  get seed(): number {
    return Number(this.getAttribute("seed") ?? 0) >>> 0;
  }

  connectedCallback(): void {
    if (this.shadowRoot || early(this)) return;
    const others = [...this.querySelectorAll<HTMLScriptElement>("script[data-file]")];
    if (others.length) this.files = Object.fromEntries(others.map((script) => [script.dataset.file!, script.textContent ?? ""]));
    const script = this.querySelector("script:not([data-file])");
    this.original = this.hasAttribute("verbatim") ? (script ?? this).textContent ?? "" : trimmed((script ?? this).textContent ?? "");
    this.text = this.original;
    this.trace.root.hidden = true;
    // Before anything else: the engine works while the rest of this is made.
    if (this.getAttribute("autorun") === "now") void this.run();
    else engine.warm();
    follow(this);
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    const button = (text: string, action: () => void) => {
      const made = element("button", { type: "button" }, text);
      made.addEventListener("click", action);
      return made;
    };
    this.runButton.addEventListener("click", () => void this.run());
    this.stopButton.addEventListener("click", () => engine.stop(this));
    const link = button("Link", () => void this.link(link));
    const bar = element("div", { class: "bar" }, element("span", { class: "name" }, this.name), this.runButton, this.stopButton,
      button("Format", () => void this.format()), button("Reset", () => { this.value = this.original; }), link);
    root.append(element("div", { class: "frame" }, bar, this.place, this.verdict, this.wrong.root, this.trace.root, this.printed));
    this.verdict.hidden = true;
    this.printed.hidden = true;
    this.plain.textContent = this.text;
    this.plain.setAttribute("aria-label", `scenario ${this.name}`);
    for (const kind of ["focus", "pointerdown"]) this.plain.addEventListener(kind, () => void this.edit());
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      seen.disconnect();
      const ran = this.hasAttribute("autorun") && !this.wanted ? this.run() : engine.idle();
      void ran.then(() => this.edit());
    }, { rootMargin: "300px" });
    seen.observe(this);
  }

  /** Puts the editor where the text stands. It is loaded only now: what it weighs delays nothing that can be seen before. */
  edit(): Promise<void> {
    return (this.editing ??= import("./editor").then(({ editor, mark }) => {
      const within = this.shadowRoot?.activeElement === this.plain;
      const run = () => { void this.run(); return true; };
      this.plain.remove();
      this.view = editor({
        parent: this.place, root: this.shadowRoot!, text: this.text, readOnly: this.hasAttribute("readonly"),
        label: `scenario ${this.name}`, keys: [{ key: "Mod-Enter", run }], changed: () => this.changed(),
        complete: (text, cursor) => this.complete(text, cursor),
      });
      this.marked = mark;
      if (this.result) this.marked(this.view, this.name, this.result.problems);
      if (within) this.view.focus();
    }).catch(() => {
      // Without a network it may be missing: what stands there can be read and run, and the next touch tries again.
      this.editing = undefined;
    }));
  }

  private async complete(text: string, cursor: number): Promise<Completion | undefined> {
    try {
      return await engine.complete(this, this.name, text, this.files, cursor);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      return undefined;
    }
  }

  private async explain(code: string): Promise<string | undefined> {
    try {
      return (await engine.ask(this, { kind: "explain", what: code })) as string;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      return undefined;
    }
  }

  /** Runs the scenario. The last edit wins: what ran before is ended. */
  async run(): Promise<void> {
    clearTimeout(this.wait);
    this.wanted = true;
    this.stopButton.disabled = false;
    this.setAttribute("aria-busy", "true");
    try {
      const result = await engine.run(this, this.name, this.value, this.files, this.seed,
        Number(this.getAttribute("deadline") ?? DEADLINE), (what) => this.begun(what));
      this.show(result, engine.took);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      if (error.reason === "superseded") return;
      this.say("bad", error.message);
      this.trace.unshow();
      this.dispatchEvent(new CustomEvent("netscene-stopped", { bubbles: true, composed: true, detail: error.reason }));
    }
    this.stopButton.disabled = true;
    this.removeAttribute("aria-busy");
  }

  private show(result: RunResult, took: number): void {
    this.result = result;
    this.say(result.status ? "bad" : "good", VERDICTS[result.status], took);
    this.wrong.set(result.diagnostics, !result.problems.some((problem) => problem.severity === "error"));
    this.output.textContent = result.output;
    this.printed.hidden = !result.output;
    this.draw(result.flows);
    if (!result.flows.length) this.printed.open = true;
    if (this.view) this.marked?.(this.view, this.name, result.problems);
    this.dispatchEvent(new CustomEvent("netscene-ran", { bubbles: true, composed: true, detail: result }));
  }

  /** The first flow of a run, while the rest goes on. Whoever looks at one of the run before keeps it until there is a like one. */
  private begun(what: Sent | Drawn): void {
    if (this.result) return;
    if ("trace" in what) return this.draw([what]);
    this.trace.foreshow(what);
    this.noted();
  }

  private draw(flows: Sent[]): void {
    this.trace.set(flows);
    if (flows.length) this.noted();
  }

  private noted(): void {
    if (performance.getEntriesByName(FIRST).length) return;
    performance.mark(FIRST);
    this.dispatchEvent(new CustomEvent("netscene-begun", { bubbles: true, composed: true }));
    requestAnimationFrame(() => setTimeout(() => performance.mark(SEEN)));
  }

  private say(how: "good" | "bad", text: string, took?: number): void {
    const closing = took === undefined ? "" : (this.result?.output.trimEnd().split("\n").at(-1) ?? "");
    this.verdict.hidden = false;
    this.verdict.replaceChildren(element("span", { class: how }, text), element("span", { class: "closing" }, closing),
      element("span", { class: "time" }, took === undefined ? "" : `${took < 10 ? took.toFixed(1) : took.toFixed(0)} ms`));
  }

  private changed(): void {
    // Nothing has run yet: only what is wrong is shown while somebody types.
    clearTimeout(this.wait);
    this.wait = setTimeout(() => void (this.wanted ? this.run() : this.check()), 200);
  }

  private async check(): Promise<void> {
    try {
      const { problems } = await engine.check(this, this.name, this.value, this.files);
      if (this.view) this.marked?.(this.view, this.name, problems);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
    }
  }

  private async format(): Promise<void> {
    try {
      const { text, problems } = await engine.format(this, this.name, this.value);
      if (text !== null && text !== this.value) this.value = text;
      if (text === null && this.view) this.marked?.(this.view, this.name, problems);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
    }
  }

  /** The address of the page that shows this scenario as it is now. */
  async permalink(): Promise<string> {
    const shared: Shared = { text: this.value, seed: this.seed, ...(this.files ? { files: this.files } : {}) };
    const base = this.getAttribute("play") ?? document.documentElement.dataset.netscenePlay ?? location.href;
    return Object.assign(new URL(base, location.href), { hash: await pack(shared) }).href;
  }

  private async link(button: HTMLButtonElement): Promise<void> {
    const url = await this.permalink();
    try {
      await navigator.clipboard.writeText(url);
      button.textContent = "Copied";
    } catch {
      // Not every page may write to the clipboard: the address bar can be copied from.
      location.href = url;
    }
    setTimeout(() => { button.textContent = "Link"; }, 1500);
  }

  /** Loads another scenario. */
  load(shared: Shared): void {
    this.files = shared.files;
    this.setAttribute("seed", String(shared.seed));
    this.original = shared.text;
    this.value = shared.text;
    void this.run();
  }
}

customElements.define("net-scene", NetScene);
export { Engine, engine };
