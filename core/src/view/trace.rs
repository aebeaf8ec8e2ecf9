//! The story of a flow, told for people.
