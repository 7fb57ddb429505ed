//! `cdcsim`, called as its users call it.

mod bad_input;
mod catalogue;
mod ci;
mod docs;
mod endings;
mod gate;
mod hunt;
mod invariants;
mod matrix;
mod pipes;
mod replay;
mod run;
mod search;
mod shrink;
mod support;
