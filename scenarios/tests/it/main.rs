//! Scenarios: how they are read, what they claim, and that the same seed gives the same run.

mod bad_input;
mod capsules;
mod chaos;
mod claims;
mod docs;
mod endings;
mod hunt;
mod invariants;
mod known;
mod lines;
mod shrink;
mod sweep;
