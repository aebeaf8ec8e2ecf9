//! Whether the ways that were explored are as expected.

use std::sync::Arc;

use super::explore::too_fine;
use super::judge::{is_unknown, outcome};
use super::{OpError, World};
use crate::trace::{Expectation, Flow, Judgement, Pattern, Ways};
use crate::{Fraction, view};

impl World {
    /// Compares the ways that were explored with an expectation.
    pub(super) fn judge_ways(&mut self, ways: &Arc<Ways>, expectation: &Expectation) -> Result<Judgement, OpError> {
        let Some(share) = expectation.share else {
            return Err(OpError::new(
                format!("`{}` has {} ways, and this would be expected of one", ways.name, ways.ways.len()),
                Some("write `always` or `never` before the pattern, or `with probability 1/2` behind it".into()),
            ));
        };
        let flows: Vec<&Flow> = ways.ways.iter().map(|way| &*way.flow).collect();
        self.know_names(&flows, &expectation.pattern)?;
        let mut fits = Vec::new();
        let mut unknown = None;
        for way in &ways.ways {
            fits.push(self.judge_one(&way.flow, expectation)?.held);
            if is_unknown(&way.flow) {
                unknown.get_or_insert_with(|| outcome(&way.flow));
            }
        }
        let fitting = ways.ways.iter().zip(&fits).filter(|(_, fits)| **fits).map(|(way, _)| way.probability);
        let probability = fitting.into_iter().try_fold(Fraction::ZERO, Fraction::plus);
        let probability = probability.ok_or_else(too_fine)?;
        // Of ways whose end is not known nobody can say whether they fit.
        let unsure = unknown.filter(|_| !matches!(expectation.pattern, Pattern::Unknown));
        let held = share.holds(probability) && unsure.is_none();
        let (count, all) = (fits.iter().filter(|fits| **fits).count(), fits.len());
        let actual = match unsure {
            Some(unsure) => format!("of one way {unsure}"),
            None => format!("it is so on {count} of {all} ways, with probability {probability}"),
        };
        let evidence = if held { String::new() } else { view::ways::list(ways, Some(&fits)) };
        Ok(Judgement { held, actual, evidence })
    }
}
