use std::fmt;

/// Why a packet was dropped, told by what was around: data beside the [reason](super::DropReason), for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The cause, in one sentence without a full stop: which service has no pods, which route leads elsewhere.
    pub cause: String,
    /// What would let the packet through, as what follows "it would pass if"; nothing where that is not known.
    pub cure: Option<String>,
}

impl Why {
    /// A cause, and what would cure it.
    pub fn new(cause: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { cause: cause.into(), cure: Some(cure.into()) }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)?;
        self.cure.as_ref().map_or(Ok(()), |cure| write!(f, "; it would pass if {cure}"))
    }
}
