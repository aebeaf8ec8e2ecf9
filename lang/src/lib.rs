//! x
pub mod ast;
mod diagnostic;
mod parse;
mod render;
mod sentences;
mod source;
mod suggest;
mod token;
mod words;

pub use diagnostic::{Code, Diagnostic, Label, Severity, has_errors};
pub use parse::parse;
pub use render::render;
pub use source::{FileId, SourceFile, SourceFiles, Span};
pub use suggest::did_you_mean;
pub use words::{BlockKind, Word};
