// What is wrong, as the command prints it. The code of each diagnostic is a button that opens what it means below; Escape closes it.
import { element } from "./dom";

export class Wrong {
  private readonly text = element("pre", { class: "diagnostics", tabindex: "0", "aria-label": "what is wrong" });
  private readonly meaning = element("pre", { class: "meaning", tabindex: "0", role: "region" });
  readonly root = element("div", { class: "wrong" }, this.text, this.meaning);
  /** The code that is explained, and who asked. */
  private code: string | undefined;
  private asker: HTMLElement | undefined;

  /** `explain` tells what a code means; nothing where there is no answer. */
  constructor(private readonly explain: (code: string) => Promise<string | undefined>) {
    this.root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.code) return;
      event.stopPropagation();
      this.close();
      this.asker?.focus();
    });
  }

  /** Shows what is wrong, nothing where the text is empty; what is explained stays so, as long as the text has its code. */
  set(text: string, warns = false): void {
    this.text.classList.toggle("warns", warns);
    if (text === this.text.textContent) return;
    // The text that is shown is the one that is printed, to the byte.
    this.text.replaceChildren(...text.split(/(?<=^(?:error|warning|note)\[)(E\d{4})(?=\])/m).map((part, at) => (at % 2 ? this.button(part) : part)));
    if (this.code && !text.includes(`[${this.code}]`)) this.close();
    this.mark();
  }

  private button(code: string): HTMLButtonElement {
    const made = element("button", { type: "button", class: "code", title: "what it means" }, code);
    made.addEventListener("click", () => void this.open(code, made));
    return made;
  }

  private async open(code: string, asker: HTMLElement): Promise<void> {
    if (this.code === code) return this.close();
    const text = await this.explain(code);
    if (text === undefined) return;
    [this.code, this.asker] = [code, asker];
    this.meaning.textContent = text;
    this.meaning.setAttribute("aria-label", `what ${code} means`);
    this.meaning.scrollTop = 0;
    this.mark();
    this.meaning.focus();
  }

  private close(): void {
    this.code = undefined;
    this.meaning.textContent = "";
    this.mark();
  }

  private mark(): void {
    for (const one of this.text.querySelectorAll("button")) one.setAttribute("aria-expanded", String(one.textContent === this.code));
  }
}
