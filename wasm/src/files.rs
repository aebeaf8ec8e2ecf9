//! The other files of a scenario, as a page has them: a map from path to text.

use std::collections::{BTreeMap, BTreeSet};

use netscene_lang::Folder;

use crate::types::{Files, stringify};

/// Files by path.
#[derive(Default)]
pub(crate) struct Map(BTreeMap<String, String>);

impl Map {
    /// The files that a page gave.
    pub(crate) fn of(files: Option<Files>) -> Self {
        files.map_or_else(Self::default, |files| Self::read(&stringify(&files.into())))
    }

    /// The same from JSON. What is not a map of texts has no files.
    pub(crate) fn read(json: &str) -> Self {
        Self(serde_json::from_str(json).unwrap_or_default())
    }
}

impl Folder for Map {
    fn read(&self, path: &str) -> Result<String, String> {
        self.0.get(path).cloned().ok_or_else(|| "there is no such file".to_owned())
    }

    fn list(&self, path: &str) -> Result<Vec<String>, String> {
        let below = format!("{}/", path.trim_end_matches('/'));
        let inside = |name: &String| name.strip_prefix(&below).map(str::to_owned);
        let names: BTreeSet<_> = self.0.keys().filter_map(inside).filter(|name| !name.contains('/')).collect();
        if names.is_empty() { Err("there is no such folder".to_owned()) } else { Ok(names.into_iter().collect()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_a_folder() {
        let map = Map::read(r#"{"dumps/edge/b.txt":"2","dumps/edge/a.txt":"1","x.yaml":""}"#);
        assert_eq!(map.list("dumps/edge/"), Ok(vec!["a.txt".to_owned(), "b.txt".to_owned()]));
        assert_eq!(Folder::read(&map, "dumps/edge/a.txt"), Ok("1".to_owned()));
        assert!(Folder::read(&map, "none").is_err() && map.list("x.yaml").is_err());
    }
}
