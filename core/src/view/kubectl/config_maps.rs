//! Config maps.

use super::sheet::Sheet;
use super::table::{Columns, Row};
use super::{Cluster, key};
use crate::kube::{ConfigMap, Declared};

pub(super) const COLUMNS: Columns = Columns { usual: &["DATA", "AGE"], wide: &[] };

pub(super) fn rows(cluster: Cluster<'_>) -> Vec<Row> {
    let row = |declared: &Declared<ConfigMap>| {
        let map = &declared.object;
        let usual = vec![map.data.len().to_string(), cluster.age(declared.created)];
        Row { labels: map.labels.clone(), ..Row::new(&map.namespace, &map.name, usual) }
    };
    cluster.state.config_maps().map(row).collect()
}

pub(super) fn describe(cluster: Cluster<'_>, of: &str) -> Option<Sheet> {
    let mut maps = cluster.state.config_maps().map(|declared| &declared.object);
    let map = maps.find(|map| key(&map.namespace, &map.name) == of)?;
    let mut sheet = Sheet::default();
    sheet.field("Name", &map.name);
    sheet.field("Namespace", &map.namespace);
    sheet.labels("Labels", &map.labels);
    sheet.annotations(cluster, &map.annotations);
    sheet.line("\nData\n====");
    for (name, text) in &map.data {
        sheet.line(&format!("{name}:\n----\n{text}"));
    }
    if cluster.is_recent() {
        sheet.line("\nBinaryData\n====\n");
    }
    sheet.events();
    Some(sheet)
}
