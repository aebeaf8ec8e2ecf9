//! The kernel suite: the same rules and packets through a real Linux kernel and through the model, event by event.
//!
//! It needs root and the packages that `tests/kernel/setup.sh` installs. Where they are missing it says so and passes; with
//! `CI=true` it fails.
//!
//! | Read | for |
//! |---|---|
//! | `topology` | the network, as data |
//! | `case` | rules and packets as a text that can be replayed |
//! | `linux`, `nflog` | the kernel's side: namespaces, and its own trace |
//! | `model` | the model's side |
//! | `event`, `compare` | the form both stories are told in, and where they part |
//! | `facts` | named scenarios, one for each fact |
#![cfg(target_os = "linux")]

mod case;
mod compare;
mod event;
mod facts;
mod generate;
mod linux;
mod model;
mod netlink;
mod nflog;
mod random;
mod ready;
mod replay;
mod topology;
mod wire;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
