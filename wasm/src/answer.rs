//! What the page gets: plain data.

use std::io::{self, Write};
use std::sync::Arc;

use netscene_core::trace::Flow;
use netscene_core::view::trace_json::{self, FlowDocument};
use netscene_lang::{Diagnostic, Label, Severity, SourceFiles};
use serde::{Serialize, Serializer};

use crate::types::parse;

/// Data that becomes a JavaScript value of the type that `types` has for it.
pub(crate) trait Answer: Serialize {
    /// The value. All of it is text, numbers, lists and records with names for keys, so that nothing can fail.
    fn value<T: From<wasm_bindgen::JsValue>>(&self) -> T {
        parse(&json(self)).into()
    }
}

impl<T: Serialize> Answer for T {}

/// As JSON.
pub(crate) fn json(value: &(impl Serialize + ?Sized)) -> String {
    let mut text = Text(Vec::new());
    let written = serde_json::to_writer(&mut text, value).ok().and_then(|()| String::from_utf8(text.0).ok());
    written.unwrap_or_else(|| "null".to_owned())
}

/// JSON that is being written. It comes a few bytes at a time, and a browser leaves WebAssembly for every `memory.copy`: for
/// so few bytes that takes longer than to store them one by one, or eight at once.
struct Text(Vec<u8>);

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        const FEW: usize = 64;
        if bytes.len() > FEW {
            self.0.extend_from_slice(bytes);
            return Ok(());
        }
        while let Some((eight, rest)) = bytes.split_first_chunk::<8>() {
            self.0.extend_from_slice(eight);
            bytes = rest;
        }
        for &byte in bytes {
            self.0.push(byte);
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What came of a scenario.
#[derive(Serialize)]
pub(crate) struct Ran {
    pub(crate) status: u8,
    pub(crate) output: String,
    pub(crate) diagnostics: String,
    pub(crate) problems: Vec<Problem>,
    pub(crate) flows: Vec<Sent>,
}

/// Something that was sent, and in which test.
#[derive(Serialize)]
pub(crate) struct Sent {
    pub(crate) test: Option<String>,
    pub(crate) trace: Story,
}

/// The story of a flow.
pub(crate) struct Story(pub(crate) Arc<Flow>);

impl Serialize for Story {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        trace_json::flow(&self.0).serialize(to)
    }
}

/// The same as it is told while more is sent.
#[derive(Serialize)]
pub(crate) struct Told<'a> {
    pub(crate) test: Option<&'a str>,
    pub(crate) trace: FlowDocument<'a>,
}

impl<'a> Told<'a> {
    pub(crate) fn of(test: Option<&'a str>, flow: &'a Flow) -> Self {
        Self { test, trace: trace_json::compact(flow) }
    }
}

/// What is wrong with a scenario.
#[derive(Serialize)]
pub(crate) struct Checked {
    pub(crate) diagnostics: String,
    pub(crate) problems: Vec<Problem>,
}

/// A scenario in its one form.
#[derive(Serialize)]
pub(crate) struct Formatted {
    pub(crate) text: Option<String>,
    pub(crate) diagnostics: String,
    pub(crate) problems: Vec<Problem>,
}

/// Something to tell about a place.
#[derive(Serialize)]
pub(crate) struct Problem {
    code: String,
    severity: Severity,
    title: String,
    hint: Option<String>,
    text: Option<String>,
    labels: Vec<Place>,
}

/// A place in a file.
#[derive(Serialize)]
struct Place {
    file: String,
    from: usize,
    to: usize,
    text: String,
    primary: bool,
}

impl Problem {
    /// A diagnostic with places that JavaScript can use.
    pub(crate) fn of(diagnostic: &Diagnostic, files: &SourceFiles) -> Self {
        let Diagnostic { code, severity, title, labels, text, hint } = diagnostic;
        Self {
            code: code.to_string(),
            severity: *severity,
            title: title.clone(),
            hint: hint.clone(),
            text: text.clone(),
            labels: labels.iter().map(|label| Place::of(label, files)).collect(),
        }
    }
}

impl Place {
    fn of(label: &Label, files: &SourceFiles) -> Self {
        let file = files.get(label.span.file);
        let (name, source) = file.map_or(("", ""), |file| (file.name(), file.text()));
        let unit = |byte: usize| utf16(source, byte);
        let range = label.span.range();
        Self {
            file: name.to_owned(),
            from: unit(range.start),
            to: unit(range.end),
            text: label.text.clone(),
            primary: label.primary,
        }
    }
}

/// How many UTF-16 units stand before a byte of a text.
pub(crate) fn utf16(text: &str, byte: usize) -> usize {
    text.char_indices().take_while(|(at, _)| *at < byte).map(|(_, c)| c.len_utf16()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_as_javascript_does() {
        let text = "# ü 𝄞\nnode";
        assert_eq!(utf16(text, text.find('n').unwrap()), "# ü 𝄞\n".encode_utf16().count());
        assert_eq!(utf16(text, text.len()), text.encode_utf16().count());
        assert_eq!(utf16(text, 0), 0);
    }
}
