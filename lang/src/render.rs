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

/// The most characters of a line that are printed: a longer one says nothing to anybody.
const WIDEST: usize = 400;

fn clipped(text: &str, color: bool) -> String {
    let clip = |line: &str| match line.char_indices().nth(WIDEST) {
        Some((end, _)) if color => format!("{}\u{1b}[0m…\n", &line[..end]),
        Some((end, _)) => format!("{}…\n", &line[..end]),
        None => line.to_owned(),
    };
    text.split_inclusive('\n').map(clip).collect()
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
