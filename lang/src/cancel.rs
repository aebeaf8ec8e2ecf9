use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asks a run to end before it is done: between two sentences, or two steps of an island. It may be asked from another
/// thread, or from a signal's.
///
/// ```
/// use netscene_lang::Cancel;
/// let cancel = Cancel::default();
/// cancel.clone().ask();
/// assert!(cancel.is_asked());
/// cancel.forget();
/// assert!(!cancel.is_asked());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks the run to end.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// The next run begins.
    pub fn forget(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
