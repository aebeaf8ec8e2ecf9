//! Builds the page. `bindings` writes the JavaScript of the engine and its types, in the version of wasm-bindgen that the lock
//! file holds; `book` makes the book, and beside it what the native engine prints for each of its blocks; `generate` writes
//! scenarios by chance, and what the native engine prints for those.

mod book;
mod disk;
mod generate;
mod reference;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["bindings", module, to] => bindings(Path::new(module), Path::new(to)),
        ["book", from, to] => book::build(Path::new(from), Path::new(to)),
        ["generate", count, to] => generate::write(count, Path::new(to)),
        _ => Err("usage: netscene-book bindings MODULE FOLDER | book FROM TO | generate COUNT FILE".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("netscene-book: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

fn bindings(module: &Path, to: &Path) -> Result {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).web(true)?.typescript(true).omit_default_module_path(false);
    bindgen.generate(to).map_err(|error| format!("{error:#}").into())
}
