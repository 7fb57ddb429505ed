//! What the reports print.

mod json;
mod summary;
mod support;
mod trace;
mod why;
