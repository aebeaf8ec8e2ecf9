//! netscene-lang: from the text of a scenario to operations on a world, with diagnostics on the way.
//!
//! In reading order:
//!
//! - [`SourceFiles`], [`Span`]: files and places in them;
//! - [`Diagnostic`]: what there is to say about a place, as data; [`render()`] prints it; [`Code`]: the kinds of them, each
//!   with its meaning, an example and the cure;
//! - [`Word`] and [`BlockKind`]: every word of the language, in one table; [`api`]: every object that islands see;
//! - `token`, `sentences`: characters to tokens, tokens to sentences with balanced braces;
//! - [`limits`]: how large a scenario may be;
//! - `repeat`: `for` and `if` around declarations, carried out before the checks;
//! - [`Folder`]: the other files of a scenario, which `include` and `apply` name;
//! - `grammar.lalrpop`, [`parse()`]: sentences to the tree in [`ast`]. Parsing never fails;
//! - [`check()`]: the tree to a [`Program`]. Names, values, places and the Rhai in islands, all in one pass, and nothing
//!   runs;
//! - [`manifest`]: Kubernetes' YAML to the same declarations;
//! - `table`, `template`: the rows of `cases { }`, and texts with islands in them;
//! - `lower`: a command to its operation, when it is checked and again when it runs;
//! - `script`: the Rhai engine, its limits, and how its errors come back to the file; `rhai_words`: in which words;
//! - [`run()`]: a program against a world behind [`Engine`], told to a [`Sink`]; a [`Schedule`] decides which tests run;
//! - [`outline_in()`]: what tests a file has, without checking it;
//! - [`Record`], [`replay()`]: a run as data, and the same again without parser and Rhai;
//! - [`format()`]: the one form of a file; [`emit_ir`] and its like: what a file is on its way; [`textmate`]: its colours;
//! - [`session`]: sentences entered one after the other: what the REPL and a page have in common; [`explain()`]: what a code
//!   or a word means;
//! - [`reference`](mod@reference): the tables of the language reference, which stands in `lang/reference/`.
//!
//! Everything between `${` and `}` is Rhai; nothing else is. Every stage takes an input and gives an output and
//! diagnostics; a program runs if none of them [is an error](has_errors).
//!
//! ```
//! use netscene_lang::{SourceFiles, compile, has_errors, render};
//!
//! let mut files = SourceFiles::default();
//! let file = files.add("hello.scn", "\
//! node worker1 at 10.0.0.1
//! node worker2 at 10.0.0.2
//! ping worker1 -> worker2 as hello
//! assert ${ hello.staus == 200 }
//! ");
//! let (program, diagnostics) = compile(&file);
//! assert_eq!(program.declarations().len(), 2);
//! assert!(has_errors(&diagnostics));
//! assert!(render(&diagnostics, &files, false).contains("did you mean `status`?"));
//! ```

pub mod api;
pub mod ast;
mod cancel;
mod check;
mod codes;
mod diagnostic;
mod editors;
mod emit;
mod explain;
mod format;
mod include;
pub mod limits;
mod lower;
pub mod manifest;
mod outline;
mod parse;
mod program;
mod record;
pub mod reference;
mod render;
mod repeat;
mod replay;
mod report;
mod rhai_run;
mod rhai_words;
mod run;
mod script;
mod sentences;
pub mod session;
mod source;
mod suggest;
mod table;
mod template;
mod text_block;
mod token;
mod words;

use std::sync::Arc;

pub use cancel::Cancel;
pub use check::check;
pub use codes::{Code, NoCode};
pub use diagnostic::{Diagnostic, Label, Severity, has_errors};
pub use editors::textmate;
pub use emit::{emit_ast, emit_ir, emit_tokens};
pub use explain::{codes, explain};
pub use format::format;
pub use include::{Folder, NoFolder};
pub use netscene_core::did_you_mean;
pub use outline::{Outline, OutlineTest, outline_in};
pub use parse::parse;
pub use program::Program;
pub use record::{Record, RecordError, VERSION};
pub use render::render;
pub use replay::replay;
pub use report::{
    Channel, Listener, Verdict, record_scenario, record_scenario_in, run_scenario, run_scenario_heard, run_scenario_in,
};
pub use run::{
    Endpoint, Engine, Everything, Next, Node, Pod, Schedule, Service, Sink, Summary, TestFacts, TestInfo, TestResult,
    refusals, run, run_by,
};
pub use source::{FileId, SourceFile, SourceFiles, Span};
pub use words::{BlockKind, Word};

/// Parses and checks a file: everything there is to say about it, in the order of the file.
pub fn compile(file: &Arc<SourceFile>) -> (Program, Vec<Diagnostic>) {
    compile_in(&mut SourceFiles::one(file), file, &NoFolder)
}

/// The same for a file of several: those that it includes or applies come from `folder`, and are added to `files`.
pub fn compile_in(files: &mut SourceFiles, file: &Arc<SourceFile>, folder: &dyn Folder) -> (Program, Vec<Diagnostic>) {
    let (ast, mut diagnostics) = include::read(files, file, folder);
    let (program, found) = check(&ast);
    diagnostics.extend(found);
    if !has_errors(&diagnostics) {
        diagnostics.extend(check::advice::advise(&ast, &program));
    }
    (program, diagnostic::in_order(diagnostics))
}
