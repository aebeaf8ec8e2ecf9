/// The candidate nearest to `word`, if one is near enough to have been meant: at most a third of its letters differ.
///
/// ```
/// use netscene_core::did_you_mean;
/// assert_eq!(did_you_mean("staus", ["status", "body"]), Some("status"));
/// assert_eq!(did_you_mean("colour", ["status", "body"]), None);
/// ```
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (lower, letters) = (word.to_lowercase(), word.chars().count());
    let near = candidates.into_iter().filter(|candidate| *candidate != word).filter_map(|candidate| {
        // Of a short word one letter may differ; but a single letter is near everything.
        let most = (word.len().max(candidate.len()) / 3).max(1);
        // Every letter too many is a difference: no need to look at the letters.
        if letters.abs_diff(candidate.chars().count()) > most {
            return None;
        }
        let distance = strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
        (distance <= most && word.len() > 1 || distance == 0).then_some((distance, candidate))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_of_two_letters_is_one_mistake() {
        assert_eq!(did_you_mean("ta", ["at", "as"]), Some("at"));
        assert_eq!(did_you_mean("slector", ["selector", "port"]), Some("selector"));
        assert_eq!(did_you_mean("clusterip", ["clusterIP"]), Some("clusterIP"));
        assert_eq!(did_you_mean("x", ["as"]), None);
        // As near as `crop`, but longer: more of it may differ.
        assert_eq!(did_you_mean("cross", ["crop", "crosses"]), Some("crosses"));
    }
}
