//! `cdcsim`, called as its users call it.

mod bad_input;
mod catalogue;
mod ci;
mod docs;
mod hunt;
mod invariants;
mod matrix;
mod pipes;
mod replay;
mod run;
mod shrink;
mod support;
