//! Scenarios: how they are read, what they claim, and that the same seed gives the same run.

mod bad_input;
mod claims;
mod docs;
mod lines;
mod shrink;
mod sweep;
