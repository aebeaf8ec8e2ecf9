//! A whole run with everything it prints: what the command and the page have in common.

use std::ops::ControlFlow;
use std::sync::Arc;

use netscene_core::trace::Flow;
use netscene_core::world::World;

use crate::cancel::Cancel;
use crate::record::Record;
use crate::replay::{Recorded, Recording, Steps};
use crate::run::{Everything, run_until};
use crate::{
    Diagnostic, Folder, Program, Severity, Sink, SourceFiles, Summary, TestInfo, TestResult, compile_in, has_errors,
    render, run,
};

/// Where a piece of text belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// What was asked to be printed, and the results of tests: standard output.
    Output,
    /// What is wrong: standard error.
    Diagnostics,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was as the scenario says.
    Passed,
    /// Something was not.
    Unmet,
    /// The scenario could not be understood, or the world refused something.
    BadInput,
    /// A limit was hit: see [`limits`](crate::limits).
    LimitHit,
}

impl Verdict {
    /// The command's exit status: 0, 1, 2 and 3.
    pub const fn exit_status(self) -> u8 {
        self as u8
    }
}

/// Compiles and runs a scenario in a world of its own, and hands over what it prints piece by piece.
///
/// `name` is what diagnostics call the file, whose other files come from `folder`; all chance comes from `seed`; `color` adds terminal colours to diagnostics.
///
/// ```
/// use netscene_lang::{Channel, NoFolder, Verdict, run_scenario};
/// let mut output = String::new();
/// let scenario = ("sums.scn", "test \"sums\" { assert ${ 1 + 1 == 2 } }\n");
/// let verdict = run_scenario(scenario, &NoFolder, 0, false, &mut |channel, text| {
///     assert_eq!(channel, Channel::Output);
///     output.push_str(text);
/// });
/// assert_eq!(verdict, Verdict::Passed);
/// assert_eq!(output, "test \"sums\" passed\n1 of 1 test passed, 1 of 1 expectation met\n");
/// ```
pub fn run_scenario(
    scenario: (&str, &str),
    folder: &dyn Folder,
    seed: u64,
    color: bool,
    write: &mut dyn FnMut(Channel, &str),
) -> Verdict {
    run_scenario_in(World::new(seed), scenario, folder, color, write, &mut |_| {})
}

/// The same in a world that somebody has prepared, one that is listened to; `flow` gets everything that is sent.
pub fn run_scenario_in(
    mut world: World,
    scenario: (&str, &str),
    folder: &dyn Folder,
    color: bool,
    write: &mut dyn FnMut(Channel, &str),
    flow: &mut dyn FnMut(&Arc<Flow>),
) -> Verdict {
    let (files, program, diagnostics) = compiled(scenario, folder, color, write);
    if let Some(verdict) = unreadable(&diagnostics) {
        return verdict;
    }
    let mut reporter = Reporter { flow: Some(flow), ..Reporter::new(files, color, write) };
    let summary = run(&program, &mut world, &mut reporter);
    reporter.say(Channel::Output, &closing_line(summary));
    verdict(summary)
}

/// Who listens to a run besides the one who prints it: a page that draws what was sent, and marks what is wrong in the text.
pub trait Listener {
    /// Something was sent, in a test or outside of all. With `Break` nothing more of the scenario is carried out.
    fn flow(&mut self, test: Option<&str>, flow: &Arc<Flow>) -> ControlFlow<()>;

    /// There is something to tell about a place, before the run or in it.
    fn diagnostic(&mut self, diagnostic: &Diagnostic, files: &SourceFiles);
}

/// The same as [`run_scenario`], with somebody who listens.
pub fn run_scenario_heard(
    scenario: (&str, &str),
    folder: &dyn Folder,
    seed: u64,
    write: &mut dyn FnMut(Channel, &str),
    listener: &mut dyn Listener,
) -> Verdict {
    let (files, program, diagnostics) = compiled(scenario, folder, false, write);
    for diagnostic in &diagnostics {
        listener.diagnostic(diagnostic, &files);
    }
    if let Some(verdict) = unreadable(&diagnostics) {
        return verdict;
    }
    let mut reporter = Reporter { listener: Some(listener), ..Reporter::new(files, false, write) };
    let cancel = reporter.cancel.clone();
    let summary = run_until(&cancel, &program, &mut World::new(seed), &mut reporter, &mut Everything);
    reporter.say(Channel::Output, &closing_line(summary));
    verdict(summary)
}

/// The same as [`run_scenario`], and the record of it.
pub fn record_scenario(
    scenario: (&str, &str),
    folder: &dyn Folder,
    seed: u64,
    color: bool,
    write: &mut dyn FnMut(Channel, &str),
) -> (Verdict, Record) {
    record_scenario_in(World::new(seed), seed, scenario, folder, color, write)
}

/// The same in a world that somebody has prepared, whose chance comes from `seed`.
pub fn record_scenario_in(
    world: World,
    seed: u64,
    scenario: (&str, &str),
    folder: &dyn Folder,
    color: bool,
    write: &mut dyn FnMut(Channel, &str),
) -> (Verdict, Record) {
    let (files, program, diagnostics) = compiled(scenario, folder, color, write);
    let mut record = Record::new(seed, &files, diagnostics);
    if let Some(verdict) = unreadable(&record.diagnostics) {
        return (verdict, record);
    }
    let mut reporter = Reporter::new(files, color, write);
    let steps = Steps::default();
    let mut recording = Recording { sink: &mut reporter, steps: steps.clone() };
    record.summary = run(&program, &mut Recorded::new(world, &steps), &mut recording);
    record.steps = steps.take();
    reporter.say(Channel::Output, &closing_line(record.summary));
    (verdict(record.summary), record)
}

/// A scenario made ready to run; what is wrong with it is printed.
fn compiled(
    (name, text): (&str, &str),
    folder: &dyn Folder,
    color: bool,
    write: &mut dyn FnMut(Channel, &str),
) -> (SourceFiles, Program, Vec<Diagnostic>) {
    let mut files = SourceFiles::default();
    let main = files.add(name, text);
    let (program, diagnostics) = compile_in(&mut files, &main, folder);
    if !diagnostics.is_empty() {
        write(Channel::Diagnostics, &render(&diagnostics, &files, color));
    }
    (files, program, diagnostics)
}

/// How a scenario ends that cannot run for its faults; none where it can.
pub(crate) fn unreadable(diagnostics: &[Diagnostic]) -> Option<Verdict> {
    let limit = |one: &Diagnostic| one.severity == Severity::Error && one.code.is_limit();
    let verdict = if diagnostics.iter().any(limit) { Verdict::LimitHit } else { Verdict::BadInput };
    has_errors(diagnostics).then_some(verdict)
}

/// How a run with these numbers ended.
pub(crate) fn verdict(summary: Summary) -> Verdict {
    match summary {
        Summary { limits: 1.., .. } => Verdict::LimitHit,
        Summary { refused: 1.., .. } => Verdict::BadInput,
        summary if summary.passed() => Verdict::Passed,
        _ => Verdict::Unmet,
    }
}

/// `7 of 7 tests passed, 16 of 16 expectations met`.
pub(crate) fn closing_line(summary: Summary) -> String {
    let Summary { tests, failed, skipped, failed_as_expected, expectations, unmet, .. } = summary;
    let part = |bad: usize, all: usize, what: &str, how: &str| match all {
        0 => format!("no {what}s"),
        1 => format!("{} of 1 {what} {how}", all - bad),
        _ => format!("{} of {all} {what}s {how}", all - bad),
    };
    let more = |count: usize, how: &str| if count == 0 { String::new() } else { format!("{count} {how}, ") };
    let tests = part(failed + failed_as_expected, tests, "test", "passed");
    let (expected, skipped) = (more(failed_as_expected, "failed as expected"), more(skipped, "skipped"));
    format!("{tests}, {expected}{skipped}{}\n", part(unmet, expectations, "expectation", "met"))
}

/// Gets what is sent in a run.
type Tell<'a> = &'a mut dyn FnMut(&Arc<Flow>);

/// Prints what a run tells.
pub(crate) struct Reporter<'a> {
    files: SourceFiles,
    color: bool,
    write: &'a mut dyn FnMut(Channel, &str),
    /// The test that runs, and whether its name stands above its output already.
    test: Option<(String, bool)>,
    /// Who wants to know what is sent.
    flow: Option<Tell<'a>>,
    /// Who listens to the run.
    listener: Option<&'a mut dyn Listener>,
    /// Ends the run, when whoever listens has heard enough.
    cancel: Cancel,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(files: SourceFiles, color: bool, write: &'a mut dyn FnMut(Channel, &str)) -> Self {
        Self { files, color, write, test: None, flow: None, listener: None, cancel: Cancel::default() }
    }

    /// Prints a text as it is.
    pub(crate) fn say(&mut self, channel: Channel, text: &str) {
        (self.write)(channel, text);
    }
}

impl Sink for Reporter<'_> {
    fn text(&mut self, text: &str) {
        if let Some((name, named @ false)) = &mut self.test {
            *named = true;
            (self.write)(Channel::Output, &format!("test {name:?}\n"));
        }
        (self.write)(Channel::Output, text);
    }

    fn flow(&mut self, flow: &Arc<Flow>) {
        if let Some(tell) = &mut self.flow {
            tell(flow);
        }
        if let Some(listener) = &mut self.listener
            && listener.flow(self.test.as_ref().map(|(name, _)| name.as_str()), flow).is_break()
        {
            self.cancel.ask();
        }
    }

    fn test_started(&mut self, name: &str) {
        self.test = Some((name.to_owned(), false));
    }

    fn test_ended(&mut self, _: &str, _: bool) {}

    fn test_finished(&mut self, test: &TestInfo, result: &TestResult) {
        self.test = None;
        (self.write)(Channel::Output, &format!("test {:?} {result}\n", test.name));
    }

    fn failure(&mut self, diagnostic: Diagnostic) {
        if let Some(listener) = &mut self.listener {
            listener.diagnostic(&diagnostic, &self.files);
        }
        let text = render(&[diagnostic], &self.files, self.color);
        (self.write)(Channel::Diagnostics, &text);
    }
}

#[cfg(test)]
mod tests {
    use netscene_core::view::trace_json;

    use super::*;
    use crate::NoFolder;

    /// Hears so many flows, and no more.
    struct Hears {
        most: usize,
        heard: Vec<(Option<String>, String)>,
    }

    impl Listener for Hears {
        fn flow(&mut self, test: Option<&str>, flow: &Arc<Flow>) -> ControlFlow<()> {
            self.heard.push((test.map(str::to_owned), flow.name.clone()));
            if self.heard.len() == self.most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }

        fn diagnostic(&mut self, _: &Diagnostic, _: &SourceFiles) {}
    }

    /// Compares the two documents of each flow.
    struct Compares {
        steps: usize,
        headers: usize,
    }

    impl Listener for Compares {
        fn flow(&mut self, _: Option<&str>, flow: &Arc<Flow>) -> ControlFlow<()> {
            let whole = serde_json::to_value(trace_json::flow(flow)).unwrap();
            let mut compact = serde_json::to_value(trace_json::compact(flow)).unwrap();
            let mut list = |name| compact.as_object_mut().unwrap().remove(name).unwrap();
            let (steps, headers) = (list("steps"), list("headers"));
            let told = |list: &serde_json::Value, place: &mut serde_json::Value| {
                *place = list[usize::try_from(place.as_u64().unwrap()).unwrap()].clone();
            };
            for packet in compact["packets"].as_array_mut().unwrap() {
                for hop in packet["hops"].as_array_mut().unwrap() {
                    for step in hop["steps"].as_array_mut().unwrap() {
                        told(&steps, step);
                        self.steps += 1;
                    }
                    for header in ["before", "after"] {
                        told(&headers, &mut hop[header]);
                        self.headers += 1;
                    }
                }
            }
            self.steps -= steps.as_array().unwrap().len();
            self.headers -= headers.as_array().unwrap().len();
            assert_eq!(compact, whole);
            ControlFlow::Continue(())
        }

        fn diagnostic(&mut self, _: &Diagnostic, _: &SourceFiles) {}
    }

    #[test]
    fn what_is_told_once_is_the_same() {
        let text = "node a at 10.0.0.1\nnode b at 10.0.0.2\nnamespace default {\n  pod client on a\n  \
                    pod web on b { labels app=web; container nginx { port 80; serve http } }\n  \
                    service web { selector app=web; port 80 }\n}\n\
                    send client -> service/web:80 tcp as one\nsend client -> service/web:81 tcp as two\nping a -> b as three\n";
        let mut compares = Compares { steps: 0, headers: 0 };
        run_scenario_heard(("a.scn", text), &NoFolder, 0, &mut |_, _| {}, &mut compares);
        assert!(compares.steps > 100, "{} steps were told before", compares.steps);
        assert!(compares.headers > 10, "{} headers were told before", compares.headers);
    }

    #[test]
    fn who_has_heard_enough_ends_the_run() {
        let text = "node a at 10.0.0.1\n\
                    test \"there\" {\n  ping a -> a as one\n  log \"after one\"\n  ping a -> a as two\n  log \"after two\"\n}\n\
                    test \"again\" {\n  ping a -> a as three\n}\nlog \"the end\"\n";
        let heard = |most| {
            let (mut listener, mut printed) = (Hears { most, heard: Vec::new() }, String::new());
            let mut write = |_, text: &str| printed.push_str(text);
            run_scenario_heard(("a.scn", text), &NoFolder, 0, &mut write, &mut listener);
            let names: Vec<_> =
                listener.heard.into_iter().map(|(test, name)| format!("{}/{name}", test.unwrap_or_default())).collect();
            (names.join(" "), printed.contains("after one"), printed.contains("after two"), printed.contains("the end"))
        };
        assert_eq!(heard(1), ("there/one".to_owned(), false, false, false));
        assert_eq!(heard(2), ("there/one there/two".to_owned(), true, false, false));
        assert_eq!(heard(9), ("there/one there/two again/three".to_owned(), true, true, true));
    }
}
