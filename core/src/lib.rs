//! netscene-core: the engine.

mod origin;
mod random;
mod time;

pub mod agents;
pub mod apps;
pub mod conntrack;
pub mod kube;
pub mod net;
pub mod netfilter;
pub mod packet;
pub mod trace;
pub mod view;
pub mod world;

pub use origin::Origin;
pub use random::Random;
pub use time::Time;
