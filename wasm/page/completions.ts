// What may be written next, as CodeMirror lists it.
import type { CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import type { Candidate, Completion } from "../../target/page/pkg/netscene_wasm.js";

/** What the engine says of a text and a place in it; nothing where there is no answer. */
export type Complete = (text: string, cursor: number) => Promise<Completion | undefined>;

/** The names of CodeMirror's signs before a candidate. */
function sign(kind: Candidate["kind"]): string {
  if (kind === "word") return "keyword";
  if (kind === "property" || kind === "function") return kind;
  if (kind === "command" || kind === "table" || kind === "chain" || kind === "hook") return "text";
  return "variable";
}

/** A source for CodeMirror. While somebody types it waits for the beginning of a word; asked for by key it lists everything. */
export function source(complete: Complete) {
  return async (context: CompletionContext): Promise<CompletionResult | null> => {
    if (!context.explicit && !context.matchBefore(/[\w/.-]+|^:/)) return null;
    const said = await complete(context.state.doc.toString(), context.pos);
    if (!said?.candidates.length || context.aborted) return null;
    // The engine's order is kept: names before words.
    const options = said.candidates.map(({ text, kind, help }, index) => ({ label: text, type: sign(kind), detail: help || undefined, boost: -index }));
    return { from: said.from, options, validFor: /^[\w/.-]*$/ };
  };
}
