// <net-scene-repl>: sentences entered one after the other, in a world that stays.
import type { Answer } from "../../target/page/pkg/netscene_wasm.js";
import { element } from "./dom";
import { Engine, NoAnswer } from "./engine";
import { follow, sheet } from "./net-scene";
import { TraceView } from "./trace";

export class NetSceneRepl extends HTMLElement {
  private entered: string[] = [];
  private recalled = 0;
  private readonly engine = new Engine(() => { this.gone = true; });
  /** Whether the Worker that held the world was ended. */
  private gone = false;
  private readonly entries = element("div", { class: "entries", role: "log", "aria-label": "what was entered and answered", tabindex: "0" });
  private readonly input = element("textarea", { rows: "3", "aria-label": "a sentence; Enter runs it", spellcheck: "false", autocapitalize: "off", placeholder: "node worker1 at 10.0.0.1" });

  connectedCallback(): void {
    if (this.shadowRoot) return;
    follow(this);
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    const button = (text: string, action: () => void) => {
      const made = element("button", { type: "button" }, text);
      made.addEventListener("click", action);
      return made;
    };
    const bar = element("div", { class: "bar" }, element("span", { class: "name" }, "a world of your own"),
      button("Undo", () => void this.undo()), button("Stop", () => this.engine.stop(this)), button("Save", () => void this.save()));
    this.input.style.cssText = "width:100%;border:0;border-top:1px solid var(--line);padding:8px 10px;font:13.5px/1.5 ui-monospace,monospace;background:var(--paper);color:var(--ink);resize:vertical";
    this.input.addEventListener("keydown", (event) => this.key(event));
    root.append(element("div", { class: "frame" }, bar, this.entries, this.input));
    const start = (this.textContent ?? "").trim();
    if (start) void start.split("\n").reduce<Promise<unknown>>((before, line) => before.then(() => this.enter(line)), Promise.resolve());
  }

  /** Enters a sentence, and shows what comes of it. */
  async enter(text: string): Promise<Answer | undefined> {
    try {
      await this.again();
      const answer = (await this.engine.ask(this, { kind: "enter", text })) as Answer;
      if (answer.outcome === "incomplete") return answer;
      this.input.value = "";
      if (answer.outcome === "done") this.entered.push(text);
      this.recalled = this.entered.length;
      this.show(text, answer.text, answer.diagnostics);
      if (answer.flows.length) {
        const view = new TraceView();
        this.entries.append(view.root);
        view.set(answer.flows);
      }
      this.entries.scrollTop = this.entries.scrollHeight;
      this.dispatchEvent(new CustomEvent("netscene-answered", { bubbles: true, composed: true, detail: answer }));
      return answer;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      this.show(text, "", error.message);
      return undefined;
    }
  }

  /** After a Worker was ended: the same sentences make the same world. */
  private async again(): Promise<void> {
    if (!this.gone) return;
    this.gone = false;
    for (const text of this.entered) await this.engine.ask(this, { kind: "enter", text });
  }

  private show(said: string, text: string, wrong: string): void {
    this.entries.append(element("pre", { class: "said" }, `> ${said}`));
    if (text) this.entries.append(element("pre", { class: "output" }, text));
    if (wrong) this.entries.append(element("pre", { class: "diagnostics" }, wrong));
    this.entries.scrollTop = this.entries.scrollHeight;
  }

  private undo(): Promise<void> {
    return this.asked("undo", async () => {
      const undone = (await this.engine.ask(this, { kind: "undo" })) as string | null;
      if (undone !== null) this.entered.pop();
      return undone === null ? "there is nothing to undo" : `undone: ${undone}`;
    });
  }

  private save(): Promise<void> {
    return this.asked("save", async () => ((await this.engine.ask(this, { kind: "save" })) as string) || "nothing was entered");
  }

  /** Shows what comes of a button, or why nothing does. */
  private async asked(what: string, ask: () => Promise<string>): Promise<void> {
    try {
      await this.again();
      this.show(what, await ask(), "");
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      this.show(what, "", error.message);
    }
  }

  private key(event: KeyboardEvent): void {
    const { input } = this;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      const text = input.value;
      // A brace that is open wants another line.
      if (text.trim()) void this.enter(text).then((answer) => { if (answer?.outcome === "incomplete") input.value = `${text}\n`; });
    } else if ((event.key === "ArrowUp" || event.key === "ArrowDown") && !input.value.includes("\n")) {
      this.recalled = Math.max(0, Math.min(this.entered.length, this.recalled + (event.key === "ArrowUp" ? -1 : 1)));
      input.value = this.entered[this.recalled] ?? "";
      event.preventDefault();
    }
  }
}

customElements.define("net-scene-repl", NetSceneRepl);
