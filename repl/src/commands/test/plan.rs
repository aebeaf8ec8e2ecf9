//! What is to run: scenarios, their tests, and which of them were asked for.

use std::collections::BTreeSet;
use std::path::PathBuf;

use netscene_lang::{Outline, SourceFiles, outline_in};

use super::Arguments;
use super::find::{self, Found};
use super::golden::{self, Golden, Section};
use super::record::{self, At};
use crate::files;
use crate::folder::Disk;

/// A scenario, with what its text says of tests.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) path: PathBuf,
    /// What diagnostics call it.
    pub(super) name: String,
    pub(super) text: String,
    pub(super) outline: Outline,
    /// The expected output, if it has any.
    pub(super) golden: Option<Golden>,
    /// The place of each test.
    places: Vec<Option<At>>,
}

impl Scenario {
    /// Under what the output of a test, or of the rest of the file, is expected.
    pub(super) fn section(&self, test: Option<usize>) -> Section {
        let name = &self.outline.tests.get(test?)?.name;
        let number = self.outline.tests[..test?].iter().filter(|one| one.name == *name).count();
        Some((name.clone(), number))
    }

    /// Where a test is.
    pub(super) fn place(&self, test: Option<usize>) -> Option<At> {
        self.places.get(test?)?.clone()
    }

    /// What a test, or the rest of the file, is called: `shop.scn:12 "the shop opens"`.
    pub(super) fn title(&self, test: Option<usize>) -> String {
        match (self.place(test), test.and_then(|test| self.outline.tests.get(test))) {
            (Some(at), Some(test)) => format!("{}:{} \"{}\"", at.file, at.line, test.name),
            _ => self.name.clone(),
        }
    }
}

/// One thing to do, and to tell of: a test, or what a file says outside of its tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Item {
    /// The number of the scenario.
    pub(super) scenario: usize,
    /// The number of the test; none for the rest of the file, which comes first.
    pub(super) test: Option<usize>,
}

/// Everything that is to run, in the order in which it is told of.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) scenarios: Vec<Scenario>,
    pub(super) items: Vec<Item>,
}

impl Plan {
    /// Reads the scenarios and chooses their tests.
    ///
    /// A scenario that another one includes runs as a part of that, and not once more by itself, unless it was named.
    pub(super) fn of(arguments: &Arguments) -> Result<Self, String> {
        let mut read = Vec::new();
        for Found { path, named } in find::scenarios(&arguments.paths)? {
            let text = files::read(&path)?;
            let name = path.display().to_string();
            let mut sources = SourceFiles::default();
            let main = sources.add(&name, text.as_str());
            let outline = outline_in(&mut sources, &main, &Disk::of(&path));
            let places = outline.tests.iter().map(|test| record::place(&sources, test.span)).collect();
            let golden = golden::read(&path)?;
            read.push((named, Scenario { path, name, text, outline, golden, places }));
        }
        let included: BTreeSet<String> =
            read.iter().flat_map(|(_, scenario)| scenario.outline.includes.iter().cloned()).collect();
        let scenarios: Vec<_> = read
            .into_iter()
            .filter(|(named, scenario)| *named || !included.contains(&scenario.name))
            .map(|(_, scenario)| scenario)
            .collect();
        let mut plan = Self { scenarios, items: Vec::new() };
        plan.choose(arguments);
        Ok(plan)
    }

    fn choose(&mut self, arguments: &Arguments) {
        let mut number = 0;
        for (at, scenario) in self.scenarios.iter().enumerate() {
            let top = self.items.len();
            for (test, one) in scenario.outline.tests.iter().enumerate() {
                if !arguments.wants(&scenario.name, one) {
                    continue;
                }
                let ours = arguments.partition.is_none_or(|partition| partition.has(number));
                number += 1;
                if ours {
                    self.items.push(Item { scenario: at, test: Some(test) });
                }
            }
            // A file whose tests were all left out says nothing; one that has none is there for what else it says.
            let bare = scenario.outline.tests.is_empty() && !arguments.chooses();
            if self.items.len() > top || bare {
                self.items.insert(top, Item { scenario: at, test: None });
            }
        }
    }

    /// How many tests are to run.
    pub(super) fn tests(&self) -> usize {
        self.items.iter().filter(|item| item.test.is_some()).count()
    }
}
