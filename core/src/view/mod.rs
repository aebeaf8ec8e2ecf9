//! What the tools people know would print.
