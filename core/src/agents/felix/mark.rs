//! The mark bits of `IptablesMarkMask` 0xffff0000, the lowest first (felix, markbits), and the words of rules about them.

/// A policy or profile has accepted the packet.
pub(super) const ACCEPT: u32 = 0x10000;
/// A policy has left the decision to the profiles. No Kubernetes policy does.
pub(super) const PASS: u32 = 0x20000;
/// In raw: the packet comes from a pod. In a policy's chain: all that could not be said in one rule has held so far.
pub(super) const SCRATCH: u32 = 0x40000;
/// In a policy's chain, for a part of that; rules of Kubernetes policies need but the first.
pub(super) const SCRATCH_1: u32 = 0x80000;
/// All bits that rules may use for a while.
pub(super) const ALL: u32 = 0xf0000;

/// The match: `bits` are set.
pub(super) fn marked(bits: u32) -> String {
    format!("-m mark --mark {bits:#x}/{bits:#x}")
}

/// The match: none of `bits` is set.
pub(super) fn unmarked(bits: u32) -> String {
    format!("-m mark --mark 0/{bits:#x}")
}

/// The target: set `bits`.
pub(super) fn set(bits: u32) -> String {
    format!("--jump MARK --set-mark {bits:#x}/{bits:#x}")
}

/// The target: clear `bits`.
pub(super) fn clear(bits: u32) -> String {
    format!("--jump MARK --set-mark 0/{bits:#x}")
}
