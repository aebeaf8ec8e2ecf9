//! Running a part of a program in a world that the parts before it have made: what a session does with each entry.

use netscene_core::world::{Operation, World};
use rhai::Dynamic;

use super::{Runner, Schedule, Sink, Summary, values};
use crate::ast::Statement;
use crate::cancel::Cancel;
use crate::program::Program;

/// What of a program is to run.
pub(crate) struct Part<'a> {
    /// The whole of it: its names, islands and `rhai` blocks count.
    pub(crate) program: &'a Program,
    /// What is declared anew.
    pub(crate) declarations: Vec<&'a Operation>,
    /// The sentences to carry out.
    pub(crate) steps: Vec<&'a Statement>,
    /// Who may ask it to end.
    pub(crate) cancel: &'a Cancel,
}

/// Runs a part of a program. What has happened in the world is known to its islands.
pub(crate) fn run_part(
    part: &Part<'_>,
    world: &mut World,
    sink: &mut dyn Sink,
    schedule: &mut dyn Schedule,
) -> Summary {
    let mut runner = Runner::new(part.program, world, sink, schedule, part.cancel);
    for name in world.flow_names().filter(|name| !name.is_empty()) {
        let ways = world.ways(name).map(values::ways);
        let value = ways.or_else(|| Some(Dynamic::from(values::Flow(world.flow(name)?.clone()))));
        runner.variables.extend(value.map(|value| (name.to_owned(), value)));
    }
    let refused = part.declarations.iter().filter(|operation| !runner.declare_one(operation)).count();
    if refused == 0 && runner.library() {
        let _ = part.steps.iter().try_for_each(|statement| runner.step(statement));
    }
    world.clone_from(&runner.world.borrow());
    runner.summary
}
