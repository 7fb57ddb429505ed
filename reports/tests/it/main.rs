//! What the reports print.

mod catalogue;
mod json;
mod summary;
mod support;
mod trace;
mod why;
