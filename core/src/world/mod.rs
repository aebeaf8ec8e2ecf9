//! The world.

mod op;

pub use op::{Choice, Op, Operation, Show, Source, Target, TargetHost, VERSION};
