//! `scn explain`: what a code of a diagnostic, or a word of the language, means.

use std::sync::LazyLock;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use netscene_lang::{Code, codes, explain};

use crate::console::Console;
use crate::exit::Exit;

/// Tell what a code of a diagnostic, or a word of the language, means.
///
/// Of a code it shows an example that yields it, and what to do; of a word, how its sentences go. Without an argument it lists the codes. Exit status 2 when there is no such code or word.
#[derive(Args)]
#[command(after_help = "\
Examples:
  scn explain              every code, one a line
  scn explain E0206        what it means, an example, the cure
  scn explain expect       what a word is for, and how its sentences go")]
pub(crate) struct Arguments {
    /// The code, such as `E0206`, or the word.
    // Shells complete the codes; what is none of them is answered with the nearest.
    #[arg(value_name = "CODE", value_parser = parser(), hide_possible_values = true)]
    what: Option<String>,
}

/// Takes everything, and tells shells of the codes.
#[derive(Clone)]
struct Anything(PossibleValuesParser);

static CODES: LazyLock<Vec<String>> = LazyLock::new(|| Code::ALL.iter().map(ToString::to_string).collect());

fn parser() -> Anything {
    Anything(CODES.iter().map(|code| PossibleValue::new(code.as_str())).collect::<Vec<_>>().into())
}

impl TypedValueParser for Anything {
    type Value = String;

    fn parse_ref(
        &self,
        _: &clap::Command,
        _: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        Ok(value.to_string_lossy().into_owned())
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.0.possible_values()
    }
}

/// Explains what the arguments ask for.
pub(crate) fn run(arguments: &Arguments, console: Console) -> Exit {
    let Some(what) = &arguments.what else {
        console.print(&codes());
        return Exit::Held;
    };
    match explain(what) {
        Ok(text) => {
            console.print(&text);
            Exit::Held
        }
        Err(problem) => {
            console.error(&problem);
            Exit::BadInput
        }
    }
}
