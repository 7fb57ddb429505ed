//! `cdcsim`, called as its users call it.

mod bad_input;
mod docs;
mod hunt;
mod matrix;
mod pipes;
mod replay;
mod run;
mod search;
mod shrink;
mod support;
