//! Locations of a server, and how nginx chooses among them (ingress-nginx, controller/location.go; nginx, `location`).

use super::Decision;
use crate::kube::{IngressPath, PathType};

/// A location block.
#[derive(Clone, Debug)]
pub(super) struct Location {
    path: String,
    kind: PathType,
    pub(super) decision: Decision,
}

/// Adds the location for a path, unless an older ingress has the same one.
pub(super) fn add(locations: &mut Vec<Location>, path: &IngressPath, decision: &Decision) {
    let same = |location: &Location| location.path == path.path && location.kind == path.path_type;
    if !locations.iter().any(same) {
        locations.push(Location { path: path.path.clone(), kind: path.path_type, decision: decision.clone() });
    }
}

/// Rewrites every path of type Prefix, as nginx compares text and not elements: `/foo` becomes `/foo/` for what is below
/// it, and an exact `/foo`, unless an ingress has that one.
pub(super) fn complete(locations: &mut Vec<Location>) {
    let mut exact = Vec::new();
    for index in 0..locations.len() {
        let Location { path, kind, decision } = &locations[index];
        if *kind != PathType::Prefix || path == "/" {
            continue;
        }
        let taken = locations.iter().any(|other| other.kind == PathType::Exact && other.path == *path);
        if !taken {
            exact.push(Location { path: path.clone(), kind: PathType::Exact, decision: decision.clone() });
        }
        if !path.ends_with('/') {
            locations[index].path.push('/');
        }
    }
    locations.extend(exact);
}

/// The location for a request: an exact one, else the one with the longest text that the path begins with.
pub(super) fn find<'a>(locations: &'a [Location], path: &str) -> Option<&'a Location> {
    let exact = locations.iter().find(|location| location.kind == PathType::Exact && location.path == path);
    exact.or_else(|| {
        let prefixes = locations.iter().filter(|location| location.kind != PathType::Exact);
        let fitting = prefixes.filter(|location| path.starts_with(&location.path));
        // Of equal ones the first counts: it is the older.
        fitting.rev().max_by_key(|location| location.path.len())
    })
}
