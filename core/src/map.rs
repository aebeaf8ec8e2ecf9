//! Tables that keep the order in which they were filled, without a random seed: they do the same in each process.

use rustc_hash::FxBuildHasher;

/// Values by key.
///
/// ```
/// use netscene_core::map::IndexMap;
/// let ports = IndexMap::from_iter([("web", 80), ("dns", 53)]);
/// assert_eq!(ports.keys().copied().collect::<Vec<_>>(), ["web", "dns"]);
/// ```
pub type IndexMap<K, V> = indexmap::IndexMap<K, V, FxBuildHasher>;

/// Values, each once.
///
/// ```
/// use netscene_core::map::IndexSet;
/// assert_eq!(IndexSet::from_iter(["b", "a", "b"]).len(), 2);
/// ```
pub type IndexSet<T> = indexmap::IndexSet<T, FxBuildHasher>;
