// The editor: CodeMirror with the language's colours, and what is wrong marked in the text.
import { closeBrackets } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";
import type { Problem } from "../../target/page/pkg/netscene_wasm.js";
import { scn } from "./language";

interface Wishes {
  parent: Element;
  root: ShadowRoot;
  text: string;
  readOnly: boolean;
  label: string;
  changed: () => void;
  run: () => void;
}

export function editor(wishes: Wishes): EditorView {
  const submit = { key: "Mod-Enter", run: () => { wishes.run(); return true; } };
  return new EditorView({
    parent: wishes.parent,
    root: wishes.root,
    state: EditorState.create({
      doc: wishes.text,
      extensions: [
        lineNumbers(), lintGutter(), history(), drawSelection(), bracketMatching(), closeBrackets(), indentUnit.of("  "),
        scn, syntaxHighlighting(classHighlighter),
        // Escape, then Tab leaves the editor: nobody is caught in it.
        keymap.of([submit, ...defaultKeymap, ...historyKeymap, indentWithTab]),
        EditorView.contentAttributes.of({ "aria-label": wishes.label, spellcheck: "false", autocapitalize: "off" }),
        EditorState.readOnly.of(wishes.readOnly),
        EditorView.updateListener.of((update) => { if (update.docChanged) wishes.changed(); }),
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
