//! `scn trace`: what happened to the packets of a scenario, as text, as data, or as a picture.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use netscene_core::trace::{Depth, Flow};
use netscene_core::view::{mermaid, trace, trace_json};
use netscene_core::world::World;
use netscene_lang::{Channel, run_scenario_in};

use crate::console::Console;
use crate::exit::Exit;
use crate::files;
use crate::folder::Disk;

/// Run a scenario, and print what happened to its packets, and nothing else.
///
/// Every flow is told, in the order in which it happened: those of the scenario, then those of each test. What the scenario
/// prints itself is left out; what is wrong with it is told as by `scn run`, with the same exit status.
#[derive(Args)]
#[command(after_help = "\
Examples:
  scn trace examples/hello.scn
  scn trace --flow hello --depth all examples/hello.scn    every rule that was tried, and why it did not match
  scn trace --as json examples/hello.scn                   an array of documents, as core/trace.schema.json has them
  scn trace --flow hello --as mermaid examples/hello.scn   a sequence diagram, for Markdown")]
pub(crate) struct Arguments {
    /// The scenario.
    file: PathBuf,
    /// Only the flows of that name: what follows `as`.
    #[arg(long, value_name = "NAME")]
    flow: Option<String>,
    /// In which form.
    #[arg(long = "as", value_enum, default_value_t = Form::Text, value_name = "FORM")]
    form: Form,
    /// How deep the text goes.
    #[arg(long, value_enum, default_value_t = super::walk::How::Rules, value_name = "DEPTH")]
    depth: super::walk::How,
    /// Where all chance comes from: the same seed gives the same bytes.
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    seed: u64,
}

/// The form of a trace.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// A sequence diagram of Mermaid's.
    Mermaid,
}

/// Runs the scenario that the arguments name, and tells its flows.
pub(crate) fn run(arguments: &Arguments, console: Console) -> Exit {
    let text = match files::read(&arguments.file) {
        Ok(text) => text,
        Err(problem) => {
            console.error(&problem);
            return Exit::BadInput;
        }
    };
    let name = arguments.file.display().to_string();
    let mut flows = Vec::new();
    let mut write = |channel, text: &str| {
        if channel == Channel::Diagnostics {
            console.write(channel, text);
        }
    };
    let disk = Disk::of(&arguments.file);
    let (world, mut keep) = (World::new(arguments.seed), |flow: &Arc<Flow>| flows.push(flow.clone()));
    let verdict = run_scenario_in(world, (&name, &text), &disk, console.error_color, &mut write, &mut keep);
    let wanted = |name: &str| arguments.flow.as_deref().is_none_or(|wanted| wanted == name);
    let told: Vec<_> = flows.iter().filter(|flow| wanted(&flow.name)).collect();
    if told.is_empty()
        && let Some(wanted) = &arguments.flow
    {
        let names: Vec<_> = flows.iter().map(|flow| flow.name.as_str()).collect();
        let near = netscene_lang::did_you_mean(wanted, names.iter().copied());
        let all = || format!("there are: {}", names.join(", "));
        let hint = near.map_or_else(all, |near| format!("did you mean `{near}`?"));
        console.error(&format!("no flow is called `{wanted}`; {hint}"));
        return Exit::from(verdict).max(Exit::BadInput);
    }
    match arguments.form {
        Form::Json => {
            let documents: Vec<_> = told.iter().map(|flow| trace_json::flow(flow)).collect();
            match serde_json::to_string_pretty(&documents) {
                Ok(text) => console.print(&(text + "\n")),
                Err(error) => console.error(&error.to_string()),
            }
        }
        Form::Mermaid => {
            for flow in &told {
                console.print(&mermaid::sequence(flow));
            }
        }
        Form::Text => {
            for (at, flow) in told.iter().enumerate() {
                let depth = arguments.depth.depth();
                let text = depth.map_or_else(|| trace::summary(flow), |depth| trace::trace(flow, depth));
                let gap = if at > 0 && depth.is_some() { "\n" } else { "" };
                console.print(&format!("{gap}{text}"));
            }
        }
    }
    verdict.into()
}

impl super::walk::How {
    /// The depth; none for a line.
    pub(super) const fn depth(self) -> Option<Depth> {
        match self {
            Self::Line => None,
            Self::Hops => Some(Depth::Hops),
            Self::Rules => Some(Depth::Rules),
            Self::All => Some(Depth::All),
        }
    }
}
