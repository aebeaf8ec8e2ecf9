//! Packets through tables: the plain walk.
