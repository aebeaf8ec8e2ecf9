//! Where a walk goes on when a chain has ended: the kernel's jump stack (`ipt_do_table`).

use super::{ChainId, Table};

/// As deep as agents' rules nest jumps, so that most walks allocate nothing. Most of the time of a short walk went into
/// clearing an array for many more.
const NEAR: usize = 8;

/// The most chains that a packet may enter in one table at one hook. The kernel has no such bound, but refuses rules that
/// jump in a circle; rules that were not loaded through its checks may have one.
pub const MAX_ENTERED: u32 = 1 << 20;

/// The calling chains, each with the place of the rule that is next in it.
#[derive(Clone, Debug)]
pub(super) struct Callers {
    near: [(ChainId, usize); NEAR],
    far: Vec<(ChainId, usize)>,
    depth: usize,
    entered: u32,
}

impl Callers {
    pub(super) const fn new() -> Self {
        Self { near: [(ChainId(0), 0); NEAR], far: Vec::new(), depth: 0, entered: 0 }
    }

    /// Notes that a chain is entered; with `back`, from where. `Err` names the bound that is passed.
    pub(super) fn enter(&mut self, back: Option<(ChainId, usize)>, table: &Table) -> Result<(), String> {
        self.entered += 1;
        if self.entered > MAX_ENTERED {
            return Err(format!("more than {MAX_ENTERED} chains are entered in table {}", table.name));
        }
        let Some(back) = back else { return Ok(()) };
        match self.near.get_mut(self.depth) {
            Some(slot) => *slot = back,
            // As deep as there are chains, one of them is its own caller.
            None if self.depth >= table.size() => {
                return Err(format!("jumps nest deeper than the {} chains of table {}", table.size(), table.name));
            }
            None => self.far.push(back),
        }
        self.depth += 1;
        Ok(())
    }

    /// Back to the caller; `None` from a built-in chain.
    pub(super) fn leave(&mut self) -> Option<(ChainId, usize)> {
        self.depth = self.depth.checked_sub(1)?;
        if self.depth < NEAR { Some(self.near[self.depth]) } else { self.far.pop() }
    }
}
