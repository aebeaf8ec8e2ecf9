//! YAML as a tree in which every node knows its place.

use netscene_core::map::IndexMap;
use saphyr_parser::{Event, Parser, ScalarStyle};

use crate::{Code, Diagnostic, SourceFile, Span};

/// How deep a manifest may be nested. Objects of Kubernetes stay far below it.
const DEEPEST: usize = 64;
/// How many nodes the documents of a file may have together, those that aliases repeat counted each time.
const MOST_NODES: usize = 1_000_000;

/// A node and its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) value: Yaml,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Yaml {
    /// Nothing: `~`, `null` or no text at all.
    Null,
    /// A single value, in quotes or not: what a field takes it for is the field's to say.
    Scalar { text: String },
    /// `- …`.
    List(Vec<Node>),
    /// `key: value`, in the order written.
    Map(Vec<(Node, Node)>),
}

impl Yaml {
    /// What it is, with its article.
    pub(super) const fn describe(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar { .. } => "a single value",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// The documents of a file. A fault ends the reading: what stands before it is kept.
pub(super) fn documents(file: &SourceFile) -> (Vec<Node>, Option<Diagnostic>) {
    let mut builder = Builder { places: Places::new(file), anchors: IndexMap::default(), nodes: 0 };
    let mut parser = Parser::new_from_str(file.text());
    let mut documents = Vec::new();
    loop {
        let next = match parser.next_event() {
            None => return (documents, None),
            Some(Ok(next)) => next,
            Some(Err(error)) => {
                let at = builder.places.byte(error.marker().index());
                let diagnostic = Diagnostic::error(Code::Unexpected, "this is no YAML");
                return (documents, Some(diagnostic.at(Span::new(file.id(), at, at), error.info())));
            }
        };
        if matches!(next.0, Event::DocumentStart(_)) {
            match builder.next(&mut parser).and_then(|event| builder.node(&mut parser, event, 0)) {
                Ok(node) => documents.push(node),
                Err(diagnostic) => return (documents, Some(diagnostic)),
            }
        }
    }
}

type StrParser<'a> = Parser<'a, saphyr_parser::StrInput<'a>>;
type Spanned<'a> = (Event<'a>, saphyr_parser::Span);

struct Builder<'a> {
    places: Places<'a>,
    anchors: IndexMap<usize, Node>,
    nodes: usize,
}

impl Builder<'_> {
    fn next<'a>(&mut self, parser: &mut StrParser<'a>) -> Result<Spanned<'a>, Diagnostic> {
        let end = self.places.file.text().len();
        match parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => {
                let at = self.places.byte(error.marker().index());
                Err(Diagnostic::error(Code::Unexpected, "this is no YAML").at(self.places.span(at, at), error.info()))
            }
            None => {
                let diagnostic = Diagnostic::error(Code::Unexpected, "the document has no end");
                Err(diagnostic.at(self.places.span(end, end), "here the file ends"))
            }
        }
    }

    fn node<'a>(
        &mut self,
        parser: &mut StrParser<'a>,
        (event, place): Spanned<'a>,
        depth: usize,
    ) -> Result<Node, Diagnostic> {
        let start = self.places.byte(place.start.index());
        let end = self.places.byte(place.end.index());
        let span = self.places.span(start, end);
        self.nodes += 1;
        if depth > DEEPEST || self.nodes > MOST_NODES {
            return Err(too_much(span));
        }
        let (value, anchor) = match event {
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(Diagnostic::error(Code::Unexpected, "an alias to no anchor").at(span, "unknown"));
                };
                self.nodes += size(node);
                if self.nodes > MOST_NODES {
                    return Err(too_much(span));
                }
                return Ok(Node { span, value: node.value.clone() });
            }
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let value = match &*text {
                    "" | "~" | "null" | "Null" | "NULL" if plain => Yaml::Null,
                    text => Yaml::Scalar { text: text.to_owned() },
                };
                (value, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                let mut list = Vec::new();
                loop {
                    match self.next(parser)? {
                        (Event::SequenceEnd, _) => break,
                        event => list.push(self.node(parser, event, depth + 1)?),
                    }
                }
                (Yaml::List(list), anchor)
            }
            Event::MappingStart(anchor, _) => {
                let mut map = Vec::new();
                loop {
                    match self.next(parser)? {
                        (Event::MappingEnd, _) => break,
                        event => {
                            let key = self.node(parser, event, depth + 1)?;
                            let event = self.next(parser)?;
                            map.push((key, self.node(parser, event, depth + 1)?));
                        }
                    }
                }
                (Yaml::Map(map), anchor)
            }
            _ => {
                let diagnostic = Diagnostic::error(Code::Unexpected, "this is no value of YAML");
                return Err(diagnostic.at(span, "expected a value"));
            }
        };
        let node = Node { span: whole(span, &value), value };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }
}

fn too_much(span: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error(Code::TooMuch, "this is more than a manifest may hold");
    diagnostic.at(span, format!("expected at most {DEEPEST} levels and {MOST_NODES} values"))
}

/// How many nodes there are in one, itself not counted.
fn size(node: &Node) -> usize {
    match &node.value {
        Yaml::Null | Yaml::Scalar { .. } => 0,
        Yaml::List(list) => list.iter().map(|one| 1 + size(one)).sum(),
        Yaml::Map(map) => map.iter().map(|(key, value)| 2 + size(key) + size(value)).sum(),
    }
}

/// The parser gives where a list or a mapping begins; it goes on to the end of its last value.
fn whole(start: Span, value: &Yaml) -> Span {
    let last = match value {
        Yaml::List(list) => list.last(),
        Yaml::Map(map) => map.last().map(|(_, value)| value),
        _ => None,
    };
    Span { end: last.map_or(start.end, |last| last.span.end).max(start.end), ..start }
}

/// From the parser's count of characters to ours of bytes. Places are asked for in ascending order, nearly.
struct Places<'a> {
    file: &'a SourceFile,
    /// The byte at which every 64th character begins.
    marks: Vec<usize>,
}

impl<'a> Places<'a> {
    const STEP: usize = 64;

    fn new(file: &'a SourceFile) -> Self {
        let marks = file.text().char_indices().step_by(Self::STEP).map(|(at, _)| at).collect();
        Self { file, marks }
    }

    fn byte(&self, character: usize) -> usize {
        let text = self.file.text();
        let Some(&mark) = self.marks.get(character / Self::STEP) else { return text.len() };
        let rest = text[mark..].char_indices().nth(character % Self::STEP);
        rest.map_or(text.len(), |(at, _)| mark + at)
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file.id(), start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SourceFiles;

    fn read(text: &str) -> (Vec<Node>, Option<Diagnostic>) {
        documents(&SourceFiles::default().add("x.yaml", text))
    }

    #[test]
    fn every_value_knows_its_bytes() {
        let text = "# Größe\na: {b: ü}\nports:\n- 80\n---\nb: \"x\"\n";
        let (documents, fault) = read(text);
        assert!(fault.is_none() && documents.len() == 2);
        let Yaml::Map(map) = &documents[0].value else { panic!("{documents:?}") };
        let at = |node: &Node| &text[node.span.range()];
        assert_eq!(map.iter().map(|(key, _)| at(key)).collect::<Vec<_>>(), ["a", "ports"]);
        let Yaml::List(list) = &map[1].1.value else { panic!("{map:?}") };
        assert_eq!(at(&list[0]), "80");
    }

    #[test]
    fn what_is_no_yaml_is_told_with_its_place() {
        let (documents, fault) = read("a: 1\n---\nb: [1, 2\nc: 3\n");
        assert_eq!(documents.len(), 1, "the document before it is kept");
        assert!(fault.expect("a fault").span().expect("a place").start >= 9);
    }

    #[test]
    fn aliases_that_grow_without_end_are_bounded() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let before = level - 1;
            let aliases = vec![format!("*a{before}"); 10].join(", ");
            text.extend([format!("a{level}: &a{level} [{aliases}]\n")]);
        }
        let (_, fault) = read(&text);
        assert_eq!(fault.expect("too much").code, Code::TooMuch);
        let (_, fault) = read(&"[".repeat(100_000));
        assert!(fault.is_some());
    }
}
