//! Tables that keep the order in which they were filled. What they hash is the same in each process, and soon hashed.

use rustc_hash::FxBuildHasher;

pub(crate) type IndexMap<K, V> = indexmap::IndexMap<K, V, FxBuildHasher>;
pub(crate) type IndexSet<T> = indexmap::IndexSet<T, FxBuildHasher>;
