//! Rhai, and how its positions and errors come back to the file.

use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage, BasicMathPackage,
    BasicStringPackage, LanguageCorePackage, LogicPackage, MoreStringPackage, Package,
};
use rhai::{Engine, EvalAltResult, OptimizationLevel, ParseErrorType, Position};

use crate::ast::Island;
use crate::{Code, Diagnostic, FileId, Span};

/// An engine that knows Rhai's own functions and can touch nothing.
///
/// Every limit is set, because Rhai's own are off, or differ between debug and release builds.
pub(crate) fn engine() -> Engine {
    let mut engine = Engine::new_raw();
    LanguageCorePackage::new().register_into_engine(&mut engine);
    ArithmeticPackage::new().register_into_engine(&mut engine);
    LogicPackage::new().register_into_engine(&mut engine);
    BasicStringPackage::new().register_into_engine(&mut engine);
    MoreStringPackage::new().register_into_engine(&mut engine);
    BasicIteratorPackage::new().register_into_engine(&mut engine);
    BasicFnPackage::new().register_into_engine(&mut engine);
    BasicArrayPackage::new().register_into_engine(&mut engine);
    BasicMapPackage::new().register_into_engine(&mut engine);
    BasicMathPackage::new().register_into_engine(&mut engine);
    engine
        .set_max_operations(1_000_000)
        .set_max_string_size(64 * 1024)
        .set_max_array_size(10_000)
        .set_max_map_size(1_000)
        .set_max_call_levels(32)
        .set_max_expr_depths(64, 32)
        .set_max_variables(256)
        .set_max_functions(128)
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

/// What Rhai's parser says, without its names for itself.
pub(crate) fn parse_problem(kind: &ParseErrorType) -> String {
    match kind {
        ParseErrorType::UnexpectedEOF => "the Rhai ends too early".to_owned(),
        ParseErrorType::MissingToken(token, why) => format!("expected `{token}` {why}"),
        ParseErrorType::BadInput(error) => error.to_string(),
        ParseErrorType::Reserved(word) => format!("`{word}` cannot be used in a scenario"),
        ParseErrorType::ExprTooDeep => "the expression is nested too deeply".to_owned(),
        other => {
            let text = other.to_string();
            let disabled = text.strip_prefix("reserved keyword '").and_then(|rest| rest.split('\'').next());
            disabled.map_or_else(|| text.clone(), |word| format!("`{word}` cannot be used in a scenario"))
        }
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
    let title = match error {
        EvalAltResult::ErrorRuntime(value, _) => value.to_string(),
        EvalAltResult::ErrorTooManyOperations(_) => "the Rhai takes more than 1000000 operations".to_owned(),
        EvalAltResult::ErrorStackOverflow(_) => "functions call each other more than 32 deep".to_owned(),
        EvalAltResult::ErrorVariableNotFound(name, _) => {
            format!("`{name}` has no value: the sentence that gives it one did not run, or was refused")
        }
        EvalAltResult::ErrorDataTooLarge(..) => "a text, list or map grows beyond what a scenario may hold".to_owned(),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => format!("nothing takes `{}`", plain(signature)),
        EvalAltResult::ErrorDotExpr(text, _) if !text.is_empty() => plain(text),
        EvalAltResult::ErrorMismatchOutputType(wanted, got, _) => format!("expected {wanted}, not {got}"),
        EvalAltResult::ErrorArrayBounds(length, index, _) => {
            format!("there is no element {index} in a list of {length}")
        }
        other => {
            let mut bare = other.to_string();
            // The label shows the place; Rhai's own words for it count within the island.
            if let Some(at) = bare.rfind(" (line ") {
                bare.truncate(at);
            }
            bare
        }
    };
    let code = match error {
        EvalAltResult::ErrorTooManyOperations(_)
        | EvalAltResult::ErrorStackOverflow(_)
        | EvalAltResult::ErrorDataTooLarge(..) => Code::LimitHit,
        _ => Code::IslandFailed,
    };
    let mut diagnostic = Diagnostic::error(code, title).at(place.locate(error.position()), "it failed here");
    let failed = diagnostic.span();
    for (span, name) in calls.into_iter().filter(|(span, _)| failed != Some(*span)) {
        diagnostic = diagnostic.see(span, format!("in this call of `{name}`"));
    }
    diagnostic
}

/// Rhai's text for types, in the words of the table.
fn plain(text: &str) -> String {
    text.replace("i64", "number")
        .replace("&str | ImmutableString | String", "text")
        .replace("string", "text")
        .replace("get$", ".")
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
