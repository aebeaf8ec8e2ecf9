//! The kernel suite: the same rules and packets through a real Linux kernel and through the model, event by event.
//!
//! It needs root and the packages that `tests/kernel/setup.sh` installs. Where they are missing it says so and passes; with
//! `CI=true` it installs them, and fails where it cannot.
//!
//! | Read | for |
//! |---|---|
//! | `topology` | the network, as data |
//! | `case`, `step` | rules and packets as a text that can be replayed |
//! | `linux`, `nflog`, `nftrace`, `log` | the kernel's side: namespaces, the trace of its two packet filters, its log |
//! | `model` | the model's side |
//! | `event`, `compare` | the form both stories are told in, and where they part |
//! | `facts` | named scenarios, one for each fact |
//! | `collected` | the dumps of the node, which answer as it does |
//! | `overlay` | the same with two nodes and IP-in-IP, in a kernel that is a process |
//! | `generate`, `random` | random rules and packets, and what a failing run leaves behind |
#![cfg(target_os = "linux")]

mod case;
mod collected;
mod compare;
mod event;
mod facts;
mod generate;
mod linux;
mod log;
mod model;
mod netlink;
mod nflog;
mod nftrace;
mod overlay;
mod random;
mod ready;
mod replay;
mod step;
mod topology;
mod wire;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
