// Colours for CodeMirror, from the same TextMate grammar that other editors take: it is written from the table of words.
import { StreamLanguage } from "@codemirror/language";
import grammar from "../../lang/editors/scn.tmLanguage.json";

interface Rule {
  name?: string;
  match?: string;
  begin?: string;
  end?: string;
  include?: string;
  captures?: Record<string, { name: string }>;
  beginCaptures?: Record<string, { name: string }>;
  patterns?: Rule[];
}

interface Ready { rule: Rule; start: RegExp; end?: RegExp; inside: () => Ready[]; style: string | null }

/** CodeMirror's names for what TextMate calls a thing. */
const STYLES: [string, string][] = [
  ["comment", "comment"], ["string", "string"], ["constant", "number"], ["keyword.control", "keyword"],
  ["support.function", "keyword"], ["storage", "typeName"], ["support.type", "propertyName"], ["keyword.operator", "operator"],
  ["keyword", "modifier"],
];

const style = (name: string | undefined): string | null => STYLES.find(([prefix]) => name?.startsWith(prefix))?.[1] ?? null;

const repository = grammar.repository as Record<string, { patterns: Rule[] }>;

function ready(rules: Rule[]): Ready[] {
  return rules.flatMap((rule) => {
    if (rule.include) return ready(repository[rule.include.slice(1)].patterns);
    let inside: Ready[] | undefined;
    const captured = (rule.captures ?? rule.beginCaptures)?.["1"]?.name;
    return [{
      rule,
      start: new RegExp(rule.match ?? rule.begin!, "y"),
      end: rule.end === undefined ? undefined : new RegExp(rule.end, "y"),
      inside: () => (inside ??= ready(rule.patterns ?? [])),
      style: style(captured ?? rule.name),
    }];
  });
}

const top = ready(grammar.patterns as Rule[]);

function at(pattern: RegExp, line: string, position: number): number {
  pattern.lastIndex = position;
  return pattern.exec(line)?.[0].length ?? 0;
}

export const scn = StreamLanguage.define<{ open: Ready[] }>({
  name: "scn",
  startState: () => ({ open: [] }),
  copyState: (state) => ({ open: [...state.open] }),
  token(stream, state) {
    const [line, position] = [stream.string, stream.pos];
    const within = state.open.at(-1);
    const closing = within?.end ? at(within.end, line, position) : 0;
    if (within && closing) {
      stream.pos += closing;
      state.open.pop();
      return within.style;
    }
    for (const one of within ? within.inside() : top) {
      const length = at(one.start, line, position);
      if (!length) continue;
      stream.pos += length;
      if (one.end) state.open.push(one);
      return one.style;
    }
    // Nothing begins here: the rest of the word goes with its first letter.
    const word = /[\w.-]+|\s+|./y;
    word.lastIndex = position;
    stream.pos += word.exec(line)?.[0].length ?? 1;
    return within && !within.rule.patterns ? within.style : null;
  },
  languageData: { commentTokens: { line: "#" }, closeBrackets: { brackets: ["{", "(", '"'] } },
});
