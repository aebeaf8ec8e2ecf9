//! Tables that keep the order in which they were filled. They are small and asked often, and what they hash is the same on every
//! machine; the hash of std takes most of the time that a question takes, and another key in each process.

use rustc_hash::FxBuildHasher;

pub(crate) type IndexMap<K, V> = indexmap::IndexMap<K, V, FxBuildHasher>;
pub(crate) type IndexSet<T> = indexmap::IndexSet<T, FxBuildHasher>;
