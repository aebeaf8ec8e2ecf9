//! netscene-wasm: the same engine for a page.
//!
//! It translates and decides nothing: a scenario goes in as text, and out comes what the command would print.

use netscene_lang::{Channel, NoFolder, run_scenario};
use wasm_bindgen::prelude::wasm_bindgen;

/// What came of a scenario.
#[wasm_bindgen]
#[derive(Clone, Debug)]
pub struct Run {
    status: u8,
    output: String,
    diagnostics: String,
}

#[wasm_bindgen]
impl Run {
    /// As the command's exit status: 0 as expected, 1 not as expected, 2 not understood, 3 a limit was hit.
    #[wasm_bindgen(getter)]
    pub fn status(&self) -> u8 {
        self.status
    }

    /// What the command prints to standard output.
    #[wasm_bindgen(getter)]
    pub fn output(&self) -> String {
        self.output.clone()
    }

    /// What the command prints to standard error.
    #[wasm_bindgen(getter)]
    pub fn diagnostics(&self) -> String {
        self.diagnostics.clone()
    }
}

/// Runs a scenario. `name` is what diagnostics call it; all chance comes from `seed`.
///
/// ```
/// let run = netscene_wasm::run("sums.scn", "test \"sums\" { assert ${ 1 + 1 == 3 } }\n", 0);
/// assert_eq!(run.status(), 1);
/// assert!(run.diagnostics().contains("sums.scn:1:15"));
/// ```
#[wasm_bindgen]
pub fn run(name: &str, text: &str, seed: u32) -> Run {
    let (mut output, mut diagnostics) = (String::new(), String::new());
    let verdict = run_scenario((name, text), &NoFolder, seed.into(), false, &mut |channel, text| match channel {
        Channel::Output => output.push_str(text),
        Channel::Diagnostics => diagnostics.push_str(text),
    });
    Run { status: verdict.exit_status(), output, diagnostics }
}
