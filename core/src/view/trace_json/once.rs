//! Steps that a flow takes again and again, each told once.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{StepJson, step};
use crate::netfilter::{Hook, Policy, Provenance, TableName};
use crate::trace::Step;

/// The steps that are told, and where each of them stands.
#[derive(Default)]
pub(super) struct Once<'a> {
    pub(super) steps: Vec<StepJson<'a>>,
    places: FxHashMap<Key, usize>,
}

impl<'a> Once<'a> {
    /// Where a step stands among those that are told, from 0.
    pub(super) fn place(&mut self, told: &'a Step) -> usize {
        let next = self.steps.len();
        let place = Key::of(told).map_or(next, |key| *self.places.entry(key).or_insert(next));
        if place == next {
            self.steps.push(step(told));
        }
        place
    }
}

/// What two steps have in common that are told in the same words. Names and rules are compared by where they lie: packets that
/// pass one rule share its text, and if ever they did not, it would be told twice.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Rule {
        hook: Hook,
        table: TableName,
        chain: *const str,
        number: u32,
        rule: *const str,
        marks: (u32, u32),
        by: Option<*const Provenance>,
    },
    Misses {
        hook: Hook,
        table: TableName,
        chain: *const str,
        numbers: (u32, u32),
        tried: usize,
    },
    ChainEnd {
        hook: Hook,
        table: TableName,
        chain: *const str,
        policy: Option<Policy>,
    },
}

impl Key {
    /// None for what is seldom the same twice.
    fn of(step: &Step) -> Option<Self> {
        match step {
            Step::Rule(hit) => Some(Self::Rule {
                hook: hit.hook,
                table: hit.table,
                chain: Arc::as_ptr(&hit.chain),
                number: hit.number,
                rule: Arc::as_ptr(&hit.rule),
                marks: (hit.mark, hit.mark_after),
                by: hit.provenance.as_ref().map(Arc::as_ptr),
            }),
            Step::Misses { hook, table, chain, misses } => Some(Self::Misses {
                hook: *hook,
                table: *table,
                chain: Arc::as_ptr(chain),
                numbers: (misses.first, misses.last),
                tried: misses.tried(),
            }),
            Step::ChainEnd { hook, table, chain, policy } => {
                Some(Self::ChainEnd { hook: *hook, table: *table, chain: Arc::as_ptr(chain), policy: *policy })
            }
            _ => None,
        }
    }
}
