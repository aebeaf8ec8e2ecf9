//! Network namespaces: interfaces, the FIB, neighbours, and the path of a packet through all of it.

pub mod fib;
