//! What the reports print.

mod catalogue;
mod gate;
mod json;
mod summary;
mod support;
mod trace;
mod why;
