//! What can be wrong with what a user gives: where it is, what is wrong, and what would be right.

use std::fmt;

/// Bad input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Where: a file with line and column, or an argument.
    pub at: String,
    /// What is wrong, and what would be right. May have several lines.
    pub what: String,
}

impl Error {
    /// Something wrong somewhere.
    pub fn new(at: impl Into<String>, what: impl Into<String>) -> Error {
        Error { at: at.into(), what: what.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

impl std::error::Error for Error {}

/// The possibility that is most like what was written, if any is near enough to be meant.
pub(crate) fn nearest<'a>(written: &str, among: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = among.into_iter().map(|one| (distance(written, one), one));
    scored.min().filter(|(distance, one)| *distance <= one.len().max(written.len()) / 3).map(|(_, one)| one)
}

/// How many single letters have to be changed, added or left out (Levenshtein), without regard to case.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (n, letter) in one.to_lowercase().chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], n + 1);
        for (m, there) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *there);
            diagonal = row[m + 1];
            row[m + 1] = changed.min(row[m] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

/// `a, b or c`, for telling what would be right.
pub(crate) fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.into_iter().collect();
    match names.pop() {
        None => "nothing".to_owned(),
        Some(last) if names.is_empty() => last.to_owned(),
        Some(last) => format!("{} or {last}", names.join(", ")),
    }
}

/// What to say of a name that is none of the known ones.
pub(crate) fn unknown<'a>(
    what: &str,
    written: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    match nearest(written, known.clone()) {
        Some(hint) => format!("`{written}` is no {what}; did you mean `{hint}`?"),
        None => format!("`{written}` is no {what}; there is {}", one_of(known)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_found() {
        let names = ["baseline", "master"];
        assert_eq!(nearest("basline", names), Some("baseline"));
        assert_eq!(nearest("Master", names), Some("master"));
        assert_eq!(nearest("quiet", names), None);
        assert_eq!(unknown("policy", "x", names), "`x` is no policy; there is baseline or master");
    }
}
