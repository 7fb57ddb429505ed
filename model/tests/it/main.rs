//! The model, driven by hand: what a party hears are values, what it does is text.

mod api;
mod barrier;
mod block_events;
mod close;
mod connections;
mod coordinator;
mod ddl_once;
mod ddl_ts;
mod dispatchers;
mod downstream_is_fed;
mod etcd;
mod fence;
#[path = "../hand/mod.rs"]
mod hand;
mod journal;
mod maintainer_rules;
mod maintainers;
mod merge;
mod messages;
mod mutants;
mod node;
mod one_ddl_owner;
mod operators;
mod orchestrator;
mod policies;
mod redo;
mod reports;
mod schedulers;
mod script;
mod server;
mod single_writer;
mod sink;
mod sink_client;
mod spans;
mod upstream;
mod warnings;
