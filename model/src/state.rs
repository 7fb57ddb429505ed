//! States as lines for people and for decision vectors: a line for each thing that is there, and behind it what is
//! special about it.

use std::fmt::Write;

/// The names of what is so, each behind a space.
pub(crate) fn flags(all: &[(bool, &str)]) -> String {
    all.iter().filter(|(is_so, _)| *is_so).map(|(_, name)| format!(" {name}")).collect()
}

/// Values with commas between them.
pub(crate) fn list<T: std::fmt::Display>(values: impl IntoIterator<Item = T>) -> String {
    let mut text = String::new();
    for value in values {
        let comma = if text.is_empty() { "" } else { ", " };
        write!(text, "{comma}{value}").expect("text can be written");
    }
    text
}
