// The editor: CodeMirror with the language's colours, what may be written next, and what is wrong marked in the text. It is loaded
// when a page has shown what it shows first.
import {
  acceptCompletion, autocompletion, closeBrackets, completionKeymap, completionStatus, moveCompletionSelection, selectedCompletion, startCompletion,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers, placeholder, type KeyBinding } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";
import type { Problem } from "../../target/page/pkg/netscene_wasm.js";
import { source, type Complete } from "./completions";
import { scn } from "./language";

interface Wishes {
  parent: Element;
  root: ShadowRoot;
  text: string;
  label: string;
  complete: Complete;
  readOnly?: boolean;
  /** What comes before the editor's own keys. */
  keys: KeyBinding[];
  changed?: () => void;
  /** One sentence, without numbers of lines. */
  placeholder?: string;
}

/** Tab takes what is offered, the first where nothing is chosen. Enter takes only what was chosen: it ends a line. */
function tab(view: EditorView): boolean {
  if (completionStatus(view.state) !== "active") return false;
  if (!selectedCompletion(view.state)) moveCompletionSelection(true)(view);
  return acceptCompletion(view);
}

/** In a line of its own Tab asks for what may be written: there is nothing to indent. */
const ask = (view: EditorView) => view.state.doc.length > 0 && startCompletion(view);

export function editor(wishes: Wishes): EditorView {
  const whole = wishes.placeholder === undefined;
  return new EditorView({
    parent: wishes.parent,
    root: wishes.root,
    state: EditorState.create({
      doc: wishes.text,
      extensions: [
        whole ? [lineNumbers(), lintGutter()] : [placeholder(wishes.placeholder!), EditorView.lineWrapping], history(), drawSelection(), bracketMatching(), closeBrackets(), indentUnit.of("  "),
        scn, syntaxHighlighting(classHighlighter),
        autocompletion({ override: [source(wishes.complete)], icons: false, maxRenderedOptions: 60, selectOnOpen: false, interactionDelay: 0 }),
        // Escape, then Tab leaves the editor: nobody is caught in it.
        keymap.of([{ key: "Tab", run: tab }, ...(whole ? [] : [{ key: "Tab", run: ask }]), ...completionKeymap, ...wishes.keys, ...defaultKeymap, ...historyKeymap, indentWithTab]),
        EditorView.contentAttributes.of({ "aria-label": wishes.label, spellcheck: "false", autocapitalize: "off" }),
        EditorState.readOnly.of(wishes.readOnly ?? false),
        EditorView.updateListener.of((update) => { if (update.docChanged) wishes.changed?.(); }),
      ],
    }),
  });
}

/** Marks what is wrong in the text of the file of that name. */
export function mark(view: EditorView, name: string, problems: Problem[]): void {
  const length = view.state.doc.length;
  const marks = problems.flatMap((problem): Diagnostic[] => {
    const place = problem.labels.find((label) => label.primary && label.file === name);
    if (!place) return [];
    const said = [problem.title, place.text, problem.hint].filter(Boolean).join("\n");
    const severity = problem.severity === "note" ? "info" : problem.severity;
    return [{ from: Math.min(place.from, length), to: Math.min(place.to, length), severity, source: problem.code, message: said }];
  });
  view.dispatch(setDiagnostics(view.state, marks));
}
