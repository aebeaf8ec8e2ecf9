use std::ops::Range;

use codespan_reporting::diagnostic as codespan;
use codespan_reporting::files::{Error, Files};
use codespan_reporting::term::termcolor::Buffer;
use codespan_reporting::term::{Config, emit_to_io_write, emit_to_write_style};

use crate::{Diagnostic, FileId, Severity, SourceFile, SourceFiles};

/// Prints diagnostics with the lines they are about, in order, with an empty line after each.
///
/// ```
/// use netscene_lang::{SourceFiles, parse, render};
/// let mut files = SourceFiles::default();
/// let (_, diagnostics) = parse(&files.add("hello.scn", "nod worker1 at 10.0.0.1\n"));
/// let text = render(&diagnostics, &files, false);
/// assert!(text.contains("hello.scn:1:1"));
/// assert!(text.contains("did you mean `node`?"));
/// ```
pub fn render(diagnostics: &[Diagnostic], files: &SourceFiles, color: bool) -> String {
    let config = Config::default();
    let mut buffer = if color { Buffer::ansi() } else { Buffer::no_color() };
    for diagnostic in diagnostics {
        let shown = translate(diagnostic);
        let written = if color {
            emit_to_write_style(&mut buffer, &config, files, &shown)
        } else {
            emit_to_io_write(&mut buffer, &config, files, &shown)
        };
        // Only a label in a file that `files` does not hold can fail; the title is what is left to say then.
        if written.is_err() {
            let _ = std::io::Write::write_fmt(
                &mut buffer,
                format_args!("error[{}]: {}\n\n", diagnostic.code, diagnostic.title),
            );
        }
    }
    clipped(&String::from_utf8_lossy(buffer.as_slice()), color)
}

/// The most characters of a line of source that are printed, and of the blanks and carets below it: more say nothing to
/// anybody. What a label says is printed whole.
const WIDEST: usize = 400;

fn clipped(text: &str, color: bool) -> String {
    let clip = |line: &str| match line.char_indices().nth(WIDEST) {
        None => line.to_owned(),
        Some((end, _)) if is_source(line) => {
            format!("{}{}…\n", &line[..end], if color { "\u{1b}[0m" } else { "" })
        }
        Some(_) => without_long_runs(line),
    };
    text.split_inclusive('\n').map(clip).collect()
}

/// Whether a line that is drawn shows one of the source: those have a number before the bar.
fn is_source(line: &str) -> bool {
    let Some((before, _)) = line.split_once('│') else { return false };
    // Colours are escapes such as `ESC [34m`.
    let parts = before.split('\u{1b}');
    let plain =
        parts.map(|part| part.strip_prefix('[').and_then(|part| part.split_once('m')).map_or(part, |(_, it)| it));
    let number = plain.collect::<String>();
    !number.trim().is_empty() && number.trim().bytes().all(|byte| byte.is_ascii_digit())
}

/// A line in which no blank and no caret stands more than [`WIDEST`] times in a row.
fn without_long_runs(line: &str) -> String {
    let (mut last, mut count) = ('\0', 0);
    let keep = |c: &char| {
        (last, count) = (*c, if *c == last { count + 1 } else { 1 });
        count <= WIDEST || !matches!(c, ' ' | '^' | '-')
    };
    line.chars().filter(keep).collect()
}

fn translate(diagnostic: &Diagnostic) -> codespan::Diagnostic<FileId> {
    let severity = match diagnostic.severity {
        Severity::Error => codespan::Severity::Error,
        Severity::Warning => codespan::Severity::Warning,
        Severity::Note => codespan::Severity::Note,
    };
    let labels = diagnostic.labels.iter().map(|label| {
        let style = if label.primary { codespan::LabelStyle::Primary } else { codespan::LabelStyle::Secondary };
        codespan::Label::new(style, label.span.file, label.span.range()).with_message(&label.text)
    });
    codespan::Diagnostic::new(severity)
        .with_code(diagnostic.code.to_string())
        .with_message(&diagnostic.title)
        .with_labels(labels.collect())
        .with_notes(notes(diagnostic))
}

fn notes(diagnostic: &Diagnostic) -> Vec<String> {
    let text = diagnostic.text.iter().map(|text| text.trim_end().to_owned());
    text.chain(diagnostic.hint.iter().map(|hint| format!("hint: {hint}"))).collect()
}

impl<'a> Files<'a> for SourceFiles {
    type FileId = FileId;
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, id: FileId) -> Result<&'a str, Error> {
        self.find(id).map(SourceFile::name)
    }

    fn source(&'a self, id: FileId) -> Result<&'a str, Error> {
        self.find(id).map(SourceFile::text)
    }

    fn line_index(&'a self, id: FileId, byte: usize) -> Result<usize, Error> {
        self.find(id).map(|file| file.line_index(byte))
    }

    fn line_range(&'a self, id: FileId, line: usize) -> Result<Range<usize>, Error> {
        let file = self.find(id)?;
        file.line_range(line).ok_or(Error::LineTooLarge { given: line, max: file.line_count() })
    }
}

impl SourceFiles {
    fn find(&self, id: FileId) -> Result<&SourceFile, Error> {
        self.get(id).map(AsRef::as_ref).ok_or(Error::FileMissing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn a_long_line_is_cut_and_a_long_label_is_not() {
        let mut files = SourceFiles::default();
        let file = files.add("long.scn", format!("{}wrong", " ".repeat(5_000)));
        let label = "a word ".repeat(100);
        let span = crate::Span::new(file.id(), 5_000, 5_005);
        let diagnostic = Diagnostic::error(Code::UnknownWord, "it is wrong").at(span, label.trim_end());
        for color in [false, true] {
            let text = render(std::slice::from_ref(&diagnostic), &files, color);
            assert!(text.contains(label.trim_end()), "{text}");
            assert!(text.contains('…') && text.len() < 3_000, "{text}");
        }
    }
}
