//! Rhai's errors in the words of a scenario. Rhai's own speak of its names for types, and of what a scenario does not have.

use rhai::{EvalAltResult, LexError, ParseErrorType};

use crate::Code;
use crate::script::{MOST_CALLS, MOST_DEPTH, MOST_FUNCTIONS, MOST_ITEMS, MOST_KEYS, MOST_OPERATIONS, MOST_TEXT};

/// What Rhai's parser stumbles at: what is wrong, and what stands at the place.
pub(crate) fn parse_problem(kind: &ParseErrorType) -> (Code, String, &'static str) {
    let title = match kind {
        ParseErrorType::UnexpectedEOF => {
            return (Code::Island, "the expression ends too early".to_owned(), "expected more before this");
        }
        ParseErrorType::BadInput(error) => return lex_problem(error),
        ParseErrorType::UnknownOperator(operator) => return unknown_operator(operator),
        ParseErrorType::MissingToken(token, _) => {
            return (Code::Island, format!("`{token}` is missing"), "expected before this");
        }
        ParseErrorType::MissingSymbol(_) => "a sign is missing".to_owned(),
        ParseErrorType::MalformedIndexExpr(_) => {
            return (Code::Island, "this is no index".to_owned(), "expected a number for a list, text for a map");
        }
        ParseErrorType::MalformedCapture(_) => {
            return (Code::Island, "a function cannot be called so".to_owned(), "leave the `!` out");
        }
        ParseErrorType::DuplicatedProperty(name) => format!("the map has `{name}` twice"),
        ParseErrorType::DuplicatedVariable(name) => format!("`{name}` is named twice"),
        ParseErrorType::WrongSwitchIntegerCase => "a number comes behind a range in this `switch`".to_owned(),
        ParseErrorType::WrongSwitchDefaultCase => "`_` is the last case of a `switch`".to_owned(),
        ParseErrorType::WrongSwitchCaseCondition => "this case of a `switch` takes no condition".to_owned(),
        ParseErrorType::PropertyExpected => {
            return (Code::Island, "the name of a property is missing".to_owned(), "expected a name before this");
        }
        ParseErrorType::VariableExpected => {
            return (Code::Island, "the name of a variable is missing".to_owned(), "expected a name before this");
        }
        ParseErrorType::ForbiddenVariable(name) => format!("`{name}` cannot be the name of a variable"),
        ParseErrorType::Reserved(word) => return unavailable(word),
        ParseErrorType::MismatchedType(wanted, got) => format!("expected {}, not {}", plain(wanted), plain(got)),
        ParseErrorType::ExprExpected(_) => {
            return (Code::Island, "an expression is missing".to_owned(), "expected one before this");
        }
        ParseErrorType::WrongDocComment => "`///` stands in front of a function".to_owned(),
        ParseErrorType::WrongFnDefinition => {
            return (Code::Island, "a function is not defined here".to_owned(), "put it into a `rhai { }` block");
        }
        ParseErrorType::FnDuplicatedDefinition(name, count) => {
            let parameters = if *count == 1 { "parameter" } else { "parameters" };
            format!("there are two functions `{name}` with {count} {parameters}")
        }
        ParseErrorType::FnMissingName => "the function has no name".to_owned(),
        ParseErrorType::FnMissingParams(name) => {
            return (Code::Island, format!("function `{name}` has no parameters"), "write `()` where it takes none");
        }
        ParseErrorType::FnDuplicatedParam(name, param) => format!("function `{name}` has two parameters `{param}`"),
        ParseErrorType::FnMissingBody(_) => {
            return (Code::Island, "the function has no body".to_owned(), "expected `{ … }` before this");
        }
        ParseErrorType::AssignmentToConstant(name) => {
            let what = if name.is_empty() { "this".to_owned() } else { format!("`{name}`") };
            return (Code::Island, format!("{what} cannot be changed"), "compare with `==`; assign to a `let` only");
        }
        ParseErrorType::AssignmentToInvalidLHS(_) => {
            return (Code::Island, "nothing can be assigned to this".to_owned(), "compare with `==`");
        }
        ParseErrorType::VariableExists(name) => format!("there is a variable `{name}` already"),
        ParseErrorType::VariableUndefined(name) => format!("unknown variable `{name}`"),
        ParseErrorType::WrongExport | ParseErrorType::ModuleUndefined(_) => return unavailable("a module"),
        ParseErrorType::ExprTooDeep => {
            let title = format!("the expression is nested more than {MOST_DEPTH} deep");
            return (Code::TooMuch, title, "split it: a part may be a function in a `rhai { }` block");
        }
        ParseErrorType::TooManyFunctions => {
            let title = format!("there are more than {MOST_FUNCTIONS} functions");
            return (Code::TooMuch, title, "this is the bound for a `rhai { }` block");
        }
        ParseErrorType::LiteralTooLarge(_, most) => {
            return (Code::TooMuch, format!("this is longer than {most}"), "the bound for what is written out");
        }
        ParseErrorType::LoopBreak => "`break` and `continue` stand in loops".to_owned(),
        other => {
            // Rhai has no variant for a disabled word: only its text says so.
            let text = other.to_string();
            match text.strip_prefix("reserved keyword '").and_then(|rest| rest.split('\'').next()) {
                Some(word) => return unavailable(word),
                None => text,
            }
        }
    };
    (Code::Island, title, "here the expression cannot be read")
}

fn lex_problem(error: &LexError) -> (Code, String, &'static str) {
    let title = match error {
        LexError::UnexpectedInput(text) => {
            // Of some signs Rhai gives a whole sentence, which begins with the sign in quotes.
            let sign = text.strip_prefix('\'').and_then(|rest| rest.split('\'').next());
            return sign.map_or_else(|| unexpected(text), unknown_operator);
        }
        LexError::UnterminatedString => {
            return (Code::Island, "the text is never closed".to_owned(), "no other quote on this line");
        }
        LexError::StringTooLong(most) => {
            return (
                Code::TooMuch,
                format!("the text is longer than {most} bytes"),
                "the bound for what is written out",
            );
        }
        LexError::MalformedEscapeSequence(text) => {
            return (Code::Island, format!("`{text}` is no escape"), "expected `\\n`, `\\t`, `\\\"` or `\\\\`");
        }
        LexError::MalformedNumber(_) => "this is no number".to_owned(),
        LexError::MalformedChar(_) => {
            return (Code::Island, "this is no single character".to_owned(), "text stands in double quotes");
        }
        LexError::MalformedIdentifier(text) => format!("`{text}` is no name"),
        LexError::ImproperSymbol(word, _) if word.starts_with(char::is_alphabetic) => return unavailable(word),
        LexError::ImproperSymbol(symbol, _) => return unknown_operator(symbol),
        other => {
            // The words for what is disabled come this way too.
            let text = other.to_string();
            let quoted = |start| text.split_once(start).and_then(|(_, rest)| rest.split('\'').next());
            match quoted("reserved keyword '").or_else(|| quoted("reserved symbol '")) {
                Some(word) => return unavailable(word),
                None => text,
            }
        }
    };
    (Code::Island, title, "here the expression cannot be read")
}

/// A word or sign that is known, and stands in the wrong place.
fn unexpected(text: &str) -> (Code, String, &'static str) {
    let label = match text {
        "=" => "compare with `==`",
        "and" => "both is `&&`",
        "or" => "one of the two is `||`",
        "not" => "the opposite is `!`",
        "let" | "const" | "fn" | "return" | "throw" | "break" | "continue" | "try" => {
            "statements stand in functions, and functions in a `rhai { }` block"
        }
        _ => "expected a value, or the end of the expression",
    };
    (Code::Island, format!("unexpected `{text}`"), label)
}

fn unknown_operator(operator: &str) -> (Code, String, &'static str) {
    let label = match operator {
        "===" => "equality is `==`",
        "!==" | "<>" => "inequality is `!=`",
        "->" | "=>" | ":=" => "not in an expression",
        "++" | "--" => "write `+ 1` or `- 1`",
        "::" | "::<" => "there are no modules",
        "&" => "both is `&&`",
        _ => "comparisons are `==`, `!=`, `<`, `<=`, `>` and `>=`",
    };
    (Code::Island, format!("there is no operator `{operator}`"), label)
}

fn unavailable(word: &str) -> (Code, String, &'static str) {
    let label = match word {
        "loop" | "while" | "do" | "until" | "for" => "lists have `map`, `filter`, `some`, `all` and `reduce`",
        "import" | "export" | "module" | "use" | "a module" => {
            "there are no modules: use `include` and `rhai { }` blocks"
        }
        "eval" => "text is not run",
        "sleep" => "time passes by the sentence `wait 14s`",
        "exit" => "the value of the island is that of its last expression",
        "===" | "!==" | "->" | "++" | "--" | ":=" | "<-" | "=>" | "**" => return unknown_operator(word),
        _ => "not available",
    };
    (Code::Island, format!("`{word}` cannot be used in a scenario"), label)
}

/// What went wrong while Rhai ran. Whether it was a limit, the code says.
pub(crate) fn run_problem(error: &EvalAltResult) -> (Code, String, &'static str) {
    let failed = "it failed here";
    let title = match error {
        EvalAltResult::ErrorRuntime(value, _) if value.is_unit() => "the script threw an error".to_owned(),
        EvalAltResult::ErrorRuntime(value, _) => value.to_string(),
        EvalAltResult::ErrorTooManyOperations(_) | EvalAltResult::ErrorTerminated(..) => {
            return (
                Code::LimitHit,
                format!("the island takes more than {MOST_OPERATIONS} steps"),
                "it was here by then",
            );
        }
        EvalAltResult::ErrorStackOverflow(_) => {
            let title = format!("functions call each other more than {MOST_CALLS} deep");
            return (Code::LimitHit, title, "does it ever end?");
        }
        EvalAltResult::ErrorTooManyVariables(_) => {
            return (Code::LimitHit, "there are too many variables".to_owned(), failed);
        }
        EvalAltResult::ErrorDataTooLarge(what, _) => {
            let what = what.to_ascii_lowercase();
            let title = if what.contains("string") {
                format!("a text has more than {MOST_TEXT} bytes")
            } else if what.contains("array") {
                format!("a list has more than {MOST_ITEMS} elements")
            } else {
                format!("a map has more than {MOST_KEYS} keys")
            };
            return (Code::LimitHit, title, "it grows beyond this here");
        }
        EvalAltResult::ErrorVariableNotFound(name, _) => {
            format!("`{name}` has no value: the sentence that gives it one did not run, or was refused")
        }
        EvalAltResult::ErrorPropertyNotFound(name, _) => format!("the map has no key `{name}`"),
        EvalAltResult::ErrorIndexNotFound(index, _) => format!("there is no element {index}"),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => not_for(signature),
        EvalAltResult::ErrorUnboundThis(_) => "`this` is nothing outside of a method".to_owned(),
        EvalAltResult::ErrorMismatchDataType(wanted, got, _)
        | EvalAltResult::ErrorMismatchOutputType(wanted, got, _) => {
            format!("expected {}, not {}", plain(wanted), plain(got))
        }
        EvalAltResult::ErrorIndexingType(of, _) => format!("{} has no elements", plain(of)),
        EvalAltResult::ErrorArrayBounds(length, index, _) => {
            format!("there is no element {index} in a list of {length}")
        }
        EvalAltResult::ErrorStringBounds(length, index, _) => {
            format!("there is no character {index} in a text of {length}")
        }
        EvalAltResult::ErrorBitFieldBounds(_, index, _) => format!("a number has no bit {index}: bits go from 0 to 63"),
        EvalAltResult::ErrorFor(_) => "this is no list to go through".to_owned(),
        EvalAltResult::ErrorNonPureMethodCallOnConstant(name, _) => {
            format!("`{name}` changes what it is called on, and this is a constant")
        }
        EvalAltResult::ErrorAssignmentToConstant(name, _) => format!("`{name}` is a constant"),
        EvalAltResult::ErrorDotExpr(text, _) if !text.is_empty() => plain(text),
        EvalAltResult::ErrorArithmetic(text, _) => arithmetic(text),
        other => {
            let mut bare = other.to_string();
            // The label shows the place; Rhai's own words for it count within the island.
            if let Some(at) = bare.rfind(" (line ") {
                bare.truncate(at);
            }
            plain(&bare)
        }
    };
    (Code::IslandFailed, title, failed)
}

/// `Division by zero: 1 / 0` and its like.
fn arithmetic(text: &str) -> String {
    let (what, sum) = text.split_once(": ").unwrap_or((text, ""));
    let what = what.to_ascii_lowercase();
    let why = if what.contains("zero") { "division by zero" } else { "too large a number" };
    if sum.is_empty() { why.to_owned() } else { format!("{why}: {sum}") }
}

/// What Rhai calls a function that there is, but not for such values: `+ (i64, array)`.
fn not_for(signature: &str) -> String {
    let signature = plain(signature);
    let (name, values) = signature.split_once(" (").unwrap_or((&signature, ")"));
    let values = values.trim_end_matches(')');
    match values.split_once(", ") {
        Some((left, right)) if !name.starts_with(char::is_alphabetic) => {
            format!("`{name}` does not go with {left} and {right}")
        }
        _ if values.is_empty() => format!("`{name}` takes something in its parentheses"),
        _ => format!("`{name}` is not for: {values}"),
    }
}

/// Rhai's text for types, in the words of the table.
fn plain(text: &str) -> String {
    text.replace("&str | ImmutableString | String", "text")
        .replace("i64", "a number")
        .replace("string", "text")
        .replace("array", "a list")
        .replace("bool", "true or false")
        .replace("get$", ".")
        .replace("netscene_lang::run::values::", "")
}
