//! Rhai, and how its positions and errors come back to the file.

use std::cell::Cell;
use std::rc::Rc;

use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage, BasicMathPackage,
    BasicStringPackage, LanguageCorePackage, LogicPackage, MoreStringPackage, Package,
};
use rhai::{Dynamic, Engine, EvalAltResult, Module, OptimizationLevel, Position, Shared};

use crate::ast::Island;
use crate::cancel::Cancel;
use crate::rhai_words::run_problem;
use crate::{Diagnostic, FileId, Span};

/// The most steps of one island.
pub(crate) const MOST_OPERATIONS: u64 = 500_000;
/// The most bytes of a text.
pub(crate) const MOST_TEXT: usize = 64 * 1024;
/// The most elements of a list.
pub(crate) const MOST_ITEMS: usize = 10_000;
/// The most keys of a map.
pub(crate) const MOST_KEYS: usize = 1_000;
/// How deep functions may call each other.
pub(crate) const MOST_CALLS: usize = 32;
/// How deep an expression may be nested.
pub(crate) const MOST_DEPTH: usize = 64;
/// The same inside of a function.
const MOST_DEPTH_INSIDE: usize = 32;
/// The most variables that an island sees at once.
const MOST_VARIABLES: usize = 256;
/// The most functions of a `rhai` block.
pub(crate) const MOST_FUNCTIONS: usize = 128;

/// Counts the steps of an island. Rhai's own count forgets those of a closure when it returns, so that one in another may
/// go on for hours.
#[derive(Clone, Default)]
pub(crate) struct Steps(Rc<Cell<u64>>);

impl Steps {
    /// Lets an engine stop at the bound, and when it is asked to.
    pub(crate) fn watch(&self, engine: &mut Engine, cancel: &Cancel) {
        let (count, cancel) = (self.0.clone(), cancel.clone());
        engine.on_progress(move |_| {
            count.set(count.get() + 1);
            (count.get() > MOST_OPERATIONS || cancel.is_asked()).then_some(Dynamic::UNIT)
        });
    }

    /// Begins anew: another island runs.
    pub(crate) fn reset(&self) {
        self.0.set(0);
    }
}

thread_local! {
    /// Rhai's own functions: there are hundreds, which all engines share.
    static PACKAGES: [Shared<Module>; 10] = [
        LanguageCorePackage::new().as_shared_module(),
        ArithmeticPackage::new().as_shared_module(),
        LogicPackage::new().as_shared_module(),
        BasicStringPackage::new().as_shared_module(),
        MoreStringPackage::new().as_shared_module(),
        BasicIteratorPackage::new().as_shared_module(),
        BasicFnPackage::new().as_shared_module(),
        BasicArrayPackage::new().as_shared_module(),
        BasicMapPackage::new().as_shared_module(),
        BasicMathPackage::new().as_shared_module(),
    ];
}

/// An engine that knows Rhai's own functions and can touch nothing.
pub(crate) fn engine() -> Engine {
    let mut engine = compiler();
    PACKAGES.with(|packages| {
        for module in packages {
            engine.register_global_module(module.clone());
        }
    });
    engine
}

/// An engine that knows no functions: enough to compile.
///
/// Every limit is set, because Rhai's own are off, or differ between debug and release builds.
pub(crate) fn compiler() -> Engine {
    let mut engine = Engine::new_raw();
    engine
        .set_max_operations(MOST_OPERATIONS)
        .set_max_string_size(MOST_TEXT)
        .set_max_array_size(MOST_ITEMS)
        .set_max_map_size(MOST_KEYS)
        .set_max_call_levels(MOST_CALLS)
        .set_max_expr_depths(MOST_DEPTH, MOST_DEPTH_INSIDE)
        .set_max_variables(MOST_VARIABLES)
        .set_max_functions(MOST_FUNCTIONS)
        .set_max_modules(0)
        .set_strict_variables(true)
        .set_allow_looping(false)
        // Constants of the scope stand for what is not there yet when an island is checked: none may be folded in.
        .set_optimization_level(OptimizationLevel::None);
    // `sleep` would stop the clock on the wall, which no scenario may see; the others go round in circles or load files.
    for symbol in ["eval", "import", "export", "loop", "while", "do", "sleep", "exit"] {
        engine.disable_symbol(symbol);
    }
    engine
}

impl Island {
    /// The place of the token at a position of the Rhai; the island where Rhai has no position to give.
    ///
    /// Rhai counts lines from 1 and characters (not bytes) from 1, and gives the first character only.
    pub(crate) fn locate(&self, position: Position) -> Span {
        let Some(line) = position.line() else { return self.span };
        let start = self.text.split_inclusive('\n').take(line - 1).map(str::len).sum::<usize>();
        let column = position.position().unwrap_or(1).saturating_sub(1);
        let rest = self.text.get(start..).unwrap_or_default();
        let at = start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at);
        let token = self.text.get(at..).unwrap_or_default();
        let word = token.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(token.len());
        let length = match token.chars().next() {
            Some(quote @ ('"' | '`')) => token[1..].find(quote).map_or(1, |end| end + 2),
            Some(other) if word == 0 => other.len_utf8(),
            _ => word,
        };
        Span::new(self.span.file, self.base as usize + at, self.base as usize + at + length)
    }

    /// A part of the Rhai, as a place of the file.
    pub(crate) fn part(&self, range: std::ops::Range<usize>) -> Span {
        let base = self.base as usize;
        Span::new(self.span.file, base + range.start, base + range.end)
    }
}

/// A failure while Rhai ran: what went wrong, where it did, and through which calls it came there.
pub(crate) fn failure(error: &EvalAltResult, island: &Island, library: &[Island]) -> Diagnostic {
    let mut calls = Vec::new();
    let (mut error, mut place) = (error, island);
    while let EvalAltResult::ErrorInFunctionCall(name, source, inner, position) = error {
        // Anonymous functions have names that nobody has written.
        if !name.starts_with("anon$") {
            calls.push((place.locate(*position), name.clone()));
        }
        // The source of a library's functions is its number.
        place = source.parse::<usize>().ok().and_then(|number| library.get(number)).unwrap_or(place);
        error = inner;
    }
    let (code, title, label) = run_problem(error);
    let mut diagnostic = Diagnostic::error(code, title).at(place.locate(error.position()), label);
    let failed = diagnostic.span();
    for (span, name) in calls.into_iter().filter(|(span, _)| failed != Some(*span)) {
        diagnostic = diagnostic.see(span, format!("in this call of `{name}`"));
    }
    diagnostic
}

/// A place that stands for the whole of a file that has no text.
pub(crate) fn nowhere(file: FileId) -> Span {
    Span::new(file, 0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn island(text: &str) -> Island {
        Island { span: Span::new(FileId(0), 10, 10 + text.len() + 3), base: 12, text: text.to_owned() }
    }

    #[test]
    fn a_position_is_the_place_of_a_token() {
        let island = island("\"h\u{e9}\u{e9}\" == staus");
        let span = island.locate(Position::new(1, 10));
        assert_eq!(&island.text[(span.start - island.base) as usize..][..5], "staus");
        assert_eq!(span.end - span.start, 5);
    }

    #[test]
    fn no_position_is_the_whole_island() {
        let island = island("x");
        assert_eq!(island.locate(Position::NONE), island.span);
    }
}
