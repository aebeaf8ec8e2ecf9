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
    let mut text = Text { whole: Vec::new(), block: [0; BLOCK], filled: 0 };
    let written = serde_json::to_writer(&mut text, value).and_then(|()| text.flush().map_err(serde_json::Error::io));
    written.ok().and_then(|()| String::from_utf8(text.whole).ok()).unwrap_or_else(|| "null".to_owned())
}

/// JSON that is being written. It comes a few bytes at a time, and a browser leaves WebAssembly for every `memory.copy`: for
/// so few bytes that takes longer than to store them by eights. They are gathered in a block, which is copied when it is full.
struct Text {
    whole: Vec<u8>,
    block: [u8; BLOCK],
    filled: usize,
}

const BLOCK: usize = 1024;

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        const FEW: usize = 64;
        if bytes.len() > BLOCK - self.filled || bytes.len() > FEW {
            self.flush()?;
        }
        if bytes.len() > FEW {
            self.whole.extend_from_slice(bytes);
        } else if let Some(mut free) = self.block.get_mut(self.filled..) {
            let mut rest = bytes;
            while store::<8>(&mut free, &mut rest) {}
            store::<4>(&mut free, &mut rest);
            store::<2>(&mut free, &mut rest);
            store::<1>(&mut free, &mut rest);
            self.filled += bytes.len();
        }
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes).map(|_| ())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.whole.extend_from_slice(self.block.get(..self.filled).unwrap_or_default());
        self.filled = 0;
        Ok(())
    }
}

/// Stores so many bytes at once; says whether there were as many.
#[inline(always)]
fn store<const N: usize>(free: &mut &mut [u8], bytes: &mut &[u8]) -> bool {
    let Some((some, rest)) = bytes.split_first_chunk::<N>() else { return false };
    let Some((to, after)) = std::mem::take(free).split_first_chunk_mut::<N>() else { return false };
    *to = *some;
    (*free, *bytes) = (after, rest);
    true
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
    fn json_is_the_same_however_it_is_cut() {
        for length in 0..200 {
            let texts: Vec<String> =
                (0..40).map(|from| "0123456789äöü\"\\\n".chars().cycle().skip(from).take(length).collect()).collect();
            assert_eq!(json(&texts), serde_json::to_string(&texts).unwrap());
        }
    }

    #[test]
    fn places_are_counted_as_javascript_does() {
        let text = "# ü 𝄞\nnode";
        assert_eq!(utf16(text, text.find('n').unwrap()), "# ü 𝄞\n".encode_utf16().count());
        assert_eq!(utf16(text, text.len()), text.encode_utf16().count());
        assert_eq!(utf16(text, 0), 0);
    }
}
