//! What editors need, made from the tables of words.

use crate::{BlockKind, Word};

/// The `TextMate` grammar of scenarios, as JSON: which editors and pages that take such grammars colour scenarios by.
///
/// It colours words where they can begin a sentence, by what they are for, and inside of sentences; it does not know which
/// block a sentence stands in.
pub fn textmate() -> String {
    let starts = |words: &str| {
        // Behind the beginning of a line, a brace or a `;`, and not a part of a longer name.
        format!(r"(?:^|(?<=[;{{}}]))\s*({words})(?=[\s{{]|$)")
    };
    let within = |words: &str| format!(r"(?<=\s)({words})(?=[\s{{,;]|$)");
    let mut rules = vec![
        rule("comment.line.number-sign.scn", "#.*$"),
        block("meta.embedded.block.rhai", r"(?:^|(?<=[;}]))\s*(rhai)\s*\{", r"\}", Some("keyword.control.scn")),
        block("meta.embedded.inline.rhai", r"\$\{", r"\}", None),
        format!("{{\"name\":\"string.quoted.triple.scn\",\"begin\":{0},\"end\":{0}}}", json(r#"""""#)),
        rule("string.quoted.double.scn", "\"[^\"\\n]*\""),
        rule("string.unquoted.command.scn", &command()),
    ];
    for kind in [Kind::Structure, Kind::Command, Kind::Declaration, Kind::Field] {
        rules.push(captured(kind.scope(), &starts(&alternatives(|word| Kind::of(word) == Some(kind)))));
    }
    rules.push(captured("keyword.other.scn", &within(&alternatives(|word| word.blocks().is_empty()))));
    rules.push(rule("keyword.operator.scn", "->|=>"));
    rules.push(rule("string.unquoted.url.scn", r"\b[a-z]+://[^\s{},;#]*"));
    rules.push(rule("constant.numeric.mac.scn", r"\b[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}\b"));
    rules.push(rule("constant.numeric.address.scn", r"\b[0-9]+(?:\.[0-9]+){3}(?:/[0-9]+|:[0-9]+)?\b"));
    rules.push(rule("constant.numeric.duration.scn", r"\b[0-9]+(?:ns|us|ms|s|m|h)\b"));
    rules.push(rule("constant.numeric.port.scn", r"(?<=:)[0-9]+\b|\b[0-9]+/[A-Za-z]+\b"));
    rules.push(rule("constant.numeric.scn", r"(?<=\s)v?[0-9]+(?:\.[0-9]+){0,2}(?=[\s;}]|$)"));
    let rhai = [
        rule("comment.line.double-slash.rhai", "//.*$"),
        rule("string.quoted.double.rhai", r#""(?:\\.|[^"\\])*""#),
        rule("keyword.control.rhai", r"\b(?:fn|if|else|switch|for|in|return|const|let|throw|try|catch)\b"),
        rule("constant.language.rhai", r"\b(?:true|false)\b"),
        rule("constant.numeric.rhai", r"\b[0-9]+(?:\.[0-9]+)?\b"),
        "{\"begin\":\"\\\\{\",\"end\":\"\\\\}\",\"patterns\":[{\"include\":\"#rhai\"}]}".to_owned(),
    ];
    format!(
        "{{\n  \"name\": \"netscene scenario\",\n  \"scopeName\": \"source.scn\",\n  \"fileTypes\": [\"scn\"],\n  \
         \"patterns\": [\n    {}\n  ],\n  \"repository\": {{\n    \"rhai\": {{ \"patterns\": [\n      {}\n    ] }}\n  }}\n}}\n",
        rules.join(",\n    "),
        rhai.join(",\n      ")
    )
}

/// What a word that begins sentences is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Structure,
    Command,
    Declaration,
    Field,
}

impl Kind {
    fn of(word: Word) -> Option<Self> {
        let blocks = word.blocks();
        Some(match word {
            _ if blocks.is_empty() => return None,
            Word::Test | Word::For | Word::If | Word::Rhai | Word::Include | Word::Apply => Self::Structure,
            Word::Namespace | Word::Container => Self::Declaration,
            _ if blocks.contains(&BlockKind::Test) => Self::Command,
            _ if blocks.contains(&BlockKind::File) || blocks.contains(&BlockKind::Namespace) => Self::Declaration,
            _ => Self::Field,
        })
    }

    const fn scope(self) -> &'static str {
        match self {
            Self::Structure => "keyword.control.scn",
            Self::Command => "support.function.scn",
            Self::Declaration => "storage.type.scn",
            Self::Field => "support.type.property-name.scn",
        }
    }
}

/// The words of a kind, as a regular expression takes them.
fn alternatives(of: impl Fn(Word) -> bool) -> String {
    let words: Vec<_> = Word::ALL.iter().filter(|word| of(**word)).map(|word| word.text()).collect();
    words.join("|")
}

/// The commands that are typed on a machine, up to the end of their line.
fn command() -> String {
    let tools = crate::sentences::LOOKING.join("|");
    format!(r"(?:^|(?<=[;{{]))\s*(?:iptables\s+-|(?:{tools})\b)[^;\n]*|\b(?:kubectl|calicoctl)\s[^;\n]*")
}

fn rule(name: &str, pattern: &str) -> String {
    format!("{{\"name\":{},\"match\":{}}}", json(name), json(pattern))
}

/// A rule for the first group of a pattern.
fn captured(name: &str, pattern: &str) -> String {
    format!("{{\"match\":{},\"captures\":{{\"1\":{{\"name\":{}}}}}}}", json(pattern), json(name))
}

/// Rhai between braces.
fn block(name: &str, begin: &str, end: &str, word: Option<&str>) -> String {
    let captures = word.map(|word| format!("\"beginCaptures\":{{\"1\":{{\"name\":{}}}}},", json(word)));
    format!(
        "{{\"name\":{},\"begin\":{},\"end\":{},{}\"patterns\":[{{\"include\":\"#rhai\"}}]}}",
        json(name),
        json(begin),
        json(end),
        captures.unwrap_or_default()
    )
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
