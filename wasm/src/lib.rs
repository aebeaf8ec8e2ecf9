//! netscene-wasm: the same engine for a page.
//!
//! It translates and decides nothing: a scenario goes in as text, and out comes what the command would print, and the same as
//! data for a page to draw. Everything is a plain JavaScript value, with its TypeScript type in `types`; places in a text
//! are counted as JavaScript counts them, in UTF-16 units.
//!
//! A page calls it in a Worker, which it ends if a run takes too long: see `wasm/page/engine.ts`.

mod answer;
mod commands;
mod complete;
mod files;
mod session;
mod types;

pub use session::Session;

use std::ops::ControlFlow;
use std::sync::Arc;

use netscene_core::trace::Flow;
use netscene_lang::{Channel, Diagnostic, Listener, SourceFiles, codes, compile_in, render, run_scenario_heard};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::answer::{Answer as _, Checked, Formatted, Problem, Ran, Sent, Story, Told, json};
use crate::complete::Suggestions;
use crate::types::{CheckResult, Completion, Files, FormatResult, RunResult, Tell};

/// The engine allocates all the time, and this one is quicker at it than std's.
#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

#[wasm_bindgen]
extern "C" {
    /// Loads the second part of the engine: `wasm/split/` tells which. Whoever runs the engine defines it, as a global function.
    #[wasm_bindgen(js_name = loadRest)]
    fn load_rest();
}

/// Loads the whole engine now. Otherwise the second part of it is loaded when something of it is first needed.
#[wasm_bindgen(js_name = loadWhole)]
pub fn load_whole() {
    load_rest();
}

/// The version of the engine.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// Runs a scenario. `name` is what diagnostics call it, `files` what it may include, apply and load, by path; all chance comes
/// from `seed`. With `tell` each flow is told when it has happened, as the JSON of a `Told`, and is not in the result: a page can
/// draw the first while the rest still runs.
#[wasm_bindgen]
pub fn run(name: &str, text: &str, files: Option<Files>, seed: u32, tell: Option<Tell>) -> RunResult {
    let mut heard = Heard { tell, ..Heard::default() };
    let (mut output, mut diagnostics) = (String::new(), String::new());
    let mut write = |channel, text: &str| match channel {
        Channel::Output => output.push_str(text),
        Channel::Diagnostics => diagnostics.push_str(text),
    };
    let verdict = run_scenario_heard((name, text), &files::map(files), seed.into(), &mut write, &mut heard);
    Ran { status: verdict.exit_status(), output, diagnostics, problems: heard.problems, flows: heard.flows }.value()
}

/// Runs the same as far as its first flow, of which it tells.
#[wasm_bindgen(js_name = firstFlow)]
pub fn first_flow(name: &str, text: &str, files: Option<Files>, seed: u32, tell: Tell) {
    run_scenario_heard((name, text), &files::map(files), seed.into(), &mut |_, _| {}, &mut First(tell));
}

/// What is wrong with a scenario; nothing runs.
#[wasm_bindgen]
pub fn check(name: &str, text: &str, files: Option<Files>) -> CheckResult {
    let mut sources = SourceFiles::default();
    let main = sources.add(name, text);
    let (_, diagnostics) = compile_in(&mut sources, &main, &files::map(files));
    Checked {
        diagnostics: render(&diagnostics, &sources, false),
        problems: diagnostics.iter().map(|one| Problem::of(one, &sources)).collect(),
    }
    .value()
}

/// What may be written at a place of a scenario, in UTF-16 units. Names are those of the world that the scenario makes.
#[wasm_bindgen]
pub fn complete(name: &str, text: &str, files: Option<Files>, cursor: usize) -> Completion {
    Suggestions::in_scenario(name, text, files, cursor).value()
}

/// The one form of a scenario; what is wrong with it if it cannot be read.
#[wasm_bindgen]
pub fn format(name: &str, text: &str) -> FormatResult {
    let mut sources = SourceFiles::default();
    let main = sources.add(name, text);
    let (text, diagnostics) = match netscene_lang::format(&main) {
        Ok(text) => (Some(text), Vec::new()),
        Err(diagnostics) => (None, diagnostics),
    };
    let problems = diagnostics.iter().map(|one| Problem::of(one, &sources)).collect();
    Formatted { text, diagnostics: render(&diagnostics, &sources, false), problems }.value()
}

/// What a code of a diagnostic, or a word of the language, means: as `scn explain` prints it. What is neither is answered with the
/// nearest; an empty text with a list of the codes.
#[wasm_bindgen]
pub fn explain(what: &str) -> String {
    explained(what).unwrap_or_else(|problem| format!("error: {problem}\n"))
}

pub(crate) fn explained(what: &str) -> Result<String, String> {
    if what.trim().is_empty() { Ok(codes()) } else { netscene_lang::explain(what) }
}

/// What a run tells besides its text.
#[derive(Default)]
pub(crate) struct Heard {
    tell: Option<Tell>,
    problems: Vec<Problem>,
    flows: Vec<Sent>,
}

impl Listener for Heard {
    fn flow(&mut self, test: Option<&str>, flow: &Arc<Flow>) -> ControlFlow<()> {
        match &self.tell {
            Some(tell) => tell.call(&JsValue::UNDEFINED, &json(&Told::of(test, flow))),
            None => self.flows.push(Sent { test: test.map(str::to_owned), trace: Story(flow.clone()) }),
        }
        ControlFlow::Continue(())
    }

    fn diagnostic(&mut self, diagnostic: &Diagnostic, files: &SourceFiles) {
        self.problems.push(Problem::of(diagnostic, files));
    }
}

/// Listens to the first flow alone.
struct First(Tell);

impl Listener for First {
    fn flow(&mut self, test: Option<&str>, flow: &Arc<Flow>) -> ControlFlow<()> {
        self.0.call(&JsValue::UNDEFINED, &json(&Told::of(test, flow)));
        ControlFlow::Break(())
    }

    fn diagnostic(&mut self, _: &Diagnostic, _: &SourceFiles) {}
}
