//! The kernel, on machines made for the tests.

mod connections;
mod determinism;
mod hosts;
mod network;
#[path = "../support/mod.rs"]
mod support;
