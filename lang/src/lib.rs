//! x
pub mod api;
pub mod ast;
mod check;
mod diagnostic;
mod lower;
mod parse;
mod program;
mod render;
mod sentences;
mod run;
mod script;
mod source;
mod suggest;
mod token;
mod words;

pub use check::check;
pub use diagnostic::{Code, Diagnostic, Label, Severity, has_errors};
pub use parse::parse;
pub use program::Program;
pub use render::render;
pub use run::{Endpoint, Engine, Node, Pod, Service, Sink, Summary, run};
pub use source::{FileId, SourceFile, SourceFiles, Span};
pub use suggest::did_you_mean;
pub use words::{BlockKind, Word};
