//! What of the network is broken, by places.

use rustc_hash::FxHashSet;

/// Dead namespaces and cut wires.
#[derive(Clone, Debug, Default)]
pub(super) struct Broken {
    /// Namespaces that neither send nor receive.
    pub(super) down: FxHashSet<usize>,
    /// Those of pods that are no more.
    pub(super) gone: FxHashSet<usize>,
    /// Pairs of namespaces between which no frame passes.
    pub(super) links: Vec<(usize, usize)>,
    /// Devices without carrier, each by its namespace and its place in there.
    pub(super) devices: Vec<(usize, usize)>,
}

impl Broken {
    pub(super) fn is_down(&self, place: usize) -> bool {
        self.down.contains(&place) || self.gone.contains(&place)
    }

    /// Whether a wire between two devices is cut.
    pub(super) fn between(&self, one: (usize, usize), other: (usize, usize)) -> bool {
        let pair = |&(a, b): &(usize, usize)| (a, b) == (one.0, other.0) || (b, a) == (one.0, other.0);
        self.links.iter().any(pair) || self.devices.iter().any(|device| *device == one || *device == other)
    }
}
